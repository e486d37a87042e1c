"""Every address of the URL map, for everybody: right, and another's thing looks like none."""

import uuid
from dataclasses import dataclass

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from tests.conftest import HTMX
from tests.factories import AudioFileFactory, finish, rendition, standing, told
from tests.fakes import MemoryStorage
from webapp.models import AudioFile, User
from webapp.news import JobStatus
from webapp.services import library, uploads

# Amazon signs what it sends there, and no browser does: it wants no token.
SIGNED = "/transcode-complete/"
# What a visitor may ask for, and the status of the answer.
FOR_ANYBODY = {
    ("GET", "/"): 302,
    ("GET", "/auth/login"): 200,
    ("POST", "/auth/login"): 422,
    ("GET", "/auth/register"): 200,
    ("POST", "/auth/register"): 422,
    ("POST", "/auth/logout"): 303,
    ("POST", SIGNED): 403,
    ("GET", "/healthz"): 200,
    ("GET", "/readyz"): 200,
    ("GET", "/static/app.css"): 200,
}
# What the owner gets from a form that is sent empty.
EMPTY_FORM = {
    "/files/": 400,
    "/files/selected": 400,
    "/account/password": 422,
    "/account/preferences": 422,
    "/notifications/dismiss": 303,
    "/notifications/restore": 303,
}


NOBODYS = uuid.uuid4()
# Twice is no error there, so what is not there is none either.
DELETES = ("<uuid:file_id>/delete", "<uuid:upload_id>/delete")


@dataclass(frozen=True)
class Address:
    """One method of one rule."""

    method: str
    rule: str

    def of(self, file_id: object, notification_id: object, upload_id: object = NOBODYS) -> str:
        """The address with the ids put in."""
        path = self.rule.replace("<uuid:file_id>", str(file_id)).replace("<preset>", "wav")
        path = path.replace("<uuid:upload_id>", str(upload_id)).replace("<int:number>", "1")
        return path.replace("<int:notification_id>", str(notification_id)).replace("<path:filename>", "app.css")

    @property
    def names_a_thing(self) -> bool:
        return "<uuid:" in self.rule or "<int:" in self.rule


def addresses(app: Flask) -> list[Address]:
    """All of the app's."""

    def methods(rule: Rule) -> list[str]:
        return sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})

    return [Address(method, rule.rule) for rule in app.url_map.iter_rules() for method in methods(rule)]


@pytest.fixture
def song(alice: User, storage: MemoryStorage) -> AudioFile:
    """A file of which one rendition is ready and one failed."""
    file = AudioFileFactory(owner=alice, presets=("wav", "flac"))
    finish(file.job, JobStatus.COMPLETE, "wav")
    finish(file.job, JobStatus.ERROR, "flac", error="no")
    for key in (file.key, rendition(file, "wav").key):
        storage.put(key, [b"ten bytes!"])
    return file


@pytest.fixture
def upload_id(song: AudioFile) -> uuid.UUID:
    """An upload of Alice's of which nothing has come."""
    return uploads.begin(song.owner, "next.wav", 5, ["wav"])[0].id


@pytest.mark.parametrize("has_tokens", [True, False])
def test_a_visitor_gets_only_what_is_for_anybody(
    app: Flask, visitor: FlaskClient, song: AudioFile, upload_id: uuid.UUID, *, has_tokens: bool
) -> None:
    app.config["WTF_CSRF_ENABLED"] = has_tokens
    note_id = told(song.owner)[0].id

    for address in addresses(app):
        path = address.of(song.id, note_id, upload_id)
        answer = visitor.open(path, method=address.method)
        expected = FOR_ANYBODY.get((address.method, path))
        if expected:
            if has_tokens and address.method == "POST" and path != SIGNED:
                expected = 400  # the token is looked for first
            assert (answer.status_code, address) == (expected, address)
        elif address.method == "GET" and not path.startswith("/uploads"):
            assert (answer.status_code, address) == (302, address)
            assert answer.location.startswith("/auth/login?next=/")
        else:
            assert (answer.status_code, address) == (401, address)
    assert len(standing(song.owner)) == 1
    assert library.find(song.owner, song.id).job.attempt == 1


def test_a_visitors_htmx_is_sent_to_the_sign_in_and_json_is_told(
    app: Flask, visitor: FlaskClient, song: AudioFile
) -> None:
    for address in addresses(app):
        path = address.of(song.id, 1)
        if (address.method, path) in FOR_ANYBODY:
            continue
        by_htmx = visitor.open(path, method=address.method, headers=HTMX)
        assert (by_htmx.status_code, by_htmx.headers["HX-Redirect"][:12]) == (401, "/auth/login?")
        by_json = visitor.open(path, method=address.method, headers={"Accept": "application/json"})
        assert (by_json.status_code, by_json.get_json()["error"]) == (401, "NotSignedIn")


def test_another_users_thing_looks_like_none(
    app: Flask, as_bob: FlaskClient, song: AudioFile, upload_id: uuid.UUID
) -> None:
    note_id = told(song.owner)[0].id
    asked = [address for address in addresses(app) if address.names_a_thing]
    assert len(asked) > 10

    for address in asked:
        form = {"name": "mine now", "presets": "mp3-192"}
        theirs = as_bob.open(address.of(song.id, note_id, upload_id), method=address.method, data=form)
        absent = as_bob.open(address.of(uuid.uuid4(), 987654), method=address.method, data=form)
        assert (theirs.status_code, address) == (absent.status_code, address)
        assert theirs.status_code == (303 if address.method == "POST" and address.rule.endswith(DELETES) else 404)
        assert without_number(theirs.text) == without_number(absent.text)

    file = library.find(song.owner, song.id)
    assert (file.name, file.job.attempt, len(file.renditions)) == ("song.wav", 1, 2)
    assert len(standing(song.owner)) == 1
    assert uploads.find(song.owner, upload_id).is_open


def without_number(page: str) -> str:
    """The page without the request's number and the token, which differ each time."""
    for before, after in (
        ("<code>", "</code>"),
        ('"request_id":"', '"'),
        ('csrf-token" content="', '"'),
        ('X-CSRFToken": "', '"'),
    ):
        head, _, tail = page.partition(before)
        page = head + tail.partition(after)[2]
    return page


def test_the_owner_gets_everything(app: Flask, alice: User, storage: MemoryStorage, as_alice: FlaskClient) -> None:
    for address in addresses(app):
        file = AudioFileFactory(owner=alice, presets=("wav",))
        finish(file.job)
        for key in (file.key, rendition(file, "wav").key):
            storage.put(key, [b"ten bytes!"])
        path = address.of(file.id, told(alice)[-1].id)
        if path.startswith("/uploads"):  # what the owner gets there is in test_uploads.py
            continue
        if path.startswith(("/auth/", "/static/", SIGNED, "/healthz", "/readyz")):
            continue
        answer = as_alice.open(path, method=address.method, data={"name": "new", "presets": "mp3-192"})
        expected = EMPTY_FORM.get(path, 303) if address.method == "POST" else 200
        if path in ("/", "/account/sessions", "/files/selected") and address.method == "GET":
            expected = 302
        if path == "/files/archive.zip" or path.endswith("/spectrum.png"):  # no file is named, none was measured
            expected = 404
        assert (answer.status_code, address) == (expected, address)


def test_no_get_changes_anything_but_what_was_seen(app: Flask, as_alice: FlaskClient, song: AudioFile) -> None:
    as_alice.get(f"/files/{song.id}")
    before = song.owner.version

    for address in addresses(app):
        if address.method == "GET":
            as_alice.get(address.of(song.id, told(song.owner)[0].id))

    assert song.owner.version == before


def test_every_unsafe_address_wants_a_token(app: Flask, as_alice: FlaskClient, song: AudioFile) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    note_id = told(song.owner)[0].id

    for address in addresses(app):
        if address.method == "GET" or address.rule == SIGNED:
            continue
        for form in ({}, {"csrf_token": "of another site"}):
            answer = as_alice.open(address.of(song.id, note_id), method=address.method, data=form)
            assert (answer.status_code, address) == (400, address)

    assert as_alice.get("/files/").status_code == 200
    assert library.find(song.owner, song.id).job.attempt == 1

"""The end of an account: of the user, the sessions, the files, and of nobody else's."""

import io
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from tests.factories import AudioFileFactory, finish, rendition, sign_in
from tests.fakes import FakeTranscoder, MemoryStorage
from tests.pictures import png
from webapp.db import db, writing
from webapp.models import Attempt, AudioFile, Notification, SignIn, TranscodeJob, Upload, User
from webapp.services import passwords, removals, sweeps, uploads

PASSWORD = "a tape in the rain"


@pytest.fixture
def alice(alice: User, cheap_passwords: None) -> User:
    with writing():
        alice.password_hash = passwords.hashed(PASSWORD)
    return alice


@pytest.fixture
def files(alice: User, bob: User, storage: MemoryStorage) -> list[AudioFile]:
    """One of Alice's that is ready, one that is under way, and one of Bob's."""
    made = [AudioFileFactory(owner=owner, presets=("wav",)) for owner in (alice, alice, bob)]
    for file in (made[0], made[2]):
        finish(file.job)
        storage.put(rendition(file, "wav").key, [b"sound"])
    for file in made:
        storage.put(file.key, [b"sound"])
    with writing():
        made[0].cover_key = f"{made[0].key}.png"
    storage.put(made[0].cover_key, [b"picture"])
    return made


def count(table: type) -> int:
    db.session.rollback()
    return db.session.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def test_an_account_is_deleted_with_all_that_belongs_to_it(
    app: Flask, alice: User, bob: User, files: list[AudioFile], storage: MemoryStorage, as_alice: FlaskClient,
    as_bob: FlaskClient,
) -> None:  # fmt: skip
    elsewhere = sign_in(app.test_client(), alice)
    uploads.begin(alice, "next.wav", 5, ["wav"])
    kept = {files[2].key, rendition(files[2], "wav").key}
    assert "2 files" in as_alice.get("/account/delete").text

    answer = as_alice.post("/account/delete", data={"password": PASSWORD})

    assert (answer.status_code, answer.location) == (303, "/auth/login")
    assert "Your account is deleted." in as_alice.get("/auth/login").text
    assert [client.get("/files/").status_code for client in (as_alice, elsewhere, as_bob)] == [302, 302, 200]
    assert [count(each) for each in (User, AudioFile, Notification, SignIn, Upload)] == [1, 1, 1, 1, 0]
    assert removals.finish() == 5  # two originals, the rendition of each, and a cover
    sweeps.sweep_this_machine()
    assert (set(storage.objects), storage.open) == (kept, {})


def test_the_password_is_asked_for_and_guesses_count(alice: User, as_alice: FlaskClient) -> None:
    wrong = as_alice.post("/account/delete", data={"password": "a guess of somebody"})
    empty = as_alice.post("/account/delete", data={})

    assert (wrong.status_code, empty.status_code) == (422, 422)
    assert "The current password is wrong." in wrong.text
    assert count(Attempt) == 2
    for _ in range(9):
        as_alice.post("/account/delete", data={"password": "a guess of somebody"})
    answer = as_alice.post("/account/delete", data={"password": PASSWORD})
    assert (answer.status_code, int(answer.headers["Retry-After"]) > 0) == (429, True)
    assert count(User) == 1


def test_jobs_outside_are_stopped(
    alice: User, files: list[AudioFile], as_alice: FlaskClient, transcoder: FakeTranscoder
) -> None:
    with writing():
        db.session.execute(sa.update(TranscodeJob).values(external_id=sa.cast(TranscodeJob.attempt, sa.String)))

    as_alice.post("/account/delete", data={"password": PASSWORD})

    assert transcoder.canceled == ["1"]


# In another tab, while this one sends. Without `_of_what_went` in webapp/web/errors.py it is a 500.
@pytest.mark.parametrize("way", ["whole", "begun", "completed", "tags"])
def test_who_is_deleted_while_sending_is_told_to_sign_in(
    alice: User, files: list[AudioFile], storage: MemoryStorage, as_alice: FlaskClient, way: str
) -> None:
    upload, _ = uploads.begin(alice, "next.wav", 5, ["wav"])
    for number in range(1, upload.count + 1):
        as_alice.put(f"/uploads/{upload.id}/parts/{number}", data=b"sound")
    ways: dict[str, tuple[str, dict[str, Any]]] = {
        "whole": ("/files/", {"data": {"audio": (io.BytesIO(b"sound"), "song.wav")}}),
        "begun": ("/uploads", {"json": {"name": "other.wav", "size": 7, "presets": ["wav"]}}),
        "completed": (f"/uploads/{upload.id}/complete", {}),
        "tags": (f"/files/{files[0].id}/tags", {"data": {"title": "x", "cover": (io.BytesIO(png()), "c.png")}}),
    }
    address, sent = ways[way]
    user_id, before = alice.id, set(storage.objects)

    def leave() -> None:
        storage.on_call = lambda: None
        with writing():
            db.session.execute(sa.delete(User).where(User.id == user_id))

    storage.on_call = leave
    answer = as_alice.post(address, **sent)

    assert answer.status_code == (404 if way == "completed" else 401)
    assert way == "completed" or set(storage.objects) == before
    assert as_alice.get("/files/").status_code == 302

"""The tags and the cover on a file's page, and the form that changes them."""

import io
import json
import re

import pytest
from flask.testing import FlaskClient

from tests import pictures
from tests.conftest import HTMX
from tests.factories import AudioFileFactory
from tests.fakes import MemoryStorage
from webapp.adapters.tags import pictures as looks
from webapp.db import db
from webapp.models import AudioFile, User
from webapp.services import tagging

COVER = looks.look(pictures.png())
ASKED = {**HTMX, "HX-Target": "tagging"}


@pytest.fixture
def song(alice: User) -> AudioFile:
    return AudioFileFactory(owner=alice, tags={"title": "Für <b>Elise</b>", "comment": "one\ntwo"})


def address(file: AudioFile) -> str:
    return f"/files/{file.id}/tags"


def fresh(file: AudioFile) -> AudioFile:
    return db.session.get_one(AudioFile, file.id, populate_existing=True)


def picture(content: bytes = COVER.content) -> tuple[io.BytesIO, str]:
    return io.BytesIO(content), "cover.png"


def test_the_page_shows_tags_and_a_form_that_holds_them(as_alice: FlaskClient, song: AudioFile) -> None:
    page = as_alice.get(f"/files/{song.id}").text

    assert "<dd>Für &lt;b&gt;Elise&lt;/b&gt;</dd>" in page
    assert 'name="title" value="Für &lt;b&gt;Elise&lt;/b&gt;"' in page
    assert "one\ntwo</textarea>" in page
    assert "<img" not in page


def test_tags_are_changed_with_and_without_htmx(as_alice: FlaskClient, song: AudioFile) -> None:
    plain = as_alice.post(address(song), data={"title": "Other", "comment": "a\r\nb"})
    assert (plain.status_code, plain.location) == (303, f"/files/{song.id}")
    assert fresh(song).tags == {"title": "Other", "comment": "a\nb"}

    asked = as_alice.post(address(song), data={"title": "Third", "cover": picture()}, headers=ASKED)
    assert asked.status_code == 200
    assert 'id="tags" hx-swap-oob="true"' in asked.text
    assert 'alt="Cover of Third"' in asked.text
    assert 'value="Third"' in asked.text
    assert '<span class="saved muted">Saved.</span></summary>' in asked.text
    assert "The tags are changed." in asked.text.partition('id="status-line"')[2]
    assert "Saved." not in as_alice.get(f"/files/{song.id}").text


def test_a_form_without_changes_changes_nothing(as_alice: FlaskClient, song: AudioFile) -> None:
    page = as_alice.get(f"/files/{song.id}").text
    seen = re.search(r"name=\"seen\" value='([^']*)'", page)
    assert seen is not None
    assert json.loads(seen[1]) == song.tags

    as_alice.post(address(song), data={"title": song.tags["title"], "comment": "one\r\ntwo", "seen": seen[1]})

    assert fresh(song).tags_version == 0


def test_what_is_refused_stays_in_its_field(as_alice: FlaskClient, song: AudioFile, storage: MemoryStorage) -> None:
    bomb = {"title": "Mine <i>", "cover": picture(pictures.png(12_000, 12_000))}
    asked = as_alice.post(address(song), data=bomb, headers=ASKED)
    assert asked.status_code == 422
    assert "at most 10,000 pixels" in asked.text
    assert 'value="Mine &lt;i&gt;"' in asked.text
    assert 'open hx-swap-oob="true"' in asked.text

    plain = as_alice.post(address(song), data={"title": "x" * 501, "comment": "kept"})
    assert plain.status_code == 422
    assert "<h1" in plain.text
    assert "kept</textarea>" in plain.text

    said = as_alice.post(address(song), data={"title": "x" * 501}, headers={"Accept": "application/json"})
    assert said.get_json()["error"]
    assert fresh(song).tags == song.tags
    assert storage.objects == {}


def test_a_form_that_is_far_too_long_is_not_read(as_alice: FlaskClient, song: AudioFile) -> None:
    body = b"--x\r\n" + bytes(2 * looks.MOST_BYTES)

    assert as_alice.post(address(song), data=body, content_type="multipart/form-data; boundary=x").status_code == 413


def test_a_cover_may_be_larger_than_other_forms(as_alice: FlaskClient, song: AudioFile) -> None:
    content = pictures.png(padding=2_000_000)
    head = b'--x\r\nContent-Disposition: form-data; name="cover"; filename="c.png"\r\n\r\n'

    answer = as_alice.post(
        address(song), data=head + content + b"\r\n--x--\r\n", content_type="multipart/form-data; boundary=x"
    )

    assert answer.status_code == 303
    assert fresh(song).cover_size == len(content)


def test_sec_W6_the_cover_is_a_picture_and_nothing_else(as_alice: FlaskClient, alice: User, song: AudioFile) -> None:
    tagging.edit(alice, song.id, {}, cover=COVER)
    page = as_alice.get(f"/files/{song.id}").text
    source = re.search(r'<img class="cover" src="([^"]+)" alt="([^"]+)"', page)
    assert source is not None
    assert source[2] == "Cover of Für &lt;b&gt;Elise&lt;/b&gt;"

    answer = as_alice.get(source[1])

    assert (answer.data, answer.mimetype) == (COVER.content, "image/png")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert answer.headers["Cache-Control"] == "private, max-age=600"
    assert as_alice.get(f"/files/{song.id}/cover").headers["Cache-Control"] == "no-store"


def test_a_cover_is_taken_away(as_alice: FlaskClient, alice: User, song: AudioFile, storage: MemoryStorage) -> None:
    tagging.edit(alice, song.id, {}, cover=COVER)

    as_alice.post(address(song), data={"without_cover": "1"})

    assert storage.objects == {}
    assert as_alice.get(f"/files/{song.id}/cover").status_code == 404


def test_sec_another_users_tags_and_cover_are_not_there(
    as_bob: FlaskClient, visitor: FlaskClient, alice: User, song: AudioFile
) -> None:
    tagging.edit(alice, song.id, {}, cover=COVER)

    assert as_bob.get(f"/files/{song.id}/cover").status_code == 404
    assert as_bob.post(address(song), data={"title": "Bob's"}).status_code == 404
    assert as_bob.post(address(song), data={"title": "Bob's", "cover": picture()}).status_code == 404
    assert visitor.post(address(song), data={"title": "Nobody's"}).status_code == 401
    assert fresh(song).tags == song.tags


def test_tags_need_the_token_of_the_session(as_alice: FlaskClient, song: AudioFile) -> None:
    as_alice.application.config["WTF_CSRF_ENABLED"] = True

    assert as_alice.post(address(song), data={"title": "Forged"}).status_code == 400
    assert fresh(song).tags == song.tags


@pytest.mark.parametrize("seen", ["[" * 100_000, "9" * 10_000, "[1]", '{"title": {"a": null}}', "{"])
def test_what_the_form_says_to_have_shown_may_be_anything(as_alice: FlaskClient, song: AudioFile, seen: str) -> None:
    answer = as_alice.post(address(song), data={"title": "Other", "seen": seen})

    assert answer.status_code == 303
    assert fresh(song).tags["title"] == "Other"

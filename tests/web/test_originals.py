"""The upload form, read as it arrives."""

import io
import uuid

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.datastructures import FileStorage

from tests.conftest import HTMX
from tests.fakes import MemoryStorage
from webapp.db import db
from webapp.models import AudioFile
from webapp.news import JobStatus

SOUND = b"RIFF" + b"sound" * 50


def sound(name: str = "song.wav", content: bytes = SOUND) -> FileStorage:
    return FileStorage(io.BytesIO(content), name, content_type="audio/wav")


def files() -> list[AudioFile]:
    db.session.rollback()
    return list(db.session.scalars(sa.select(AudioFile).order_by(AudioFile.created_at)))


def multipart(*parts: tuple[str, str, bytes]) -> bytes:
    body = b""
    for name, filename, content in parts:
        tail = f'; filename="{filename}"' if filename else ""
        body += f'--X\r\nContent-Disposition: form-data; name="{name}"{tail}\r\n\r\n'.encode() + content + b"\r\n"
    return body + b"--X--\r\n"


@pytest.fixture
def guarded(app: Flask) -> Flask:
    """The app with its check of tokens on."""
    app.config["WTF_CSRF_ENABLED"] = True
    return app


def test_a_file_is_taken_and_the_list_shown(as_alice: FlaskClient) -> None:
    answer = as_alice.post("/files/", data={"audio": sound()})

    assert (answer.status_code, answer.location) == (303, "/files/")
    (file,) = files()
    assert file.job.preset_names == ["wav", "flac", "mp4"]
    assert f'data-file="{file.id}"' in as_alice.get("/files/").text


def test_htmx_gets_the_row(as_alice: FlaskClient) -> None:
    answer = as_alice.post("/files/", data={"presets": ["flac", "opus-64"], "audio": sound()}, headers=HTMX)

    (file,) = files()
    assert answer.status_code == 201
    assert f'data-file="{file.id}" data-status="submitted"' in answer.text
    assert file.job.preset_names == ["flac", "opus-64"]


def test_several_files_are_one_batch(as_alice: FlaskClient) -> None:
    as_alice.post("/files/", data={"audio": [sound("a.wav"), sound("b.wav"), sound("c.wav")]})

    assert {file.name for file in files()} == {"a.wav", "b.wav", "c.wav"}
    assert len({file.batch for file in files()}) == 1


def test_each_file_stands_alone(as_alice: FlaskClient, storage: MemoryStorage) -> None:
    sent = [sound("notes.txt", b"not audio, notes"), sound(), sound("nothing.wav", b"")]

    answer = as_alice.post("/files/", data={"audio": sent})

    assert answer.status_code == 303
    assert [file.name for file in files()] == ["song.wav"]
    page = as_alice.get("/files/").text
    assert "notes.txt: This is not audio that we can read." in page
    assert "nothing.wav: This file is empty." in page
    assert "1 file was accepted." in page
    assert len(storage.objects) == 1


@pytest.mark.parametrize(
    ("content", "status", "words"),
    [(b"not audio", 422, "not audio that we can read"), (b"", 422, "empty")],
)
@pytest.mark.parametrize("headers", [{}, HTMX, {"Accept": "application/json"}])
def test_what_is_refused_is_told_in_words(
    as_alice: FlaskClient,
    storage: MemoryStorage,
    content: bytes,
    status: int,
    words: str,
    headers: dict[str, str],
) -> None:
    answer = as_alice.post("/files/", data={"audio": sound("a<b>.wav", content)}, headers=headers)

    assert answer.status_code == status
    assert words in answer.text
    assert "<b>" not in answer.text
    assert storage.objects == {}


def test_an_unknown_format_is_refused(as_alice: FlaskClient, storage: MemoryStorage) -> None:
    answer = as_alice.post("/files/", data={"presets": "8-track", "audio": sound()})

    assert answer.status_code == 422
    assert storage.objects == {}


def test_no_file_chosen_is_told(as_alice: FlaskClient) -> None:
    assert as_alice.post("/files/", data={"audio": sound("", b"")}).status_code == 422
    assert send(as_alice, multipart(("presets", "", b"wav"))) == 422


def test_a_double_click_makes_one_file(as_alice: FlaskClient) -> None:
    once = str(uuid.uuid4())

    for _ in range(2):
        answer = as_alice.post("/files/", data={"once": once, "audio": [sound("a.wav"), sound("b.wav")]})
        assert answer.status_code == 303

    assert sorted(file.name for file in files()) == ["a.wav", "b.wav"]


def test_a_stranger_sends_nothing(visitor: FlaskClient, storage: MemoryStorage) -> None:
    assert visitor.post("/files/", data={"audio": sound()}).status_code == 401
    assert storage.objects == {}


def send(client: FlaskClient, body: bytes, *, announced: int | None = None) -> int:
    """Send a body, of which another length may have been announced, and return the status."""
    environ = {
        "CONTENT_TYPE": "multipart/form-data; boundary=X",
        "CONTENT_LENGTH": str(len(body) if announced is None else announced),
        "wsgi.input": io.BytesIO(body),
    }
    return client.post("/files/", environ_overrides=environ).status_code


def test_a_body_that_is_cut_off_is_not_kept(as_alice: FlaskClient, storage: MemoryStorage) -> None:
    body = multipart(("audio", "a.wav", SOUND))

    for length in range(60, len(body), 7):
        assert send(as_alice, body[:length], announced=len(body)) == 400

    assert storage.objects == {}
    assert files() == []


@pytest.mark.parametrize(
    "body",
    [b"", b"--X", b"nonsense", b"--X\r\nContent-Disposition: form-data\r\n\r\nx\r\n--X--", b"--X\r\n" + b"a" * 100_000],
)
def test_a_body_that_is_no_form_is_a_bad_request(as_alice: FlaskClient, body: bytes) -> None:
    assert send(as_alice, body) in (400, 422)


def test_a_form_of_another_kind_is_a_bad_request(as_alice: FlaskClient) -> None:
    assert as_alice.post("/files/", data={"a": "b"}).status_code == 400
    assert as_alice.post("/files/", json={"a": "b"}).status_code == 400


def test_fields_without_end_are_refused(as_alice: FlaskClient) -> None:
    assert send(as_alice, multipart(("presets", "", b"x" * 100_000), ("audio", "a.wav", SOUND))) == 400


@pytest.mark.parametrize(
    "body",
    [
        b"--X\r\nContent-Disposition: form-data; name=a; " + b"x" * 2_000_000,
        b"preamble" * 250_000,
        multipart(*[("presets", "", b"wav" * 1000)] * 100),
        multipart(("audio", "a.wav", SOUND)) + b"epilogue" * 250_000,
    ],
)
def test_a_form_cannot_fill_the_memory(as_alice: FlaskClient, storage: MemoryStorage, body: bytes) -> None:
    assert send(as_alice, body) == 400
    assert storage.objects == {}


def test_without_a_token_nothing_is_kept(guarded: Flask, as_alice: FlaskClient, storage: MemoryStorage) -> None:
    assert as_alice.post("/files/", data={"audio": sound()}).status_code == 400
    assert as_alice.post("/files/", data={"csrf_token": "wrong", "audio": sound()}).status_code == 400
    assert storage.objects == {}


def test_a_token_that_comes_after_the_sound_is_too_late(
    guarded: Flask, as_alice: FlaskClient, storage: MemoryStorage
) -> None:
    token = token_of(as_alice)

    assert send(as_alice, multipart(("audio", "a.wav", SOUND), ("csrf_token", "", token.encode()))) == 400
    assert storage.objects == {}
    assert send(as_alice, multipart(("csrf_token", "", token.encode()), ("audio", "a.wav", SOUND))) == 303


def test_the_token_may_come_in_a_header(guarded: Flask, as_alice: FlaskClient) -> None:
    headers = {"X-CSRFToken": token_of(as_alice)}

    assert as_alice.post("/files/", data={"audio": sound()}, headers=headers).status_code == 303


def token_of(client: FlaskClient) -> str:
    page = client.get("/files/").text
    return page.partition('name="csrf-token" content="')[2].partition('"')[0]


def test_while_the_queue_is_down_a_file_is_accepted_all_the_same(as_alice: FlaskClient, app: Flask) -> None:
    app.extensions["transcoder"].is_down = True

    assert as_alice.post("/files/", data={"audio": sound()}).status_code == 303
    assert files()[0].status is JobStatus.CREATED


def test_sec_R6_a_full_disk_is_told(as_alice: FlaskClient, storage: MemoryStorage) -> None:
    storage.free = 0

    answer = as_alice.post("/files/", data={"audio": sound()})

    assert answer.status_code == 503
    assert "no room left" in answer.text


def test_htmx_is_told_what_is_used_and_how_many_came(as_alice: FlaskClient) -> None:
    answer = as_alice.post("/files/", data={"audio": [sound("a.wav"), sound("b.wav")]}, headers=HTMX)

    assert "2 files are uploaded." in answer.text
    assert f'data-left="{20 * 1024**3 - 2 * len(SOUND)}" hx-swap-oob="true"' in answer.text
    assert "Queued, next" in answer.text


@pytest.mark.parametrize(
    ("query", "are_shown"),
    [
        ("", True),
        ("?q=&sort=newest", True),
        ("?page=1", True),
        ("?q=song", False),
        ("?sort=name", False),
        ("?page=2", False),
    ],
)
def test_what_the_list_would_not_show_is_told_with_a_way_there(
    as_alice: FlaskClient, query: str, are_shown: bool
) -> None:
    headers = HTMX | {"HX-Current-URL": f"http://localhost/files/{query}"}

    answer = as_alice.post("/files/", data={"audio": sound()}, headers=headers)

    assert answer.status_code == 201
    assert ('class="file"' in answer.text) is are_shown
    assert ("Show all files" in answer.text) is not are_shown

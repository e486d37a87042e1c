"""What each answer carries, and what it weighs."""

import dataclasses
import gzip
import io
import time

import pytest
from flask.testing import FlaskClient

from tests.conftest import HTMX
from tests.factories import AudioFileFactory
from tests.fakes import FakeTranscoder, MemoryStorage
from webapp import create_app
from webapp.config import Config
from webapp.models import User
from webapp.web import compression

GZIP = {"Accept-Encoding": "gzip, deflate, br"}


def test_a_page_is_compressed_for_whoever_can_read_that(as_alice: FlaskClient) -> None:
    plain, packed = as_alice.get("/account/"), as_alice.get("/account/", headers=GZIP)

    assert packed.headers["Content-Encoding"] == "gzip"
    assert len(packed.data) < len(plain.data) / 2
    assert gzip.decompress(packed.data).startswith(b"<!DOCTYPE html>")
    assert int(packed.headers["Content-Length"]) == len(packed.data)
    assert "Content-Encoding" not in plain.headers


@pytest.mark.parametrize("headers", [{}, GZIP, HTMX, HTMX | GZIP])
def test_a_cache_is_told_by_what_pages_differ(as_alice: FlaskClient, headers: dict[str, str]) -> None:
    for address in ("/files/", "/nowhere"):
        told = as_alice.get(address, headers=headers).headers["Vary"]

        assert sorted(told.split(", ")) == ["Accept-Encoding", "Cookie", "HX-Request"]


def test_what_is_short_is_left_as_it_is(visitor: FlaskClient) -> None:
    answer = visitor.get("/healthz", headers=GZIP)

    assert answer.json == {"status": "ok"}
    assert "Content-Encoding" not in answer.headers


def test_an_error_is_compressed_too(as_alice: FlaskClient) -> None:
    answer = as_alice.get("/nowhere", headers=GZIP)

    assert answer.status_code == 404
    assert b"There is nothing here." in gzip.decompress(answer.data)


def test_sound_is_not_compressed(as_alice: FlaskClient, alice: User, storage: object) -> None:
    file = AudioFileFactory(owner=alice)
    storage.put(file.key, [bytes(5000)])  # type: ignore[attr-defined]
    whole = as_alice.get(f"/files/{file.id}/original", headers=GZIP)
    part = as_alice.get(f"/files/{file.id}/original", headers=GZIP | {"Range": "bytes=0-999"})

    assert (whole.status_code, len(whole.data)) == (200, 5000)
    assert (part.status_code, len(part.data)) == (206, 1000)
    for answer in (whole, part):
        assert "Content-Encoding" not in answer.headers


def test_to_compress_a_list_takes_next_to_no_time(as_alice: FlaskClient, alice: User) -> None:
    for number in range(25):
        AudioFileFactory(owner=alice, name=f"song {number}.wav")
    page = as_alice.get("/files/").data
    took = []
    for _ in range(5):
        begun = time.perf_counter()
        packed = gzip.compress(page, compression.LEVEL)
        took.append(time.perf_counter() - begun)

    assert len(packed) < len(page) / 5
    assert min(took) < 0.02, took  # about a millisecond on a machine that does nothing else


def test_an_idle_poll_is_empty_and_short(as_alice: FlaskClient, alice: User) -> None:
    answer = as_alice.get(f"/alerts/poll?v={alice.version}", headers=HTMX | GZIP)

    assert (answer.status_code, answer.data) == (204, b"")
    assert "Content-Type" not in answer.headers
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Request-ID"]
    # The server adds its name and the date.
    assert len(io.StringIO(str(answer.headers)).read()) < 330


def test_a_page_may_use_what_lies_elsewhere_and_nothing_more(
    config: Config, storage: MemoryStorage, transcoder: FakeTranscoder
) -> None:
    storage.origin = "https://tapes.s3.eu-west-1.amazonaws.com"
    elsewhere = dataclasses.replace(config, static_url="https://cdn.example/static")
    app = create_app(elsewhere, storage=storage, transcoder=transcoder)

    policy = app.test_client().get("/auth/login").headers["Content-Security-Policy"].split("; ")

    assert "script-src 'self' https://cdn.example/static/" in policy
    assert "style-src 'self' https://cdn.example/static/" in policy
    assert "media-src 'self' blob: https://tapes.s3.eu-west-1.amazonaws.com" in policy
    assert "connect-src 'self' https://tapes.s3.eu-west-1.amazonaws.com" in policy
    assert "default-src 'none'" in policy

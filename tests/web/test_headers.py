"""What each answer carries, and what it weighs."""

import dataclasses
import gzip
import io
import re
import time
from collections import Counter
from typing import NoReturn

import pytest
from flask import Flask, abort
from flask.testing import FlaskClient
from werkzeug.exceptions import default_exceptions
from werkzeug.test import TestResponse

from tests.conftest import HTMX
from tests.factories import AudioFileFactory, sign_in
from tests.fakes import FakeTranscoder, MemoryStorage
from tests.web.routes import Things, known
from webapp import create_app
from webapp.config import Config
from webapp.models import User
from webapp.web import compression
from webapp.web.assets import FOLDER

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


def _policy_of(answer: TestResponse) -> dict[str, str]:
    """Each directive of the answer's CSP and what it allows."""
    directives = answer.headers["Content-Security-Policy"].split(";")
    return {name: rest for name, _, rest in (each.strip().partition(" ") for each in directives)}


LINKS = re.compile(r"/auth/(reset|sent)|<token>")


def _is_guarded(answer: TestResponse, what: str) -> None:
    """Whether the answer has all that W5 asks for."""
    headers, policy = answer.headers, _policy_of(answer)
    assert len(headers.get_all("Content-Security-Policy")) == 1, what
    assert "unsafe" not in str(policy), what
    assert (policy["default-src"], policy["frame-ancestors"]) == ("'none'", "'none'"), what
    for name, source in policy.items():
        assert not {"*", "https:", "http:"} & set(source.split()), (what, name)
    assert "data:" not in policy.get("script-src", ""), what
    assert headers["X-Content-Type-Options"] == "nosniff", what
    # Where a link's token may stand in the address, not even we are told of it.
    assert headers["Referrer-Policy"] == ("strict-origin" if LINKS.search(what) else "same-origin"), what
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin", what
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin", what
    assert headers["X-Request-ID"], what
    for name in ("Server", "X-Powered-By", "Access-Control-Allow-Origin"):
        assert name not in headers, what
    if not headers["Cache-Control"].startswith("public"):
        # What is inline is the player's: it may be kept by the listener's own browser, and is asked about each time.
        assert headers["Cache-Control"] in ("no-store", "private, no-cache"), what


def test_sec_W5_every_kind_of_answer_carries_the_headers(
    app: Flask, alice: User, as_bob: FlaskClient, visitor: FlaskClient, storage: MemoryStorage
) -> None:
    """Guards `ALWAYS`, `IF_EMPTY` and `_policy` in webapp/web/headers.py."""
    seen: Counter[str] = Counter()
    things = Things.of(alice, storage)
    for method, rule, route in known(app):
        path, as_alice = things.put_into(rule), sign_in(app.test_client(), alice)
        json = {"Accept": "application/json"}
        for client, headers in ((visitor, {}), (visitor, HTMX), (visitor, json), (as_bob, HTMX), (as_alice, {})):
            answer = client.open(path, method=method, headers=headers, **route.sent)
            _is_guarded(answer, f"{method} {rule} {headers}")
            seen[f"{answer.status_code} {answer.mimetype}"] += 1
            is_public = answer.headers["Cache-Control"].startswith("public")
            assert (is_public, path) == (path.startswith("/static/"), path)

    for kind in ("200 text/html", "200 application/json", "302 text/html", "401 application/json", "404 text/html"):
        assert seen[kind], (kind, seen)


def test_sec_W5_an_error_of_any_kind_carries_them_too(app: Flask, visitor: FlaskClient) -> None:
    """Guards that errors are answered by the handlers of webapp/web/errors.py, whose answers get the headers."""

    def fail(status: int) -> NoReturn:
        if status:
            abort(status)
        raise RuntimeError

    app.add_url_rule("/fail/<int:status>", "fail", fail)

    for status in (0, *sorted(default_exceptions)):
        for headers in ({}, HTMX, {"Accept": "application/json"}):
            answer = visitor.get(f"/fail/{status}", headers=headers)
            assert answer.status_code == (status or 500)
            _is_guarded(answer, f"{status} {headers}")
            assert answer.headers["Cache-Control"] == "no-store"
            assert "Traceback" not in answer.text


def test_sec_W5_a_download_runs_nothing_wherever_it_is_opened(
    as_alice: FlaskClient, alice: User, storage: MemoryStorage
) -> None:
    """Guards the headers that `files._download` sets (ASVS 3.2.1), for the page's own player too."""
    things = Things.of(alice, storage)
    of_file = f"/files/{things.file_id}"
    ways: tuple[tuple[dict[str, str], int], ...] = (
        ({}, 200),
        ({"Range": "bytes=0-1"}, 206),
        ({"Range": "bytes=900-"}, 416),
    )

    for address in (f"{of_file}/original", f"{of_file}/renditions/wav"):
        for query in ("", "?inline=1"):
            for headers, status in ways:
                if headers.get("If-None-Match") and "original" not in address:
                    continue
                answer = as_alice.get(address + query, headers=headers)
                assert answer.status_code == status
                _is_guarded(answer, f"{address}{query} {headers}")
                if status != 416:
                    assert "sandbox" in _policy_of(answer)
                    kind = "inline" if query else "attachment"
                    assert answer.headers["Content-Disposition"].startswith(f"{kind}; ")
                    assert str(answer.mimetype).startswith(("audio/", "video/", "application/octet-stream"))


def test_sec_W5_signing_out_clears_what_the_browser_keeps(as_alice: FlaskClient) -> None:
    """Guards Clear-Site-Data in `auth.logout` (ASVS 14.3.1)."""
    answer = as_alice.post("/auth/logout")

    assert {'"cache"', '"storage"'} <= set(answer.headers["Clear-Site-Data"].split(", "))


def test_sec_W5_under_https_cookies_are_of_this_host_and_nothing_else(config: Config, storage: MemoryStorage) -> None:
    """Guards SESSION_COOKIE_* in `_flask_settings`, and HSTS in webapp/web/headers.py."""
    app = create_app(dataclasses.replace(config, public_url="https://tapes.example"), storage=storage)
    app.config["WTF_CSRF_ENABLED"] = False
    client, form = app.test_client(), {"email": "carol@example.com", "password": "a long enough password"}
    cookies = []

    for method, path, sent in (
        ("GET", "/auth/login", {}),
        ("POST", "/auth/register", form),
        ("GET", "/files/", {}),
        ("POST", "/account/preferences", {"theme": "dark"}),
        ("POST", "/auth/logout", {}),
        ("POST", "/auth/login", form | {"remember": "y"}),
        ("POST", "/files/", {"audio": (io.BytesIO(b"RIFF"), "a.wav")}),
        ("GET", "/nowhere", {}),
        ("GET", "/static/app.css", {}),
        ("GET", "/alerts/poll?v=99", {}),
        ("GET", "/healthz", {}),
    ):
        answer = client.open(path, method=method, data=sent, base_url="https://tapes.example")
        assert answer.status_code < 500
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains", path
        cookies += answer.headers.get_all("Set-Cookie")

    assert len(cookies) >= 4
    for cookie in cookies:
        parts = {part.strip().lower() for part in cookie.split(";")[1:]}
        assert cookie.startswith("__Host-"), cookie
        assert {"secure", "httponly", "samesite=lax", "path=/"} <= parts, cookie
        assert not any(part.startswith("domain") for part in parts), cookie


def test_sec_W5_without_https_nothing_says_that_there_is(visitor: FlaskClient) -> None:
    """A header that comes over http must bind nobody to https (RFC 6797, 7.2), and the cookie must come back."""
    answer = visitor.get("/auth/login")

    assert "Strict-Transport-Security" not in answer.headers
    assert "Secure" not in answer.headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=Lax"} <= {part.strip() for part in answer.headers["Set-Cookie"].split(";")}


def test_sec_W5_the_cookie_that_a_script_sets_stays_here_too() -> None:
    """Guards the one line of app.js that sets a cookie: the browser's time zone."""
    (line,) = [line for line in (FOLDER / "app.js").read_text().splitlines() if "document.cookie =" in line]

    assert "samesite=lax" in line
    assert 'location.protocol === "https:" ? "; secure"' in line
    others = [path.name for path in FOLDER.glob("*.js") if "document.cookie" in path.read_text()]
    assert others == ["app.js"]

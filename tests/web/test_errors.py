"""Errors in the user's words, headers on every answer, and whether all is well."""

import dataclasses
import json
import logging
import sqlite3
from typing import NoReturn

import pytest
from flask import Flask, request
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError

from tests.conftest import HTMX
from tests.fakes import MemoryStorage
from webapp import create_app
from webapp.config import Config
from webapp.errors import BadRequest, Conflict, Forbidden, NotSignedIn, TooLarge, TooMany, Unavailable
from webapp.models import Notification, SignIn, User


def broken(*_: object, **__: object) -> None:
    raise RuntimeError("the secret is 42 in /srv/app.py")


def test_a_bug_shows_nothing_of_the_inside(
    as_alice: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Notification, "of", broken)

    with caplog.at_level(logging.ERROR):
        answer = as_alice.get("/notifications/")

    assert answer.status_code == 500
    assert "42" not in answer.text.replace(answer.headers["X-Request-ID"], "").partition("<main")[2]
    assert "Traceback" not in answer.text
    assert answer.headers["X-Request-ID"] in answer.text
    assert answer.headers["X-Request-ID"] in caplog.text


@pytest.mark.parametrize(
    ("said", "words"), [("database is locked", "try again in a minute"), ("database or disk is full", "no room left")]
)
def test_sec_R5_a_database_in_trouble_is_told_as_ours_to_pass(
    as_alice: FlaskClient, monkeypatch: pytest.MonkeyPatch, said: str, words: str
) -> None:
    def fail(*_: object) -> None:
        raise OperationalError("SELECT 1", {}, sqlite3.OperationalError(said))

    monkeypatch.setattr(Notification, "of", fail)

    answer = as_alice.get("/notifications/")

    assert answer.status_code == 503
    assert words in answer.text


def test_a_database_that_is_gone_leaves_a_page_for_everybody(
    as_alice: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OperationalError("SELECT 1", {}, sqlite3.OperationalError("no connection"))

    monkeypatch.setattr(SignIn, "valid", fail)
    monkeypatch.setattr(SignIn, "version", fail)

    for address, status in (("/files/", 503), ("/nowhere", 404), ("/alerts/poll?v=1", 503)):
        answer = as_alice.get(address)
        assert answer.status_code == status
        assert "<h1>" in answer.text
        assert answer.headers["Content-Security-Policy"]


def test_an_error_is_a_page_a_fragment_or_json(as_alice: FlaskClient) -> None:
    page = as_alice.get("/nowhere")
    fragment = as_alice.get("/nowhere", headers=HTMX)
    plain = as_alice.get("/nowhere", headers={"Accept": "application/json"})

    assert {page.status_code, fragment.status_code, plain.status_code} == {404}
    assert "<html" in page.text
    assert "There is nothing here." in page.text
    assert "<html" not in fragment.text
    assert '<div id="messages" hx-swap-oob="innerHTML">' in fragment.text
    assert "data-put-away" in fragment.text
    assert plain.json == {
        "error": "NotFound",
        "message": "There is nothing here.",
        "request_id": plain.headers["X-Request-ID"],
    }


@pytest.fixture
def refusing(app: Flask, as_alice: FlaskClient) -> FlaskClient:
    """Hers, of an app with a page that raises whatever error its query names."""
    plain = (BadRequest(), NotSignedIn(), Forbidden(), Conflict(), TooLarge(), Unavailable())
    named = {type(error).__name__: error for error in (*plain, TooMany(retry_after=61), RuntimeError())}

    def refuse() -> NoReturn:
        raise named[request.args["with"]]

    app.add_url_rule("/refuse", "refuse", refuse, methods=["GET", "POST"])
    return as_alice


@pytest.mark.parametrize(
    ("error", "status", "way"),
    [
        ("BadRequest", 400, 'href="/notifications/">Back to where you were'),
        ("NotSignedIn", 401, 'href="/auth/login?next=/notifications/">Sign in'),
        ("Forbidden", 403, 'href="/files/">Go to your files'),
        ("Conflict", 409, 'href="/notifications/">Back to where you were'),
        ("TooLarge", 413, 'href="/notifications/">Back to where you were'),
        ("TooMany", 429, 'href="/notifications/">Back to where you were'),
        ("RuntimeError", 500, 'href="/notifications/">Back to where you were'),
        ("Unavailable", 503, 'href="/notifications/">Back to where you were'),
    ],
)
def test_the_page_of_an_error_has_a_way_on_that_fits(refusing: FlaskClient, error: str, status: int, way: str) -> None:
    answer = refusing.post(f"/refuse?with={error}", headers={"Referer": "http://localhost/notifications/"})

    assert answer.status_code == status
    assert way in answer.text
    assert answer.headers["X-Request-ID"] in answer.text


def test_a_page_that_failed_can_be_asked_for_again(refusing: FlaskClient) -> None:
    for error in ("RuntimeError", "Unavailable"):
        assert f'href="/refuse?with={error}">Try again' in refusing.get(f"/refuse?with={error}").text


def test_what_is_too_big_is_told_with_the_limit(refusing: FlaskClient) -> None:
    assert "A file may have up to 4.3 GB." in refusing.get("/refuse?with=TooLarge").text


def test_who_has_to_wait_is_told_how_long(refusing: FlaskClient) -> None:
    answer = refusing.get("/refuse?with=TooMany")

    assert "Please try again in 2 minutes." in answer.text
    assert answer.headers["Retry-After"] == "61"


def test_another_site_is_no_way_on(refusing: FlaskClient) -> None:
    answer = refusing.post("/refuse?with=BadRequest", headers={"Referer": "https://evil.example/notifications/"})

    assert "Back to where you were" not in answer.text
    assert "evil.example" not in answer.text


def test_a_page_of_htmx_whose_token_is_old_gets_a_good_one(app: Flask, alice: User, as_alice: FlaskClient) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    stale = {"csrf_token": "of another time"}

    answer = as_alice.post("/notifications/dismiss", data=stale, headers=HTMX)

    assert answer.status_code == 400
    fresh = json.loads(answer.headers["HX-Trigger"])["fresh-token"]
    assert fresh["user"] == alice.id
    again = as_alice.post("/notifications/dismiss", data={"csrf_token": fresh["token"]}, headers=HTMX)
    assert again.status_code == 200


def test_a_stale_page_without_htmx_leads_back_to_itself(app: Flask, as_alice: FlaskClient) -> None:
    app.config["WTF_CSRF_ENABLED"] = True

    answer = as_alice.post("/notifications/dismiss", headers={"Referer": "http://localhost/files/?q=rain"})

    assert answer.status_code == 400
    assert 'href="/files/?q=rain">Back to where you were' in answer.text
    assert "HX-Trigger" not in answer.headers


def test_a_method_that_is_not_there_is_told_with_those_that_are(as_alice: FlaskClient) -> None:
    answer = as_alice.post("/healthz")

    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]


def test_a_form_without_end_is_too_big(visitor: FlaskClient) -> None:
    assert visitor.post("/auth/login", data={"email": "x" * 2_000_000}).status_code == 413


@pytest.mark.parametrize("address", ["/auth/login", "/nowhere", "/static/app.css", "/healthz", "/files/"])
def test_every_answer_carries_the_headers(visitor: FlaskClient, address: str) -> None:
    headers = visitor.get(address).headers

    assert "unsafe" not in headers["Content-Security-Policy"]
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert address.startswith("/static/") or headers["Cache-Control"] == "no-store"


def test_the_page_of_an_error_is_kept_by_nobody(as_alice: FlaskClient) -> None:
    answer = as_alice.get("/static/nope.css?v=1")

    assert (answer.status_code, answer.headers["Cache-Control"]) == (404, "no-store")


def test_the_service_is_ready_when_all_that_it_needs_answers(visitor: FlaskClient, storage: MemoryStorage) -> None:
    assert visitor.get("/healthz").json == {"status": "ok"}
    assert visitor.get("/readyz").json == {"status": "ok", "database": "ok", "storage": "ok", "broker": "ok"}

    storage.is_down = True

    answer = visitor.get("/readyz")
    assert (answer.status_code, answer.get_json()["storage"]) == (503, "unreachable")
    assert visitor.get("/healthz").status_code == 200


def test_a_broker_that_is_not_there_is_told(config: Config) -> None:
    app = create_app(dataclasses.replace(config, broker_url="amqp://127.0.0.1:1//"))

    answer = app.test_client().get("/readyz")

    assert (answer.status_code, answer.get_json()["broker"]) == (503, "unreachable")


def test_forwarded_headers_count_only_from_named_proxies(config: Config) -> None:
    seen: list[str] = []
    for trusted in ("", "10.0.0.0/8", "127.0.0.0/8"):
        app = create_app(dataclasses.replace(config, trusted_proxies=trusted))

        @app.get("/whoami")
        def whoami() -> str:
            return f"{request.remote_addr} {request.host}"

        headers = {"X-Forwarded-For": "203.0.113.5", "X-Forwarded-Host": "tapes.example"}
        seen.append(app.test_client().get("/whoami", headers=headers).text)

    assert seen == ["127.0.0.1 localhost", "127.0.0.1 localhost", "203.0.113.5 tapes.example"]


def test_a_form_that_is_refused_is_told_to_a_program_in_json(visitor: FlaskClient, as_alice: FlaskClient) -> None:
    asked = [
        (visitor, "/auth/login", {"email": "ana@example.com", "password": "not the right one"}, 422),
        (visitor, "/auth/login", {"email": "ana@example.com"}, 422),
        (visitor, "/auth/register", {"email": "none", "password": "a tape in the rain"}, 422),
        (visitor, "/auth/register", {"email": "ana@example.com", "password": "short"}, 422),
        (as_alice, "/account/password", {"current": "a tape in the rain"}, 422),
        (as_alice, "/account/presets/new/mp3", {"title": ""}, 422),
    ]
    for who, address, form, status in asked:
        answer = who.post(address, data=form, headers={"Accept": "application/json"})
        assert (answer.status_code, sorted(answer.get_json())) == (status, ["error", "message", "request_id"]), address
        assert answer.get_json()["message"]

        fragment = who.post(address, data=form, headers=HTMX)
        assert (fragment.status_code, "<html" in fragment.text) == (status, False), address

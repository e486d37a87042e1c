"""What a request says of the host and of who asks: it changes nothing, unless a proxy that we trust says it."""

import dataclasses
import re

import pytest
from flask import Flask, request
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.factories import sign_in
from tests.fakes import MemoryStorage
from tests.web.routes import SAFE, Things, known
from webapp import create_app
from webapp.config import Config
from webapp.models import User

EVIL = {
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-For": "203.0.113.5",
    "X-Forwarded-Port": "443",
    "X-Forwarded-Prefix": "/evil",
    "X-Original-URL": "/evil",
    "X-Rewrite-URL": "/evil",
    "X-HTTP-Method-Override": "DELETE",
    "Forwarded": "for=203.0.113.5;host=evil.example;proto=https",
    "Referer": "https://evil.example/files/",
}
ODD_HOSTS = (
    *("", " ", "a b", "[::1", "user@evil.example", "evil.example:80:80", "a" * 3000, "a." * 200, "evil.example:port"),
    *("\xe9vil", "evil.example\x00", "evil.example/", "..", "-", "xn--\xff", "[evil]", '"><script>'),
)
# Where a page leads, without the query: what stands around it may tell the time.
LINK = re.compile(r'(?:href|src|action|hx-get|hx-post)="([^"?]*)')


def test_sec_W7_what_is_said_of_the_host_has_no_effect(app: Flask, alice: User, storage: MemoryStorage) -> None:
    """Guards the addresses without a host in all that we write, and `_of_http` for those that Werkzeug makes."""
    things = Things.of(alice, storage)
    # Who says that it comes by way of somebody is not told the figures: see test_metrics.py.
    paths = [things.put_into(rule) for method, rule, _ in known(app) if method in SAFE and rule != "/metrics"]
    paths += ["/files", "/account", "//auth//login", "/notifications?filter=failed", "/nowhere", "/auth/login?next=//x"]

    session = sign_in(app.test_client(), alice).get_cookie("session")
    assert session
    client = app.test_client(use_cookies=False)  # that of a test keeps a cookie for each host
    elsewhere = {"environ_overrides": {"HTTP_HOST": "evil.example"}}

    signed_in = {"Cookie": f"session={session.value}"}
    for path in paths:
        answer, usual = client.get(path, headers=EVIL | signed_in, **elsewhere), client.get(path, headers=signed_in)
        assert (answer.status_code, answer.location, path) == (usual.status_code, usual.location, path)
        assert not re.search(r"/evil|evil\.|203\.0\.113", str(answer.headers) + _text_of(answer)), path
        assert LINK.findall(_text_of(answer)) == LINK.findall(_text_of(usual)), path


def _text_of(answer: TestResponse) -> str:
    """As far as it is one: there are covers and archives too."""
    return str(answer.data, errors="replace")


@pytest.mark.parametrize("host", ODD_HOSTS)
def test_sec_W7_no_host_is_an_error_of_ours(visitor: FlaskClient, host: str) -> None:
    """Guards `PlainHost`: some of these failed before there was an answer for it."""
    for path in ("/auth/login", "/files", "/nowhere"):
        answer = visitor.get(path, environ_overrides={"HTTP_HOST": host})
        assert answer.status_code in (200, 308, 404)
        assert answer.location in (None, "/files/")


@pytest.mark.parametrize("host", ["localhost:8000", "tapes.example.", "[::1]:8000", "xn--bcher-kva.example"])
def test_a_host_stays_what_it_is(app: Flask, host: str) -> None:
    app.add_url_rule("/host", "host", lambda: request.host)

    assert app.test_client().get("/host", headers={"Host": host}).text == host


@pytest.mark.parametrize(
    ("trusted", "seen"),
    [
        ("", "127.0.0.1 http localhost"),
        ("10.0.0.0/8", "127.0.0.1 http localhost"),
        ("10.0.0.0/8, 127.0.0.0/8", "203.0.113.5 https tapes.example"),
    ],
)
def test_sec_W7_forwarded_headers_count_only_from_named_proxies(config: Config, trusted: str, seen: str) -> None:
    """Guards `TrustedProxies._is_trusted`, and that of several addresses only that which the proxy added counts."""
    app = create_app(dataclasses.replace(config, trusted_proxies=trusted))
    app.add_url_rule("/whoami", "whoami", lambda: f"{request.remote_addr} {request.scheme} {request.host}")
    headers = {
        "X-Forwarded-For": "192.0.2.66, 203.0.113.5",
        "X-Forwarded-Host": "tapes.example",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Prefix": "/evil",
    }

    assert app.test_client().get("/whoami", headers=headers).text == seen

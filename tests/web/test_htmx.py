"""Where an answer may lead: nowhere but to a page of ours."""

import io

from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import HTMX
from webapp.models import User
from webapp.services import accounts
from webapp.web import htmx

PASSWORD = "a long enough password"
# What browsers take for another site's address, or could be brought to.
ELSEWHERE = (
    *("https://evil.example", "HTTPS://evil.example", "http:evil.example", "https:/evil.example", "//evil.example"),
    *(
        "///evil.example",
        "////evil.example/%2f..",
        "/\\evil.example",
        "\\\\evil.example",
        "/\\/evil.example",
        "\\/evil.example",
    ),
    *(
        "/\t/evil.example",
        "\t//evil.example",
        "/\n/evil.example",
        " //evil.example",
        "/ /evil.example",
        "/\x00/evil.example",
    ),
    *("/\r\nSet-Cookie: a=b", "/\r\nLocation: https://evil.example", "javascript:alert(1)", "data:text/html,x"),
    *(
        "@evil.example",
        "evil.example",
        "?next=//evil.example",
        "#//evil.example",
        ".",
        "..//evil.example",
        "",
        "//",
        "/\x7f",
    ),
    *("http://localhost/files/", "//localhost/files/", "/files/\\..\\evil"),
)


def test_sec_W7_no_next_leaves_the_site(visitor: FlaskClient, as_alice: FlaskClient) -> None:
    """Guards `htmx.safe_path`, and that each `next` goes through it."""
    assert len(ELSEWHERE) >= 25
    for target in ELSEWHERE:
        assert htmx.safe_path(target) is None, target
        for address in ("/auth/login", "/auth/register"):  # who is signed in already goes on at once
            assert as_alice.get(address, query_string={"next": target}).location == "/files/"
            page = visitor.get(address, query_string={"next": target})
            assert "evil.example" not in page.text.replace("next=", "").partition("<main")[0]


def test_sec_W7_signing_in_leads_nowhere_else(app: Flask) -> None:
    """In the address as in the form."""
    accounts.add("carol@example.com", PASSWORD)
    form = {"email": "carol@example.com", "password": PASSWORD}

    for query, more in (({"next": "//evil.example"}, {}), ({}, {"next": "/\\evil.example"})):
        answer = app.test_client().post("/auth/login", query_string=query, data=form | more)
        assert (answer.status_code, answer.location) == (303, "/files/")


def test_one_goes_on_to_where_one_wanted(as_alice: FlaskClient) -> None:
    for target in ("/files/", "/notifications/?filter=failed&page=2", "/files/?q=%2F%2Fevil.example", "/a//b"):
        assert as_alice.get("/auth/login", query_string={"next": target}).location == target


def test_sec_W7_where_one_was_is_on_this_site(as_alice: FlaskClient, visitor: FlaskClient, alice: User) -> None:
    """Guards `htmx.where_one_was`."""
    for referrer in (
        "https://evil.example/account/",
        "http://localhost.evil.example/account/",
        "http://localhost@evil.example/account/",
        "http://localhost//evil.example/",
        "http://localhost/\\evil.example/",
        "http://localhost:81/account/",
        "javascript:alert(1)",
        "//evil.example",
        "http://[",
    ):
        headers = {"Referer": referrer}
        assert as_alice.post("/notifications/dismiss", headers=headers).location == "/notifications/", referrer
        assert as_alice.post("/files/selected", data={"deed": "retry"}, headers=headers).location == "/files/", referrer
        sent_on = visitor.get("/files/", headers=HTMX | headers).headers["HX-Redirect"]
        assert sent_on == "/auth/login?next=/files/", referrer
        assert "evil" not in as_alice.post("/nowhere", headers=headers).text


def test_where_htmx_says_that_it_is_may_be_nonsense(as_alice: FlaskClient) -> None:
    headers = HTMX | {"HX-Current-URL": "http://["}

    answer = as_alice.post("/files/", data={"audio": (io.BytesIO(b"RIFF"), "a.wav")}, headers=headers)

    assert answer.status_code == 201

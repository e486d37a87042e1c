"""Registering, signing in and out, and one's own account."""

import dataclasses

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from webapp import create_app
from webapp.config import Config
from webapp.services import accounts
from webapp.web import htmx

EMAIL, PASSWORD = "ana@example.com", "a tape in the rain"


def register(client: FlaskClient, *, then: str = "", **given: str) -> TestResponse:
    return client.post(f"/auth/register{then}", data={"email": EMAIL, "password": PASSWORD, **given})


def sign_in(client: FlaskClient, *, then: str = "", **given: str) -> TestResponse:
    return client.post(f"/auth/login{then}", data={"email": EMAIL, "password": PASSWORD, **given})


def is_signed_in(client: FlaskClient) -> bool:
    return client.get("/files/").status_code == 200


def test_the_first_visitor_makes_an_account_and_is_in(visitor: FlaskClient) -> None:
    assert visitor.get("/").location == "/auth/login"

    answer = register(visitor)

    assert (answer.status_code, answer.location) == (303, "/files/")
    assert is_signed_in(visitor)
    assert visitor.get("/").location == "/files/"
    assert visitor.get("/auth/login").location == "/files/"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"email": "nobody"}, "This is not an e-mail address."),
        ({"email": ""}, "Enter your e-mail address."),
        ({"password": ""}, "Choose a password."),
        ({"password": "short"}, "Use at least 12 characters."),
        ({"password": "leavemealone"}, "among the first that are tried"),
        ({"password": "x" * 300}, "Use at most 256 characters."),
    ],
)
def test_a_form_that_is_refused_comes_back_with_what_was_typed(
    visitor: FlaskClient, given: dict[str, str], words: str
) -> None:
    answer = register(visitor, **given)

    assert answer.status_code == 422
    assert words in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert f'value="{given.get("email", EMAIL)}"' in answer.text
    assert PASSWORD not in answer.text
    assert not is_signed_in(visitor)


def test_an_address_that_is_taken_is_told(visitor: FlaskClient, app: Flask) -> None:
    register(app.test_client())

    answer = register(visitor)

    assert answer.status_code == 422
    assert "There is an account with this address already." in answer.text


def test_where_accounts_are_made_by_invitation_there_is_no_form(app: Flask, visitor: FlaskClient) -> None:
    app.extensions["settings"] = dataclasses.replace(app.extensions["settings"], registration="invite")

    assert visitor.get("/auth/register").status_code == 403
    assert register(visitor).status_code == 403


def test_wrong_and_unknown_are_told_in_the_same_words(visitor: FlaskClient, app: Flask) -> None:
    register(app.test_client())

    wrong = sign_in(visitor, password="a guess of somebody")
    unknown = sign_in(visitor, email="bob@example.com")

    assert wrong.status_code == unknown.status_code == 422
    words = "The e-mail address or the password is wrong."
    assert words in wrong.text
    assert words in unknown.text
    assert f'value="{EMAIL}"' in wrong.text


def test_after_ten_wrong_passwords_one_waits(visitor: FlaskClient, app: Flask) -> None:
    register(app.test_client())
    for _ in range(10):
        sign_in(visitor, password="a guess of somebody")

    answer = sign_in(visitor)

    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0


def test_signing_out_ends_the_session_whatever_copy_of_the_cookie_there_is(visitor: FlaskClient, app: Flask) -> None:
    register(visitor)
    thief = app.test_client()
    cookie = visitor.get_cookie("session")
    assert cookie
    thief.set_cookie("session", cookie.value)
    assert is_signed_in(thief)

    answer = visitor.post("/auth/logout")

    assert (answer.status_code, answer.location) == (303, "/auth/login")
    assert not is_signed_in(visitor)
    assert not is_signed_in(thief)
    assert thief.get("/alerts/poll?v=1").status_code == 302


def test_a_session_that_was_there_before_is_not_kept(visitor: FlaskClient) -> None:
    with visitor.session_transaction() as session:
        session["_user_id"] = "planted"
        session["note"] = "planted"

    register(visitor)

    with visitor.session_transaction() as session:
        assert session["_user_id"] != "planted"
        assert "note" not in session


def test_who_wants_to_be_remembered_gets_a_cookie_that_lasts(visitor: FlaskClient, app: Flask) -> None:
    register(app.test_client())

    assert "Expires" not in sign_in(app.test_client()).headers["Set-Cookie"]
    remembered = sign_in(visitor, remember="y").headers["Set-Cookie"]

    assert "Expires" in remembered
    assert "HttpOnly" in remembered
    assert "SameSite=Lax" in remembered


def test_a_new_password_signs_out_everywhere_else(visitor: FlaskClient, app: Flask) -> None:
    register(visitor)
    elsewhere = app.test_client()
    sign_in(elsewhere)

    wrong = visitor.post("/account/password", data={"current": "no", "password": "another tape in the rain"})
    weak = visitor.post("/account/password", data={"current": PASSWORD, "password": "short"})
    answer = visitor.post("/account/password", data={"current": PASSWORD, "password": "another tape in the rain"})

    assert (wrong.status_code, weak.status_code) == (422, 422)
    assert (answer.status_code, answer.location) == (303, "/account/")
    assert "Your password is changed." in visitor.get("/account/").text
    assert is_signed_in(visitor)
    assert not is_signed_in(elsewhere)
    assert sign_in(app.test_client()).status_code == 422


def test_an_account_that_is_switched_off_is_out_at_once(visitor: FlaskClient, app: Flask) -> None:
    register(visitor)

    accounts.disable(EMAIL)

    assert not is_signed_in(visitor)


def test_one_comes_back_to_where_one_wanted_to_go(visitor: FlaskClient, app: Flask) -> None:
    asked = visitor.get("/notifications/?filter=failed").location
    assert asked == "/auth/login?next=/notifications/?filter%3Dfailed"

    assert register(visitor, then=asked.removeprefix("/auth/login")).location == "/notifications/?filter=failed"


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil.example", "/\tevil", "\t//evil.example",
        "http:evil.example", "javascript:alert(1)", "///evil.example", "/\r\nSet-Cookie: a=b", " //evil.example",
        "https:/evil.example", "/\x00", "//evil.example/%2f..", "\n/evil", "/ evil", "http://localhost/files/", "",
        "//", "/\x7f", "data:text/html,x", "/\\/evil.example", "@evil.example", "?x", "evil",
    ],
)  # fmt: skip
def test_nobody_is_sent_to_another_site(visitor: FlaskClient, target: str) -> None:
    assert htmx.safe_path(target) is None
    answer = visitor.post("/auth/register", query_string={"next": target}, data={"email": EMAIL, "password": PASSWORD})
    assert answer.location == "/files/"


def test_under_https_the_cookie_is_bound_to_the_host(config: Config) -> None:
    app = create_app(dataclasses.replace(config, public_url="https://tapes.example"))
    client = app.test_client()

    answer = client.get("/auth/login", base_url="https://tapes.example")

    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-session=")
    assert "Secure" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")

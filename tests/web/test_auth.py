"""Registering, signing in and out, and one's own account."""

import dataclasses

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from webapp import create_app
from webapp.config import Config
from webapp.db import db
from webapp.models import User
from webapp.services import accounts
from webapp.web import htmx

EMAIL, PASSWORD = "ana@example.com", "a tape in the rain"
# What a password costs is held in services/test_accounts.py.
pytestmark = pytest.mark.usefixtures("cheap_passwords")


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

    answer = register(visitor, password="another tape in the rain")

    assert answer.status_code == 422
    assert "There is an account with this address already." in answer.text
    assert not is_signed_in(visitor)


def test_who_sends_the_form_twice_has_one_account_and_is_in(visitor: FlaskClient, app: Flask) -> None:
    register(app.test_client())

    answer = register(visitor)

    assert (answer.status_code, answer.location) == (303, "/files/")
    assert is_signed_in(visitor)
    assert db.session.scalar(sa.select(sa.func.count()).select_from(User)) == 1


def test_sec_W3_registering_is_no_way_around_the_limit_to_guessing(visitor: FlaskClient, app: Flask) -> None:
    # Guards throttle.begin in accounts.register.
    register(app.test_client())
    for number in range(10):
        assert register(visitor, password=f"a guess of somebody {number}").status_code == 422

    answer = register(visitor)

    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert not is_signed_in(visitor)
    assert sign_in(visitor).status_code == 429


def test_where_accounts_are_made_by_invitation_there_is_no_form(app: Flask, visitor: FlaskClient) -> None:
    app.extensions["settings"] = dataclasses.replace(app.extensions["settings"], registration="invite")

    assert visitor.get("/auth/register").status_code == 403
    assert register(visitor).status_code == 403
    page = visitor.get("/auth/login").text
    assert "/auth/register" not in page
    assert "Ask the administrator for an account." in page


def test_sec_W3_wrong_and_unknown_are_told_in_the_same_words(visitor: FlaskClient, app: Flask) -> None:
    register(app.test_client())

    wrong = sign_in(visitor, password="a guess of somebody")
    unknown = sign_in(visitor, email="bob@example.com")

    assert wrong.status_code == unknown.status_code == 422
    words = "The e-mail address or the password is wrong."
    assert words in wrong.text
    assert words in unknown.text
    assert f'value="{EMAIL}"' in wrong.text
    assert wrong.text.count('aria-invalid="true"') == 2


def test_sec_W3_after_ten_wrong_passwords_one_waits(visitor: FlaskClient, app: Flask) -> None:
    register(app.test_client())
    for _ in range(10):
        sign_in(visitor, password="a guess of somebody")

    answer = sign_in(visitor)

    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert "Too many attempts. Please try again in 15 minutes." in answer.text
    assert 'name="password"' in answer.text
    assert f'value="{EMAIL}"' in answer.text


@pytest.fixture
def app_with_tokens(app: Flask) -> Flask:
    app.config["WTF_CSRF_ENABLED"] = True
    return app


def token_of(page: str) -> str:
    return page.partition('name="csrf_token" value="')[2].partition('"')[0]


@pytest.mark.parametrize("address", ["/auth/login", "/auth/register"])
def test_a_form_that_was_open_for_too_long_comes_back_with_a_good_token(
    app_with_tokens: Flask, visitor: FlaskClient, address: str
) -> None:
    visitor.get(address)
    stale = {"email": EMAIL, "password": PASSWORD, "csrf_token": "of another time"}

    answer = visitor.post(f"{address}?next=/account/", data=stale)

    assert answer.status_code == 400
    assert "Please try again." in answer.text
    assert f'value="{EMAIL}"' in answer.text
    assert f'action="{address}?next=/account/"' in answer.text
    assert PASSWORD not in answer.text
    again = visitor.post(address, data=stale | {"csrf_token": token_of(answer.text)})
    assert again.status_code == (422 if address == "/auth/login" else 303)


def test_a_stale_form_of_whoever_is_signed_in_already_is_no_dead_end(
    app_with_tokens: Flask, as_alice: FlaskClient
) -> None:
    answer = as_alice.post("/auth/login", data={"csrf_token": "of another time"})

    assert answer.status_code == 400
    assert "You are signed in already." in answer.text
    assert "Go to your files" in answer.text


def test_signing_out_of_a_page_that_is_out_of_date_takes_one_more_click(
    app_with_tokens: Flask, as_alice: FlaskClient
) -> None:
    answer = as_alice.post("/auth/logout", data={"csrf_token": "of another time"})

    assert answer.status_code == 400
    assert is_signed_in(as_alice)
    assert as_alice.post("/auth/logout", data={"csrf_token": token_of(answer.text)}).status_code == 303
    assert not is_signed_in(as_alice)


def test_signing_out_of_a_session_that_is_over_leads_to_the_sign_in(
    app_with_tokens: Flask, visitor: FlaskClient
) -> None:
    answer = visitor.post("/auth/logout", data={"csrf_token": "of another time"})

    assert (answer.status_code, answer.location) == (303, "/auth/login")
    assert "Set-Cookie" not in answer.headers
    assert "Clear-Site-Data" not in answer.headers


@pytest.mark.parametrize("address", ["/auth/login", "/auth/logout", "/files/", "/nowhere"])
def test_a_form_of_another_site_does_not_replace_the_session_that_it_comes_without(
    app_with_tokens: Flask, visitor: FlaskClient, address: str
) -> None:
    answer = visitor.post(address, headers={"Sec-Fetch-Site": "cross-site"})

    assert answer.status_code >= 400
    assert "Set-Cookie" not in answer.headers


def test_a_stale_form_is_told_to_programs_as_any_other_error(app_with_tokens: Flask, visitor: FlaskClient) -> None:
    answer = visitor.post("/auth/login", headers={"Accept": "application/json"})

    assert (answer.status_code, answer.get_json()["error"]) == (400, "FormExpired")


def test_sec_W2_signing_out_ends_the_session_whatever_copy_of_the_cookie_there_is(
    visitor: FlaskClient, app: Flask
) -> None:
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


def test_sec_W2_a_session_that_was_there_before_is_not_kept(visitor: FlaskClient) -> None:
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


def test_a_password_that_is_tried_too_often_is_told_in_place(visitor: FlaskClient) -> None:
    register(visitor)
    for _ in range(10):
        visitor.post("/account/password", data={"current": "no", "password": "another tape in the rain"})

    answer = visitor.post("/account/password", data={"current": PASSWORD, "password": "another tape in the rain"})

    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert "Please try again in 15 minutes." in answer.text
    assert 'name="current"' in answer.text


def test_sec_W2_a_new_password_signs_out_everywhere_else(visitor: FlaskClient, app: Flask) -> None:
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


def test_a_new_password_that_is_sent_twice_is_changed_once(visitor: FlaskClient, app: Flask) -> None:
    register(visitor)
    twin = app.test_client()
    cookie = visitor.get_cookie("session")
    assert cookie
    twin.set_cookie("session", cookie.value)
    form = {"current": PASSWORD, "password": "another tape in the rain"}

    first, second = (client.post("/account/password", data=form) for client in (visitor, twin))

    assert (first.status_code, second.status_code) == (303, 401)
    assert 'href="/auth/login">Sign in' in second.text
    assert sign_in(twin, password=form["password"]).status_code == 303


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

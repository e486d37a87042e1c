"""Sessions: listed, ended by their user, and ended by themselves."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import HTMX
from tests.factories import sign_in
from webapp.db import db, utcnow, writing
from webapp.models import SignIn, User
from webapp.services import accounts, sign_ins
from webapp.web import agents

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def age(*, begun: timedelta = timedelta(), used: timedelta = timedelta()) -> None:
    """Let every session have begun, and have been used last, so long ago."""
    with writing():
        db.session.execute(sa.update(SignIn).values(created_at=utcnow() - begun, used_at=utcnow() - used))


def is_in(client: FlaskClient) -> bool:
    return client.get("/account/").status_code == 200


def polls(client: FlaskClient) -> int:
    return client.get("/alerts/poll?v=-1", headers=HTMX).status_code


def led_from_files(client: FlaskClient) -> str:
    """The page that whoever is not signed in gets instead of the list."""
    return client.get(client.get("/files/").location or "/nowhere").text


@pytest.fixture
def elsewhere(app: Flask, alice: User) -> FlaskClient:
    """Another session of Alice's."""
    return sign_in(app.test_client(), alice)


def id_of(client: FlaskClient) -> int:
    with client.session_transaction() as session:
        token = session["_user_id"]
    found = db.session.scalar(SignIn.valid(token))
    assert found
    return found.id


@pytest.mark.parametrize(
    ("begun", "used", "lasts"),
    [(179, 0, True), (181, 0, False), (60, 29, True), (60, 31, False)],
)
def test_sec_W2_a_session_ends_by_its_age_and_by_lying_idle(
    as_alice: FlaskClient, begun: int, used: int, *, lasts: bool
) -> None:
    # Guards _lasts and _VERSION in models/sign_in.py: for pages and for the poll.
    age(begun=timedelta(days=begun), used=timedelta(days=used))

    assert polls(as_alice) == (200 if lasts else 401)
    assert is_in(as_alice) is lasts


def test_sec_W2_to_use_a_page_is_activity_and_a_poll_is_none(alice: User, as_alice: FlaskClient) -> None:
    # Guards the line with POLL in web/auth.py. A poll that has something to tell loads the user like a page.
    age(used=timedelta(days=29))

    assert [polls(as_alice) for _ in range(2)] == [200, 200]
    assert as_alice.get(f"/alerts/poll?v={alice.version}", headers=HTMX).status_code == 204
    assert sign_ins.standing(alice)[0].used_at < utcnow() - timedelta(days=28)

    assert is_in(as_alice)
    assert sign_ins.standing(alice)[0].used_at > utcnow() - timedelta(hours=1)


def test_that_a_session_is_used_is_not_written_for_each_page(alice: User, as_alice: FlaskClient) -> None:
    age(used=timedelta(minutes=4))
    before = sign_ins.standing(alice)[0].used_at

    assert is_in(as_alice)

    assert sign_ins.standing(alice)[0].used_at == before


def test_sec_W2_a_captured_cookie_is_worth_nothing_once_its_session_has_ended(
    app: Flask, alice: User, as_alice: FlaskClient, elsewhere: FlaskClient
) -> None:
    assert as_alice.post(f"/account/sessions/{id_of(elsewhere)}/end").status_code == 303
    assert not is_in(elsewhere)
    assert polls(elsewhere) == 401

    third = sign_in(app.test_client(), alice)
    assert as_alice.post("/account/sessions/end").location == "/account/sessions"
    assert not is_in(third)
    assert is_in(as_alice)

    accounts.disable(alice.email)
    assert not is_in(as_alice)
    assert polls(as_alice) == 401


def test_another_users_session_cannot_be_ended_and_looks_like_none(as_alice: FlaskClient, as_bob: FlaskClient) -> None:
    theirs, absent = (as_bob.post(f"/account/sessions/{each}/end") for each in (id_of(as_alice), 987654))

    assert (theirs.status_code, absent.status_code) == (404, 404)
    assert is_in(as_alice)
    as_bob.post("/account/sessions/end")
    assert is_in(as_alice)


def test_sessions_are_listed_in_plain_words(app: Flask, alice: User, as_alice: FlaskClient, bob: User) -> None:
    accounts.sign_in(alice, address="192.0.2.7", agent=FIREFOX)
    accounts.sign_in(bob, address="192.0.2.99", agent=FIREFOX)

    page = as_alice.get("/account/sessions").text

    assert "Firefox on Linux" in page
    assert "192.0.2.7<" in page
    assert "192.0.2.99" not in page
    assert page.count("This one, now") == 1
    assert "Sign out everywhere else" in page
    assert "Mozilla" not in page


def test_sec_W2_rows_of_sessions_that_are_over_are_removed(alice: User, as_alice: FlaskClient) -> None:
    age(used=timedelta(days=31))
    accounts.sign_in(alice, address="", agent="")

    sign_ins.forget_old()

    assert db.session.scalar(sa.select(sa.func.count()).select_from(SignIn)) == 1


def test_who_is_led_to_the_sign_in_is_told_that_the_session_has_ended(
    visitor: FlaskClient, as_alice: FlaskClient
) -> None:
    words = "Your session has ended. Please sign in again."
    age(used=timedelta(days=31))

    page = led_from_files(as_alice)
    assert words in page
    assert "alice" not in page
    assert words not in as_alice.get("/auth/login").text

    assert words not in led_from_files(visitor)
    as_alice.post("/auth/logout")
    assert words not in led_from_files(as_alice)


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (FIREFOX, "Firefox on Linux"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/19.0 Safari/605.1.15", "Safari on macOS"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) CriOS/150.0 Safari/604.1", "Chrome on iPhone"),
        ("Mozilla/5.0 (Linux; Android 16) Chrome/150.0 Mobile Safari/537.36", "Chrome on Android"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/150.0 Safari/537.36 Edg/150.0", "Edge on Windows"),
        ("curl/8.10", "curl"),
        ("<script>", "Another program"),
    ],
)  # fmt: skip
def test_browsers_are_called_by_their_names(app: Flask, agent: str, words: str) -> None:
    with app.test_request_context():
        assert agents.in_words(agent) == words

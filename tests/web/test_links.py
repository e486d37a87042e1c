"""What is confirmed by letter: a new password, a new account, another address. And what tells nobody who has one."""

import dataclasses
import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from tests.fakes import FakeLetters, Sent
from webapp.config import Config
from webapp.db import db, utcnow, writing
from webapp.errors import LinkDead
from webapp.models import Letter, Link, Purpose, User
from webapp.services import accounts, confirmations, links, passwords, throttle
from webapp.services import letters as post

PASSWORD, ANOTHER = "a tape in the rain", "another tape in the rain"
pytestmark = pytest.mark.usefixtures("cheap_passwords")


@pytest.fixture
def letters() -> FakeLetters:
    return FakeLetters()


@pytest.fixture
def alice(app: Flask) -> User:
    """She has a password, as her letters are about it."""
    return accounts.add("alice@example.com", PASSWORD)


def sent(letters: FakeLetters) -> list[Sent]:
    """What has been sent since this was asked last."""
    letters.sent.clear()
    post.send_due()
    return list(letters.sent)


@contextmanager
def counted() -> Iterator[list[str]]:
    """What the database is asked meanwhile, without the values."""
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    sa.event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        sa.event.remove(db.engine, "before_cursor_execute", note)


def ask_reset(client: FlaskClient, email: str, **environ: str) -> tuple[int, str | None]:
    answer = client.post("/auth/reset", data={"email": email}, environ_overrides=environ)
    return answer.status_code, answer.location


def reset_link(client: FlaskClient, letters: FakeLetters, email: str = "alice@example.com") -> str:
    ask_reset(client, email)
    return "/" + sent(letters)[0].link


def is_in(client: FlaskClient) -> bool:
    return client.get("/account/").status_code == 200


def test_a_new_password_by_letter(
    app: Flask, visitor: FlaskClient, alice: User, as_alice: FlaskClient, letters: FakeLetters
) -> None:
    link = reset_link(visitor, letters, "Alice@Example.com")

    pages = [visitor.get(link) for _ in range(2)]
    weak = visitor.post(link, data={"password": "short"})
    answer = visitor.post(link, data={"password": ANOTHER})

    assert [page.status_code for page in pages] == [200, 200]
    assert "alice@example.com" in pages[0].text
    assert (weak.status_code, "Use at least 12 characters." in weak.text) == (422, True)
    assert (answer.status_code, answer.location) == (303, "/files/")
    assert is_in(visitor)
    assert not is_in(as_alice)
    accounts.authenticate("alice@example.com", ANOTHER, address="")
    told = sent(letters)
    assert [(each.recipient, each.subject) for each in told] == [("alice@example.com", "Your password was changed")]
    again = app.test_client().post(link, data={"password": PASSWORD})
    assert (again.status_code, "This link does not work any more" in again.text) == (404, True)


def test_a_dead_link_leads_to_a_new_one_or_to_signing_in(app: Flask) -> None:
    client, dead = app.test_client(), "x" * 43

    renewing, joining = client.get(f"/auth/reset/{dead}"), client.get(f"/auth/register/{dead}")
    app.jinja_env.globals["sends_letters"] = False  # as it is where SMTP_URL is not set
    without_letters = client.get(f"/auth/reset/{dead}")

    assert [each.status_code for each in (renewing, joining, without_letters)] == [404] * 3
    assert 'href="/auth/reset">Ask for a new link' in renewing.text
    for page in (renewing, joining, without_letters):
        assert 'href="/auth/login">Sign in' in page.text
        assert "has a slip in it" not in page.text
    assert 'href="/auth/register">Ask for a new link' in joining.text
    assert "Ask for a new link" not in without_letters.text


def test_sec_W3_who_asks_for_a_letter_learns_nothing_of_who_has_an_account(
    app: Flask, visitor: FlaskClient, alice: User, letters: FakeLetters
) -> None:
    # Guards services/confirmations.ask: it looks for no account, so text, status and time are the same.
    accounts.add("off@example.com", PASSWORD)
    accounts.disable("off@example.com")
    asked: list[str] = []

    for email in ("alice@example.com", "nobody@example.com", "off@example.com"):
        with counted() as statements:
            assert ask_reset(visitor, email) == (303, "/auth/sent/reset")
        asked.append("; ".join(statements))

    assert len(set(asked)) == 1
    assert [each.recipient for each in sent(letters)] == ["alice@example.com"]
    assert "If there is an account" in visitor.get("/auth/sent/reset").text


def test_sec_W3_registering_tells_nobody_who_has_an_account(
    app: Flask, visitor: FlaskClient, alice: User, letters: FakeLetters
) -> None:
    asked = []
    for email in ("alice@example.com", "new@example.com"):
        with counted() as statements:
            answer = visitor.post("/auth/register", data={"email": email})
        asked.append((answer.status_code, answer.location, "; ".join(statements)))

    assert asked[0] == asked[1]
    assert asked[0][:2] == (303, "/auth/sent/register")
    already, link = sent(letters)
    assert already.recipient == "alice@example.com"
    assert "You have one already" in already.text
    assert "/auth/register/" not in already.text
    assert link.recipient == "new@example.com"
    assert db.session.scalar(User.with_email("new@example.com")) is None


def test_an_account_is_made_by_its_link_once(app: Flask, visitor: FlaskClient, letters: FakeLetters) -> None:
    visitor.post("/auth/register", data={"email": "New@example.com"})
    visitor.post("/auth/register", data={"email": "new@example.com"})
    first, second = (f"/{each.link}" for each in sent(letters))

    assert 'name="password"' in visitor.get(first).text
    assert visitor.post(first, data={"password": "new@example.com"}).status_code == 422
    assert visitor.post(first, data={"password": PASSWORD}).location == "/files/"

    assert is_in(visitor)
    for link in (first, second):
        assert app.test_client().post(link, data={"password": ANOTHER}).status_code == 404
    accounts.authenticate("new@example.com", PASSWORD, address="")


def test_a_link_ends_after_an_hour_and_with_the_password(
    app: Flask, visitor: FlaskClient, alice: User, letters: FakeLetters
) -> None:
    old, link = reset_link(visitor, letters), reset_link(visitor, letters)
    with writing():
        first = sa.select(sa.func.min(Link.id)).scalar_subquery()
        db.session.execute(sa.update(Link).where(Link.id == first).values(expires_at=utcnow()))
    assert visitor.get(old).status_code == visitor.post(old, data={"password": ANOTHER}).status_code == 404
    assert visitor.get(link).status_code == 200
    lasts = db.session.scalars(sa.select(sa.func.max(Link.expires_at))).one() - utcnow()
    assert timedelta(minutes=59) < lasts <= timedelta(hours=1)

    ask_reset(visitor, alice.email)
    accounts.change_password(alice, PASSWORD, ANOTHER, address="")

    # Guards _end_letters in services/accounts.py: also what has not been sent yet.
    assert visitor.post(link, data={"password": PASSWORD}).status_code == 404
    assert [each.subject for each in sent(letters)] == ["Your password was changed"]


def test_of_two_who_use_a_link_at_once_one_has_it(app: Flask, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    # Guards links.use: the second has found the link alive too.
    token = links.make(Purpose.RESET, alice.email, alice.id).rpartition("/")[2]
    check, first = passwords.check, [PASSWORD + "!"]

    def meanwhile(password: str, email: str) -> None:
        if first:
            confirmations.reset(token, first.pop())
        check(password, email)

    monkeypatch.setattr(passwords, "check", meanwhile)

    with pytest.raises(LinkDead):
        confirmations.reset(token, ANOTHER)
    accounts.authenticate(alice.email, PASSWORD + "!", address="")


def test_a_link_is_good_for_its_purpose_alone_and_cannot_be_made_by_writing_into_the_database(
    app: Flask, visitor: FlaskClient, alice: User
) -> None:
    token = links.make(Purpose.RESET, alice.email, alice.id).rpartition("/")[2]
    with pytest.raises(LinkDead):
        confirmations.bearer_of(token, Purpose.REGISTER)
    with writing():
        forged = hashlib.sha256(b"forged").hexdigest()
        later = utcnow() + timedelta(hours=1)
        db.session.add(
            Link(purpose=Purpose.RESET, token_hash=forged, email=alice.email, user_id=alice.id, expires_at=later)
        )

    assert token not in str(db.session.execute(sa.select(Link.token_hash)).all())
    assert visitor.get("/auth/reset/forged").status_code == 404


def test_sec_W3_letters_are_asked_for_so_often_and_no_oftener(
    visitor: FlaskClient, alice: User, letters: FakeLetters
) -> None:
    # Guards throttle.begin and may_write_to in confirmations.ask.
    here = [ask_reset(visitor, alice.email)[0] for _ in range(throttle.LETTERS.per_account + 1)]
    elsewhere = [ask_reset(visitor, alice.email, REMOTE_ADDR=f"192.0.2.{n}")[0] for n in range(10)]

    assert here == [303] * throttle.LETTERS.per_account + [429]
    assert elsewhere == [303] * 10
    assert len(sent(letters)) == throttle.LETTERS_TO_ONE


def test_another_address_is_confirmed_from_there(
    app: Flask, alice: User, as_alice: FlaskClient, letters: FakeLetters
) -> None:
    ask = {"email": "Alice@new.example.com", "current": PASSWORD}
    assert as_alice.post("/account/address", data=ask | {"current": "a guess"}).status_code == 422
    assert as_alice.post("/account/address", data=ask | {"email": alice.email}).status_code == 422

    assert as_alice.post("/account/address", data=ask).location == "/account/"

    assert "It becomes alice@new.example.com" in as_alice.get("/account/").text
    confirm, notice = sent(letters)
    assert (confirm.recipient, notice.recipient) == ("alice@new.example.com", "alice@example.com")
    stranger = app.test_client()
    assert "Use this address" in stranger.get(f"/{confirm.link}").text
    assert alice.email == "alice@example.com"
    assert stranger.post(f"/{confirm.link}").location == "/auth/login"
    assert (alice.email, alice.new_email) == ("alice@new.example.com", None)
    assert stranger.post(f"/{confirm.link}").status_code == 404
    assert is_in(as_alice)


def test_a_change_of_address_can_be_taken_back(alice: User, as_alice: FlaskClient, letters: FakeLetters) -> None:
    for _ in range(2):
        as_alice.post("/account/address", data={"email": "alice@new.example.com", "current": PASSWORD})
    confirm = sent(letters)[0]

    assert [as_alice.post("/account/address/withdraw").status_code for _ in range(2)] == [303, 303]

    assert as_alice.post(f"/{confirm.link}").status_code == 404
    assert alice.email == "alice@example.com"
    assert "It becomes" not in as_alice.get("/account/").text


def test_an_address_that_is_taken_is_told_only_to_whoever_reads_there(
    alice: User, bob: User, as_alice: FlaskClient, letters: FakeLetters
) -> None:
    as_alice.post("/account/address", data={"email": bob.email, "current": PASSWORD})

    assert "It becomes bob@example.com" in as_alice.get("/account/").text
    told = sent(letters)[0]
    assert told.recipient == bob.email
    assert "there is another account with it already" in told.text
    assert "/auth/address/" not in told.text


def test_the_token_is_in_no_log_and_goes_to_no_other_site(
    visitor: FlaskClient, alice: User, letters: FakeLetters, caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    # Guards has_token in web/errors.py, and REFERRER in web/links.py.
    link = reset_link(visitor, letters)
    page = visitor.get(link)
    assert page.headers["Referrer-Policy"] == "strict-origin"
    assert page.headers["Cache-Control"] == "no-store"

    def fail(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(passwords, "check", fail)
    with caplog.at_level(logging.DEBUG):
        assert visitor.post(link, data={"password": ANOTHER}).status_code == 500

    assert "/auth/reset/<token>" in caplog.text
    assert link.rpartition("/")[2] not in caplog.text


def test_the_form_of_a_link_works_under_https_with_what_browsers_then_send(
    app: Flask, alice: User, letters: FakeLetters
) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    token = links.make(Purpose.RESET, alice.email, alice.id).rpartition("/")[2]
    client, there = app.test_client(), "https://localhost"
    page = client.get(f"/auth/reset/{token}", base_url=there).text
    form = {"password": ANOTHER, "csrf_token": page.partition('csrf_token" value="')[2].partition('"')[0]}

    answer = client.post(f"/auth/reset/{token}", base_url=there, data=form, headers={"Referer": f"{there}/"})

    assert answer.status_code == 303


def test_without_a_mail_server_nothing_is_offered_that_needs_one(app: Flask, config: Config) -> None:
    # As it is where SMTP_URL is not set; the link of `flask users reset` works all the same.
    assert "/auth/reset" in app.test_client().get("/auth/login").text
    app.extensions["mail"].are_sent = False
    client = app.test_client()

    assert client.get("/auth/reset").status_code == client.post("/auth/reset").status_code == 404
    assert client.get("/auth/sent/reset").status_code == 404
    assert client.post("/auth/register", data={"email": "new@example.com", "password": PASSWORD}).status_code == 303
    link = accounts.reset_link("new@example.com")
    assert client.get(f"/{link.partition('://')[2].partition('/')[2]}").status_code == 200
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Letter)) == 0


def test_who_is_invited_makes_an_account_where_strangers_make_none(app: Flask, letters: FakeLetters) -> None:
    app.extensions["settings"] = dataclasses.replace(app.extensions["settings"], registration="invite")
    client = app.test_client()
    assert client.post("/auth/register", data={"email": "bo@example.com"}).status_code == 403

    printed = accounts.invitation("Bo@example.com")

    told = sent(letters)[0]
    assert told.recipient == "bo@example.com"
    link = f"/{told.link}"
    assert client.post(link, data={"password": PASSWORD}).status_code == 303
    assert is_in(client)
    assert client.get(printed.partition("8000")[2]).status_code == 404

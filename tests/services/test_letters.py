"""Letters wait in the database: none is lost, none is sent by two at once, and some are given up."""

import smtplib
from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from babel import Locale
from babel.support import NullTranslations
from flask import Flask

from tests.fakes import FakeLetters
from webapp.catalogues import Language, languages
from webapp.db import db, utcnow, writing
from webapp.errors import LetterRefused, LettersUnavailable
from webapp.models import Letter, LetterKind, User
from webapp.ports import LONGEST_LETTER_SECONDS
from webapp.services import letters as post
from webapp.services import wordings


@pytest.fixture
def letters() -> FakeLetters:
    return FakeLetters()


def write(user: User, kind: LetterKind = LetterKind.PASSWORD, language: str = "") -> None:
    with writing():
        post.add(kind, user.email, language=language, user_id=user.id)


def waiting() -> int:
    db.session.rollback()
    return db.session.scalar(sa.select(sa.func.count()).select_from(Letter)) or 0


def let_pass(**time: float) -> None:
    """Let so much time have gone by for the letters that wait."""
    passed = timedelta(**time)
    with writing():
        for letter in db.session.scalars(sa.select(Letter)):
            letter.created_at, letter.due_at = letter.created_at - passed, letter.due_at - passed


def test_what_the_mail_server_does_not_take_is_tried_again_ever_later(alice: User, letters: FakeLetters) -> None:
    write(alice)
    letters.is_down = True

    assert [post.send_due(), post.send_due(), waiting()] == [0, 0, 1]
    let_pass(minutes=1)
    assert post.send_due() == 0
    let_pass(minutes=1)
    letters.is_down = False
    assert post.send_due() == 0, "after two tries in vain it waits for two minutes"
    let_pass(minutes=1)
    assert post.send_due() == 1

    assert [each.recipient for each in letters.sent] == ["alice@example.com"]
    assert waiting() == 0


# Without `logs.said` in `send_due` of webapp/services/letters.py the address is in the log.
def test_sec_W10_what_a_mail_server_says_is_not_in_the_log(
    alice: User, letters: FakeLetters, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def send(recipient: str, subject: str, text: str) -> None:
        raise LettersUnavailable from smtplib.SMTPRecipientsRefused({recipient: (451, b"later")})

    monkeypatch.setattr(letters, "send", send)
    write(alice)

    assert post.send_due() == 0
    assert "smtplib.SMTPRecipientsRefused" in caplog.text
    assert "alice" not in caplog.text


def test_after_a_day_in_vain_a_letter_is_given_up(alice: User, letters: FakeLetters) -> None:
    write(alice)
    let_pass(hours=23)
    post.forget_old()
    assert waiting() == 1

    let_pass(hours=2)
    post.forget_old()

    assert waiting() == 0


def test_what_is_refused_is_not_sent_again_and_stops_no_other(
    alice: User, bob: User, letters: FakeLetters, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = letters.send

    def send(recipient: str, subject: str, text: str) -> None:
        if recipient == alice.email:
            raise LetterRefused
        usual(recipient, subject, text)

    monkeypatch.setattr(letters, "send", send)
    write(alice)
    write(bob)

    assert post.send_due() == 2

    assert [each.recipient for each in letters.sent] == [bob.email]
    assert waiting() == 0


def sent_by_others(
    alice: User, letters: FakeLetters, monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], None]
) -> list[int]:
    """How many letters another process sends while one is being sent, each time that one is."""

    def send(*_: str) -> None:
        meanwhile()
        others.append(post.send_due())

    others: list[int] = []
    monkeypatch.setattr(letters, "send", send)
    write(alice)
    assert post.send_due() == 1
    return others


def test_a_letter_that_one_process_is_sending_is_not_sent_by_another(
    alice: User, letters: FakeLetters, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Guards due_at in _take. No transaction is open while the mail server is waited for.
    def meanwhile() -> None:
        assert not db.session().in_transaction()

    assert sent_by_others(alice, letters, monkeypatch, meanwhile) == [0]


def test_a_letter_is_sent_once_however_long_the_mail_server_takes(
    alice: User, letters: FakeLetters, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards LEASE, which is longer than any letter takes."""

    def meanwhile() -> None:
        let_pass(seconds=LONGEST_LETTER_SECONDS)

    assert sent_by_others(alice, letters, monkeypatch, meanwhile) == [0]


def test_a_letter_whose_process_died_is_sent_by_another(
    alice: User, letters: FakeLetters, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: str) -> None:
        raise KeyboardInterrupt

    write(alice)
    with monkeypatch.context() as patch:
        patch.setattr(letters, "send", die)
        with pytest.raises(KeyboardInterrupt):
            post.send_due()

    assert post.send_due() == 0
    let_pass(minutes=5)
    assert post.send_due() == 1


def test_who_was_too_slow_does_not_put_off_what_another_sends(
    alice: User, letters: FakeLetters, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards `tries` in _put_off: of a machine that slept for an hour in the midst of a letter."""

    def sleep_and_fail(*_: str) -> None:
        let_pass(hours=1)
        with writing():
            letter = db.session.scalars(sa.select(Letter)).one()
            letter.tries, letter.due_at = letter.tries + 1, utcnow() + post.LEASE  # another has taken it
        raise LettersUnavailable

    with monkeypatch.context() as patch:
        patch.setattr(letters, "send", sleep_and_fail)
        write(alice)
        post.send_due()

    let_pass(minutes=3)
    assert (post.send_due(), letters.sent, waiting()) == (0, [], 1)


def test_a_letter_about_nobody_is_not_sent(app: Flask, alice: User, letters: FakeLetters) -> None:
    write(alice, LetterKind.ADDRESS)  # which she has taken back
    with writing():
        post.add(LetterKind.RESET, "nobody@example.com")

    assert (post.send_due(), letters.sent, waiting()) == (2, [], 0)


def test_a_letter_is_in_the_language_of_whoever_gets_it(
    alice: User, letters: FakeLetters, monkeypatch: pytest.MonkeyPatch
) -> None:
    class German(NullTranslations):
        def gettext(self, message: str) -> str:
            return {"Your password was changed": "Ihr Passwort ist geändert"}.get(message, message)

    known = {"en": languages()["en"], "de": Language("de", Locale("de"), German())}
    monkeypatch.setattr(wordings, "languages", lambda: known)
    write(alice, language="de")
    write(alice, language="tlh")
    with writing():
        alice.language = "de"
    write(alice, language="en")

    post.send_due()

    assert [each.subject for each in letters.sent] == ["Ihr Passwort ist geändert"] * 3
    with writing():
        alice.language = ""
    write(alice, language="tlh")
    post.send_due()
    assert letters.sent[-1].subject == "Your password was changed"

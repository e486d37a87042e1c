"""Letters by SMTP, told to a server that speaks it."""

import smtplib
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.doubles.smtp import MailServer
from webapp.adapters.letters import WATCHER, NoLetters, SmtpLetters, _Line
from webapp.errors import LetterRefused, LettersUnavailable

SENDER = "Tapedeck <tapes@tapes.example>"


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer.opened() as server:
        yield server


def letters(server: MailServer, scheme: str = "smtp", user: str = "") -> SmtpLetters:
    return SmtpLetters(f"{scheme}://{user}127.0.0.1:{server.port}", SENDER)


def test_a_letter_arrives_as_it_was_written(server: MailServer) -> None:
    letters(server, user="ana:a%40b@").send("bo@example.com", "Grüße", "Hello,\n\n.a line\nhttps://tapes.example/x\n")

    letter = server.letters[0]
    assert server.recipients == ["bo@example.com"]
    assert (letter["From"], letter["To"], letter["Subject"]) == (SENDER, "bo@example.com", "Grüße")
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["Message-ID"].endswith("@tapes.example>")
    assert letter["Date"]
    assert letter.get_content().splitlines() == ["Hello,", "", ".a line", "https://tapes.example/x"]
    assert server.signed_in == ["\0ana\0a@b"]


@pytest.mark.parametrize(
    ("command", "answer", "error"),
    [
        ("RCPT", "550 nobody here", LetterRefused),
        ("RCPT", "451 later", LettersUnavailable),
        ("DATA", "554 spam", LetterRefused),
        ("MAIL", "421 busy", LettersUnavailable),
        ("AUTH", "535 wrong password", LettersUnavailable),
    ],
)
def test_what_may_go_later_is_told_from_what_never_will(
    server: MailServer, command: str, answer: str, error: type[Exception]
) -> None:
    server.answers[command] = answer

    with pytest.raises(error):
        letters(server, user="ana:secret@").send("bo@example.com", "Hello", "Hello")


def test_a_server_that_is_not_there_may_be_there_later(server: MailServer) -> None:
    gone = letters(server)
    server.shutdown()
    server.server_close()

    with pytest.raises(LettersUnavailable):
        gone.send("bo@example.com", "Hello", "Hello")
    with pytest.raises(LettersUnavailable):
        NoLetters().send("bo@example.com", "Hello", "Hello")


@pytest.mark.parametrize(("scheme", "is_far"), [("smtp+starttls", False), ("smtp", True)])
def test_a_password_is_not_told_in_the_clear(
    server: MailServer, monkeypatch: pytest.MonkeyPatch, scheme: str, *, is_far: bool
) -> None:
    # Guards the line with starttls in adapters/letters.py: this server does not offer it.
    if is_far:
        monkeypatch.setattr("webapp.adapters.letters.THIS_MACHINE", ())

    with pytest.raises(LettersUnavailable):
        letters(server, scheme, user="ana:secret@").send("bo@example.com", "Hello", "Hello")

    assert "AUTH" not in server.commands
    assert server.letters == []


@pytest.mark.parametrize("command", ["connect", "EHLO", "AUTH", "MAIL", "RCPT", "DATA"])
def test_a_conversation_without_end_is_cut_before_another_may_send_the_letter(
    server: MailServer, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """Guards _cut_in_time: no answer here is ever late by TIMEOUT_SECONDS."""
    monkeypatch.setattr("webapp.adapters.letters.LONGEST_LETTER_SECONDS", 0.2)
    server.slow[command] = 1.5

    with pytest.raises(LettersUnavailable):
        letters(server, user="ana:secret@").send("bo@example.com", "Hello", "Hello")

    assert server.letters == []


def test_a_connection_that_comes_too_late_sends_nothing(server: MailServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards `_is_over`: to connect may take longer than all the rest."""
    connect = smtplib.SMTP.connect

    def connect_late(self: _Line, *args: Any) -> Any:
        for _ in range(500):
            if not self._is_over:
                time.sleep(0.01)
        return connect(self, *args)

    monkeypatch.setattr("webapp.adapters.letters.LONGEST_LETTER_SECONDS", 0.2)
    monkeypatch.setattr(smtplib.SMTP, "connect", connect_late)

    with pytest.raises(LettersUnavailable):
        letters(server).send("bo@example.com", "Hello", "Hello")

    assert server.commands == []


def test_a_server_may_take_its_time_with_a_letter_that_it_has(
    server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards PATIENCE_SECONDS: else it is sent again, though it arrives."""
    monkeypatch.setattr("webapp.adapters.letters.TIMEOUT_SECONDS", 0.2)
    server.pauses["."] = 0.5

    letters(server).send("bo@example.com", "Hello", "Hello")

    assert len(server.letters) == 1


def test_a_letter_that_is_taken_is_sent_though_the_server_does_not_say_goodbye(
    server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webapp.adapters.letters.TIMEOUT_SECONDS", 0.2)
    server.pauses["QUIT"] = 0.5

    letters(server).send("bo@example.com", "Hello", "Hello")

    assert len(server.letters) == 1


def test_nobody_watches_a_line_that_is_closed(server: MailServer) -> None:
    letters(server).send("bo@example.com", "Hello", "Hello")
    server.answers["MAIL"] = "421 busy"
    with pytest.raises(LettersUnavailable):
        letters(server).send("bo@example.com", "Hello", "Hello")
    server.shutdown()
    server.server_close()
    with pytest.raises(LettersUnavailable):
        letters(server).send("bo@example.com", "Hello", "Hello")

    for thread in [each for each in threading.enumerate() if each.name == WATCHER]:
        thread.join(5)
    assert WATCHER not in [each.name for each in threading.enumerate()]

"""Letters by SMTP, with Python's own library."""

import smtplib
import socket
import ssl
import threading
import time
from contextlib import suppress
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid, parseaddr
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote, urlsplit

from webapp.errors import LetterRefused, LettersUnavailable
from webapp.ports import LONGEST_LETTER_SECONDS

TIMEOUT_SECONDS = 20
# Once it has the letter, a server may look into it before it answers (RFC 5321, 4.5.3.2): who left would send it again.
PATIENCE_SECONDS = 120
WATCHER = "letter in time"
PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
# A relay on this machine has no certificate in its name, and no line that anybody could listen to.
THIS_MACHINE = ("127.0.0.1", "::1", "localhost")
# From here on SMTP's answers are for good.
PERMANENT = HTTPStatus.INTERNAL_SERVER_ERROR


class NoLetters:
    """Where there is no mail server."""

    are_sent = False

    def send(self, recipient: str, subject: str, text: str) -> None:
        raise LettersUnavailable


class SmtpLetters:
    """A connection for each letter: they are few.

    smtps:// is encrypted from its beginning, smtp+starttls:// before anything is said, and smtp:// if the server offers
    it. A password is not told to another machine in the clear.
    """

    are_sent = True

    def __init__(self, url: str, sender: str) -> None:
        parts = urlsplit(url)
        self.scheme, self.host = parts.scheme, parts.hostname or ""
        self.port = parts.port or PORTS[self.scheme]
        self.user, self.password = unquote(parts.username or ""), unquote(parts.password or "")
        self.sender = sender

    def send(self, recipient: str, subject: str, text: str) -> None:
        letter = self._letter(recipient, subject, text)
        try:
            connection = self._connected()
            try:
                _give(connection, letter)
                _take_leave(connection)
            finally:
                connection.close()
        except (OSError, smtplib.SMTPException) as exc:
            raise LettersUnavailable from exc

    def _letter(self, recipient: str, subject: str, text: str) -> EmailMessage:
        letter = EmailMessage(policy=SMTP)
        letter["From"], letter["To"], letter["Subject"] = self.sender, recipient, subject
        letter["Date"] = formatdate()
        letter["Message-ID"] = make_msgid(domain=parseaddr(self.sender)[1].rpartition("@")[2])
        letter["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence is told to us
        letter.set_content(text)
        return letter

    def _connected(self) -> "_Line":
        context = ssl.create_default_context()
        if self.scheme == "smtps":
            connection: _Line = _EncryptedLine(self.host, self.port, timeout=TIMEOUT_SECONDS, context=context)
        else:
            connection = _Line(self.host, self.port, timeout=TIMEOUT_SECONDS)
        try:
            self._greet(connection, context)
        except BaseException:
            connection.close()
            raise
        return connection

    def _greet(self, connection: "_Line", context: ssl.SSLContext) -> None:
        connection.ehlo()
        is_far = self.host not in THIS_MACHINE
        if self.scheme == "smtp+starttls" or (
            self.scheme == "smtp" and is_far and (self.user or connection.has_extn("starttls"))
        ):
            connection.starttls(context=context)  # raises if the server does not offer it
            connection.ehlo()
        if self.user:
            connection.login(self.user, self.password)


class _Line(smtplib.SMTP):
    """One that is cut after LONGEST_LETTER_SECONDS, whatever its other end does.

    A timeout alone is none: a server that sends a byte now and then is never late.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        self.sock = None
        self._ends_at = time.monotonic() + LONGEST_LETTER_SECONDS
        self._is_over = False
        self._is_closed = threading.Event()
        threading.Thread(target=self._cut_in_time, name=WATCHER, daemon=True).start()
        try:
            super().__init__(*args, **options)
        except BaseException:
            self._is_closed.set()
            raise

    def send(self, s: Any) -> None:
        """Send these bytes, if there is still time. Raises SMTPServerDisconnected."""
        if self._is_over or time.monotonic() > self._ends_at:
            raise smtplib.SMTPServerDisconnected
        super().send(s)

    def close(self) -> None:
        """Hang up."""
        self._is_closed.set()
        super().close()

    def _cut_in_time(self) -> None:
        seconds = LONGEST_LETTER_SECONDS
        while not self._is_closed.wait(seconds):
            self._is_over, seconds = True, 1.0  # again, for the socket of one that still connects is not there yet
            with suppress(OSError):
                if self.sock is not None:
                    socket.socket.shutdown(self.sock, socket.SHUT_RDWR)


class _EncryptedLine(_Line, smtplib.SMTP_SSL):
    """One that is encrypted from its beginning."""


def _give(connection: smtplib.SMTP, letter: EmailMessage) -> None:
    assert connection.sock is not None  # noqa: S101 - it is connected
    connection.sock.settimeout(PATIENCE_SECONDS)
    try:
        connection.send_message(letter)
    except (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError, smtplib.SMTPNotSupportedError) as exc:
        if _is_for_good(exc):
            raise LetterRefused from exc
        raise


def _take_leave(connection: smtplib.SMTP) -> None:
    """Say goodbye. The letter is taken, whatever is answered."""
    with suppress(OSError, smtplib.SMTPException):
        if connection.sock is not None:
            connection.sock.settimeout(TIMEOUT_SECONDS)
        connection.quit()


def _is_for_good(error: smtplib.SMTPException) -> bool:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= PERMANENT for code, _ in error.recipients.values())
    return not isinstance(error, smtplib.SMTPResponseException) or error.smtp_code >= PERMANENT

"""Letters by SMTP, with Python's own library."""

import smtplib
import ssl
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid, parseaddr
from http import HTTPStatus
from urllib.parse import unquote, urlsplit

from webapp.errors import LetterRefused, LettersUnavailable

TIMEOUT_SECONDS = 20
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
            with self._connected() as connection:
                _give(connection, letter)
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

    def _connected(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        if self.scheme == "smtps":
            connection: smtplib.SMTP = smtplib.SMTP_SSL(self.host, self.port, timeout=TIMEOUT_SECONDS, context=context)
        else:
            connection = smtplib.SMTP(self.host, self.port, timeout=TIMEOUT_SECONDS)
        try:
            self._greet(connection, context)
        except BaseException:
            connection.close()
            raise
        return connection

    def _greet(self, connection: smtplib.SMTP, context: ssl.SSLContext) -> None:
        connection.ehlo()
        is_far = self.host not in THIS_MACHINE
        if self.scheme == "smtp+starttls" or (
            self.scheme == "smtp" and is_far and (self.user or connection.has_extn("starttls"))
        ):
            connection.starttls(context=context)  # raises if the server does not offer it
            connection.ehlo()
        if self.user:
            connection.login(self.user, self.password)


def _give(connection: smtplib.SMTP, letter: EmailMessage) -> None:
    try:
        connection.send_message(letter)
    except (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError, smtplib.SMTPNotSupportedError) as exc:
        if _is_for_good(exc):
            raise LetterRefused from exc
        raise


def _is_for_good(error: smtplib.SMTPException) -> bool:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= PERMANENT for code, _ in error.recipients.values())
    return not isinstance(error, smtplib.SMTPResponseException) or error.smtp_code >= PERMANENT

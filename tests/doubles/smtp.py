"""A mail server that keeps what it is given: as much of SMTP (RFC 5321) as Python's client asks for."""

import base64
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

CODES = {"connect": 220, "DATA": 354, "QUIT": 221}


class MailServer(socketserver.ThreadingTCPServer):
    """Listens on a port of its own. `answers` may hold others than the usual ones, by command.

    `slow` says for how many seconds an answer comes byte by byte, `pauses` for how many nothing; "." is the
    answer to a letter.
    """

    allow_reuse_address = daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.port = self.server_address[1]
        self.answers: dict[str, str] = {}
        self.slow: dict[str, float] = {}
        self.pauses: dict[str, float] = {}
        self.letters: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.signed_in: list[str] = []
        self.commands: list[str] = []

    @classmethod
    @contextmanager
    def opened(cls) -> Iterator["MailServer"]:
        with cls() as server:
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
            yield server
            server.shutdown()


class _Conversation(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        with suppress(OSError):  # nobody is there any more
            self.converse()

    def converse(self) -> None:
        self.drip("connect")
        self.say("220 ready")
        while line := self.rfile.readline():
            text = line.decode().strip()
            command = text.partition(" ")[0].upper()
            self.server.commands.append(command)
            self.drip(command)
            if answer := self.server.answers.get(command):
                self.say(answer)
            elif command == "EHLO":
                self.say("250-here\r\n250 AUTH PLAIN")
            elif command == "AUTH":
                self.server.signed_in.append(base64.b64decode(text.split()[-1]).decode())
                self.say("235 in")
            elif command == "DATA":
                self.say("354 go on")
                self.server.letters.append(self.letter())
                self.drip(".")
                self.say("250 taken")
            elif command == "QUIT":
                self.say("221 bye")
                return
            else:
                if command == "RCPT":
                    self.server.recipients.append(text.partition("<")[2].partition(">")[0])
                self.say("250 fine")

    def drip(self, command: str) -> None:
        """The first line of an answer, which takes its time."""
        time.sleep(self.server.pauses.get(command, 0.0))
        seconds = self.server.slow.get(command, 0.0)
        if seconds:
            self.wfile.write(b"%d-" % CODES.get(command, 250))
            ends_at = time.monotonic() + seconds
            while time.monotonic() < ends_at:
                self.wfile.write(b".")
                time.sleep(0.05)
            self.wfile.write(b"\r\n")

    def say(self, answer: str) -> None:
        self.wfile.write(f"{answer}\r\n".encode())

    def letter(self) -> EmailMessage:
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        letter = message_from_bytes(b"".join(lines), policy=default)
        assert isinstance(letter, EmailMessage)
        return letter

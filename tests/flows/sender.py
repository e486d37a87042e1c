"""A program that sends a file in parts, over lines that can be cut at any byte, and what must come of it."""

import functools
import hashlib
import json
import random
import socket
import struct
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from http import HTTPStatus
from typing import TypeVar

import sqlalchemy as sa

from tests import sounds
from tests.flows.house import House, wait_for
from tests.flows.visitor import TIMEOUT_SECONDS, Answer, Visitor
from webapp.models import TranscodeJob, Upload

# What stands before the samples of the sounds that are made here.
HEADER = 44
# How often a sender looks what is missing, before it must have got everything through.
TRIES = 20
LONGEST_WAIT_SECONDS = 0.2

T = TypeVar("T")
Send = Callable[..., "Sender"]


@functools.cache
def noise(seconds: int) -> bytes:
    """A WAV no two parts of which are alike, so that one in the place of another would be seen: 5 MiB in 30 s."""
    quiet = sounds.silence(seconds)
    return quiet[:HEADER] + random.Random(seconds).randbytes(len(quiet) - HEADER)


class Sender:
    """One file on its way, from one tab."""

    def __init__(self, visitor: Visitor, sound: bytes, fingerprint: str = "song") -> None:
        self.visitor = visitor
        self.sound = sound
        self.fingerprint = fingerprint
        self.id = ""
        self.part_size = 0
        self.count = 0

    def begin(self, **given: object) -> Answer:
        """Ask for room. When it is given, the upload's number is remembered."""
        usual = {"name": "song.wav", "size": len(self.sound), "type": "audio/wav", "presets": ["wav"]}
        body = json.dumps({**usual, "fp": self.fingerprint, **given}).encode()
        answer = self._ask("POST", "/uploads", body, Content_Type="application/json")
        if answer.status in (HTTPStatus.OK, HTTPStatus.CREATED):
            told = json.loads(answer.body)
            self.id, self.part_size, self.count = told["id"], told["part_size"], told["parts"]
        return answer

    def part(self, number: int) -> bytes:
        return self.sound[(number - 1) * self.part_size : number * self.part_size]

    def put(self, number: int) -> int:
        """Send a part and return the status, or 0 if there was no answer."""
        # A part that is refused at once is answered before all of it is sent, which http.client takes for a failure.
        with self.line(number) as line:
            push(line, self.part(number))
            return status_of(line)

    def missing(self) -> list[int]:
        """The numbers of the parts that are not wholly there, as the server tells them."""
        answer = self._ask("GET", f"/uploads/{self.id}")
        assert answer.status == HTTPStatus.OK, answer.text
        return sorted(set(range(1, self.count + 1)) - set(json.loads(answer.body)["have"]))

    def complete(self) -> Answer:
        return self._ask("POST", f"/uploads/{self.id}/complete")

    def discard(self) -> Answer:
        return self._ask("DELETE", f"/uploads/{self.id}")

    def finish(self) -> Answer:
        """Send whatever is missing, as often as it takes, and return the answer to the completion."""
        for _ in range(TRIES):
            for number in self.missing():
                if self.put(number) != HTTPStatus.NO_CONTENT:
                    # Another tab sends the same part. Two in step would take it from each other for ever.
                    time.sleep(random.uniform(0, LONGEST_WAIT_SECONDS))
            answer = self.complete()
            if answer.status != HTTPStatus.CONFLICT:
                return answer
        raise AssertionError(f"not complete after {TRIES} tries: {answer.text}")

    @contextmanager
    def line(self, number: int, **headers: str) -> Iterator[socket.socket]:
        """A line on which a part has been announced, as long as it is or as the headers say, and nothing of it sent."""
        about = headers or {"Content_Length": str(len(self.part(number)))}
        sent = self.visitor.headers(Host=f"127.0.0.1:{self.visitor.port}", X_CSRFToken=self.visitor.token, **about)
        head = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
        with socket.create_connection(("127.0.0.1", self.visitor.port), timeout=TIMEOUT_SECONDS) as line:
            line.sendall(f"PUT /uploads/{self.id}/parts/{number} HTTP/1.1\r\n{head}\r\n".encode())
            yield line

    def _ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        return self.visitor.ask(method, path, body, X_CSRFToken=self.visitor.token, **headers)


@contextmanager
def senders(visitor: Visitor) -> Iterator[Send]:
    """Makes senders of this visitor. In the end nothing is left of what they have sent: others use the house too."""

    def send(sound: bytes, fingerprint: str = "song") -> Sender:
        made.append(Sender(visitor, sound, fingerprint))
        return made[-1]

    made: list[Sender] = []
    yield send
    for each in made:
        if each.id:
            each.discard()
    for row in visitor.rows():
        visitor.post(f"/files/{row.id}/delete")


def status_of(line: socket.socket) -> int:
    """The status that is answered on a line; 0 if it is closed without an answer."""
    try:
        words = line.makefile("rb").readline().split()
    except ConnectionError:
        return 0
    return int(words[1]) if words else 0


def push(line: socket.socket, content: bytes) -> None:
    """Send as much of it as the other side takes."""
    with suppress(ConnectionError):
        line.sendall(content)


def hang_up(line: socket.socket) -> None:
    """Say that nothing more will come, and listen on."""
    with suppress(OSError):  # the other side was faster
        line.shutdown(socket.SHUT_WR)


def reset(line: socket.socket) -> None:
    """Cut the line as a phone does that has lost its network: without a goodbye."""
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    line.close()


def at_once(deeds: Sequence[Callable[[], T]]) -> list[T]:
    """Do them all at the same moment, and return what comes of each."""
    start = threading.Barrier(len(deeds))

    def do(deed: Callable[[], T]) -> T:
        start.wait()
        return deed()

    with ThreadPoolExecutor(len(deeds)) as threads:
        return list(threads.map(do, deeds))


def has_arrived_once(house: House, visitor: Visitor, sound: bytes) -> str:
    """Fail unless this is the visitor's only file, byte for byte, with one job; return its id when it is ready."""
    (row,) = visitor.rows()
    original = visitor.get(f"/files/{row.id}/original")
    assert original.status == HTTPStatus.OK, original.text
    assert hashlib.sha256(original.body).hexdigest() == hashlib.sha256(sound).hexdigest()
    assert len(house.ask(sa.select(TranscodeJob.id).where(TranscodeJob.audio_file_id == uuid.UUID(row.id)))) == 1
    wait_for("the song to be ready", lambda: visitor.has(row.id, "complete"))
    assert [note.kind for note in visitor.inbox()] == ["complete"]
    house.settle()
    return row.id


def incoming(house: House) -> set[str]:
    """The names of what lies where uploads come in."""
    return {path.name for path in (house.data_dir / "incoming").iterdir()}


def open_uploads(house: House) -> set[str]:
    """The names that should lie there, for what the database knows."""
    return {
        f"{row.opened_as}.upload" for row in house.ask(sa.select(Upload.opened_as).where(Upload.closed_at.is_(None)))
    }

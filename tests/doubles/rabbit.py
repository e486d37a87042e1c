"""A broker that speaks AMQP as far as a sender needs it, and is out of memory: it takes one message and no more.

RabbitMQ does the same to whoever publishes while one of its alarms is on: it stops reading from that connection.
"""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

METHOD, END = 1, b"\xce"
PUBLISH = (60, 40)
CAPABILITIES = b"\x0ccapabilitiesF" + struct.pack(">I", 21) + b"\x12connection.blockedt\x01"
START = b"\x00\x09" + struct.pack(">I", len(CAPABILITIES)) + CAPABILITIES
START += struct.pack(">I", 14) + b"PLAIN AMQPLAIN" + struct.pack(">I", 5) + b"en_US"
TUNE = struct.pack(">HIH", 2047, 131072, 0)

# What is answered to each method: the answer's numbers, and its arguments.
ANSWERS = {
    (10, 11): ((10, 30), TUNE),
    (10, 40): ((10, 41), b"\0"),
    (10, 50): ((10, 51), b""),
    (20, 10): ((20, 11), bytes(4)),
    (20, 40): ((20, 41), b""),
    (40, 10): ((40, 11), b""),
    (50, 10): ((50, 11), b"\x08tapedeck" + bytes(8)),
    (50, 20): ((50, 21), b""),
}


class BlockedRabbit:
    """`published` tells that somebody has sent a message and is not read from any more."""

    def __init__(self, listener: socket.socket) -> None:
        self.url = f"amqp://guest:guest@127.0.0.1:{listener.getsockname()[1]}//"
        self.published = threading.Event()
        self._lines: list[socket.socket] = []

    @classmethod
    @contextmanager
    def opened(cls) -> Iterator["BlockedRabbit"]:
        """One that listens."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            rabbit = cls(listener)
            threading.Thread(target=rabbit._listen, args=(listener,), daemon=True).start()
            try:
                yield rabbit
            finally:
                for line in rabbit._lines:
                    line.close()

    def _listen(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                line, _ = listener.accept()
                self._lines.append(line)
                threading.Thread(target=self._answer, args=(line,), daemon=True).start()

    def _answer(self, line: socket.socket) -> None:
        with suppress(OSError, struct.error), line.makefile("rb") as said:
            said.read(8)  # the protocol's name
            _send(line, 0, (10, 10), START)
            while True:
                kind, channel, length = struct.unpack(">BHI", said.read(7))
                method = struct.unpack(">HH", said.read(length + 1)[:4])
                if kind == METHOD and method == PUBLISH:
                    self.published.set()
                    return  # and reads no more; the line stays open
                if kind == METHOD and method in ANSWERS:
                    _send(line, channel, *ANSWERS[method])


def _send(line: socket.socket, channel: int, method: tuple[int, int], arguments: bytes) -> None:
    body = struct.pack(">HH", *method) + arguments
    line.sendall(struct.pack(">BHI", METHOD, channel, len(body)) + body + END)

"""A queue of a house's own, on the server that the tests are told of, and a broker that can fail."""

import contextlib
import os
import shutil
import socket
import subprocess
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import redis

from tests.servers import BROKER_URL

# Redis has sixteen databases; number 0 is everybody's.
REDIS_NUMBERS = range(1, 16)
CLAIM = "tapedeck-test"


@contextmanager
def broker() -> Iterator[str]:
    """The address of a queue that nobody else reads; without a server the house has its own, in a folder."""
    kind = urlsplit(BROKER_URL).scheme
    if kind.startswith("amqp"):
        with _virtual_host() as name:
            yield urlsplit(BROKER_URL)._replace(path=f"/{name}").geturl()
    elif kind.startswith("redis"):
        with _redis_database() as url:
            yield url
    else:
        yield ""


@contextmanager
def _virtual_host() -> Iterator[str]:
    name = f"tapedeck-{uuid.uuid4().hex[:12]}"
    _rabbitmqctl("add_vhost", name)
    try:
        _rabbitmqctl("set_permissions", "-p", name, urlsplit(BROKER_URL).username or "guest", ".*", ".*", ".*")
        yield name
    finally:
        _rabbitmqctl("delete_vhost", name)


def _rabbitmqctl(*arguments: str) -> None:
    command = shutil.which("rabbitmqctl") or "/usr/sbin/rabbitmqctl"
    subprocess.run([command, "--quiet", *arguments], check=True, stdout=subprocess.DEVNULL, timeout=60)


@contextmanager
def _redis_database() -> Iterator[str]:
    """The address of one that is empty, and that no other run of the tests has chosen."""
    for number in REDIS_NUMBERS:
        url = urlsplit(BROKER_URL)._replace(path=f"/{number}").geturl()
        with redis.Redis.from_url(url) as server:
            if server.dbsize() == 0 and server.setnx(CLAIM, os.getpid()):
                try:
                    yield url
                finally:
                    server.flushdb()
                return
    raise LookupError(f"each of Redis's databases {REDIS_NUMBERS} is used by somebody")


class FolderBroker:
    """The queue in a folder, which may be taken away for a while."""

    def __init__(self, data_dir: Path) -> None:
        self.folder = data_dir / "queue"
        self.away = data_dir / "queue.away"

    def url(self, broker_url: str) -> str:
        """The usual one: the queue is in its usual place."""
        return broker_url

    def fail(self) -> None:
        self.folder.rename(self.away)
        self.folder.write_text("no folder")

    def recover(self) -> None:
        self.folder.unlink()
        self.away.rename(self.folder)


class ForwardedBroker:
    """A port that leads to the real broker, unless the line is cut."""

    def __init__(self, broker_url: str = BROKER_URL) -> None:
        parts = urlsplit(broker_url)
        self.target = (parts.hostname or "127.0.0.1", parts.port or {"amqp": 5672, "redis": 6379}[parts.scheme])
        self.sockets: list[socket.socket] = []
        self.listener = self._listen(0)
        self.port: int = self.listener.getsockname()[1]

    def url(self, broker_url: str) -> str:
        """The same address by way of this port."""
        parts = urlsplit(broker_url)
        who = f"{parts.username}:{parts.password}@" if parts.username else ""
        return parts._replace(netloc=f"{who}127.0.0.1:{self.port}").geturl()

    def fail(self) -> None:
        for each in (self.listener, *self.sockets):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self.sockets.clear()

    def recover(self) -> None:
        self.listener = self._listen(self.port)

    def _listen(self, port: int) -> socket.socket:
        listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        return listener

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):  # the line is cut
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(self.target)
                self.sockets += [near, far]
                for here, there in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=(here, there), daemon=True).start()

    def _carry(self, here: socket.socket, there: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while chunk := here.recv(65536):
                there.sendall(chunk)
            there.shutdown(socket.SHUT_WR)

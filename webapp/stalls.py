"""Connections on which nothing moves are cut, so that nobody holds a thread of the web process for ever."""

import ipaddress
import logging
import os
import socket
import stat
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import IO
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)

# Of a request that is waited for so much has to come in so many seconds: the poorest line carries ten times as much.
LEAST_BYTES = 64 * 1024
PATIENCE_SECONDS = 60.0
LOOK_SECONDS = 5.0
# <linux/tcp.h>: tcpi_bytes_acked and tcpi_bytes_received.
_MOVED = struct.Struct("=QQ")
_MOVED_AT = 120


class Patience:
    """The app, with an end to the patience with those who do not send what they have announced.

    Granian waits for a body for ever and names no socket. So it is told by the sockets themselves: when a request has
    been waited for long, each connection with the same peer is looked at on which, meanwhile, nothing was answered and
    hardly anything came. What else this can meet is a connection that idles. Only Linux counts what has moved.
    """

    def __init__(self, app: WSGIApplication) -> None:
        self.app = app
        self._waiting: dict[object, tuple[str, str, float]] = {}
        """Of each request that is waited for: the peer, the port that it came to, and since when."""
        self._moved: dict[tuple[int, str], tuple[float, int, int]] = {}
        """Of each connection that is looked at: when it last moved, and what had been acknowledged and received."""

    def start(self) -> None:
        """Begin to watch, in this process."""
        if sys.platform == "linux":
            _hurry_the_dead()
            threading.Thread(target=self._watch, name="stalls", daemon=True).start()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer as the app does."""
        environ["wsgi.input"] = _Body(environ["wsgi.input"], lambda: self._wait(environ))
        return self.app(environ, start_response)

    @contextmanager
    def _wait(self, environ: WSGIEnvironment) -> Iterator[None]:
        mark = object()
        self._waiting[mark] = (environ.get("REMOTE_ADDR", ""), environ.get("SERVER_PORT", ""), time.monotonic())
        try:
            yield
        finally:
            del self._waiting[mark]

    def _watch(self) -> None:
        while True:
            time.sleep(LOOK_SECONDS)
            try:
                if cut := self.look(time.monotonic()):
                    log.warning("%d connection(s) on which nothing came were cut", cut)
            except Exception:  # a watch that dies would leave its duty undone for ever
                log.exception("stalls: failed; will try again")

    def look(self, now: float) -> int:
        """Cut what has not moved for long, and return how many connections that were."""
        waiting = list(self._waiting.values())
        doubtful = {(_plain(peer), port) for peer, port, since in waiting if now - since > LOOK_SECONDS}
        stuck = {(_plain(peer), port) for peer, port, since in waiting if now - since > PATIENCE_SECONDS}
        moved, self._moved, cut = self._moved, {}, 0
        for fd, line in _sockets() if doubtful else ():
            with suppress(OSError):  # it is not connected, or no longer
                peer = line.getpeername()
                whose = (_plain(peer[0]), str(line.getsockname()[1]))
                if whose not in doubtful:
                    continue
                acked, received = _moved(line)
                last = moved.get((fd, str(peer)), (now, acked, received))
                if acked != last[1] or received - last[2] >= LEAST_BYTES:
                    last = (now, acked, received)
                self._moved[fd, str(peer)] = last
                if whose in stuck and now - last[0] >= PATIENCE_SECONDS:
                    line.shutdown(socket.SHUT_RDWR)
                    cut += 1
        return cut


class _Body:
    """What a request sends; while it is waited for, it is known who is waited for."""

    def __init__(self, body: IO[bytes], wait: Callable[[], AbstractContextManager[None]]) -> None:
        self._body = body
        self._wait = wait

    def read(self, size: int = -1) -> bytes:
        with self._wait():
            return self._body.read(size)

    def readline(self, size: int = -1) -> bytes:
        with self._wait():
            return self._body.readline(size)

    def readlines(self, hint: int = -1) -> list[bytes]:
        with self._wait():
            return self._body.readlines(hint)

    def __iter__(self) -> Iterator[bytes]:
        while line := self.readline():
            yield line


def _hurry_the_dead() -> None:
    """Have the system give up a peer that has gone, or takes nothing of its download: what listens hands this on."""
    for _, line in _sockets():
        if line.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(PATIENCE_SECONDS * 1000))
            line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, max(1, int(PATIENCE_SECONDS / 2)))
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, max(1, int(PATIENCE_SECONDS / 6)))


def _sockets() -> Iterator[tuple[int, socket.socket]]:
    """The TCP sockets of this process, each by a handle of our own: its number may be another's a moment later."""
    for fd in [int(each.name) for each in Path("/proc/self/fd").iterdir()]:
        with suppress(OSError):  # it has been closed in the meantime
            if stat.S_ISSOCK(os.fstat(fd).st_mode):
                with _handle(fd) as line:
                    if line.type == socket.SOCK_STREAM and line.family in (socket.AF_INET, socket.AF_INET6):
                        yield fd, line


def _handle(fd: int) -> socket.socket:
    own = os.dup(fd)
    try:
        return socket.socket(fileno=own)
    except OSError:  # something else has got its number
        os.close(own)
        raise


def _moved(line: socket.socket) -> tuple[int, int]:
    acked, received = _MOVED.unpack_from(line.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256), _MOVED_AT)
    return acked, received


def _plain(address: str) -> str:
    """An address as it is compared: one of IPv4 may come in the clothes of IPv6."""
    with suppress(ValueError):
        parsed = ipaddress.ip_address(address.partition("%")[0])
        mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
        return str(mapped or parsed)
    return address

"""A few bytes from an address that is known to be Amazon's, soon or not at all."""

import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.client import HTTPException
from urllib.parse import urlsplit

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from webapp.errors import Unavailable

log = logging.getLogger(__name__)

# Amazon waits 15 seconds for our answer.
MOST_SECONDS = 5.0
MOST_BYTES = 16 * 1024


def connection_to(host: str) -> HTTPConnection:
    """One that believes whom the system believes. It follows no redirects and tries nothing twice."""
    return HTTPSConnection(host, timeout=MOST_SECONDS, ssl_context=ssl.create_default_context())


def fetch(
    address: str, *, connect: Callable[[str], HTTPConnection] = connection_to, seconds: float = MOST_SECONDS
) -> bytes:
    """What is there, at most 16 KiB, within so many seconds of the host's being found. Raises Unavailable."""
    parts = urlsplit(address)
    connection = connect(parts.netloc)
    deadline = time.monotonic() + seconds
    try:
        connection.connect()
        with _until(deadline, connection):
            return _read(connection, parts.path)
    # AttributeError: of the reader whose connection is cut.
    except (HTTPError, HTTPException, OSError, ValueError, AttributeError) as exc:
        log.warning("sns: %s could not be fetched: %r", address, exc)
        raise Unavailable from exc
    finally:
        connection.close()


@contextmanager
def _until(deadline: float, connection: HTTPConnection) -> Iterator[None]:
    """Cut the connection at that time: a time-out of its own begins anew with each byte that drips in."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("took too long to connect")
    timer = threading.Timer(left, _cut, [connection.sock])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _cut(sock: socket.socket) -> None:
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def _read(connection: HTTPConnection, path: str) -> bytes:
    connection.request("GET", path, preload_content=False, decode_content=False)
    answer = connection.getresponse()
    if answer.status != HTTPStatus.OK:
        raise OSError(f"answered with {answer.status}")
    # What is cut off among its headers looks like an answer without a body.
    if answer.length_remaining is None and not answer.chunked:
        raise OSError("does not say how long it is")
    found = b""
    # To the end, where it is seen whether all of it has come.
    while chunk := answer.read(MOST_BYTES + 1):
        found += chunk
        if len(found) > MOST_BYTES:
            raise OSError("longer than a certificate is")
    return found

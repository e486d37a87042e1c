"""Seats for requests that wait for their senders' bytes, or send many: so a few never hold every thread of the server.

What has no body, like a page or a poll, needs none, and a part of the threads is left to it: see webapp/server.py.
"""

import io
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import IO, Any, cast

from flask import Flask, Response, current_app, g, request
from flask_login import current_user
from werkzeug.wsgi import ClosingIterator

from webapp.db import db
from webapp.errors import AppError, Crowded, TooManyTransfers
from webapp.services import throttle

# Who sends so little has mostly sent it with the header. It is taken in at once.
BRIEF_BYTES = 64 * 1024
# Of the 128 threads: uploads and downloads, which last.
LONG_SEATS, LONG_SEATS_OF_ONE, LONG_SEATS_OF_ADDRESS, LONG_SEATS_OF_NOBODY = 64, 32, 48, 16
# And small bodies on their way in, which do not: more than these at once come of lines that stand still.
BRIEF_SEATS, BRIEF_SEATS_OF_ADDRESS = 32, 24
# A busy machine may need a moment to take in what is there already.
BRIEF_WAIT_SECONDS = 1.0
LOOK_SECONDS = 0.02
OWN_MACHINE = ("127.0.0.1", "::/64")


class Seats:
    """So many in all; whoever takes one gives it back."""

    def __init__(self, in_all: int) -> None:
        self.in_all = in_all
        self._taken: Counter[str] = Counter()
        self._count = 0
        self._lock = threading.Lock()

    def take(self, names: Mapping[str, int]) -> Callable[[], None]:
        """Take a seat in these names, each of which may have so many; what is returned gives it back.

        Raises TooManyTransfers or Crowded.
        """
        with self._lock:
            if any(self._taken[name] >= most for name, most in names.items()):
                raise TooManyTransfers
            if self._count >= self.in_all:
                raise Crowded
            self._taken.update(names.keys())
            self._count += 1
        return lambda: self._give(names)

    def take_soon(self, names: Mapping[str, int], *, patience: float) -> Callable[[], None]:
        """The same, with some patience."""
        deadline = time.monotonic() + patience
        while True:
            try:
                return self.take(names)
            except AppError:
                if time.monotonic() > deadline:
                    raise
            time.sleep(LOOK_SECONDS)

    def _give(self, names: Mapping[str, int]) -> None:
        with self._lock:
            self._count -= 1
            self._taken.subtract(names.keys())
            self._taken += Counter()  # forgets those who have none any more


def init_app(app: Flask) -> None:
    """Have each request that needs a seat take one, before anything of its body is read."""
    app.extensions["seats"] = Seats(LONG_SEATS)
    app.extensions["brief seats"] = Seats(BRIEF_SEATS)
    app.before_request(_seat_the_body)
    app.after_request(_keep_until_sent)
    app.teardown_request(_leave)


def sit() -> None:
    """Take a seat for an answer that lasts. Raises TooManyTransfers or Crowded. The transaction ends."""
    if "leave" not in g:
        names = _of_address(LONG_SEATS_OF_ADDRESS)
        if current_user.is_authenticated:
            names[f"user {current_user.id}"] = LONG_SEATS_OF_ONE
        else:
            names["nobody"] = LONG_SEATS_OF_NOBODY
        db.session.rollback()  # no transaction is open while bytes are waited for
        g.leave = current_app.extensions["seats"].take(names)


def _of_address(most: int) -> dict[str, int]:
    """The seats of the address that asks. On this machine stands whoever looks after it, or a proxy for everybody."""
    network = throttle.network_of(request.remote_addr or "")
    return {} if network in OWN_MACHINE else {network: most}


def _seat_the_body() -> None:
    length = request.content_length
    if length is None and request.environ.get("HTTP_TRANSFER_ENCODING", "").lower() != "chunked":
        return
    if length is None or length > BRIEF_BYTES:
        sit()
    elif length:
        request.environ["wsgi.input"] = io.BufferedReader(_Brief(request.environ["wsgi.input"], length))


class _Brief(io.RawIOBase):
    """A small body: when somebody begins to read it, all of it is taken in, on a seat that is then free again."""

    def __init__(self, body: IO[bytes], length: int) -> None:
        self._body = body
        self._length = length
        self._whole: io.BytesIO | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._whole is None:
            names = _of_address(BRIEF_SEATS_OF_ADDRESS)
            leave = current_app.extensions["brief seats"].take_soon(names, patience=BRIEF_WAIT_SECONDS)
            try:
                self._whole = io.BytesIO(self._body.read(self._length))
            finally:
                leave()
        return self._whole.readinto(buffer)


def _keep_until_sent(response: Response) -> Response:
    if leave := g.pop("leave", None):
        if response.direct_passthrough:  # a file is sent past the response, which then is never told that it is closed
            response.response = ClosingIterator(cast("Iterable[bytes]", response.response), leave)
        else:
            response.call_on_close(leave)
    return response


def _leave(_error: BaseException | None) -> None:
    """If no answer has come of it."""
    if leave := g.pop("leave", None):
        leave()

"""A way to the server on which all that passes is noted, and on which things can go wrong."""

import http.client
import re
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from tests.flows.house import House

PART = re.compile(r"/uploads/[^/]+/parts/(\d+)")

OF_THE_LINE = ("connection", "content-length", "date", "server", "transfer-encoding")


@dataclass(frozen=True)
class Seen:
    """A request and what it was answered."""

    method: str
    path: str
    headers: Mapping[str, str]
    status: int

    @property
    def part(self) -> int:
        """Which part it brought; 0 if none, or if it was not taken."""
        found = PART.fullmatch(self.path)
        return int(found[1]) if found and self.status in (200, 204) else 0


@dataclass
class Reply:
    """An answer; status 0: none at all. `breaks_after` so many bytes the line is cut."""

    status: int
    body: bytes = b""
    headers: Sequence[tuple[str, str]] = ()
    breaks_after: int | None = None


class Passage:
    """Listens under a prefix, and passes on what comes, unless `instead` has an answer to it."""

    def __init__(self, house: House, prefix: str = "", tls: ssl.SSLContext | None = None) -> None:
        self.house, self.prefix, self.is_tls = house, prefix, tls is not None
        self.seen: list[Seen] = []
        self.instead: Callable[[str, str, bytes], Reply | None] = lambda _method, _path, _body: None
        self.change: Callable[[str, Reply], Reply] = lambda _path, reply: reply
        self.slowness, self.busy = 0.0, 0
        passage = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                passage.answer(self)

            do_GET = do_PUT = do_POST = do_DELETE = answer  # noqa: N815 - http.server's names

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)

    @classmethod
    @contextmanager
    def opened(cls, house: House, prefix: str = "", tls: ssl.SSLContext | None = None) -> Iterator[Self]:
        """One that is open until the end of the context."""
        passage = cls(house, prefix, tls)
        thread = threading.Thread(target=passage.server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield passage
        finally:
            passage.server.shutdown()
            passage.server.server_close()

    @property
    def address(self) -> str:
        return f"http{'s' if self.is_tls else ''}://localhost:{self.server.server_port}{self.prefix}"

    @property
    def parts(self) -> list[int]:
        """The parts that were taken, in order."""
        return sorted(seen.part for seen in list(self.seen) if seen.part)

    def answer(self, asked: BaseHTTPRequestHandler) -> None:
        """Answer one request, unless it breaks off."""
        self.busy += 1
        try:
            self.answer_what_comes(asked)
        except ConnectionError:
            asked.close_connection = True
        finally:
            self.busy -= 1

    def answer_what_comes(self, asked: BaseHTTPRequestHandler) -> None:
        """Answer it if it is whole."""
        path, length = asked.path.removeprefix(self.prefix), int(asked.headers.get("Content-Length") or 0)
        body = asked.rfile.read(length)
        if len(body) < length:
            raise ConnectionError
        reply = self.instead(asked.command, path, body) or self.change(path, self.pass_on(asked, path, body))
        self.seen.append(Seen(asked.command, path, dict(asked.headers.items()), reply.status))
        if not reply.status:
            raise ConnectionError
        asked.send_response(reply.status)
        for name, value in (*reply.headers, ("Content-Length", str(len(reply.body)))):
            asked.send_header(name, value)
        asked.end_headers()
        asked.wfile.write(reply.body[: reply.breaks_after])
        asked.close_connection = asked.close_connection or reply.breaks_after is not None

    def pass_on(self, asked: BaseHTTPRequestHandler, path: str, body: bytes) -> Reply:
        """What the house answers; 502 if it does not."""
        if asked.command == "PUT":
            time.sleep(self.slowness)
        headers = {**asked.headers, **({"X-Forwarded-Proto": "https"} if self.is_tls else {})}
        connection = http.client.HTTPConnection("127.0.0.1", self.house.port, timeout=60)
        try:
            connection.request(asked.command, path, body, headers)
            response = connection.getresponse()
            told = response.read()
        except (OSError, http.client.HTTPException):
            return Reply(502)
        finally:
            connection.close()
        own = [(name, value) for name, value in response.headers.items() if name.lower() not in OF_THE_LINE]
        return Reply(response.status, told, own)

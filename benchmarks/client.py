"""A client that asks as fast as it is answered, over a few connections that stay open."""

import asyncio
import time
from dataclasses import dataclass

CONNECTIONS = 8
HEAD_ENDS = b"\r\n\r\n"


@dataclass(frozen=True)
class Load:
    """What came of it."""

    answers: int
    seconds: float
    busy: float
    """The share of the time in which the client itself was at work. Near 1 it has measured itself."""
    weight: int
    """The bytes of one answer."""

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.answers / self.seconds


class _Connection(asyncio.Protocol):
    """Sends the next request when the answer to the last one is there. The answers have no body."""

    def __init__(self, request: bytes, deadline: float, ended: asyncio.Future[None]) -> None:
        self.request, self.deadline, self.ended = request, deadline, ended
        self.answers, self.weight, self.received = 0, 0, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        self.received += data
        if not self.received.endswith(HEAD_ENDS):
            return
        assert self.received.startswith(b"HTTP/1.1 204 "), self.received
        self.answers, self.weight, self.received = self.answers + 1, len(self.received), b""
        if time.perf_counter() < self.deadline:
            self.transport.write(self.request)
        else:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended.set_result(None)


def load(port: int, address: str, cookie: str, seconds: float) -> Load:
    """Ask for an address that answers 204, for this long."""
    return asyncio.run(_load(port, address, cookie, seconds))


async def _load(port: int, address: str, cookie: str, seconds: float) -> Load:
    request = f"GET {address} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: {cookie}\r\nHX-Request: true\r\n\r\n"
    loop = asyncio.get_running_loop()
    begun, worked = time.perf_counter(), time.process_time()
    ends = [loop.create_future() for _ in range(CONNECTIONS)]
    made = [_Connection(request.encode(), begun + seconds, end) for end in ends]
    for each in made:
        await loop.create_connection(lambda each=each: each, "127.0.0.1", port)  # type: ignore[misc]
    await asyncio.wait_for(asyncio.gather(*ends), seconds + 30)
    passed = time.perf_counter() - begun
    answers = sum(each.answers for each in made)
    return Load(answers, passed, (time.process_time() - worked) / passed, made[0].weight)

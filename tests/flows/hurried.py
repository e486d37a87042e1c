"""An app for the web process that is soon out of patience, and says what has become of each body."""

from collections.abc import Iterable, Iterator
from wsgiref.types import StartResponse, WSGIEnvironment

from webapp import stalls

stalls.PATIENCE_SECONDS = 5.0
stalls.LOOK_SECONDS = 0.2
stalls.LEAST_BYTES = 8 * 1024
ENDLESS = 2**31
# When the app has lost patience with a body, or its answer was given up.
ended: list[str] = []


def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Read what is sent; send without end to `/endless`; tell at `/ended` what has ended."""
    path = environ["PATH_INFO"]
    if path == "/endless":
        start_response("200 OK", [("Content-Length", str(ENDLESS))])
        return _Endless()
    if path == "/ended":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [" ".join(ended).encode()]
    came = 0
    while chunk := environ["wsgi.input"].read(256 * 1024):
        came += len(chunk)
    ended.append(f"body:{came}")
    start_response("200 OK", [("Content-Length", "0")])
    return []


class _Endless:
    def __iter__(self) -> Iterator[bytes]:
        while True:
            yield b"x" * 65536

    def close(self) -> None:
        ended.append("answer")

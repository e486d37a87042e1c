"""What a request sends, read as it arrives."""

from collections.abc import Iterator
from typing import IO

from werkzeug.exceptions import ClientDisconnected

from webapp.errors import CutOff

CHUNK = 256 * 1024


def read_some(stream: IO[bytes]) -> bytes:
    """What comes next, at most so much; nothing at the end. Raises CutOff."""
    try:
        return stream.read(CHUNK)
    except (ClientDisconnected, OSError) as exc:
        raise CutOff from exc


def chunks(stream: IO[bytes]) -> Iterator[bytes]:
    """All of it. A server ends a stream that breaks off as if it were whole: whoever reads must count."""
    while chunk := read_some(stream):
        yield chunk

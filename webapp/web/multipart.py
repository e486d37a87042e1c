"""A multipart form read as it arrives: small fields are kept, files are handed on chunk by chunk."""

from collections.abc import Callable, Iterator
from typing import IO, TypeVar

from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData

from webapp.errors import BadRequest, CutOff, FormTooLong
from webapp.web.body import CHUNK, read_some

T = TypeVar("T")
LONGEST_FIELDS = 64 * 1024
MOST_PARTS = 1000


class StreamedForm:
    """The parts of a form in the order in which they come. Raises CutOff, BadRequest and FormTooLong.

    `fields` holds the text fields that have come so far. Iterating gives each file as its name and its chunks; what is
    left of the chunks when the next file is asked for is read and thrown away.
    """

    def __init__(self, stream: IO[bytes], boundary: bytes, length: int | None) -> None:
        self.fields: MultiDict[str, str] = MultiDict()
        self._decoder = MultipartDecoder(boundary, max_parts=MOST_PARTS)
        self._stream = stream
        self._length = length
        self._arrived = 0
        self._kept = 0
        self._events = self._read()
        self._ahead: Event | None = None

    def files(self, field: str) -> Iterator[tuple[str, Iterator[bytes]]]:
        """The files of this field. Files of other fields are thrown away."""
        while (event := self._take()) is not None:
            if isinstance(event, Field):
                self._keep(event)
            elif isinstance(event, File):
                chunks = self._chunks()
                if event.name == field:
                    yield event.filename, chunks
                for _ in chunks:
                    pass

    def _chunks(self) -> Iterator[bytes]:
        while True:
            event = self._take()
            assert isinstance(event, Data)  # noqa: S101 - after a header come data until the last of them
            if event.data:
                yield event.data
            if not event.more_data:
                # If nothing follows, the whole body is counted before its last file counts as whole.
                self._ahead = self._take()
                return

    def _take(self) -> Event | None:
        event, self._ahead = self._ahead, None
        return event or next(self._events, None)

    def _keep(self, event: Field) -> None:
        value = bytearray()
        for chunk in self._chunks():
            value += chunk
            self._kept += len(chunk)
            if self._kept > LONGEST_FIELDS:
                raise BadRequest
        try:
            self.fields.add(event.name, value.decode())
        except UnicodeDecodeError as exc:
            raise BadRequest from exc

    def _read(self) -> Iterator[Event]:
        while True:
            event = self._next()
            if isinstance(event, NeedData):
                self._feed()
            elif isinstance(event, Epilogue):
                self._finish()
                return
            else:
                yield event

    def _next(self) -> Event:
        try:
            return _guarded(self._decoder.next_event)
        except RequestEntityTooLarge as exc:
            self._finish()
            raise FormTooLong(count=MOST_PARTS) from exc

    def _feed(self) -> None:
        """Hand the decoder more. The server ends a stream that breaks off as if it were whole: only counting tells."""
        chunk = self._read_some()
        if not chunk and self._length is not None and self._arrived < self._length:
            raise CutOff
        _guarded(lambda: self._decoder.receive_data(chunk or None))
        # Sound is handed on as it comes; what stays is a header, or what surrounds the parts: neither may be long.
        if len(self._decoder.buffer) > CHUNK + LONGEST_FIELDS:
            raise BadRequest

    def _finish(self) -> None:
        while self._read_some():
            pass
        if self._length is not None and self._arrived != self._length:
            raise CutOff

    def _read_some(self) -> bytes:
        chunk = read_some(self._stream)
        self._arrived += len(chunk)
        return chunk


def _guarded(step: Callable[[], T]) -> T:
    try:
        return step()
    except ValueError as exc:
        raise BadRequest from exc

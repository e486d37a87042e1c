"""Write a zip archive whose length is known before its first byte, holding no more of it than a piece at a time.

Sound does not get smaller by being compressed, so everything is stored as it is. Checksums are taken on the way and
follow what they are of (APPNOTE.TXT 4.3.9). Where a number does not fit into 32 bits, ZIP64 says it.
"""

import struct
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime

MOST = 0xFFFFFFFF
MOST_ENTRIES = 0xFFFF
VERSION, VERSION_64 = 20, 45
# The checksum comes after the content; the name is UTF-8.
FLAGS = 1 << 3 | 1 << 11
ON_UNIX = 3 << 8
MODE = 0o100644 << 16
ZIP64 = 1

_HEADER = struct.Struct("<4s5H3L2H")
_DESCRIPTOR, _DESCRIPTOR_64 = struct.Struct("<4s3L"), struct.Struct("<4sL2Q")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_EXTRA_SIZES, _EXTRA_CENTRAL = struct.Struct("<2H2Q"), struct.Struct("<2H3Q")
_END = struct.Struct("<4s4H2LH")
_END_64, _LOCATOR = struct.Struct("<4sQ2H2L4Q"), struct.Struct("<4sLQL")


class Broken(Exception):
    """An entry has not the length that was promised, so the archive cannot be told as whole."""


@dataclass(frozen=True)
class Entry:
    """One file of an archive: its name in there, how long it is, and how to get its bytes."""

    name: str
    size: int
    made_at: datetime
    read: Callable[[], Iterator[bytes]]

    @property
    def is_big(self) -> bool:
        """Whether its size takes ZIP64 to be told."""
        return self.size >= MOST

    @property
    def label(self) -> bytes:
        """The name as it is written."""
        return self.name.encode()

    @property
    def moment(self) -> tuple[int, int]:
        """Time and date as DOS has them, in steps of two seconds, from 1980 on."""
        at = self.made_at
        time = at.hour << 11 | at.minute << 5 | at.second // 2
        return time, (max(at.year, 1980) - 1980) << 9 | at.month << 5 | at.day


def length(entries: Sequence[Entry]) -> int:
    """How many bytes the archive will have."""
    offset = directory = 0
    for entry in entries:
        directory += len(_central(entry, 0, offset))
        descriptor = _DESCRIPTOR_64 if entry.is_big else _DESCRIPTOR
        offset += len(_header(entry)) + entry.size + descriptor.size
    return offset + directory + len(_end(len(entries), offset, directory))


def write(entries: Iterable[Entry]) -> Generator[bytes, None, None]:
    """The archive, piece by piece. Raises Broken, and whatever reading raises: then its end is missing."""
    offset, directory, count = 0, bytearray(), 0
    for entry in entries:
        header = _header(entry)
        yield header
        checksum = yield from _content(entry)
        descriptor = _descriptor(entry, checksum)
        yield descriptor
        directory += _central(entry, checksum, offset)
        offset += len(header) + entry.size + len(descriptor)
        count += 1
    yield bytes(directory) + _end(count, offset, len(directory))


def _content(entry: Entry) -> Generator[bytes, None, int]:
    """Its bytes as they are, and in the end their checksum."""
    checksum = written = 0
    with closing(entry.read()) as chunks:  # type: ignore[type-var]
        for chunk in chunks:
            written += len(chunk)
            if written > entry.size:
                break
            checksum = zlib.crc32(chunk, checksum)
            yield chunk
    if written != entry.size:
        raise Broken(f"{entry.name}: not {entry.size} bytes")
    return checksum


def _header(entry: Entry) -> bytes:
    time, date = entry.moment
    version, size, extra = VERSION, 0, b""
    if entry.is_big:
        version, size, extra = VERSION_64, MOST, _EXTRA_SIZES.pack(ZIP64, 16, 0, 0)
    fixed = _HEADER.pack(
        b"PK\3\4", version, FLAGS, 0, time, date, 0, size, size, len(entry.label), len(extra)
    )  # fmt: skip
    return fixed + entry.label + extra


def _descriptor(entry: Entry, checksum: int) -> bytes:
    kind = _DESCRIPTOR_64 if entry.is_big else _DESCRIPTOR
    return kind.pack(b"PK\7\x08", checksum, entry.size, entry.size)


def _central(entry: Entry, checksum: int, offset: int) -> bytes:
    time, date = entry.moment
    version, size, place, extra = VERSION, entry.size, offset, b""
    if entry.is_big or offset >= MOST:
        # All three, so that nobody has to find out which of them are there.
        extra = _EXTRA_CENTRAL.pack(ZIP64, 24, entry.size, entry.size, offset)
        version, size, place = VERSION_64, MOST, MOST
    fixed = _CENTRAL.pack(
        b"PK\1\2", ON_UNIX | version, version, FLAGS, 0, time, date, checksum, size, size,
        len(entry.label), len(extra), 0, 0, 0, MODE, place,
    )  # fmt: skip
    return fixed + entry.label + extra


def _end(count: int, offset: int, size: int) -> bytes:
    short = _END.pack(
        b"PK\5\6", 0, 0, min(count, MOST_ENTRIES), min(count, MOST_ENTRIES), min(size, MOST), min(offset, MOST), 0
    )  # fmt: skip
    if count < MOST_ENTRIES and size < MOST and offset < MOST:
        return short
    long = _END_64.pack(
        b"PK\6\6", _END_64.size - 12, ON_UNIX | VERSION_64, VERSION_64, 0, 0, count, count, size, offset
    )  # fmt: skip
    return long + _LOCATOR.pack(b"PK\6\7", 0, offset + size, 1) + short

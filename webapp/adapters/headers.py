"""Read how long a file says it is, where libav tells only how much of that is here.

These are a few numbers at known places of the first bytes, so they are read here, outside the sandbox.
"""

import struct
from pathlib import Path

HEAD_BYTES = 1 << 16
# Who writes into a pipe cannot know the size, and puts in what is nearly the greatest number, with or without a sign.
WAV_PLACEHOLDERS = (range(0x7FFF0000, 0x80010000), range(0xFFFF0000, 1 << 32))
LONG_PLACEHOLDER = 1 << 62
PCM_FORM_BYTES = 16
W64_CHUNK_BYTES = 24
ASF_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
ASF_IS_LIVE = 1


def seconds_in(path: Path, demuxer: str) -> float | None:
    """How long the header says that the sound is; None if it does not, or nobody has to look there."""
    reader = {"wav": _wav, "w64": _w64, "caf": _caf, "dsf": _dsf, "asf": _asf}.get(demuxer)
    if reader is None:
        return None
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    try:
        return reader(head)
    except (struct.error, ZeroDivisionError):
        return None


def _wav(head: bytes) -> float | None:
    at, rate = 12, 0
    while head[:4] == b"RIFF" and at + 8 <= len(head):
        name, size = struct.unpack_from("<4sI", head, at)
        if name == b"fmt " and size >= PCM_FORM_BYTES:
            rate = struct.unpack_from("<I", head, at + 16)[0]
        if name == b"data":
            return None if any(size in each for each in WAV_PLACEHOLDERS) else size / rate
        at += 8 + size + size % 2
    return None


def _w64(head: bytes) -> float | None:
    at, rate = 40, 0
    while at + W64_CHUNK_BYTES <= len(head):
        name, size = struct.unpack_from("<4s12xQ", head, at)
        if name == b"fmt ":
            rate = struct.unpack_from("<I", head, at + 32)[0]
        if name == b"data":
            return (size - W64_CHUNK_BYTES) / rate if W64_CHUNK_BYTES < size < LONG_PLACEHOLDER else None
        at += max(size + -size % 8, W64_CHUNK_BYTES)
    return None


def _caf(head: bytes) -> float | None:
    at, per_second = 8, 0.0
    while at + 12 <= len(head):
        name, size = struct.unpack_from(">4sQ", head, at)
        if name == b"desc":
            rate, packet_bytes, packet_frames = struct.unpack_from(">d8xII", head, at + 12)
            per_second = rate * packet_bytes / packet_frames
        if name == b"data":
            # The first four bytes count edits. Where packets differ in length, there is no more to be had from it.
            return (size - 4) / per_second if 4 < size < LONG_PLACEHOLDER and per_second > 0 else None  # noqa: PLR2004
        at += 12 + size
    return None


def _dsf(head: bytes) -> float | None:
    rate, count = struct.unpack_from("<I4xQ", head, 56)
    return float(count / rate)


def _asf(head: bytes) -> float | None:
    at = head.index(ASF_PROPERTIES) if ASF_PROPERTIES in head else len(head)
    tenths_of_microseconds, preroll, flags = struct.unpack_from("<Q8xQI", head, at + 64)
    seconds = tenths_of_microseconds / 10_000_000 - preroll / 1000
    return None if flags & ASF_IS_LIVE or seconds <= 0 else seconds

"""Sounds of unusual form, whole all the same, or put together of several."""

import struct

from tests import sounds
from tests.hostile.boxes import id3, riff
from tests.hostile.case import Case, End, marked, ready, refused
from tests.hostile.encoded import encoded

TAG = id3((b"TIT2", b"\0Song", 0))


def _doubles() -> bytes:
    samples = [struct.unpack_from("<h", sounds.wav(1.0), 44 + 4 * n)[0] / 32768 for n in range(44100)]
    return riff(struct.pack("<44100d", *samples), 44100, 1, 64, kind=3)


def _chunks() -> bytes:
    """With chunks that nobody knows, one of odd length, before and behind the samples."""
    song = sounds.wav(1.0)
    odd = struct.pack("<4sI", b"odd ", 3) + b"abc\0"
    content = song[8:12] + odd + song[12:] + odd
    return struct.pack("<4sI", b"RIFF", len(content)) + content


def _big_endian() -> bytes:
    body = b"".join(sounds.wav(1.0)[at : at - 2 : -1] for at in range(45, 44 + 176_400, 2))
    form = struct.pack(">4sIHHIIHH", b"fmt ", 16, 1, 2, 44100, 176_400, 4, 16)
    content = b"WAVE" + form + struct.pack(">4sI", b"data", len(body)) + body
    return struct.pack(">4sI", b"RIFX", len(content)) + content


CASES: list[Case] = [
    ready("wav of seven channels", "seven.wav", lambda: sounds.wav(0.5, channels=7), 0.5),
    ready("wav of 8 bits", "eight.wav", lambda: sounds.wav(1.0, depth=8), 1.0),
    ready("wav of 32 bits", "thirty-two.wav", lambda: sounds.wav(0.5, depth=32), 0.5),
    ready("wav of doubles", "double.wav", _doubles, 1.0),
    Case("wav of 1 bit", "one.wav", lambda: riff(bytes(10_000), 44100, 8, 1), frozenset({End.REFUSED, End.MARKED})),
    refused("wav of no bits", "none.wav", lambda: riff(bytes(10_000), 44100, 1, 0)),
    refused("wav of no channels", "mute.wav", lambda: riff(bytes(10_000), 44100, 0, 16)),
    refused("wav at no rate", "still.wav", lambda: riff(bytes(10_000), 0, 1, 16)),
    ready("wav at 655350 Hz", "fast.wav", lambda: riff(bytes(1_310_700), 655_350, 1, 16), 1.0),
    ready("wav at 1001 Hz", "low.wav", lambda: sounds.wav(1.0, rate=1001, hertz=100), 1.0),
    ready("wav of five samples", "five.wav", lambda: sounds.wav(0.000_625, rate=8000), 0.0),
    ready("wav with odd chunks", "chunks.wav", _chunks, 1.0),
    ready("wav by the other end", "rifx.wav", _big_endian, 1.0),
    ready("mp3 with two tags", "-y.mp3", lambda: TAG + TAG + encoded("bare.mp3"), 1.05),
    ready("two mp3s", "two.mp3", lambda: encoded("bare.mp3") * 2, 2.1),
    ready("two flacs", "two.flac", lambda: encoded("song.flac") * 2, 2.0),
    ready("two oggs", "two.ogg", lambda: encoded("song.ogg") * 2, 2.0),
    ready("an mp3 under another name", "song.flac", lambda: encoded("song.mp3"), 1.0),
    ready("an aac under the name of a program", "song.exe", lambda: encoded("song.aac"), 1.04),
    marked("ogg that changes its form", "change.ogg", lambda: encoded("song.ogg") + encoded("low.ogg")),
    Case("flac that changes its form", "change.flac", lambda: encoded("song.flac") + encoded("low.flac"),
         frozenset({End.READY, End.MARKED})),
    marked("ogg that changes its codec", "codec.ogg", lambda: encoded("song.ogg") + encoded("song.opus")),
]  # fmt: skip

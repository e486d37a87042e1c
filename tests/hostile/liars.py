"""Files that say what is not so, or break off."""

import struct
from functools import partial

from tests import sounds
from tests.hostile.boxes import flac_info, riff, sealed
from tests.hostile.case import Case, marked, ready, refused
from tests.hostile.encoded import cut, encoded

SECOND = sounds.wav(1.0)[44:]
DAYS_18 = 18 * 24 * 3600


def _rf64() -> bytes:
    song = bytearray(encoded("song.rf64"))
    struct.pack_into("<QQQ", song, song.index(b"ds64") + 8, 1 << 40, 1 << 40, 1 << 38)
    return bytes(song)


def _xing(frames: int) -> bytes:
    song = bytearray(encoded("song.mp3"))
    at = next(song.index(name) for name in (b"Xing", b"Info") if name in song)
    struct.pack_into(">I", song, at + 8, frames)
    return bytes(song)


def _flac(samples: int) -> bytes:
    return flac_info(44100, 2, 16, samples, 4608)[:26] + encoded("song.flac")[26:]


def _mp4() -> bytes:
    song = bytearray(encoded("front.m4a"))
    struct.pack_into(">I", song, song.index(b"mdhd") + 20, 0xFFFFFFF0)
    return bytes(song)


def _granule() -> bytes:
    song = encoded("song.ogg")
    at = song.rindex(b"OggS")
    return song[:at] + sealed(song[at : at + 6] + struct.pack("<q", 1 << 61) + song[at + 14 :])


def _hole(name: str) -> bytes:
    song = bytearray(encoded(name, 4.0))
    song[-len(song) // 2 : -len(song) // 4] = bytes(len(song) // 4)
    return bytes(song)


CASES: list[Case] = [
    refused("wav that says 3 GiB", "3gib.wav", lambda: riff(SECOND, 44100, 2, 16, size=3 << 30)),
    refused("wav that says twice what it has", "twice.wav", lambda: riff(SECOND, 44100, 2, 16, size=2 * len(SECOND))),
    ready("wav that says nothing", "0.wav", lambda: riff(SECOND, 44100, 2, 16, size=0), 1.0),
    ready("wav from a pipe", "pipe.wav", lambda: riff(SECOND, 44100, 2, 16, size=0xFFFFFFFF), 1.0),
    refused("rf64 that says 1 TiB", "1tib.wav", _rf64),
    refused("mp3 whose Xing says years", "years.mp3", lambda: _xing(0x7FFFFFFF)),
    refused("mp3 whose Xing says an hour", "hour.mp3", lambda: _xing(140_000)),
    refused("flac that says 18 days", "days.flac", lambda: _flac(DAYS_18 * 44100 % (1 << 36))),
    ready("flac that says nothing", "0.flac", lambda: _flac(0), 1.0),
    ready("m4a that says a day", "day.m4a", _mp4, 1.0),
    *(refused(f"half a {kind}", f"half.{kind}", partial(cut, f"song.{kind}"))
      for kind in ("wav", "flac", "aiff", "w64", "caf", "mp3", "m4a", "webm", "wma", "wv", "tta")),
    refused("half a m4a with its index in front", "front.m4a", lambda: cut("front.m4a")),
    *(marked(f"half a {kind}", f"half.{kind}", partial(cut, f"song.{kind}"))
      for kind in ("ogg", "opus", "oga", "aac", "ac3", "amr")),
    marked("half an mp2", "half.mp2", lambda: cut("song.mp2", 0.51)),
    marked("half an mp3 without a count", "half-bare.mp3", lambda: cut("bare.mp3")),
    marked("wav without its last bytes", "last.wav", lambda: cut("song.wav", 0.97)),
    marked("mp3 without its last bytes", "last.mp3", lambda: cut("song.mp3", 0.97)),
    refused("flac with a hole", "hole.flac", lambda: _hole("song.flac")),
    refused("ogg with a hole", "hole.ogg", lambda: _hole("song.ogg")),
    ready("ogg whose last page lies of its place", "place.ogg", _granule, 1.0),
]  # fmt: skip

"""Small files that would become large: in memory, on disk or in time."""

import struct
import zlib

from tests.hostile.boxes import (
    box,
    flac_block,
    flac_info,
    flac_silence,
    id3,
    mp4,
    opus,
    opus_head,
    png,
    riff,
    track,
)
from tests.hostile.case import Case, ready, refused
from tests.hostile.encoded import encoded

MANY = 80_000_000
NES = b"NESM\x1a\x01\x01\x01" + struct.pack("<HHH", 0x8000, 0x8000, 0x8003) + bytes(96) + b"\x1a\x41" + bytes(16)
# Frames of 2.5 ms, 48 to a packet: 120 ms in two bytes.
EMPTY_OPUS = b"\xe3\x30"


def index(samples: int = MANY) -> bytes:
    """A thousand bytes whose index takes 48 bytes for each sample, once it is read."""
    tracks = (track(number, samples=samples, size=1, ticks=1024, kind=b"mp4a") for number in (1, 2))
    return mp4(*tracks, body=bytes(100))


def _cover_of_mp3() -> bytes:
    picture = b"\0image/png\0\3\0" + png(12000)
    return id3((b"APIC", picture, 0), size=None) + encoded("bare.mp3")


def _cover_of_flac() -> bytes:
    picture = png(12000)
    block = struct.pack(">II9sI", 3, 9, b"image/png", 0) + struct.pack(">IIII", 12000, 12000, 24, 0)
    song = encoded("song.flac")
    covered = flac_block(6, block + struct.pack(">I", len(picture)) + picture, is_last=False)
    return song[:4] + bytes([0]) + song[5:42] + covered + song[42:]


def _tag_of_zeros() -> bytes:
    packed = zlib.compress(bytes(60_000_000), 9)
    return id3((b"TXXX", struct.pack(">I", 60_000_000) + packed, 0x0080)) + encoded("bare.mp3")


def _nested() -> bytes:
    inner = b""
    for _ in range(5000):
        inner = box(b"moov", inner)
    return box(b"ftyp", b"isom", bytes(4)) + inner


def _laughs() -> bytes:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    return f'<?xml version="1.0"?><!DOCTYPE MPD [<!ENTITY l0 "ha">{entities}]><MPD>&l11;</MPD>'.encode()


def _ape() -> bytes:
    start = struct.pack("<4sHHIIIIIII16s", b"MAC ", 3990, 0, 52, 24, 0xFFFFFF, 0, 0xFFFFFFFF, 0xFF, 0, bytes(16))
    return start + struct.pack("<HHIIIHHI", 2000, 0, 73728, 1000, 0x0FFFFFFF, 16, 2, 44100) + bytes(2000)


def _caf() -> bytes:
    form = struct.pack(">d4sIIIII", 44100.0, b"aac ", 0, 0, 1024, 2, 0)
    packets = struct.pack(">qqii", 1 << 40, 1 << 50, 0, 0)
    chunks = ((b"desc", form), (b"pakt", packets), (b"data", bytes(1000)))
    return b"caff\0\1\0\0" + b"".join(struct.pack(">4sq", name, len(each)) + each for name, each in chunks)


CASES: list[Case] = [
    refused("mp4 whose index is huge", "index.mp4", index),
    refused("mp4 of 800 tracks", "tracks.mp4", lambda: mp4(*(track(n, samples=1, size=2) for n in range(1, 801)))),
    refused("mp4 of boxes in boxes", "nested.m4a", _nested),
    ready("mp3 with a cover of 144 million pixels", "cover.mp3", _cover_of_mp3, 1.05),
    ready("flac with a cover of 144 million pixels", "cover.flac", _cover_of_flac, 1.0),
    ready("mp3 with a tag of 60 million zeros", "tag.mp3", _tag_of_zeros, 1.05),
    refused("ogg of thousands of streams", "streams.ogg", lambda: b"".join(map(opus_head, range(1, 3001)))),
    refused("flac, hours of silence", "hours.flac", lambda: flac_silence(44100, 8, 7300)),
    ready("flac bomb", "bomb.flac", lambda: flac_silence(44100, 8, 2000), 2972.1, is_heavy=True),
    ready("flac bomb at the highest rate", "fast.flac", lambda: flac_silence(655_350, 8, 7000), 700, is_heavy=True),
    refused("opus of sixteen hours of nothing", "hours.opus", lambda: opus([EMPTY_OPUS] * 480_000, 5760)),
    refused("wav at 1 Hz", "slow.wav", lambda: riff(bytes(400_000), 1, 1, 16)),
    refused("nes music that never ends", "endless.mp3", NES),
    refused("xml bomb", "laughs.mpd", _laughs),
    refused("ape with a huge table", "table.ape", _ape),
    refused("caf of a million million packets", "packets.caf", _caf),
    refused("wav of 65535 channels", "channels.wav", lambda: riff(bytes(400_000), 44100, 65535, 8)),
    refused("flac that is only a header", "header.flac", lambda: flac_info(44100, 2, 16, 44100, 4096)),
]

"""What is no sound at all, whatever it calls itself."""

import io
import json
import random
import sys
import tarfile
import zipfile
import zlib
from pathlib import Path

from tests import sounds
from tests.hostile.boxes import id3, ogg_page, opus_head, png, riff
from tests.hostile.case import Case, refused
from tests.hostile.encoded import encoded, film


def _zip() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("../../song.wav", sounds.wav(0.1))
    return packed.getvalue()


def _tar() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        link = tarfile.TarInfo("song.wav")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    return packed.getvalue()


HTML = b"<!doctype html><title>Song</title><script>alert(1)</script>" * 50
PDF = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\n" * 50
MIDI = b"MThd\0\0\0\6\0\0\0\1\0\x60MTrk\0\0\0\4\0\xff\x2f\0"
MODULE = b"Extended Module: song                \x1aFastTracker II      \x04\x01" + bytes(1000)
FLASH = b"FWS\5" + bytes(200)

CASES: list[Case] = [
    refused("empty", "empty.mp3", b""),
    refused("one byte", "byte.wav", b"R"),
    refused("zeros", "zeros.mp3", bytes(200_000)),
    refused("noise", "noise.mp3", lambda: random.Random(1).randbytes(200_000)),
    refused("text", "notes.mp3", "Eine ganz gewöhnliche Notiz.\n".encode() * 200),
    refused("json", "song.wav", json.dumps({"url": "file:///etc/passwd"}).encode()),
    refused("html", "page.mp3", HTML),
    refused("pdf", "paper.flac", PDF),
    refused("subtitles", "words.mp3", b"1\n00:00:01,000 --> 00:00:02,000\nHello\n"),
    refused("zip", "song.zip.mp3", _zip),
    refused("zip after a word", "word.wav", lambda: b"RIFF" + _zip()),
    refused("tar with a link", "link.mp3", _tar),
    refused("gzip", "song.mp3.gz", lambda: b"\x1f\x8b\x08\0\0\0\0\0\0\3" + zlib.compress(sounds.wav(0.1))[2:-4]),
    refused("program", "program.wav", lambda: Path(sys.executable).resolve().read_bytes()[:1_000_000]),
    refused("png", "picture.mp3", lambda: png(64)),
    refused("gif", "picture.wav", b"GIF89a\1\0\1\0\0\0\0,\0\0\0\0\1\0\1\0\0\2\2D\1\0;"),
    refused("midi", "song.mid", MIDI),
    refused("tracker module", "song.xm", MODULE),
    refused("flash", "song.swf", FLASH),
    refused("film without sound", "film.mp4", film),
    refused("tag without a song", "tag.mp3", lambda: id3((b"TIT2", b"\0Song", 0)) + bytes(1000)),
    refused("tag that says 256 MiB", "huge.mp3", lambda: id3(size=(1 << 28) - 1) + encoded("bare.mp3")),
    refused("wav that is only a header", "header.wav", lambda: riff(b"", 44100, 2, 16)),
    refused("ogg that is only a header", "header.ogg", lambda: opus_head(1)),
    refused("ogg of nothing known", "unknown.ogg", lambda: ogg_page([b"unknown"], 1, 0, 0, flags=2) * 20),
    refused("mp4 that is only a brand", "brand.m4a", b"\0\0\0\x14ftypM4A \0\0\0\0M4A "),
    refused("matroska that is only a header", "header.mka", b"\x1a\x45\xdf\xa3\x84\x42\x82\x81m" * 3),
    refused("wma that is only a header", "header.wma", bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c") + bytes(100)),
]

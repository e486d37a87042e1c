"""Real encodings, made once, few and short: one second of a sine at 440 Hz unless the name says otherwise."""

import functools
import tempfile
from pathlib import Path

from tests import sounds

ARGUMENTS: dict[str, tuple[str, ...]] = {
    "bare.mp3": ("-write_xing", "0", "-id3v2_version", "0"),
    "front.m4a": ("-movflags", "+faststart"),
}
LOW = {"rate": 22050, "channels": 1}
FORMS = {"low.ogg": LOW, "low.flac": LOW}


@functools.cache
def encoded(name: str, seconds: float = 1.0) -> bytes:
    """The bytes of a sound of this kind."""
    with tempfile.TemporaryDirectory() as folder:
        form = FORMS.get(name, {})
        return sounds.make(Path(folder), name, *ARGUMENTS.get(name, ()), seconds=seconds, **form).read_bytes()


@functools.cache
def film() -> bytes:
    """Moving pictures without a sound."""
    with tempfile.TemporaryDirectory() as folder:
        picture = ("-f", "lavfi", "-i", "testsrc=size=64x64:duration=0.2", "-c:v", "mpeg4")
        return sounds.ffmpeg(Path(folder, "film.mp4"), *picture).read_bytes()


def cut(name: str, part: float = 0.5) -> bytes:
    """The first part of four seconds of it."""
    whole = encoded(name, 4.0)
    return whole[: int(len(whole) * part)]

"""Sounds to test with, made on the spot.

sounds.wav(seconds=2.0, rate=44100, channels=2, depth=16, hertz=440)   # bytes
sounds.make(tmp_path, "song.mp3", seconds=2)                           # a file of any kind in KINDS
sounds.make(tmp_path, "song.mp3", "-b:a", "64k", channels=1)           # with ffmpeg's own arguments
"""

import functools
import math
import struct
import subprocess
import tempfile
from array import array
from pathlib import Path

import imageio_ffmpeg

PCM, FLOAT = 1, 3
# By the number of channels. Four have two: 4 is for quad, 5 for one with a centre and an LFE.
DSF_LAYOUTS = (1, 2, 3, 4, 6, 7)

# By the ending of the name: how ffmpeg makes it. For Speex, APE and AMR-WB, which it does not write, see rare.py.
KINDS: dict[str, tuple[str, ...]] = {
    "wav": (),
    "rf64": ("-rf64", "always", "-f", "wav"),
    "w64": (),
    "aiff": (),
    "caf": (),
    "au": (),
    "flac": (),
    "mp3": ("-b:a", "128k"),
    "mp2": (),
    "aac": (),
    "m4a": (),
    "mp4": ("-c:a", "aac"),
    "mov": ("-c:a", "aac"),
    "3gp": ("-c:a", "aac"),
    "ogg": ("-c:a", "libvorbis"),
    "opus": ("-c:a", "libopus"),
    "oga": ("-c:a", "flac", "-f", "ogg"),
    "webm": ("-c:a", "libopus"),
    "mka": ("-c:a", "libvorbis"),
    "wma": (),
    "wv": (),
    "amr": ("-ar", "8000", "-ac", "1"),
    "ac3": (),
    "eac3": (),
    "tta": (),
    "dsf": (),
}


@functools.cache
def wav(
    seconds: float = 2.0,
    rate: int = 44100,
    channels: int = 2,
    depth: int = 16,
    hertz: float = 440.0,
    *,
    is_float: bool = False,
    loudness: float = 0.5,
) -> bytes:
    """A sine, the same on each channel. A float one has 32 bits."""
    depth = 32 if is_float else depth
    samples = [loudness * math.sin(2 * math.pi * hertz * n / rate) for n in range(round(seconds * rate))]
    if is_float:
        one_channel = [struct.pack("<f", sample) for sample in samples]
    else:
        # WAV's 8 bits have no sign; all others have.
        middle = 128 if depth == 8 else 0
        top = (1 << (depth - 1)) - 1
        one_channel = [
            (round(sample * top) + middle).to_bytes(depth // 8, "little", signed=depth != 8) for sample in samples
        ]
    body = b"".join(sample * channels for sample in one_channel)
    return _riff(body, FLOAT if is_float else PCM, rate, channels, depth)


def damaged() -> bytes:
    """It says that it is twenty seconds long and breaks off after two: accepted, and then it cannot be converted."""
    return wav(20.0)[:400_000]


def silence(seconds: float = 2.0, rate: int = 44100, channels: int = 2) -> bytes:
    """Nothing to hear, in 16 bits."""
    return _riff(bytes(round(seconds * rate) * channels * 2), PCM, rate, channels, 16)


def make(
    folder: Path, name: str, *arguments: str,
    seconds: float = 2.0, rate: int = 44100, channels: int = 2, depth: int = 16, hertz: float = 440.0,
) -> Path:  # fmt: skip
    """A sine in the kind of file that the name asks for. `arguments` go to ffmpeg, before the file's name."""
    target = folder / name
    kind = target.suffix.removeprefix(".")
    if kind == "dsf":
        target.write_bytes(_dsf(seconds, channels, hertz))
        return target
    sound = wav(seconds, rate, channels, depth, hertz)
    target.write_bytes(sound if kind == "wav" and not arguments else _encoded(sound, kind, arguments))
    return target


@functools.cache
def _encoded(sound: bytes, kind: str, arguments: tuple[str, ...]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"song.{kind}")
        return ffmpeg(path, "-i", "pipe:0", *KINDS[kind], *arguments, given=sound).read_bytes()


def ffmpeg(target: Path, *arguments: str, given: bytes = b"") -> Path:
    """Have ffmpeg make the target, of what it is given on its stdin if it asks for that."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *arguments, str(target)]
    subprocess.run(command, input=given, check=True, timeout=60)
    return target


def samples(path: Path, *arguments: str, rate: int | None = None, channels: int | None = None) -> "array[int]":
    """All samples of a file, in 16 bits, as they are or at another rate and number of channels."""
    wanted = [*(("-ar", str(rate)) if rate else ()), *(("-ac", str(channels)) if channels else ())]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(path), *arguments, *wanted, "-f", "s16le", "-"]
    return array("h", subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=60).stdout)


def _riff(body: bytes, kind: int, rate: int, channels: int, depth: int) -> bytes:
    block = channels * depth // 8
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, kind, channels, rate, rate * block, block, depth)
    content = b"WAVE" + form + struct.pack("<4sI", b"data", len(body)) + body
    return struct.pack("<4sI", b"RIFF", len(content)) + content


def _dsf(seconds: float, channels: int, hertz: float) -> bytes:
    """DSD64 with a square wave: ffmpeg cannot write it, and its header is short."""
    rate, block = 2_822_400, 4096
    half = round(rate / hertz / 2 / 8)
    count = round(seconds * rate / 8)
    one_channel = (b"\xb7" * half + b"\x48" * half) * (count // (2 * half) + 1)
    one_channel = one_channel[:count].ljust(-(-count // block) * block, b"\x69")
    blocks = [one_channel[at : at + block] * channels for at in range(0, len(one_channel), block)]
    body = b"".join(blocks)
    layout = DSF_LAYOUTS[channels - 1]
    form = struct.pack("<4sQIIIIIIQII", b"fmt ", 52, 1, 0, layout, channels, rate, 1, count * 8, block, 0)
    content = form + struct.pack("<4sQ", b"data", 12 + len(body)) + body
    return struct.pack("<4sQQQ", b"DSD ", 28, 28 + len(content), 0) + content

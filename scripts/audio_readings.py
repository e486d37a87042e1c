"""What decoders hear in a file, and what mutagen reads of its tags."""

import base64
import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import miniaudio
import mutagen
import soundfile
from mutagen.flac import Picture

# What mutagen calls each tag, from one kind of file to the next.
NAMES = {
    "title": ("title", "TIT2", "©nam", "Title"),
    "artist": ("artist", "TPE1", "©ART", "Author", "Artist"),
    "album": ("album", "TALB", "©alb", "WM/AlbumTitle", "Album"),
    "track": ("tracknumber", "track", "TRCK", "trkn", "WM/TrackNumber", "Track"),
    "date": ("date", "TDRC", "©day", "WM/Year", "Year"),
    "genre": ("genre", "TCON", "©gen", "WM/Genre", "Genre"),
    "comment": ("comment", "description", "COMM", "©cmt", "Description", "Comment"),
}


@dataclass(frozen=True)
class Heard:
    """All samples of a sound."""

    count: int
    """On each channel."""
    rate: int
    channels: int
    sha256: str
    """Of the samples in 32 bits."""


def heard(path: Path) -> Heard:
    """What ffmpeg hears."""
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder, "plain.wav")
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(path), "-map", "0:a:0"]
        subprocess.run([*command, "-c:a", "pcm_s32le", str(plain)], check=True, timeout=60)
        return _by_libsndfile(plain)


def heard_by(decoder: str, path: Path, rate: int) -> Heard | None:
    """What another decoder hears at this rate; None if it does not read such files, or is not here."""
    endings, listen = _DECODERS[decoder]
    return listen(path, rate) if path.suffix in endings else None


def _by_libsndfile(path: Path, _rate: int = 0) -> Heard:
    samples, rate = soundfile.read(path, dtype="int32", always_2d=True)
    count, channels = samples.shape
    return Heard(count, rate, channels, hashlib.sha256(samples.tobytes()).hexdigest())


def _by_miniaudio(path: Path, rate: int) -> Heard:
    heard = miniaudio.decode_file(str(path), miniaudio.SampleFormat.SIGNED32, 2, rate)
    return Heard(heard.num_frames, rate, heard.nchannels, hashlib.sha256(heard.samples.tobytes()).hexdigest())


def _by_faad(path: Path, _rate: int) -> Heard | None:
    faad = shutil.which("faad")
    if faad is None or path.stem.startswith("alac"):
        return None
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder, "plain.wav")
        run = subprocess.run([faad, "-q", "-o", str(plain), str(path)], capture_output=True, timeout=60, check=False)
        return _by_libsndfile(plain) if run.returncode == 0 and plain.exists() else None


_DECODERS: dict[str, tuple[tuple[str, ...], Callable[[Path, int], Heard | None]]] = {
    "libsndfile": ((".wav", ".flac", ".aiff", ".ogg", ".opus", ".mp3"), _by_libsndfile),
    "miniaudio": ((".wav", ".flac", ".ogg", ".mp3"), _by_miniaudio),
    "faad": ((".mp4", ".m4a"), _by_faad),
}
SECONDS = tuple(_DECODERS)


def tags(path: Path) -> dict[str, str]:
    """Those of NAMES that are there, as text."""
    found = _opened(path)
    by_key = {} if found is None or found.tags is None else {key.partition(":")[0]: found[key] for key in found}
    lower = {key.lower(): value for key, value in by_key.items()}
    read = {}
    for name, keys in NAMES.items():
        value = next((lower[key.lower()] for key in keys if key.lower() in lower), None)
        if value is not None:
            read[name] = _text(value)
    return read


def depth(path: Path) -> int | None:
    """How many bits a sample has, if the file says so."""
    found = _opened(path)
    return getattr(found.info, "bits_per_sample", None) if found is not None else None


def tags_by_ffmpeg(path: Path) -> dict[str, str]:
    """Those of NAMES that ffmpeg reads: mutagen knows fewer kinds of file."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(path), "-map_metadata:g", "0:g"]
    run = subprocess.run([*command, "-f", "ffmetadata", "-"], capture_output=True, text=True, check=True, timeout=60)
    lines = (line.partition("=") for line in run.stdout.splitlines())
    return {name.lower(): value for name, _, value in lines if name.lower() in NAMES}


def cover(path: Path) -> bytes:
    """The first picture in it; none is empty."""
    found = _opened(path)
    if found is None or found.tags is None:
        return b""
    for key in found:
        match key.partition(":")[0]:
            case "APIC":
                return bytes(found[key].data)
            case "covr":
                return bytes(found[key][0])
            case "metadata_block_picture":
                return bytes(Picture(base64.b64decode(found[key][0])).data)
    pictures = getattr(found, "pictures", None)
    return bytes(pictures[0].data) if pictures else b""


def _opened(path: Path) -> Any:
    try:
        return mutagen.File(path)
    except mutagen.MutagenError:
        return None


def _text(value: Any) -> str:
    """The first value of a tag. Of "3 of 12" in MP4 the first number."""
    first = value[0] if isinstance(value, list) else getattr(value, "text", [value])[0]
    return str(first[0] if isinstance(first, tuple) else first)

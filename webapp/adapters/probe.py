"""Look into files from a locked-in process, and believe nothing that it says without checking."""

import importlib.util
import json
import sys
import sysconfig
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from webapp.adapters import headers
from webapp.adapters.transcoders import opening, sandbox
from webapp.adapters.transcoders.sandbox import Box, Ending, Limits
from webapp.errors import NotAudio, Unavailable
from webapp.ports import Facts
from webapp.words import N_

CHILD = Path(__file__).with_name("probe_child.py")
MOST_OUTPUT = 1 << 16
TAGS = ("title", "artist", "album", "album_artist", "track", "date", "year", "genre", "comment")
LONGEST_TAG = 1000
RATES = range(1_000, 768_001)
CHANNELS = range(1, 33)
NO_SOUND = N_("There is no sound in this file.")
NOT_NOW = N_("We could not look into this file now. Please try again in a minute.")
# Hours of it in so little space are a trap: they would be gigabytes, and there would be nothing to hear.
FEWEST_BITS_PER_SECOND = 400
WORTH_COUNTING_SECONDS = 3600
FLAC_DEPTH_AT, ALAC_DEPTH_AT = 12, 17

CODECS = {
    "mp3float": "MP3",
    "mp2float": "MP2",
    "ac3": "AC-3",
    "eac3": "E-AC-3",
    "vorbis": "Vorbis",
    "opus": "Opus",
    "libopus": "Opus",
    "speex": "Speex",
    "wavpack": "WavPack",
    "wmalossless": "WMA Lossless",
    "gsm_ms": "GSM",
    "amrnb": "AMR",
    "amrwb": "AMR-WB",
    "libopencore_amrnb": "AMR",
    "libopencore_amrwb": "AMR-WB",
}
CODEC_FAMILIES = {"pcm_": "PCM", "adpcm_": "ADPCM", "wma": "WMA", "dsd_": "DSD"}
LOSSLESS_DECODERS = ("wavpack", "tta", "ape", "wmalossless")
BRANDS = {"qt": "MOV", "": "MOV", "M4A": "M4A", "M4B": "M4A", "M4P": "M4A"}
CONTAINERS = {demuxer: name for name, demuxer in reversed(opening.DEMUXERS.items())}


@dataclass(frozen=True)
class SandboxedProbe:
    """Fulfils `ports.Probe`."""

    wall_seconds: float = 30.0
    memory: int = sandbox.GIB

    def look(self, path: Path) -> Facts:
        size = path.stat().st_size
        said = self._said_of(path)
        if said.get("refused") == "silent":
            raise NotAudio(NO_SOUND)
        try:
            facts = _facts(said)
        except (KeyError, TypeError, ValueError) as exc:
            raise NotAudio from exc
        _check(facts, size)
        # What libav says is how much of it is here, in some formats.
        announced = headers.seconds_in(path, said["demuxer"]) or 0.0
        if announced > (facts.seconds or 0.0):
            facts = replace(facts, seconds=announced)
            _check(facts, size)
        return facts

    def _said_of(self, path: Path) -> dict[str, Any]:
        """What the child has said, in whatever form. Raises NotAudio if it broke down, Unavailable if it was slow."""
        output = bytearray()

        def listen(piece: bytes) -> bool:
            output.extend(piece[: MOST_OUTPUT - len(output)])
            return False

        site = _site_of_pyav()
        whitelists = {
            "formats": ",".join(opening.FORMATS),
            "codecs": ",".join(opening.CODECS),
            "max_streams": str(opening.MAX_STREAMS),
        }
        python = Path(sys.executable).resolve()
        ended = sandbox.run(
            [str(python), "-I", "-S", "-B", str(CHILD), str(path.absolute()), str(site), json.dumps(whitelists)],
            Box(readable=(path.absolute(),), programs=(CHILD, site, *python_itself())),
            Limits(wall_seconds=self.wall_seconds, idle_seconds=self.wall_seconds, memory=self.memory),
            on_output=listen,
        )
        if ended.ending in (Ending.TOO_LONG, Ending.IDLE):
            raise Unavailable(NOT_NOW)  # what it does is little, so it was the machine that had no time for it
        if ended.ending is not Ending.EXITED or ended.code:
            raise NotAudio
        try:
            said = json.loads(output)
        except ValueError as exc:
            raise NotAudio from exc
        return said if isinstance(said, dict) else {}


def python_itself() -> Iterator[Path]:
    """What an interpreter needs to start without site-packages, so that the sandbox can let it."""
    yield Path(sys.prefix) / "pyvenv.cfg"
    yield Path(sys.base_prefix) / "lib"
    for name in ("stdlib", "platstdlib"):
        yield Path(sysconfig.get_path(name))
    if libraries := sysconfig.get_config_var("LIBDIR"):
        yield Path(libraries)


def _site_of_pyav() -> Path:
    """The folder that `import av` would find it in, without importing it here."""
    spec = importlib.util.find_spec("av")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("PyAV is not installed: see requirements.txt")
    return Path(spec.origin).parent.parent


def _facts(said: dict[str, Any]) -> Facts:
    """Make facts of it. Raises KeyError, TypeError or ValueError for what no honest child would say."""
    codec = str(said["codec"])
    if codec not in opening.CODECS or said["demuxer"] not in CONTAINERS:
        raise ValueError(codec)
    seconds = said["seconds"]
    return Facts(
        container=_container(said, codec),
        codec=_codec(codec),
        sample_rate=int(said["sample_rate"]),
        channels=int(said["channels"]),
        bit_depth=_bit_depth(codec, int(said["sample_bits"]), bytes.fromhex(said["extradata"])),
        bit_rate=int(said["bit_rate"]) or None,
        seconds=None if seconds is None else float(seconds),
        tags=_tags(said["tags"]),
    )


def _check(facts: Facts, size: int) -> None:
    """Return if it is a sound that we convert. Raises NotAudio with the reason."""
    if facts.sample_rate not in RATES:
        raise NotAudio(
            N_("This sound has a sample rate of {rate} Hz, which we cannot convert."), rate=f"{facts.sample_rate:,}"
        )
    if facts.channels not in CHANNELS:
        raise NotAudio(
            N_("This sound has {channels} channels, and we convert at most {most}."),
            channels=f"{facts.channels:,}",
            most=CHANNELS[-1],
        )
    seconds = facts.seconds or 0
    # Written so that it holds for NaN as well.
    if not 0 <= seconds <= opening.LONGEST_SECONDS:
        raise NotAudio(N_("This sound is longer than 24 hours, which is more than we convert."))
    if seconds > WORTH_COUNTING_SECONDS and size * 8 / seconds < FEWEST_BITS_PER_SECOND:
        raise NotAudio(
            N_("This file is far too small for the {hours} hours of sound that it says it holds."),
            hours=f"{seconds / 3600:.0f}",
        )


def _container(said: dict[str, Any], codec: str) -> str:
    head = bytes.fromhex(said["head"])
    brand = str(said["brand"]).strip()
    name = CONTAINERS[said["demuxer"]]
    if name == "WAV":
        return "RF64" if head.startswith((b"RF64", b"BW64")) else name
    if name == "MP3":
        return "MP2" if codec.startswith("mp2") else name
    if said["demuxer"] == "matroska":
        return "WebM" if b"webm" in head else "Matroska"
    if said["demuxer"] == "mov":
        return "3GP" if brand.startswith("3g") else BRANDS.get(brand, "MP4")
    return name


def _codec(codec: str) -> str:
    family = next((name for start, name in CODEC_FAMILIES.items() if codec.startswith(start)), codec.upper())
    return CODECS.get(codec, family)


def _bit_depth(codec: str, sample_bits: int, extradata: bytes) -> int | None:
    """Bits per sample of a lossless codec, else None."""
    if codec.startswith("dsd_"):
        return 1
    if codec.startswith("pcm_") and not codec.endswith("law"):
        return int("".join(filter(str.isdigit, codec)))
    if codec == "flac" and len(extradata) > FLAC_DEPTH_AT + 1:
        # RFC 9639, 8.2: five bits that lie across two bytes.
        return ((extradata[FLAC_DEPTH_AT] & 1) << 4 | extradata[FLAC_DEPTH_AT + 1] >> 4) + 1
    if codec == "alac" and len(extradata) > ALAC_DEPTH_AT:
        return extradata[ALAC_DEPTH_AT]
    if codec in LOSSLESS_DECODERS:
        # What has more than 16 is decoded to 32, whether it had so many or not; that it had is very rare.
        return min(sample_bits, 24)
    return None


def _tags(said: dict[str, Any]) -> dict[str, str]:
    """The tags that we show, in one line each."""
    tags = {name: _clean(str(value)) for name, value in dict(said).items() if name in TAGS}
    year = tags.pop("year", "")
    if year and not tags.get("date"):
        tags["date"] = year
    return {name: value for name, value in tags.items() if value}


def _clean(text: str) -> str:
    """Without control characters, and without those that turn the direction of what follows them."""
    turns = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    shown = "".join(" " if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") or c in turns else c for c in text)
    return " ".join(shown.split())[:LONGEST_TAG]

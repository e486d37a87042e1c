"""What a preset of one's own says, and the name that says all of it: `my-mp3-192k-44100-2ch-16lufs-trim`.

A recipe is no row of a table: its name is enough to make the same again, whoever has since changed or removed theirs.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from webapp.words import N_


@dataclass(frozen=True, kw_only=True)
class Codec:
    """What can be chosen with one codec in its container. Everything goes with everything."""

    label: str
    note: str
    qualities: tuple[str, ...] = ()
    """A bit rate (`192k`) or the encoder's own scale (`v0`, `q6`); empty: nothing is left out."""
    sample_rates: tuple[int, ...]
    bit_depths: tuple[int, ...] = ()


_PCM_RATES = (22050, 32000, 44100, 48000, 88200, 96000, 192000)
_DEPTHS = (16, 24)


def _kbps(*rates: int) -> tuple[str, ...]:
    return tuple(f"{rate}k" for rate in rates)


CODECS: Mapping[str, Codec] = MappingProxyType(
    {
        "mp3": Codec(
            label="MP3",
            note=N_("plays everywhere"),
            qualities=(*_kbps(320, 256, 192, 160, 128, 96, 64), *(f"v{step}" for step in range(7))),
            # Those of MPEG-1, which take each of these bit rates.
            sample_rates=(32000, 44100, 48000),
        ),
        "aac": Codec(
            label=N_("AAC in M4A"),
            note=N_("for Apple's devices and most others"),
            qualities=_kbps(256, 192, 160, 128, 96, 64),
            sample_rates=(44100, 48000),
        ),
        "opus": Codec(
            label="Opus",
            note=N_("the smallest that still sounds well; not for old players"),
            qualities=_kbps(256, 192, 160, 128, 96, 64, 48, 32),
            sample_rates=(16000, 24000, 48000),
        ),
        "vorbis": Codec(
            label="Ogg Vorbis",
            note=N_("free, and known to most players"),
            qualities=tuple(f"q{step}" for step in range(10, -1, -1)),
            sample_rates=(32000, 44100, 48000),
        ),
        "flac": Codec(
            label="FLAC",
            note=N_("lossless, about half the size of WAV"),
            sample_rates=_PCM_RATES,
            bit_depths=_DEPTHS,
        ),
        "alac": Codec(
            label=N_("ALAC in M4A"),
            note=N_("lossless, for Apple's devices"),
            sample_rates=_PCM_RATES,
            bit_depths=_DEPTHS,
        ),
        "wav": Codec(label="WAV", note=N_("plain samples"), sample_rates=_PCM_RATES, bit_depths=_DEPTHS),
        "aiff": Codec(
            label="AIFF", note=N_("plain samples, as Apple has them"), sample_rates=_PCM_RATES, bit_depths=_DEPTHS
        ),
    }
)
CHANNELS = (1, 2)
# LUFS: streaming services, speech, and broadcasting by EBU R128.
LOUDNESSES = (-14, -16, -23)
_NAME = re.compile(
    r"my-(?P<codec>[a-z0-9]{2,6})(?:-(?P<quality>[vq]?[0-9]{1,3}k?))??(?:-(?P<sample_rate>[0-9]{5,6}))?"
    r"(?:-(?P<channels>[12])ch)?(?:-(?P<bit_depth>[0-9]{2})bit)?(?:-(?P<loudness>[0-9]{2})lufs)?(?P<trims>-trim)?"
)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What was chosen. What is None follows the original."""

    codec: str
    quality: str = ""
    sample_rate: int | None = None
    channels: int | None = None
    bit_depth: int | None = None
    loudness: int | None = None
    """In LUFS; None: as loud as the original."""
    trims: bool = False
    """Whether silence at both ends is left out."""

    @property
    def name(self) -> str:
        """All of it, in at most 64 letters that can stand in an address and in a key."""
        parts = (
            f"my-{self.codec}",
            self.quality,
            self.sample_rate and str(self.sample_rate),
            self.channels and f"{self.channels}ch",
            self.bit_depth and f"{self.bit_depth}bit",
            self.loudness and f"{-self.loudness}lufs",
            "trim" if self.trims else "",
        )
        return "-".join(part for part in parts if part)

    @property
    def is_possible(self) -> bool:
        """Whether the codec can do what was chosen."""
        codec = CODECS.get(self.codec)
        return codec is not None and (
            self.quality in (codec.qualities or ("",))
            and self.sample_rate in (None, *codec.sample_rates)
            and self.channels in (None, *CHANNELS)
            and self.bit_depth in (None, *codec.bit_depths)
            and self.loudness in (None, *(LOUDNESSES))
        )


@lru_cache(maxsize=1000)
def parse(name: str) -> Recipe | None:
    """The recipe of this name; None if it is the name of none that is possible."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    recipe = Recipe(
        codec=found["codec"],
        quality=found["quality"] or "",
        sample_rate=_number(found["sample_rate"]),
        channels=_number(found["channels"]),
        bit_depth=_number(found["bit_depth"]),
        loudness=-int(found["loudness"]) if found["loudness"] else None,
        trims=bool(found["trims"]),
    )
    return recipe if recipe.is_possible and recipe.name == name else None


def _number(text: str | None) -> int | None:
    return int(text) if text else None

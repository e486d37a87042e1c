"""The formats that can be asked for, as data. Each adapter translates a preset in one function."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType

from webapp import recipes
from webapp.errors import UnknownPreset
from webapp.recipes import Recipe
from webapp.words import N_


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A way to encode. What is None follows the original."""

    name: str
    label: str
    note: str
    extension: str
    media_type: str
    codec: str
    container: str
    lossless: bool = False
    bit_rate: int | None = None
    """Bits per second, constant or on average."""
    quality: int | None = None
    """The encoder's own scale for a variable bit rate."""
    bit_depth: int | None = None
    sample_rates: tuple[int, ...] = ()
    """The only rates in hertz that the result may have; empty: any."""
    max_channels: int | None = None
    effort: int = 1
    """How long it takes, relative to the quickest: the short ones are made first."""
    recipe: Recipe | None = None
    """Of one that a user has put together."""

    @property
    def channels(self) -> int | None:
        """How many, whatever the original has."""
        return self.recipe.channels if self.recipe else None

    @property
    def loudness(self) -> int | None:
        """How loud the result is to be, in LUFS."""
        return self.recipe.loudness if self.recipe else None

    @property
    def trims(self) -> bool:
        """Whether silence at both ends is left out."""
        return self.recipe is not None and self.recipe.trims

    @property
    def is_faithful(self) -> bool:
        """Whether it leaves the sound as loud and as long as it is."""
        return self.loudness is None and not self.trims

    @property
    def codec_name(self) -> str:
        """The codec, as the probe calls it."""
        return {"opus": "Opus", "vorbis": "Vorbis"}.get(self.codec, self.codec.upper())

    @property
    def container_name(self) -> str:
        """The container, as the probe calls it."""
        return {"ogg": "Ogg"}.get(self.container, self.container.upper())


# LC-AAC is made for these two rates by the contract; players of every age take them.
_AAC_RATES = (44100, 48000)
# ISO 11172-3 and 13818-3: the rates of MPEG audio layer 3.
_UP_TO_48 = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
# RFC 6716, 2: Opus works at these and no others.
_OPUS_RATES = (8000, 12000, 16000, 24000, 48000)


def _pcm(name: str, label: str, bit_depth: int, rates: tuple[int, ...] = (), *, container: str = "wav") -> Preset:
    return Preset(
        name=name,
        label=label,
        note=f"PCM {bit_depth} bit",
        extension=container,
        media_type=f"audio/{container}",
        codec="pcm",
        container=container,
        lossless=True,
        bit_depth=bit_depth,
        sample_rates=rates,
    )


def _lossless(name: str, label: str, note: str, extension: str, media_type: str, container: str) -> Preset:
    return Preset(
        name=name,
        label=label,
        note=note,
        extension=extension,
        media_type=media_type,
        codec=name,
        container=container,
        lossless=True,
        max_channels=8,
        effort=2,
    )


def _aac(name: str, label: str, kbps: int, extension: str) -> Preset:
    return Preset(
        name=name,
        label=label,
        note=f"AAC {kbps} kbit/s",
        extension=extension,
        media_type="audio/mp4",
        codec="aac",
        container="mp4",
        bit_rate=kbps * 1000,
        sample_rates=_AAC_RATES,
        max_channels=2,
        effort=10,
    )


def _mp3(name: str, label: str, note: str, *, kbps: int | None = None, quality: int | None = None) -> Preset:
    return Preset(
        name=name,
        label=label,
        note=note,
        extension="mp3",
        media_type="audio/mpeg",
        codec="mp3",
        container="mp3",
        bit_rate=kbps and kbps * 1000,
        quality=quality,
        sample_rates=_UP_TO_48,
        max_channels=2,
        effort=8,
    )


def _opus(name: str, label: str, kbps: int) -> Preset:
    return Preset(
        name=name,
        label=label,
        note=f"{kbps} kbit/s",
        extension="opus",
        media_type="audio/ogg",
        codec="opus",
        container="ogg",
        bit_rate=kbps * 1000,
        sample_rates=_OPUS_RATES,
        max_channels=2,
        effort=6,
    )


_VORBIS = Preset(
    name="ogg-q6",
    label="Ogg Vorbis",
    note=N_("quality 6"),
    extension="ogg",
    media_type="audio/ogg",
    codec="vorbis",
    container="ogg",
    quality=6,
    sample_rates=_UP_TO_48,
    max_channels=2,
    effort=6,
)

_ALL = (
    _pcm("wav", "WAV", 16, _UP_TO_48),
    _lossless("flac", "FLAC", N_("lossless"), "flac", "audio/flac", "flac"),
    _aac("mp4", "MP4", 256, "mp4"),
    _mp3("mp3-320", "MP3 320", "320 kbit/s", kbps=320),
    _opus("opus-128", "Opus 128", 128),
    _mp3("mp3-192", "MP3 192", "192 kbit/s", kbps=192),
    _mp3("mp3-v0", "MP3 V0", N_("variable bit rate, best quality"), quality=0),
    _aac("m4a-256", "M4A 256", 256, "m4a"),
    _aac("m4a-128", "M4A 128", 128, "m4a"),
    _opus("opus-64", "Opus 64", 64),
    _VORBIS,
    _lossless("alac", "ALAC", "Apple Lossless", "m4a", "audio/mp4", "mp4"),
    _pcm("wav-24", "WAV 24", 24),
    _pcm("aiff", "AIFF", 16, container="aiff"),
)

PRESETS: Mapping[str, Preset] = MappingProxyType({preset.name: preset for preset in _ALL})
DEFAULT_PRESETS = ("wav", "flac", "mp4")
COMMON_PRESETS = (*DEFAULT_PRESETS, "mp3-320", "opus-128")


# What a recipe is made like, but for what it says. All of one codec need about the same time.
_LIKE = {
    "wav": "wav-24",
    "aiff": "aiff",
    "flac": "flac",
    "alac": "alac",
    "mp3": "mp3-320",
    "aac": "m4a-256",
    "opus": "opus-128",
    "vorbis": "ogg-q6",
}
# To measure, to listen to what came of it, and perhaps to do it again.
_LEVELLING_EFFORT = 3


@lru_cache(maxsize=1000)
def find(name: str) -> Preset:
    """The preset of this name, whether it is in PRESETS or one of somebody's own. Raises UnknownPreset."""
    if name in PRESETS:
        return PRESETS[name]
    recipe = recipes.parse(name)
    if recipe is None:
        raise UnknownPreset
    like, quality = PRESETS[_LIKE[recipe.codec]], recipe.quality
    is_rate = quality.endswith("k")
    return replace(
        like,
        name=name,
        label=recipes.CODECS[recipe.codec].label,
        note="",
        bit_rate=int(quality[:-1]) * 1000 if is_rate else None,
        quality=int(quality[1:]) if quality and not is_rate else None,
        bit_depth=recipe.bit_depth,
        sample_rates=(recipe.sample_rate,) if recipe.sample_rate else like.sample_rates,
        effort=like.effort + (_LEVELLING_EFFORT if recipe.loudness else 0),
        recipe=recipe,
    )


def in_order(names: Iterable[str]) -> list[str]:
    """The names in the order of PRESETS, each once; after them those of somebody's own."""
    wanted = set(names)
    return [name for name in PRESETS if name in wanted] + sorted(wanted - PRESETS.keys())


def chosen(names: Iterable[str], offered: Collection[str] = PRESETS.keys()) -> tuple[str, ...]:
    """The names in order; the default three if there are none.

    Raises UnknownPreset for one that is not offered.
    """
    wanted = set(names)
    if not wanted <= set(offered):
        raise UnknownPreset
    return tuple(in_order(wanted)) or DEFAULT_PRESETS

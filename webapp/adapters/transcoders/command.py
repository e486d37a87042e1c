"""Say in ffmpeg's language what is to be made of a file."""

from dataclasses import dataclass
from pathlib import Path

from webapp.adapters.transcoders.opening import DEMUXERS, filtered, progress
from webapp.adapters.transcoders.treatment import NONE, Treatment
from webapp.ports import Facts
from webapp.presets import Preset

_PCM = {("wav", 16): "pcm_s16le", ("wav", 24): "pcm_s24le", ("aiff", 16): "pcm_s16be", ("aiff", 24): "pcm_s24be"}
_ENCODERS = {"mp3": "libmp3lame", "opus": "libopus", "vorbis": "libvorbis"}
# How the lossless encoders want so many channels ordered. Named so, none is mixed into another to get there.
_LAYOUTS = {
    "flac": {3: "3.0", 4: "quad", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"},
    "alac": {3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1(back)", 8: "7.1(wide)"},
}
# Their sound may pause, by its timestamps, without a byte for the silence; elsewhere only damage does that.
_MAY_PAUSE = ("mov", "matroska")
# RFC 9639, 9.1.2 and 8.2: no higher rate is written in a frame, and no block is shorter.
_FLAC_HIGHEST = 655_350
_FLAC_SHORTEST = 16
_FULL_BAND = 44100
_CD_FAMILY = 11025
NAMED_LAYOUTS = 8
_STEREO = 2
_DSD_BITS = 1


@dataclass(frozen=True)
class Shape:
    """The form that the sound will have."""

    sample_rate: int
    channels: int
    bit_depth: int | None
    """None if the codec knows no such thing."""


def shape(preset: Preset, facts: Facts) -> Shape:
    """What the preset makes of a sound like this."""
    channels = preset.channels or min(facts.channels, preset.max_channels or facts.channels)
    if channels < facts.channels:
        channels = min(channels, _STEREO)
    depth = (preset.bit_depth or _depth(facts)) if preset.lossless else None
    return Shape(_rate(preset, facts.sample_rate), channels, depth)


def encode(source: Path, target: Path, preset: Preset, facts: Facts, treatment: Treatment = NONE) -> list[str]:
    """The arguments that make the rendition, without the program's name. Progress goes to stdout."""
    form = shape(preset, facts)
    return [
        *("-nostdin", "-hide_banner", "-v", "error", "-nostats", "-y"),
        *filtered(source, facts, sound_filter(preset, form, facts, treatment)),
        *progress(facts, form.sample_rate),
        *_encoder(preset, form),
        *_muxer(preset),
        f"file:{target}",
    ]


def count(source: Path, preset: Preset, facts: Facts, treatment: Treatment = NONE) -> list[str]:
    """The arguments that do the same and keep nothing: the progress says to the sample how long the sound is."""
    form = shape(preset, facts)
    return [
        *("-nostdin", "-hide_banner", "-v", "error", "-nostats"),
        *filtered(source, facts, sound_filter(preset, form, facts, treatment)),
        *progress(facts, form.sample_rate),
        *("-f", "null", "-"),
    ]


def decode(source: Path, facts: Facts, sample_rate: int) -> list[str]:
    """The arguments that send the whole sound to stdout: one channel, 16 bits, in this machine's order."""
    return [
        *("-nostdin", "-hide_banner", "-v", "error", "-nostats"),
        *filtered(source, facts, ",".join([*_mixed(1, facts), f"aresample=osr={sample_rate}:osf=s16"])),
        *("-f", "s16le" if _is_little_endian() else "s16be", "pipe:1"),
    ]


def _is_little_endian() -> bool:
    return memoryview(b"\1\0").cast("H")[0] == 1


def sound_filter(preset: Preset, form: Shape, facts: Facts, treatment: Treatment = NONE) -> str:
    """Bring the sound into its form. Where it has it already, not a bit of it changes."""
    resample = [f"aresample=osr={form.sample_rate}", "resampler=soxr", "precision=28"]
    if not form.bit_depth:
        # The encoders that leave something out decide what; nothing is rounded before. Some want to be told which
        # channel is which, and some decoders do not know: Speex's.
        resample.append("osf=flt" if preset.codec == "opus" else "osf=fltp")
        resample.append(f"ochl={'mono' if form.channels == 1 else 'stereo'}")
    else:
        rounded = "osf=s16:dither_method=triangular" if form.bit_depth == 16 else "osf=s32"  # noqa: PLR2004
        resample.append("osf=fltp" if treatment.changes_level else rounded)
    steps = [*_mixed(form.channels, facts), ":".join(resample), *treatment.steps(form.sample_rate)]
    if form.bit_depth and treatment.changes_level:
        steps.append(f"aresample={rounded}")
    if layout := _LAYOUTS.get(preset.codec, {}).get(form.channels):
        order = "|".join(str(channel) for channel in range(form.channels))
        steps.append(f"channelmap={order}:{layout}")
    if preset.codec == "flac":
        steps.append(f"apad=whole_len={_FLAC_SHORTEST},asetnsamples=4096:p=0")
    if treatment.trims:
        steps.append("asetpts=PTS-STARTPTS")
    if DEMUXERS.get(facts.container) not in _MAY_PAUSE:
        # Time is what has been decoded: what is missing in the middle is missed at the end.
        steps.append("asetpts=N")
    return ",".join(steps)


def _mixed(channels: int, facts: Facts) -> list[str]:
    """The filter that mixes the channels down, if there are too many, or puts one on both sides."""
    if channels == facts.channels:
        return []
    if channels > facts.channels:
        return ["pan=stereo|c0=c0|c1=c0"]
    layout = "mono" if channels == 1 else "stereo"
    if facts.channels > NAMED_LAYOUTS:
        # Nobody can tell which is left and which is right.
        return [f"pan={layout}|c0=c0+c1" if channels == 1 else f"pan={layout}|c0=c0|c1=c1"]
    # Without a highest value, six loud channels would make one that clips.
    return [f"aresample=ochl={layout}:rematrix_maxval=1:osf=fltp"]


def _encoder(preset: Preset, form: Shape) -> list[str]:
    if preset.codec == "pcm":
        return ["-c:a", _PCM[preset.container, form.bit_depth or 16]]
    chosen = ["-c:a", _ENCODERS.get(preset.codec, preset.codec)]
    if preset.bit_rate:
        chosen += ["-b:a", str(preset.bit_rate)]
    if preset.quality is not None:
        chosen += ["-q:a", str(preset.quality)]
    if form.bit_depth == 24:  # noqa: PLR2004
        chosen += ["-bits_per_raw_sample", "24"]
    return chosen


def _muxer(preset: Preset) -> list[str]:
    if preset.container == "wav":
        return ["-rf64", "auto", "-f", "wav"]
    if preset.container == "mp4":
        # The index in front, so that a player can begin before it has the whole file. `ipod` is MP4 by Apple's brand.
        return ["-movflags", "+faststart", "-f", "ipod" if preset.extension == "m4a" else "mp4"]
    if preset.codec == "vorbis":
        # Where all of a short sound is on one page, ffmpeg's reader cannot tell where in the last block it ends.
        return ["-page_duration", "100000", "-f", preset.container]
    return ["-f", preset.container]


def _depth(facts: Facts) -> int:
    """16 or 24. What is lossy gains nothing by more than 16; the single bits of DSD are worth 24."""
    if facts.bit_depth is None:
        return 16
    return 16 if _DSD_BITS < facts.bit_depth <= 16 else 24  # noqa: PLR2004


def _rate(preset: Preset, original: int) -> int:
    """The original's rate if the preset allows it, else the nearest that keeps what can be heard."""
    allowed = preset.sample_rates
    if len(allowed) == 1:
        return allowed[0]
    if preset.codec == "flac" and original > _FLAC_HIGHEST:
        return original // 2
    if not allowed or original in allowed:
        return original
    highest = max(allowed)
    if preset.codec == "pcm":
        # Plain samples can have any rate: the list says no more than where it ends.
        return min(original, highest)
    enough = [rate for rate in allowed if rate >= min(original, _FULL_BAND)] or [highest]
    is_like_cd = original % _CD_FAMILY == 0
    return min(enough, key=lambda rate: ((rate % _CD_FAMILY == 0) != is_like_cd, abs(rate - original)))

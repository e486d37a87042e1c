"""Say in MediaConvert's language what is to be made of a file.

Each range is that of its service model (CreateJob, AudioCodecSettings); what the model does not say is at
https://docs.aws.amazon.com/mediaconvert/latest/ug/aac-support.html and in the model's own descriptions.
"""

from typing import Any

from webapp.adapters.transcoders.command import Shape, shape
from webapp.ports import Facts, JobSpec
from webapp.presets import PRESETS, Preset

SELECTOR = "Audio Selector 1"
# ALAC is left out: MediaConvert reads it, but of its encoders (AudioCodec in its model) none writes it.
ENCODERS = ("WAV", "AIFF", "FLAC", "AAC", "MP3", "VORBIS", "OPUS")
# It has no container for sounds that stand alone: those are written as they come from their encoder, with their header.
_CONTAINERS = {"wav": "RAW", "aiff": "RAW", "flac": "RAW", "mp3": "RAW", "mp4": "MP4", "ogg": "OGG"}
# RIFF counts its bytes in 32 bits; some of them are for the headers.
_RIFF_MOST = (1 << 32) - (1 << 16)
_PCM_RATES = (8000, 192000)
_MOST_CHANNELS = 64
_FLAC_RATES = (22050, 192000)
# MPEG-1's alone: at the lower ones of MPEG-2 no frame holds 320 kbit/s, and 160 would be the most.
_MP3_RATES = (32000, 44100, 48000)
_VORBIS_RATES = (22050, 32000, 44100, 48000)
_OPUS_RATE = 48000


def job_request(spec: JobSpec, *, bucket: str, role: str, queue: str) -> dict[str, Any]:
    """All that CreateJob is told of a job, in the words of boto3.

    Each rendition is an output group of its own, so that its object has just the key that we give it. What MediaConvert
    does not make is left out.
    """
    wanted = [(PRESETS[name], key) for name, key in spec.outputs.items() if name in MAKES]
    return {
        "Role": role,
        "Queue": queue,
        # A second request within a minute is answered with the first one's job.
        "ClientRequestToken": str(spec.job_id),
        "UserMetadata": {"job": str(spec.job_id)},
        "Tags": {"app": "tapedeck"},
        "Settings": {
            "TimecodeConfig": {"Source": "ZEROBASED"},
            "Inputs": [
                {
                    "FileInput": f"s3://{bucket}/{spec.source}",
                    "TimecodeSource": "ZEROBASED",
                    "AudioSelectors": {SELECTOR: {"DefaultSelection": "DEFAULT"}},
                }
            ],
            "OutputGroups": [_group(preset, f"s3://{bucket}/{key}", spec.facts) for preset, key in wanted],
        },
    }


def settings_of(preset: Preset, facts: Facts) -> dict[str, Any]:
    """The output that makes the preset of a sound like this: container, ending and codec."""
    container: dict[str, Any] = {"Container": _CONTAINERS[preset.container]}
    if preset.container == "mp4":
        # The index in front, so that a player can begin before it has the whole file.
        container["Mp4Settings"] = {"MoovPlacement": "PROGRESSIVE_DOWNLOAD"}
    codec = _codec(preset, shape(preset, facts), facts.seconds or 0.0)
    return {
        "ContainerSettings": container,
        "Extension": preset.extension,
        "AudioDescriptions": [{"AudioSourceName": SELECTOR, "CodecSettings": codec}],
    }


def _group(preset: Preset, address: str, facts: Facts) -> dict[str, Any]:
    destination = address.removesuffix(f".{preset.extension}")
    return {
        "Name": preset.name,
        "OutputGroupSettings": {
            "Type": "FILE_GROUP_SETTINGS",
            "FileGroupSettings": {"Destination": destination},
        },
        "Outputs": [settings_of(preset, facts)],
    }


def _codec(preset: Preset, form: Shape, seconds: float) -> dict[str, Any]:
    """The encoder and all that it is told."""
    encoder = encoder_of(preset)
    rate, channels = form.sample_rate, form.channels
    plain = {"BitDepth": form.bit_depth, "Channels": _channels(channels)}
    match encoder:
        case "WAV":
            rate = _between(rate, *_PCM_RATES)
            is_big = seconds * rate * channels * (form.bit_depth or 0) / 8 > _RIFF_MOST
            settings = {**plain, "SampleRate": rate, "Format": "RF64" if is_big else "RIFF"}
        case "AIFF":
            settings = {**plain, "SampleRate": _between(rate, *_PCM_RATES)}
        case "FLAC":
            settings = {**plain, "SampleRate": _between(rate, *_FLAC_RATES)}
        case "AAC":
            mode = "CODING_MODE_1_0" if channels == 1 else "CODING_MODE_2_0"
            settings = {"CodecProfile": "LC", "CodingMode": mode, **_rate_control(preset), "SampleRate": rate}
        case "MP3":
            settings = {"Channels": channels, **_rate_control(preset), "SampleRate": _nearest(rate, _MP3_RATES)}
        case "VORBIS":
            rate = _nearest(rate, _VORBIS_RATES)
            settings = {"Channels": channels, "VbrQuality": preset.quality, "SampleRate": rate}
        case _:
            settings = {"Channels": channels, "Bitrate": preset.bit_rate, "SampleRate": _OPUS_RATE}
    return {"Codec": encoder, f"{encoder.capitalize()}Settings": settings}


def _rate_control(preset: Preset) -> dict[str, Any]:
    if preset.bit_rate:
        return {"RateControlMode": "CBR", "Bitrate": preset.bit_rate}
    return {"RateControlMode": "VBR", "VbrQuality": preset.quality}


def encoder_of(preset: Preset) -> str:
    """MediaConvert's word for the encoder."""
    return (preset.container if preset.codec == "pcm" else preset.codec).upper()


MAKES = tuple(name for name, preset in PRESETS.items() if encoder_of(preset) in ENCODERS)


def _channels(count: int) -> int:
    """The number if it may be named: one or an even one; else 0, by which MediaConvert follows the original."""
    return count if count == 1 or (count % 2 == 0 and count <= _MOST_CHANNELS) else 0


def _between(rate: int, least: int, most: int) -> int:
    """The rate, or the nearest whole multiple or part of it that is in the range: each old sample keeps its place."""
    if rate < least:
        return rate * -(-least // max(1, rate))
    return rate // -(-rate // most)


def _nearest(rate: int, allowed: tuple[int, ...]) -> int:
    """The rate if it is allowed, else the lowest whole multiple of it that is, else the lowest that loses nothing."""
    multiples = [each for each in allowed if each % max(1, rate) == 0]
    enough = [each for each in allowed if each >= rate]
    return min(multiples or enough or [max(allowed)])

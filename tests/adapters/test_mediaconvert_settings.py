"""What MediaConvert is asked to make, checked against its own service model."""

import itertools
import uuid
from typing import Any

import pytest

from tests.doubles.mediaconvert_model import faults_of
from webapp.adapters.transcoders.mediaconvert_settings import MAKES, job_request, settings_of
from webapp.ports import Facts, JobSpec
from webapp.presets import PRESETS

RATES = (1, 4000, 8000, 11025, 16000, 22050, 22255, 44100, 48000, 88200, 96000, 192000, 352800, 655350, 2822400)
CHANNELS = (1, 2, 3, 5, 6, 7, 8, 12, 64, 65)
DEPTHS = (None, 1, 8, 16, 24, 32)


def facts(rate: int = 44100, channels: int = 2, depth: int | None = 16, seconds: float | None = 1.0) -> Facts:
    return Facts("WAV", "PCM", rate, channels, bit_depth=depth, seconds=seconds)


def request(of: Facts) -> dict[str, Any]:
    keys = {name: f"transcoded/1/file/{name}.{PRESETS[name].extension}" for name in MAKES}
    spec = JobSpec(uuid.uuid4(), "media/1/file/song.wav", keys, of)
    return job_request(spec, bucket="bucket", role="arn:aws:iam::111122223333:role/converter", queue="Default")


def codec(preset: str, of: Facts) -> dict[str, Any]:
    (sound,) = settings_of(PRESETS[preset], of)["AudioDescriptions"]
    settings = dict(sound["CodecSettings"])
    settings.pop("Codec")
    (told,) = settings.values()
    return dict(told)


@pytest.mark.parametrize("rate", RATES)
def test_whatever_the_original_is_aws_can_take_what_is_asked(rate: int) -> None:
    for channels, depth in itertools.product(CHANNELS, DEPTHS):
        assert faults_of(request(facts(rate, channels, depth)), is_wire=False) == []


def test_all_presets_are_made_but_the_one_that_it_has_no_encoder_for() -> None:
    assert set(PRESETS) - set(MAKES) == {"alac"}


def test_each_object_gets_just_its_key() -> None:
    for group in request(facts())["Settings"]["OutputGroups"]:
        (output,) = group["Outputs"]
        base = group["OutputGroupSettings"]["FileGroupSettings"]["Destination"]
        preset = PRESETS[group["Name"]]

        assert f"{base}.{output['Extension']}" == f"s3://bucket/transcoded/1/file/{preset.name}.{preset.extension}"
        assert "NameModifier" not in output


@pytest.mark.parametrize(("rate", "made"), [(8000, 8000), (44100, 44100), (96000, 48000)])
def test_wav_keeps_the_rate_up_to_48_khz(rate: int, made: int) -> None:
    assert codec("wav", facts(rate, depth=24)) == {"BitDepth": 16, "Channels": 2, "SampleRate": made, "Format": "RIFF"}


def test_a_wav_beyond_four_gibibytes_counts_in_64_bits() -> None:
    assert codec("wav", facts(seconds=7 * 3600.0))["Format"] == "RF64"
    assert codec("wav", facts(seconds=6 * 3600.0))["Format"] == "RIFF"


@pytest.mark.parametrize(("depth", "made"), [(None, 16), (8, 16), (16, 16), (24, 24), (32, 24), (1, 24)])
def test_flac_keeps_the_depth(depth: int | None, made: int) -> None:
    assert codec("flac", facts(depth=depth))["BitDepth"] == made


@pytest.mark.parametrize(
    ("rate", "made"), [(8000, 24000), (11025, 22050), (44100, 44100), (192000, 192000), (352800, 176400)]
)
def test_flac_keeps_the_rate_or_each_sample_in_its_place(rate: int, made: int) -> None:
    assert codec("flac", facts(rate))["SampleRate"] == made


@pytest.mark.parametrize(("channels", "named"), [(1, 1), (2, 2), (3, 0), (6, 6), (7, 0)])
def test_the_lossless_ones_keep_the_channels(channels: int, named: int) -> None:
    assert codec("flac", facts(channels=channels))["Channels"] == named


@pytest.mark.parametrize(("rate", "made"), [(8000, 32000), (11025, 44100), (24000, 48000), (96000, 48000)])
def test_mp3_is_mpeg_1_so_that_its_bit_rate_is_what_it_says(rate: int, made: int) -> None:
    assert codec("mp3-320", facts(rate)) == {
        "Channels": 2, "RateControlMode": "CBR", "Bitrate": 320000, "SampleRate": made
    }  # fmt: skip


def test_v0_is_the_best_quality_at_a_variable_rate() -> None:
    told = codec("mp3-v0", facts())

    assert (told["RateControlMode"], told["VbrQuality"], "Bitrate" in told) == ("VBR", 0, False)


@pytest.mark.parametrize(("channels", "mode"), [(1, "CODING_MODE_1_0"), (2, "CODING_MODE_2_0"), (6, "CODING_MODE_2_0")])
def test_aac_is_low_complexity_at_44100_or_48000(channels: int, mode: str) -> None:
    told = codec("mp4", facts(96000, channels))

    assert (told["CodecProfile"], told["CodingMode"], told["Bitrate"]) == ("LC", mode, 256000)
    assert told["SampleRate"] == 48000
    assert codec("m4a-128", facts(22050))["SampleRate"] == 44100


def test_opus_is_48_khz() -> None:
    assert codec("opus-64", facts(8000, 1)) == {"Channels": 1, "Bitrate": 64000, "SampleRate": 48000}

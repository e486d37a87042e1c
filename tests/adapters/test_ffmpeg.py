"""What the encoder makes of sounds, good and bad, with the real ffmpeg."""

import os
import random
import re
import stat
import threading
import time
import uuid
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from tests import sounds
from tests.adapters.test_probe import manifests
from webapp.adapters.probe import SandboxedProbe
from webapp.adapters.transcoders import binary, command, opening, sandbox, verdicts
from webapp.adapters.transcoders.ffmpeg import FFmpegEncoder, FFmpegTranscoder
from webapp.adapters.transcoders.outline import BARS, Outline
from webapp.adapters.transcoders.sandbox import Box, Limits
from webapp.errors import AppError, ConfigError, EncodeFailed, Stopped, StorageFull
from webapp.news import Output
from webapp.ports import Facts, JobSpec, Peaks
from webapp.presets import PRESETS

probe = SandboxedProbe()
encoder = FFmpegEncoder()

WAV = Facts("WAV", "PCM", 44100, 2, bit_depth=16, seconds=2.0)


_seen: dict[bytes, Facts] = {}


def look(song: Path) -> Facts:
    """The facts of the file, looked for once for all tests that use the same."""
    content = song.read_bytes()
    if content not in _seen:
        _seen[content] = probe.look(song)
    return _seen[content]


def encode(
    song: Path, preset: str, facts: Facts | None = None, *, by: FFmpegEncoder = encoder,
    stop: threading.Event | None = None, told: list[float] | None = None,
) -> tuple[Output, Path]:  # fmt: skip
    folder = song.parent / f"job-{uuid.uuid4()}"
    folder.mkdir()
    target = folder / f"rendition.{PRESETS[preset].extension}"
    tell = (told if told is not None else []).append
    output = by.encode(
        song, target, PRESETS[preset], facts or look(song), on_progress=tell, stop=stop or threading.Event()
    )
    return output, target


def peaks(song: Path, facts: Facts | None = None) -> Peaks:
    return encoder.peaks(song, facts or look(song), stop=threading.Event())


RENDERED = {
    "wav": ("WAV", "PCM", 16),
    "flac": ("FLAC", "FLAC", 16),
    "mp4": ("MP4", "AAC", None),
    "mp3-320": ("MP3", "MP3", None),
    "mp3-192": ("MP3", "MP3", None),
    "mp3-v0": ("MP3", "MP3", None),
    "m4a-256": ("M4A", "AAC", None),
    "m4a-128": ("M4A", "AAC", None),
    "opus-128": ("Ogg", "Opus", None),
    "opus-64": ("Ogg", "Opus", None),
    "ogg-q6": ("Ogg", "Vorbis", None),
    "alac": ("M4A", "ALAC", 16),
    "wav-24": ("WAV", "PCM", 24),
    "aiff": ("AIFF", "PCM", 16),
}


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_makes_what_it_promises(preset: str, tmp_path: Path) -> None:
    output, target = encode(sounds.make(tmp_path, "song.wav"), preset)

    made = probe.look(target)
    assert (made.container, made.codec, made.bit_depth) == RENDERED[preset]
    assert made.sample_rate == output.sample_rate == (48000 if preset.startswith("opus") else 44100)
    assert made.channels == output.channels == 2
    assert made.seconds == pytest.approx(2, abs=0.01)
    assert output.seconds == pytest.approx(2, abs=0.001)
    assert output.size == target.stat().st_size
    assert output.bit_rate == pytest.approx(output.size * 4, abs=1)


@pytest.mark.parametrize(("preset", "bits"), [("mp3-320", 320_000), ("mp3-192", 192_000)])
def test_a_constant_bit_rate_is_kept(preset: str, bits: int, tmp_path: Path) -> None:
    _, target = encode(sounds.make(tmp_path, "song.wav"), preset)

    assert probe.look(target).bit_rate == bits


@pytest.mark.parametrize("kind", sounds.KINDS)
def test_every_kind_of_file_is_converted_whole(kind: str, tmp_path: Path) -> None:
    song = sounds.make(tmp_path, f"song.{kind}", seconds=1)

    output, target = encode(song, "wav")

    assert output.seconds == pytest.approx(1, abs=0.06)
    assert output.flaw is None
    assert len(sounds.samples(target, rate=8000, channels=1)) == pytest.approx(8000, abs=500)
    assert max(sounds.samples(target)) > 5000


@pytest.mark.parametrize(
    ("preset", "channels"),
    [
        *((preset, 2) for preset in ("wav", "flac", "alac", "wav-24", "aiff")),
        *((preset, channels) for preset in ("flac", "alac") for channels in (1, 3, 7, 8)),
        ("wav", 6),
    ],
)
def test_lossless_means_that_not_a_sample_is_changed(preset: str, channels: int, tmp_path: Path) -> None:
    noise = random.Random(1).randbytes(4410 * 2 * channels)
    song = tmp_path / "song.wav"
    song.write_bytes(sounds.wav(0.1, channels=channels)[:44] + noise)

    _, target = encode(song, preset)

    assert sounds.samples(target).tobytes() == noise


@pytest.mark.parametrize("preset", ["flac", "alac", "wav-24"])
def test_24_bits_stay_24_bits(preset: str, tmp_path: Path) -> None:
    song = sounds.make(tmp_path, "song.wav", seconds=0.5, depth=24)

    _, target = encode(song, preset)

    assert probe.look(target).bit_depth == 24
    assert raw(target) == raw(song)


def raw(path: Path) -> bytes:
    return sounds.ffmpeg(path.with_suffix(".raw"), "-i", str(path), "-f", "s24le").read_bytes()


def test_what_16_bits_cannot_hold_is_dithered(tmp_path: Path) -> None:
    song = tmp_path / "song.wav"
    song.write_bytes(sounds.wav(0.5, depth=24, loudness=0.000_01))

    _, target = encode(song, "wav")

    assert {-1, 0, 1} <= set(sounds.samples(target))


@pytest.mark.parametrize("preset", ["flac", "alac"])
def test_float_samples_become_24_bits(preset: str, tmp_path: Path) -> None:
    song = tmp_path / "song.wav"
    song.write_bytes(sounds.wav(0.5, is_float=True))

    _, target = encode(song, preset)

    assert probe.look(target).bit_depth == 24


RATES = [
    ("wav", 11025, 11025),
    ("wav", 37800, 37800),
    ("wav", 88200, 48000),
    ("wav", 192000, 48000),
    ("flac", 192000, 192000),
    ("flac", 705600, 352800),
    ("wav-24", 192000, 192000),
    ("mp4", 8000, 48000),
    ("mp4", 11025, 44100),
    ("mp4", 32000, 48000),
    ("mp4", 88200, 44100),
    ("mp4", 96000, 48000),
    ("mp3-320", 8000, 8000),
    ("mp3-320", 96000, 48000),
    ("mp3-320", 176400, 44100),
    ("ogg-q6", 96000, 48000),
]


@pytest.mark.parametrize(("preset", "rate", "becomes"), RATES)
def test_a_rate_is_kept_or_becomes_the_nearest_good_one(preset: str, rate: int, becomes: int, tmp_path: Path) -> None:
    song = sounds.make(tmp_path, "song.wav", seconds=0.3, rate=rate)

    output, target = encode(song, preset)

    made = probe.look(target)
    assert made.sample_rate == output.sample_rate == becomes
    assert made.seconds == pytest.approx(0.3, abs=0.04)


@pytest.mark.parametrize(
    ("rate", "becomes"),
    [(8000, 8000), (11025, 12000), (22050, 24000), (32000, 48000), (44100, 48000), (96000, 48000), (7350, 8000)],
)
def test_opus_is_given_a_rate_that_it_knows(rate: int, becomes: int) -> None:
    assert command.shape(PRESETS["opus-128"], replace(WAV, sample_rate=rate)).sample_rate == becomes


@pytest.mark.parametrize(("preset", "channels"), [("wav", 6), ("flac", 6), ("mp3-320", 2), ("mp4", 2), ("opus-64", 2)])
def test_surround_is_kept_or_mixed_to_two(preset: str, channels: int, tmp_path: Path) -> None:
    output, target = encode(sounds.make(tmp_path, "song.wav", seconds=0.5, channels=6), preset)

    assert probe.look(target).channels == output.channels == channels


@pytest.mark.parametrize("channels", [9, 12, 32])
def test_more_channels_than_have_names_are_converted(channels: int, tmp_path: Path) -> None:
    song = sounds.make(tmp_path, "song.wav", seconds=0.2, channels=channels)

    assert encode(song, "mp3-320")[0].channels == 2
    assert encode(song, "wav-24")[0].channels == channels
    assert peaks(song).seconds == pytest.approx(0.2)


def test_loud_channels_are_mixed_without_clipping(tmp_path: Path) -> None:
    song = tmp_path / "song.wav"
    song.write_bytes(sounds.wav(0.5, channels=6, is_float=True, loudness=0.9))

    _, target = encode(song, "ogg-q6")

    assert sum(abs(sample) == 32767 for sample in sounds.samples(target)) < 100


@pytest.mark.parametrize("preset", ["wav", "mp3-320", "mp4", "opus-128"])
def test_one_channel_stays_one(preset: str, tmp_path: Path) -> None:
    _, target = encode(sounds.make(tmp_path, "song.wav", seconds=0.3, channels=1), preset)

    assert probe.look(target).channels == 1


@pytest.mark.parametrize("preset", ["wav", "flac", "mp4", "opus-128"])
def test_five_samples_are_a_sound(preset: str, tmp_path: Path) -> None:
    song = sounds.make(tmp_path, "song.wav", seconds=0.000_625, rate=8000)

    assert encode(song, preset)[0].seconds > 0


def test_of_a_video_the_first_sound_track_is_made(tmp_path: Path) -> None:
    pictures = ("-f", "lavfi", "-i", "testsrc=size=64x64:duration=3", "-i", "pipe:0")
    film = sounds.ffmpeg(tmp_path / "film.mkv", *pictures, "-c:v", "mpeg4", "-c:a", "aac", given=sounds.wav(1.0))

    output, target = encode(film, "mp4")

    assert output.seconds == pytest.approx(1, abs=0.05)
    assert probe.look(target).codec == "AAC"


def test_a_sound_track_with_a_pause_is_whole(tmp_path: Path) -> None:
    gap = "aselect='lt(t,1)+gt(t,3)'"
    song = sounds.ffmpeg(tmp_path / "gap.mka", "-i", "pipe:0", "-af", gap, "-c:a", "pcm_s16le", given=sounds.wav(4.0))

    assert encode(song, "flac")[0].size > 0


def test_tags_and_chapters_are_left_behind(tmp_path: Path) -> None:
    song = sounds.make(tmp_path, "song.mp3", "-metadata", "title=Secret", seconds=0.5)

    _, target = encode(song, "mp4")

    assert b"Secret" not in target.read_bytes()


def test_the_index_of_an_mp4_comes_first(tmp_path: Path) -> None:
    _, target = encode(sounds.make(tmp_path, "song.wav"), "mp4")

    content = target.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


def test_progress_goes_up_to_a_hundred(tmp_path: Path) -> None:
    told: list[float] = []

    encode(sounds.make(tmp_path, "song.wav", seconds=8), "mp4", told=told)

    assert told == sorted(told)
    assert told[-1] == 100
    assert all(0 <= percent <= 100 for percent in told)


def test_progress_never_passes_a_hundred_when_the_file_is_longer_than_it_says(tmp_path: Path) -> None:
    told: list[float] = []

    encode(sounds.make(tmp_path, "song.wav"), "wav", replace(WAV, seconds=0.5), told=told)

    assert max(told) == 100


def test_no_progress_is_told_of_a_file_of_unknown_length(tmp_path: Path) -> None:
    told: list[float] = []

    output, _ = encode(sounds.make(tmp_path, "song.wav"), "wav", replace(WAV, seconds=None), told=told)

    assert told == []
    assert output.seconds == 2


def test_sec_M8_the_command_opens_nothing_that_is_not_on_its_lists(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    hostile = replace(WAV, container="-i http://x", codec="$(id)", tags={"title": "concat:a|b"})

    for preset, facts in product(PRESETS.values(), (hostile, opening.Evened.of(hostile))):
        words = command.encode(source, target, preset, facts)
        opened = words[: words.index("-i")]
        assert "-nostdin" in opened
        assert opened[opened.index("-protocol_whitelist") + 1] == "file"
        assert opened[opened.index("-format_whitelist") + 1] == ",".join(opening.FORMATS)
        assert opened[opened.index("-codec_whitelist") + 1] == ",".join(opening.CODECS)
        assert opened[opened.index("-max_streams") + 1] == "64"
        assert words[words.index("-i") + 1] == f"file:{source}"
        assert words[-1] == f"file:{target}"
        assert not any(text in word for word in words for text in ("http", "$(", "concat"))
    assert {"hls", "dash", "concat", "sdp", "image2", "lavfi"}.isdisjoint(opening.FORMATS)


@pytest.mark.parametrize("kind", ["hls", "dash", "ffconcat"])
@pytest.mark.parametrize("container", ["MP3", "M4A", ""])
def test_sec_M3_a_list_of_other_files_is_not_followed(kind: str, container: str, tmp_path: Path) -> None:
    trap = tmp_path / "song.m3u8"
    trap.write_bytes(manifests(sounds.make(tmp_path, "neighbour.m4a"))[kind])

    with pytest.raises(EncodeFailed):
        encode(trap, "wav", replace(WAV, container=container))


@pytest.mark.parametrize(("kind", "ending"), [("hls", "m3u8"), ("dash", "mp3"), ("ffconcat", "mp3")])
def test_sec_M3_the_sandbox_alone_keeps_a_neighbours_file_shut(kind: str, ending: str, tmp_path: Path) -> None:
    trap = tmp_path / f"song.{ending}"
    neighbour = sounds.make(tmp_path, "neighbour.mp3" if kind == "hls" else "neighbour.m4a")
    trap.write_bytes(manifests(neighbour)[kind])
    arguments = ["-v", "error", "-i", f"file:{trap}", "-f", "s16le", "pipe:1"]
    leaked = sounds.ffmpeg(tmp_path / "leaked.raw", *arguments[2:-1])
    heard = bytearray()

    def listen(piece: bytes) -> bool:
        heard.extend(piece)
        return True

    sandbox.run(
        [str(encoder.binary), *arguments],
        Box(readable=(trap,)),
        Limits(wall_seconds=20, idle_seconds=20),
        on_output=listen,
    )

    assert leaked.stat().st_size > 100_000
    assert heard == b""


def test_sec_M7_a_song_that_was_cut_short_fails_in_words(tmp_path: Path) -> None:
    whole = sounds.make(tmp_path, "song.flac", seconds=4)
    cut = tmp_path / "cut.flac"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])

    with pytest.raises(EncodeFailed, match=r"damaged or cut short: only [12]\.\d of 4\.0 seconds could be read\."):
        encode(cut, "wav")


@pytest.mark.parametrize("kind", ["wav", "aiff", "mp3", "m4a", "tta", "wv", "au"])
def test_sec_M7_half_a_song_is_never_passed_off_as_a_whole_one(kind: str, tmp_path: Path) -> None:
    whole = sounds.make(tmp_path, f"song.{kind}", *(("-movflags", "+faststart") if kind == "m4a" else ()), seconds=4)
    cut = tmp_path / f"cut.{kind}"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])

    with pytest.raises(AppError) as error:
        encode(cut, "wav")

    assert "cut short" in error.value.message


def test_sec_M7_a_song_with_a_hole_in_it_is_not_passed_off_as_whole(tmp_path: Path) -> None:
    song = bytearray(sounds.make(tmp_path, "song.flac", seconds=8).read_bytes())
    song[len(song) // 4 : len(song) // 2] = bytes(len(song) // 4)
    (tmp_path / "hole.flac").write_bytes(song)

    with pytest.raises(EncodeFailed, match="damaged or cut short"):
        encode(tmp_path / "hole.flac", "wav")


@pytest.mark.parametrize("name", ["bare.mp3", "bare.aac", "bare.ac3", "bare.amr"])
def test_a_song_whose_header_says_no_length_is_whole(name: str, tmp_path: Path) -> None:
    arguments = ("-write_xing", "0", "-q:a", "9") if name == "bare.mp3" else ()

    assert encode(sounds.make(tmp_path, name, *arguments), "wav")[0].seconds == pytest.approx(2, abs=0.1)


def test_sec_M7_a_header_without_sound_fails_in_words(tmp_path: Path) -> None:
    (tmp_path / "empty.wav").write_bytes(sounds.wav(0.0))

    with pytest.raises(EncodeFailed, match="There is no sound in this file"):
        encode(tmp_path / "empty.wav", "wav", replace(WAV, seconds=None))
    with pytest.raises(EncodeFailed, match="There is no sound in this file"):
        peaks(tmp_path / "empty.wav", replace(WAV, seconds=None))


def test_bytes_that_are_no_sound_fail_with_the_last_words_of_ffmpeg(tmp_path: Path) -> None:
    (tmp_path / "noise.flac").write_bytes(random.Random(1).randbytes(10_000))

    with pytest.raises(EncodeFailed, match="could not be converted") as error:
        encode(tmp_path / "noise.flac", "wav", replace(WAV, container="FLAC"))

    assert error.value.detail


def test_the_last_words_have_no_path_of_ours_in_them(tmp_path: Path) -> None:
    song = sounds.make(tmp_path, "song.wav")
    by = FFmpegEncoder(binary=stub(tmp_path, 'echo "$*" >&2; exit 1'))

    with pytest.raises(EncodeFailed) as error:
        encode(song, "wav", WAV, by=by)

    assert error.value.detail.endswith("the file")
    assert str(tmp_path) not in error.value.message + error.value.detail


def test_a_result_that_grows_too_large_fails_in_words(tmp_path: Path) -> None:
    with pytest.raises(EncodeFailed, match="The result would be too large"):
        encode(sounds.make(tmp_path, "song.wav"), "wav", by=FFmpegEncoder(max_output_bytes=100_000))


def test_a_converter_short_of_memory_fails_in_words(tmp_path: Path) -> None:
    with pytest.raises(EncodeFailed) as error:
        encode(sounds.make(tmp_path, "song.wav"), "mp4", by=FFmpegEncoder(memory=96 << 20))

    assert error.value.message.endswith(".")


def stub(folder: Path, script: str) -> Path:
    """A program in ffmpeg's place."""
    program = folder / "stub"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


@pytest.mark.parametrize(
    "script",
    [
        "sleep 60",
        "while :; do echo flood flood flood flood >&2; done",
        "trap '' TERM INT; while :; do sleep 1; done",
        "while :; do echo out_time_us=1000; echo progress=continue; sleep 0.05; done",
    ],
    ids=["sleeps", "floods stderr", "ignores signals", "stands still"],
)
def test_sec_M6_a_converter_that_stands_still_is_ended(script: str, tmp_path: Path) -> None:
    by = FFmpegEncoder(binary=stub(tmp_path, script), idle_seconds=0.3)

    with pytest.raises(EncodeFailed, match="stood still") as error:
        encode(sounds.make(tmp_path, "song.wav"), "wav", WAV, by=by)

    assert len(error.value.detail) <= 1000


def test_sec_M6_a_converter_that_takes_for_ever_is_ended(tmp_path: Path) -> None:
    script = "n=1; while :; do n=$((n+1)); echo out_time_us=$n; done"
    by = FFmpegEncoder(binary=stub(tmp_path, script), wall_seconds=0.5)

    with pytest.raises(EncodeFailed, match="takes too long"):
        encode(sounds.make(tmp_path, "song.wav"), "wav", WAV, by=by)


def test_a_converter_that_crashes_fails_in_words(tmp_path: Path) -> None:
    by = FFmpegEncoder(binary=stub(tmp_path, "kill -SEGV $$"))

    with pytest.raises(EncodeFailed, match="broke down"):
        encode(sounds.make(tmp_path, "song.wav"), "wav", WAV, by=by)


@pytest.mark.parametrize("code", verdicts.NO_ROOM)
def test_no_room_for_the_result_is_told_as_such(code: int, tmp_path: Path) -> None:
    by = FFmpegEncoder(binary=stub(tmp_path, f"exit {code}"))

    with pytest.raises(StorageFull):
        encode(sounds.make(tmp_path, "song.wav"), "wav", WAV, by=by)


def test_progress_is_not_taken_from_what_the_file_has_ffmpeg_say(tmp_path: Path) -> None:
    told: list[float] = []
    by = FFmpegEncoder(binary=stub(tmp_path, "echo out_time_us=1900000 >&2; echo Duration: 00:00:01 >&2; exit 1"))

    with pytest.raises(EncodeFailed):
        encode(sounds.make(tmp_path, "song.wav"), "wav", WAV, by=by, told=told)

    assert told == []


def test_being_told_to_stop_ends_the_conversion_soon(tmp_path: Path) -> None:
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    began = time.monotonic()

    with pytest.raises(Stopped):
        encode(sounds.make(tmp_path, "song.wav"), "wav", WAV, by=FFmpegEncoder(stub(tmp_path, "sleep 60")), stop=stop)

    assert time.monotonic() - began < 30  # the stand-in would sleep for a minute


def test_being_told_to_stop_ends_the_outline_too(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()

    with pytest.raises(Stopped):
        encoder.peaks(sounds.make(tmp_path, "song.wav"), WAV, stop=stop)


def test_the_outline_follows_the_sound(tmp_path: Path) -> None:
    song = tmp_path / "song.wav"
    quiet, loud = sounds.wav(2.0, loudness=0.25), sounds.wav(2.0, loudness=0.5)
    body = quiet[44:] + bytes(len(quiet) - 44) + loud[44:]
    song.write_bytes(quiet[:40] + len(body).to_bytes(4, "little") + body)

    outline = peaks(song)

    assert outline.seconds == pytest.approx(6, abs=0.001)
    assert len(outline.bars) == BARS
    assert outline.bars[60] == pytest.approx(50, abs=3)
    assert outline.bars[200] == 0
    assert outline.bars[340] == pytest.approx(100, abs=3)


def test_the_outline_of_silence_is_flat(tmp_path: Path) -> None:
    (tmp_path / "silence.wav").write_bytes(sounds.silence(1.0))

    assert peaks(tmp_path / "silence.wav") == Peaks(bytes(BARS), 1.0)


@pytest.mark.parametrize("seconds", [0.001, 0.01, 0.3, 5, 60])
def test_the_outline_has_all_its_bars_however_short_the_sound(seconds: float, tmp_path: Path) -> None:
    outline = peaks(sounds.make(tmp_path, "song.wav", seconds=seconds, rate=8000, channels=1))

    assert len(outline.bars) == BARS
    assert min(outline.bars) > 0
    assert outline.seconds == pytest.approx(seconds, abs=0.001)


def test_the_outline_of_a_long_sound_takes_no_more_room() -> None:
    outline = Outline()
    for _ in range(900):
        outline.add(bytes(16_001))

    assert len(outline.cells) <= 16 * BARS
    assert outline.finish(8000).seconds == pytest.approx(900, rel=0.001)


def test_sec_M8_what_came_with_our_requirements_is_new_enough() -> None:
    assert binary.checked_version(binary.bundled())


@pytest.mark.parametrize("version", ["9.0", "n8.1.2", "7.1.5-static", "6.1.6", "5.1.10-0+deb12u1", "8.2", "N-119-gabc"])
def test_a_safe_version_is_accepted(version: str, tmp_path: Path) -> None:
    assert binary.checked_version(stub(tmp_path, f"echo ffmpeg version {version} Copyright")) == version


@pytest.mark.parametrize("version", ["8.1.1", "8.1", "n7.1.4", "6.1.5", "5.1.9-0+deb12u1", "5.0", "4.4.5", "3.4"])
def test_sec_M8_a_version_with_a_known_hole_is_refused(version: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=re.escape(version)):
        binary.checked_version(stub(tmp_path, f"echo ffmpeg version {version} Copyright"))


def test_a_program_that_does_not_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        binary.checked_version(tmp_path / "nothing")


def test_a_job_is_left_to_the_workers() -> None:
    waiting: list[JobSpec] = []
    transcoder = FFmpegTranscoder(waiting.append)
    spec = JobSpec(uuid.uuid4(), "media/1/a.wav", {"wav": "transcoded/1/a.wav"}, Facts("WAV", "PCM", 44100, 2))

    assert transcoder.submit(spec) is None  # type: ignore[func-returns-value]
    transcoder.cancel(None)

    assert waiting == [spec]


def test_no_file_is_open_after_the_work(tmp_path: Path) -> None:
    song = sounds.make(tmp_path, "song.wav", seconds=0.1)
    before = len(os.listdir("/dev/fd"))  # noqa: PTH208

    encode(song, "wav")

    assert len(os.listdir("/dev/fd")) == before  # noqa: PTH208

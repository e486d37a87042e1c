"""A sound whose form changes on the way (a mono jingle in a stereo programme, another rate) is converted whole."""

import threading
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from tests import sounds
from webapp.adapters.probe import SandboxedProbe
from webapp.adapters.transcoders.ffmpeg import FFmpegEncoder
from webapp.errors import EncodeFailed
from webapp.news import Flaw, Output
from webapp.ports import Facts
from webapp.presets import PRESETS, Preset, find
from webapp.recipes import Recipe

probe, encoder = SandboxedProbe(), FFmpegEncoder()
GOING = threading.Event()
FIRST, SECOND = 440.0, 880.0
LOUD = Recipe(codec="flac", loudness=-16, trims=True).name


def changing(folder: Path, kind: str, before: tuple[int, int], after: tuple[int, int]) -> Path:
    """Two seconds at one pitch in this form, by rate and channels, and two of another pitch in that one."""
    whole = folder / f"whole.{kind}"
    halves = [
        sounds.make(folder, f"{hertz}.{kind}", rate=rate, channels=channels, hertz=hertz)
        for hertz, (rate, channels) in ((FIRST, before), (SECOND, after))
    ]
    whole.write_bytes(b"".join(half.read_bytes() for half in halves))
    return whole


def convert(song: Path, preset: Preset) -> tuple[Output, Path]:
    job = song.parent / "job"
    job.mkdir(exist_ok=True)
    target = job / f"made.{preset.extension}"
    return encoder.encode(song, target, preset, probe.look(song), on_progress=lambda _: None, stop=GOING), target


def hertz(samples: Sequence[int]) -> float:
    """The pitch of a second of one channel of a sine, by how often it comes up through nothing."""
    return sum(before < 0 <= after for before, after in pairwise(samples))


STEREO, MONO, SLOW, SLOWEST = (44100, 2), (44100, 1), (32000, 2), (8000, 1)


@pytest.mark.parametrize("preset", ["wav", "mp4", "mp3-192"])
@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        *(("mp3", STEREO, MONO), ("mp3", MONO, STEREO), ("aac", STEREO, SLOW), ("aac", SLOW, STEREO)),
        *(("aac", SLOWEST, STEREO), ("ac3", SLOW, STEREO), ("mp2", MONO, SLOW)),
    ],
)
def test_what_changes_its_form_is_kept_to_its_end(
    kind: str, before: tuple[int, int], after: tuple[int, int], preset: str, tmp_path: Path
) -> None:
    output, made = convert(changing(tmp_path, kind, before, after), PRESETS[preset])

    assert (output.sample_rate, output.channels, output.flaw) == (44100, 2, None)
    # Each half has up to three frames more than its two seconds, of which nothing says that they are filling.
    frames = sum(3 * 1152 / rate for rate, _ in (before, after))
    assert 4.0 - 0.01 <= output.seconds <= 4.0 + frames
    samples = sounds.samples(made)
    assert len(samples) / 2 / 44100 == pytest.approx(output.seconds, abs=0.001)
    left = samples[::2]
    assert hertz(left[22050:66150]) == pytest.approx(FIRST, abs=2)
    assert hertz(left[-66150:-22050]) == pytest.approx(SECOND, abs=2)


def test_what_changes_its_form_is_measured_levelled_trimmed_and_drawn_whole(tmp_path: Path) -> None:
    song = changing(tmp_path, "mp3", MONO, STEREO)
    facts = probe.look(song)

    heard = encoder.measure(song, tmp_path, facts, with_picture=True, stop=GOING)
    drawn = encoder.peaks(song, facts, stop=GOING)
    output, made = convert(song, find(LOUD))

    assert heard.loudness
    assert heard.picture
    assert drawn.seconds == pytest.approx(4.0, abs=0.12)
    quarter = len(drawn.bars) // 4
    assert set(drawn.bars[quarter - 9 : quarter + 9] + drawn.bars[-quarter - 9 : 9 - quarter]) <= {99, 100}
    assert output.channels == 2
    assert output.seconds == pytest.approx(4.0, abs=0.12)
    now = encoder.measure(made, tmp_path, probe.look(made), with_picture=False, stop=GOING)
    assert now.loudness == pytest.approx(-16.0, abs=0.5)


def test_where_the_rate_changes_again_and_again_nothing_is_lost_between(tmp_path: Path) -> None:
    pieces = {rate: sounds.make(tmp_path, f"{rate}.ac3", seconds=0.5, rate=rate) for rate in (44100, 32000)}
    song = tmp_path / "song.ac3"
    song.write_bytes(b"".join(piece.read_bytes() for piece in pieces.values()) * 12)

    output, _ = convert(song, PRESETS["flac"])

    each = [len(sounds.samples(piece)) / 2 / rate for rate, piece in pieces.items()]
    assert output.seconds == pytest.approx(12 * sum(each), abs=0.02)
    assert output.flaw is None


def test_silence_at_the_ends_of_what_changes_its_form_is_trimmed(tmp_path: Path) -> None:
    silence, song = tmp_path / "silence.wav", tmp_path / "song.aac"
    silence.write_bytes(sounds.silence(3.0))
    end = sounds.ffmpeg(tmp_path / "end.aac", "-i", str(silence)).read_bytes()
    song.write_bytes(end + sounds.make(tmp_path, "tone.aac", channels=1).read_bytes() + end)

    output, made = convert(song, find(LOUD))

    assert output.seconds == pytest.approx(2.0, abs=0.1)
    assert output.begins_at == pytest.approx(3.0, abs=0.1)
    assert len(sounds.samples(made)) / 2 / 44100 == pytest.approx(output.seconds, abs=0.001)


def test_sec_M7_what_changes_its_form_and_lacks_its_end_is_found_out(tmp_path: Path) -> None:
    """By the length that an MP4 tells, and by the bytes that the first frame of an MP3 tells."""
    stereo, mono = (sounds.make(tmp_path, f"{n}.mp3", "-write_xing", "0", seconds=8, channels=n) for n in (2, 1))
    song = tmp_path / "song.mp3"
    song.write_bytes(stereo.read_bytes() + mono.read_bytes())
    whole = sounds.ffmpeg(tmp_path / "whole.mp4", "-i", str(song), "-c", "copy", "-movflags", "+faststart")
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
    told = sounds.make(tmp_path, "told.mp3", seconds=8).read_bytes()
    short = tmp_path / "short.mp3"
    short.write_bytes(told[: len(told) * 6 // 10] + mono.read_bytes()[:8000])

    assert convert(whole, PRESETS["wav"])[0].flaw is None
    with pytest.raises(EncodeFailed, match="damaged or cut short"):
        convert(cut, PRESETS["wav"])
    assert convert(short, PRESETS["wav"])[0].flaw is Flaw.INCOMPLETE


def test_words_like_those_of_a_change_end_in_a_sentence(tmp_path: Path) -> None:
    """Of a sound in one form ffmpeg says no such thing, but whatever it says is tried once more only."""
    stub = tmp_path / "ffmpeg"
    stub.write_text("#!/bin/sh\necho 'Changing audio frame properties on the fly is not supported.' >&2\nexit 234\n")
    stub.chmod(0o755)
    song = sounds.make(tmp_path, "song.wav")

    with pytest.raises(EncodeFailed, match=r"The sound could not be converted\. The file is probably damaged\."):
        FFmpegEncoder(binary=stub).peaks(song, Facts("WAV", "PCM", 44100, 2, 16), stop=GOING)

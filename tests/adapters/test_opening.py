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
from webapp.news import Output
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


STEREO, MONO, SLOW = (44100, 2), (44100, 1), (32000, 2)


@pytest.mark.parametrize("preset", ["wav", "mp4", "mp3-192"])
@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [("mp3", STEREO, MONO), ("mp3", MONO, STEREO), ("aac", STEREO, SLOW), ("ac3", SLOW, STEREO), ("mp2", MONO, SLOW)],
)
def test_what_changes_its_form_is_kept_to_its_end(
    kind: str, before: tuple[int, int], after: tuple[int, int], preset: str, tmp_path: Path
) -> None:
    output, made = convert(changing(tmp_path, kind, before, after), PRESETS[preset])

    assert (output.sample_rate, output.channels, output.flaw) == (44100, 2, None)
    assert output.seconds == pytest.approx(4.0, abs=0.12)
    samples = sounds.samples(made)
    assert len(samples) / 2 / 44100 == pytest.approx(output.seconds, abs=0.03)
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


def test_words_like_those_of_a_change_end_in_a_sentence(tmp_path: Path) -> None:
    """Of a sound in one form ffmpeg says no such thing, but whatever it says is tried once more only."""
    stub = tmp_path / "ffmpeg"
    stub.write_text("#!/bin/sh\necho 'Changing audio frame properties on the fly is not supported.' >&2\nexit 234\n")
    stub.chmod(0o755)
    song = sounds.make(tmp_path, "song.wav")

    with pytest.raises(EncodeFailed, match=r"The sound could not be converted\. The file is probably damaged\."):
        FFmpegEncoder(binary=stub).peaks(song, Facts("WAV", "PCM", 44100, 2, 16), stop=GOING)

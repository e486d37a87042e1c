"""Presets of one's own with the real ffmpeg: as loud as was asked, no peak too high, silence cut off at the ends."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from tests import sounds
from webapp import presets
from webapp.adapters.probe import SandboxedProbe
from webapp.adapters.transcoders.ffmpeg import FFmpegEncoder
from webapp.errors import EncodeFailed
from webapp.news import Flaw, Output
from webapp.ports import Facts, Measured

probe = SandboxedProbe()
encoder = FFmpegEncoder()

SPEECH = "anoisesrc=d=8:c=pink:a=0.5:seed=7:r=44100,volume='0.03+0.05*abs(sin(5*t))*gt(mod(t,2),0.6)':eval=frame"
SQUARE = "aevalsrc='0.98*sgn(sin(2*PI*220*t))|0.98*sgn(sin(2*PI*330*t))':d=5:s=44100"
SURROUND = (
    "aevalsrc='0.4*sin(400*t)|0.3*sin(500*t)|0.5*sin(600*t)|0.2*sin(90*t)|0.3*sin(700*t)|0.3*sin(800*t)':d=5:c=5.1"
)
# What it is made of, and how ffmpeg writes it. Ten sounds that have as little in common as possible.
SIGNALS: dict[str, tuple[str, ...]] = {
    "quiet speech": (SPEECH,),
    "loud square": (SQUARE,),
    "sine": ("sine=f=997:d=5:r=48000",),
    "clicks in silence": ("aevalsrc='0.2*sin(6000*t)*lt(mod(t,0.2),0.04)':d=6:s=44100:c=mono",),
    "wide dynamics": ("anoisesrc=d=12:c=pink:seed=3:r=48000,volume='0.01+0.6*lt(mod(t,4),0.6)':eval=frame",),
    "mono": ("anoisesrc=d=5:c=brown:a=0.3:seed=5:r=44100", "-ac", "1"),
    "5.1": (SURROUND,),
    "8 kHz": ("anoisesrc=d=6:c=white:a=0.2:seed=2:r=8000",),
    "96 kHz": ("aevalsrc='0.2*sin(2*PI*(200+300*t)*t)|0.1*sin(3000*t)':d=5:s=96000", "-c:a", "pcm_s24le"),
    "very short": ("sine=f=440:d=0.55:r=44100,volume=0.3",),
}


def make(folder: Path, name: str) -> Path:
    graph, *how = SIGNALS[name]
    return sounds.ffmpeg(folder / "song.wav", "-f", "lavfi", "-i", graph, *how)


def encode(song: Path, preset: str, facts: Facts | None = None) -> tuple[Output, Path]:
    found = presets.find(preset)
    folder = song.parent / preset
    folder.mkdir()
    target = folder / f"rendition.{found.extension}"
    output = encoder.encode(
        song, target, found, facts or probe.look(song), on_progress=lambda _: None, stop=threading.Event()
    )
    return output, target


def heard(path: Path) -> Measured:
    """As the page tells it of what was made, by a meter that knows nothing of how it was made."""
    folder = path.parent / "heard"
    folder.mkdir(exist_ok=True)
    return encoder.measure(path, folder, probe.look(path), with_picture=False, stop=threading.Event())


def is_as_asked(signal: str, preset: str, folder: Path) -> bool:
    _, target = encode(make(folder, signal), preset)
    made, wanted = heard(target), presets.find(preset).loudness
    assert made.loudness is not None
    assert made.peak is not None
    assert wanted is not None
    assert (made.peak <= -1.0, made.peak) == (True, made.peak)
    return abs(made.loudness - wanted) <= 0.5


@pytest.mark.parametrize("signal", ["quiet speech", "wide dynamics"])
def test_what_is_made_is_as_loud_as_was_asked(signal: str, tmp_path: Path) -> None:
    """Guards `_make_as_loud`: one try alone leaves the first too quiet, and peaks of both too high."""
    assert is_as_asked(signal, "my-aac-64k-14lufs", tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["my-mp3-192k-14lufs", "my-opus-96k-16lufs", "my-flac-14lufs"])
@pytest.mark.parametrize("signal", SIGNALS)
def test_ten_signals_are_as_loud_as_was_asked_and_no_peak_is_too_high(signal: str, preset: str, tmp_path: Path) -> None:
    assert is_as_asked(signal, preset, tmp_path)


def test_where_peaks_forbid_it_the_sound_stays_quieter(tmp_path: Path) -> None:
    song = sounds.ffmpeg(tmp_path / "song.wav", "-f", "lavfi", "-i", "aevalsrc='0.7*lt(mod(t,1),0.001)':d=4")

    _, target = encode(song, "my-mp3-192k-14lufs")

    made = heard(target)
    assert made.loudness is not None
    assert made.loudness < -20
    assert made.peak is not None
    assert made.peak <= -1.0


@pytest.mark.parametrize("song", [sounds.silence(1.0), sounds.wav(0.3, loudness=0.1)])
def test_what_has_no_loudness_is_left_as_it_is(song: bytes, tmp_path: Path) -> None:
    path = tmp_path / "song.wav"
    path.write_bytes(song)

    _, target = encode(path, "my-flac-16lufs")

    assert sounds.samples(target) == sounds.samples(path)


def test_the_peak_of_the_last_samples_counts(tmp_path: Path) -> None:
    """Guards the tenth of a second that is put behind the sound (`levelling._metered`)."""
    graph = "aevalsrc='0.05*sin(2000*t)+0.9*gt(t,2.06)*sin(9000*t)':d=2.08:s=44100"
    song = sounds.ffmpeg(tmp_path / "song.wav", "-f", "lavfi", "-i", graph)

    _, target = encode(song, "my-wav-14lufs")

    # Held down to the limit, and not clipped at full scale.
    assert 20_000 < max(map(abs, sounds.samples(target))) <= 29_205


@pytest.fixture
def in_silence(tmp_path: Path) -> Path:
    """One second of a sine between two silences."""
    rest, middle = (sounds.silence(seconds)[44:] for seconds in (0.5, 0.7)), sounds.wav(1.0)[44:]
    before, after = rest
    whole = sounds.silence(2.2)
    path = tmp_path / "song.wav"
    path.write_bytes(whole[:44] + before + middle + after)
    return path


def test_silence_is_cut_off_at_both_ends_and_nothing_else_is_changed(in_silence: Path) -> None:
    output, target = encode(in_silence, "my-flac-trim")

    made, whole = sounds.samples(target), sounds.samples(in_silence)
    assert output.seconds == pytest.approx(1.0, abs=0.03)
    assert output.flaw is None
    begin = next(n for n in range(len(whole)) if whole[n : n + len(made)] == made)
    assert not any(whole[:begin])
    assert not any(whole[begin + len(made) :])


@pytest.mark.parametrize(
    "preset", ["my-mp3-128k-trim", "my-aac-128k-16lufs-trim", "my-opus-64k-trim", "my-vorbis-q4-trim"]
)
def test_what_is_trimmed_says_to_the_sample_how_long_it_is(preset: str, in_silence: Path) -> None:
    output, target = encode(in_silence, preset)

    assert output.seconds == pytest.approx(1.0, abs=0.03)
    assert output.sample_rate
    assert len(sounds.samples(target)) / 2 == pytest.approx(output.seconds * output.sample_rate, abs=1)


def test_silence_throughout_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "song.wav"
    path.write_bytes(sounds.silence(1.0))

    output, _ = encode(path, "my-wav-trim")

    assert output.seconds == 1.0


def test_what_is_missing_is_told_of_what_is_trimmed_too(in_silence: Path) -> None:
    facts = probe.look(in_silence)
    with pytest.raises(EncodeFailed, match="cut short"):
        encode(in_silence, "my-wav-trim", replace(facts, seconds=4.0))

    output, _ = encode(in_silence, "my-flac-trim", replace(facts, seconds=2.25))
    assert output.flaw is Flaw.INCOMPLETE


@pytest.mark.parametrize(
    ("preset", "rate", "channels", "depth"),
    [("my-aiff-96000-2ch-24bit", 96000, 2, 24), ("my-wav-22050-16bit", 22050, 1, 16), ("my-alac-2ch", 44100, 2, 16)],
)
def test_the_form_is_the_one_that_was_chosen(preset: str, rate: int, channels: int, depth: int, tmp_path: Path) -> None:
    song = sounds.make(tmp_path, "song.wav", seconds=0.5, channels=1)

    output, target = encode(song, preset)

    made = probe.look(target)
    assert (made.sample_rate, made.channels, made.bit_depth) == (rate, channels, depth)
    assert (output.sample_rate, output.channels) == (rate, channels)
    if channels == 2 and rate == 44100:
        assert sounds.samples(target)[::2] == sounds.samples(target)[1::2] == sounds.samples(song)

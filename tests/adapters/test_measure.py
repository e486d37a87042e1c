"""The meter is right, and a file cannot speak for it."""

import struct
import threading
from pathlib import Path

import pytest

from tests import sounds
from webapp.adapters.probe import SandboxedProbe
from webapp.adapters.transcoders.ffmpeg import FFmpegEncoder
from webapp.adapters.transcoders.measure import MOST_PICTURE_BYTES, Meter
from webapp.ports import Measured


def measured(path: Path, tmp_path: Path, *, with_picture: bool = False) -> Measured:
    facts = SandboxedProbe().look(path)
    folder = tmp_path / "work"
    folder.mkdir()
    return FFmpegEncoder().measure(path, folder, facts, with_picture=with_picture, stop=threading.Event())


def test_a_tone_is_as_loud_as_the_standard_says_and_its_picture_is_small(tmp_path: Path) -> None:
    # EBU Tech 3341, case 1: a stereo sine of 1 kHz at -23 dBFS is -23 LUFS.
    path = tmp_path / "tone.wav"
    path.write_bytes(sounds.wav(4.0, rate=48000, hertz=1000.0, loudness=10 ** (-23 / 20)))

    found = measured(path, tmp_path, with_picture=True)

    assert found.loudness == pytest.approx(-23.0, abs=0.1)
    assert found.peak == pytest.approx(-23.0, abs=0.2)
    assert found.picture
    assert struct.unpack(">2L", found.picture[16:24]) == (640, 160)
    assert len(found.picture) < 60_000


def test_silence_has_no_loudness(tmp_path: Path) -> None:
    path = tmp_path / "silence.wav"
    path.write_bytes(sounds.wav(1.0, loudness=0.0))

    assert measured(path, tmp_path).numbers == {}


def test_only_what_the_meter_says_in_its_own_form_counts(tmp_path: Path) -> None:
    meter = Meter()
    for piece in (b"lavfi.r128.I=-18.", b"25\ntitle=lavfi.r128.I=-1.0\nlavfi.r128.I=nan\nlavfi.r128.true_peak=0.5\n"):
        meter.read(piece)
    fake = tmp_path / "fake.png"
    fake.write_bytes(b"<svg>" + bytes(100))

    found = meter.finish(fake)

    assert found.numbers == {"loudness": -18.2, "peak": -6.0}
    assert found.picture is None
    fake.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(MOST_PICTURE_BYTES))
    assert meter.finish(fake).picture is None

"""Security, M7: what is cut short or damaged is never passed off as whole, where ffmpeg says that all is well."""

import threading
from pathlib import Path

import pytest

from tests import sounds
from webapp.adapters import headers
from webapp.adapters.probe import SandboxedProbe
from webapp.adapters.transcoders import flaws
from webapp.adapters.transcoders.ffmpeg import FFmpegEncoder
from webapp.errors import EncodeFailed
from webapp.news import Flaw, Output
from webapp.ports import Facts
from webapp.presets import PRESETS

probe = SandboxedProbe()
encoder = FFmpegEncoder()


def convert(song: Path, content: bytes) -> Output:
    """What comes of the bytes."""
    song.write_bytes(content)
    job = song.parent / "job"
    job.mkdir(exist_ok=True)
    return encoder.encode(
        song, job / "made.flac", PRESETS["flac"], probe.look(song), on_progress=lambda _: None, stop=threading.Event()
    )


# MP4 without its index is refused by the probe, and TTA decodes nothing of its last second.
QUICK = ("wav", "w64", "caf", "mp2", "ogg", "amr", "webm")
CUT = [kind for kind in sounds.KINDS if kind not in ("m4a", "mp4", "mov", "3gp", "tta")]


@pytest.mark.parametrize(
    "kind", [kind if kind in QUICK else pytest.param(kind, marks=pytest.mark.slow) for kind in CUT]
)
def test_sec_M7_what_lacks_its_end_is_marked(kind: str, tmp_path: Path) -> None:
    song = sounds.make(tmp_path, f"song.{kind}", seconds=4)
    whole = song.read_bytes()

    assert convert(song, whole[: len(whole) * 97 // 100]).flaw is Flaw.INCOMPLETE


@pytest.mark.parametrize("kind", ["w64", "caf", "dsf", "wma"])
def test_sec_M7_half_of_what_a_header_announces_is_an_error(kind: str, tmp_path: Path) -> None:
    song = sounds.make(tmp_path, f"song.{kind}", seconds=4)
    whole = song.read_bytes()

    with pytest.raises(EncodeFailed, match=r"damaged or cut short: only 2\.\d of 4\.0 seconds"):
        convert(song, whole[: len(whole) // 2])


ID3V1 = b"TAG" + bytes(125)


@pytest.mark.parametrize(
    ("name", "after"),
    [("song.mp3", ID3V1), ("bare.mp3", ID3V1), ("bare.mp3", bytes(3000)), ("song.flac", ID3V1), ("song.wv", ID3V1)],
    ids=["mp3 with a tag", "mp3 without a count", "mp3 with zeros", "flac with a tag", "wavpack with a tag"],
)
def test_sec_M7_what_is_put_behind_a_whole_song_is_no_flaw(name: str, after: bytes, tmp_path: Path) -> None:
    song = sounds.make(tmp_path, name, *(("-write_xing", "0") if name == "bare.mp3" else ()), seconds=2)

    assert convert(song, song.read_bytes() + after).flaw is None


def test_sec_M7_a_hole_in_an_ogg_is_marked(tmp_path: Path) -> None:
    song = sounds.make(tmp_path, "song.ogg", seconds=4)
    damaged = bytearray(song.read_bytes())
    damaged[len(damaged) // 2] ^= 0xFF

    assert convert(song, bytes(damaged)).flaw is Flaw.INCOMPLETE


def test_sec_M7_a_song_that_changes_its_form_is_marked(tmp_path: Path) -> None:
    song = sounds.make(tmp_path, "song.flac", seconds=2)
    other = sounds.make(tmp_path, "other.flac", seconds=2, rate=22050, channels=1)

    assert convert(song, song.read_bytes() + other.read_bytes()).flaw is Flaw.INCOMPLETE


@pytest.mark.parametrize("page", [b"", b"OggS", b"OggS" + bytes(23), b"OggS\0\4" + bytes(20) + b"\2\1\1x"])
def test_sec_M7_an_ogg_that_breaks_off_has_no_last_page(page: bytes, tmp_path: Path) -> None:
    (tmp_path / "song").write_bytes(page)

    found = flaws.find(tmp_path / "song", Facts("Ogg", "Vorbis", 44100, 2), 1.0, "")

    assert found is Flaw.INCOMPLETE


@pytest.mark.parametrize("demuxer", ["wav", "w64", "caf", "dsf", "asf", "mp3"])
def test_a_header_of_nonsense_is_no_harm(demuxer: str, tmp_path: Path) -> None:
    for number, content in enumerate((b"", b"RIFF", bytes(1000), b"\xff" * 1000, headers.ASF_PROPERTIES)):
        nonsense = tmp_path / str(number)
        nonsense.write_bytes(content)

        assert (headers.seconds_in(nonsense, demuxer) or 0.0) >= 0.0

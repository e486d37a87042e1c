"""Where a sound begins and ends: to the sample, so that what was cut in two is heard as one again."""

import struct
from array import array
from pathlib import Path

import pytest

from tests import sounds
from tests.adapters.test_ffmpeg import encode
from webapp.adapters.transcoders.lame import Tag, _crc

# Three frames of MP3 and one sample, at which its encoder fills up a whole frame and 46 samples more.
AWKWARD = 3 * 1152 + 1


@pytest.mark.parametrize(
    ("preset", "count", "rate", "channels"),
    [
        ("mp3-v0", 30_000, 44100, 2),
        ("mp3-192", 5777, 22050, 1),
        ("mp4", AWKWARD, 44100, 2),
        ("opus-128", 30_011, 48000, 2),
        ("ogg-q6", 30_011, 44100, 2),
    ],
)
def test_what_is_made_is_as_long_as_the_original_to_the_sample(
    preset: str, count: int, rate: int, channels: int, tmp_path: Path
) -> None:
    song = tmp_path / "song.wav"
    song.write_bytes(sounds.wav(count / rate, rate, channels))

    _, target = encode(song, preset)

    assert len(sounds.samples(target)) == count * channels


@pytest.mark.parametrize("kind", ["mp3", "m4a", "opus", "ogg"])
def test_what_says_where_it_begins_and_ends_is_taken_at_its_word(kind: str, tmp_path: Path) -> None:
    original = array("h", sounds.wav(1.5, 48000, 1, hertz=300)[44:])
    song = sounds.make(tmp_path, f"song.{kind}", seconds=1.5, rate=48000, channels=1, hertz=300)

    _, target = encode(song, "wav")

    made = sounds.samples(target)
    assert len(made) == len(original)
    # A wave is 160 samples long: nothing has been moved by more than one.
    assert max(abs(a - b) for a, b in zip(made[2000:-2000], original[2000:-2000], strict=True)) < 2000


def test_the_first_frame_of_an_mp3_says_what_to_leave_out(tmp_path: Path) -> None:
    """Taken out: `_end_exactly`; then the end is said to be 46 samples later."""
    song = tmp_path / "song.wav"
    song.write_bytes(sounds.wav(AWKWARD / 44100))

    _, target = encode(song, "mp3-192")

    assert len(sounds.samples(target)) == 2 * AWKWARD
    tag = Tag.read(target)
    assert tag is not None
    assert tag.ends == (576, 5 * 1152 - 576 - AWKWARD)
    mark = tag.frame[tag.offset + 154 :][:2]
    assert int.from_bytes(mark, "big") == _crc(tag.frame[: tag.offset + 154])


def test_a_length_that_the_frames_gainsay_is_not_written(tmp_path: Path) -> None:
    song = sounds.make(tmp_path, "song.mp3", seconds=0.5)
    before = song.read_bytes()
    tag = Tag.read(song)
    assert tag is not None

    for samples in (0, 10 * 44100):
        tag.write(song, samples)

    assert song.read_bytes() == before


@pytest.mark.parametrize(
    "content", [b"", b"ID3", b"ID3\4\0\0\x7f\x7f\x7f\x7f", b"\xff\xfb\x90\0" + bytes(32) + b"Info"]
)
def test_what_has_no_whole_tag_has_none(content: bytes, tmp_path: Path) -> None:
    song = tmp_path / "song.mp3"
    song.write_bytes(content)

    assert Tag.read(song) is None


def test_what_is_mixed_down_for_a_lossy_encoder_is_not_rounded_before(tmp_path: Path) -> None:
    """Taken out: `osf=fltp` of the mix; then a sound that is quieter than half a step of 16 bits is gone."""
    song = tmp_path / "song.wav"
    centre = b"".join(struct.pack("<6h", 0, 0, n // 50 % 2, 0, 0, 0) for n in range(22050))
    song.write_bytes(sounds.wav(0.5, channels=6)[:44] + centre)

    _, target = encode(song, "ogg-q6")

    louder = sounds.samples(target, "-af", "volume=60dB")
    assert max(louder[8000:-8000]) > 100

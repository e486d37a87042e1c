"""Short sounds in every format that we say we read, over rates, channels and depths."""

import itertools
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg
import pytest

from tests import rare, sounds
from tests.adapters.test_ffmpeg import encode
from webapp.adapters.probe import CONTAINERS, SandboxedProbe
from webapp.adapters.transcoders import opening
from webapp.adapters.transcoders.ffmpeg import FFmpegEncoder
from webapp.errors import AppError
from webapp.presets import PRESETS

SECONDS = 0.3
TOLERANCE = 0.1
# By ending and codec: what docs/audio.md calls it, and how many samples too long it may be, where nothing that a
# decoder heeds says where the sound ends. Why, that page says. At the lowest rates it is more than a tenth of a second.
BOUNDS = {
    ("aac", "aac"): ("AAC in ADTS", 2048),
    ("wav", "adpcm_ima_wav"): ("IMA ADPCM in WAV", 2041),
    ("wav", "adpcm_ms"): ("Microsoft ADPCM in WAV", 2036),
}
PARTS = 5
LOW, HIGH = (8000, 11025, 16000, 22050, 32000), (44100, 48000, 88200, 96000, 192000)


@dataclass(frozen=True)
class Sample:
    """A sound of 0.3 s to be made by ffmpeg, with these of its arguments."""

    ending: str
    rate: int = 44100
    channels: int = 2
    codec: str = ""
    more: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.codec or 'usual'}{'-'.join(self.more)}-{self.rate}-{self.channels}.{self.ending}"

    @property
    def arguments(self) -> list[str]:
        usual = sounds.KINDS.get(self.ending, ()) if not self.codec else ("-c:a", self.codec)
        return [*usual, *self.more, "-strict", "-2"]

    @property
    def longest(self) -> float:
        """How many seconds too long it may be found."""
        _, count = BOUNDS.get((self.ending, self.codec), ("", 0))
        return max(TOLERANCE, count / self.rate)


def samples() -> Iterator[Sample]:
    """About two hundred."""
    for depth, channels in itertools.product(("u8", "s16le", "s24le", "s32le", "f32le", "f64le"), (1, 2, 6)):
        yield Sample("wav", 48000, channels, f"pcm_{depth}")
    for codec in ("pcm_alaw", "pcm_mulaw", "adpcm_ima_wav", "adpcm_ms"):
        yield from (Sample("wav", rate, 1, codec) for rate in (8000, 22050, 44100))
    for rate in (*LOW, *HIGH):
        yield from (Sample(ending, rate, 1 + rate % 2) for ending in ("wav", "flac", "wv", "w64"))
        yield from (Sample(ending, rate, 2, "flac") for ending in ("mka", "oga"))
        yield Sample("tta", rate, 2)
    for channels in (3, 4, 5, 6, 7, 8):
        yield from (Sample(ending, 48000, channels) for ending in ("wav", "flac", "wv"))
    for ending, depths in {
        "rf64": ("u8", "s16le", "s24le", "f32le"),
        "w64": ("u8", "s24le", "f64le"),
        "aiff": ("s8", "s16be", "s24be", "s32be", "f32be", "alaw"),
        "caf": ("s8", "s16be", "s24le", "s32be", "f32le", "mulaw"),
        "au": ("s8", "s16be", "s24be", "s32be", "f32be", "f64be", "mulaw"),
        "mov": ("s16be", "s24be", "f32be"),
        "mka": ("s16le", "s24le", "f32le"),
    }.items():
        more = ("-rf64", "always", "-f", "wav") if ending == "rf64" else ()
        yield from (Sample(ending, 44100, 1 + n % 2, f"pcm_{depth}", more) for n, depth in enumerate(depths))
    for rate in (8000, 11025, 16000, 22050, 32000, 44100, 48000):
        yield Sample("mp3", rate, 1 + rate % 2)
        yield from (Sample(ending, rate, 2, "aac") for ending in ("aac", "m4a"))
        yield Sample("ogg", rate, 1, "libvorbis")
    yield from (Sample("mp2", rate, channels) for rate in (22050, 48000) for channels in (1, 2))
    for channels in (1, 2, 6):
        yield from (Sample(ending, 48000, channels, "aac") for ending in ("aac", "m4a", "mp4", "mov", "mka"))
        yield from (Sample(ending, 48000, channels, "libopus") for ending in ("opus", "webm", "mka", "mp4"))
        yield from (Sample(ending, 44100, channels, "libvorbis") for ending in ("ogg", "webm"))
        yield from (Sample(ending, 44100, channels, "alac") for ending in ("m4a", "caf", "mov"))
        yield from (Sample(ending, rate, channels) for ending in ("ac3", "eac3") for rate in (32000, 48000))
        yield Sample("m4a", 96000, channels, "alac", ("-sample_fmt", "s32p"))
    yield from (Sample("opus", 16000, 1, "libopus", ("-frame_duration", length)) for length in ("2.5", "60"))
    yield from (Sample("mp3", 44100, 2, "", words) for words in (("-q:a", "2"), ("-write_xing", "0"), ("-abr", "1")))
    yield from (
        Sample("wma", rate, n, codec) for rate in (22050, 44100) for n in (1, 2) for codec in ("wmav1", "wmav2")
    )
    yield from (Sample("mka", 48000, 2, codec) for codec in ("libmp3lame", "mp2", "ac3", "tta", "wavpack", "alac"))
    yield from (Sample(ending, 8000, 1, "libopencore_amrnb") for ending in ("amr", "3gp"))
    yield from (Sample("3gp", rate, 2, "aac") for rate in (16000, 48000))


def made(folder: Path, wanted: list[Sample]) -> dict[Path, float]:
    """The sounds, and how much too long each may be: one run of ffmpeg for all of the same rate and channels."""
    found = {}
    by_form = sorted(wanted, key=lambda sample: (sample.rate, sample.channels))
    for (rate, channels), group in itertools.groupby(by_form, lambda sample: (sample.rate, sample.channels)):
        words: list[str] = []
        for sample in group:
            ending = "wav" if sample.ending == "rf64" else sample.ending
            path = folder / f"{sample.name}.{ending}"
            found[path] = sample.longest
            words += [*sample.arguments, str(path)]
        sound = sounds.wav(SECONDS, rate, channels)
        begin = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-i", "pipe:0"]
        subprocess.run([*begin, *words], input=sound, check=True, timeout=60)
    return found


def rarities() -> Iterator[tuple[str, bytes]]:
    """What ffmpeg cannot write."""
    yield from ((f"{rate}.spx", rare.speex(SECONDS, rate)) for rate in (8000, 16000, 32000))
    yield from ((f"{rate}-{n}.ape", rare.ape(SECONDS, rate, n)) for rate in (22050, 44100, 96000) for n in (1, 2))
    yield "wb.amr", rare.amr_wb(SECONDS)


def trouble(song: Path, longest: float = TOLERANCE) -> str:
    """What is wrong with what becomes of the file; nothing if it is known to be as long as it is, and made so."""
    target = song.with_name(f"{song.name}-made.wav")
    try:
        facts = SandboxedProbe().look(song)
        output = FFmpegEncoder().encode(
            song, target, PRESETS["wav"], facts, on_progress=lambda _: None, stop=threading.Event()
        )
    except AppError as exc:
        return f"{song.name}: {exc.message} {getattr(exc, 'detail', '')}"
    head = target.read_bytes()[:44]
    held = (target.stat().st_size - len(head)) / int.from_bytes(head[28:32], "little")
    lengths = (facts.seconds or SECONDS, output.seconds, held)
    is_whole = all(-TOLERANCE < each - SECONDS < longest for each in lengths)
    return "" if is_whole else f"{song.name}: {lengths} s"


def all_trouble(songs: dict[Path, float]) -> list[str]:
    with ThreadPoolExecutor(2) as pool:
        return [found for found in pool.map(trouble, songs, songs.values()) if found]


TELLING = (
    Sample("wav", 8000, 1, "pcm_u8"),
    Sample("wav", 48000, 6, "pcm_f64le"),
    Sample("rf64", 44100, 2, "pcm_s24le", ("-rf64", "always", "-f", "wav")),
    Sample("aiff", 44100, 2, "pcm_f32be"),
    Sample("au", 44100, 1, "pcm_mulaw"),
    Sample("flac", 192000, 8),
    Sample("mp3", 8000, 1),
    Sample("mp4", 48000, 6, "libopus"),
    Sample("webm", 44100, 1, "libvorbis"),
    Sample("wma", 22050, 2, "wmav1"),
    Sample("eac3", 32000, 6),
    Sample("3gp", 8000, 1, "libopencore_amrnb"),
    Sample("aac", 8000, 1, "aac"),
    Sample("wav", 8000, 1, "adpcm_ms"),
)


def test_sec_M5_samples_of_every_kind_are_converted_whole(tmp_path: Path) -> None:
    songs = made(tmp_path, list(TELLING))
    for name, content in (
        ("a.spx", rare.speex(SECONDS)),
        ("a.ape", rare.ape(SECONDS)),
        ("a.amr", rare.amr_wb(SECONDS)),
    ):
        (tmp_path / name).write_bytes(content)
        songs[tmp_path / name] = TOLERANCE

    assert all_trouble(songs) == []


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_sec_M5_hundreds_of_samples_are_converted_whole(part: int, tmp_path: Path) -> None:
    every = sorted(samples(), key=lambda sample: (sample.rate, sample.channels))
    size = -(-len(every) // PARTS)

    songs = made(tmp_path, every[part * size :][:size])

    assert len(every) >= 200
    assert all_trouble(songs) == []


@pytest.mark.slow
def test_sec_M5_rarities_are_converted_whole(tmp_path: Path) -> None:
    songs = [tmp_path / name for name, _ in rarities()]
    for song, (_, content) in zip(songs, rarities(), strict=True):
        song.write_bytes(content)
    songs += [sounds.make(tmp_path, f"{n}.dsf", seconds=SECONDS, channels=n) for n in range(1, 7)]

    assert all_trouble(dict.fromkeys(songs, TOLERANCE)) == []


def test_sec_M5_speex_whose_decoder_names_no_channel_becomes_aac(tmp_path: Path) -> None:
    """Taken out: `ochl` for the lossy encoders; then AAC refuses "1 channels"."""
    song = tmp_path / "song.spx"
    song.write_bytes(rare.speex(SECONDS))

    output, _ = encode(song, "mp4")

    assert output.channels == 1


def test_sec_M5_no_format_that_we_read_is_without_a_sample() -> None:
    kinds = {sample.ending for sample in samples()} | {"spx", "ape", "dsf"}

    assert kinds >= set(sounds.KINDS)
    assert set(CONTAINERS) == set(opening.FORMATS)


def test_sec_M5_the_page_names_each_bound() -> None:
    page = (Path(__file__).parents[2] / "docs" / "audio.md").read_text()

    assert [name for name, count in BOUNDS.values() if f"| {name} | {count:,} |" not in page] == []

"""Security, M1 to M3: what strangers send, tried on the probe, the encoder and the outline in their real sandbox."""

import math
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests import hostile, sounds
from tests.hostile import Case, End, bombs, lists
from webapp.adapters.probe import SandboxedProbe
from webapp.adapters.transcoders import opening, sandbox
from webapp.adapters.transcoders.ffmpeg import FFmpegEncoder
from webapp.errors import AppError
from webapp.ports import Facts
from webapp.presets import PRESETS

CAP = 16 << 20
MOST_MEMORY = 1 << 30
NEIGHBOURS_HERTZ = 1234.0
# The rest runs in the long run.
QUICK = {
    *("hls, absolute", "hls by another name", "dash by another name", "ffconcat, relative", "sdp as an mp3"),
    *("mov with its samples elsewhere, by alias", "mp4 whose index is huge", "mp4 of 800 tracks"),
    *("mp3 with a cover of 144 million pixels", "ogg of thousands of streams", "flac, hours of silence", "wav at 1 Hz"),
    *("nes music that never ends", "wav that says 3 GiB", "rf64 that says 1 TiB", "mp3 whose Xing says years"),
    *("half a wav", "half a m4a", "half a ogg", "half an mp3 without a count", "flac with a hole"),
    *("wav of doubles", "wav of 1 bit", "wav of five samples", "two flacs", "ogg that changes its form"),
    *("empty", "zip", "program", "tag without a song", "film without sound", "wav that is only a header"),
}

probe = SandboxedProbe()
encoder = FFmpegEncoder(max_output_bytes=CAP)


@dataclass
class Used:
    """What the programs in the sandbox have used, and were told."""

    memory: int = 0
    commands: list[Sequence[str]] = field(default_factory=list)


@pytest.fixture
def used(monkeypatch: pytest.MonkeyPatch) -> Used:
    found = Used()
    begin, run = sandbox._started, sandbox.run

    @contextmanager
    def started(*given: Any) -> Iterator[Any]:
        with begin(*given) as process:
            is_over = threading.Event()
            watch = threading.Thread(target=look, args=(process.pid, is_over))
            watch.start()
            try:
                yield process
            finally:
                is_over.set()
                watch.join()

    def look(pid: int, is_over: threading.Event) -> None:
        # Not by `wait4`, which counts what its parent had when it was forked: these tests may have gigabytes.
        while not is_over.wait(0.005):
            found.memory = max(found.memory, peak_of(pid))

    def seen(words: Sequence[str], *rest: Any, **more: Any) -> Any:
        found.commands.append(words)
        return run(words, *rest, **more)

    monkeypatch.setattr(sandbox, "_started", started)
    monkeypatch.setattr(sandbox, "run", seen)
    return found


def peak_of(pid: int) -> int:
    """The most bytes that the program has had in memory, since it is that program; 0 if it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), 0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a stranger's file lies, beside those of a neighbour."""
    for name in (hostile.NEIGHBOUR, hostile.NEIGHBOURS_FILM):
        sounds.make(tmp_path, name, hertz=NEIGHBOURS_HERTZ)
    (tmp_path / "job").mkdir()
    return tmp_path


def encode(song: Path, facts: Facts, preset: str = "wav", by: FFmpegEncoder = encoder) -> tuple[End, float]:
    """What comes of it, and how long it is. Raises AppError if nothing does."""
    target = song.parent / "job" / "made.wav"
    output = by.encode(song, target, PRESETS[preset], facts, on_progress=lambda _: None, stop=threading.Event())
    return End.MARKED if output.flaw else End.READY, output.seconds


def outcome(song: Path) -> tuple[End, float, str]:
    """The same with all that the app does, and what is said of a refusal."""
    try:
        facts = probe.look(song)
        end, seconds = encode(song, facts)
        encoder.peaks(song, facts, stop=threading.Event())
    except AppError as refusal:
        return End.REFUSED, 0.0, refusal.message
    return end, seconds, ""


@pytest.mark.parametrize(
    "case",
    [case if case.name in QUICK else pytest.param(case, marks=pytest.mark.slow) for case in hostile.CASES],
    ids=str,
)
def test_sec_M1_M2_each_ends_as_it_must_and_within_its_limits(case: Case, folder: Path, used: Used) -> None:
    song = case.written_to(folder)

    end, seconds, said = outcome(song)

    if case.is_heavy:  # the cap has ended it
        assert end is End.REFUSED
    else:
        assert end in case.ends
    if case.seconds is not None and end is End.READY:
        assert seconds == pytest.approx(case.seconds, abs=0.1)
    if end is End.REFUSED:
        assert said.endswith(".")
        assert str(song) not in said
    assert used.memory <= MOST_MEMORY
    assert all(path.stat().st_size <= CAP for path in (folder / "job").iterdir())
    assert not hears_neighbour(folder)


def test_there_are_enough_of_them_and_each_has_a_name_of_its_own() -> None:
    assert len({case.name for case in hostile.CASES}) == len(hostile.CASES) > 100
    assert {case.name for case in hostile.CASES} > QUICK


def test_sec_M2_the_limit_on_memory_is_what_ends_a_bomb(folder: Path, used: Used) -> None:
    """Fails without RLIMIT_AS (`launcher.limit`)."""
    song = folder / "index.mp4"
    song.write_bytes(bombs.index(9_000_000))
    facts, limit = Facts("MP4", "AAC", 44100, 1, seconds=1.0), 256 << 20

    with pytest.raises(AppError):
        encode(song, facts, by=FFmpegEncoder(memory=limit))
    with pytest.raises(AppError):
        SandboxedProbe(memory=limit).look(song)
    assert used.memory <= limit

    with pytest.raises(AppError):
        encode(song, facts)
    assert used.memory > 400 << 20, "it is a bomb"


@pytest.mark.parametrize("name", ["flac bomb", pytest.param("flac bomb at the highest rate", marks=pytest.mark.slow)])
def test_sec_M2_the_limit_on_size_is_what_ends_a_bomb(name: str, folder: Path) -> None:
    """Fails without RLIMIT_FSIZE (`launcher.limit`)."""
    song = hostile.named(name).written_to(folder)

    with pytest.raises(AppError, match="too large"):
        encode(song, probe.look(song), "wav-24")

    assert sum(path.stat().st_size for path in (folder / "job").iterdir()) <= CAP


def hears_neighbour(folder: Path) -> bool:
    """Whether anything that was made holds the neighbour's tone."""
    return any(holds_tone(path) for path in (folder / "job").iterdir() if path.stat().st_size > 1000)


def holds_tone(path: Path) -> bool:
    rate = 8000
    samples = sounds.samples(path, rate=rate, channels=1)[: 2 * rate]
    loudness = sum(sample * sample for sample in samples)
    turn = 2 * math.pi * NEIGHBOURS_HERTZ / rate
    across = sum(sample * math.cos(turn * n) for n, sample in enumerate(samples))
    along = sum(sample * math.sin(turn * n) for n, sample in enumerate(samples))
    return loudness > 0 and (across**2 + along**2) / (loudness * len(samples)) > 0.1


TRAPS = [case for case in lists.CASES if "network" not in case.name]
# Those which a careless ffmpeg does walk into.
REAL = ("hls, absolute", "dash by another name", "dash, relative", "ffconcat, relative")
ANY = Facts("", "PCM", 44100, 2)


@pytest.fixture
def without_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    """What converts may open whatever it likes."""
    monkeypatch.setattr(opening, "_opened", lambda source, _: ["-i", f"file:{source}"])


@pytest.fixture
def without_landlock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sandbox keeps no file shut to readers."""
    order = sandbox._order

    def opened(*arguments: Any) -> Iterator[str]:
        yield from (*order(*arguments), "--read", "/")

    monkeypatch.setattr(sandbox, "_order", opened)


def walk_into(traps: Sequence[Case], folder: Path) -> list[str]:
    """The names of the traps from which the neighbour's tone came."""
    caught = []
    for case in traps:
        song = case.written_to(folder)
        try:
            encode(song, ANY)
        except AppError:
            pass
        else:
            caught += [case.name] if hears_neighbour(folder) else []
        song.unlink()
    return caught


def some(traps: Sequence[Case]) -> list[Any]:
    """Those that are real in the quick run, all in the long one."""
    real = [case for case in traps if case.name in REAL]
    return [real, pytest.param(traps, marks=pytest.mark.slow)]


def test_sec_M3_the_traps_are_real(folder: Path, without_lists: None, without_landlock: None) -> None:
    """With neither of the two defences a neighbour's sound does come out: what follows is no idle talk."""
    assert walk_into([hostile.named(name) for name in REAL], folder) == list(REAL)


@pytest.mark.parametrize("traps", some(TRAPS), ids=["real", "all"])
def test_sec_M3_the_sandbox_alone_keeps_a_neighbour_shut(
    traps: Sequence[Case], folder: Path, without_lists: None
) -> None:
    """Fails without Landlock (`launcher.restrict_files`)."""
    if sandbox.landlock_abi():
        assert walk_into(traps, folder) == []


@pytest.mark.parametrize("traps", some(TRAPS), ids=["real", "all"])
def test_sec_M3_the_lists_alone_keep_a_neighbour_shut(
    traps: Sequence[Case], folder: Path, without_landlock: None
) -> None:
    """Fails without -format_whitelist (`opening.filtered`)."""
    assert walk_into(traps, folder) == []


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Somebody on this machine whom a file may name."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        yield server


FAR = [case for case in lists.CASES if "network" in case.name]


@pytest.mark.enable_socket
@pytest.mark.parametrize("defence", ["both", "the lists", "the sandbox"])
def test_sec_M2_nobody_on_the_network_is_called(
    defence: str, folder: Path, listener: socket.socket, request: pytest.FixtureRequest
) -> None:
    if defence == "the sandbox":
        request.getfixturevalue("without_lists")
    if defence == "the lists":
        request.getfixturevalue("without_landlock")
    for case in FAR:
        song = case.written_to(folder)
        song.write_bytes(song.read_bytes().replace(b"@PORT@", b"%d" % listener.getsockname()[1]))
        with pytest.raises(AppError):
            encode(song, ANY)
        with pytest.raises(AppError):
            probe.look(song)

    with pytest.raises(TimeoutError):
        listener.accept()


def test_sec_M8_every_run_is_told_what_it_may_open(folder: Path, used: Used) -> None:
    song = hostile.named("mp3 with two tags").written_to(folder)

    assert outcome(song)[0] is End.READY

    look, *runs = used.commands
    assert f'"formats": "{",".join(opening.FORMATS)}"' in look[-1]
    assert f'"codecs": "{",".join(opening.CODECS)}"' in look[-1]
    assert len(runs) == 2
    for words in runs:
        opened = words[: words.index("-i")]
        assert "-nostdin" in opened
        for name, value in (
            ("-protocol_whitelist", "file"),
            ("-format_whitelist", ",".join(opening.FORMATS)),
            ("-codec_whitelist", ",".join(opening.CODECS)),
            ("-max_streams", "64"),
        ):
            assert opened[opened.index(name) + 1] == value
        assert words[words.index("-i") + 1] == f"file:{song}"
        assert words[-1] in ("pipe:1", f"file:{folder / 'job' / 'made.wav'}")

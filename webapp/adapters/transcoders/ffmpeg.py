"""Convert on this machine, with an ffmpeg that is locked in."""

import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from webapp.adapters.transcoders import command, flaws, levelling, measure, opening, sandbox, trimming, verdicts
from webapp.adapters.transcoders.binary import bundled
from webapp.adapters.transcoders.lame import Tag
from webapp.adapters.transcoders.outline import Outline
from webapp.adapters.transcoders.progress import Progress
from webapp.adapters.transcoders.sandbox import Box, Ended, Limits
from webapp.adapters.transcoders.treatment import NONE, Treatment
from webapp.errors import EncodeFailed
from webapp.news import Output
from webapp.ports import Facts, JobSpec, Measured, Peaks
from webapp.presets import PRESETS, Preset

T = TypeVar("T")

GIB = 1 << 30
# For the seconds without progress in which ffmpeg reads what it does not need, or writes an MP4 anew.
SLOWEST_DISK = 50_000_000
# A file that says nothing of its length is at most so long: hardly a codec needs less than this a second.
FEWEST_BYTES_PER_SECOND = 500
# Twice as fast as it is played: the slowest of our encoders does fifty times that on a slow machine.
SLOWEST_SPEED = 2
OUTLINE_RATE = 8000
# Nobody waits for what is only measured: it lets everything else go first, and may take the longer.
MOST_NICE, PATIENCE = 19, 20
AIFF_MOST = (1 << 32) - 1


class FFmpegTranscoder:
    """Leaves the job to our own workers, who find all there is to know in the database."""

    makes: Collection[str] = tuple(PRESETS)
    is_ours = True

    def __init__(self, enqueue: Callable[[JobSpec], object]) -> None:
        self.enqueue = enqueue

    def submit(self, spec: JobSpec) -> None:
        self.enqueue(spec)  # raises TranscoderUnavailable by itself: tasks.py knows what a broker throws

    def cancel(self, external_id: str | None) -> None:
        """Nothing: a worker sees in the database that its job is canceled."""

    def look(self, external_id: str) -> None:
        """Nothing: our workers bring their news by themselves."""


@dataclass
class _Work:
    """One rendition while it is made."""

    source: Path
    target: Path
    preset: Preset
    facts: Facts
    on_progress: Callable[[float], None]
    stop: threading.Event
    treatment: Treatment = NONE
    read: tuple[float, str] | None = None
    """How much could be read of it, and what ffmpeg said last, if that was found out before."""
    seconds: float | None = None
    """How long the result will be, as far as one can tell."""

    def __post_init__(self) -> None:
        self.seconds = self.facts.seconds


@dataclass(frozen=True)
class FFmpegEncoder:
    """Fulfils `ports.Encoder`. The limits hold for each file that is made."""

    binary: Path = field(default_factory=bundled)
    idle_seconds: float = 30.0
    wall_seconds: float | None = None
    """None: as long as the file's own length makes reasonable."""
    max_output_bytes: int = 8 * GIB
    memory: int = GIB

    def encode(
        self, source: Path, target: Path, preset: Preset, facts: Facts,
        *, on_progress: Callable[[float], None], stop: threading.Event,
    ) -> Output:  # fmt: skip
        return _evenly(facts, lambda facts: self._encode(_Work(source, target, preset, facts, on_progress, stop)))

    def _encode(self, work: "_Work") -> Output:
        source, preset, facts = work.source, work.preset, work.facts
        if preset.trims:
            self._find_ends(work)
        if preset.loudness is None:
            seconds, last_words = self._make(work)
        else:
            seconds, last_words = self._make_as_loud(work, preset.loudness)
        if preset.codec == "mp3":
            self._end_exactly(work)
        form, size = command.shape(preset, facts), work.target.stat().st_size
        # What is cut off on purpose is not missing: what counts is how much was read.
        read, said = work.read or (seconds, last_words)
        flaw = flaws.find(source, facts, read, said)
        return Output(
            size, seconds, form.sample_rate, form.channels, round(size * 8 / seconds), flaw,
            is_evened=isinstance(facts, opening.Evened), begins_at=(work.treatment.begin or 0) / form.sample_rate,
        )  # fmt: skip

    def _find_ends(self, work: "_Work") -> None:
        """Hear where the sound begins and ends."""
        edges = trimming.Edges(command.shape(work.preset, work.facts).sample_rate)
        arguments = trimming.look(work.source, work.preset, work.facts)
        ended = self._hear(arguments, work.source, work.facts, edges.read, work.stop)
        verdicts.check_length(edges.seconds, work.facts)
        work.treatment, work.read = edges.treatment, (edges.seconds, ended.last_words)
        work.seconds = edges.kept_seconds

    def _make_as_loud(self, work: "_Work", target: float) -> tuple[float, str]:
        """Make it, and make it anew until it is as loud as it should be, with no peak too high."""
        arguments = levelling.listen(work.source, work.preset, work.facts, work.treatment)
        heard = self._listen(arguments, work.source, work)
        level = levelling.Level(target, heard, is_lossy=not work.preset.lossless)
        if not level.is_needed:
            return self._make(work)
        for tries in range(levelling.MOST_TRIES + 1):
            work.treatment = replace(work.treatment, gain=level.gain, ceiling=level.ceiling)
            made = self._make(work)
            arguments = levelling.listen_to_result(work.target, work.preset, work.facts)
            if level.is_reached(self._listen(arguments, work.target, work), is_last=tries >= levelling.MOST_TRIES - 1):
                break
        return made

    def _listen(self, arguments: list[str], path: Path, work: "_Work") -> Measured:
        ear = levelling.Ear()
        self._hear(arguments, path, work.facts, ear.read, work.stop)
        return ear.finish()

    def _make(self, work: "_Work") -> tuple[float, str]:
        """Encode it as it is to be treated. Returns how long it is, and what ffmpeg said last."""
        progress, folder = Progress(work.seconds, work.on_progress), work.target.parent
        ended = sandbox.run(
            [str(self.binary), *command.encode(work.source, work.target, work.preset, work.facts, work.treatment)],
            Box(readable=(work.source,), writable=(folder,), folder=folder),
            self._limits(work.source, work.facts, work.preset),
            on_output=progress.read,
            stop=work.stop,
        )
        verdicts.check(ended, folder, (work.source, work.target))
        verdicts.check_length(progress.seconds, work.facts, is_whole=work.read is None)
        return progress.seconds, ended.last_words

    def _end_exactly(self, work: "_Work") -> None:
        """Where the MP3 may not say to the sample where it ends, count, and have it say so."""
        tag = Tag.read(work.target)
        if tag is None or not tag.is_unsure:
            return
        progress = Progress(None, lambda _: None)
        arguments = command.count(work.source, work.preset, work.facts, work.treatment)
        self._hear(arguments, work.source, work.facts, progress.read, work.stop)
        tag.write(work.target, round(progress.seconds * command.shape(work.preset, work.facts).sample_rate))

    def peaks(self, source: Path, facts: Facts, *, stop: threading.Event) -> Peaks:
        outline = _evenly(facts, lambda facts: self._draw(source, facts, stop))
        peaks = outline.finish(OUTLINE_RATE)
        if not peaks.seconds:
            raise EncodeFailed(verdicts.NO_SOUND)
        return peaks

    def _draw(self, source: Path, facts: Facts, stop: threading.Event) -> Outline:
        outline = Outline()

        def draw(piece: bytes) -> bool:
            outline.add(piece)
            return True

        self._hear(command.decode(source, facts, OUTLINE_RATE), source, facts, draw, stop)
        return outline

    def measure(
        self, source: Path, folder: Path, facts: Facts, *, with_picture: bool, stop: threading.Event
    ) -> Measured:
        picture = folder / "spectrum.png" if with_picture else None
        return _evenly(facts, lambda facts: self._measure(source, folder, facts, picture, stop))

    def _measure(
        self, source: Path, folder: Path, facts: Facts, picture: Path | None, stop: threading.Event
    ) -> Measured:
        meter = measure.Meter()
        ended = sandbox.run(
            [str(self.binary), *measure.command(source, facts, picture)],
            Box(readable=(source,), writable=(folder,), folder=folder),
            _patient(self._limits(source, facts), file_size=2 * measure.MOST_PICTURE_BYTES),
            on_output=meter.read,
            stop=stop,
        )
        verdicts.check(ended, folder, (source,))
        return meter.finish(picture)

    def _hear(
        self, arguments: list[str], path: Path, facts: Facts, on_output: Callable[[bytes], bool], stop: threading.Event
    ) -> Ended:
        """Let ffmpeg read the file and write none. Returns how that ended, if it ended well."""
        order = [str(self.binary), *arguments]
        box, limits = Box(readable=(path,)), self._limits(path, facts)
        ended = sandbox.run(order, box, limits, on_output=on_output, stop=stop)
        verdicts.check(ended, None, (path,))
        return ended

    def _limits(self, source: Path, facts: Facts, preset: Preset | None = None) -> Limits:
        size = source.stat().st_size
        length = min(opening.LONGEST_SECONDS, max(facts.seconds or 0, size / FEWEST_BYTES_PER_SECOND))
        return Limits(
            wall_seconds=self.wall_seconds or 60 + length / SLOWEST_SPEED,
            idle_seconds=self.idle_seconds + (size + _rewritten(preset, facts)) / SLOWEST_DISK,
            file_size=self._most_bytes(preset) if preset else 0,
            memory=self.memory,
        )

    def _most_bytes(self, preset: Preset) -> int:
        return min(self.max_output_bytes, AIFF_MOST) if preset.container == "aiff" else self.max_output_bytes


def _evenly(facts: Facts, deed: Callable[[Facts], T]) -> T:
    """Do it; and should the sound change its form on the way, do it anew with the sound brought into one form first."""
    try:
        return deed(facts)
    except verdicts.FormChanged:
        return deed(opening.Evened.of(facts))


def _rewritten(preset: Preset | None, facts: Facts) -> float:
    """How many bytes ffmpeg moves at the very end, to get the index of an MP4 in front of them."""
    if preset is None or preset.container != "mp4":
        return 0
    bits = preset.bit_rate or 32 * facts.sample_rate * facts.channels
    return (facts.seconds or 0) * bits / 8


def _patient(limits: Limits, *, file_size: int) -> Limits:
    wall, idle = PATIENCE * limits.wall_seconds, PATIENCE * limits.idle_seconds
    return replace(limits, wall_seconds=wall, idle_seconds=idle, file_size=file_size, niceness=MOST_NICE)

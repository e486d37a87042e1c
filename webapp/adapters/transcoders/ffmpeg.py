"""Convert on this machine, with an ffmpeg that is locked in."""

import errno
import logging
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from pathlib import Path

import imageio_ffmpeg

from webapp.adapters.transcoders import command, flaws, measure, sandbox
from webapp.adapters.transcoders.lame import Tag
from webapp.adapters.transcoders.outline import Outline
from webapp.adapters.transcoders.progress import Progress
from webapp.adapters.transcoders.sandbox import Box, Ended, Ending, Limits
from webapp.errors import ConfigError, EncodeFailed, Stopped, StorageFull
from webapp.news import Output
from webapp.ports import Facts, JobSpec, Measured, Peaks
from webapp.presets import PRESETS, Preset
from webapp.words import N_

log = logging.getLogger(__name__)

GIB = 1 << 30
# For the seconds without progress in which ffmpeg reads what it does not need, or writes an MP4 anew.
SLOWEST_DISK = 50_000_000
# A file that says nothing of its length is at most so long: hardly a codec needs less than this a second.
FEWEST_BYTES_PER_SECOND = 500
# Twice as fast as it is played: the slowest of our encoders does fifty times that on a slow machine.
SLOWEST_SPEED = 2
OUTLINE_RATE = 8000
AIFF_MOST = (1 << 32) - 1
NO_ROOM = {256 - errno.ENOSPC, 256 - errno.EDQUOT}
NO_MEMORY = 256 - errno.ENOMEM
NEXT_TO_NOTHING = 1 << 20
SAFE_VERSIONS = {5: (5, 1, 10), 6: (6, 1, 6), 7: (7, 1, 5), 8: (8, 1, 2)}
_MINUTE = 60
NO_SOUND = N_("There is no sound in this file.")

REASONS = {
    Ending.IDLE: N_("The conversion stood still and was ended. The file is probably damaged."),
    Ending.TOO_LONG: N_("This file takes too long to convert."),
    Ending.TOO_LARGE: N_("The result would be too large."),
    Ending.CRASHED: N_("The converter broke down on this file. The file is probably damaged."),
    Ending.EXITED: N_("The sound could not be converted. The file is probably damaged."),
}


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


def bundled() -> Path:
    """The ffmpeg that came with our requirements."""
    return Path(imageio_ffmpeg.get_ffmpeg_exe())


def checked_version(binary: Path) -> str:
    """The version that the program gives itself.

    Raises ConfigError for one with a hole that a sound file can use (CVE-2026-8461), and for none at all.
    """
    try:
        said = subprocess.run([binary, "-version"], capture_output=True, timeout=10, check=True, text=True).stdout
    except (OSError, subprocess.SubprocessError) as exc:
        raise ConfigError(f"ffmpeg at {binary} does not run: {exc}") from exc
    version = said.removeprefix("ffmpeg version ").split(" ", 1)[0]
    numbers = re.match(r"n?(\d+)\.(\d+)(?:\.(\d+))?", version)
    if not numbers:
        log.warning("ffmpeg %s: not a release, so we cannot tell whether it is new enough", version)
        return version
    release = tuple(int(number or 0) for number in numbers.groups())
    if release[0] <= max(SAFE_VERSIONS) and release < SAFE_VERSIONS.get(release[0], (max(SAFE_VERSIONS) + 1,)):
        raise ConfigError(f"ffmpeg {version} has a known hole; use 8.1.2, 7.1.5, 6.1.6, 5.1.10 or newer")
    return version


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
        progress = Progress(facts.seconds, on_progress)
        ended = sandbox.run(
            [str(self.binary), *command.encode(source, target, preset, facts)],
            Box(readable=(source,), writable=(target.parent,), folder=target.parent),
            self._limits(source, facts, preset),
            on_output=progress.read,
            stop=stop,
        )
        _check(ended, target.parent, (source, target))
        _check_length(progress.seconds, facts)
        if preset.codec == "mp3":
            self._end_exactly(source, target, preset, facts, stop)
        size = target.stat().st_size
        form = command.shape(preset, facts)
        bit_rate = round(size * 8 / progress.seconds)
        flaw = flaws.find(source, facts, progress.seconds, ended.last_words)
        return Output(size, progress.seconds, form.sample_rate, form.channels, bit_rate, flaw)

    def _end_exactly(self, source: Path, target: Path, preset: Preset, facts: Facts, stop: threading.Event) -> None:
        """Where the MP3 may not say to the sample where it ends, count, and have it say so."""
        tag = Tag.read(target)
        if tag is None or not tag.is_unsure:
            return
        progress = Progress(None, lambda _: None)
        ended = sandbox.run(
            [str(self.binary), *command.count(source, preset, facts)],
            Box(readable=(source,)),
            self._limits(source, facts),
            on_output=progress.read,
            stop=stop,
        )
        _check(ended, None, (source,))
        tag.write(target, round(progress.seconds * command.shape(preset, facts).sample_rate))

    def peaks(self, source: Path, facts: Facts, *, stop: threading.Event) -> Peaks:
        outline = Outline()

        def draw(piece: bytes) -> bool:
            outline.add(piece)
            return True

        ended = sandbox.run(
            [str(self.binary), *command.decode(source, facts, OUTLINE_RATE)],
            Box(readable=(source,)),
            self._limits(source, facts),
            on_output=draw,
            stop=stop,
        )
        _check(ended, None, (source,))
        peaks = outline.finish(OUTLINE_RATE)
        if not peaks.seconds:
            raise EncodeFailed(NO_SOUND)
        return peaks

    def measure(
        self, source: Path, folder: Path, facts: Facts, *, with_picture: bool, stop: threading.Event
    ) -> Measured:
        meter, picture = measure.Meter(), folder / "spectrum.png" if with_picture else None
        ended = sandbox.run(
            [str(self.binary), *measure.command(source, facts, picture)],
            Box(readable=(source,), writable=(folder,), folder=folder),
            replace(self._limits(source, facts), file_size=2 * measure.MOST_PICTURE_BYTES),
            on_output=meter.read,
            stop=stop,
        )
        _check(ended, folder, (source,))
        return meter.finish(picture)

    def _limits(self, source: Path, facts: Facts, preset: Preset | None = None) -> Limits:
        size = source.stat().st_size
        length = min(command.LONGEST_SECONDS, max(facts.seconds or 0, size / FEWEST_BYTES_PER_SECOND))
        return Limits(
            wall_seconds=self.wall_seconds or 60 + length / SLOWEST_SPEED,
            idle_seconds=self.idle_seconds + (size + _rewritten(preset, facts)) / SLOWEST_DISK,
            file_size=self._most_bytes(preset) if preset else 0,
            memory=self.memory,
        )

    def _most_bytes(self, preset: Preset) -> int:
        return min(self.max_output_bytes, AIFF_MOST) if preset.container == "aiff" else self.max_output_bytes


def _rewritten(preset: Preset | None, facts: Facts) -> float:
    """How many bytes ffmpeg moves at the very end, to get the index of an MP4 in front of them."""
    if preset is None or preset.container != "mp4":
        return 0
    bits = preset.bit_rate or 32 * facts.sample_rate * facts.channels
    return (facts.seconds or 0) * bits / 8


def _check(ended: Ended, folder: Path | None, paths: tuple[Path, ...]) -> None:
    """Return if all went well. Raises what the ending means for the user."""
    if ended.ending is Ending.EXITED and ended.code == 0:
        return
    if ended.ending is Ending.STOPPED:
        raise Stopped
    if folder and (ended.code in NO_ROOM or shutil.disk_usage(folder).free < NEXT_TO_NOTHING):
        raise StorageFull
    if ended.code == NO_MEMORY:
        raise EncodeFailed(N_("This file takes too much memory to convert."), detail=_detail(ended, paths))
    raise EncodeFailed(REASONS[ended.ending], detail=_detail(ended, paths))


def _detail(ended: Ended, paths: tuple[Path, ...]) -> str:
    """The last lines that ffmpeg wrote, for whoever runs this, without our paths in them."""
    words = ended.last_words
    for path in paths:
        words = words.replace(f"file:{path}", "the file").replace(str(path), "the file")
    return "\n".join(re.sub(r"(?<=@ )0x[0-9a-f]+", "…", words).splitlines()[-3:])[-1000:]


def _check_length(seconds: float, facts: Facts) -> None:
    """Return if the sound is whole: to ffmpeg all is well with a file without sound, or with half of it, too."""
    if not seconds:
        raise EncodeFailed(NO_SOUND)
    if seconds > command.LONGEST_SECONDS:
        raise EncodeFailed(N_("This sound is longer than 24 hours, which is more than we convert."))
    expected = facts.seconds or 0
    if seconds < expected - max(0.5, expected * 0.02):
        raise EncodeFailed(
            N_("The file is damaged or cut short: only {part} could be read."), part=_part(seconds, expected)
        )


def _part(seconds: float, whole: float) -> str:
    """How much of how much, as finely as it takes to see the difference."""
    if whole < _MINUTE:
        return f"{seconds:.1f} of {whole:.1f} seconds"
    return f"{_clock(seconds)} of {_clock(whole)}"


def _clock(seconds: float) -> str:
    """Minutes and seconds, and hours if there are any."""
    minutes, rest = divmod(int(seconds), _MINUTE)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"

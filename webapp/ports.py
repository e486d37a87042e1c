"""What we ask of the outside world, in our words. The docstrings here are the contract that each adapter fulfils."""

import threading
import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from webapp.news import Message, Output, Report
from webapp.presets import Preset


@dataclass(frozen=True)
class JobSpec:
    """What we ask of a transcoder: the original's key and what it is, and for each preset the key of its rendition."""

    job_id: uuid.UUID
    source: str
    outputs: Mapping[str, str]
    facts: "Facts"


@dataclass(frozen=True)
class Facts:
    """What a look at a file has found out about its first sound track."""

    container: str
    codec: str
    sample_rate: int
    channels: int
    bit_depth: int | None = None
    """Bits per sample of a lossless codec, else None."""
    bit_rate: int | None = None
    seconds: float | None = None
    """None if the file does not say. What it says may be wrong."""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Peaks:
    """The outline of a sound."""

    bars: bytes
    """Loudest sample of each of equally long stretches, 0 to 100."""
    seconds: float
    """How long the sound is when it is really decoded."""


@dataclass(frozen=True)
class Measured:
    """How loud a sound is, by EBU R128; None where there is nothing to be heard."""

    loudness: float | None
    """Integrated, in LUFS."""
    range: float | None
    """In LU."""
    peak: float | None
    """True peak, in dBTP."""
    picture: bytes | None = None
    """Its spectrum, as a PNG, if that was asked for and could be drawn."""

    @property
    def numbers(self) -> dict[str, float]:
        """Those that there are, to a tenth, by their names."""
        named = {"loudness": self.loudness, "range": self.range, "peak": self.peak}
        return {name: round(number, 1) for name, number in named.items() if number is not None}


class Transcoder(Protocol):
    """What makes renditions. Its news come to `jobs.record`."""

    makes: Collection[str]
    """The names of the presets that it can make."""
    is_ours: bool
    """Whether our own workers do the work."""

    def submit(self, spec: JobSpec) -> str | None:
        """Start the job and return the transcoder's own id for it, if it has one.

        Raises TranscoderUnavailable if the job was not accepted now, and TranscoderRefused if it never will be.
        """

    def cancel(self, external_id: str | None) -> None:
        """Ask it to stop a job that is canceled with us. Doing it twice, or too late, is no error."""

    def look(self, external_id: str) -> Report | None:
        """What it says of a job, if it is asked; None if it knows of none. Raises TranscoderUnavailable."""


class Topics(Protocol):
    """The topics of Amazon SNS that we listen to."""

    def verify(self, body: bytes, headers: Mapping[str, str]) -> Message:
        """The message, if it is one of Amazon's to us: its signature, certificate, topic and age are right.

        Raises BadRequest for what is no message, Forbidden for one that is not to be believed, and Unavailable if that
        cannot be told now.
        """

    def confirm(self, message: Message) -> None:
        """Confirm the subscription that the message asks about. Raises Unavailable."""


# By then a letter is given away, or will not be by this try.
LONGEST_LETTER_SECONDS = 240.0


class Letters(Protocol):
    """How letters leave the house."""

    are_sent: bool
    """Whether they do; without, nothing is offered that needs one."""

    def send(self, recipient: str, subject: str, text: str) -> None:
        """Give one letter away, within LONGEST_LETTER_SECONDS or not at all.

        Raises LettersUnavailable if it may go later, LetterRefused if it never will.
        """


class Probe(Protocol):
    """Looks into a file without trusting it."""

    def look(self, path: Path) -> Facts:
        """What the file is. Raises NotAudio, with a reason for the user, if it is not audio that we read.

        Raises Unavailable if the machine had no time for the look.
        """


class Encoder(Protocol):
    """Makes one rendition of one file on this machine, without trusting the file."""

    def encode(
        self, source: Path, target: Path, preset: Preset, facts: Facts,
        *, on_progress: Callable[[float], None], stop: threading.Event,
    ) -> Output:  # fmt: skip
        """Write the rendition to target, telling the percentage now and then, and return what it turned out to be.

        Raises EncodeFailed with a reason for the user, StorageFull, or Stopped soon after `stop` is set. The target may
        be left behind half-written then, but no process.
        """

    def peaks(self, source: Path, facts: Facts, *, stop: threading.Event) -> Peaks:
        """The outline of the whole sound. Raises like `encode`."""

    def measure(
        self, source: Path, folder: Path, facts: Facts, *, with_picture: bool, stop: threading.Event
    ) -> Measured:
        """How loud the whole sound is. The folder is for what is needed on the way. Raises like `encode`."""


class Workers(Protocol):
    """Those who work off what the database says."""

    def wake(self, count: int) -> None:
        """Say that so many pieces of work wait. Raises TranscoderUnavailable: then a sweep says it again."""

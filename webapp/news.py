"""News of jobs, in our words, whoever brings them."""

import enum
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field


class JobStatus(enum.StrEnum):
    """MediaConvert's words in lower case; `created` and `partial` are ours."""

    CREATED = "created"
    SUBMITTED = "submitted"
    PROGRESSING = "progressing"
    COMPLETE = "complete"
    PARTIAL = "partial"
    ERROR = "error"
    CANCELED = "canceled"

    @property
    def earlier(self) -> tuple["JobStatus", ...]:
        """The statuses from which one may come here: news never leads back, and nothing leaves a final one."""
        if self is JobStatus.CREATED:
            return ()
        if self is JobStatus.SUBMITTED:
            return (JobStatus.CREATED,)
        if self is JobStatus.PROGRESSING:
            return (JobStatus.CREATED, JobStatus.SUBMITTED)
        return BUSY

    @property
    def is_final(self) -> bool:
        """Whether nothing can change it any more."""
        return self not in BUSY


WAITING = (JobStatus.CREATED, JobStatus.SUBMITTED)
BUSY = (*WAITING, JobStatus.PROGRESSING)


class Flaw(enum.StrEnum):
    """What is the matter with a rendition that is ready all the same."""

    INCOMPLETE = "incomplete"


# Less than any version: it has no tags of ours, and waits for none. Whether they are tried again, its Tagging says.
UNTAGGED = -1


@dataclass(frozen=True)
class Output:
    """What a finished rendition turned out to be."""

    size: int
    """Bytes."""
    seconds: float
    sample_rate: int | None = None
    channels: int | None = None
    bit_rate: int | None = None
    flaw: Flaw | None = None
    tags_version: int | None = None
    """Which tags it has; UNTAGGED: none; None: it was made outside, where nobody writes any."""
    is_evened: bool = False
    """Whether the original changes its form on the way, and had to be brought into one first."""
    begins_at: float = 0.0
    """How many seconds of the original lie before its first sample: what was trimmed."""


@dataclass(frozen=True)
class JobEvent:
    """News of a whole job, or of one rendition in it if a preset is named.

    News from our own worker carries the token of its try: a worker that was taken for dead is not believed any more.
    """

    job_id: uuid.UUID
    status: JobStatus
    preset: str = ""
    percent: float | None = None
    output: Output | None = None
    error: str = ""
    detail: str = ""
    token: str = ""


@dataclass(frozen=True)
class Result:
    """What a transcoder outside says of one object that it was to make."""

    status: JobStatus
    seconds: float | None = None
    error: str = ""


@dataclass(frozen=True)
class Report:
    """What a transcoder outside says of a job, in our words."""

    external_id: str
    status: JobStatus
    account: str = ""
    """The account of AWS in which it ran."""
    job_id: uuid.UUID | None = None
    """Our own number of the job, if it carries one."""
    source: str = ""
    """The original's key, of a job that was not started by us."""
    stage: str = ""
    """What it is doing, in its own word and lower case: probing, transcoding, uploading."""
    results: Mapping[str, Result] = field(default_factory=dict)
    """By the key of the object, as far as they are told of one by one."""
    error: str = ""
    """Why it failed, for the user."""
    detail: str = ""


@dataclass(frozen=True)
class Message:
    """A message of a topic whose signature is right."""

    id: str
    kind: str
    """Notification, SubscriptionConfirmation or UnsubscribeConfirmation."""
    topic: str
    text: str
    token: str = ""
    """With which a subscription is confirmed."""

"""What a user owns, and its renditions: they hold each other."""

import uuid
from collections.abc import Collection
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, aliased, mapped_column, relationship, selectinload

from webapp.db import Base, created, key, pk, utcnow
from webapp.filenames import stem_of
from webapp.models.claimable import Claimable
from webapp.models.expiring import Expiring
from webapp.models.findable import Findable
from webapp.models.tagged import Dressed
from webapp.models.user import User
from webapp.news import BUSY, WAITING, Flaw, JobStatus
from webapp.ports import Facts
from webapp.presets import Preset, find, in_order

if TYPE_CHECKING:
    from webapp.models.job import TranscodeJob
    from webapp.models.measurement import Measurement
    from webapp.models.waveform import Waveform

# Before that nobody can know how long the rest will take.
FIRST_SECONDS = 5


class AudioFile(Findable, Expiring, Base):
    """The original, with what we found out about it."""

    __tablename__ = "audio_files"

    id: Mapped[key]
    created_at: Mapped[created]
    owner_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(sa.String(255), unique=True)
    size: Mapped[int]
    checksum: Mapped[str] = mapped_column(sa.String(64))
    """See services/checksum.py; empty if the storage cannot tell."""
    batch: Mapped[uuid.UUID]
    """What was sent together is told together."""
    once: Mapped[str | None] = mapped_column(sa.String(48))
    """The form's own number and the file's place in it: a double click makes one file."""
    version: Mapped[int] = mapped_column(default=0)
    """The owner's version at which this file last changed."""
    container: Mapped[str] = mapped_column(sa.String(32))
    codec: Mapped[str] = mapped_column(sa.String(32))
    sample_rate: Mapped[int]
    channels: Mapped[int]
    bit_depth: Mapped[int | None]
    bit_rate: Mapped[int | None]
    seconds: Mapped[float | None]

    owner: Mapped[User] = relationship()
    jobs: Mapped[list["TranscodeJob"]] = relationship(
        order_by="TranscodeJob.attempt", back_populates="audio_file", passive_deletes=True
    )
    renditions: Mapped[list["Rendition"]] = relationship(back_populates="audio_file", passive_deletes=True)
    waveform: Mapped["Waveform"] = relationship(back_populates="audio_file", passive_deletes=True)
    measurement: Mapped["Measurement | None"] = relationship(back_populates="audio_file", passive_deletes=True)

    __table_args__ = (
        sa.UniqueConstraint("owner_id", "once"),
        sa.Index("ix_audio_files_owner_id_created_at", "owner_id", "created_at"),
        sa.Index("ix_audio_files_batch", "batch"),
        sa.Index("ix_audio_files_owner_id_size", "owner_id", "size"),
    )

    @classmethod
    def of(cls, user: User) -> "sa.Select[AudioFile]":
        """The user's files, with what a row of the list shows."""
        return (
            sa.select(cls)
            .where(cls.owner_id == user.id)
            .options(selectinload(cls.jobs), selectinload(cls.renditions), selectinload(cls.waveform))
        )

    @classmethod
    def listed(cls, user: User, *, search: str = "", sort: str = "newest") -> "sa.Select[AudioFile]":
        """The user's files as the list shows them: those that have the words, in the order asked for."""
        return cls.of(user).where(*cls.having(search)).order_by(*_ORDERS.get(sort, _ORDERS["newest"]), cls.id)

    @classmethod
    def batch_sizes(cls, user: User, batches: Collection[uuid.UUID]) -> sa.Select[uuid.UUID, int, int]:
        """How many files the user has of each of these batches, and of how many something is being made."""
        mine = (cls.owner_id == user.id, cls.batch.in_(batches))
        unfinished = sa.exists().where(Rendition.audio_file_id == cls.id, Rendition.status.in_(BUSY))
        busy = sa.func.sum(sa.case((unfinished, 1), else_=0))
        return sa.select(cls.batch, sa.func.count(), busy).where(*mine).group_by(cls.batch)

    @property
    def stem(self) -> str:
        """The name without its ending, for the names of downloads."""
        return stem_of(self.name)

    @property
    def job(self) -> "TranscodeJob":
        """The newest attempt."""
        return self.jobs[-1]

    @property
    def status(self) -> JobStatus:
        """The newest attempt's."""
        return self.job.status

    @property
    def is_busy(self) -> bool:
        """Whether something is still being made."""
        return not self.status.is_final

    @property
    def is_waiting(self) -> bool:
        """Whether nothing of the newest attempt has been begun."""
        return self.status in WAITING

    @property
    def facts(self) -> Facts:
        """What was found out about the original."""
        return Facts(
            container=self.container,
            codec=self.codec,
            sample_rate=self.sample_rate,
            channels=self.channels,
            bit_depth=self.bit_depth,
            bit_rate=self.bit_rate,
            seconds=self.seconds,
            tags=self.tags,
        )

    @property
    def in_order(self) -> "list[Rendition]":
        """The renditions in the order of PRESETS."""
        order = in_order(rendition.preset_name for rendition in self.renditions)
        return sorted(self.renditions, key=lambda rendition: order.index(rendition.preset_name))

    @property
    def ready(self) -> "list[Rendition]":
        """Those that can be downloaded."""
        return [rendition for rendition in self.in_order if rendition.is_ready]

    @property
    def unready(self) -> "list[Rendition]":
        """Those that failed or were canceled, and can be retried once nothing is being made."""
        return [r for r in self.in_order if r.status in (JobStatus.ERROR, JobStatus.CANCELED)]

    @property
    def flaw(self) -> Flaw | None:
        """What is the matter with what is ready."""
        return next((rendition.flaw for rendition in self.ready if rendition.flaw), None)

    @property
    def progress(self) -> int | None:
        """Percent of the newest attempt, the mean over its renditions, while it runs on workers of ours; else None."""
        if self.status is not JobStatus.PROGRESSING or self.job.is_blind:
            return None
        mine = [rendition.percent for rendition in self.renditions if rendition.job_id == self.job.id]
        return int(sum(mine) / len(mine)) if mine else 0

    @property
    def seconds_left(self) -> float | None:
        """About how long the newest attempt still takes, by its average pace; None in its first seconds.

        A percent of AAC takes longer than one of WAV, so they count by their effort.
        """
        spent = (utcnow() - self.job.started_at).total_seconds() if self.job.started_at else 0.0
        mine = [(r.preset.effort, r.percent) for r in self.renditions if r.job_id == self.job.id]
        done = sum(effort * percent / 100 for effort, percent in mine)
        if self.status is not JobStatus.PROGRESSING or spent < FIRST_SECONDS or not done:
            return None
        return spent * (sum(effort for effort, _ in mine) - done) / done


_ORDERS: dict[str, tuple[Any, ...]] = {
    "newest": (AudioFile.created_at.desc(),),
    "oldest": (AudioFile.created_at,),
    "name": (AudioFile.folded,),
    "size": (AudioFile.size.desc(),),
    "length": (sa.func.coalesce(AudioFile.seconds, 0).desc(),),
}
SORTS = tuple(_ORDERS)


class Rendition(Claimable, Dressed, Base):
    """The audio file encoded with one preset. A retry makes the same rendition again, for a newer job."""

    __tablename__ = "renditions"

    id: Mapped[pk]
    audio_file_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("audio_files.id", ondelete="CASCADE"))
    job_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("transcode_jobs.id", ondelete="CASCADE"), index=True)
    preset_name: Mapped[str] = mapped_column(sa.String(64))
    key: Mapped[str] = mapped_column(sa.String(255), unique=True)
    percent: Mapped[float] = mapped_column(default=0.0)
    effort: Mapped[float] = mapped_column(default=0.0)
    """How long it will take, in no unit: the preset's effort times the length of the sound."""
    finished_at: Mapped[datetime | None]
    error: Mapped[str] = mapped_column(default="")
    detail: Mapped[str] = mapped_column(default="")
    size: Mapped[int | None]
    seconds: Mapped[float | None]
    sample_rate: Mapped[int | None]
    channels: Mapped[int | None]
    bit_rate: Mapped[int | None]
    flaw: Mapped[Flaw | None]
    is_evened: Mapped[bool] = mapped_column(default=False)
    begins_at: Mapped[float] = mapped_column(default=0.0)

    audio_file: Mapped[AudioFile] = relationship(back_populates="renditions")
    job: Mapped["TranscodeJob"] = relationship()

    __table_args__ = (sa.UniqueConstraint("audio_file_id", "preset_name"),)

    @classmethod
    @cache
    def next(cls) -> "sa.Select[int, int, uuid.UUID, int]":
        """The waiting rendition that comes next, its owner, file and turn: users take turns, short before long."""
        other, others_file = aliased(cls), aliased(AudioFile)
        running = (
            sa.select(sa.func.count())
            .select_from(other)
            .join(others_file, others_file.id == other.audio_file_id)
            .where(other.status == JobStatus.PROGRESSING, others_file.owner_id == AudioFile.owner_id)
            .correlate(AudioFile)
            .scalar_subquery()
        )
        return (
            sa.select(cls.id, AudioFile.owner_id, AudioFile.id.label("file_id"), User.turn)
            .join(cls.audio_file)
            .join(AudioFile.owner)
            .where(cls.status.in_(WAITING))
            .order_by(running, User.turn, cls.effort, cls.id)
            .limit(1)
        )

    @property
    def preset(self) -> Preset:
        """How it is encoded."""
        return find(self.preset_name)

    @property
    def is_ready(self) -> bool:
        """Whether it can be downloaded."""
        return self.status is JobStatus.COMPLETE

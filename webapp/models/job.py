"""The attempts to make renditions."""

import uuid
from datetime import datetime
from functools import cache

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, object_session, relationship

from webapp.db import SKEW, Base, created, key, utcnow
from webapp.models.audio import AudioFile, Rendition
from webapp.models.user import User
from webapp.news import BUSY, WAITING, JobStatus

# Nobody looks at more at once.
MOST_PLACES = 1000


class TranscodeJob(Base):
    """One attempt to make renditions of an audio file."""

    __tablename__ = "transcode_jobs"

    id: Mapped[key]
    created_at: Mapped[created]
    audio_file_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("audio_files.id", ondelete="CASCADE"))
    attempt: Mapped[int]
    status: Mapped[JobStatus] = mapped_column(default=JobStatus.CREATED, index=True)
    preset_names: Mapped[list[str]] = mapped_column(sa.JSON)
    external_id: Mapped[str | None] = mapped_column(sa.String(255), index=True)
    """The number that a transcoder outside gave it; None: it is for our own workers."""
    stage: Mapped[str | None] = mapped_column(sa.String(20))
    """What the transcoder outside is doing, see `news.Report`."""
    heard_at: Mapped[datetime | None]
    """When the transcoder outside was last asked, or brought news by itself."""
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None] = mapped_column(index=True)
    error: Mapped[str] = mapped_column(default="")
    """Why, in the user's words, when something of it failed."""

    audio_file: Mapped[AudioFile] = relationship(back_populates="jobs")

    __table_args__ = (sa.UniqueConstraint("audio_file_id", "attempt"),)

    @property
    def took(self) -> float | None:
        """Seconds from the first rendition's beginning to the last one's end."""
        return (self.finished_at - self.started_at).total_seconds() if self.finished_at and self.started_at else None

    @property
    def is_blind(self) -> bool:
        """Whether it runs outside, where no percentage is told."""
        return self.external_id is not None and self.status is JobStatus.PROGRESSING

    @property
    def elapsed(self) -> float | None:
        """Seconds since it was begun, while it runs where no percentage is told; else None."""
        return (utcnow() - self.started_at).total_seconds() if self.is_blind and self.started_at else None

    def move_to(self, status: JobStatus) -> bool:
        """Move the job forward and return True; return False if it is there or past it.

        One UPDATE decides, so when news comes twice or two workers race, exactly one caller is told True, and only that
        one may act on it.
        """
        session = object_session(self)
        assert session is not None  # noqa: S101 - a job that is not in the database has no status to move
        times = {"started_at": utcnow()} if status is JobStatus.PROGRESSING else {}
        if status.is_final:
            times = {"finished_at": utcnow()}
        moved = session.scalar(
            sa.update(TranscodeJob)
            .where(TranscodeJob.id == self.id, TranscodeJob.status.in_(status.earlier))
            .values(status=status, **times)
            .returning(TranscodeJob.id)
            .execution_options(synchronize_session=False)
        )
        session.refresh(self)
        return moved is not None

    @classmethod
    @cache
    def ahead(cls) -> "sa.Select[uuid.UUID, int]":
        """The files of the `owner_id` that wait, each with how many files, whoever's, will be begun before it.

        `Rendition.next` repeated until nothing waits: the users take one rendition each, round after round. Who has
        more under way comes in later, but then goes before those who have had a turn in the meantime.
        """
        claims = _claims().subquery()
        turn = sa.func.row_number().over(
            order_by=(claims.c.round, claims.c.running.desc(), claims.c.turn, claims.c.shortest, claims.c.owner_id)
        )
        order = sa.select(claims.c.file_id, claims.c.owner_id, claims.c.status, turn.label("turn")).subquery()
        # What has been begun takes turns, too, but is not ahead of anybody.
        begun_at = sa.func.min(order.c.turn)
        ahead = sa.func.row_number().over(order_by=begun_at) - 1
        files = (
            sa.select(order.c.file_id, order.c.owner_id, ahead.label("ahead"))
            .where(order.c.status.in_(WAITING))
            .group_by(order.c.file_id, order.c.owner_id)
            .subquery()
        )
        return (
            sa.select(files.c.file_id, files.c.ahead)
            .where(files.c.owner_id == sa.bindparam("owner_id"))
            .order_by(files.c.ahead)
            .limit(MOST_PLACES)
        )

    @classmethod
    def stuck(cls, before: datetime) -> "sa.Select[TranscodeJob]":
        """Jobs that nobody was asked to do, though they have been there since before the moment."""
        is_old = sa.or_(cls.created_at < before, cls.created_at > utcnow() + SKEW)
        return sa.select(cls).where(cls.status == JobStatus.CREATED, is_old).order_by(cls.created_at)

    @classmethod
    def unheard(cls, before: datetime, *, after: datetime | None = None) -> "sa.Select[TranscodeJob]":
        """Unfinished jobs outside of which nothing was heard since the moment, the longest silent first.

        What was heard later than `after` was heard by a clock that was set back since.
        """
        silent = sa.or_(cls.heard_at.is_(None), cls.heard_at < before, *([cls.heard_at > after] if after else ()))
        return (
            sa.select(cls)
            .where(cls.status.in_(BUSY), cls.external_id.is_not(None), silent)
            .order_by(sa.func.coalesce(cls.heard_at, cls.created_at))
        )


def _claims() -> "sa.Select[uuid.UUID, int, JobStatus, int, int, float, int]":
    """Each waiting rendition, and the round in which its owner's turn comes to it: the short ones first."""
    running = (
        sa.select(AudioFile.owner_id, sa.func.count().label("running"))
        .join(AudioFile.renditions)
        .where(Rendition.status == JobStatus.PROGRESSING)
        .group_by(AudioFile.owner_id)
        .subquery()
    )
    under_way = sa.func.coalesce(running.c.running, 0)
    mine = sa.func.row_number().over(partition_by=AudioFile.owner_id, order_by=(Rendition.effort, Rendition.id))
    return (
        sa.select(
            AudioFile.id.label("file_id"),
            AudioFile.owner_id,
            TranscodeJob.status,
            User.turn,
            under_way.label("running"),
            sa.func.min(Rendition.effort).over(partition_by=AudioFile.owner_id).label("shortest"),
            (under_way + mine).label("round"),
        )
        .join(Rendition.audio_file)
        .join(Rendition.job)
        .join(AudioFile.owner)
        .outerjoin(running, running.c.owner_id == AudioFile.owner_id)
        .where(Rendition.status.in_(WAITING))
    )

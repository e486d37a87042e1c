"""The attempts to make renditions."""

import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, object_session, relationship

from webapp.db import Base, created, key, utcnow
from webapp.models.audio import AudioFile
from webapp.ports import JobStatus


class TranscodeJob(Base):
    """One attempt to make renditions of an audio file."""

    __tablename__ = "transcode_jobs"

    id: Mapped[key]
    created_at: Mapped[created]
    audio_file_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("audio_files.id", ondelete="CASCADE"))
    attempt: Mapped[int]
    status: Mapped[JobStatus] = mapped_column(default=JobStatus.CREATED, index=True)
    preset_names: Mapped[list[str]] = mapped_column(sa.JSON)
    external_id: Mapped[str | None] = mapped_column(sa.String(255))
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    error: Mapped[str] = mapped_column(default="")
    """Why, in the user's words, when something of it failed."""

    audio_file: Mapped[AudioFile] = relationship(back_populates="jobs")

    __table_args__ = (sa.UniqueConstraint("audio_file_id", "attempt"),)

    @property
    def took(self) -> float | None:
        """Seconds from the first rendition's beginning to the last one's end."""
        return (self.finished_at - self.started_at).total_seconds() if self.finished_at and self.started_at else None

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
    def stuck(cls, before: datetime) -> "sa.Select[TranscodeJob]":
        """Jobs that nobody was asked to do, though they have been there since before the moment."""
        return sa.select(cls).where(cls.status == JobStatus.CREATED, cls.created_at < before).order_by(cls.created_at)

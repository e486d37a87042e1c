"""News for one user about one audio file."""

import enum
import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from webapp.db import Base, created, pk
from webapp.models.audio import AudioFile
from webapp.models.job import TranscodeJob
from webapp.models.user import User
from webapp.news import Flaw


class Kind(enum.StrEnum):
    """What the news is."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    ERROR = "error"
    EXPIRING = "expiring"


class Notification(Base):
    """Unread: neither seen nor dismissed. Standing: not dismissed."""

    __tablename__ = "notifications"

    id: Mapped[pk]
    created_at: Mapped[created]
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"))
    audio_file_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("audio_files.id", ondelete="CASCADE"), index=True)
    job_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("transcode_jobs.id", ondelete="CASCADE"))
    kind: Mapped[Kind]
    batch: Mapped[uuid.UUID]
    """The file's: what was sent together is told together."""
    ready: Mapped[list[str]] = mapped_column(sa.JSON, default=list)
    """The names of the presets whose renditions were ready."""
    failed: Mapped[list[str]] = mapped_column(sa.JSON, default=list)
    """The names of the presets whose renditions had failed."""
    text: Mapped[str] = mapped_column(default="")
    """Why something failed; of what expires, until when it is kept (ISO 8601)."""
    flaw: Mapped[Flaw | None]
    """What is the matter with what is ready."""
    version: Mapped[int] = mapped_column(default=0)
    """The user's version at which it came: an open page knows by it whether it has told of it."""
    seen_at: Mapped[datetime | None]
    dismissed_at: Mapped[datetime | None]

    audio_file: Mapped[AudioFile] = relationship()
    job: Mapped[TranscodeJob] = relationship()

    __table_args__ = (
        sa.UniqueConstraint("job_id", "kind"),
        sa.Index("ix_notifications_standing", "user_id", "dismissed_at", "id"),
        sa.Index("ix_notifications_unread", "user_id", "dismissed_at", "seen_at", "id"),
        sa.Index("ix_notifications_user_id_id", "user_id", "id"),
    )

    @classmethod
    def of(cls, user: User) -> "sa.Select[Notification]":
        """All that the user was ever told, newest first."""
        return (
            sa.select(cls)
            .where(cls.user_id == user.id)
            .options(joinedload(cls.audio_file, innerjoin=True))
            .order_by(cls.id.desc())
        )

    @classmethod
    def standing_for(cls, user: User) -> "sa.Select[Notification]":
        """What the user has not dismissed, newest first."""
        return cls.of(user).where(cls.dismissed_at.is_(None))

    @classmethod
    def unread_by(cls, user: User) -> "sa.Select[Notification]":
        """What the user has neither seen nor dismissed, newest first."""
        return cls.standing_for(user).where(cls.seen_at.is_(None))

    @classmethod
    def failed_for(cls, user: User) -> "sa.Select[Notification]":
        """What tells of a failure, newest first."""
        return cls.of(user).where(cls.kind.in_((Kind.ERROR, Kind.PARTIAL)))

    @staticmethod
    def count(query: "sa.Select[Notification]") -> sa.Select[int]:
        """How many there are of these."""
        return query.order_by(None).with_only_columns(sa.func.count(), maintain_column_froms=True)

    @property
    def is_failure(self) -> bool:
        """Whether there is something to retry."""
        return self.kind in (Kind.ERROR, Kind.PARTIAL)

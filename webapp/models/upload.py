"""Bytes on their way in, which can be interrupted."""

import uuid
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.db import Base, created, key, utcnow
from webapp.models.user import User

LONGEST_REFUSAL = 255
# From when something last came: a long weekend, and the drive home.
KEPT = timedelta(days=7)


class Upload(Base):
    """A file that comes in parts. It becomes the audio file of the same id, and is remembered for a while after."""

    __tablename__ = "uploads"

    id: Mapped[key]
    created_at: Mapped[created]
    touched_at: Mapped[datetime] = mapped_column(default=utcnow, index=True)
    """When something last came, to within a minute."""
    closed_at: Mapped[datetime | None]
    owner_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(sa.String(255))
    size: Mapped[int]
    part_size: Mapped[int]
    fingerprint: Mapped[str] = mapped_column(sa.String(64))
    """A hash of what the client knows the file by: who chooses it again goes on where it stopped. May be empty."""
    key: Mapped[str] = mapped_column(sa.String(255), unique=True)
    opened_as: Mapped[str] = mapped_column(sa.String(1024))
    """The storage's name for it."""
    preset_names: Mapped[list[str]] = mapped_column(sa.JSON)
    batch: Mapped[uuid.UUID]
    is_copy: Mapped[bool] = mapped_column(default=False)
    """Wanted though the same file is here already."""
    checksum: Mapped[str] = mapped_column(sa.String(64), default="")
    """Of all parts, from when they are put together."""
    file_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("audio_files.id", ondelete="CASCADE"), index=True)
    """The audio file that came of it: its own, or one that was here already."""
    refusal: Mapped[str] = mapped_column(sa.String(LONGEST_REFUSAL), default="")
    """Why no file came of it."""

    owner: Mapped[User] = relationship()

    __table_args__ = (sa.Index("ix_uploads_owner_id_closed_at", "owner_id", "closed_at"),)

    @classmethod
    def of(cls, user: User) -> "sa.Select[Upload]":
        """All of the user's that are remembered."""
        return sa.select(cls).where(cls.owner_id == user.id)

    @classmethod
    def unfinished(cls, user: User) -> "sa.Select[Upload]":
        """Those that can go on, the newest first."""
        return cls.of(user).where(cls.closed_at.is_(None)).order_by(cls.created_at.desc(), cls.id)

    @classmethod
    def reserved(cls, owner_id: int) -> sa.Select[int]:
        """The bytes that the unfinished ones will take, as one number."""
        total = sa.func.coalesce(sa.func.sum(cls.size), 0)
        return sa.select(total).where(cls.owner_id == owner_id, cls.closed_at.is_(None))

    @property
    def is_open(self) -> bool:
        """Whether parts are still taken."""
        return self.closed_at is None

    @property
    def expires_at(self) -> datetime:
        """Until when it is kept, if nothing comes."""
        return self.touched_at + KEPT

    @property
    def count(self) -> int:
        """How many parts it has."""
        return -(-self.size // self.part_size)

    def size_of(self, number: int) -> int:
        """The bytes of one part: each is full but the last."""
        return min(self.part_size, self.size - (number - 1) * self.part_size)

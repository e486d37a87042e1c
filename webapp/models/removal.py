"""What was removed, so that late news of it does not bring it back."""

import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from webapp.db import Base, pk, utcnow


class Removal(Base):
    """An original whose file was deleted. The same key may be put, and removed, again."""

    __tablename__ = "removals"

    id: Mapped[pk]
    key: Mapped[str] = mapped_column(sa.String(255), index=True)
    external_id: Mapped[str | None] = mapped_column(sa.String(255))
    """The number outside of its first job, the one that may have brought it here."""
    file_id: Mapped[uuid.UUID | None] = mapped_column(index=True)
    owner_id: Mapped[int | None]
    """Who deleted the file; None for what went with its account."""
    removed_at: Mapped[datetime] = mapped_column(default=utcnow, index=True)
    gone_at: Mapped[datetime | None]
    """When its object was deleted; None while it may still be there."""

    @classmethod
    def known(cls, key: str, external_id: str) -> sa.Select[bool]:
        """Whether this job's object with this key is one that was removed."""
        is_it = sa.or_(cls.gone_at.is_(None), cls.external_id == external_id)
        return sa.select(sa.exists().where(cls.key == key, is_it))

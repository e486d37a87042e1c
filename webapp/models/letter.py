"""Letters that wait to be sent, and the links that they bring."""

import enum
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from webapp.db import Base, created, pk, utcnow


class LetterKind(enum.StrEnum):
    """What a letter is about. What it says is decided when it is sent."""

    RESET = "reset"
    REGISTER = "register"
    INVITE = "invite"
    ADDRESS = "address"
    """To the new address of an account, which is to be confirmed."""
    ADDRESS_ASKED = "address-asked"
    """To the old one."""
    PASSWORD = "password"  # noqa: S105 - tells that it was changed, and has none in it


class Letter(Base):
    """One that is to be sent. It goes when it is sent, or given up."""

    __tablename__ = "letters"

    id: Mapped[pk]
    created_at: Mapped[created]
    kind: Mapped[LetterKind]
    recipient: Mapped[str] = mapped_column(sa.String(254))
    language: Mapped[str] = mapped_column(sa.String(16))
    """That of whoever asked for it; a user's own goes before it."""
    user_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    """Of the account that it is about, if it is not looked for by the recipient."""
    due_at: Mapped[datetime] = mapped_column(default=utcnow, index=True)
    tries: Mapped[int] = mapped_column(default=0)

    @classmethod
    def due(cls, moment: datetime) -> "sa.Select[Letter]":
        """What is to be sent by then, what waits longest first."""
        return sa.select(cls).where(cls.due_at <= moment).order_by(cls.due_at, cls.id)


class Purpose(enum.StrEnum):
    """What a link lets its bearer do, once."""

    RESET = "reset"
    REGISTER = "register"
    INVITE = "invite"
    ADDRESS = "address"


class Link(Base):
    """One that somebody was given. Its token is kept nowhere but in the link itself."""

    __tablename__ = "links"

    id: Mapped[pk]
    created_at: Mapped[created]
    purpose: Mapped[Purpose]
    token_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    email: Mapped[str] = mapped_column(sa.String(254))
    """The address that it was sent to."""
    user_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]

    @classmethod
    def alive(cls, token_hash: str, moment: datetime) -> "sa.Select[Link]":
        """The link of the token, if it has neither been used nor run out."""
        return sa.select(cls).where(cls.token_hash == token_hash, cls.used_at.is_(None), cls.expires_at > moment)

"""Who signs in."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from webapp.db import Base, created, pk

# The first follows the system.
THEMES = ("auto", "light", "dark")


class User(Base):
    """Somebody with an account, and the counters by which open pages learn that something of theirs has changed."""

    __tablename__ = "users"

    id: Mapped[pk]
    created_at: Mapped[created]
    email: Mapped[str] = mapped_column(sa.String(254), unique=True)
    new_email: Mapped[str | None] = mapped_column(sa.String(254))
    """The address that the user wants instead, until it is confirmed from there."""
    password_hash: Mapped[str] = mapped_column(sa.String(255))
    is_admin: Mapped[bool] = mapped_column(default=False)
    disabled_at: Mapped[datetime | None]

    version: Mapped[int] = mapped_column(default=0)
    """Moves with each thing that the user could see change."""
    listing_version: Mapped[int] = mapped_column(default=0)
    """The version at which the list of files last gained, lost or renamed one."""
    alerts_version: Mapped[int] = mapped_column(default=0)
    """The version at which an alert last came, went or was seen."""
    turn: Mapped[int] = mapped_column(default=0)
    """Goes to the end of the line with each piece that serves the user: see services/turns.py."""

    theme: Mapped[str] = mapped_column(sa.String(5), default=THEMES[0])
    language: Mapped[str] = mapped_column(sa.String(16), default="")
    """Of the catalogues in translations/; nothing: as the browser asks."""
    time_zone: Mapped[str] = mapped_column(sa.String(64), default="")
    """A name of the IANA's; nothing: as the browser has it."""
    quiet_kinds: Mapped[list[str]] = mapped_column(sa.JSON, default=list)
    """Kinds of notifications that go straight to the inbox."""
    has_shortcuts: Mapped[bool] = mapped_column(default=True)
    has_system_notifications: Mapped[bool] = mapped_column(default=False)
    has_sound: Mapped[bool] = mapped_column(default=False)

    # What Flask-Login asks of whoever is signed in. The token is set by the loader and is in no column.
    session_token = ""
    is_authenticated = True
    is_anonymous = False

    @property
    def is_active(self) -> bool:
        """Whether the account is switched on."""
        return self.disabled_at is None

    def get_id(self) -> str:
        """What the cookie remembers: the session's token, not the user's number, so that a session can end."""
        return self.session_token

    @classmethod
    def with_email(cls, email: str) -> "sa.Select[User]":
        """The user of an address, whatever its case."""
        return sa.select(cls).where(cls.email == email.strip().lower())

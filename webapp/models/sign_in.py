"""Who is signed in where, and who tried in vain."""

import hashlib
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from webapp.db import Base, created, pk, utcnow
from webapp.models.user import User

# However busy it is, a sign-in ends after this long; and after this long without its user.
LONGEST_SIGN_IN, LONGEST_IDLE = timedelta(days=180), timedelta(days=30)


def hash_of(token: str) -> str:
    """What is kept of a session token. It has 256 random bits, so a plain SHA-256 cannot be turned back."""
    return hashlib.sha256(token.encode()).hexdigest()


class SignIn(Base):
    """One session. It ends when its row goes, whatever cookie is still out there."""

    __tablename__ = "sign_ins"

    id: Mapped[pk]
    created_at: Mapped[created]
    used_at: Mapped[datetime] = mapped_column(default=utcnow)
    """When its user last did something, to within some minutes. That a page asks for news by itself does not count."""
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    address: Mapped[str] = mapped_column(sa.String(45))
    agent: Mapped[str] = mapped_column(sa.String(255))

    user: Mapped[User] = relationship()

    @classmethod
    def valid(cls, token: str) -> "sa.Select[SignIn]":
        """The sign-in of a token with its user, if it still stands and the account is not switched off."""
        return sa.select(cls).join(cls.user).options(joinedload(cls.user, innerjoin=True)).where(*cls._stands(token))

    @classmethod
    def version(cls, token: str) -> tuple[sa.Select[int, int], dict[str, object]]:
        """How to ask for the counter of the token's user and their id, and nothing else: every second, of everybody."""
        now = utcnow()
        return _VERSION, {"token_hash": hash_of(token), "since": now - LONGEST_SIGN_IN, "used": now - LONGEST_IDLE}

    @classmethod
    def of(cls, user: User) -> "sa.Select[SignIn]":
        """The user's sessions that have not ended, the last used first."""
        return sa.select(cls).where(cls.user_id == user.id, *cls._lasts()).order_by(cls.used_at.desc(), cls.id.desc())

    @classmethod
    def _stands(cls, token: str) -> tuple[sa.ColumnElement[bool], ...]:
        return (cls.token_hash == hash_of(token), *cls._lasts(), User.disabled_at.is_(None))

    @classmethod
    def _lasts(cls) -> tuple[sa.ColumnElement[bool], ...]:
        now = utcnow()
        return (cls.created_at > now - LONGEST_SIGN_IN, cls.used_at > now - LONGEST_IDLE)


# Made once: to put such a statement together takes several times as long as to have it answered.
_VERSION = (
    sa.select(User.version, User.id)
    .select_from(SignIn)
    .join(SignIn.user)
    .where(
        SignIn.token_hash == sa.bindparam("token_hash"),
        SignIn.created_at > sa.bindparam("since"),
        SignIn.used_at > sa.bindparam("used"),
        User.disabled_at.is_(None),
    )
)


class Attempt(Base):
    """A try of a password, which stays if it was wrong: in the database, so that all processes share the count."""

    __tablename__ = "attempts"

    id: Mapped[pk]
    at: Mapped[datetime] = mapped_column(default=utcnow)
    key: Mapped[str] = mapped_column(sa.String(64))
    """A hash of the account and the network address, or of the address alone: no personal data."""

    __table_args__ = (sa.Index("ix_attempts_key_at", "key", "at"),)

    @classmethod
    def since(cls, key: str, moment: datetime) -> sa.Select[datetime]:
        """The times of the key's attempts after a moment, oldest first."""
        return sa.select(cls.at).where(cls.key == key, cls.at > moment).order_by(cls.at)

"""Links that let their bearer do one thing, once, for a while."""

import hashlib
import hmac
import secrets
from datetime import timedelta

import sqlalchemy as sa

from webapp.db import db, utcnow, writing
from webapp.errors import LinkDead
from webapp.extensions import settings
from webapp.models import Link, Purpose
from webapp.services import changes

LASTS = {
    Purpose.RESET: timedelta(hours=1),
    Purpose.REGISTER: timedelta(days=1),
    Purpose.INVITE: timedelta(days=7),
    Purpose.ADDRESS: timedelta(days=1),
}
PATHS = {
    Purpose.RESET: "/auth/reset",
    Purpose.REGISTER: "/auth/register",
    Purpose.INVITE: "/auth/register",
    Purpose.ADDRESS: "/auth/address",
}


def make(purpose: Purpose, email: str, user_id: int | None = None) -> str:
    """A new link for whoever reads at this address."""
    token = secrets.token_urlsafe(32)
    with writing():
        expires_at = utcnow() + LASTS[purpose]
        db.session.add(
            Link(purpose=purpose, token_hash=_sealed(token), email=email, user_id=user_id, expires_at=expires_at)
        )
    return f"{settings.address}{PATHS[purpose]}/{token}"


def find(token: str, *purposes: Purpose) -> Link:
    """The link of the token. Raises LinkDead if it was used, has run out, or is for something else."""
    link = db.session.scalar(Link.alive(_sealed(token), utcnow()))
    if link is None or link.purpose not in purposes:
        raise LinkDead
    return link


def use(link_id: int) -> None:
    """Use it up, without committing. Raises LinkDead for whoever comes second."""
    if not changes.update(Link, [Link.id == link_id, Link.used_at.is_(None)], used_at=utcnow()):
        raise LinkDead


def revoke(user_id: int, *purposes: Purpose) -> None:
    """Let the user's links for these purposes be dead, without committing."""
    db.session.execute(sa.delete(Link).where(Link.user_id == user_id, Link.purpose.in_(purposes)))


def forget_old() -> None:
    """Remove those that have run out."""
    with writing():
        db.session.execute(sa.delete(Link).where(Link.expires_at <= utcnow()))


def _sealed(token: str) -> str:
    """What is kept of it. Sealed with our secret, so that whoever can write into the database makes no links."""
    return hmac.new(settings.secret_key.encode(), f"link:{token}".encode(), hashlib.sha256).hexdigest()

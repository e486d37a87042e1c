"""How often a password may be tried: counted in the database, so that every process knows."""

import hashlib
from datetime import datetime, timedelta

import sqlalchemy as sa

from webapp.db import SKEW, db, only_one, utcnow, writing
from webapp.errors import TooMany
from webapp.models import Attempt

WINDOW = timedelta(minutes=15)
# Of one account from one network address: nobody can lock the owner out from elsewhere.
PER_ACCOUNT = 10
# From one network address, whatever the accounts.
PER_ADDRESS = 100


def begin(account: str, address: str) -> list[int]:
    """Count a try before its outcome is known, so that many at once cannot slip through. Raises TooMany."""
    limits = {_key(account, address): PER_ACCOUNT, _key(address): PER_ADDRESS}
    with writing():
        now = utcnow()
        for key, limit in sorted(limits.items()):
            only_one(key)
            _check(key, limit, now)
        attempts = [Attempt(key=key, at=now) for key in limits]
        db.session.add_all(attempts)
        db.session.flush()
        return [attempt.id for attempt in attempts]


def succeed(attempt: list[int]) -> None:
    """The password was right: the try does not count."""
    with writing():
        db.session.execute(sa.delete(Attempt).where(Attempt.id.in_(attempt)))


def forget_old() -> None:
    """Remove the tries that no longer count."""
    with writing():
        now = utcnow()
        db.session.execute(sa.delete(Attempt).where(sa.or_(Attempt.at < now - WINDOW, Attempt.at > now + SKEW)))


def _check(key: str, limit: int, now: datetime) -> None:
    times = [at for at in db.session.scalars(Attempt.since(key, now - WINDOW)) if at < now + SKEW]
    if len(times) >= limit:
        wait = times[len(times) - limit] + WINDOW - now
        raise TooMany(retry_after=max(1, int(wait.total_seconds()) + 1))


def _key(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()

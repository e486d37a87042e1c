"""How often something may be tried: counted in the database, so that every process knows."""

import hashlib
import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from webapp.db import SKEW, db, only_one, utcnow, writing
from webapp.errors import TooMany
from webapp.models import Attempt

WINDOW = timedelta(minutes=15)
PER_ACCOUNT, PER_ADDRESS = 10, 100
# Bits: of an address of IPv6 its owner has the whole network.
OWN_NETWORK = 64


@dataclass(frozen=True)
class Limits:
    """How often within the window."""

    per_account: int
    """For one account from one network address: nobody can lock the owner out from elsewhere."""
    per_address: int
    """From one network address, whatever the accounts."""
    name: str = ""


# Wrong passwords, and addresses that turn out to be taken.
GUESSES = Limits(per_account=PER_ACCOUNT, per_address=PER_ADDRESS)
# Asking for a letter counts each time: nothing tells whether it was in vain.
LETTERS = Limits(per_account=5, per_address=30, name="letters")
# Whoever asks: nobody's mailbox is filled from here. It is told to nobody.
LETTERS_TO_ONE = 10


def begin(account: str, address: str, limits: Limits = GUESSES) -> list[int]:
    """Count a try before its outcome is known, so that many at once cannot slip through. Raises TooMany."""
    place = network_of(address)
    most = {_key(limits.name, account, place): limits.per_account, _key(limits.name, place): limits.per_address}
    with writing():
        now = utcnow()
        for key, limit in sorted(most.items()):
            only_one(key)
            _check(key, limit, now)
        attempts = [Attempt(key=key, at=now) for key in most]
        db.session.add_all(attempts)
        db.session.flush()
        return [attempt.id for attempt in attempts]


def may_write_to(recipient: str) -> bool:
    """Whether one more letter may go there within the window; if so it counts, without committing."""
    key, now = _key("letters to", recipient), utcnow()
    only_one(key)
    if len(db.session.scalars(Attempt.since(key, now - WINDOW)).all()) >= LETTERS_TO_ONE:
        return False
    db.session.add(Attempt(key=key, at=now))
    return True


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


def network_of(address: str) -> str:
    """What one customer has of the net: an address of IPv4, but 2^64 of IPv6."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    return str(found.ipv4_mapped or ipaddress.IPv6Network((int(found), OWN_NETWORK), strict=False))


def _key(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()

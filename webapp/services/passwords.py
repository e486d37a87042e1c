"""Passwords: which are taken, and how they are kept."""

import secrets
import threading
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from webapp.config import LONGEST_PASSWORD
from webapp.errors import Refused
from webapp.extensions import settings
from webapp.words import N_

# argon2-cffi's defaults (RFC 9106's second choice) are above what OWASP ASVS 5.0, appendix C asks for.
_hasher = PasswordHasher()
# Each takes 64 MiB: many sign-ins at once wait for each other instead of for memory.
_hashing = threading.BoundedSemaphore(4)

# What fingers run along, in either direction.
ROWS = tuple(
    row[::step]
    for row in ("01234567890123456789", "abcdefghijklmnopqrstuvwxyz", "qwertyuiopasdfghjklzxcvbnm")
    for step in (1, -1)
)


class WeakPassword(Refused):
    """The password is too short, too long, or among the first that are tried."""


def check(password: str, email: str) -> None:
    """Raise WeakPassword for one that is not to be taken.

    NIST SP 800-63B-4, 3.1.1.2: a least length, any characters, no rules of composition, a list of known ones.
    """
    if len(password) < settings.password_min_length:
        raise WeakPassword(N_("Use at least {count} characters."), count=settings.password_min_length)
    if len(password) > LONGEST_PASSWORD:
        raise WeakPassword(N_("Use at most {count} characters."), count=LONGEST_PASSWORD)
    folded = password.casefold()
    if folded in common() or folded == email.strip().casefold():
        raise WeakPassword(N_("This password is among the first that are tried. Use another one."))
    if any(folded in row for row in ROWS):
        raise WeakPassword(N_("This password is among the first that are tried. Use another one."))
    if len(set(folded)) < 4:  # noqa: PLR2004 - "aaaaaaaaaaaa" is in no list
        raise WeakPassword(N_("Use more than a few different characters."))


def hashed(password: str) -> str:
    """What is kept of it."""
    with _hashing:
        return _hasher.hash(password)


def is_right(kept: str | None, password: str) -> bool:
    """Whether this is what was kept of the password. With nothing kept it is not, and that takes the same time."""
    try:
        with _hashing:
            return _hasher.verify(kept or _nobodys(), password) and kept is not None
    except Argon2Error:
        return False


def is_outdated(kept: str) -> bool:
    """Whether a password would be kept in a stronger way today."""
    return _hasher.check_needs_rehash(kept)


@cache
def common() -> frozenset[str]:
    """Those that are tried first."""
    return frozenset(FREQUENCY_LISTS["passwords"])


@cache
def _nobodys() -> str:
    return _hasher.hash(secrets.token_urlsafe(16))

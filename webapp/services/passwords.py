"""Passwords: which are taken, and how they are kept."""

import secrets
import string
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


# What people put before or behind a word to make it longer.
BESIDE_WORDS = string.digits + string.punctuation + string.whitespace
# Nobody tries what is longer than this, even where it is one letter.
LONGEST_TRIED = 64
FEW = 4


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
    if folded == email.strip().casefold() or (len(folded) <= LONGEST_TRIED and _is_tried_first(folded)):
        raise WeakPassword(N_("This password is among the first that are tried. Use another one."))


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
    """Words that are tried first: what many have as their password, and those of English."""
    return frozenset().union(*(FREQUENCY_LISTS[name] for name in ("passwords", "english_wikipedia", "us_tv_and_film")))


def _is_tried_first(folded: str) -> bool:
    """Whether it is one common word, or a few characters: as it is, again and again, or between digits and signs."""
    whole, word = _once(folded), _once(folded.strip(BESIDE_WORDS))
    return len(set(whole)) < FEW or not common().isdisjoint((whole, word)) or any(whole in row for row in ROWS)


def _once(text: str) -> str:
    """What the text is a repetition of; the text if it is none."""
    length = (text + text).find(text, 1)
    return text[:length] if text else text


@cache
def _nobodys() -> str:
    return _hasher.hash(secrets.token_urlsafe(16))

"""Accounts, passwords and sign-ins."""

import secrets
import threading
from functools import cache

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error
from email_validator import EmailNotValidError, validate_email
from sqlalchemy.exc import IntegrityError
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from webapp.config import LONGEST_PASSWORD
from webapp.db import db, utcnow, writing
from webapp.errors import Forbidden, NotFound, Refused, TooMany, WrongPassword
from webapp.extensions import settings
from webapp.models import SignIn, User
from webapp.models.sign_in import hash_of
from webapp.services import throttle
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


class AddressTaken(Refused):
    """Somebody has an account with this address."""

    message = N_("There is an account with this address already. Sign in, or use another address.")


class WeakPassword(Refused):
    """The password is too short, too long, or among the first that are tried."""


def register(email: str, password: str) -> User:
    """A new account. Raises AddressTaken, WeakPassword, or Forbidden where visitors cannot make accounts."""
    if settings.registration != "open":
        raise Forbidden(N_("New accounts are made by the administrator here."))
    return add(email, password)


def register_or_authenticate(email: str, password: str, *, address: str) -> User:
    """A new account, or the one that has just this address and password: a form that is sent twice makes one.

    Raises AddressTaken, WeakPassword, or Forbidden where visitors cannot make accounts.
    """
    try:
        return register(email, password)
    except AddressTaken as taken:
        try:
            return authenticate(_checked(email), password, address=address)
        except (WrongPassword, TooMany):
            raise taken from None


def add(email: str, password: str, *, is_admin: bool = False) -> User:
    """A new account, whatever REGISTRATION says. Raises AddressTaken or WeakPassword."""
    email = _checked(email)
    _check_strength(password, email)
    user = User(email=email.strip().lower(), password_hash=_hash(password), is_admin=is_admin)
    try:
        with writing():
            db.session.add(user)
    except IntegrityError as exc:
        raise AddressTaken from exc
    return user


def authenticate(email: str, password: str, *, address: str) -> User:
    """The user whose password this is. Raises WrongPassword, or TooMany after many wrong ones from the address."""
    attempt = throttle.begin(email.strip().lower(), address)
    user = db.session.scalar(User.with_email(email))
    known = user.password_hash if user and not user.disabled_at else _nobodys_hash()
    # An unknown address costs the same time as a wrong password, so the answer's delay tells nothing.
    is_right = _verify(known, password)
    if user is None or user.disabled_at or not is_right:
        raise WrongPassword
    throttle.succeed(attempt)
    if _hasher.check_needs_rehash(user.password_hash):
        hashed = _hash(password)
        with writing():
            user.password_hash = hashed
    return user


def sign_in(user: User, *, address: str, agent: str) -> str:
    """Begin a session and return its token, which is kept nowhere but in the user's cookie."""
    token = secrets.token_urlsafe(32)
    user_id = user.id
    with writing():
        db.session.add(SignIn(user_id=user_id, token_hash=hash_of(token), address=address[:45], agent=agent[:255]))
    return token


def sign_out(token: str) -> None:
    """End the token's session for good. Doing it twice is no error."""
    with writing():
        db.session.execute(sa.delete(SignIn).where(SignIn.token_hash == hash_of(token)))


def change_password(user: User, current: str, password: str, *, address: str) -> None:
    """Change it and end every session of the user. Raises WrongPassword, TooMany or WeakPassword."""
    attempt = throttle.begin(user.email, address)
    if not _verify(user.password_hash, current):
        raise WrongPassword(N_("The current password is wrong."))
    throttle.succeed(attempt)
    set_password(user.email, password)


def set_password(email: str, password: str) -> None:
    """Give the user a new password and end every session of theirs. Raises NotFound or WeakPassword."""
    _check_strength(password, email)
    hashed = _hash(password)
    with writing():
        user = _named(email)
        user.password_hash = hashed
        db.session.execute(sa.delete(SignIn).where(SignIn.user_id == user.id))


def disable(email: str) -> None:
    """Switch the account off and end its sessions; its files stay. Raises NotFound."""
    with writing():
        user = _named(email)
        user.disabled_at = user.disabled_at or utcnow()
        db.session.execute(sa.delete(SignIn).where(SignIn.user_id == user.id))


def _checked(email: str) -> str:
    """The address as RFC 5321 and 6531 have it; whether anybody reads there is not asked."""
    try:
        return validate_email(email, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError as exc:
        raise Refused(N_("This is not an e-mail address. One looks like name@example.com.")) from exc


def _named(email: str) -> User:
    user = db.session.scalar(User.with_email(email))
    if user is None:
        raise NotFound(f"There is no account {email!r}.")
    return user


def _check_strength(password: str, email: str) -> None:
    """NIST SP 800-63B-4, 3.1.1.2: a least length, any characters, no rules of composition, a list of known ones."""
    if len(password) < settings.password_min_length:
        raise WeakPassword(N_("Use at least {count} characters."), count=settings.password_min_length)
    if len(password) > LONGEST_PASSWORD:
        raise WeakPassword(N_("Use at most {count} characters."), count=LONGEST_PASSWORD)
    folded = password.casefold()
    if folded in _common_passwords() or folded == email.strip().casefold():
        raise WeakPassword(N_("This password is among the first that are tried. Use another one."))
    if any(folded in row for row in ROWS):
        raise WeakPassword(N_("This password is among the first that are tried. Use another one."))
    if len(set(folded)) < 4:  # noqa: PLR2004 - "aaaaaaaaaaaa" is in no list
        raise WeakPassword(N_("Use more than a few different characters."))


def _verify(hashed: str, password: str) -> bool:
    try:
        with _hashing:
            return _hasher.verify(hashed, password)
    except Argon2Error:
        return False


def _hash(password: str) -> str:
    with _hashing:
        return _hasher.hash(password)


@cache
def _nobodys_hash() -> str:
    return _hash(secrets.token_urlsafe(16))


@cache
def _common_passwords() -> frozenset[str]:
    return frozenset(FREQUENCY_LISTS["passwords"])

"""Accounts and sign-ins."""

import secrets

import sqlalchemy as sa
from email_validator import EmailNotValidError, validate_email
from sqlalchemy.exc import IntegrityError

from webapp.db import db, utcnow, writing
from webapp.errors import Forbidden, NotFound, Refused, WrongPassword
from webapp.extensions import settings
from webapp.models import Letter, LetterKind, Purpose, SignIn, User
from webapp.models.sign_in import hash_of
from webapp.services import letters, links, passwords, throttle
from webapp.words import N_


class AddressTaken(Refused):
    """Somebody has an account with this address."""

    message = N_("There is an account with this address already. Sign in, or use another address.")


def register(email: str, password: str, *, address: str) -> User:
    """A new account, or the one that has just this address and password: a form that is sent twice makes one.

    Raises AddressTaken, TooMany after many taken ones, WeakPassword, or Forbidden where visitors make no accounts.
    """
    check_open()
    email = checked(email)
    passwords.check(password, email)
    attempt = throttle.begin(email.lower(), address)
    try:
        user = add(email, password)
    except AddressTaken:
        found = db.session.scalar(User.with_email(email))
        if found is None or found.disabled_at or not passwords.is_right(found.password_hash, password):
            raise
        user = found
    throttle.succeed(attempt)
    return user


def check_open() -> None:
    """Raise Forbidden where visitors cannot make accounts."""
    if settings.registration != "open":
        raise Forbidden(N_("New accounts are made by the administrator here."))


def add(email: str, password: str, *, is_admin: bool = False) -> User:
    """A new account, whatever REGISTRATION says. Raises AddressTaken or WeakPassword."""
    email = checked(email)
    passwords.check(password, email)
    user = User(email=email.lower(), password_hash=passwords.hashed(password), is_admin=is_admin)
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
    known = user.password_hash if user and not user.disabled_at else None
    # An unknown address costs the same time as a wrong password, so the answer's delay tells nothing.
    if not passwords.is_right(known, password) or user is None:
        raise WrongPassword
    throttle.succeed(attempt)
    if passwords.is_outdated(user.password_hash):
        renewed = passwords.hashed(password)
        with writing():
            user.password_hash = renewed
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


def confirm(user: User, password: str, *, address: str) -> None:
    """Return if this is the user's password. Raises WrongPassword, or TooMany after many wrong ones."""
    attempt = throttle.begin(user.email, address)
    if not passwords.is_right(user.password_hash, password):
        raise WrongPassword(N_("The current password is wrong."))
    throttle.succeed(attempt)


def change_password(user: User, current: str, password: str, *, address: str) -> None:
    """Change it and end every session of the user. Raises WrongPassword, TooMany or WeakPassword."""
    confirm(user, current, address=address)
    set_password(user.email, password)


def set_password(email: str, password: str) -> None:
    """Give the user a new password and end every session of theirs. Raises NotFound or WeakPassword."""
    passwords.check(password, email)
    hashed = passwords.hashed(password)
    with writing():
        renew(named(email), hashed)


def renew(user: User, password_hash: str) -> None:
    """Change the password, without committing: all that could have been begun with the old one ends with it."""
    user.password_hash, user.new_email = password_hash, None
    db.session.execute(sa.delete(SignIn).where(SignIn.user_id == user.id))
    _end_letters(user)
    letters.add(LetterKind.PASSWORD, user.email, user_id=user.id)


def reset_link(email: str) -> str:
    """A link with which the user chooses a new password. Raises NotFound."""
    user = named(email)
    return links.make(Purpose.RESET, user.email, user.id)


def invitation(email: str) -> str:
    """A link with which somebody makes an account, and a letter with another. Raises AddressTaken, or Forbidden."""
    email = checked(email).lower()
    if settings.registration == "closed":
        raise Forbidden("With REGISTRATION=closed nobody can be invited: make the account by `flask users add`.")
    if db.session.scalar(User.with_email(email)):
        raise AddressTaken(N_("There is an account with this address already."))
    with writing():
        letters.add(LetterKind.INVITE, email)
    return links.make(Purpose.INVITE, email)


def set_address(email: str, new: str) -> None:
    """Give the user another address. Raises NotFound, AddressTaken, or Refused for what is no address."""
    new = checked(new).lower()
    try:
        with writing():
            move(named(email), new)
    except IntegrityError as exc:
        raise AddressTaken(N_("There is an account with this address already.")) from exc


def move(user: User, email: str) -> None:
    """Change the address, without committing: what was sent to the old one leads nowhere."""
    _end_letters(user)
    user.email, user.new_email = email, None
    db.session.flush()


def disable(email: str) -> None:
    """Switch the account off and end its sessions; its files stay. Raises NotFound."""
    with writing():
        user = named(email)
        user.disabled_at = user.disabled_at or utcnow()
        db.session.execute(sa.delete(SignIn).where(SignIn.user_id == user.id))


def checked(email: str) -> str:
    """The address as RFC 5321 and 6531 have it; whether anybody reads there is not asked."""
    try:
        return validate_email(email, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError as exc:
        raise Refused(N_("This is not an e-mail address. One looks like name@example.com.")) from exc


def named(email: str) -> User:
    """The user of the address. Raises NotFound, in words for an administrator."""
    user = db.session.scalar(User.with_email(email))
    if user is None:
        raise NotFound(f"There is no account {email!r}.")
    return user


def _end_letters(user: User) -> None:
    """Let no link of the user's work any more, nor one that is still to be sent."""
    links.revoke(user.id, *Purpose)
    letters.withdraw(Letter.recipient == user.email, Letter.kind == LetterKind.RESET)
    letters.withdraw(Letter.user_id == user.id, Letter.kind == LetterKind.ADDRESS)

"""What is asked for by one and confirmed by letter: a new password, a new account, another address."""

from sqlalchemy.exc import IntegrityError

from webapp.db import db, writing
from webapp.errors import Forbidden, LinkDead, Refused
from webapp.extensions import mail, settings
from webapp.models import Letter, LetterKind, Link, Purpose, User
from webapp.services import accounts, letters, links, passwords, throttle
from webapp.words import N_


def ask(kind: LetterKind, email: str, *, address: str, language: str) -> None:
    """Let a letter go to the address: about a new password, or a new account. Raises TooMany, or Forbidden.

    What is done here is the same whoever has an account: only the letter tells, and only who reads at the address.
    """
    if kind is LetterKind.REGISTER:
        accounts.check_open()
    # In the form in which it is kept: a letter goes to the address of the account, not to one that looks like it.
    recipient = accounts.checked(email).lower()
    throttle.begin(recipient, address, throttle.LETTERS)
    with writing():
        if throttle.may_write_to(recipient):
            letters.add(kind, recipient, language=language)


def bearer_of(token: str, purpose: Purpose) -> Link:
    """The link of the token, if it can still be used for that. An invitation is one to an account. Raises LinkDead."""
    alike = (Purpose.REGISTER, Purpose.INVITE) if purpose is Purpose.REGISTER else (purpose,)
    link = links.find(token, *alike)
    if link.user_id is None:
        _check_wanted(link)
        return link
    user = db.session.get(User, link.user_id)
    if user is None or user.disabled_at or (purpose is Purpose.ADDRESS and user.new_email != link.email):
        raise LinkDead
    return link


def reset(token: str, password: str) -> User:
    """Give the bearer of the link a new password; every session of theirs ends. Raises LinkDead or WeakPassword."""
    link = bearer_of(token, Purpose.RESET)
    link_id, email = link.id, link.email
    user = accounts.named(email)
    passwords.check(password, email)
    hashed = passwords.hashed(password)
    with writing():
        links.use(link_id)
        accounts.renew(user, hashed)
    return user


def register(token: str, password: str) -> User:
    """Make the account that the link is for. Raises LinkDead, WeakPassword, or Forbidden where none are made."""
    link = bearer_of(token, Purpose.REGISTER)
    link_id, email = link.id, link.email
    passwords.check(password, email)
    user = User(email=email, password_hash=passwords.hashed(password))
    try:
        with writing():
            links.use(link_id)
            db.session.add(user)
    except IntegrityError as exc:  # another link to the same account was quicker
        raise LinkDead from exc
    return user


def ask_address(user: User, email: str, current: str, *, address: str) -> None:
    """Let the user's account get another address, once it is confirmed from there.

    Raises WrongPassword, TooMany, Refused, or Forbidden where no letters are sent.
    """
    if not mail.are_sent:
        raise Forbidden(N_("Please ask the administrator to change your address."))
    wanted = accounts.checked(email).lower()
    if wanted == user.email:
        raise Refused(N_("This is your address already."))
    accounts.confirm(user, current, address=address)
    throttle.begin(user.email, address, throttle.LETTERS)
    with writing():
        _withdraw(user)
        user.new_email = wanted
        if throttle.may_write_to(wanted):
            letters.add(LetterKind.ADDRESS, wanted, user_id=user.id)
        letters.add(LetterKind.ADDRESS_ASKED, user.email, user_id=user.id)


def withdraw_address(user: User) -> None:
    """Keep the address after all. Doing it twice is no error."""
    with writing():
        _withdraw(user)


def confirm_address(token: str) -> User:
    """Give the account of the link its new address. Raises LinkDead, or AddressTaken."""
    link = bearer_of(token, Purpose.ADDRESS)
    link_id, email, user_id = link.id, link.email, link.user_id
    try:
        with writing():
            links.use(link_id)
            user = db.session.get_one(User, user_id)
            if user.new_email != email:
                raise LinkDead
            accounts.move(user, email)
    except IntegrityError as exc:
        raise accounts.AddressTaken from exc
    return user


def _check_wanted(link: Link) -> None:
    if link.purpose is Purpose.REGISTER:
        accounts.check_open()
    elif settings.registration == "closed":
        raise Forbidden(N_("New accounts are made by the administrator here."))
    if db.session.scalar(User.with_email(link.email)):
        raise LinkDead


def _withdraw(user: User) -> None:
    user.new_email = None
    links.revoke(user.id, Purpose.ADDRESS)
    letters.withdraw(Letter.kind.in_((LetterKind.ADDRESS, LetterKind.ADDRESS_ASKED)), Letter.user_id == user.id)

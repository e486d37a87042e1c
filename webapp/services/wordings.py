"""What letters say, in the language of whoever they are for."""

import sqlalchemy as sa

from webapp.catalogues import SOURCE, languages
from webapp.db import db
from webapp.extensions import settings
from webapp.models import LetterKind, Purpose, User
from webapp.services import links
from webapp.words import N_

Wording = tuple[str, str]

RESET = (
    N_("A new password for Tapedeck"),
    N_(
        "Hello,\n\nSomebody, probably you, wants a new password for your account at Tapedeck. Choose it here, within an"
        " hour:\n\n{link}\n\nIf it was not you, there is nothing to do: your password stays as it is."
    ),
)
REGISTER = (
    N_("Your account at Tapedeck"),
    N_(
        "Hello,\n\nSomebody, probably you, wants an account at Tapedeck with this address. Choose its password here,"
        " within a day:\n\n{link}\n\nIf it was not you, there is nothing to do: no account is made."
    ),
)
ALREADY = (
    N_("Your account at Tapedeck"),
    N_(
        "Hello,\n\nSomebody, probably you, wanted to make an account at Tapedeck with this address. You have one"
        " already: sign in at\n\n{link}\n\nThere you can also ask for a new password. If it was not you, there is"
        " nothing to do."
    ),
)
INVITE = (
    N_("You are invited to Tapedeck"),
    N_(
        "Hello,\n\nYou are invited to Tapedeck, which converts audio and tells you when it is ready. Choose a password"
        " here, within seven days:\n\n{link}"
    ),
)
ADDRESS = (
    N_("Confirm your address"),
    N_(
        "Hello,\n\nAn account at Tapedeck is to have this address from now on. If that is yours, confirm it here,"
        " within a day:\n\n{link}\n\nIf it was not you, there is nothing to do."
    ),
)
TAKEN = (
    N_("Confirm your address"),
    N_(
        "Hello,\n\nAn account at Tapedeck was to have this address, but there is another account with it already. So"
        " nothing was changed. That account signs in at\n\n{link}"
    ),
)
ADDRESS_ASKED = (
    N_("Your account gets another address"),
    N_(
        "Hello,\n\nSomebody, probably you, wants your account at Tapedeck to have another address. It is changed once"
        " it is confirmed from there. If it was not you, take it back and change your password:\n\n{link}"
    ),
)
PASSWORD = (
    N_("Your password was changed"),
    N_(
        "Hello,\n\nThe password of your account at Tapedeck was changed. If it was not you, choose a new one at once:"
        "\n\n{link}"
    ),
)


def of(kind: LetterKind, recipient: str, language: str, user_id: int | None) -> Wording | None:
    """Subject and text of a letter, with a new link in it if it brings one; None if nobody is to get it any more."""
    user = db.session.get(User, user_id) if user_id else db.session.scalar(User.with_email(recipient))
    if user and user.disabled_at:
        return None
    language = (user.language if user else "") or language
    found = _written(kind, recipient, user)
    return _said(*found, language) if found else None


def _written(kind: LetterKind, recipient: str, user: User | None) -> tuple[Wording, str] | None:
    if kind in (LetterKind.REGISTER, LetterKind.INVITE) and user is None:
        purpose = Purpose(kind.value)
        return (REGISTER if purpose is Purpose.REGISTER else INVITE), links.make(purpose, recipient)
    if user is None:
        return None
    sign_in, account = f"{settings.address}/auth/login", f"{settings.address}/account/"
    notices = {
        LetterKind.REGISTER: (ALREADY, sign_in),
        LetterKind.ADDRESS_ASKED: (ADDRESS_ASKED, account),
        LetterKind.PASSWORD: (PASSWORD, f"{settings.address}/auth/reset"),
    }
    if kind in notices:
        return notices[kind]
    if kind is LetterKind.RESET:
        return RESET, links.make(Purpose.RESET, recipient, user.id)
    if kind is LetterKind.ADDRESS and user.new_email == recipient:
        is_taken = db.session.scalar(sa.select(sa.exists().where(User.email == recipient)))
        return (TAKEN, sign_in) if is_taken else (ADDRESS, links.make(Purpose.ADDRESS, recipient, user.id))
    return None


def _said(wording: Wording, link: str, language: str) -> Wording:
    known = languages()
    say = known.get(language, known[SOURCE]).catalogue.gettext
    subject, text = (str(say(sentence)) for sentence in wording)
    sender = str(say(N_("Tapedeck, at {address}"))).format(address=settings.address)
    return subject, f"{text.format(link=link)}\n\n-- \n{sender}\n"

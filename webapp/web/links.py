"""Asking for letters, and what their links lead to. To open a link changes nothing: mail scanners do that too."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus

from flask import Blueprint, Response, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from webapp.errors import NotFound
from webapp.extensions import mail
from webapp.models import LetterKind, Link, Purpose, User
from webapp.services import confirmations, passwords
from webapp.web.auth import ask, begin_session
from webapp.web.errors import mark, on_form, on_page
from webapp.web.forms import EmailForm, NewPasswordForm
from webapp.web.language import gettext
from webapp.words import N_

bp = Blueprint("links", __name__, url_prefix="/auth")

# Without the path, which has the token. With no referrer at all the form's own answer would be refused under https.
REFERRER = {"Referrer-Policy": "strict-origin"}
SENT = {
    LetterKind.RESET: N_(
        "If there is an account with that address, a letter is on its way. Its link works for an hour."
    ),
    LetterKind.REGISTER: N_("A letter is on its way to that address. Its link works for a day."),
}


@dataclass(frozen=True)
class Choice:
    """Of a password, by whoever has a link: what the page says, what is done with it, and what is told then."""

    kind: Purpose
    title: str
    hint: str
    button: str
    deed: Callable[[str, str], User]
    told: str = ""


CHOICES = {
    "reset": Choice(
        Purpose.RESET,
        N_("Choose a new password"),
        N_("At least %(count)s characters. You are signed out everywhere else."),
        N_("Change the password"),
        confirmations.reset,
        N_("Your password is changed. You are signed out everywhere else."),
    ),
    "register": Choice(
        Purpose.REGISTER,
        N_("Choose your password"),
        N_("At least %(count)s characters, any you like. A few words make a good one."),
        N_("Create the account"),
        confirmations.register,
    ),
}


@bp.after_request
def _keep_token(response: Response) -> Response:
    response.headers.update(REFERRER)
    return response


@bp.get("/reset")
def reset() -> ResponseReturnValue:
    """Asks for the address."""
    _check_letters()
    return render_template("auth/reset.html", form=EmailForm(formdata=None), error="")


@bp.post("/reset")
def ask_reset() -> ResponseReturnValue:
    """A letter goes, if there is such an account. The answer is the same if there is none."""
    _check_letters()
    return ask(LetterKind.RESET, "auth/reset.html")


@bp.get("/sent/<any(reset, register):kind>")
def sent(kind: str) -> ResponseReturnValue:
    """Where to look now."""
    _check_letters()
    return render_template("auth/sent.html", told=gettext(SENT[LetterKind(kind)]))


@bp.get("/reset/<token>", defaults={"kind": "reset"})
@bp.get("/register/<token>", defaults={"kind": "register"})
def choose(kind: str, token: str) -> ResponseReturnValue:
    """The form for a password: another one, or that of the account that is to be made."""
    choice = CHOICES[kind]
    return _password_page(NewPasswordForm(formdata=None), choice, confirmations.bearer_of(token, choice.kind), token)


@bp.post("/reset/<token>", defaults={"kind": "reset"})
@bp.post("/register/<token>", defaults={"kind": "register"})
def take_password(kind: str, token: str) -> ResponseReturnValue:
    """Sign in with it; whoever had another password is signed out everywhere else."""
    form, choice = NewPasswordForm(), CHOICES[kind]
    page = partial(_password_page, form, choice, confirmations.bearer_of(token, choice.kind), token)
    if not form.validate():
        return on_form(form, page())
    try:
        user = choice.deed(token, form.password.data)
    except passwords.WeakPassword as exc:
        mark(form.password, exc)
        return on_page(page(), exc)
    response = begin_session(user, remember=False, target=url_for("files.index"))
    if choice.told:
        flash(gettext(choice.told))
    return response


@bp.get("/address/<token>")
def confirm_address(token: str) -> ResponseReturnValue:
    """Asks once more, with a button."""
    link = confirmations.bearer_of(token, Purpose.ADDRESS)
    return render_template("auth/address.html", email=link.email, token=token)


@bp.post("/address/<token>")
def take_address(token: str) -> ResponseReturnValue:
    """Give the account the address."""
    confirmations.confirm_address(token)
    flash(gettext("Your account has its new address. Sign in with it from now on."))
    target = "account.index" if current_user.is_authenticated else "auth.login"
    return redirect(url_for(target), HTTPStatus.SEE_OTHER)


def _check_letters() -> None:
    if not mail.are_sent:
        raise NotFound


def _password_page(form: NewPasswordForm, choice: Choice, link: Link, token: str) -> str:
    return render_template("auth/password.html", form=form, choice=choice, error="", email=link.email, token=token)

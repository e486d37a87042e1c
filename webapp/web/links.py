"""Asking for letters, and what their links lead to. To open a link changes nothing: mail scanners do that too."""

from collections.abc import Callable
from http import HTTPStatus

from flask import Blueprint, Response, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from webapp.errors import NotFound
from webapp.extensions import mail
from webapp.models import LetterKind, Link, Purpose, User
from webapp.services import confirmations, passwords
from webapp.web.auth import ask, begin_session
from webapp.web.forms import EmailForm, NewPasswordForm
from webapp.web.language import gettext, say
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


@bp.get("/reset/<token>")
def choose_new(token: str) -> ResponseReturnValue:
    """The form for a new password."""
    link = confirmations.bearer_of(token, Purpose.RESET)
    return _password_page("auth/renew.html", NewPasswordForm(formdata=None), link, token)


@bp.post("/reset/<token>")
def renew(token: str) -> ResponseReturnValue:
    """The new password; all other sessions end, and this is a new one."""
    form, link = NewPasswordForm(), confirmations.bearer_of(token, Purpose.RESET)
    user = _with_password(form, lambda password: confirmations.reset(token, password))
    if user is None:
        return _password_page("auth/renew.html", form, link, token), HTTPStatus.UNPROCESSABLE_ENTITY
    response = begin_session(user, remember=False, target=url_for("files.index"))
    flash(gettext("Your password is changed. You are signed out everywhere else."))
    return response


@bp.get("/register/<token>")
def choose_first(token: str) -> ResponseReturnValue:
    """The form for the password of the account that is to be made."""
    link = confirmations.bearer_of(token, Purpose.REGISTER)
    return _password_page("auth/join.html", NewPasswordForm(formdata=None), link, token)


@bp.post("/register/<token>")
def join(token: str) -> ResponseReturnValue:
    """Make the account, and sign in."""
    form, link = NewPasswordForm(), confirmations.bearer_of(token, Purpose.REGISTER)
    user = _with_password(form, lambda password: confirmations.register(token, password))
    if user is None:
        return _password_page("auth/join.html", form, link, token), HTTPStatus.UNPROCESSABLE_ENTITY
    return begin_session(user, remember=False, target=url_for("files.index"))


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


def _with_password(form: NewPasswordForm, deed: Callable[[str], User]) -> User | None:
    """The user, if the form's password is taken; else None, and the form says why."""
    if not form.validate():
        return None
    try:
        return deed(form.password.data)
    except passwords.WeakPassword as exc:
        form.password.errors = [*form.password.errors, say(exc)]
        return None


def _password_page(template: str, form: NewPasswordForm, link: Link, token: str) -> str:
    return render_template(template, form=form, error="", email=link.email, token=token)

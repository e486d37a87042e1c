"""One's own account."""

from http import HTTPStatus

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from webapp.errors import Refused, WrongPassword
from webapp.extensions import settings
from webapp.services import accounts, library
from webapp.web.auth import begin_session
from webapp.web.forms import PasswordForm
from webapp.web.live import Place

bp = Blueprint("account", __name__, url_prefix="/account")


@bp.get("/")
@login_required
def index() -> ResponseReturnValue:
    """Who one is, what one uses, and the password."""
    return _page(PasswordForm(formdata=None))


@bp.post("/password")
@login_required
def change_password() -> ResponseReturnValue:
    """A new password: every other session ends, this one gets a new token."""
    form = PasswordForm()
    if not form.validate():
        return _page(form), HTTPStatus.UNPROCESSABLE_ENTITY
    user = current_user._get_current_object()  # noqa: SLF001 - Flask-Login's way to the user behind the proxy
    try:
        accounts.change_password(user, form.current.data, form.password.data, address=request.remote_addr or "")
    except (WrongPassword, Refused) as exc:
        field = form.current if isinstance(exc, WrongPassword) else form.password
        field.errors = [*field.errors, exc.message]
        return _page(form), HTTPStatus.UNPROCESSABLE_ENTITY
    response = begin_session(user, remember=False, target=url_for(".index"))
    flash("Your password is changed. You are signed out everywhere else.")
    return response


@bp.get("/sessions")
@login_required
def sessions() -> ResponseReturnValue:
    """The account's page, until there is a list of sessions."""
    return redirect(url_for(".index"))


def _page(form: PasswordForm) -> str:
    return render_template(
        "account/index.html",
        form=form,
        used=library.bytes_used(current_user.id),
        quota=settings.user_quota_bytes,
        place=Place("account"),
    )

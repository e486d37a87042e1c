"""The end of one's account."""

from http import HTTPStatus

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required, logout_user

from webapp.errors import TooMany, WrongPassword
from webapp.services import departures
from webapp.web.errors import mark, on_form, on_page
from webapp.web.forms import DeletionForm
from webapp.web.language import gettext
from webapp.web.place import Place
from webapp.words import N_

bp = Blueprint("deletion", __name__, url_prefix="/account/delete")


@bp.get("")
@login_required
def index() -> ResponseReturnValue:
    """What it means, and the form that asks for the password."""
    return _page(DeletionForm(formdata=None))


@bp.post("")
@login_required
def delete() -> ResponseReturnValue:
    """Remove the account with all that belongs to it."""
    form = DeletionForm()
    if not form.validate():
        return on_form(form, _page(form))
    user = current_user._get_current_object()  # noqa: SLF001 - Flask-Login's way to the user behind the proxy
    try:
        departures.leave(user, form.password.data, address=request.remote_addr or "")
    except (WrongPassword, TooMany) as exc:
        mark(form.password, exc)
        return on_page(_page(form), exc)
    logout_user()
    session.clear()
    flash(gettext("Your account is deleted."))
    response = redirect(url_for("auth.login"), HTTPStatus.SEE_OTHER)
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


def _page(form: DeletionForm) -> str:
    place = Place("account", title=gettext(N_("Delete your account?")))
    return render_template("account/delete.html", form=form, told=departures.of(current_user), place=place)

"""Another e-mail address for one's account: asked for, confirmed from there, or taken back."""

from http import HTTPStatus

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from webapp.errors import Refused, TooMany, WrongPassword
from webapp.services import confirmations
from webapp.web.errors import mark, on_form, on_page
from webapp.web.forms import AddressForm
from webapp.web.language import gettext
from webapp.web.place import Place
from webapp.words import N_

bp = Blueprint("address", __name__, url_prefix="/account/address")


@bp.get("")
@login_required
def index() -> ResponseReturnValue:
    """The form for another one."""
    return _page(AddressForm(formdata=None))


@bp.post("")
@login_required
def ask() -> ResponseReturnValue:
    """A letter goes to the new address; the old one stays until it is confirmed, and is told."""
    form = AddressForm()
    if not form.validate():
        return on_form(form, _page(form))
    user = current_user._get_current_object()  # noqa: SLF001 - Flask-Login's way to the user behind the proxy
    try:
        confirmations.ask_address(user, form.email.data, form.current.data, address=request.remote_addr or "")
    except (WrongPassword, TooMany, Refused) as exc:
        mark(form.email if isinstance(exc, Refused) else form.current, exc)
        return on_page(_page(form), exc)
    flash(gettext("A letter is on its way to your new address. The change is made once you open its link."))
    return redirect(url_for("account.index"), HTTPStatus.SEE_OTHER)


@bp.post("/withdraw")
@login_required
def withdraw() -> ResponseReturnValue:
    """Keep the old one after all."""
    confirmations.withdraw_address(current_user._get_current_object())  # noqa: SLF001 - see above
    flash(gettext("Your address stays as it is."))
    return redirect(url_for("account.index"), HTTPStatus.SEE_OTHER)


def _page(form: AddressForm) -> str:
    place = Place("account", title=gettext(N_("Change your address")))
    return render_template("account/address.html", form=form, place=place)

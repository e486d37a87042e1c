"""One's own account."""

from collections.abc import Mapping, Sequence
from functools import cache
from http import HTTPStatus

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required
from wtforms import Field

from webapp.db import utcnow
from webapp.errors import AppError, Refused, TooMany, WrongPassword
from webapp.extensions import settings
from webapp.services import accounts, library, preferences
from webapp.web import language
from webapp.web.auth import begin_session
from webapp.web.errors import mark, on_form, on_page
from webapp.web.forms import PasswordForm, PreferencesForm
from webapp.web.language import gettext
from webapp.web.place import Place
from webapp.words import N_

bp = Blueprint("account", __name__, url_prefix="/account")

# What is in no region is an old name for something that is, or a fixed distance from UTC.
REGIONS = (
    *(N_("Africa"), N_("America"), N_("Antarctica"), N_("Arctic"), N_("Asia"), N_("Atlantic")),
    *(N_("Australia"), N_("Europe"), N_("Indian"), N_("Pacific")),
)


@bp.get("/")
@login_required
def index() -> ResponseReturnValue:
    """Who one is, what one uses, how one wants it, and the password."""
    return _page()


@bp.post("/preferences")
@login_required
def save_preferences() -> ResponseReturnValue:
    """How pages look and call, from now on."""
    form = PreferencesForm()
    if not form.validate():
        return on_form(form, _page(preferences_form=form))
    preferences.save(
        current_user,
        theme=form.theme.data,
        language=form.language.data,
        time_zone=form.time_zone.data,
        alerts=form.alerts.data,
        has_system_notifications=form.system_notifications.data,
        has_sound=form.sound.data,
        has_shortcuts=form.shortcuts.data,
    )
    g.pop("reader", None)  # what is said from here on is said in the language that was just chosen
    flash(gettext("Saved."))
    return redirect(url_for(".index"), HTTPStatus.SEE_OTHER)


@bp.post("/password")
@login_required
def change_password() -> ResponseReturnValue:
    """A new password: every other session ends, this one gets a new token."""
    form = PasswordForm()
    if not form.validate():
        return on_form(form, _page(password_form=form))
    user = current_user._get_current_object()  # noqa: SLF001 - Flask-Login's way to the user behind the proxy
    try:
        accounts.change_password(user, form.current.data, form.password.data, address=request.remote_addr or "")
    except (WrongPassword, TooMany) as exc:
        return _refused(form, form.current, exc)
    except Refused as exc:
        return _refused(form, form.password, exc)
    response = begin_session(user, remember=False, target=url_for(".index"))
    flash(gettext("Your password is changed. You are signed out everywhere else."))
    return response


@cache
def zones_by_region() -> Mapping[str, Sequence[tuple[str, str]]]:
    """The time zones that one may choose: their names, and what to call them within their region."""
    found: dict[str, list[tuple[str, str]]] = {region: [] for region in REGIONS}
    for name in preferences.zones():
        region, _, place = name.partition("/")
        if place and region in found:
            found[region].append((place.replace("_", " ").replace("/", ": "), name))
    return {region: [(name, place) for place, name in sorted(places)] for region, places in found.items()}


def _refused(form: PasswordForm, field: Field, error: AppError) -> ResponseReturnValue:
    mark(field, error)
    return on_page(_page(password_form=form), error)


def _page(*, preferences_form: PreferencesForm | None = None, password_form: PasswordForm | None = None) -> str:
    used = library.bytes_used(current_user.id)
    browsers_zone = request.cookies.get(language.ZONE_COOKIE, "")
    return render_template(
        "account/index.html",
        form=preferences_form or PreferencesForm.of(current_user),
        password_form=password_form or PasswordForm(formdata=None),
        used=used,
        left=max(0, settings.user_quota_bytes - used),
        quota=settings.user_quota_bytes,
        regions=zones_by_region(),
        browsers_zone=browsers_zone if browsers_zone in preferences.zones() else "",
        now=utcnow(),
        place=Place("account"),
    )

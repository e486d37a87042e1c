"""Where one is signed in: the sessions of one's account, listed and ended."""

from http import HTTPStatus

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from webapp.models.sign_in import hash_of
from webapp.services import sign_ins
from webapp.web import agents
from webapp.web.language import gettext
from webapp.web.place import Place
from webapp.words import N_

bp = Blueprint("sessions", __name__, url_prefix="/account/sessions")


@bp.get("")
@login_required
def index() -> ResponseReturnValue:
    """All of them, this one first."""
    this = hash_of(current_user.session_token)
    return render_template(
        "account/sessions.html",
        sessions=sorted(sign_ins.standing(current_user), key=lambda each: each.token_hash != this),
        this=this,
        agent=agents.in_words,
        place=Place("account", title=gettext(N_("Where you are signed in"))),
    )


@bp.post("/<int:session_id>/end")
@login_required
def end(session_id: int) -> ResponseReturnValue:
    """End one of them."""
    sign_ins.end(current_user, session_id)
    flash(gettext("That session has ended."))
    return redirect(url_for(".index"), HTTPStatus.SEE_OTHER)


@bp.post("/end")
@login_required
def end_others() -> ResponseReturnValue:
    """End all but this one."""
    sign_ins.end_others(current_user, current_user.session_token)
    flash(gettext("You are signed out everywhere else."))
    return redirect(url_for(".index"), HTTPStatus.SEE_OTHER)

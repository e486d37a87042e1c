"""The front door."""

from flask import Blueprint, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

bp = Blueprint("home", __name__)


@bp.get("/")
def index() -> ResponseReturnValue:
    """To one's files, or to the sign-in form."""
    return redirect(url_for("files.index" if current_user.is_authenticated else "auth.login"))

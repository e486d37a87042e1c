"""The poller, the inbox, and what a user does with a notification."""

from collections.abc import Callable, Collection
from http import HTTPStatus

import sqlalchemy as sa
from flask import Blueprint, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from webapp.db import db
from webapp.errors import BadRequest, NotFound, NotSignedIn
from webapp.models import Notification, SignIn, User
from webapp.services import notifications
from webapp.web import htmx, live

bp = Blueprint("notifications", __name__)

PAGE_SIZE = 50
# What both databases take for a whole number.
LARGEST_NUMBER = 2**63 - 1
MOST_AT_ONCE = 1000
_FILTERS = {"unread": Notification.unread_by, "failed": Notification.failed_for}


@bp.get("/alerts/poll")
def poll() -> ResponseReturnValue:
    """204 when nothing is new, after one query and without loading the user; else what has changed."""
    version = db.session.scalar(SignIn.version(session.get("_user_id", "")))
    if version is None:
        raise NotSignedIn
    asked = _version_seen()
    if asked == version:
        return "", HTTPStatus.NO_CONTENT
    place = live.Place.of_request()
    if not live.is_there(place):  # deleted elsewhere: the page that shows it has nothing more to show
        return "", HTTPStatus.OK, {"HX-Redirect": url_for("files.index")}
    return live.news(asked, place)


@bp.get("/notifications/")
@login_required
def index() -> ResponseReturnValue:
    """The inbox: all that one was ever told, newest first."""
    chosen = request.args.get("filter", "")
    query = _FILTERS.get(chosen, Notification.of)(current_user)
    total = db.session.scalar(sa.select(sa.func.count()).select_from(query.order_by(None).subquery())) or 0
    count = max(1, -(-total // PAGE_SIZE))
    number = min(max(1, request.args.get("page", 1, type=int)), count)
    items = db.session.scalars(query.limit(PAGE_SIZE).offset((number - 1) * PAGE_SIZE)).all()
    return render_template(
        "notifications/index.html",
        items=items,
        number=number,
        count=count,
        chosen=chosen if chosen in _FILTERS else "",
        place=live.Place("inbox"),
    )


@bp.post("/notifications/<int:notification_id>/dismiss")
@login_required
def dismiss(notification_id: int) -> ResponseReturnValue:
    """Put one away."""
    return _change(notifications.dismiss, [notification_id])


@bp.post("/notifications/<int:notification_id>/restore")
@login_required
def restore(notification_id: int) -> ResponseReturnValue:
    """Let one stand again."""
    return _change(notifications.restore, [notification_id])


@bp.post("/notifications/dismiss")
@login_required
def dismiss_many() -> ResponseReturnValue:
    """Put those away whose `ids` are sent."""
    return _change(notifications.dismiss, _ids())


@bp.post("/notifications/restore")
@login_required
def restore_many() -> ResponseReturnValue:
    """Let those stand again whose `ids` are sent."""
    return _change(notifications.restore, _ids())


def _change(deed: Callable[[User, Collection[int]], None], ids: list[int]) -> ResponseReturnValue:
    if any(abs(each) > LARGEST_NUMBER for each in ids):
        raise NotFound
    if len(ids) > MOST_AT_ONCE:
        raise BadRequest
    deed(current_user, ids)
    if htmx.asked():
        return live.news(_version_seen(), live.Place.of_request())
    return redirect(htmx.where_one_was(url_for(".index")), HTTPStatus.SEE_OTHER)


def _version_seen() -> int:
    """What the page knows already; 0 for a page that does not say."""
    return min(max(0, request.args.get("v", 0, type=int)), LARGEST_NUMBER)


def _ids() -> list[int]:
    try:
        return [int(each) for each in request.form.getlist("ids")]
    except ValueError as exc:
        raise BadRequest from exc

"""The poller, the inbox, and what a user does with a notification."""

from collections.abc import Callable, Collection, Sequence
from http import HTTPStatus

from flask import Blueprint, flash, make_response, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from webapp.db import peek
from webapp.errors import BadRequest, NotFound, NotSignedIn
from webapp.models import SignIn, User
from webapp.services import notifications, removals
from webapp.web import htmx, inbox, live
from webapp.web.language import gettext
from webapp.web.place import Place

bp = Blueprint("notifications", __name__)

# What both databases take for a whole number.
LARGEST_NUMBER = 2**63 - 1
MOST_AT_ONCE = 1000


@bp.get("/alerts/poll")
def poll() -> ResponseReturnValue:
    """204 when nothing is new, after one query and without loading the user; else what has changed."""
    found = peek(*SignIn.version(session.get("_user_id", "")))
    if found is None:
        raise NotSignedIn
    version, user_id = found
    if request.args.get("u", user_id, type=int) != user_id:
        # Somebody else has signed in meanwhile in this browser: the page goes before it shows what is theirs.
        return "", HTTPStatus.OK, {"HX-Refresh": "true"}
    asked = _version_seen()
    shows_places = "ahead" in request.args
    if asked == version and not (shows_places and live.has_moved()):
        return "", HTTPStatus.NO_CONTENT
    place = Place.of_request()
    if not place.is_there:  # deleted elsewhere: the page that shows it has nothing more to show
        if place.file_id and removals.is_known(user_id, place.file_id):
            flash(gettext("The file whose page was open has been deleted."))
        return "", HTTPStatus.OK, {"HX-Redirect": url_for("files.index")}
    return live.news(asked, place)


@bp.get("/notifications/")
@login_required
def index() -> ResponseReturnValue:
    """The inbox: all that one was ever told, newest first."""
    place = Place.of_request("inbox")
    page = inbox.page_of(current_user, place)
    live.of_page(page.shown)
    return render_template("notifications/index.html", inbox=page, place=place)


@bp.post("/notifications/<int:notification_id>/dismiss")
@login_required
def dismiss(notification_id: int) -> ResponseReturnValue:
    """Put one away."""
    return _dismiss([notification_id])


@bp.post("/notifications/<int:notification_id>/restore")
@login_required
def restore(notification_id: int) -> ResponseReturnValue:
    """Let one stand again."""
    return _restore([notification_id])


@bp.post("/notifications/dismiss")
@login_required
def dismiss_many() -> ResponseReturnValue:
    """Put those away whose `ids` are sent."""
    return _dismiss(_ids())


@bp.post("/notifications/restore")
@login_required
def restore_many() -> ResponseReturnValue:
    """Let those stand again whose `ids` are sent."""
    return _restore(_ids())


def _dismiss(ids: Sequence[int]) -> ResponseReturnValue:
    _change(notifications.dismiss, ids)
    if htmx.asked():
        return _news(dismissed=ids)
    live.remember_dismissed(ids)
    return _back()


def _restore(ids: Sequence[int]) -> ResponseReturnValue:
    _change(notifications.restore, ids)
    return _news() if htmx.asked() else _back()


def _change(deed: Callable[[User, Collection[int]], None], ids: Sequence[int]) -> None:
    if any(abs(each) > LARGEST_NUMBER for each in ids):
        raise NotFound
    if len(ids) > MOST_AT_ONCE:
        raise BadRequest
    deed(current_user, ids)


def _news(dismissed: Sequence[int] = ()) -> ResponseReturnValue:
    return htmx.poll_now(make_response(live.news(_version_seen(), Place.of_request(), dismissed=dismissed)))


def _back() -> ResponseReturnValue:
    return redirect(htmx.where_one_was(url_for(".index")), HTTPStatus.SEE_OTHER)


def _version_seen() -> int:
    """What the page knows already; less than any version for a page that does not say."""
    return min(max(-1, request.args.get("v", -1, type=int)), LARGEST_NUMBER)


def _ids() -> list[int]:
    try:
        return [int(each) for each in request.form.getlist("ids")]
    except ValueError as exc:
        raise BadRequest from exc

"""Errors as pages, fragments or JSON, in the user's words."""

import json
import logging
import uuid
from http import HTTPStatus
from typing import Any

import sqlalchemy.exc
from flask import Flask, Response, g, jsonify, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf.csrf import CSRFError, generate_csrf
from werkzeug.exceptions import HTTPException

from webapp.db import db
from webapp.errors import (
    AppError,
    FormExpired,
    NotFound,
    NotSignedIn,
    PartsMissing,
    StorageFull,
    TooLarge,
    TooMany,
    Unavailable,
)
from webapp.extensions import settings
from webapp.web import htmx, language, live
from webapp.words import N_

log = logging.getLogger(__name__)

FOR_PROGRAMS = ("/uploads", "/transcode-complete", "/healthz", "/readyz")
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")

_SENTENCES = {
    HTTPStatus.BAD_REQUEST: N_("We could not understand that request. Please reload the page and try again."),
    HTTPStatus.FORBIDDEN: N_("This is not allowed here."),
    HTTPStatus.NOT_FOUND: NotFound.message,
    HTTPStatus.METHOD_NOT_ALLOWED: N_("This address does not do that."),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: TooLarge.message,
    HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE: N_("The file has no such part."),
}


def init_app(app: Flask) -> None:
    """Let every error of the app find its way to the user."""
    app.before_request(_number_request)
    app.register_error_handler(AppError, tell)
    app.register_error_handler(CSRFError, lambda _: tell(FormExpired()))
    app.register_error_handler(HTTPException, _of_http)
    app.register_error_handler(sqlalchemy.exc.OperationalError, _of_database)
    app.register_error_handler(sqlalchemy.exc.TimeoutError, _of_database)
    app.register_error_handler(Exception, _of_nobody)


def _number_request() -> None:
    g.request_id = uuid.uuid4().hex[:16]


def tell(error: AppError) -> ResponseReturnValue:
    """The answer that tells of it: a page, a fragment or JSON."""
    if isinstance(error, NotSignedIn):
        return _ask_to_sign_in(error)
    more = {"missing": error.missing} if isinstance(error, PartsMissing) else {}
    response = _answer(error.status, in_words(error), error.__class__.__name__, **more)
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, FormExpired) and not takes_page() and current_user.is_authenticated:
        # The page may go on by itself if it is still this user's.
        fresh = {"token": generate_csrf(), "user": current_user.id}
        response.headers["HX-Trigger"] = json.dumps({"fresh-token": fresh})
    return response


def in_words(error: AppError) -> str:
    """What to tell of it; where one has to wait, how long."""
    if not isinstance(error, TooMany):
        return language.say(error)
    minutes = -(-error.retry_after // 60)
    return language.ngettext(
        "Too many attempts. Please try again in {count} minute.",
        "Too many attempts. Please try again in {count} minutes.",
        minutes,
    ).format(count=minutes)


def _of_http(error: HTTPException) -> ResponseReturnValue:
    status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
    if status < HTTPStatus.BAD_REQUEST:
        return error.get_response()
    response = _answer(
        status, language.gettext(_SENTENCES.get(status, f"{status.phrase}.")), status.phrase.replace(" ", "")
    )
    response.headers.extend((k, v) for k, v in error.get_headers() if k in ("Allow", "Content-Range"))
    return response


def _of_database(error: sqlalchemy.exc.SQLAlchemyError) -> ResponseReturnValue:
    """Busy, full or gone: our trouble, and it passes."""
    db.session.rollback()
    reason = str(getattr(error, "orig", None) or error)
    log.warning("request %s: the database: %s", g.get("request_id"), reason)
    return tell(StorageFull() if "is full" in reason else Unavailable())


def _of_nobody(error: Exception) -> ResponseReturnValue:
    # An address with a token in it is as good as a password.
    has_token = request.url_rule and "token" in (request.view_args or {})
    path = request.url_rule.rule if request.url_rule and has_token else request.path
    log.error("request %s: %s %s", g.get("request_id"), request.method, path, exc_info=error)
    return _answer(HTTPStatus.INTERNAL_SERVER_ERROR, language.say(AppError()), "InternalError")


def _ask_to_sign_in(error: NotSignedIn) -> ResponseReturnValue:
    is_page = request.method in ("GET", "HEAD")
    target = request.full_path.rstrip("?") if is_page else None
    if htmx.asked():
        # The poller's own address is no page to come back to; the page that holds it is.
        sign_in = url_for("auth.login", next=htmx.where_one_was(url_for("files.index")))
        return Response(status=HTTPStatus.UNAUTHORIZED, headers={"HX-Redirect": sign_in})
    if is_page and not _wants_json():
        return redirect(url_for("auth.login", next=htmx.safe_path(target)))
    return _answer(error.status, language.say(error), error.__class__.__name__)


def _answer(status: HTTPStatus, message: str, name: str, **more: object) -> Response:
    told: dict[str, Any] = {"error": name, "message": message, "request_id": g.get("request_id", ""), **more}
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        live.leave_out()
    if _wants_json():
        response = jsonify(told)
    elif htmx.asked():
        response = make_response(render_template("errors/_message.html", status=status, **told))
    else:
        response = _page(status, told)
    response.status_code = status
    return response


def _page(status: HTTPStatus, told: dict[str, Any]) -> Response:
    here = htmx.safe_path(request.full_path.rstrip("?")) if request.method in ("GET", "HEAD") else None
    before = htmx.where_one_was("")
    # A link from the page to itself is no way on.
    told |= {
        "status": status,
        "here": here,
        "before": before if before != here else "",
        "limit": settings.max_upload_bytes,
    }
    try:
        return make_response(render_template("errors/error.html", **told))
    except sqlalchemy.exc.SQLAlchemyError:  # what the page shows beside the error needs a database that is not there
        db.session.rollback()
        live.leave_out()
        return make_response(render_template("errors/error.html", **told))


def takes_page() -> bool:
    """Whether the answer to this request is a whole page."""
    return not htmx.asked() and not _wants_json()


def _wants_json() -> bool:
    if htmx.asked():
        return False
    best = request.accept_mimetypes.best_match(["text/html", "application/json"], default="text/html")
    is_form = request.method == "POST" and request.mimetype in FORMS  # of a page without scripts
    is_for_programs = request.path.startswith(FOR_PROGRAMS) and not is_form
    return best == "application/json" or request.is_json or is_for_programs

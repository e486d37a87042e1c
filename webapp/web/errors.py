"""Errors as pages, fragments or JSON, in the user's words."""

import json
import logging
import uuid
from http import HTTPStatus
from typing import Any

import sqlalchemy.exc
import sqlalchemy.orm.exc
from flask import Flask, Response, g, jsonify, make_response, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, logout_user
from flask_wtf import FlaskForm
from flask_wtf.csrf import CSRFError, generate_csrf
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect
from wtforms import Field

from webapp import logs
from webapp.db import db
from webapp.errors import (
    AppError,
    Crowded,
    FormExpired,
    NotFound,
    NotSignedIn,
    PartsMissing,
    Refused,
    StorageFull,
    TooMany,
    Unavailable,
)
from webapp.extensions import settings
from webapp.models import SignIn
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
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: N_("This is more than we take at once."),
    HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE: N_("The file has no such part."),
}


def init_app(app: Flask) -> None:
    """Let every error of the app find its way to the user."""
    app.before_request(_number_request)
    app.after_request(_stay_here)
    app.register_error_handler(AppError, tell)
    app.register_error_handler(CSRFError, lambda _: tell(FormExpired()))
    app.register_error_handler(HTTPException, _of_http)
    app.register_error_handler(sqlalchemy.exc.OperationalError, _of_database)
    app.register_error_handler(sqlalchemy.exc.TimeoutError, _of_database)
    for kind in (sqlalchemy.exc.IntegrityError, sqlalchemy.orm.exc.ObjectDeletedError):
        app.register_error_handler(kind, _of_what_went)
    app.register_error_handler(Exception, _of_nobody)


def _number_request() -> None:
    g.request_id = uuid.uuid4().hex[:16]


def _stay_here(response: Response) -> Response:
    """Werkzeug sends whoever leaves a slash out to a whole address, at whatever host was asked for."""
    if isinstance(request.routing_exception, RequestRedirect):
        parts = htmx.parts_of(response.location)
        path = htmx.safe_path(parts.path + (f"?{parts.query}" if parts.query else "")) or "/"
        response.location = path
        response.set_data(redirect(path).get_data())
    return response


def tell(error: AppError) -> ResponseReturnValue:
    """The answer that tells of it: a page, a fragment or JSON."""
    if isinstance(error, NotSignedIn):
        return _ask_to_sign_in(error)
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.warning("%s: %s", _which(), logs.said(error.__cause__ or error))
    more = {"missing": error.missing} if isinstance(error, PartsMissing) else {}
    response = _answer(error.status, in_words(error), error.__class__.__name__, **more)
    if isinstance(error, TooMany | Crowded):
        response.headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, FormExpired) and not takes_page() and current_user.is_authenticated:
        # The page may go on by itself if it is still this user's.
        fresh = {"token": generate_csrf(), "user": current_user.id}
        response.headers["HX-Trigger"] = json.dumps({"fresh-token": fresh})
    return response


def mark(field: Field, error: AppError) -> None:
    """Tell of it beside the field that it is about."""
    field.errors = [*field.errors, in_words(error)]


def on_form(form: FlaskForm, page: str) -> ResponseReturnValue:
    """The answer to a form that is not in order: the page with it, or what is first wrong with it for a program."""
    return on_page(page, Refused(next(str(errors[0]) for errors in form.errors.values())))


def on_page(page: str, error: AppError) -> ResponseReturnValue:
    """The answer that tells of it on a page with the form that was refused; for a program, as it is told elsewhere."""
    if not takes_page():
        return tell(error)
    return page, error.status, {"Retry-After": str(error.retry_after)} if isinstance(error, TooMany) else {}


def in_words(error: AppError) -> str:
    """What to tell of it; where one has to wait, how long."""
    if type(error) is not TooMany:  # the others say by themselves what is to be waited for
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
    told = StorageFull() if "is full" in str(error) else Unavailable()
    told.__cause__ = error
    return tell(told)


def _of_what_went(error: Exception) -> ResponseReturnValue:
    """From another tab the account may have been deleted, or signed out, while this request was under way."""
    db.session.rollback()
    token = session.get("_user_id")
    if token and db.session.scalar(SignIn.valid(token)) is None:
        logout_user()
        return tell(NotSignedIn())
    return _of_nobody(error)


def _of_nobody(error: Exception) -> ResponseReturnValue:
    log.error("%s:\n%s", _which(), logs.trace(error))
    return _answer(HTTPStatus.INTERNAL_SERVER_ERROR, language.say(AppError()), "InternalError")


def _which() -> str:
    """The request by its number, for the log, and what it asked for: not by its address, which may hold a token."""
    rule = request.url_rule.rule if request.url_rule else "an address that there is not"
    ids = [str(value) for value in (request.view_args or {}).values() if isinstance(value, (uuid.UUID, int))]
    return " ".join(("request", str(g.get("request_id")), request.method, rule, *ids))


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

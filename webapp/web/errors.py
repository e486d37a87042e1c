"""Errors as pages, fragments or JSON, in the user's words."""

import logging
import uuid
from http import HTTPStatus
from typing import Any

import sqlalchemy.exc
from flask import Flask, Response, g, jsonify, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from webapp.db import db
from webapp.errors import AppError, FormExpired, NotFound, NotSignedIn, StorageFull, TooLarge, TooMany, Unavailable
from webapp.web import htmx, language, live
from webapp.words import N_

log = logging.getLogger(__name__)

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
    app.register_error_handler(AppError, _of_ours)
    app.register_error_handler(CSRFError, lambda _: _of_ours(FormExpired()))
    app.register_error_handler(HTTPException, _of_http)
    app.register_error_handler(sqlalchemy.exc.OperationalError, _of_database)
    app.register_error_handler(sqlalchemy.exc.TimeoutError, _of_database)
    app.register_error_handler(Exception, _of_nobody)


def _number_request() -> None:
    g.request_id = uuid.uuid4().hex[:16]


def _of_ours(error: AppError) -> ResponseReturnValue:
    if isinstance(error, NotSignedIn):
        return _ask_to_sign_in(error)
    response = _answer(error.status, language.say(error), error.__class__.__name__)
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


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
    return _of_ours(StorageFull() if "is full" in reason else Unavailable())


def _of_nobody(error: Exception) -> ResponseReturnValue:
    log.error("request %s: %s %s", g.get("request_id"), request.method, request.path, exc_info=error)
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


def _answer(status: HTTPStatus, message: str, name: str) -> Response:
    told = {"error": name, "message": message, "request_id": g.get("request_id", "")}
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        live.leave_out()
    if _wants_json():
        response = jsonify(told)
    elif htmx.asked():
        response = make_response(render_template("errors/_message.html", **told))
    else:
        response = _page(status, told)
    response.status_code = status
    return response


def _page(status: HTTPStatus, told: dict[str, Any]) -> Response:
    try:
        return make_response(render_template("errors/error.html", status=status, **told))
    except sqlalchemy.exc.SQLAlchemyError:  # what the page shows beside the error needs a database that is not there
        db.session.rollback()
        live.leave_out()
        return make_response(render_template("errors/error.html", status=status, **told))


def _wants_json() -> bool:
    best = request.accept_mimetypes.best_match(["text/html", "application/json"], default="text/html")
    return best == "application/json" or request.is_json or request.path.startswith(("/healthz", "/readyz"))

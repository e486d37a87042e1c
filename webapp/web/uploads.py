"""Uploads in parts, for programs: ours in the browser, that in scripts/, and others'. They are told in JSON."""

import re
import sys
import uuid
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, jsonify, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from webapp.db import db
from webapp.errors import BadRequest, NotFound
from webapp.extensions import csrf
from webapp.models import Upload, User
from webapp.services import completion, library, uploads
from webapp.web import body, htmx, tokens

bp = Blueprint("uploads", __name__, url_prefix="/uploads")


@bp.post("")
@login_required
def begin() -> ResponseReturnValue:
    """Begin an upload, or go on with that of the same file."""
    asked = _asked()
    size, presets = _read(asked, "size", int), _read(asked, "presets", list, [])
    if not all(isinstance(name, str) for name in presets):
        raise BadRequest
    upload, is_new = uploads.begin(
        _user(),
        _read(asked, "name", str),
        size,
        library.chosen(current_user, presets),
        fingerprint=_read(asked, "fp", str, ""),
        batch=_number(asked.get("batch")),
        is_copy=_read(asked, "copy", bool, False),  # noqa: FBT003 - what it is if it is not said
    )
    told = _told(upload)
    if not upload.is_copy:
        told |= _alike(upload, _read(asked, "checksum", str, ""))
    return jsonify(told), HTTPStatus.CREATED if is_new else HTTPStatus.OK


@bp.get("/<uuid:upload_id>")
@login_required
def show(upload_id: uuid.UUID) -> ResponseReturnValue:
    """How far it is, and where the next hundred parts go."""
    return jsonify(_told(uploads.find(current_user, upload_id), request.args.get("from", 1, type=int)))


# Flask-WTF's check would take a body that says it is a form for one, and read it.
@bp.put("/<uuid:upload_id>/parts/<int:number>")
@csrf.exempt
@login_required
def put_part(upload_id: uuid.UUID, number: int) -> ResponseReturnValue:
    """Take one part; the body is its bytes."""
    tokens.check()
    request.max_content_length = sys.maxsize  # it is measured as it passes
    chunks = body.chunks(request.stream)
    part = uploads.put_part(_user(), upload_id, number, chunks, length=request.content_length)
    response = Response(status=HTTPStatus.NO_CONTENT)
    response.set_etag(part.etag)
    return response


@bp.post("/<uuid:upload_id>/complete")
@login_required
def complete(upload_id: uuid.UUID) -> ResponseReturnValue:
    """Make a file of it. Again gives the same file."""
    file, is_new = completion.complete(_user(), upload_id)
    told = {"file": file.id, "name": file.name, "href": url_for("files.show", file_id=file.id)}
    response = jsonify(told)
    response.status_code = HTTPStatus.CREATED if is_new else HTTPStatus.OK
    return htmx.poll_now(response)


@bp.delete("/<uuid:upload_id>")
@login_required
def discard(upload_id: uuid.UUID) -> ResponseReturnValue:
    """Forget an unfinished upload."""
    uploads.discard(_user(), upload_id)
    return Response(status=HTTPStatus.NO_CONTENT)


@bp.post("/<uuid:upload_id>/delete")
@login_required
def discard_by_form(upload_id: uuid.UUID) -> ResponseReturnValue:
    """The same for a page. Doing it twice is no error."""
    with suppress(NotFound):
        uploads.discard(_user(), upload_id)
    return make_response("") if htmx.asked() else redirect(url_for("files.index"), HTTPStatus.SEE_OTHER)


def _user() -> User:
    """The signed-in user, with no transaction open."""
    user: User = current_user._get_current_object()  # noqa: SLF001 - Flask-Login's way to the user behind the proxy
    db.session.rollback()
    return user


def _told(upload: Upload, first: int = 1) -> dict[str, Any]:
    told = {
        "id": upload.id,
        "part_size": upload.part_size,
        "parts": upload.count,
        "have": uploads.have(upload),
    }
    urls = uploads.addresses(upload, max(1, first))
    return told | ({"urls": urls} if urls else {})


def _alike(upload: Upload, mark: str) -> dict[str, Any]:
    """What is here that may be the same file: that there is such a one, or which it is if the checksum is told."""
    if mark and not re.fullmatch("[0-9a-f]{64}", mark):
        raise BadRequest
    if not mark:
        return {"alike": True} if library.has_alike(upload.owner_id, upload.size) else {}
    known = completion.renew_known(_user(), upload.size, mark)
    if known is None:
        return {}
    file_id, name = known
    return {"known": {"file": file_id, "name": name, "href": url_for("files.show", file_id=file_id)}}


def _asked() -> dict[str, Any]:
    try:
        asked = request.get_json(silent=True)
    except RecursionError as exc:
        raise BadRequest from exc
    if not isinstance(asked, dict):
        raise BadRequest
    return asked


def _read(asked: dict[str, Any], name: str, kind: type, *usual: Any) -> Any:
    """What was said, if it is of this kind; the usual if nothing was."""
    value = asked.get(name)
    if value is None and usual:
        return usual[0]
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise BadRequest
    return value


def _number(text: object) -> uuid.UUID | None:
    try:
        return uuid.UUID(str(text)) if text else None
    except ValueError as exc:
        raise BadRequest from exc

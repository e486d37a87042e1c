"""The form that takes files, read as it arrives: nothing of it is kept before we know who sends it."""

import sys
import uuid
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import parse_qs

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required
from werkzeug.http import parse_options_header

from webapp.db import db
from webapp.errors import AppError, BadRequest, CutOff, Refused
from webapp.extensions import csrf
from webapp.models import AudioFile, User
from webapp.services import library, originals
from webapp.web import htmx, language, live, tokens
from webapp.web.multipart import StreamedForm
from webapp.words import N_

bp = Blueprint("originals", __name__)


@dataclass
class Received:
    """What became of the files of one form."""

    files: list[AudioFile] = field(default_factory=list)
    refusals: list[tuple[str, AppError]] = field(default_factory=list)


# Flask-WTF's check reads the whole form first, for anybody; this one reads the token before the sound.
@bp.post("/files/")
@csrf.exempt
@login_required
def create() -> ResponseReturnValue:
    """Take one or several files. Each stands alone; if none is accepted, the first refusal is the answer."""
    user = current_user._get_current_object()  # noqa: SLF001 - Flask-Login's way to the user behind the proxy
    db.session.rollback()  # no transaction is open while bytes are waited for
    received = _receive(user, _form())
    if not received.files and not received.refusals:
        raise Refused(N_("Choose at least one file."))
    if not received.files and not htmx.asked():
        raise received.refusals[0][1]
    if htmx.asked():
        return _rows(received)
    if received.refusals:
        count = len(received.files)
        flash(
            language.ngettext("{count} file was accepted.", "{count} files were accepted.", count).format(count=count)
        )
    for name, error in received.refusals:
        flash(f"{name}: {language.say(error)}", "bad")
    return redirect(url_for("files.index"), HTTPStatus.SEE_OTHER)


def _form() -> StreamedForm:
    kind, options = parse_options_header(request.headers.get("Content-Type"))
    if kind != "multipart/form-data" or not options.get("boundary"):
        raise BadRequest
    request.max_content_length = sys.maxsize  # each file is measured on its own as it passes
    return StreamedForm(request.stream, options["boundary"].encode("latin-1", "replace"), request.content_length)


def _receive(user: User, form: StreamedForm) -> Received:
    received = Received()
    for number, (name, chunks) in enumerate(form.files("audio")):
        if number == 0:
            tokens.check(form.fields.get("csrf_token"))
            preset_names = library.chosen(user, form.fields.getlist("presets"))
            once = _once(form.fields.get("once"))
            batch = once or uuid.uuid4()
        if not name:  # a form that is sent with no file chosen has one part without a name
            continue
        try:
            mark = f"{once}:{number}" if once else None
            received.files.append(originals.receive(user, name, chunks, preset_names, batch=batch, once=mark))
        except CutOff:
            raise
        except AppError as exc:
            received.refusals.append((library.clean_name(name), exc))
    tokens.check(form.fields.get("csrf_token"))
    return received


def _rows(received: Received) -> ResponseReturnValue:
    files = [library.find(current_user, file.id) for file in received.files]
    response = make_response(
        render_template(
            "files/_received.html",
            files=files,
            refusals=received.refusals,
            once=uuid.uuid4(),
            places=live.of_page().places,
            are_shown=_shows_what_is_new(),
        )
    )
    response.status_code = HTTPStatus.CREATED if files else received.refusals[0][1].status
    return htmx.poll_now(response)


def _shows_what_is_new() -> bool:
    """Whether the list that the form stands above begins with the newest files, and leaves none out."""
    query = parse_qs(htmx.parts_of(request.headers.get("HX-Current-URL")).query)
    usual = {"sort": ["newest"], "page": ["1"]}
    return all(usual.get(name) == query[name] for name in ("q", "sort", "page") if name in query)


def _once(text: str | None) -> uuid.UUID | None:
    try:
        return uuid.UUID(text) if text else None
    except ValueError as exc:
        raise BadRequest from exc

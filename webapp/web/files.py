"""The list of files, one file, and what can be done with it."""

import mimetypes
import uuid
from http import HTTPStatus
from pathlib import Path

from flask import Blueprint, flash, make_response, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from webapp.db import db
from webapp.errors import NotFound, Refused
from webapp.extensions import settings, storage
from webapp.filenames import EXTENSIONS, disposition
from webapp.models import AudioFile
from webapp.models.audio import SORTS
from webapp.presets import Preset
from webapp.services import jobs, library, notifications, own_presets, removals, selection, uploads
from webapp.web import htmx, live, seats, selected
from webapp.web.labels import label
from webapp.web.language import gettext
from webapp.web.place import Place

bp = Blueprint("files", __name__, url_prefix="/files")
# What the database or a preset has in the language of the source.
bp.add_app_template_filter(gettext, "translated")


@bp.app_context_processor
def _room() -> dict[str, object]:
    """Let the pieces that show it ask for what is used of the quota."""
    return {"room": lambda: library.room(current_user)}


@bp.get("/")
@login_required
def index() -> ResponseReturnValue:
    """The user's files, and the form that takes more."""
    place = Place.of_request("files")
    unfinished = uploads.unfinished(current_user)  # first: the storage is asked, for which the transaction ends
    page = library.listing(current_user, search=place.q, sort=place.sort, page=place.page)
    return render_template(
        "files/index.html",
        page=page,
        place=place,
        places=live.of_page().places,
        sorts=SORTS,
        limit=settings.max_upload_bytes,
        endings=sorted(EXTENSIONS),
        unfinished=unfinished,
        once=uuid.uuid4(),
    )


@bp.get("/<uuid:file_id>")
@login_required
def show(file_id: uuid.UUID) -> ResponseReturnValue:
    """One file. What was told of it counts as seen from now on."""
    library.find(current_user, file_id)
    if request.method == "GET":  # HEAD is asked by programs that look whether a link leads anywhere
        notifications.see(current_user, file_id)
    return page(library.find(current_user, file_id))


@bp.get("/<uuid:file_id>/original")
@login_required
def original(file_id: uuid.UUID) -> ResponseReturnValue:
    """The file as it was uploaded."""
    file = library.find(current_user, file_id)
    guessed = mimetypes.guess_type(file.key)[0] or ""
    is_media = guessed.startswith(("audio/", "video/"))
    ending = file.key.rpartition(".")[2]
    name = file.name if file.name != file.stem or ending == "bin" else f"{file.name}.{ending}"
    return _download(file.key, name, guessed if is_media else "application/octet-stream")


@bp.get("/<uuid:file_id>/renditions/<preset>")
@login_required
def rendition(file_id: uuid.UUID, preset: str) -> ResponseReturnValue:
    """A rendition that is ready."""
    found = library.rendition(current_user, file_id, preset)
    return _download(found.key, f"{found.audio_file.stem}.{found.preset.extension}", found.preset.media_type)


@bp.post("/<uuid:file_id>/jobs")
@login_required
def more(file_id: uuid.UUID) -> ResponseReturnValue:
    """Make more formats of it."""
    jobs.more(current_user, file_id, library.chosen(current_user, request.form.getlist("presets")))
    return _piece(file_id)


@bp.post("/<uuid:file_id>/retry")
@login_required
def retry(file_id: uuid.UUID) -> ResponseReturnValue:
    """Make again what failed or is missing."""
    jobs.retry(current_user, file_id)
    return _row(file_id)


@bp.post("/<uuid:file_id>/cancel")
@login_required
def cancel(file_id: uuid.UUID) -> ResponseReturnValue:
    """Stop what is being made."""
    jobs.cancel(current_user, file_id)
    return _row(file_id)


@bp.post("/<uuid:file_id>/rename")
@login_required
def rename(file_id: uuid.UUID) -> ResponseReturnValue:
    """Give it another name. One that is refused stays in its field, beside the reason."""
    name = request.form.get("name", "")
    try:
        library.rename(current_user, file_id, name)
    except Refused as refused:
        file = library.find(current_user, file_id)
        if _asked_for() == "renaming":
            fragment = render_template("files/_renaming.html", file=file, name=name, refused=refused, oob=True)
            return fragment, refused.status
        kinds = ["text/html", "application/json"]
        if htmx.asked() or request.accept_mimetypes.best_match(kinds, kinds[0]) != kinds[0]:
            raise
        return page(file, name=name, refused=refused), refused.status
    return _piece(file_id)


@bp.get("/<uuid:file_id>/renditions/<preset>/delete")
@login_required
def confirm_delete_rendition(file_id: uuid.UUID, preset: str) -> ResponseReturnValue:
    """What one format less means, before it is done: a page, or what the file's page asks in a dialog."""
    file = library.find(current_user, file_id)
    doomed = next((each for each in file.renditions if each.preset_name == preset), None)
    if doomed is None:
        raise NotFound
    can_return = preset in _choice()
    if htmx.asked():
        return render_template("files/_removing.html", file=file, rendition=doomed, can_return=can_return)
    place = Place("delete", title=file.name)
    return render_template("files/remove.html", file=file, rendition=doomed, can_return=can_return, place=place)


@bp.post("/<uuid:file_id>/renditions/<preset>/delete")
@login_required
def delete_rendition(file_id: uuid.UUID, preset: str) -> ResponseReturnValue:
    """One format less."""
    if jobs.discard(current_user, file_id, preset) and not htmx.asked():
        flash(gettext("{format} is removed.").format(format=label(preset)))
    return _piece(file_id)


@bp.get("/<uuid:file_id>/delete")
@login_required
def confirm_delete(file_id: uuid.UUID) -> ResponseReturnValue:
    """What deleting means, before it is done."""
    return selected.confirmation([library.find(current_user, file_id)])


@bp.post("/<uuid:file_id>/delete")
@login_required
def delete(file_id: uuid.UUID) -> ResponseReturnValue:
    """Remove it with all that was made of it. Twice is no error; what was never one's own is not there."""
    names = selection.do("delete", current_user, [file_id])
    if not names and not removals.is_known(current_user.id, file_id):
        raise NotFound
    if htmx.asked():
        return htmx.poll_now(make_response("", HTTPStatus.OK))
    if names:
        flash(selected.said("delete", names), selected.GONE)
    return redirect(url_for(".index"), HTTPStatus.SEE_OTHER)


def page(file: AudioFile, **also: object) -> str:
    """The page of one file."""
    return render_template(
        "files/show.html",
        file=file,
        more=_more(file),
        places=live.of_page().places,
        place=Place("file", file_id=file.id, title=file.name),
        **also,
    )


def _row(file_id: uuid.UUID, template: str = "files/_row.html") -> ResponseReturnValue:
    file = library.find(current_user, file_id)
    places = live.of_page().places
    page = url_for(".show", file_id=file_id)
    return htmx.fragment_or_redirect(template, page, file=file, places=places, more=_more(file), oob=False)


def _piece(file_id: uuid.UUID) -> ResponseReturnValue:
    """The piece of the file's page that asked for itself, or else the row."""
    pieces = {"renaming": "files/_renamed.html", "more": "files/_more.html"}
    return _row(file_id, pieces.get(_asked_for(), "files/_row.html"))


def _asked_for() -> str:
    """The id of what htmx is going to replace."""
    return request.headers.get("HX-Target", "")


def _more(file: AudioFile) -> list[Preset]:
    known = {rendition.preset_name for rendition in file.renditions}
    return [preset for name, preset in _choice().items() if name not in known]


def _choice() -> dict[str, Preset]:
    """What one may ask for, by name."""
    return {**library.offered(), **{each.recipe_name: each.preset for each in own_presets.of(current_user)}}


def _download(key: str, filename: str, media_type: str) -> ResponseReturnValue:
    """The object as an attachment, or for the page's own player (`?inline=1`), with Range and its length."""
    db.session.rollback()  # no transaction is open while the storage is waited for
    inline = request.args.get("inline") == "1"
    place = storage.locate(key, filename=filename, media_type=media_type, inline=inline)
    if not isinstance(place, Path):
        return redirect(place)
    seats.sit()
    # RFC 9110, 14.2: a Range that we do not understand, or of several parts, is ignored.
    if request.range is None or request.range.units != "bytes" or len(request.range.ranges) != 1:
        request.environ.pop("HTTP_RANGE", None)
    elif -request.range.ranges[0][0] > place.stat().st_size:
        request.environ["HTTP_RANGE"] = "bytes=0-"  # its last so many, of which it has fewer: 14.1.2
    response = send_file(place, mimetype=media_type, conditional=True, etag=True, max_age=0)
    response.headers["Content-Disposition"] = disposition(filename, inline=inline)
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'; frame-ancestors 'none'"
    response.headers["Cache-Control"] = "private, no-cache" if inline else "no-store"
    return response

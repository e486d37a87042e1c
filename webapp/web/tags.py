"""The tags and the cover of a file, shown and changed."""

import json
import uuid
from collections.abc import Mapping

from flask import Flask, Response, flash, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from webapp.adapters.tags import pictures
from webapp.db import db
from webapp.errors import AppError, NotFound, Refused, TooLarge
from webapp.extensions import csrf
from webapp.models import AudioFile
from webapp.services import covers, library, tagging
from webapp.tags import TAGS, Picture
from webapp.web import htmx, tokens
from webapp.web.files import bp, page
from webapp.web.language import gettext
from webapp.words import N_

LABELS = {
    "title": N_("Title"),
    "artist": N_("Artist"),
    "album": N_("Album"),
    "album_artist": N_("Album artist"),
    "track": N_("Track"),
    "date": N_("Date"),
    "genre": N_("Genre"),
    "comment": N_("Comment"),
}
# With a cover that is a little too large, so that the form is answered in words and not cut off.
LONGEST_FORM = 2 * pictures.MOST_BYTES
CHANGED = N_("The tags are changed.")


def init_app(app: Flask) -> None:
    """Tell every template what tags there are. The addresses below are of the files' own blueprint."""
    app.jinja_env.globals.update(
        TAG_LABELS=LABELS, LONGEST_TAG=tagging.LONGEST, LONGEST_COMMENT=tagging.LONGEST_COMMENT
    )


@bp.get("/<uuid:file_id>/cover")
@login_required
def cover(file_id: uuid.UUID) -> ResponseReturnValue:
    """The cover, from us wherever it is kept, as nothing but a picture."""
    file = library.find(current_user, file_id)
    key, mark = file.cover_key, file.cover_mark
    db.session.rollback()  # no transaction is open while the storage is waited for
    picture = covers.fetch(key)
    if picture is None:
        raise NotFound
    response = Response(picture.content, mimetype=picture.media_type)
    response.headers["Content-Disposition"] = f"inline; filename=cover.{picture.extension}"
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'; frame-ancestors 'none'"
    # Another cover has another mark. A page that is polled draws the same one again and again.
    is_lasting = request.args.get("v") == mark
    response.headers["Cache-Control"] = "private, max-age=600" if is_lasting else "no-store"
    return response


# Flask-WTF's check reads the form before anything can be said of its length, and only this one may be so long.
@bp.post("/<uuid:file_id>/tags")
@csrf.exempt
@login_required
def change_tags(file_id: uuid.UUID) -> ResponseReturnValue:
    """Give the file other tags. What is refused stays in its field, beside the reason."""
    request.max_content_length = LONGEST_FORM
    tokens.check(request.form.get("csrf_token"))
    given = {name: request.form[name] for name in TAGS if name in request.form}
    try:
        tagging.edit(
            current_user, file_id, given,
            seen=_seen(), cover=_cover(), is_without_cover=request.form.get("without_cover") == "1",
        )  # fmt: skip
    except (Refused, TooLarge) as refused:
        return _refused(library.find(current_user, file_id), given, refused)
    if not htmx.asked():
        flash(gettext(CHANGED))
    file = library.find(current_user, file_id)
    return htmx.fragment_or_redirect("files/_retagged.html", url_for(".show", file_id=file_id), file=file)


def _seen() -> Mapping[str, str] | None:
    """The tags that the form showed; None if it does not say, or not so that it can be read."""
    try:
        seen = json.loads(request.form.get("seen", ""))
    except (ValueError, RecursionError):  # what is nested deeper than anybody can read is no form of ours
        return None
    return seen if isinstance(seen, dict) else None


def _cover() -> Picture | None:
    """The picture that was chosen, if one was. Raises Refused."""
    sent = request.files.get("cover")
    content = sent.read(pictures.MOST_BYTES + 1) if sent and sent.filename else b""
    return pictures.look(content) if sent and sent.filename else None


def _refused(file: AudioFile, given: Mapping[str, str], refused: AppError) -> ResponseReturnValue:
    if request.headers.get("HX-Target") == "tagging":
        fragment = render_template("files/_tagging.html", file=file, given=given, tags_refused=refused, oob=True)
        return make_response(fragment, refused.status)
    kinds = ["text/html", "application/json"]
    if htmx.asked() or request.accept_mimetypes.best_match(kinds, kinds[0]) != kinds[0]:
        raise refused
    return page(file, given=given, tags_refused=refused), refused.status

"""All that is ready of a file, or of several, in one download, which is made while it is sent."""

import uuid
from collections.abc import Generator, Iterator, Sequence
from datetime import datetime
from functools import partial
from itertools import chain

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from webapp.filenames import disposition
from webapp.models import AudioFile
from webapp.services import archive, library, selection, zipping
from webapp.web import seats
from webapp.web.filters import state
from webapp.web.labels import label
from webapp.web.language import gettext, zone

bp = Blueprint("archives", __name__, url_prefix="/files")


@bp.app_template_global("bytes_ready")
def bytes_ready(file: AudioFile) -> int:
    """What the archive of the file holds."""
    return sum(rendition.size or 0 for rendition in file.ready)


@bp.get("/<uuid:file_id>/archive.zip")
@login_required
def of_file(file_id: uuid.UUID) -> ResponseReturnValue:
    """All renditions of one file."""
    return answer([library.find(current_user, file_id)])


@bp.get("/archive.zip")
@login_required
def of_several() -> ResponseReturnValue:
    """All renditions of the files that are named; what is not there, or is another's, is left out."""
    return answer(selection.of(current_user, selection.ids(request.args.getlist("files"))))


def answer(files: Sequence[AudioFile]) -> Response:
    """The archive, as long as it says it is; cut off, and so not to be taken for whole, if it cannot be finished."""
    made = archive.of(files, zone(), label)
    entries = [*made.entries, *_note(made)]
    length = zipping.length(entries)
    pieces = zipping.write(entries)
    seats.sit()
    # A header and the first sound: a storage that does not answer is told as such while that still can be told.
    begun = [next(pieces), next(pieces, b"")]
    response = Response(_from(begun, pieces), mimetype="application/zip")
    response.content_length = length
    response.headers["Content-Disposition"] = disposition(f"{made.name}.zip", inline=False)
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'; frame-ancestors 'none'"
    return response


def _from(begun: list[bytes], pieces: Generator[bytes, None, None]) -> Iterator[bytes]:
    """All of it; what the storage holds open is let go of when nobody wants the rest."""
    try:
        yield from chain(begun, pieces)
    finally:
        pieces.close()


def _note(made: archive.Archive) -> list[zipping.Entry]:
    """A text that says what is missing, if anything is."""
    if not made.missing:
        return []
    lines = [f"{name}: {label(preset)}: {state(status)}" for name, preset, status in made.missing]
    text = "\r\n".join([gettext("These were not ready when this archive was made:"), "", *lines, ""]).encode()
    name = gettext("What is missing") + ".txt"
    return [zipping.Entry(name, len(text), datetime.now(zone()), partial(_once, text))]


def _once(text: bytes) -> Iterator[bytes]:
    yield text

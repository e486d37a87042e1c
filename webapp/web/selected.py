"""Several files of the list, and what is done with them."""

import uuid
from collections.abc import Collection, Sequence
from http import HTTPStatus

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from webapp.errors import BadRequest
from webapp.models import AudioFile
from webapp.services import library, selection
from webapp.web import archives, htmx
from webapp.web.language import gettext, ngettext
from webapp.web.place import Place
from webapp.words import N_

bp = Blueprint("selected", __name__, url_prefix="/files")
# The category of the message after which the list takes the focus.
GONE = "gone"
# Longer ones are cut off by some on the way.
MOST_IN_ADDRESS = 40
_NOTHING = {
    "retry": N_("There is nothing to retry."),
    "cancel": N_("There is nothing to cancel."),
    "delete": N_("There is nothing to delete."),
}


@bp.get("/selected")
@login_required
def ask() -> ResponseReturnValue:
    """What deleting several files means, at an address of its own, so that Back leads here again."""
    files = selection.of(current_user, selection.ids(request.args.getlist("files")))
    return confirmation(files) if files else redirect(url_for("files.index"))


@bp.post("/selected")
@login_required
def do() -> ResponseReturnValue:
    """Do something with several files. Deleting asks first."""
    deed, file_ids = request.form.get("deed", ""), selection.ids(request.form.getlist("files"))
    if deed == "download":
        return _download(file_ids)
    if deed not in selection.DEEDS:
        raise BadRequest
    if deed == "delete" and "confirmed" not in request.form and (files := selection.of(current_user, file_ids)):
        if len(files) > MOST_IN_ADDRESS:
            return confirmation(files)
        return redirect(url_for(".ask", files=[file.id for file in files]), HTTPStatus.SEE_OTHER)
    names = selection.do(deed, current_user, file_ids)
    told = said(deed, names)
    if htmx.asked():
        return htmx.poll_now(make_response(render_template("files/_done.html", said=told)))
    flash(told, GONE if deed == "delete" else "message")
    back = url_for("files.index") if deed == "delete" else htmx.where_one_was(url_for("files.index"))
    return redirect(back, HTTPStatus.SEE_OTHER)


def _download(file_ids: Collection[uuid.UUID]) -> ResponseReturnValue:
    """All that is ready of them, at an address of its own, so that it can be sent on and asked for again."""
    files = selection.of(current_user, file_ids)
    if not any(file.ready for file in files):
        flash(gettext("None of this is ready, so there is nothing to download."), "bad")
        return redirect(htmx.where_one_was(url_for("files.index")), HTTPStatus.SEE_OTHER)
    if len(files) > MOST_IN_ADDRESS:
        return archives.answer(files)
    return redirect(url_for("archives.of_several", files=[file.id for file in files]), HTTPStatus.SEE_OTHER)


def confirmation(files: Sequence[AudioFile]) -> str:
    """The page that says what deleting these files means, before it is done."""
    title = files[0].name if len(files) == 1 else gettext("Delete {count} files?").format(count=len(files))
    told = library.times_told(files)
    return render_template("files/delete.html", files=files, told=told, place=Place("delete", title=title))


def said(deed: str, names: list[str]) -> str:
    """What has become of them, in words."""
    count = len(names)
    if not names:
        return gettext(_NOTHING[deed])
    if deed == "retry":
        sentence = ngettext("{count} file is being made again.", "{count} files are being made again.", count)
    elif deed == "cancel":
        sentence = ngettext("{count} file is canceled.", "{count} files are canceled.", count)
    elif count == 1:
        sentence = gettext("{name} is deleted.")
    else:
        sentence = ngettext("{count} file is deleted.", "{count} files are deleted.", count)
    return sentence.format(count=count, name=names[0])

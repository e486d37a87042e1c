"""What is to be seen of a sound: its versions side by side, how loud they are, and its spectrum."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from babel.numbers import format_decimal
from flask import Blueprint, Flask, Response, request, url_for
from flask_login import current_user, login_required

from webapp.adapters.transcoders import command
from webapp.errors import NotFound
from webapp.models import AudioFile, Rendition
from webapp.models.measurement import ORIGINAL
from webapp.services import library
from webapp.web.labels import label
from webapp.web.language import gettext, reader

bp = Blueprint("looking", __name__, url_prefix="/files")


@dataclass(frozen=True)
class Column:
    """One version of a sound, as the table compares it with the others."""

    label: str
    container: str
    codec: str
    sample_rate: int | None
    bit_depth: int | None
    channels: int | None
    bit_rate: int | None
    seconds: float | None
    size: int | None
    measured: Mapping[str, float] = field(default_factory=dict)


def init_app(app: Flask) -> None:
    """Let templates ask for it."""
    app.jinja_env.globals.update(side_by_side=side_by_side, spectrum_of=spectrum_of)
    app.jinja_env.filters.update(tenth=tenth)


@bp.get("/<uuid:file_id>/spectrum.png")
@login_required
def spectrum(file_id: uuid.UUID) -> Response:
    """The picture of the original's spectrum."""
    measurement = library.find(current_user, file_id).measurement
    if measurement is None or not measurement.spectrum:
        raise NotFound
    response = Response(measurement.spectrum, mimetype="image/png")
    response.set_etag(sha256(measurement.spectrum).hexdigest()[:32])
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'; frame-ancestors 'none'"
    response.make_conditional(request)
    return response


def side_by_side(file: AudioFile) -> list[Column]:
    """The original and what is ready of it."""
    measured = file.measurement.found if file.measurement else {}
    original = Column(
        gettext("Original"), file.container, file.codec, file.sample_rate, file.bit_depth, file.channels,
        file.bit_rate, file.seconds, file.size, measured.get(ORIGINAL, {}),
    )  # fmt: skip
    return [original, *(_column(rendition, measured.get(rendition.preset_name, {})) for rendition in file.ready)]


def spectrum_of(file: AudioFile) -> str:
    """Where the picture is, if there is one."""
    is_drawn = file.measurement is not None and ORIGINAL in file.measurement.versions
    return url_for("looking.spectrum", file_id=file.id) if is_drawn else ""


def tenth(number: float) -> str:
    """To a tenth, with a minus as it is printed."""
    return str(format_decimal(number, format="0.0", locale=reader().locale)).replace("-", "\N{MINUS SIGN}")


def _column(rendition: Rendition, measured: Mapping[str, float]) -> Column:
    preset, file = rendition.preset, rendition.audio_file
    return Column(
        label(preset),
        preset.container_name,
        preset.codec_name,
        rendition.sample_rate,
        command.shape(preset, file.facts).bit_depth,
        rendition.channels,
        rendition.bit_rate,
        rendition.seconds,
        rendition.size,
        measured,
    )

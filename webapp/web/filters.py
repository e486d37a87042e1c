"""How numbers, states and outlines are shown."""

from collections.abc import Sequence
from functools import lru_cache

from babel.lists import format_list
from babel.numbers import format_decimal
from flask import Flask

from webapp.models import Kind
from webapp.news import Flaw, JobStatus
from webapp.presets import COMMON_PRESETS, DEFAULT_PRESETS, PRESETS
from webapp.services import library, retention
from webapp.services.originals import in_words
from webapp.web.language import gettext, ngettext, reader
from webapp.words import N_

_STATES = {
    JobStatus.CREATED: N_("Queued"),
    JobStatus.SUBMITTED: N_("Queued"),
    JobStatus.PROGRESSING: N_("Transcoding"),
    JobStatus.COMPLETE: N_("Ready"),
    JobStatus.PARTIAL: N_("Partly ready"),
    JobStatus.ERROR: N_("Failed"),
    JobStatus.CANCELED: N_("Canceled"),
}
_STAGES = {
    "probing": N_("Looking into the file"),
    "uploading": N_("Storing"),
}
_HEADLINES = {
    Kind.COMPLETE: N_("Ready"),
    Kind.PARTIAL: N_("Partly ready"),
    Kind.ERROR: N_("Failed"),
    Kind.EXPIRING: N_("Expires soon"),
}

FLAWS = {
    Flaw.INCOMPLETE: N_("The file is cut short or damaged: this is what could be read of it."),
}


def init_app(app: Flask) -> None:
    """Make them known to the templates."""
    app.jinja_env.filters.update(
        bytes=size,
        number=number,
        khz=khz,
        channels=channels,
        state=state,
        stage=lambda stage: gettext(_STAGES[stage]) if stage in _STAGES else "",
        flaw=lambda flaw: gettext(FLAWS[flaw]),
        headline=lambda kind: gettext(_HEADLINES[kind]),
        listed=listed,
    )
    app.jinja_env.globals.update(
        registration=app.extensions["settings"].registration,
        password_min_length=app.extensions["settings"].password_min_length,
        sends_letters=app.extensions["mail"].are_sent,
        outline=outline,
        kept_until=retention.kept_until,
        PRESETS=PRESETS,
        offered=library.offered,
        COMMON_PRESETS=COMMON_PRESETS,
        DEFAULT_PRESETS=DEFAULT_PRESETS,
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True


def size(count: int) -> str:
    """A number of bytes, for people."""
    if count < 1000:  # noqa: PLR2004 - decimal units, as shops and systems print them
        return ngettext("{count} byte", "{count} bytes", count).format(count=count)
    amount, unit = in_words(count).split()
    return f"{format_decimal(amount, locale=reader().locale)} {unit}"


def number(value: float) -> str:
    """0.75, or as the reader writes it."""
    return format_decimal(value, locale=reader().locale)


def khz(rate: int) -> str:
    """44.1 kHz."""
    return f"{number(rate / 1000)} kHz"


def state(status: JobStatus) -> str:
    """Where a job or a rendition stands, in a word."""
    return gettext(_STATES[status])


def listed(words: Sequence[str]) -> str:
    """WAV, FLAC and MP4."""
    return format_list(words, locale=reader().locale)


def channels(count: int) -> str:
    """How many, as people call it."""
    known = {1: gettext("mono"), 2: gettext("stereo"), 6: "5.1", 8: "7.1"}
    return known.get(count) or ngettext("{count} channel", "{count} channels", count).format(count=count)


@lru_cache(maxsize=1000)
def outline(bars: bytes, count: int, height: int, percent: int = 100) -> str:
    """A path of upright strokes, one every three units, for the first percent of a sound's bars thinned to a count."""
    middle = height / 2
    strokes = []
    for place in range(count * percent // 100):
        first = place * len(bars) // count
        loudest = max(bars[first : max(first + 1, (place + 1) * len(bars) // count)], default=0)
        half = max(0.5, loudest / 100 * (middle - 1.5))
        strokes.append(f"M{place * 3 + 1} {middle - half:.1f}v{2 * half:.1f}")
    return "".join(strokes)

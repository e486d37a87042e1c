"""How numbers, times and outlines are shown."""

import hashlib
import json
from datetime import datetime
from functools import cache, lru_cache
from pathlib import Path

from flask import Flask, url_for

from webapp.db import utcnow
from webapp.models import Kind
from webapp.ports import JobStatus
from webapp.presets import COMMON_PRESETS, DEFAULT_PRESETS, PRESETS
from webapp.services.uploads import in_words

STATIC = Path(__file__).resolve().parents[2] / "static"
MINUTE, HOUR, DAY = 60, 3600, 86400
_STATES = {
    JobStatus.CREATED: "Queued",
    JobStatus.SUBMITTED: "Queued",
    JobStatus.PROGRESSING: "Transcoding",
    JobStatus.COMPLETE: "Ready",
    JobStatus.PARTIAL: "Partly ready",
    JobStatus.ERROR: "Failed",
    JobStatus.CANCELED: "Canceled",
}
_HEADLINES = {
    Kind.COMPLETE: "Ready",
    Kind.PARTIAL: "Partly ready",
    Kind.ERROR: "Failed",
    Kind.EXPIRING: "Expires soon",
}


def init_app(app: Flask) -> None:
    """Make them known to the templates."""
    app.jinja_env.filters.update(
        bytes=in_words,
        duration=duration,
        khz=khz,
        ago=ago,
        exact=exact,
        channels=channels,
        state=_STATES.__getitem__,
        headline=_HEADLINES.__getitem__,
    )
    app.jinja_env.globals.update(
        static_url=static_url,
        integrity=integrity,
        registration=app.extensions["settings"].registration,
        password_min_length=app.extensions["settings"].password_min_length,
        outline=outline,
        PRESETS=PRESETS,
        COMMON_PRESETS=COMMON_PRESETS,
        DEFAULT_PRESETS=DEFAULT_PRESETS,
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True


def duration(seconds: float | None) -> str:
    """4:10, or 1:02:03 from an hour on; nothing for what is not known."""
    if seconds is None:
        return ""
    whole = max(1, round(seconds)) if seconds > 0 else 0
    hours, rest = divmod(whole, HOUR)
    minutes, rest = divmod(rest, MINUTE)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def khz(rate: int) -> str:
    """44.1 kHz."""
    return f"{rate / 1000:g} kHz"


def ago(moment: datetime) -> str:
    """How long ago, in words; the date when that is more than a week."""
    seconds = (utcnow() - moment).total_seconds()
    if seconds < 45:  # noqa: PLR2004 - "just now" is what people call it
        return "just now"
    if seconds < HOUR:
        return _count(round(seconds / MINUTE) or 1, "minute")
    if seconds < DAY:
        return _count(round(seconds / HOUR), "hour")
    if seconds < 7 * DAY:
        return _count(round(seconds / DAY), "day")
    return f"{moment:%-d %b %Y}"


def exact(moment: datetime) -> str:
    """The date and time, for whoever wants to know."""
    return f"{moment:%-d %B %Y, %H:%M} UTC"


def channels(count: int) -> str:
    """How many, as people call it."""
    return {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}.get(count, f"{count} channels")


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}{'' if number == 1 else 's'} ago"


@cache
def static_url(name: str) -> str:
    """The address of a static file, with a hash of its content: browsers may keep what is under it for ever."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:10]
    return url_for("static", filename=name, v=digest)


@cache
def integrity(name: str) -> str:
    """What a browser checks a vendored file against (W3C Subresource Integrity)."""
    known = {each["file"]: each["sha384"] for each in json.loads((STATIC / "vendor" / "vendor.json").read_text())}
    return f"sha384-{known[name]}"


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

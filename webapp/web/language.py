"""The reader's language and time zone."""

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from flask import Flask, g, request
from flask_login import current_user
from sqlalchemy.exc import SQLAlchemyError

from webapp import catalogues
from webapp.catalogues import SOURCE, Language
from webapp.db import db
from webapp.errors import AppError
from webapp.services.preferences import zones

# Where a page of ours notes the browser's time zone, see static/app.js.
ZONE_COOKIE = "zone"
languages = catalogues.languages


def init_app(app: Flask) -> None:
    """Let templates say things in the reader's language."""
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_gettext_callables(gettext, ngettext, newstyle=True)  # type: ignore[attr-defined]
    app.jinja_env.policies["ext.i18n.trimmed"] = True
    app.jinja_env.globals.update(languages=languages, reader=reader)
    app.jinja_env.filters.update(say=say)


def reader() -> Language:
    """The language that the signed-in user has chosen, or else the best that the browser asks for."""
    if "reader" not in g:
        known = languages()
        g.reader = known.get(_chosen("language")) or known[_asked_for(known)]
    language: Language = g.reader
    return language


def zone() -> ZoneInfo:
    """The time zone that the signed-in user has chosen, or else the browser's, or UTC."""
    if "zone" not in g:
        wanted = _chosen("time_zone") or request.cookies.get(ZONE_COOKIE, "")
        g.zone = ZoneInfo(wanted if wanted in zones() else "UTC")
    zone: ZoneInfo = g.zone
    return zone


def gettext(sentence: str) -> str:
    """The sentence in the reader's language."""
    return str(reader().catalogue.gettext(sentence)) if sentence else ""


def ngettext(one: str, many: str, count: int) -> str:
    """The form of the sentence that goes with the count."""
    return str(reader().catalogue.ngettext(one, many, count))


def say(error: AppError) -> str:
    """What to tell of it."""
    sentence = gettext(error.sentence)
    return sentence.format(**error.values) if error.values else sentence


def _asked_for(known: Mapping[str, Language]) -> str:
    """The first of the browser's languages that there is; who asks for a dialect reads the language (RFC 4647, 3.4)."""
    tags = {tag.lower(): tag for tag in known}
    for asked, quality in request.accept_languages:
        while quality and asked:
            if found := tags.get(asked.lower()):
                return found
            asked = asked.rpartition("-")[0]  # noqa: PLW2901 - shorter and shorter
    return SOURCE


def _chosen(setting: str) -> str:
    try:
        return getattr(current_user, setting, "")
    except SQLAlchemyError:  # that the database is gone has to be said in some language
        db.session.rollback()
        return ""

"""What keeps an open page true: the poller's pace, and the pieces that have changed since it last asked."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self

import sqlalchemy as sa
from flask import Flask, g, render_template, request, url_for
from flask_login import current_user

from webapp.db import db
from webapp.extensions import login_manager
from webapp.models import AudioFile, Notification, Rendition, TranscodeJob, User
from webapp.models.audio import SORTS
from webapp.ports import BUSY
from webapp.services import library
from webapp.web.language import gettext
from webapp.words import N_

# Milliseconds. The last is what a page costs that nobody is waiting at.
NEARLY_DONE_PACE, BUSY_PACE, IDLE_PACE = 500, 1000, 15000
NEARLY_DONE_PERCENT = 90.0
MOST_CARDS = 5
_TITLES = {"files": N_("Files"), "inbox": N_("Inbox"), "account": N_("Account")}


@dataclass(frozen=True)
class Place:
    """The page that a poller stands on: it tells which pieces the page has, and what its title is."""

    on: str = ""
    file_id: uuid.UUID | None = None
    q: str = ""
    sort: str = "newest"
    page: int = 1
    title: str = field(default="", compare=False)

    @classmethod
    def of_request(cls, on: str = "") -> Self:
        """The place that the request's query describes; what makes no sense in it is left out."""
        sort = request.args.get("sort", "newest")
        return cls(
            on=on or request.args.get("on", ""),
            file_id=request.args.get("file_id", type=uuid.UUID),
            q=request.args.get("q", "")[:200],
            sort=sort if sort in SORTS else "newest",
            page=min(request.args.get("page", 1, type=int), 10**6),
        )

    @property
    def query(self) -> dict[str, Any]:
        """What has to be in an address to lead here again."""
        given = {"on": self.on, "file_id": self.file_id, "q": self.q, "sort": self.sort, "page": self.page}
        usual = {"sort": "newest", "page": 1}
        return {name: value for name, value in given.items() if value and usual.get(name) != value}


class Live:
    """What the signed-in user's page shows beside its own content, asked for once and only if it is shown."""

    def __init__(self, user: User) -> None:
        self.user = user
        # Read first: what changes while the page is made is then told by the next poll.
        self.version = user.version

    @cached_property
    def unread(self) -> int:
        """How many notifications are neither seen nor dismissed."""
        return _count(Notification.unread_by(self.user))

    @cached_property
    def standing(self) -> int:
        """How many are not dismissed."""
        return _count(Notification.standing_for(self.user))

    @cached_property
    def cards(self) -> Sequence[Notification]:
        """The newest that stand, as many as fit on a page."""
        return db.session.scalars(Notification.standing_for(self.user).limit(MOST_CARDS)).all()

    @cached_property
    def pace(self) -> int:
        """Milliseconds until the page asks again."""
        percents = db.session.scalars(
            sa.select(sa.func.avg(Rendition.percent))
            .join(TranscodeJob, TranscodeJob.id == Rendition.job_id)
            .join(AudioFile, AudioFile.id == TranscodeJob.audio_file_id)
            .where(AudioFile.owner_id == self.user.id, TranscodeJob.status.in_(BUSY))
            .group_by(TranscodeJob.id)
        ).all()
        if not percents:
            return IDLE_PACE
        return NEARLY_DONE_PACE if max(percents) > NEARLY_DONE_PERCENT else BUSY_PACE


def init_app(app: Flask) -> None:
    """Give every page of a signed-in user its `live`, and every page a `place`."""
    app.context_processor(_context)


def news(since: int, place: Place) -> str:
    """The poller with its next pace, and what the page shows that has changed after that version, out of band."""
    live = _live()
    user = live.user
    return render_template(
        "notifications/_news.html",
        place=place,
        alerts_changed=user.alerts_version > since,
        spoken=_spoken(user, since) if user.alerts_version > since else [],
        **_pieces(user, since, place),
    )


def _pieces(user: User, since: int, place: Place) -> dict[str, Any]:
    if place.on == "files":
        page = library.listing(user, search=place.q, sort=place.sort, page=place.page)
        # By length the order changes when a length becomes known.
        is_whole = user.listing_version > since or place.sort == "length"
        return {"page": page, "is_whole": is_whole, "rows": [f for f in page.items if f.version > since]}
    if place.on == "file" and place.file_id:
        mine = AudioFile.of(user).where(AudioFile.id == place.file_id, AudioFile.version > since)
        return {"file": db.session.scalar(mine)}
    return {}


def is_there(place: Place) -> bool:
    """Whether the file whose page this is still is one of the user's."""
    if place.on != "file" or not place.file_id:
        return True
    mine = sa.exists().where(AudioFile.id == place.file_id, AudioFile.owner_id == current_user.id)
    return bool(db.session.scalar(sa.select(mine)))


def title_of(place: Place) -> str:
    """What the page is called, without the count before it."""
    if place.on == "file" and place.file_id and not place.title:
        name = sa.select(AudioFile.name).where(AudioFile.id == place.file_id, AudioFile.owner_id == current_user.id)
        return db.session.scalar(name) or "Files"
    return place.title or gettext(_TITLES.get(place.on, "Tapedeck"))


def _spoken(user: User, since: int) -> Sequence[Notification]:
    if not since:  # the page has only just opened: what stood before is on it, and is no news
        return []
    new = Notification.unread_by(user).where(Notification.version > since)
    return list(reversed(db.session.scalars(new.limit(MOST_CARDS)).all()))


def _live() -> Live:
    live: Live = g.setdefault("live", Live(current_user))
    return live


def leave_out() -> None:
    """Let what is shown of this request do without: the page of an error must not fail for the reason of the error."""
    g.without_live = True
    # Flask-Login asks the database for whoever is signed in whenever a template is rendered.
    g._login_user = login_manager.anonymous_user()  # noqa: SLF001 - the place where it looks first


def _context() -> dict[str, Any]:
    is_shown = "without_live" not in g and current_user.is_authenticated
    return {"live": _live() if is_shown else None, "place": Place(), "title_of": title_of, "path_of": _path_of}


def _path_of(place: Place, **changed: Any) -> str:
    """The address of the list with something else in its query."""
    return url_for("files.index", **replace(place, on="", **changed).query)


def _count(query: sa.Select[Notification]) -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(query.order_by(None).subquery())) or 0

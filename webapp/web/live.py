"""What keeps an open page true: the poller's pace, and the pieces that have changed since it last asked."""

import uuid
import zlib
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from typing import Any

import sqlalchemy as sa
from flask import Flask, g, render_template, request, session
from flask_login import current_user

from webapp.db import db, utcnow
from webapp.extensions import login_manager
from webapp.models import AudioFile, Notification, Rendition, TranscodeJob, User
from webapp.news import BUSY
from webapp.services import library
from webapp.web import inbox
from webapp.web.cards import MOST_CARDS, Card, standing, tally
from webapp.web.place import Place

# Milliseconds. The last is what a page costs that nobody is waiting at.
NEARLY_DONE_PACE, BUSY_PACE, IDLE_PACE = 500, 1000, 15000
NEARLY_DONE_PERCENT = 90.0
# A short file is ready within this, and told of the sooner.
NEW = timedelta(seconds=10)
# More news than this at once is told by how much it is.
MOST_SPOKEN = 3
# What a page without JavaScript can take back; the session is a cookie, and holds no more.
MOST_UNDONE = 100


class Live:
    """What the signed-in user's page shows beside its own content, asked for once and only if it is shown."""

    def __init__(self, user: User) -> None:
        self.user = user
        # Read first: what changes while the page is made is then told by the next poll.
        self.version = user.version
        self.listed: Collection[int] = ()
        """The notifications that the page's own content shows: no card tells of them again."""

    @cached_property
    def unread(self) -> int:
        """How many notifications are neither seen nor dismissed."""
        return db.session.scalar(Notification.count(Notification.unread_by(self.user))) or 0

    @cached_property
    def cards(self) -> Sequence[Card]:
        """The newest alerts that stand, as many as fit on a page."""
        return standing(self.user, without=self.listed)[:MOST_CARDS]

    @cached_property
    def shown(self) -> Sequence[int]:
        """The notifications that the cards tell of."""
        return [note.id for card in self.cards for note in card.notes]

    @cached_property
    def more(self) -> int:
        """How many stand that the page does not show."""
        total = db.session.scalar(Notification.count(Notification.standing_for(self.user))) or 0
        listed = Notification.standing_for(self.user).where(Notification.id.in_(self.listed))
        in_list = db.session.scalar(Notification.count(listed)) if self.listed else 0
        return total - len(self.shown) - (in_list or 0)

    @cached_property
    def pace(self) -> int:
        """Milliseconds until the page asks again."""
        running = db.session.execute(
            sa.select(sa.func.avg(Rendition.percent), TranscodeJob.created_at)
            .join(TranscodeJob, TranscodeJob.id == Rendition.job_id)
            .join(AudioFile, AudioFile.id == TranscodeJob.audio_file_id)
            .where(AudioFile.owner_id == self.user.id, TranscodeJob.status.in_(BUSY))
            .group_by(TranscodeJob.id)
        ).all()
        if not running:
            return IDLE_PACE
        new = utcnow() - NEW
        is_soon = any(percent > NEARLY_DONE_PERCENT or created_at > new for percent, created_at in running)
        return NEARLY_DONE_PACE if is_soon else BUSY_PACE

    @cached_property
    def places(self) -> Mapping[uuid.UUID, int]:
        """For each file that waits, how many will be begun before it."""
        return library.ahead(self.user) if self.is_busy else {}

    @property
    def queue(self) -> str:
        """Says in short what the places are: they change with other users' work, which moves no version of this one."""
        return f"{zlib.crc32(repr(sorted(self.places.items())).encode()):x}" if self.places else ""

    @property
    def is_busy(self) -> bool:
        """Whether something of the user's is being made."""
        return self.pace < IDLE_PACE


def init_app(app: Flask) -> None:
    """Give every page of a signed-in user its `live`, and every page a `place`."""
    app.context_processor(_context)


def of_page(listed: Collection[int] = ()) -> Live:
    """That of the page which is being made; `listed` are the notifications that its content shows."""
    live: Live = g.setdefault("live", Live(current_user))
    live.listed = listed or live.listed
    return live


def news(since: int, place: Place, *, dismissed: Sequence[int] | None = None) -> str:
    """The poller with its next pace, and what the page shows that has changed after that version, out of band.

    What has just been dismissed can be taken back from there; with none, the offer to do so goes; with None, it stays.
    """
    live = of_page()
    user = live.user
    pieces = _pieces(user, since, place)
    if page := pieces.get("inbox"):
        live.listed = page.shown
    return render_template(
        "notifications/_news.html",
        place=place,
        alerts_changed=user.alerts_version > since,
        spoken=_spoken(user, since) if user.alerts_version > since else [],
        most_spoken=MOST_SPOKEN,
        dismissed=dismissed,
        **pieces,
    )


def has_moved() -> bool:
    """Whether the places in the queue are others than those that the page which asks shows, by its own word."""
    return request.args.get("ahead", "") != of_page().queue


def remember_dismissed(ids: Sequence[int]) -> None:
    """Let the next page offer to take this back, for a browser without JavaScript."""
    session["dismissed"] = list(ids) if len(ids) <= MOST_UNDONE else []


def leave_out() -> None:
    """Let what is shown of this request do without: the page of an error must not fail for the reason of the error."""
    g.without_live = True
    # Flask-Login asks the database for whoever is signed in whenever a template is rendered.
    g._login_user = login_manager.anonymous_user()  # noqa: SLF001 - the place where it looks first


def _pieces(user: User, since: int, place: Place) -> Mapping[str, Any]:
    if place.on == "files":
        page = library.listing(user, search=place.q, sort=place.sort, page=place.page)
        # By length the order changes when a length becomes known.
        is_whole = user.listing_version > since or place.sort == "length"
        moved = has_moved()
        rows = [file for file in page.items if file.version > since or (moved and file.is_waiting)]
        return {"page": page, "is_whole": is_whole, "rows": rows, "places": of_page().places}
    if place.on == "file" and place.file_id:
        mine = AudioFile.of(user).where(AudioFile.id == place.file_id)
        if not has_moved():
            mine = mine.where(AudioFile.version > since)
        return {"file": db.session.scalar(mine), "places": of_page().places}
    if place.on == "inbox" and user.alerts_version > since:
        return {"inbox": inbox.page_of(user, place)}
    return {}


def _spoken(user: User, since: int) -> Sequence[Notification]:
    if since < 0:  # the page has only just opened: what stood before is on it, and is no news
        return []
    # What comes while this page is made belongs to the next poll.
    new = Notification.unread_by(user).where(Notification.version > since, Notification.version <= of_page().version)
    return list(reversed(db.session.scalars(new.limit(inbox.PAGE_SIZE)).all()))


def _context() -> dict[str, Any]:
    is_shown = "without_live" not in g and current_user.is_authenticated
    return {
        "live": of_page() if is_shown else None,
        "place": Place(),
        "tally": tally,
        "take_dismissed": lambda: session.pop("dismissed", []),
    }

"""The page that a poller stands on."""

import uuid
from dataclasses import dataclass, field, replace
from typing import Any, Self

import sqlalchemy as sa
from flask import Flask, request, url_for
from flask_login import current_user

from webapp.db import db
from webapp.models import AudioFile, Notification
from webapp.models.audio import SORTS
from webapp.web.language import gettext
from webapp.words import N_

FILTERS = {"": Notification.of, "unread": Notification.unread_by, "failed": Notification.failed_for}
_TITLES = {"files": N_("Files"), "inbox": N_("Inbox"), "account": N_("Account")}


@dataclass(frozen=True)
class Place:
    """It tells which pieces the page has, and what its title is."""

    on: str = ""
    file_id: uuid.UUID | None = None
    q: str = ""
    sort: str = "newest"
    filter: str = ""
    page: int = 1
    title: str = field(default="", compare=False)

    @classmethod
    def of_request(cls, on: str = "") -> Self:
        """The place that the request's query describes; what makes no sense in it is left out."""
        sort, chosen = request.args.get("sort", "newest"), request.args.get("filter", "")
        return cls(
            on=on or request.args.get("on", ""),
            file_id=request.args.get("file_id", type=uuid.UUID),
            q=request.args.get("q", "")[:200],
            sort=sort if sort in SORTS else "newest",
            filter=chosen if chosen in FILTERS else "",
            page=min(max(1, request.args.get("page", 1, type=int)), 10**6),
        )

    @property
    def query(self) -> dict[str, Any]:
        """What has to be in an address to lead here again."""
        usual = {"sort": "newest", "page": 1}
        given = {name: value for name, value in vars(self).items() if name != "title"}
        return {name: value for name, value in given.items() if value and usual.get(name) != value}

    @property
    def is_there(self) -> bool:
        """Whether the file whose page this is still is one of the user's."""
        if self.on != "file" or not self.file_id:
            return True
        mine = sa.exists().where(AudioFile.id == self.file_id, AudioFile.owner_id == current_user.id)
        return bool(db.session.scalar(sa.select(mine)))


def init_app(app: Flask) -> None:
    """Let templates say where they are."""
    app.jinja_env.globals.update(title_of=title_of, path_of=path_of)


def title_of(place: Place) -> str:
    """What the page is called, without the count before it."""
    if place.on == "file" and place.file_id and not place.title:
        name = sa.select(AudioFile.name).where(AudioFile.id == place.file_id, AudioFile.owner_id == current_user.id)
        return db.session.scalar(name) or gettext("Files")
    return place.title or gettext(_TITLES.get(place.on, "Tapedeck"))


def path_of(place: Place, **changed: Any) -> str:
    """The address of a list with something else in its query."""
    endpoint = "notifications.index" if place.on == "inbox" else "files.index"
    return url_for(endpoint, **replace(place, on="", **changed).query)

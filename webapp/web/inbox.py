"""All that a user was ever told, page by page."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from webapp.db import db
from webapp.models import Notification, User
from webapp.web import times
from webapp.web.place import FILTERS, Place

PAGE_SIZE = 50


@dataclass(frozen=True)
class InboxPage:
    """One page of it, newest first."""

    notes: Sequence[Notification]
    number: int
    count: int
    """Pages there are; at least one."""
    total: int

    @property
    def days(self) -> Iterator[tuple[str, list[Notification]]]:
        """Today, yesterday and so on, each with what was told on that day."""
        for day, notes in groupby(self.notes, key=lambda note: times.day(note.created_at)):
            yield day, list(notes)

    @property
    def standing(self) -> Sequence[int]:
        """Those on this page that have not been dismissed."""
        return [note.id for note in self.notes if note.dismissed_at is None]

    @property
    def shown(self) -> Sequence[int]:
        """All on this page."""
        return [note.id for note in self.notes]


def page_of(user: User, place: Place) -> InboxPage:
    """The page that the place names; one that is not there is the nearest that is."""
    query = FILTERS[place.filter](user)
    total = db.session.scalar(Notification.count(query)) or 0
    count = max(1, -(-total // PAGE_SIZE))
    number = min(place.page, count)
    notes = db.session.scalars(query.limit(PAGE_SIZE).offset((number - 1) * PAGE_SIZE)).all()
    return InboxPage(notes, number, count, total)

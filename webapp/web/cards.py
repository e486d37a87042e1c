"""The alerts on a page: all that stands, as cards, and what was sent together told together."""

import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from webapp.db import db
from webapp.models import AudioFile, Kind, Notification, User
from webapp.web.language import gettext, ngettext

MOST_CARDS = 5
# However much stands, a page looks at no more of it than this.
MOST_NOTES = 200
# More failures of a batch than these are folded away with what is ready.
MOST_FAILURES = 3


@dataclass(frozen=True)
class Card:
    """One notification, or those of a batch that stand: of what became of it, or of when it will be deleted."""

    notes: Sequence[Notification]
    """Newest first."""
    files: int
    """How many files were sent together."""
    busy: int
    """How many of them are still being converted."""

    @property
    def note(self) -> Notification:
        """The newest."""
        return self.notes[0]

    @property
    def is_batch(self) -> bool:
        """Whether it tells of several files."""
        return self.files > 1

    @property
    def name(self) -> str:
        """What tells it from other cards in a page."""
        of = "-expiring" if self.note.kind is Kind.EXPIRING else ""
        return f"{self.note.batch}{of}" if self.is_batch else str(self.note.id)

    @property
    def is_seen(self) -> bool:
        """Whether the file of each of them has been opened."""
        return all(note.seen_at for note in self.notes)

    @property
    def kind(self) -> Kind:
        """What they have in common; partial if some failed and others did not."""
        kinds = {note.kind for note in self.notes}
        return kinds.pop() if len(kinds) == 1 else Kind.PARTIAL

    @property
    def is_flawed(self) -> bool:
        """Whether what is ready of any of them is not all that it should be."""
        return any(note.flaw for note in self.notes)

    @property
    def is_failure(self) -> bool:
        """Whether any of them failed."""
        return any(note.is_failure for note in self.notes)

    @cached_property
    def failures(self) -> Sequence[Notification]:
        """Those that need to be seen without unfolding anything."""
        return [note for note in self.notes if note.is_failure or note.flaw][:MOST_FAILURES]

    @cached_property
    def others(self) -> Sequence[Notification]:
        """The rest of them."""
        shown = {note.id for note in self.failures}
        return [note for note in self.notes if note.id not in shown]

    @property
    def headline(self) -> str:
        """How many of the files of a batch are ready, and how many are not."""
        return tally(self.notes, of=self.files if self.busy else 0)


def tally(notes: Iterable[Notification], *, of: int = 0) -> str:
    """How many were told of with each kind: "11 of 12 files ready, 1 failed"."""
    count = dict.fromkeys(Kind, 0)
    for note in notes:
        count[note.kind] += 1
    ready = count[Kind.COMPLETE]
    said = []
    if 0 < ready < of:
        said.append(gettext("{count} of {files} files ready").format(count=ready, files=of))
    elif ready:
        said.append(ngettext("{count} file ready", "{count} files ready", ready).format(count=ready))
    if partly := count[Kind.PARTIAL]:
        said.append(gettext("{count} partly ready").format(count=partly))
    if failed := count[Kind.ERROR]:
        said.append(gettext("{count} failed").format(count=failed))
    if expiring := count[Kind.EXPIRING]:
        said.append(ngettext("{count} file expires soon", "{count} files expire soon", expiring).format(count=expiring))
    return ", ".join(said)


def standing(user: User, *, without: Collection[int] = ()) -> list[Card]:
    """The cards of what the user has not dismissed: unread before seen, newest first. Those `without` are left out."""
    notes = {note.id: note for note in db.session.scalars(Notification.standing_for(user).limit(MOST_NOTES))}
    if len(notes) == MOST_NOTES:  # what is unread may lie beneath what is seen
        notes |= {note.id: note for note in db.session.scalars(Notification.unread_by(user).limit(MOST_NOTES))}
    shown = sorted((note for note in notes.values() if note.id not in without), key=lambda note: -note.id)
    sizes = _sizes(user, {note.batch for note in shown})
    cards = _grouped(shown, sizes)
    return sorted(cards, key=lambda card: (card.is_seen, -card.note.id))


def _grouped(notes: Sequence[Notification], sizes: dict[uuid.UUID, tuple[int, int]]) -> list[Card]:
    def group(note: Notification) -> str:
        # What will be deleted is told apart: it is no part of the news of what became of the batch.
        return f"{note.batch} {note.kind is Kind.EXPIRING}" if sizes[note.batch][0] > 1 else f"{note.id}"

    by_group = groupby(sorted(notes, key=group), key=group)
    grouped = [sorted(each, key=lambda note: -note.id) for _, each in by_group]
    return [Card(each, *sizes[each[0].batch]) for each in grouped]


def _sizes(user: User, batches: Collection[uuid.UUID]) -> dict[uuid.UUID, tuple[int, int]]:
    if not batches:
        return {}
    return {batch: (count, busy) for batch, count, busy in db.session.execute(AudioFile.batch_sizes(user, batches))}

"""What one user may have at once beside bytes: generous, so that only a program gone wrong, or worse, gets there."""

import sqlalchemy as sa

from webapp.db import db
from webapp.errors import TooLarge, TooMuchWaiting
from webapp.models import AudioFile, Rendition, Upload
from webapp.news import WAITING
from webapp.words import N_

# Those on their way count, so that none is refused when all of it is here.
MOST_FILES = 10_000
# Each may hold room on the disk.
MOST_UPLOADS = 200
# Renditions. Users take turns, so this is for the size of the tables, not for the others' sake.
MOST_WAITING = 5_000


def check_upload(owner_id: int, renditions: int) -> None:
    """Raise TooLarge or TooMuchWaiting if no further upload may begin, of which so many renditions are wanted."""
    uploads = _count(sa.select(Upload.id).where(*_open(owner_id)))
    if uploads >= MOST_UPLOADS:
        raise TooLarge(
            N_("You have {count} unfinished uploads. Finish or discard some of them first."), count=MOST_UPLOADS
        )
    check_file(owner_id, renditions)


def check_file(owner_id: int, renditions: int) -> None:
    """Raise TooLarge or TooMuchWaiting if no further file may come, of which so many renditions are wanted."""
    files = _count(sa.select(AudioFile.id).where(AudioFile.owner_id == owner_id))
    if files + _count(sa.select(Upload.id).where(*_open(owner_id))) >= MOST_FILES:
        raise TooLarge(
            N_("You have {count} files, the most that an account may have. Delete some of them first."),
            count=MOST_FILES,
        )
    check_renditions(owner_id, renditions)


def check_renditions(owner_id: int, more: int) -> None:
    """Raise TooMuchWaiting if so many more renditions may not wait; what unfinished uploads will want counts."""
    mine = sa.select(Rendition.id).join(Rendition.audio_file).where(AudioFile.owner_id == owner_id)
    waiting = _count(mine.where(Rendition.status.in_(WAITING)))
    waiting += sum(len(names) for names in db.session.scalars(sa.select(Upload.preset_names).where(*_open(owner_id))))
    if more and waiting + more > MOST_WAITING:
        raise TooMuchWaiting


def _open(owner_id: int) -> tuple[sa.ColumnElement[bool], ...]:
    return (Upload.owner_id == owner_id, Upload.closed_at.is_(None))


def _count(query: sa.Select[int] | sa.Select[object]) -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(query.subquery())) or 0

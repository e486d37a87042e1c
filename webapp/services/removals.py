"""Originals whose files were deleted: their objects go too, and no late news brings them back."""

import logging
import uuid
from collections.abc import Sequence
from datetime import timedelta

import sqlalchemy as sa

from webapp.db import db, utcnow, writing
from webapp.errors import StorageUnavailable
from webapp.extensions import storage
from webapp.models import AudioFile, Removal
from webapp.services import changes

log = logging.getLogger(__name__)

# Much longer than jobs take, and older messages of SNS are refused for their age.
REMEMBERED = timedelta(days=30)


def note(file: AudioFile) -> None:
    """Note, without committing, that the original of this file is to go."""
    outside = file.jobs[0].external_id
    db.session.add(Removal(key=file.key, external_id=outside, file_id=file.id, owner_id=file.owner_id))
    db.session.flush()


def note_all(removed: Sequence[tuple[str, str | None]]) -> None:
    """Note, without committing, that these are to go, each with such a number: in one go, as they may be many."""
    if removed:
        rows = [{"key": key, "external_id": external_id} for key, external_id in removed]
        db.session.execute(sa.insert(Removal), rows)


def was_removed(key: str, external_id: str) -> bool:
    """Whether news of this job is of an original that was removed: what is put there later is another's job."""
    return bool(db.session.scalar(Removal.known(key, external_id)))


def is_known(owner_id: int, file_id: uuid.UUID) -> bool:
    """Whether this user has deleted that file, within the last thirty days."""
    mine = sa.exists().where(Removal.file_id == file_id, Removal.owner_id == owner_id)
    return bool(db.session.scalar(sa.select(mine)))


def remove(key: str) -> None:
    """Delete the object of an original that was noted. Raises StorageUnavailable: then `finish` does it."""
    storage.delete(key)
    with writing():
        changes.update(Removal, [Removal.key == key, Removal.gone_at.is_(None)], gone_at=utcnow())


def finish() -> int:
    """Delete the objects that are still there, return how many there were, and forget what was removed long ago."""
    left = db.session.scalars(sa.select(Removal.key).where(Removal.gone_at.is_(None)).distinct()).all()
    db.session.rollback()  # no transaction is open while the outside is waited for
    removed = 0
    try:
        for key in left:
            remove(key)
            removed += 1
    except StorageUnavailable:
        log.warning("storage: %d removed original(s) may still be there, will try again", len(left) - removed)
    with writing():
        is_old = (Removal.removed_at < utcnow() - REMEMBERED, Removal.gone_at.is_not(None))
        db.session.execute(sa.delete(Removal).where(*is_old))
    return removed

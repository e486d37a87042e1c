"""What a worker does for tags: bring what is made of a file up to date with what its owner, or the original, says."""

import threading
from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa

from webapp.db import db
from webapp.errors import ObjectMissing
from webapp.extensions import storage
from webapp.models import AudioFile, Tagging
from webapp.news import UNTAGGED
from webapp.services import claims, renditions, tagging, taggings


@dataclass(frozen=True)
class _Behind:
    """A rendition that has other tags than its file, in plain values."""

    id: int
    key: str
    version: int | None


def retag(claim: claims.Claim, stop: threading.Event) -> None:
    """Write the tags of the file into each rendition that has others; what was made outside is ready by that.

    Each once: if the tags have changed meanwhile, that is another piece, which waits for its own turn. Raises
    StorageFull if there is no room for it now.
    """
    if _is_unread(claim):
        with storage.on_disk(claim.source, stop) as source:
            tagging.read(claim.file_id, source, stop)
    written: set[int] = set()
    while (behind := _next(claim, written)) is not None:
        written.add(behind.id)
        if not _write(claim, behind, stop):
            return
    taggings.finish(claim.token)


def _is_unread(claim: claims.Claim) -> bool:
    unread = sa.exists().where(AudioFile.id == claim.file_id, AudioFile.tags_read_at.is_(None))
    return bool(db.session.scalar(sa.select(unread)))


def _next(claim: claims.Claim, written: Collection[int]) -> _Behind | None:
    found = db.session.scalars(Tagging.behind(claim.file_id, but=written).limit(1)).one_or_none()
    behind = _Behind(found.id, found.key, found.tags_version) if found else None
    db.session.rollback()  # no transaction is open while the storage is waited for
    return behind


def _write(claim: claims.Claim, behind: _Behind, stop: threading.Event) -> bool:
    """Bring one up to date; False if this try is no more."""
    now = tagging.worn(claim.file_id)
    if now is None:
        return False
    try:
        with storage.on_disk(behind.key, stop) as plain, storage.workspace() as folder:
            is_anew = behind.version not in (None, UNTAGGED)
            tagged, version = tagging.dressed(claim.file_id, plain, stop, folder=folder, anew=is_anew)
            if tagged == plain:
                return taggings.record(claim.token, behind.id, version) or _is_held(claim)
            size = tagged.stat().st_size
            if not _is_held(claim):
                return False
            storage.put_file(behind.key, tagged, stop)
    except ObjectMissing:  # removed meanwhile; if it was not, there is nothing that could have tags
        return taggings.record(claim.token, behind.id, now.version) or _is_held(claim)
    if taggings.record(claim.token, behind.id, version, size):
        return True
    if not renditions.is_wanted(behind.key):
        storage.delete(behind.key)
    return _is_held(claim)


def _is_held(claim: claims.Claim) -> bool:
    return claim.token in claims.held([claim.token])

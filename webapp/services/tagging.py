"""Tags: read out of the original once, changed by their owner, and written into every rendition by workers."""

import logging
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from webapp.db import db, utcnow, writing
from webapp.errors import Refused, TagsFailed, TooLarge, TranscoderUnavailable
from webapp.extensions import storage, tagger, workers
from webapp.models import AudioFile, Tagging, User
from webapp.services import changes, covers, library, originals, renditions
from webapp.tags import TAGS, Found, Picture
from webapp.words import N_

log = logging.getLogger(__name__)

LONGEST, LONGEST_COMMENT = 500, 10_000
TOO_LONG = N_("A tag has at most {count} characters, and a comment {more}.")
UNREAD = N_("The tags of this file could not be read.")


@dataclass(frozen=True)
class Worn:
    """The tags and the cover that a file has at the moment."""

    version: int
    tags: Mapping[str, str]
    cover_key: str | None


def clean(tags: Mapping[str, str]) -> dict[str, str]:
    """The tags that we know, as they can be shown and kept: one line each, but for the comment. None is empty."""
    kept = {}
    for name in TAGS:
        lines = str(tags.get(name) or "").splitlines() if name == "comment" else [str(tags.get(name) or "")]
        if text := "\n".join(map(library.one_line, lines)).strip():
            kept[name] = text
    return kept


def edit(
    user: User,
    file_id: uuid.UUID,
    given: Mapping[str, str],
    *,
    seen: Mapping[str, str] | None = None,
    cover: Picture | None = None,
    is_without_cover: bool = False,
) -> None:
    """Give the file these tags, and this cover or none; those that are not named stay as they are.

    What is the same as the user has `seen` stays, too, even if a worker has found more in the meantime. What is ready
    gets them soon, and what is being made will have them. Raises Refused, TooLarge and NotFound.
    """
    wanted, named = _wanted(given, seen)
    library.find(user, file_id)
    owner_id = user.id
    db.session.rollback()  # no transaction is open while the storage is waited for
    with covers.kept(owner_id, file_id, cover) as place, writing():
        changes.lock(owner_id)
        file = library.find(user, file_id)
        old = file.cover_key if cover or is_without_cover else None
        tags = {name: text for name, text in file.tags.items() if name not in named}
        tags |= {name: wanted[name] for name in named if name in wanted}
        if tags != file.tags or cover or old:
            if cover or is_without_cover:
                _put_on(file, cover, place)
            file.tags, file.tags_version = tags, file.tags_version + 1
            db.session.flush()
            changes.made(owner_id, file_id)
        renditions.want_tags(file)  # if nothing has changed, what could not be written the last time
    if old:
        storage.delete(old)
    wake()


def wake() -> None:
    """Have somebody see to what waits, if anything does. A sweep does if the broker does not answer."""
    waits = db.session.scalar(sa.select(sa.exists().where(Tagging.status.in_(Tagging.waits_as))))
    db.session.rollback()
    try:
        if waits:
            workers.wake(1)
    except TranscoderUnavailable:
        log.warning("tags: nobody could be woken, the sweep will")


def read(file_id: uuid.UUID, source: Path, stop: threading.Event) -> None:
    """See what tags and cover the original has, unless that has been done. What a user has written since stays.

    Raises StorageFull if there is no room for the cover; it can be read again later.
    """
    row = db.session.execute(
        sa.select(AudioFile.owner_id, AudioFile.tags_read_at).where(AudioFile.id == file_id)
    ).one_or_none()
    db.session.rollback()
    if row is None or row.tags_read_at:
        return
    try:
        found = tagger.read(source, stop=stop)
    except TagsFailed as exc:
        log.warning("file %s: its tags cannot be read: %s", file_id, exc.detail)
        found = Found({}, refusal=UNREAD)
    with covers.kept(row.owner_id, file_id, found.cover) as place:
        if not _keep(row.owner_id, file_id, found, place) and place:
            storage.delete(place)


def worn(file_id: uuid.UUID) -> Worn | None:
    """What the file has now; None if it was deleted. No transaction is left open."""
    query = sa.select(AudioFile.tags_version, AudioFile.tags, AudioFile.cover_key).where(AudioFile.id == file_id)
    row = db.session.execute(query).one_or_none()
    db.session.rollback()
    return Worn(row.tags_version, clean(row.tags), row.cover_key) if row else None


def dressed(
    file_id: uuid.UUID, plain: Path, stop: threading.Event, *, folder: Path, anew: bool = False
) -> tuple[Path, int]:
    """The rendition with the tags of its file, in the folder, and which they are; as it was if there are none for it.

    `anew`: it had others before, so that none are written, too. Raises StorageFull: then they can be written later.
    """
    now = worn(file_id)
    if now is None:
        return plain, 0
    cover = covers.fetch(now.cover_key)
    if not anew and not now.tags and not cover:
        return plain, now.version
    target = folder / f"tagged{plain.suffix}"
    try:
        tagger.write(plain, target, now.tags, cover, stop=stop)
    except TagsFailed as exc:  # what was made is worth more than its tags, and another try would end the same
        log.warning("file %s: no tags in %s: %s", file_id, plain.suffix, exc.detail)
        return plain, now.version
    return target, now.version


def _wanted(given: Mapping[str, str], seen: Mapping[str, str] | None) -> tuple[dict[str, str], list[str]]:
    """The tags as they are kept, and the names of those that are to change. Raises Refused for one that is too long."""
    wanted = clean(given)
    if any(len(text) > _longest(name) for name, text in wanted.items()):
        raise Refused(TOO_LONG, count=LONGEST, more=f"{LONGEST_COMMENT:,}")
    named = [name for name in TAGS if name in given]
    if seen is None:
        return wanted, named
    was = clean(seen)
    return wanted, [name for name in named if wanted.get(name) != was.get(name)]


def _longest(name: str) -> int:
    return LONGEST_COMMENT if name == "comment" else LONGEST


def _put_on(file: AudioFile, cover: Picture | None, place: str | None) -> None:
    """Let the file have this cover, or none. Raises TooLarge if the account has no room for it."""
    size = len(cover.content) if cover else None
    if size and size - (file.cover_size or 0) > library.room(file.owner).left:
        raise TooLarge(originals.NO_ROOM)
    file.cover_key, file.cover_size, file.cover_refusal = place, size, ""


def _keep(owner_id: int, file_id: uuid.UUID, found: Found, place: str | None) -> bool:
    """Keep what was found in the original; whether its cover is the file's now."""
    with writing():
        changes.lock(owner_id)
        file = db.session.get(AudioFile, file_id)
        if file is None or file.tags_read_at:
            return False
        file.tags_read_at = utcnow()
        is_edited = file.tags_version > 0
        texts = {name: text[: _longest(name)] for name, text in clean(found.tags).items()}
        tags = file.tags if is_edited else {**clean(file.tags), **texts}
        takes_cover = file.cover_key is None
        if takes_cover:
            file.cover_refusal = found.refusal
            file.cover_key, file.cover_size = place, len(found.cover.content) if found.cover else None
        has_changed = tags != file.tags or (takes_cover and place is not None)
        file.tags = tags
        file.tags_version += has_changed
        db.session.flush()
        if has_changed:
            renditions.want_tags(file)
        changes.made(owner_id, file_id)
    return takes_cover

"""The user's files: found, listed, renamed, deleted."""

import re
import secrets
import unicodedata
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from webapp import presets
from webapp.db import db, writing
from webapp.errors import NotFound, Refused
from webapp.extensions import settings, storage, transcoder
from webapp.filenames import EXTENSIONS
from webapp.models import AudioFile, Notification, OwnPreset, Rendition, TranscodeJob, Upload, User
from webapp.news import WAITING
from webapp.presets import PRESETS, Preset
from webapp.services import changes, removals
from webapp.words import N_

PAGE_SIZE = 25
# With less than this part of the quota left, it is time to say so.
SHORT = 0.1
# Renditions that wait. Sorting so many takes some ten milliseconds.
MOST_COUNTED = 2000
LONGEST_NAME = 255
_ORIGINAL = re.compile(r"media/\d+/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/[\w-]{22}\.[a-z0-9]+")
TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass(frozen=True)
class Page:
    """One page of a list."""

    items: Sequence[AudioFile]
    number: int
    count: int
    """Pages there are; at least one."""
    total: int
    """Things in the whole list."""


@dataclass(frozen=True)
class Room:
    """What the originals of a user take of what they may take, in bytes."""

    used: int
    quota: int

    @property
    def left(self) -> int:
        """What may still come."""
        return max(0, self.quota - self.used)

    @property
    def is_short(self) -> bool:
        """Whether little is left."""
        return self.left < self.quota * SHORT


def find(user: User, file_id: uuid.UUID) -> AudioFile:
    """The user's own file. Raises NotFound for one that is missing or another's."""
    file = db.session.scalar(AudioFile.of(user).where(AudioFile.id == file_id))
    if file is None:
        raise NotFound
    return file


def listing(user: User, *, search: str = "", sort: str = "newest", page: int = 1) -> Page:
    """One page of the user's files. A page that is not there is the nearest that is."""
    query = AudioFile.listed(user, search=one_line(search), sort=sort)
    total = db.session.scalar(sa.select(sa.func.count()).select_from(query.order_by(None).subquery())) or 0
    count = max(1, -(-total // PAGE_SIZE))
    number = min(max(1, page), count)
    items = db.session.scalars(query.limit(PAGE_SIZE).offset((number - 1) * PAGE_SIZE)).all()
    return Page(items, number, count, total)


def several(user: User, file_ids: Collection[uuid.UUID]) -> Sequence[AudioFile]:
    """Those of the files that are there and are the user's, in the order of their names."""
    query = AudioFile.listed(user, sort="name").where(AudioFile.id.in_(file_ids))
    return db.session.scalars(query).all() if file_ids else []


def ahead(user: User) -> Mapping[uuid.UUID, int]:
    """For each waiting file of the user, how many files, whoever's, will be begun before it.

    Nothing while more waits than is worth counting for each page that asks, and nothing of the queue of others.
    """
    if not transcoder.is_ours:
        return {}
    waiting = sa.select(Rendition.id).where(Rendition.status.in_(WAITING)).limit(MOST_COUNTED + 1)
    count = db.session.scalar(sa.select(sa.func.count()).select_from(waiting.subquery())) or 0
    if not 0 < count <= MOST_COUNTED:
        return {}
    return dict(db.session.execute(TranscodeJob.ahead(), {"owner_id": user.id}).all())


def offered() -> Mapping[str, Preset]:
    """The formats that can be asked for here: those that the transcoder makes."""
    return {name: preset for name, preset in PRESETS.items() if name in transcoder.makes}


def chosen(user: User, names: Iterable[str]) -> tuple[str, ...]:
    """These formats, in order; the default three if there are none. Raises UnknownPreset for one not offered.

    Offered are those that the transcoder makes and, where that is ours, the user's own.
    """
    wanted, offered = set(names), set(transcoder.makes)
    if transcoder.is_ours and wanted - offered:
        offered |= {own.recipe_name for own in db.session.scalars(OwnPreset.of(user))}
        db.session.rollback()  # whoever asks goes on to wait for bytes
    return presets.chosen(wanted, offered)


def times_told(files: Collection[AudioFile]) -> int:
    """How many notifications tell of these files, dismissed ones too."""
    told = sa.select(sa.func.count()).where(Notification.audio_file_id.in_([file.id for file in files]))
    return db.session.scalar(told) or 0


def room(user: User) -> Room:
    """What the user's files take of the quota."""
    return Room(bytes_used(user.id), settings.user_quota_bytes)


def bytes_used(user_id: int) -> int:
    """What the user's originals and covers take of the quota, those on their way too.

    Renditions can be made again, so they take nothing of it.
    """
    size = AudioFile.size + sa.func.coalesce(AudioFile.cover_size, 0)
    used = sa.select(sa.func.coalesce(sa.func.sum(size), 0)).where(AudioFile.owner_id == user_id)
    return int(db.session.scalar(used) or 0) + int(db.session.scalar(Upload.reserved(user_id)) or 0)


def known(owner_id: int, size: int, checksum: str) -> AudioFile | None:
    """The user's file with just these bytes, if there is one."""
    same = sa.select(AudioFile).where(*_alike(owner_id, size), AudioFile.checksum == checksum)
    return db.session.scalar(same.order_by(AudioFile.created_at).limit(1)) if checksum else None


def has_alike(owner_id: int, size: int) -> bool:
    """Whether the user has a file of just this size."""
    return bool(db.session.scalar(sa.select(sa.exists().where(*_alike(owner_id, size)))))


def one_line(text: str) -> str:
    """The text as it can be shown and kept: one line, without control characters (PostgreSQL takes no NUL).

    Nor with those that turn the direction of what follows them (UAX 9), which make a name look like another.
    """
    kept = (" " if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") else c for c in text if c not in TURNING)
    return unicodedata.normalize("NFC", " ".join("".join(kept).split()))


def clean_name(name: str) -> str:
    """The client's file name as it can be shown: no folders, no control characters, at most 255 characters."""
    last = name.replace("\\", "/").rpartition("/")[2]
    name = one_line(last)[:LONGEST_NAME]
    return name if name.strip(" .") else "Untitled"


def rename(user: User, file_id: uuid.UUID, name: str) -> None:
    """Give the file another name. Raises Refused for one that is empty or too long."""
    name = one_line(name)
    if not name or len(name) > LONGEST_NAME:
        raise Refused(N_("A name has from 1 to {count} characters."), count=LONGEST_NAME)
    with writing():
        changes.lock(user.id)
        find(user, file_id).name = name
        changes.made(user.id, file_id, listing=True, alerts=True)


def delete(user: User, file_id: uuid.UUID, *, only_if: sa.ColumnElement[bool] | None = None) -> None:
    """Remove the file with all that was made of it and said about it. What is being made of it is stopped.

    Doing it twice is no error, so a file that is not there, or another's, is none either; nor one of which `only_if`
    does not hold.
    """
    with writing():
        changes.lock(user.id)
        which = AudioFile.id == file_id
        file = db.session.scalar(AudioFile.of(user).where(which if only_if is None else sa.and_(which, only_if)))
        if file is None:
            return
        original, made = file.key, [rendition.key for rendition in file.renditions]
        made += [file.cover_key] if file.cover_key else []
        external_ids = [job.external_id for job in file.jobs if not job.status.is_final]
        removals.note(file)
        db.session.execute(sa.delete(AudioFile).where(AudioFile.id == file_id))
        changes.made(user.id, listing=True, alerts=True)
    for external_id in external_ids:
        transcoder.cancel(external_id)
    removals.remove(original)
    for key in made:  # a crash before the last of them leaves orphans to the sweep, never rows without objects
        storage.delete(key)


def rendition(user: User, file_id: uuid.UUID, preset_name: str) -> Rendition:
    """A rendition that is ready. Raises NotFound for one that is not, or is another's."""
    for each in find(user, file_id).ready:
        if each.preset_name == preset_name:
            return each
    raise NotFound


def original_key(owner_id: int, file_id: uuid.UUID, name: str) -> str:
    """Where an original is kept. Of the client's name only a known ending is used."""
    extension = name.rpartition(".")[2].lower()
    ending = extension if extension in EXTENSIONS else "bin"
    return f"media/{owner_id}/{file_id}/{secrets.token_urlsafe(16)}.{ending}"


def is_original_key(key: str) -> bool:
    """Whether we have given this key: what others put into the same bucket hardly has such a one."""
    return _ORIGINAL.fullmatch(key) is not None


def rendition_key(file: AudioFile, preset: Preset) -> str:
    """Where a rendition is kept."""
    return f"transcoded/{file.owner_id}/{file.id}/{preset.name}.{preset.extension}"


def _alike(owner_id: int, size: int) -> tuple[sa.ColumnElement[bool], ...]:
    return (AudioFile.owner_id == owner_id, AudioFile.size == size)

"""Files that come whole: streamed once to the storage, looked at, and only then a file of the user's."""

import threading
import uuid
from collections.abc import Iterable, Iterator, Sequence

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError

from webapp.db import db, writing
from webapp.errors import EmptyFile, NotAudio, StorageFull, TooLarge
from webapp.extensions import probe, settings, storage
from webapp.models import AudioFile, User
from webapp.ports import Facts
from webapp.services import allowance, changes, jobs, library
from webapp.services.checksum import Checksum
from webapp.words import N_

# Each look may take a gibibyte for a file that is made to.
_looking = threading.BoundedSemaphore(4)
NO_ROOM = N_("There is not enough room left in your account for this file. Delete some files first.")


def receive(
    user: User,
    name: str,
    chunks: Iterable[bytes],
    preset_names: Sequence[str],
    *,
    batch: uuid.UUID,
    once: str | None = None,
) -> AudioFile:
    """Keep what comes as a file of the user's and start making the renditions.

    Sending the same bytes with the same `once` twice gives the same file. Nothing is kept when anything is raised:
    TooLarge, TooMuchWaiting, EmptyFile, NotAudio, StorageFull, and whatever the chunks raise when they are cut off.
    """
    owner_id = user.id
    file_id = uuid.uuid4()
    key = library.original_key(owner_id, file_id, name)
    allowance.check_file(owner_id, len(preset_names))
    free = storage.free_bytes()
    if free is not None and free <= 0:
        raise StorageFull
    arriving = Arriving(chunks, room=settings.user_quota_bytes - library.bytes_used(owner_id), free=free)
    db.session.rollback()  # no transaction is open while bytes are waited for
    file = AudioFile(id=file_id, owner_id=owner_id, name=library.clean_name(name), key=key, batch=batch, once=once)
    with storage.arriving(key):
        storage.put(key, arriving)
        kept, job_id = _settle(file, arriving, preset_names)
    if job_id is not None:
        jobs.submit(job_id)
    return kept


class Arriving:
    """The chunks, counted and hashed as they pass.

    Raises TooLarge or StorageFull for the first byte for which the account or the disk has no room.
    """

    def __init__(self, chunks: Iterable[bytes], *, room: int, free: int | None) -> None:
        self.chunks = chunks
        self.room = room
        self.free = free
        self.size = 0
        self._checksum = Checksum()

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self.chunks:
            self.size += len(chunk)
            check_size(self.size, self.room)
            if self.free is not None and self.size > self.free:
                raise StorageFull  # what is left is for the database of all
            self._checksum.update(chunk)
            yield chunk

    @property
    def checksum(self) -> str:
        """Of all that has passed."""
        return self._checksum.hexdigest()


def check_size(size: int, room: int) -> None:
    """Raise TooLarge for a file that is over the limit, or for which the account has no room."""
    if size > settings.max_upload_bytes:
        limit = in_words(settings.max_upload_bytes)
        raise TooLarge(N_("This file is bigger than {limit}, the most that we take."), limit=limit)
    if size > room:
        raise TooLarge(NO_ROOM)


def in_words(size: int) -> str:
    """A number of bytes, for people."""
    if size == 1:
        return "1 byte"
    amount = float(size)
    for unit in ("bytes", "kB", "MB", "GB"):
        if amount < 1000 or unit == "GB":  # noqa: PLR2004 - decimal units, as shops and systems print them
            break
        amount /= 1000
    return f"{amount:.0f} {unit}" if amount >= 10 or unit == "bytes" else f"{amount:.1f} {unit}"  # noqa: PLR2004


def look(key: str, size: int) -> Facts:
    """What the object turns out to be. Raises EmptyFile and NotAudio."""
    if size == 0:
        raise EmptyFile
    try:
        refusal = NotAudio()
        for glimpse in storage.glimpses(key):
            try:
                with glimpse as path, _looking:
                    return probe.look(path)
            except NotAudio as exc:
                refusal = exc
        raise refusal
    except Exception:
        storage.size(key)  # raises ObjectMissing if it was deleted meanwhile: then nothing that was seen of it counts
        raise


def add(file: AudioFile, facts: Facts, preset_names: Sequence[str]) -> uuid.UUID:
    """Add, without committing, the file with its first job, and return the job's id."""
    for name, value in vars(facts).items():
        setattr(file, name, value)
    db.session.add(file)
    db.session.flush()
    job = jobs.add(file, preset_names)
    changes.made(file.owner_id, file.id, listing=True)
    return job.id


def _settle(file: AudioFile, arrived: Arriving, preset_names: Sequence[str]) -> tuple[AudioFile, uuid.UUID | None]:
    """Make what has arrived a file with a job, or remove it: what is refused, and what was sent before."""
    try:
        facts = look(file.key, arrived.size)
        if known := _sent_before(file, arrived):
            storage.delete(file.key)
            return known, None
        return file, _commit(file, arrived, facts, preset_names)
    except BaseException as exc:
        if isinstance(exc, DBAPIError) and exc.connection_invalidated:
            raise  # cut off in the commit: the file may be there, so the object is left to the sweep, which asks
        storage.delete(file.key)
        # The same form was sent twice at once, and the other was first.
        if isinstance(exc, IntegrityError) and (known := _sent_before(file, arrived)):
            return known, None
        raise


def _commit(file: AudioFile, arrived: Arriving, facts: Facts, preset_names: Sequence[str]) -> uuid.UUID:
    file.size, file.checksum = arrived.size, arrived.checksum
    with writing():
        changes.lock(file.owner_id)
        # Two that arrive together both saw room for themselves: only now is it certain.
        if library.bytes_used(file.owner_id) + file.size > settings.user_quota_bytes:
            raise TooLarge(NO_ROOM)
        allowance.check_file(file.owner_id, len(preset_names))
        return add(file, facts, preset_names)


def _sent_before(file: AudioFile, arrived: Arriving) -> AudioFile | None:
    """The file that a double click has sent already. The same number on other bytes is a page that was left open."""
    if file.once is None:
        return None
    numbered = sa.select(AudioFile).where(AudioFile.owner_id == file.owner_id, AudioFile.once == file.once)
    known = db.session.scalar(numbered)
    if known is None or known.checksum == arrived.checksum:
        return known
    file.once = None
    return None

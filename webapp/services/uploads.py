"""Files that come in parts, so that whatever is cut can go on: begun with room for all of it, and completed once."""

import hashlib
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta

import sqlalchemy as sa

from webapp.db import db, utcnow, writing
from webapp.errors import Conflict, CutOff, EmptyFile, NotFound, ObjectMissing, TooLarge, Unavailable
from webapp.extensions import settings, storage
from webapp.models import Upload, User
from webapp.models.upload import KEPT
from webapp.objects import Part
from webapp.services import allowance, changes, checksum, library, originals
from webapp.words import N_

# S3 takes no more. A file that would have more has bigger ones.
MOST_PARTS = 10_000
MEBIBYTE = 1024 * 1024
# Each sign of life is a write.
TOUCH = timedelta(minutes=1)
MOST_ADDRESSES = 100
IS_COMPLETE = N_("This upload is complete.")


def begin(
    user: User, name: str, size: int, preset_names: Sequence[str],
    *, fingerprint: str = "", batch: uuid.UUID | None = None, is_copy: bool = False,
) -> tuple[Upload, bool]:  # fmt: skip
    """An upload with room for all of it, and whether it is new: the same file chosen again goes on where it stopped.

    The formats are then those of the later choice. Raises EmptyFile, TooLarge, StorageFull and TooMuchWaiting.
    """
    if size < 1:
        raise EmptyFile
    originals.check_size(size, room=size)  # before any query: the database takes no number without end
    owner_id, mark = user.id, _mark_of(fingerprint)
    wanted = {"preset_names": list(preset_names), "batch": batch or uuid.uuid4(), "is_copy": is_copy}
    if resumed := _resume(owner_id, mark, size, wanted):
        return resumed, False
    upload = Upload(
        id=uuid.uuid4(), owner_id=owner_id, name=library.clean_name(name), size=size, fingerprint=mark, **wanted
    )
    try:
        _open(upload)
    except _BegunMeanwhile:
        return begin(user, name, size, preset_names, fingerprint=fingerprint, batch=batch, is_copy=is_copy)
    return upload, True


def find(user: User, upload_id: uuid.UUID) -> Upload:
    """The user's own upload. Raises NotFound for one that is missing or another's."""
    query = Upload.of(user).where(Upload.id == upload_id).execution_options(populate_existing=True)
    upload = db.session.scalar(query)
    if upload is None:
        raise NotFound
    return upload


def unfinished(user: User, *, most: int = 20) -> Mapping[Upload, int]:
    """The user's newest uploads that can go on, and how many bytes of each are here, as far as the storage tells."""
    found: dict[Upload, int] = {}
    listed = db.session.scalars(Upload.unfinished(user).limit(most)).all()
    for upload in listed:
        db.session.expunge(upload)
    for upload in listed:
        try:
            found[upload] = sum(upload.size_of(number) for number in have(upload))
        except NotFound:  # the storage has lost it
            continue
        except Unavailable:  # the list of the files does not have to wait for it
            break
    return found


def have(upload: Upload) -> list[int]:
    """The numbers of the parts that are wholly here; of one that is closed, all: none is asked for any more.

    The transaction ends; the upload keeps what was read of it. Raises NotFound if the storage has lost the parts.
    """
    every = list(range(1, upload.count + 1))
    if not upload.is_open:
        return every
    if upload in db.session:
        db.session.expunge(upload)
    db.session.rollback()  # no transaction is open while the storage is waited for
    try:
        return fitting(upload, storage.parts(upload.key, upload.opened_as))
    except ObjectMissing as exc:
        if is_whole(upload.key, upload.size):
            return every
        raise NotFound from exc


def fitting(upload: Upload, parts: Iterable[Part]) -> list[int]:
    """The numbers of those parts that have the length which they must have."""
    return [part.number for part in parts if part.number <= upload.count and part.size == upload.size_of(part.number)]


def is_whole(key: str, size: int) -> bool:
    """Whether the object is there: somebody was killed between putting it together and the commit."""
    try:
        return storage.size(key) == size
    except ObjectMissing:
        return False


def addresses(upload: Upload, first: int) -> Mapping[int, str]:
    """Where the browser may put the next hundred parts from this one on, if they do not have to come to us."""
    numbers = range(first, min(first + MOST_ADDRESSES, upload.count + 1)) if upload.is_open else ()
    return storage.addresses(upload.key, upload.opened_as, {number: upload.size_of(number) for number in numbers})


def put_part(user: User, upload_id: uuid.UUID, number: int, chunks: Iterable[bytes], *, length: int | None) -> Part:
    """Keep one part, from number 1; again is no error. `length` is what was announced, in bytes, if it was.

    Raises NotFound for a number that there is not, Conflict for an upload that is closed, TooLarge and CutOff for a
    part of another length than it must have.
    """
    upload = find(user, upload_id)
    if not upload.is_open:
        raise Conflict(IS_COMPLETE)
    if not 1 <= number <= upload.count:
        raise NotFound
    key, opened_as, size, is_stale = upload.key, upload.opened_as, upload.size_of(number), _is_stale(upload)
    whole = upload.size
    db.session.rollback()  # no transaction is open while bytes are waited for
    if length is not None and length != size:
        raise TooLarge if length > size else CutOff
    try:
        part = storage.put_part(key, opened_as, number, _exactly(size, chunks))
    except ObjectMissing as exc:
        is_complete = is_whole(key, whole) or not find(user, upload_id).is_open
        raise (Conflict(IS_COMPLETE) if is_complete else NotFound()) from exc
    if is_stale:
        with writing():
            changes.update(Upload, [Upload.id == upload_id], touched_at=utcnow())
    return part


def discard(user: User, upload_id: uuid.UUID) -> None:
    """Forget an unfinished upload and give its room back. Of one that has become a file nothing changes."""
    find(user, upload_id)
    _forget(Upload.id == upload_id, Upload.closed_at.is_(None))


def forget_old() -> int:
    """Forget the uploads for which nothing has come for a long time, and return how many there were."""
    is_old = Upload.touched_at < utcnow() - KEPT
    old = db.session.scalars(sa.select(Upload.id).where(is_old)).all()
    db.session.rollback()
    for upload_id in old:
        _forget(Upload.id == upload_id, is_old)  # something may have come since
    return len(old)


def forget_if_lost(upload_id: uuid.UUID) -> bool:
    """Forget an unfinished upload of which the storage knows nothing, and say whether it was so."""
    upload = db.session.get(Upload, upload_id)
    try:
        if upload:
            have(upload)
    except NotFound:
        _forget(Upload.id == upload_id, Upload.closed_at.is_(None))
        return True
    return False


def _mark_of(fingerprint: str) -> str:
    return hashlib.sha256(fingerprint.encode(errors="surrogatepass")).hexdigest() if fingerprint else ""


class _BegunMeanwhile(Exception):
    """Another tab was faster: the same file is already on its way."""


def _open(upload: Upload) -> None:
    """Set room aside, in the account and in the storage, and commit."""
    owner_id, size = upload.owner_id, upload.size
    upload.key = library.original_key(owner_id, upload.id, upload.name)
    upload.part_size = max(checksum.PART_SIZE, -(-size // MOST_PARTS // MEBIBYTE) * MEBIBYTE)
    _check_room(upload)
    db.session.rollback()  # no transaction is open while the storage is waited for
    with storage.begin(upload.key, size, upload.part_size) as upload.opened_as, writing():
        changes.lock(owner_id)
        if _same(owner_id, upload.fingerprint, size):
            raise _BegunMeanwhile
        _check_room(upload)  # two that began together both saw room for themselves
        db.session.add(upload)


def _resume(owner_id: int, mark: str, size: int, wanted: Mapping[str, object]) -> Upload | None:
    """The unfinished upload of the same file, with what is wanted now."""
    upload = _same(owner_id, mark, size)
    if upload is None:
        return None
    upload_id = upload.id
    if forget_if_lost(upload_id):
        return None
    with writing():
        still = [Upload.id == upload_id, Upload.closed_at.is_(None)]
        changed = changes.update(Upload, still, touched_at=utcnow(), **wanted)
    return db.session.get(Upload, upload_id) if changed else None


def _same(owner_id: int, mark: str, size: int) -> Upload | None:
    same = (Upload.owner_id == owner_id, Upload.fingerprint == mark, Upload.size == size, Upload.closed_at.is_(None))
    return db.session.scalar(sa.select(Upload).where(*same).limit(1)) if mark else None


def _check_room(upload: Upload) -> None:
    originals.check_size(upload.size, settings.user_quota_bytes - library.bytes_used(upload.owner_id))
    allowance.check_upload(upload.owner_id, len(upload.preset_names))


def _is_stale(upload: Upload) -> bool:
    """Whether a sign of life should be noted; a clock may have been set back since the last one."""
    now = utcnow()
    return not now - TOUCH < upload.touched_at <= now


def _exactly(size: int, chunks: Iterable[bytes]) -> Iterator[bytes]:
    arrived = 0
    for chunk in chunks:
        arrived += len(chunk)
        if arrived > size:
            raise TooLarge
        yield chunk
    if arrived < size:
        raise CutOff


def _forget(*which: sa.ColumnElement[bool]) -> None:
    """Forget the one upload of which all this holds, and give back what it takes if it is unfinished."""
    owner_id = db.session.scalar(sa.select(Upload.owner_id).where(*which))
    if owner_id is None:
        return
    with writing():
        changes.lock(owner_id)
        removal = sa.delete(Upload).where(*which).returning(Upload.key, Upload.opened_as, Upload.closed_at)
        gone = db.session.execute(removal.execution_options(synchronize_session=False)).first()
    if gone and gone.closed_at is None:  # a crash before this is done leaves to the sweep what no row knows
        storage.abort(gone.key, gone.opened_as)
        storage.delete(gone.key)

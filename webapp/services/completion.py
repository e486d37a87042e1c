"""How an upload becomes a file: once, whoever asks how often, and whoever is killed in between."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from webapp.db import db, utcnow, writing
from webapp.errors import Conflict, NotAudio, NotFound, ObjectMissing, PartsMissing, Refused
from webapp.extensions import storage
from webapp.models import AudioFile, Upload, User
from webapp.models.upload import LONGEST_REFUSAL
from webapp.ports import Facts
from webapp.services import changes, checksum, jobs, library, originals, retention, uploads


def complete(user: User, upload_id: uuid.UUID) -> tuple[AudioFile, bool]:
    """The file that the upload has become, and whether it is new; again gives the same.

    It is not new if the user had a file with just these bytes: then that one is what came of it, with the formats that
    it lacked. Raises PartsMissing, and NotAudio, after which the upload is over.
    """
    upload = uploads.find(user, upload_id)
    is_new = False
    if upload.is_open:
        try:
            is_new = _settle(upload)
        except ObjectMissing as exc:
            if uploads.find(user, upload_id).is_open:  # else somebody else has completed it at the same time
                raise NotFound from exc
        upload = uploads.find(user, upload_id)
    if upload.file_id is None:
        raise NotAudio(upload.refusal)
    return library.find(user, upload.file_id), is_new


def renew_known(user: User, size: int, mark: str) -> tuple[uuid.UUID, str] | None:
    """Begin the days of the user's file with just these bytes anew; its id and name, or None if there is none."""
    owner_id = user.id
    if library.known(owner_id, size, mark) is None:
        return None
    with writing():
        changes.lock(owner_id)
        file = library.known(owner_id, size, mark)
        if file is None:
            return None
        retention.renew(file)
        return file.id, file.name


def _settle(upload: Upload) -> bool:
    """Make a file of the upload; whether it was this call that did, and the user had none like it."""
    upload_id, key, size = upload.id, upload.key, upload.size
    _put_together(upload)
    db.session.rollback()  # no transaction is open while a file is looked into
    try:
        facts = originals.look(key, size)
    except Refused as exc:
        with _closing(upload_id) as closed:
            if closed:
                closed.refusal = exc.message[:LONGEST_REFUSAL]
        if closed is None:  # somebody else was faster: what came of that counts, and the object may be a file's
            return False
        storage.delete(key)
        raise
    file_id, job_id = _keep(upload_id, facts)
    if job_id:
        jobs.submit(job_id)
    if file_id and file_id != upload_id:
        storage.delete(key)
    return file_id == upload_id


def _put_together(upload: Upload) -> None:
    """Make one object of the parts, and note its checksum."""
    upload_id, key, opened_as, size = upload.id, upload.key, upload.opened_as, upload.size
    db.session.expunge(upload)
    db.session.rollback()  # no transaction is open while the storage is waited for
    try:
        parts = storage.parts(key, opened_as)
    except ObjectMissing:
        if uploads.is_whole(key, size):
            return
        raise
    missing = set(range(1, upload.count + 1)) - set(uploads.fitting(upload, parts))
    if missing:
        raise PartsMissing(sorted(missing))
    mark = checksum.of_parts(part.sha256 for part in parts)
    with writing():
        # Noted first: whoever has to go on from here does not find the parts any more.
        still = [Upload.id == upload_id, Upload.closed_at.is_(None)]
        changes.update(Upload, still, checksum=mark, touched_at=utcnow())
    try:
        storage.complete(key, opened_as, parts)
    except ObjectMissing as exc:
        if not uploads.is_whole(key, size):
            storage.parts(key, opened_as)  # raises what this was, if it was not another tab that sends a part anew
            raise Conflict from exc


def _keep(upload_id: uuid.UUID, facts: Facts) -> tuple[uuid.UUID | None, uuid.UUID | None]:
    """Close the upload; the file that came of it, and the job if it lacks formats. None and None: it was closed."""
    with _closing(upload_id) as closed:
        if closed is None:
            return None, None
        twin = None if closed.is_copy else library.known(closed.owner_id, closed.size, closed.checksum)
        if twin:
            closed.file_id = twin.id
            retention.renew(twin)
            return twin.id, jobs.add_missing(twin, closed.preset_names)
        file = AudioFile(
            id=closed.id, owner_id=closed.owner_id, name=closed.name, key=closed.key, size=closed.size,
            checksum=closed.checksum, batch=closed.batch,
        )  # fmt: skip
        job_id = originals.add(file, facts, closed.preset_names)
        closed.file_id = file.id
        return file.id, job_id


@contextmanager
def _closing(upload_id: uuid.UUID) -> Iterator[Upload | None]:
    """A transaction that closes the upload, or None if somebody else has. Raises NotFound if it was discarded."""
    owner_id = db.session.scalar(sa.select(Upload.owner_id).where(Upload.id == upload_id))
    if owner_id is None:
        raise NotFound
    with writing():
        changes.lock(owner_id)
        upload = db.session.get(Upload, upload_id)
        if upload and upload.is_open:
            upload.closed_at = upload.touched_at = utcnow()
            yield upload
        else:
            yield None

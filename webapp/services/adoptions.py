"""Files that came to the storage without us, and are being converted already: they become files of their owner's."""

import logging
import re
import uuid
from collections.abc import Collection

import sqlalchemy as sa

from webapp.db import db, utcnow, writing
from webapp.errors import EmptyFile, NotAudio, ObjectMissing
from webapp.extensions import storage, transcoder
from webapp.models import AudioFile, TranscodeJob, User
from webapp.news import JobEvent, JobStatus, Report
from webapp.ports import Facts
from webapp.presets import DEFAULT_PRESETS, PRESETS
from webapp.services import changes, library, originals, renditions

log = logging.getLogger(__name__)

LONGEST_KEY = 255
_KEY = re.compile(r"media/([1-9][0-9]{0,17})/(?:.*/)?([^/]+)")


def adopt(report: Report) -> bool:
    """Take in the file of a job that was started outside, with the job, which goes on; False if it is not for us.

    Its owner is the user in its key. The quota is not asked: the file is there already. Raises StorageUnavailable and
    TranscoderUnavailable.
    """
    owner_id, file = _draft(report.source)
    if file is None or not _is_new(owner_id, file) or report.status is JobStatus.CANCELED:
        log.info("outside: job %s of %r is not taken in", report.external_id, report.source)
        return False
    db.session.rollback()  # no transaction is open while the outside is waited for
    names = _names(report, owner_id, file.id)
    try:
        size = storage.size(file.key)
        facts = originals.look(file.key, size)
    except (NotAudio, EmptyFile, ObjectMissing) as exc:
        log.info("outside: %r is not taken in: %s", report.source, exc.message)
        return False
    file.size = size
    return _add(file, facts, names, report)


def _draft(key: str) -> tuple[int, AudioFile | None]:
    """Whose file it would be, and the file; None if the key is none that we could have given."""
    found = _KEY.fullmatch(key)
    if found is None or len(key) > LONGEST_KEY or "\0" in key:  # PostgreSQL takes no NUL
        return 0, None
    owner_id = int(found[1])
    name = library.clean_name(found[2])
    file_id = file_id_of(key)
    return owner_id, AudioFile(id=file_id, owner_id=owner_id, name=name, key=key, checksum="", batch=uuid.uuid4())


def file_id_of(key: str) -> uuid.UUID:
    """The number of the file with this key, as lambda/transcode_on_upload.py has it, too."""
    try:
        return uuid.UUID(key.split("/")[2])
    except ValueError:
        return uuid.uuid5(uuid.NAMESPACE_URL, key)


def _is_new(owner_id: int, file: AudioFile) -> bool:
    """Whether there is such a user, but no such file yet, the user's or another's."""
    user = db.session.scalar(sa.select(User.id).where(User.id == owner_id))
    same = sa.exists().where(AudioFile.id == file.id)  # the key says it, see `file_id_of`
    return user is not None and not db.session.scalar(sa.select(same))


def _names(report: Report, owner_id: int, file_id: uuid.UUID) -> Collection[str]:
    """The presets that are being made, by the keys that the report names, or the transcoder if it is asked."""
    keys = set(report.results)
    if not keys and (told := transcoder.look(report.external_id)):
        keys = set(told.results)
    place = f"transcoded/{owner_id}/{file_id}"
    return [n for n, p in PRESETS.items() if f"{place}/{n}.{p.extension}" in keys] or DEFAULT_PRESETS


def _add(file: AudioFile, facts: Facts, names: Collection[str], report: Report) -> bool:
    owner_id = file.owner_id
    with writing():
        changes.lock(owner_id)
        if not _is_new(owner_id, file):
            return False
        job = db.session.get_one(TranscodeJob, originals.add(file, facts, list(names)))
        job.external_id, job.heard_at = report.external_id, utcnow()
        # It is being made: no sweep is to submit it, and no worker of ours to begin it.
        db.session.flush()
        job.move_to(JobStatus.SUBMITTED)
        renditions.begin_all(JobEvent(job.id, JobStatus.PROGRESSING))
    log.info("outside: %r is a file of user %d now", report.source, owner_id)
    return True

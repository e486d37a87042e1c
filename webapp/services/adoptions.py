"""Files that came to the storage without us, and are being converted already: they become files of their owner's."""

import logging
import re
import threading
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from webapp.adapters.storage import keys
from webapp.db import db, utcnow, writing
from webapp.errors import EmptyFile, NotAudio, ObjectMissing, Unavailable
from webapp.extensions import storage, transcoder
from webapp.models import AudioFile, TranscodeJob, User
from webapp.news import JobEvent, JobStatus, Report
from webapp.ports import Facts
from webapp.presets import DEFAULT_PRESETS, PRESETS
from webapp.services import changes, library, originals, removals, renditions

log = logging.getLogger(__name__)

LONGEST_KEY = 255
# As INCOMING of lambda/transcode_on_upload.py.
_KEY = re.compile(r"media/([1-9][0-9]{0,17})/(?:[^/]+/)*([^/]+)")
# SNS waits 15 seconds for an answer, and comes again after a 503.
PATIENCE_SECONDS = 5
# The keys that are being taken in by this process.
_under_way: set[str] = set()
_door = threading.Lock()


def adopt(report: Report) -> bool:
    """Take in the file of a job that was started outside, with the job, which goes on; False if it is not for us.

    Its owner is the user in its key. The quota is not asked: the file is there already. Raises Unavailable while the
    same file is being taken in by another thread, StorageUnavailable, StorageFull (there is no room to look into it),
    TranscoderUnavailable, and OperationalError if the database is busy.
    """
    file = _draft(report.source)
    if file is None or report.status is JobStatus.CANCELED or not _is_new(file, report):
        log.info("outside: the file of job %s is not taken in", report.external_id)
        return False
    db.session.rollback()  # no transaction is open while the outside is waited for
    with _alone(file.key):
        return _take_in(file, report)


def _draft(key: str) -> AudioFile | None:
    """The file that it would be; None if the key is none that a file can have."""
    found = _KEY.fullmatch(key)
    if found is None or len(key) > LONGEST_KEY or not keys.is_ours(key):
        return None
    name = library.clean_name(found[2])
    return AudioFile(id=file_id_of(key), owner_id=int(found[1]), name=name, key=key, checksum="", batch=uuid.uuid4())


def file_id_of(key: str) -> uuid.UUID:
    """The number of the file with this key, as lambda/transcode_on_upload.py has it, too."""
    try:
        return uuid.UUID(key.split("/")[2])
    except ValueError:
        return uuid.uuid5(uuid.NAMESPACE_URL, key)


def _is_new(file: AudioFile, report: Report) -> bool:
    """Whether there is such a user, but no such file yet, the user's or another's, nor was it deleted."""
    user = db.session.scalar(sa.select(User.id).where(User.id == file.owner_id))
    same = sa.exists().where(AudioFile.id == file.id)  # the key says it, see `file_id_of`
    is_known = db.session.scalar(sa.select(same)) or removals.was_removed(file.key, report.external_id)
    return user is not None and not is_known


@contextmanager
def _alone(key: str) -> Iterator[None]:
    """Take this key in, in no other thread of this process. Raises Unavailable if another does.

    To look into a long file may take longer than SNS waits, which then comes again.
    """
    with _door:
        if key in _under_way:
            log.info("outside: file %s is being taken in already", file_id_of(key))
            raise Unavailable
        _under_way.add(key)
    try:
        yield
    finally:
        _under_way.remove(key)


def _take_in(file: AudioFile, report: Report) -> bool:
    names = _names(report, file)
    try:
        size = storage.size(file.key)
        facts = originals.look(file.key, size)
    except (NotAudio, EmptyFile, ObjectMissing) as exc:
        log.info("outside: file %s is not taken in: %s", file.id, exc.message)
        return False
    file.size = size
    return _add(file, facts, names, report)


def _names(report: Report, file: AudioFile) -> Collection[str]:
    """The presets that are being made, by the keys that the report names, or the transcoder if it is asked."""
    told = set(report.results)
    if not told and (answer := transcoder.look(report.external_id)):
        told = set(answer.results)
    return [name for name, preset in PRESETS.items() if library.rendition_key(file, preset) in told] or DEFAULT_PRESETS


def _add(file: AudioFile, facts: Facts, names: Collection[str], report: Report) -> bool:
    owner_id = file.owner_id
    with writing(patience=PATIENCE_SECONDS):
        changes.lock(owner_id)
        if not _is_new(file, report):
            return False
        job = db.session.get_one(TranscodeJob, originals.add(file, facts, list(names)))
        job.external_id, job.heard_at = report.external_id, utcnow()
        # It is being made: no sweep is to submit it, and no worker of ours to begin it.
        db.session.flush()
        job.move_to(JobStatus.SUBMITTED)
        renditions.begin_all(JobEvent(job.id, JobStatus.PROGRESSING))
    log.info("outside: file %s is user %d's now", file_id_of(report.source), owner_id)
    return True

"""For every state that can hang there is a sweep: this one finds what hangs and gives it a push."""

import logging
from collections.abc import Callable
from datetime import timedelta

import sqlalchemy as sa

from webapp.db import db, utcnow, writing
from webapp.extensions import settings, storage, transcoder
from webapp.models import AudioFile, Chore, Rendition, TranscodeJob, Upload, Waveform
from webapp.news import WAITING, JobStatus
from webapp.services import claims, jobs, library, outside, sns, throttle, uploads

log = logging.getLogger(__name__)

# A job that is younger is being submitted by whoever made it.
PATIENCE = timedelta(seconds=10)
# Between an object's last byte and its row lie a look into the file and a commit: seconds. A clock may jump an hour.
ORPHAN_SECONDS = 2 * 3600.0
# Between the row of an upload and its place in the storage lies a rename. A machine may be asleep in between.
HALF_BEGUN = timedelta(minutes=10)


def sweep_jobs(wake: Callable[[int], object]) -> int:
    """Submit what nobody was asked to do, and wake workers for what waits; return how many pieces wait."""
    for job_id in [job.id for job in db.session.scalars(TranscodeJob.stuck(before=utcnow() - PATIENCE))]:
        jobs.submit(job_id)
    waiting = sum(
        db.session.scalar(sa.select(sa.func.count()).where(piece.status.in_(WAITING))) or 0
        for piece in ((Rendition, Waveform) if transcoder.is_ours else (Waveform,))
    )
    db.session.rollback()
    if waiting:
        wake(waiting)
    return waiting


def sweep_this_machine() -> int:
    """Remove what dead processes of this machine left, which no other can see; return how many things there were."""
    removed = storage.sweep() + _sweep_uploads()
    for key in storage.abandoned():
        if not _is_known(key):
            storage.delete(key)
            removed += 1
    db.session.rollback()
    return removed


def sweep_storage() -> int:
    """Remove half-made things of dead processes and objects that no row knows; return how many there were."""
    removed = sweep_this_machine()
    for key, age in list(storage.keys()):
        if age > ORPHAN_SECONDS and not _is_known(key) and storage.is_own(key):
            log.info("storage: %s belongs to nothing, removed", key)
            storage.delete(key)
            removed += 1
    db.session.rollback()
    return removed


def take_over(watch: claims.Watch, wake: Callable[[int], object]) -> int:
    """Free what dead workers hold, wake somebody for it, and return how many pieces there were."""
    freed = sum(claims.take_over(token, beat) for token, beat in watch.look())
    if freed:
        log.warning("%d piece(s) of work taken over from a worker that has gone silent", freed)
        wake(freed)
    return freed


def sweep_if_due(wake: Callable[[int], object]) -> bool:
    """Sweep, if no other process has done so lately; True if this one did."""
    sweep_this_machine()
    if not _is_due("sweep", timedelta(seconds=settings.sweep_seconds * 0.9)):
        return False
    outside.ask_outside()  # first: what it leaves to our workers, they are woken for
    sweep_jobs(wake)
    throttle.forget_old()
    uploads.forget_old()
    sns.forget_old()
    if _is_due("orphans", timedelta(hours=1)):
        sweep_storage()
    return True


def _sweep_uploads() -> int:
    """Give back the room of uploads that only the storage or only a row knows, and return how many there were."""
    open_now = list(storage.uploads())  # before the rows are read: what begins in between is not in it
    query = sa.select(Upload.id, Upload.opened_as, Upload.touched_at).where(Upload.closed_at.is_(None))
    rows = db.session.execute(query).all()
    db.session.rollback()
    known = {row.opened_as for row in rows}
    without_row = [(key, name) for key, name in open_now if name not in known and library.is_original_key(key)]
    for key, name in without_row:
        storage.abort(key, name)
    names, before = {name for _, name in open_now}, utcnow() - HALF_BEGUN
    doubtful = [row.id for row in rows if row.opened_as not in names and row.touched_at < before]
    return len(without_row) + sum(uploads.forget_if_lost(upload_id) for upload_id in doubtful)


def _is_due(name: str, interval: timedelta) -> bool:
    """Whether it was last done an interval ago or more; True to one process only, which is then to do it."""
    now = utcnow()
    with writing():
        chore = db.session.scalar(sa.select(Chore).where(Chore.name == name).with_for_update())
        if chore is None:
            db.session.execute(sa.insert(Chore).values(name=name, done_at=now))
            return True
        # Done in the future: the clock was set back since.
        if now - interval < chore.done_at <= now:
            return False
        chore.done_at = now
        return True


def _is_known(key: str) -> bool:
    original = sa.exists().where(AudioFile.key == key)
    rendition = sa.exists().where(Rendition.key == key, Rendition.status.not_in((JobStatus.ERROR, JobStatus.CANCELED)))
    upload = sa.exists().where(Upload.key == key, Upload.closed_at.is_(None))
    return bool(db.session.scalar(sa.select(original | rendition | upload)))

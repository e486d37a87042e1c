"""For every state that can hang there is a sweep: this one finds what hangs and gives it a push."""

import logging
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import timedelta
from itertools import islice

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from webapp import logs
from webapp.db import db, utcnow, writing
from webapp.errors import AppError
from webapp.extensions import settings, storage, transcoder
from webapp.models import AudioFile, Chore, Measurement, Rendition, Tagging, TranscodeJob, Upload, Waveform
from webapp.news import JobStatus
from webapp.services import (
    claims,
    jobs,
    letters,
    library,
    links,
    outside,
    removals,
    retention,
    sign_ins,
    sns,
    taggings,
    throttle,
    uploads,
)

log = logging.getLogger(__name__)

# A job that is younger is being submitted by whoever made it.
PATIENCE = timedelta(seconds=10)
# Between an object's last byte and its row lie a look into the file and a commit: seconds. A clock may jump an hour.
ORPHAN_SECONDS = 2 * 3600.0
# Between the row of an upload and its place in the storage lies a rename. A machine may be asleep in between.
HALF_BEGUN = timedelta(minutes=10)
# How often it is tried whether there is room for tags by now. Each try may copy a rendition, and fail at once.
TAGS_AGAIN = timedelta(minutes=10)
# Each is a call to the outside. What is left comes in the next round.
MOST_SUBMITTED = 50
# So many keys are asked about at once, however many objects there are.
BATCH = 500


def sweep_jobs(wake: Callable[[int], object]) -> int:
    """Submit what nobody was asked to do, and wake workers for what waits; return how many pieces wait."""
    stuck = TranscodeJob.stuck(before=utcnow() - PATIENCE).limit(MOST_SUBMITTED)
    for job_id in [job.id for job in db.session.scalars(stuck)]:
        if not jobs.submit(job_id):  # the others would only wait for the same silence
            break
    waiting = sum(
        db.session.scalar(sa.select(sa.func.count()).where(piece.status.in_(piece.waits_as))) or 0
        for piece in (Waveform, Tagging, *((Rendition, Measurement) if transcoder.is_ours else ()))
    )
    db.session.rollback()
    if waiting:
        wake(waiting)
    return waiting


def sweep_this_machine() -> int:
    """Remove what dead processes of this machine left, which no other can see; return how many things there were."""
    chores = {"half-made things": storage.sweep, "uploads": _sweep_uploads, "arrivals": _sweep_arrivals}
    return sum(_tried(name, chore) for name, chore in chores.items())


def sweep_storage() -> int:
    """Remove half-made things of dead processes and objects that no row knows; return how many there were."""
    return sweep_this_machine() + _sweep_objects()


def take_over(watch: claims.Watch, wake: Callable[[int], object]) -> int:
    """Free what dead workers hold, wake somebody for it, and return how many pieces there were."""
    freed = sum(claims.take_over(token, beat) for token, beat in watch.look())
    if freed:
        log.warning("%d piece(s) of work taken over from a worker that has gone silent", freed)
        wake(freed)
    return freed


def sweep_if_due(wake: Callable[[int], object]) -> bool:
    """Sweep, if no other process has done so lately; True if this one did. A chore that fails stops no other."""
    sweep_this_machine()
    if not _is_due("sweep", timedelta(seconds=settings.sweep_seconds * 0.9)):
        return False
    _tried("jobs outside", outside.ask_outside)  # first: what it leaves to our workers, they are woken for
    _tried("tags", _ask_for_tags)
    _tried("jobs", lambda: sweep_jobs(wake))
    _tried("removals", removals.finish)
    _tried("retention", retention.sweep)
    for service in (throttle, sign_ins, links, letters, uploads, sns):
        _tried(service.__name__, service.forget_old)
    if _is_due("orphans", timedelta(hours=1)):
        _tried("objects", _sweep_objects)
    return True


def _ask_for_tags() -> int:
    """Have the tags tried again that found no room, if there is any beside what the database keeps for itself."""
    if storage.free_bytes() == 0 or not _is_due("tags", TAGS_AGAIN):
        return 0
    return taggings.ask_again()


def _tried(name: str, chore: Callable[[], int | None]) -> int:
    """What the chore returns. One that fails is told in the log, and has its next try in the next round."""
    try:
        return chore() or 0
    except (AppError, SQLAlchemyError) as exc:
        log.warning("sweep: %s: %s; will try again", name, logs.said(exc))
    except Exception as exc:  # a bug in one chore leaves only that one undone
        log.error("sweep: %s failed; will try again\n%s", name, logs.trace(exc))  # noqa: TRY400 - without its words
    finally:
        db.session.rollback()
    return 0


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


def _sweep_arrivals() -> int:
    """Remove objects whose taker died before their row was there, and return how many there were."""
    removed = 0
    for key in storage.abandoned():
        if not _known([key]):
            storage.delete(key)
            removed += 1
    return removed


def _sweep_objects() -> int:
    """Remove the objects that no row knows, and return how many there were."""
    removed = 0
    for batch in _batches(storage.keys()):
        old = [key for key, age in batch if age > ORPHAN_SECONDS]
        known = _known(old)
        for key in old:
            # Asked once more at the end: what failed is perhaps being made again since, under the same key.
            if key not in known and storage.is_own(key) and not _known([key]):
                log.info("storage: %s belongs to nothing, removed", key)
                storage.delete(key)
                removed += 1
    return removed


def _batches(found: Iterable[tuple[str, float]]) -> Iterator[list[tuple[str, float]]]:
    left = iter(found)
    while batch := list(islice(left, BATCH)):
        yield batch


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


def _known(keys: Collection[str]) -> set[str]:
    """Those of the keys that belong to something. No transaction is left open: the storage is asked next."""
    gone = (JobStatus.ERROR, JobStatus.CANCELED)
    query: sa.CompoundSelect[str | None] = sa.union_all(
        sa.select(AudioFile.key).where(AudioFile.key.in_(keys)),
        sa.select(AudioFile.cover_key).where(AudioFile.cover_key.in_(keys)),
        sa.select(Rendition.key).where(Rendition.key.in_(keys), Rendition.status.not_in(gone)),
        sa.select(Upload.key).where(Upload.key.in_(keys), Upload.closed_at.is_(None)),
    )
    found = {key for key in db.session.scalars(query) if key}
    db.session.rollback()
    return found

"""Files are kept for RETENTION_DAYS, and their owner is told before one goes.

The days begin when its newest job has ended, and anew when the same bytes are sent again: who does that wants it.

A clock may jump, or a service be off for a week: so a file goes only when its notice is three days old by the clock and
could be read for three days, counted in small steps while a worker runs.
"""

import logging
import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from webapp.db import db, utcnow, writing
from webapp.extensions import settings
from webapp.models import AudioFile, Chore, Rendition, TranscodeJob, User
from webapp.news import BUSY
from webapp.services import changes, library, notifications

log = logging.getLogger(__name__)

NOTICE = timedelta(days=3)
STEP = timedelta(minutes=10)
# Of a longer time nobody knows what it was: a clock that was put forward, or a machine that was off.
LONGEST_STEP = timedelta(hours=1)
# What is left comes in the next round.
MOST_TOLD = 1000
MOST_DELETED = 100


def kept_until(file: AudioFile) -> datetime | None:
    """The moment before which the file is not deleted; None if none is set."""
    ended_at = file.job.finished_at
    if not settings.retention_days or file.is_busy or ended_at is None:
        return None
    days_begin = max(ended_at, file.renewed_at or ended_at)
    return max(days_begin + timedelta(days=settings.retention_days), utcnow() + NOTICE - timedelta(seconds=file.stood))


def renew(file: AudioFile) -> None:
    """Begin the days of the file anew, without committing, and take back that it will go. The owner's lock is held."""
    file.renewed_at = utcnow()
    if file.told_at:
        _withdraw(file.owner_id, [file.id])
    else:
        changes.made(file.owner_id, file.id)


def sweep() -> int:
    """Tell of what will go, delete what was told of long enough, and return how many files that were."""
    if settings.retention_days:
        _count_time()
    _take_back()
    if not settings.retention_days:
        return 0
    _tell()
    return _delete()


def _count_time() -> None:
    """What was told has stood a while longer."""
    passed = _passed()
    if not passed:
        return
    owners = db.session.scalars(sa.select(AudioFile.owner_id).where(_is_told()).distinct()).all()
    for owner_id in owners:
        with writing():
            changes.lock(owner_id)
            changes.update(AudioFile, [AudioFile.owner_id == owner_id, _is_told()], stood=AudioFile.stood + passed)


def _passed() -> int:
    """The seconds since this was last asked, if they can be believed; 0 until there is a step of them."""
    now = utcnow()
    with writing():
        chore = db.session.scalar(sa.select(Chore).where(Chore.name == "retention").with_for_update())
        if chore is None:
            db.session.add(Chore(name="retention", done_at=now))
            return 0
        passed = now - chore.done_at
        if timedelta(0) <= passed < STEP:
            return 0
        chore.done_at = now
    return max(0, int(min(passed, LONGEST_STEP).total_seconds()))  # less than none: the clock was set back


def _take_back() -> None:
    """Withdraw what was told of files that will stay: something was made of them since, or the clock had erred."""
    will_go = _has_ended_before(_from_when()) if settings.retention_days else sa.false()
    query = sa.select(AudioFile.id, AudioFile.owner_id).where(_is_told(), ~will_go)
    for owner_id, file_ids in _by_owner(query).items():
        with writing():
            changes.lock(owner_id)
            _withdraw(owner_id, file_ids)


def _withdraw(owner_id: int, file_ids: Collection[uuid.UUID]) -> None:
    changes.update(AudioFile, [AudioFile.id.in_(file_ids)], told_at=None, stood=0)
    notifications.withdraw_warnings(file_ids)
    changes.made(owner_id, *file_ids, alerts=True)


def _tell() -> None:
    query = sa.select(AudioFile.id, AudioFile.owner_id).where(~_is_told(), _has_ended_before(_from_when()))
    for owner_id, file_ids in _by_owner(query.limit(MOST_TOLD)).items():
        with writing():
            changes.lock(owner_id)
            changes.made(owner_id, *file_ids, alerts=True)
            owner = db.session.get_one(User, owner_id, populate_existing=True)
            # Asked again: something may have been made of them since, or they are gone.
            still = AudioFile.of(owner).where(AudioFile.id.in_(file_ids), _has_ended_before(_from_when()))
            for file in db.session.scalars(still).all():
                file.told_at = utcnow()
                notifications.warn(file, owner=owner, until=kept_until(file) or utcnow() + NOTICE)


def _delete() -> int:
    query = sa.select(AudioFile.id, AudioFile.owner_id).where(_is_over()).limit(MOST_DELETED)
    deleted = 0
    for owner_id, file_ids in _by_owner(query).items():
        for file_id in file_ids:
            library.delete(db.session.get_one(User, owner_id), file_id, only_if=_is_over())
            log.info("file %s: its time is over", file_id)
            deleted += 1
    return deleted


def _from_when() -> datetime:
    """What has ended before this moment is told of."""
    return utcnow() + NOTICE - timedelta(days=settings.retention_days)


def _is_told() -> sa.ColumnElement[bool]:
    return AudioFile.told_at.is_not(None)


def _is_over() -> sa.ColumnElement[bool]:
    """Whether the file's days are over, and its notice has stood by the clock and in truth."""
    now = utcnow()
    return sa.and_(
        AudioFile.told_at <= now - NOTICE,
        AudioFile.stood >= int(NOTICE.total_seconds()),
        _has_ended_before(now - timedelta(days=settings.retention_days)),
    )


def _has_ended_before(moment: datetime) -> sa.ColumnElement[bool]:
    """Whether the file's newest job ended before then, nothing of it is being made, and it was not sent again since."""
    newest, newer = aliased(TranscodeJob), aliased(TranscodeJob)
    is_newest = ~sa.exists().where(newer.audio_file_id == newest.audio_file_id, newer.attempt > newest.attempt)
    ended = sa.exists().where(newest.audio_file_id == AudioFile.id, newest.finished_at < moment, is_newest)
    busy = sa.exists().where(Rendition.audio_file_id == AudioFile.id, Rendition.status.in_(BUSY))
    return sa.and_(ended, ~busy, sa.func.coalesce(AudioFile.renewed_at < moment, sa.true()))


def _by_owner(query: "sa.Select[uuid.UUID, int]") -> Mapping[int, list[uuid.UUID]]:
    """The files that are found, by whose they are; the transaction ends."""
    found: dict[int, list[uuid.UUID]] = defaultdict(list)
    for file_id, owner_id in db.session.execute(query):
        found[owner_id].append(file_id)
    db.session.rollback()
    return found

"""What can be counted, of all processes together: as the database and the storage know it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from webapp.db import db, utcnow
from webapp.extensions import storage
from webapp.models import AudioFile, Chore, Rendition, TranscodeJob, Upload, User
from webapp.news import BUSY, WAITING, JobStatus


@dataclass(frozen=True)
class Figures:
    """As they are at this moment."""

    jobs: Mapping[JobStatus, int]
    renditions: Mapping[JobStatus, int]
    """Those that are not final."""
    oldest_waiting_seconds: float
    """How long ago the job was made whose renditions have waited longest; 0 if none waits."""
    users: int
    files: int
    original_bytes: int
    rendition_bytes: int
    uploads: int
    """Unfinished ones."""
    upload_bytes: int
    """What they will take."""
    free_bytes: int | None
    """None where there is always room."""
    sweep_age_seconds: float | None
    """Since a worker last swept: much longer than SWEEP_SECONDS, and none lives. None: there never was one."""


def now() -> Figures:
    """All of them, by a few counts."""
    waiting = sa.select(sa.func.min(TranscodeJob.created_at)).join(Rendition, Rendition.job_id == TranscodeJob.id)
    oldest = db.session.scalar(waiting.where(Rendition.status.in_(WAITING)))
    swept = db.session.scalar(sa.select(Chore.done_at).where(Chore.name == "sweep"))
    jobs, renditions = _by_status(TranscodeJob), _by_status(Rendition, *BUSY)
    files, original_bytes = _total(AudioFile.size)
    _, rendition_bytes = _total(Rendition.size, Rendition.status == JobStatus.COMPLETE)
    uploads, upload_bytes = _total(Upload.size, Upload.closed_at.is_(None))
    users = db.session.scalar(sa.select(sa.func.count()).select_from(User)) or 0
    db.session.rollback()  # no transaction is open while the storage is waited for
    return Figures(
        jobs=jobs,
        renditions=renditions,
        oldest_waiting_seconds=_age(oldest) if oldest else 0.0,
        users=users,
        files=files,
        original_bytes=original_bytes,
        rendition_bytes=rendition_bytes,
        uploads=uploads,
        upload_bytes=upload_bytes,
        free_bytes=storage.free_bytes(),
        sweep_age_seconds=_age(swept) if swept else None,
    )


def _age(moment: datetime) -> float:
    return max(0.0, (utcnow() - moment).total_seconds())  # a clock may have been set back since


def _by_status(table: type[TranscodeJob | Rendition], *only: JobStatus) -> dict[JobStatus, int]:
    shown = only or tuple(JobStatus)
    query = sa.select(table.status, sa.func.count()).where(table.status.in_(shown)).group_by(table.status)
    return dict.fromkeys(shown, 0) | dict(db.session.execute(query).all())


def _total(size: Any, *which: sa.ColumnElement[bool]) -> tuple[int, int]:
    query = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(size), 0)).where(*which)
    count, total = db.session.execute(query).one()
    return count, int(total)

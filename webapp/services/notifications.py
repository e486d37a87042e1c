"""What a user is told, and what becomes of it."""

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime

import sqlalchemy as sa

from webapp.db import db, utcnow, writing
from webapp.errors import NotFound
from webapp.models import AudioFile, Kind, Notification, TranscodeJob, User
from webapp.news import Flaw
from webapp.services import changes


def announce(
    job: TranscodeJob, kind: Kind, *, owner: User, ready: Sequence[str], failed: Sequence[str], flaw: Flaw | None = None
) -> None:
    """Add, without committing, the news of this kind about the job; a job has one of each kind at the most.

    What the owner wants to be quiet goes straight to the inbox.
    """
    db.session.add(
        Notification(
            user_id=owner.id,
            audio_file_id=job.audio_file_id,
            job_id=job.id,
            batch=job.audio_file.batch,
            kind=kind,
            ready=list(ready),
            failed=list(failed),
            text=job.error,
            flaw=flaw,
            version=owner.version,
            dismissed_at=utcnow() if kind in owner.quiet_kinds else None,
        )
    )


def warn(file: AudioFile, *, owner: User, until: datetime) -> None:
    """Add, without committing, the news that the file is kept until then and no longer."""
    db.session.add(
        Notification(
            user_id=owner.id,
            audio_file_id=file.id,
            job_id=file.job.id,
            batch=file.batch,
            kind=Kind.EXPIRING,
            text=until.isoformat(),
            version=owner.version,
        )
    )


def withdraw_warnings(file_ids: Collection[uuid.UUID]) -> None:
    """Take back, without committing, what tells that these files will go."""
    warnings = (Notification.audio_file_id.in_(file_ids), Notification.kind == Kind.EXPIRING)
    db.session.execute(sa.delete(Notification).where(*warnings).execution_options(synchronize_session=False))


def dismiss(user: User, ids: Collection[int]) -> None:
    """Put these of the user's notifications away. Doing it twice is no error, nor that one has gone with its file.

    Raises NotFound if none of them is there, or the user's.
    """
    _set(user, ids, Notification.dismissed_at.is_(None), dismissed_at=utcnow())


def restore(user: User, ids: Collection[int]) -> None:
    """Let these of the user's notifications stand again. Raises NotFound if none of them is there, or the user's."""
    _set(user, ids, Notification.dismissed_at.is_not(None), dismissed_at=None)


def see(user: User, file_id: uuid.UUID) -> None:
    """The user has opened the file: what was told of it is seen."""
    unseen = (Notification.user_id == user.id, Notification.audio_file_id == file_id, Notification.seen_at.is_(None))
    # A page is opened far more often than there is news of it: look before taking the lock.
    if db.session.scalar(sa.select(sa.exists().where(*unseen))):
        _update(user.id, unseen, seen_at=utcnow())


def withdraw_failures(file_id: uuid.UUID) -> bool:
    """Dismiss, without committing, what tells of the file's failures, and say whether there was anything."""
    failures = (
        Notification.audio_file_id == file_id,
        Notification.kind.in_((Kind.ERROR, Kind.PARTIAL)),
        Notification.dismissed_at.is_(None),
    )
    return bool(changes.update(Notification, failures, dismissed_at=utcnow()))


def _set(user: User, ids: Collection[int], changes_them: sa.ColumnElement[bool], **values: object) -> None:
    mine = (Notification.user_id == user.id, Notification.id.in_(ids))
    if ids and not db.session.scalar(sa.select(sa.exists().where(*mine))):
        raise NotFound
    if db.session.scalar(sa.select(sa.exists().where(*mine, changes_them))):
        _update(user.id, (*mine, changes_them), **values)


def _update(owner_id: int, which: tuple[sa.ColumnElement[bool], ...], **values: object) -> None:
    with writing():
        changes.lock(owner_id)
        db.session.execute(
            sa.update(Notification).where(*which).values(values).execution_options(synchronize_session=False)
        )
        changes.made(owner_id, alerts=True)

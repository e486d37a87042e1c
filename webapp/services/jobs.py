"""Jobs from their beginning to their end, and the one door for news of them."""

import logging
import uuid
from collections.abc import Sequence

import sqlalchemy as sa

from webapp.db import db, utcnow, writing
from webapp.errors import TranscoderRefused, TranscoderUnavailable
from webapp.extensions import storage, transcoder
from webapp.models import AudioFile, Kind, Rendition, TranscodeJob, User
from webapp.news import JobEvent, JobStatus
from webapp.ports import JobSpec
from webapp.services import allowance, changes, library, measurements, notifications, renditions

log = logging.getLogger(__name__)

KINDS = {JobStatus.COMPLETE: Kind.COMPLETE, JobStatus.PARTIAL: Kind.PARTIAL, JobStatus.ERROR: Kind.ERROR}


def add(file: AudioFile, preset_names: Sequence[str]) -> TranscodeJob:
    """Add, without committing, an attempt to make these renditions of the file."""
    attempts = sa.select(sa.func.count()).where(TranscodeJob.audio_file_id == file.id)
    attempt = (db.session.scalar(attempts) or 0) + 1
    job = TranscodeJob(audio_file_id=file.id, attempt=attempt, preset_names=list(preset_names))
    db.session.add(job)
    db.session.flush()
    renditions.want(file, job)
    return job


def add_missing(file: AudioFile, preset_names: Sequence[str] | None) -> uuid.UUID | None:
    """Add, without committing, an attempt to make what is missing of these formats; its id if anything is.

    None: of the formats that were ever asked for. The owner's lock is held.
    """
    names = renditions.missing(file, preset_names)
    if not names:
        return None
    job_id = add(file, names).id
    _withdraw_alerts_of_what_is_no_more(file)
    changes.made(file.owner_id, file.id, alerts=True)
    return job_id


def submit(job_id: uuid.UUID) -> bool:
    """Ask the transcoder to do a job that is committed. False if it cannot be asked now: the sweep asks again."""
    job = db.session.get(TranscodeJob, job_id)
    if job is None or job.status.is_final:
        return True
    file = job.audio_file
    outputs = {r.preset_name: r.key for r in renditions.of_job(job) if not r.status.is_final}
    spec = JobSpec(job.id, file.key, outputs, file.facts)
    db.session.rollback()  # no transaction is open while the outside is waited for
    try:
        external_id = transcoder.submit(spec)
    except TranscoderUnavailable:
        log.warning("job %s: not submitted, the sweep will try again", job_id)
        return False
    except TranscoderRefused as exc:
        log.warning("job %s: refused by the transcoder: %s", job_id, exc.detail)
        record(JobEvent(job_id, JobStatus.ERROR, error=exc.message, detail=exc.detail))
        return True
    if external_id is not None:
        with writing():
            changes.update(TranscodeJob, [TranscodeJob.id == job_id], external_id=external_id, heard_at=utcnow())
    if not record(JobEvent(job_id, JobStatus.SUBMITTED)) and external_id and _is_over(job_id):
        db.session.rollback()
        transcoder.cancel(external_id)  # it was canceled, or its file deleted, while the outside was waited for
    return True


def retry(user: User, file_id: uuid.UUID) -> None:
    """Make again what failed or was canceled. Doing it twice makes one attempt."""
    _try_again(user, file_id, None)


def more(user: User, file_id: uuid.UUID, preset_names: Sequence[str]) -> None:
    """Make these formats too. Those that are there or on their way are left as they are."""
    _try_again(user, file_id, preset_names)


def cancel(user: User, file_id: uuid.UUID) -> None:
    """Stop what is being made of the file. Whoever works on it sees that its claim is gone. Nobody is told."""
    with writing():
        changes.lock(user.id)
        file = library.find(user, file_id)
        stopped = [job for job in file.jobs if job.move_to(JobStatus.CANCELED)]
        if not stopped:
            return
        external_ids = [job.external_id for job in stopped]
        for job_id in [job.id for job in stopped]:
            renditions.end_all(JobEvent(job_id, JobStatus.CANCELED))
        renditions.end_outline(file_id)
        changes.made(user.id, file_id)
    for external_id in external_ids:
        transcoder.cancel(external_id)


def discard(user: User, file_id: uuid.UUID, preset_name: str) -> bool:
    """Remove one rendition and return True; False if it is not there any more. One that is being made is stopped."""
    with writing():
        changes.lock(user.id)
        file = library.find(user, file_id)
        gone = next((each for each in file.renditions if each.preset_name == preset_name), None)
        if gone is None:
            return False
        key, job, was_busy = gone.key, gone.job, not gone.job.status.is_final
        db.session.execute(sa.delete(Rendition).where(Rendition.id == gone.id))
        db.session.expire_all()
        _settle(job, user.id)
        # Whoever makes it outside has not heard that nothing of it is wanted any more.
        unwanted = job.external_id if was_busy and job.status is JobStatus.CANCELED else None
        _withdraw_alerts_of_what_is_no_more(file)
    if unwanted:
        transcoder.cancel(unwanted)
    storage.delete(key)
    return True


def record(event: JobEvent) -> bool:
    """Take news of a job, whoever brings it, and say whether it was news.

    What comes late, twice or out of order changes nothing. When the job ends, its owner is told, once.
    """
    with writing():
        return take(event)


def take(event: JobEvent) -> bool:
    """The same without committing, in the transaction of whoever brings the news."""
    owners = sa.select(AudioFile.owner_id).join(AudioFile.jobs).where(TranscodeJob.id == event.job_id)
    owner_id = db.session.scalar(owners)
    if owner_id is None:
        log.info("job %s: unknown, %s ignored", event.job_id, event.status)
        return False
    changes.lock(owner_id)
    job = db.session.get(TranscodeJob, event.job_id)
    # None: its file was deleted while we waited for the lock.
    if job is None or not _is_news(job, event):
        return False
    if event.status.is_final:
        _settle(job, owner_id)
    else:
        changes.made(owner_id, job.audio_file_id)
    return True


def _is_news(job: TranscodeJob, event: JobEvent) -> bool:
    if event.preset:
        changed = renditions.apply(event)
        return (event.status is JobStatus.PROGRESSING and job.move_to(JobStatus.PROGRESSING)) or changed
    if event.status.is_final:
        return renditions.end_all(event)
    if event.status is JobStatus.PROGRESSING and not job.status.is_final:
        renditions.begin_all(event)
    return job.move_to(event.status)


def _is_over(job_id: uuid.UUID) -> bool:
    job = db.session.get(TranscodeJob, job_id, populate_existing=True)
    return job is None or job.status in (JobStatus.CANCELED, JobStatus.ERROR)


def _settle(job: TranscodeJob, owner_id: int) -> None:
    """End the job if its renditions have all ended, and tell the owner if it is this that ended it."""
    status = renditions.outcome(job)
    has_ended = status is not None and job.move_to(status)
    changes.made(owner_id, job.audio_file_id, alerts=has_ended)
    if has_ended and job.status in KINDS:
        ready, failed, job.error = renditions.summary(job)
        owner = db.session.get_one(User, owner_id, populate_existing=True)
        if ready:
            measurements.want(job.audio_file_id)
        flaw = renditions.flaw(job)
        notifications.announce(job, KINDS[job.status], owner=owner, ready=ready, failed=failed, flaw=flaw)


def _withdraw_alerts_of_what_is_no_more(file: AudioFile) -> None:
    """A failure's alert goes when nothing of the file is failed any more: it is being retried, or not wanted."""
    db.session.flush()
    db.session.expire(file)
    if not file.unready and notifications.withdraw_failures(file.id):
        changes.made(file.owner_id, alerts=True)


def _try_again(user: User, file_id: uuid.UUID, preset_names: Sequence[str] | None) -> None:
    with writing():
        changes.lock(user.id)
        file = library.find(user, file_id)
        allowance.check_renditions(user.id, len(renditions.missing(file, preset_names)))
        job_id = add_missing(file, preset_names)
    if job_id:
        submit(job_id)

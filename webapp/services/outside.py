"""What a transcoder outside says of its jobs, whether it brings the news itself or has to be asked."""

import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from webapp.adapters.transcoders import reports
from webapp.db import SKEW, db, utcnow, writing
from webapp.errors import ObjectMissing, StorageUnavailable, TranscoderUnavailable
from webapp.extensions import settings, storage, transcoder
from webapp.models import AudioFile, Rendition, TranscodeJob
from webapp.news import BUSY, Flaw, JobEvent, JobStatus, Output, Report, Result
from webapp.services import adoptions, changes, jobs, renditions
from webapp.words import N_

log = logging.getLogger(__name__)

# What is asked in one round; the others are asked in the next.
MOST_ASKED = 50
# Of what cannot be asked: a message of SNS comes within the hour or never. And a clock may jump an hour.
LONGEST_SILENCE = timedelta(hours=2)

FORGOTTEN = N_("The converter no longer knows of this job. Please try again.")
NOT_THERE = N_("The converter said that this format is ready, but it is not in the storage. Please try again.")
NOT_MADE = N_("This service does not make this format.")


@dataclass(frozen=True)
class _Wanted:
    """A rendition that has not ended."""

    job_id: uuid.UUID
    preset: str
    key: str
    seconds: float
    """As long as the original."""


def gather(report: Report) -> list[JobEvent]:
    """The news in a report; nothing if it is of no job of ours, or of one that has ended.

    A file that came to the storage without us is taken in first. No transaction is left open. Raises what
    `adoptions.adopt` raises, and StorageUnavailable: then the report should come again.
    """
    job = _find(report)
    if job is None and report.source:
        adoptions.adopt(report)
        job = _find(report)
    wanted = _wanted(job) if job else []
    db.session.rollback()  # no transaction is open while the outside is waited for
    if job is None:
        log.info("outside: job %s is none of ours, %s ignored", report.external_id, report.status)
    return _events(report, wanted) if wanted else []


def apply(report: Report, events: Sequence[JobEvent]) -> bool:
    """Take what was gathered, without committing, and say whether it was news."""
    job = _find(report)
    if job is None:
        return False
    file_id, owner_id = job.audio_file_id, job.audio_file.owner_id
    changes.lock(owner_id)
    has_moved = _hear_of(job.id, report)
    if has_moved:
        changes.made(owner_id, file_id)
    news = [jobs.take(event) for event in events]
    return has_moved or any(news)


def hear(report: Report) -> bool:
    """Take a report, and say whether it was news. Raises like `gather`."""
    events = gather(report)
    with writing():
        return apply(report, events)


def ask_outside() -> int:
    """Ask for the jobs outside of which nothing was heard lately, and return of how many there was news.

    What was left to our own workers before the settings named another transcoder is submitted there, and the other way
    round: what a transcoder outside was to do that is not asked any more, or cannot be, is done where jobs go now.
    """
    if not transcoder.is_ours:
        _submit_what_was_ours()
    silent = _silent().limit(MOST_ASKED)
    found = {job.id: job.external_id or "" for job in db.session.scalars(silent)}
    db.session.rollback()
    try:
        return sum(_ask(job_id, external_id) for job_id, external_id in found.items())
    except (TranscoderUnavailable, StorageUnavailable):
        log.warning("outside: no answer, will ask again")
        return 0


def _silent() -> sa.Select[TranscodeJob]:
    """The jobs outside that are to be asked for, or given up because they cannot be."""
    long_ago = utcnow() - LONGEST_SILENCE
    if transcoder.is_ours:
        return TranscodeJob.unheard(before=long_ago)
    can_be_asked = TranscodeJob.external_id.not_like(f"{reports.ELASTIC}%")
    silence = timedelta(seconds=settings.sweep_seconds * 0.9)
    return TranscodeJob.unheard(before=utcnow() - silence, after=utcnow() + SKEW).where(
        can_be_asked | (TranscodeJob.heard_at < long_ago)
    )


def _ask(job_id: uuid.UUID, external_id: str) -> bool:
    with writing():  # first: one about which there is trouble must not stand before the others for ever
        changes.update(TranscodeJob, [TranscodeJob.id == job_id], heard_at=utcnow())
    if transcoder.is_ours or external_id.startswith(reports.ELASTIC):
        return _take_home(job_id)
    report = transcoder.look(external_id)
    if report is None:
        log.warning("job %s: the transcoder knows nothing of %s", job_id, external_id)
        return jobs.record(JobEvent(job_id, JobStatus.ERROR, error=FORGOTTEN))
    return hear(report)


def _find(report: Report) -> TranscodeJob | None:
    """The job that the report is of. One that carries our number but is not what we last submitted for it is a twin."""
    if report.job_id is None:
        known = sa.select(TranscodeJob).where(TranscodeJob.external_id == report.external_id)
        return db.session.scalar(known.order_by(TranscodeJob.created_at.desc()).limit(1))
    job = db.session.get(TranscodeJob, report.job_id, populate_existing=True)
    return job if job is not None and job.external_id in (None, report.external_id) else None


def _wanted(job: TranscodeJob) -> list[_Wanted]:
    is_awaited = (Rendition.status.in_(BUSY), Rendition.is_untold.is_(False))
    busy = sa.select(Rendition).where(Rendition.job_id == job.id, *is_awaited).order_by(Rendition.id)
    seconds = job.audio_file.seconds or 0.0
    return [_Wanted(job.id, r.preset_name, r.key, seconds) for r in db.session.scalars(busy)]


def _events(report: Report, wanted: Sequence[_Wanted]) -> list[JobEvent]:
    job_id = wanted[0].job_id
    if report.status is JobStatus.COMPLETE or (report.status is JobStatus.ERROR and report.results):
        return [_ending(report, each) for each in wanted]
    if report.status is JobStatus.ERROR:
        return [JobEvent(job_id, JobStatus.ERROR, error=report.error, detail=report.detail)]
    if report.status in (JobStatus.PROGRESSING, JobStatus.CANCELED):
        return [JobEvent(job_id, report.status)]
    return []


def _ending(report: Report, wanted: _Wanted) -> JobEvent:
    """How one rendition has ended. What is not told of one by one has ended like the whole job."""
    result = report.results.get(wanted.key, Result(report.status))
    if result.status is not JobStatus.COMPLETE:
        return _failed(wanted, result.error or report.error, report.detail)
    try:
        size = storage.size(wanted.key)
    except ObjectMissing:
        return _failed(wanted, NOT_THERE if wanted.preset in transcoder.makes else NOT_MADE)
    seconds = result.seconds or wanted.seconds
    flaw = Flaw.INCOMPLETE if renditions.is_cut_short(wanted.seconds, seconds) else None
    output = Output(size, seconds, bit_rate=round(size * 8 / seconds) if seconds else None, flaw=flaw)
    return JobEvent(wanted.job_id, JobStatus.COMPLETE, wanted.preset, output=output)


def _failed(wanted: _Wanted, error: str, detail: str = "") -> JobEvent:
    return JobEvent(wanted.job_id, JobStatus.ERROR, wanted.preset, error=error, detail=detail)


def _hear_of(job_id: uuid.UUID, report: Report) -> bool:
    """Note that it was heard of, and say whether it does something else now than what was last seen."""
    busy = [TranscodeJob.id == job_id, TranscodeJob.status.in_(BUSY)]
    known = sa.func.coalesce(TranscodeJob.external_id, report.external_id)
    changes.update(TranscodeJob, busy, heard_at=utcnow(), external_id=known)
    if report.stage not in reports.STAGES:
        return False
    earlier = reports.STAGES[: reports.STAGES.index(report.stage)]
    is_before = sa.or_(TranscodeJob.stage.is_(None), TranscodeJob.stage.in_(earlier))
    return bool(changes.update(TranscodeJob, [*busy, is_before], stage=report.stage))


def _submit_what_was_ours() -> None:
    """Submit what nobody works on and no transcoder outside was asked to do: the settings were changed meanwhile."""
    held = sa.exists().where(Rendition.job_id == TranscodeJob.id, Rendition.token.is_not(None))
    left = sa.select(TranscodeJob.id).where(
        TranscodeJob.status.in_((JobStatus.SUBMITTED, JobStatus.PROGRESSING)),
        TranscodeJob.external_id.is_(None),
        ~held,
    )
    for job_id in db.session.scalars(left.order_by(TranscodeJob.created_at).limit(MOST_ASKED)).all():
        jobs.submit(job_id)


def _take_home(job_id: uuid.UUID) -> bool:
    """Take back what a transcoder outside has not done, for our own workers or to be submitted anew."""
    with writing():
        owners = sa.select(AudioFile.owner_id).join(AudioFile.jobs).where(TranscodeJob.id == job_id)
        owner_id = db.session.scalar(owners)
        if owner_id is None:
            return False
        changes.lock(owner_id)
        mine = [TranscodeJob.id == job_id, TranscodeJob.status.in_(BUSY)]
        if not changes.update(TranscodeJob, mine, external_id=None, stage=None):
            return False
        idle = [Rendition.job_id == job_id, Rendition.status == JobStatus.PROGRESSING, Rendition.token.is_(None)]
        idle.append(Rendition.is_untold.is_(False))  # else it is made, and only its tags are missing
        changes.update(Rendition, idle, status=JobStatus.SUBMITTED)
    log.info("job %s: not done outside, taken back", job_id)
    return True

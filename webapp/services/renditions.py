"""The renditions of a job: asked for, changed by news, ended. Nothing here commits; `jobs` does."""

import uuid
from collections.abc import Collection, Sequence

import sqlalchemy as sa

from webapp.db import db, utcnow
from webapp.models import AudioFile, Rendition, TranscodeJob, Waveform
from webapp.news import BUSY, WAITING, Flaw, JobEvent, JobStatus
from webapp.presets import PRESETS
from webapp.services import changes, library


def want(file: AudioFile, job: TranscodeJob) -> None:
    """Ask for the job's renditions, making those anew that failed before, and for the outline if it is not there."""
    present = {rendition.preset_name: rendition for rendition in file.renditions}
    for name in job.preset_names:
        rendition = present.get(name) or Rendition(
            audio_file_id=file.id, preset_name=name, key=library.rendition_key(file, PRESETS[name])
        )
        rendition.job_id = job.id
        rendition.status = JobStatus.CREATED
        rendition.tries = 0
        rendition.percent = 0.0
        rendition.error = rendition.detail = ""
        rendition.flaw = None
        rendition.finished_at = None
        rendition.effort = PRESETS[name].effort * (file.seconds or 0.0)
        db.session.add(rendition)
    waveform = db.session.get(Waveform, file.id) or Waveform(audio_file_id=file.id)
    if waveform.bars is None and waveform.status is not JobStatus.PROGRESSING:
        waveform.status = JobStatus.CREATED
        waveform.tries = 0
        db.session.add(waveform)


def missing(file: AudioFile, preset_names: Collection[str] | None) -> list[str]:
    """What a new attempt has to make of these formats: those that are neither there nor on their way.

    None: of the formats that were ever asked for.
    """
    known = {rendition.preset_name: rendition for rendition in file.renditions}
    wanted = known.keys() if preset_names is None else preset_names
    return [name for name in PRESETS if name in wanted and (name not in known or known[name] in file.unready)]


def apply(event: JobEvent) -> bool:
    """Let one rendition know its news; False if it is past that already, or the news is of a try that is over."""
    where = [Rendition.job_id == event.job_id, Rendition.preset_name == event.preset, Rendition.status.in_(BUSY)]
    if event.token:
        where.append(Rendition.token == event.token)
    if event.status.is_final:
        output = vars(event.output) if event.output else {}
        return bool(changes.update(Rendition, where, **_ended(event), **output))
    if event.percent is None:
        return bool(changes.update(Rendition, where, status=event.status))
    # A second try begins at nothing, but what a user has seen never falls.
    return bool(
        changes.update(
            Rendition, [*where, Rendition.percent < event.percent], status=event.status, percent=event.percent
        )
    )


def begin_all(event: JobEvent) -> None:
    """What a transcoder outside begins, it begins at once."""
    waiting = [Rendition.job_id == event.job_id, Rendition.status.in_(WAITING)]
    changes.update(Rendition, waiting, status=JobStatus.PROGRESSING)


def end_all(event: JobEvent) -> bool:
    """End all renditions of the job that have not ended, as the event says; False if there was none."""
    return bool(
        changes.update(Rendition, [Rendition.job_id == event.job_id, Rendition.status.in_(BUSY)], **_ended(event))
    )


def end_outline(file_id: uuid.UUID) -> None:
    """Nobody needs the outline of a file that is canceled."""
    db.session.execute(
        sa.update(Waveform)
        .where(Waveform.audio_file_id == file_id, Waveform.status.in_(BUSY))
        .values(status=JobStatus.CANCELED, token=None)
        .execution_options(synchronize_session=False)
    )


def outcome(job: TranscodeJob) -> JobStatus | None:
    """How the job has ended, by how its renditions have; None while one of them has not."""
    ends = {rendition.status for rendition in of_job(job)}
    if ends & set(BUSY):
        return None
    if ends <= {JobStatus.CANCELED}:
        return JobStatus.CANCELED
    if ends == {JobStatus.COMPLETE}:
        return JobStatus.COMPLETE
    return JobStatus.PARTIAL if JobStatus.COMPLETE in ends else JobStatus.ERROR


def summary(job: TranscodeJob) -> tuple[list[str], list[str], str]:
    """Of a job that has ended: the presets that are ready, those that failed, and why they did."""
    ready = [r.preset_name for r in of_job(job) if r.is_ready]
    failed = [r for r in of_job(job) if r.status is JobStatus.ERROR]
    return ready, [r.preset_name for r in failed], " ".join(dict.fromkeys(r.error for r in failed))


def flaw(job: TranscodeJob) -> Flaw | None:
    """What is the matter with what is ready of the job."""
    return next((r.flaw for r in of_job(job) if r.is_ready and r.flaw), None)


def of_job(job: TranscodeJob) -> Sequence[Rendition]:
    """The job's renditions in the order of PRESETS."""
    found = {r.preset_name: r for r in db.session.scalars(sa.select(Rendition).where(Rendition.job_id == job.id))}
    return [found[name] for name in PRESETS if name in found]


def _ended(event: JobEvent) -> dict[str, object]:
    return {
        "status": event.status,
        "percent": 100.0,
        "token": None,
        "finished_at": utcnow(),
        "error": event.error,
        "detail": event.detail,
    }

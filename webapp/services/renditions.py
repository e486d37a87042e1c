"""The renditions of a job: asked for, changed by news, ended. Nothing here commits; `jobs` does."""

import uuid
from collections.abc import Collection, Sequence

import sqlalchemy as sa

from webapp import presets
from webapp.db import db, utcnow
from webapp.models import AudioFile, Rendition, Tagging, TranscodeJob, Waveform
from webapp.news import BUSY, WAITING, Flaw, JobEvent, JobStatus, Output
from webapp.services import changes, library

# Of a file that does not say how long it is, the renditions still differ by their presets.
UNKNOWN_SECONDS = 1.0


def want(file: AudioFile, job: TranscodeJob) -> None:
    """Ask for the job's renditions, making those anew that failed before, and for the outline if it is not there."""
    present = {rendition.preset_name: rendition for rendition in file.renditions}
    for name in job.preset_names:
        rendition = present.get(name) or Rendition(
            audio_file_id=file.id, preset_name=name, key=library.rendition_key(file, presets.find(name))
        )
        rendition.job_id = job.id
        rendition.status = JobStatus.CREATED
        rendition.tries = 0
        rendition.percent = 0.0
        rendition.error = rendition.detail = ""
        rendition.flaw = None
        rendition.finished_at = rendition.tags_version = None
        rendition.is_untold = rendition.is_evened = False
        rendition.begins_at = 0.0
        rendition.effort = presets.find(name).effort * (file.seconds or UNKNOWN_SECONDS)
        db.session.add(rendition)
    waveform = db.session.get(Waveform, file.id) or Waveform(audio_file_id=file.id)
    if waveform.bars is None and waveform.status is not JobStatus.PROGRESSING:
        waveform.status = JobStatus.CREATED
        waveform.tries = 0
        db.session.add(waveform)


def missing(file: AudioFile, preset_names: Collection[str] | None) -> list[str]:
    """What a new attempt has to make of these formats: those that are neither there nor on their way.

    None: of the formats that it has, or was to have; what was removed is not among them.
    """
    known = {rendition.preset_name: rendition for rendition in file.renditions}
    wanted = known.keys() if preset_names is None else preset_names
    return [name for name in presets.in_order(wanted) if name not in known or known[name] in file.unready]


def apply(event: JobEvent) -> bool:
    """Let one rendition know its news; False if it is past that already, or the news is of a try that is over."""
    where = [Rendition.job_id == event.job_id, Rendition.preset_name == event.preset, Rendition.status.in_(BUSY)]
    if event.token:
        where.append(Rendition.token == event.token)
    if event.status is JobStatus.COMPLETE and event.output:
        return _complete(event, event.output, where)
    if event.status.is_final:
        return bool(changes.update(Rendition, where, **_ended(event)))
    if event.percent is None:
        return bool(changes.update(Rendition, where, status=event.status))
    # A second try begins at nothing, but what a user has seen never falls.
    return bool(
        changes.update(
            Rendition, [*where, Rendition.percent < event.percent], status=event.status, percent=event.percent
        )
    )


def want_tags(file: AudioFile) -> None:
    """Ask that what is made of the file gets the tags that it has now, if it has others. The owner's lock is held."""
    if not db.session.scalar(sa.select(Tagging.behind(file.id).exists())):
        return
    tagging = db.session.get(Tagging, file.id, populate_existing=True) or Tagging(audio_file_id=file.id)
    # Whoever is at it looks at the end whether something has changed meanwhile.
    if tagging.status is not JobStatus.PROGRESSING:
        tagging.status, tagging.tries = JobStatus.SUBMITTED, 0
        db.session.add(tagging)
        db.session.flush()


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


def is_wanted(key: str) -> bool:
    """Whether what lies at this key is, or will be, a rendition. The transaction ends."""
    gone = (JobStatus.ERROR, JobStatus.CANCELED)
    wanted = bool(db.session.scalar(sa.select(sa.exists().where(Rendition.key == key, Rendition.status.not_in(gone)))))
    db.session.rollback()  # the storage is asked next
    return wanted


def is_cut_short(said: float | None, found: float) -> bool:
    """Whether there is less sound than the file says. Its word stands: each rendition is measured by it."""
    return said is not None and found < said - max(0.5, 0.02 * said)


def of_job(job: TranscodeJob) -> Sequence[Rendition]:
    """The job's renditions in the order of PRESETS."""
    found = {r.preset_name: r for r in db.session.scalars(sa.select(Rendition).where(Rendition.job_id == job.id))}
    return [found[name] for name in presets.in_order(found)]


def _complete(event: JobEvent, output: Output, where: list[sa.ColumnElement[bool]]) -> bool:
    """Let a rendition be ready; one that was made outside only when a worker has written its tags, if it has any."""
    files = sa.select(AudioFile).join(AudioFile.jobs).where(TranscodeJob.id == event.job_id)
    file = db.session.scalars(files.execution_options(populate_existing=True)).one()
    made = vars(output)
    if output.tags_version is None and (file.tags or file.cover_key):
        untold = {"status": JobStatus.PROGRESSING, "percent": 100.0, "is_untold": True}
        is_news = bool(changes.update(Rendition, [*where, Rendition.is_untold.is_(False)], **untold | made))
    else:
        version = file.tags_version if output.tags_version is None else output.tags_version
        ended = _ended(event) | made | {"tags_version": version, "is_untold": False}
        is_news = bool(changes.update(Rendition, where, **ended))
    if is_news:
        want_tags(file)
    return is_news


def _ended(event: JobEvent) -> dict[str, object]:
    return {
        "status": event.status,
        "percent": 100.0,
        "token": None,
        "finished_at": utcnow(),
        "error": event.error,
        "detail": event.detail,
    }

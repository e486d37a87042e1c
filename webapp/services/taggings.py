"""The pieces of work with tags: told of, ended, put off, given up."""

import uuid

import sqlalchemy as sa

from webapp.db import db, writing
from webapp.models import AudioFile, Rendition, Tagging
from webapp.news import BUSY, UNTAGGED, JobEvent, JobStatus, Output
from webapp.services import changes, jobs


def record(token: str, rendition_id: int, version: int, size: int | None = None) -> bool:
    """Note that the rendition has these tags now, and so many bytes; False if the try, or the rendition, is no more.

    One that was made outside is ready by this, and its owner is told if it was the last.
    """
    with writing():
        file_id = _locked(token)
        rendition = db.session.get(Rendition, rendition_id, populate_existing=True)
        if file_id is None or rendition is None or rendition.audio_file_id != file_id:
            return False
        if rendition.is_untold and rendition.status in BUSY:
            _tell(rendition, version, size)
            return True
        if not rendition.is_ready:
            return False
        rendition.tags_version, rendition.size = version, size or rendition.size
        changes.made(rendition.audio_file.owner_id, file_id)
        return True


def finish(token: str) -> None:
    """End the try; the work begins anew if the tags have changed meanwhile."""
    with writing():
        file_id = _locked(token)
        if file_id is None:
            return
        is_behind = db.session.scalar(sa.select(Tagging.behind(file_id).exists()))
        status = JobStatus.SUBMITTED if is_behind else JobStatus.COMPLETE
        changes.update(Tagging, [Tagging.token == token], status=status, token=None, tries=0)


def give_up(token: str) -> bool:
    """End the try for good, without committing; what was made outside is ready as it is. False if there is none."""
    return _let_go(token, JobStatus.ERROR)


def put_off(token: str) -> None:
    """End the try, for there is no room: what was made outside is ready as it is, and gets its tags some time later."""
    with writing():
        _let_go(token, JobStatus.CREATED)


def ask_again() -> int:
    """Let workers try again what was put off, and return how much it was."""
    with writing():
        return changes.update(Tagging, [Tagging.status == JobStatus.CREATED], status=JobStatus.SUBMITTED, tries=0)


def _locked(token: str) -> uuid.UUID | None:
    """The file of the try, with its owner's lock taken; None if the try is no more."""
    mine = sa.select(Tagging.audio_file_id, AudioFile.owner_id).join(AudioFile, AudioFile.id == Tagging.audio_file_id)
    row = db.session.execute(mine.where(Tagging.token == token)).one_or_none()
    if row is None:
        return None
    changes.lock(row.owner_id)
    return db.session.scalar(sa.select(Tagging.audio_file_id).where(Tagging.token == token))


def _let_go(token: str, status: JobStatus) -> bool:
    file_id = _locked(token)
    if file_id is None:
        return False
    for rendition in db.session.scalars(Tagging.behind(file_id).where(Rendition.is_untold)).all():
        _tell(rendition, UNTAGGED, rendition.size)
    return bool(changes.update(Tagging, [Tagging.token == token], status=status, token=None))


def _tell(rendition: Rendition, version: int, size: int | None) -> None:
    output = Output(
        size or rendition.size or 0,
        rendition.seconds or 0.0,
        rendition.sample_rate,
        rendition.channels,
        rendition.bit_rate,
        rendition.flaw,
        version,
    )
    jobs.take(JobEvent(rendition.job_id, JobStatus.COMPLETE, rendition.preset_name, output=output))

"""Things to test with. A test names only what it is about."""

import uuid
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import select, update

from webapp.db import db, writing
from webapp.models import AudioFile, Notification, Rendition, SignIn, TranscodeJob, User, Waveform
from webapp.models.sign_in import hash_of
from webapp.news import Flaw, JobEvent, JobStatus, Output
from webapp.presets import DEFAULT_PRESETS
from webapp.services import changes, claims, jobs, library


def user(email: str) -> User:
    """A user whose password nobody knows: those who sign in here need none."""
    made = User(email=email, password_hash="none")
    with writing():
        db.session.add(made)
    return made


def sign_in(client: FlaskClient, who: User) -> FlaskClient:
    """The client, with a session of this user's."""
    token = uuid.uuid4().hex
    with writing():
        db.session.add(SignIn(user_id=who.id, token_hash=hash_of(token), address="127.0.0.1", agent="test"))
    with client.session_transaction() as session:
        session["_user_id"] = token
    return client


def AudioFileFactory(
    *,
    owner: User,
    presets: tuple[str, ...] = DEFAULT_PRESETS,
    **given: Any,
) -> AudioFile:
    """A file with its first job, which nobody has been asked to do."""
    file_id = uuid.uuid4()
    usual = {
        "id": file_id,
        "owner_id": owner.id,
        "name": "song.wav",
        "key": library.original_key(owner.id, file_id, "song.wav"),
        "size": 1000,
        "checksum": "0" * 64,
        "batch": uuid.uuid4(),
        "container": "WAV",
        "codec": "PCM",
        "sample_rate": 44100,
        "channels": 2,
        "bit_depth": 16,
        "seconds": 10.0,
    }
    file = AudioFile(**usual | given)
    with writing():
        db.session.add(file)
        db.session.flush()
        jobs.add(file, presets)
        changes.made(owner.id, file.id, listing=True)
    return file


def finish(
    job: TranscodeJob, status: JobStatus = JobStatus.COMPLETE, *presets: str, error: str = "", flaw: Flaw | None = None
) -> None:
    """News that these renditions of the job (all of them if none is named) have ended like this."""
    for name in presets or job.preset_names:
        output = Output(size=10, seconds=10.0, flaw=flaw) if status is JobStatus.COMPLETE else None
        jobs.record(JobEvent(job.id, status, name, output=output, error=error))


def without_outlines() -> None:
    """Let those be drawn that there are: most tests are about renditions."""
    with writing():
        db.session.execute(update(Waveform).values(status=JobStatus.COMPLETE))


def take() -> claims.Claim:
    """The piece whose turn it is, for a worker that has just come. There must be one."""
    claim = claims.take()
    assert claim is not None
    return claim


def rendition(file: AudioFile, preset: str) -> Rendition:
    """One rendition, as the database has it now."""
    query = select(Rendition).where(Rendition.audio_file_id == file.id, Rendition.preset_name == preset)
    return db.session.scalars(query.execution_options(populate_existing=True)).one()


def told(who: User) -> list[Notification]:
    """All that the user was ever told, oldest first."""
    return list(reversed(db.session.scalars(Notification.of(who)).all()))


def standing(who: User) -> list[Notification]:
    """What the user has not dismissed, oldest first."""
    return list(reversed(db.session.scalars(Notification.standing_for(who)).all()))

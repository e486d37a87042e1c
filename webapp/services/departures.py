"""The end of an account, and of all that belongs to it."""

from dataclasses import dataclass

import sqlalchemy as sa

from webapp.db import db, writing
from webapp.extensions import transcoder
from webapp.models import AudioFile, Letter, Link, Rendition, TranscodeJob, User
from webapp.services import accounts, changes, removals


@dataclass(frozen=True)
class Belongings:
    """What goes with an account."""

    files: int
    renditions: int


def of(user: User) -> Belongings:
    """What belongs to the user."""
    files = sa.select(sa.func.count()).where(AudioFile.owner_id == user.id)
    made = sa.select(sa.func.count()).select_from(Rendition).join(Rendition.audio_file)
    return Belongings(db.session.scalar(files) or 0, db.session.scalar(made.where(AudioFile.owner_id == user.id)) or 0)


def leave(user: User, password: str, *, address: str) -> None:
    """Remove the account of whoever knows its password. Raises WrongPassword or TooMany.

    All of it is gone from the database at once. The bytes are deleted by the sweep, however many they are: what is
    noted as removed is not forgotten before it is gone.
    """
    accounts.confirm(user, password, address=address)
    user_id, email = user.id, user.email
    mine = AudioFile.owner_id == user_id
    with writing():
        changes.lock(user_id)
        first = sa.and_(TranscodeJob.audio_file_id == AudioFile.id, TranscodeJob.attempt == 1)
        originals = sa.select(AudioFile.key, TranscodeJob.external_id).outerjoin(TranscodeJob, first).where(mine)
        made = sa.select(Rendition.key, sa.null()).join(Rendition.audio_file).where(mine)
        covers = sa.select(AudioFile.cover_key, sa.null()).where(mine, AudioFile.cover_key.is_not(None))
        running = sa.select(TranscodeJob.external_id, TranscodeJob.status).join(TranscodeJob.audio_file).where(mine)
        canceled = [external_id for external_id, status in db.session.execute(running) if not status.is_final]
        found = [*db.session.execute(originals), *db.session.execute(made), *db.session.execute(covers)]
        removals.note_all([(key, external_id) for key, external_id in found])
        db.session.execute(sa.delete(Letter).where(Letter.recipient == email))
        db.session.execute(sa.delete(Link).where(Link.email == email))
        db.session.execute(sa.delete(User).where(User.id == user_id))
    for external_id in canceled:
        transcoder.cancel(external_id)

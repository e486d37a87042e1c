"""Whose turn it is: the one piece of work, of all that waits, with which a worker goes on."""

import uuid
from dataclasses import dataclass

import sqlalchemy as sa

from webapp.db import db
from webapp.extensions import transcoder
from webapp.models import AudioFile, Measurement, Rendition, Tagging, Waveform
from webapp.news import WAITING, JobStatus

Piece = type[Rendition | Waveform | Tagging | Measurement]


@dataclass(frozen=True)
class Turn:
    """A piece of work that waits."""

    piece: Piece
    file_id: uuid.UUID
    owner_id: int
    rendition_id: int | None = None


def find() -> Turn | None:
    """The piece whose turn it is; None if nothing waits.

    Tags, which take a moment, before the renditions of the same user, and before those of others who had a turn since:
    so they come soon, and nobody is served twice for tags while another's rendition waits for its turn. What is only
    measured comes after everything of everybody.
    """
    tags = db.session.execute(Tagging.next()).first()
    rendition = db.session.execute(Rendition.next()).first() if transcoder.is_ours else None
    # What either has under way does not count: during a long conversion of one's own the tags come all the same.
    if tags and (not rendition or tags.owner_id == rendition.owner_id or tags.turn <= rendition.turn):
        return Turn(Tagging, tags.file_id, tags.owner_id)
    if rendition:
        return _within_file(rendition.id, rendition.owner_id, rendition.file_id)
    # Where others convert, there is always something for which measuring would have to make room.
    for piece in (Waveform, Measurement) if transcoder.is_ours else (Waveform,):
        if other := db.session.execute(piece.next()).first():
            return Turn(piece, *other)
    return None


def _within_file(shortest: int, owner_id: int, file_id: uuid.UUID) -> Turn:
    """Which piece of the file comes next, whose shortest rendition that waits is given.

    That one, for somebody wants to hear something; while it is made, the longest, which decides when all are ready;
    then the outline, and what is left. Where a file does not say how long it is, the outline finds it out before
    anything else: by the length renditions tell their percentage.
    """
    drawn = sa.select(Waveform.status, AudioFile.seconds).outerjoin_from(AudioFile, Waveform)
    outline, seconds = db.session.execute(drawn.where(AudioFile.id == file_id)).one()
    begun = _begun(file_id) if outline in WAITING else []
    is_only_first_in_hand = begun == [JobStatus.PROGRESSING]
    if outline in WAITING and (not seconds or (begun and not is_only_first_in_hand)):
        return Turn(Waveform, file_id, owner_id)
    takes_longest = is_only_first_in_hand or outline is JobStatus.PROGRESSING
    longest = db.session.scalar(_longest_of(file_id)) if takes_longest else None
    return Turn(Rendition, file_id, owner_id, longest or shortest)


def _begun(file_id: uuid.UUID) -> list[JobStatus]:
    """How far those of the file's renditions are that do not wait."""
    mine = (Rendition.audio_file_id == file_id, Rendition.status.not_in(WAITING))
    return list(db.session.scalars(sa.select(Rendition.status).where(*mine)))


def _longest_of(file_id: uuid.UUID) -> sa.Select[int]:
    mine = (Rendition.audio_file_id == file_id, Rendition.status.in_(WAITING))
    return sa.select(Rendition.id).where(*mine).order_by(Rendition.effort.desc()).limit(1)

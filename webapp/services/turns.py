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
    moves_on: bool = True
    """Whether the owner has been served by it, and goes to the end of the line."""


def find() -> Turn | None:
    """The piece whose turn it is; None if nothing waits.

    What takes a moment (tags, and the outline of a file of which no rendition waits any more) is done before the
    rendition that would be next, unless the user of that one has waited longer: so it comes soon, and whoever goes on
    changing tags delays no conversion by more than one piece. Any other outline belongs to the turn of the rendition
    after it. What is only measured comes after everything of everybody.
    """
    rendition = db.session.execute(Rendition.next()).first() if transcoder.is_ours else None
    moments: dict[Piece, sa.Select[uuid.UUID, int, int]] = {
        Tagging: Tagging.next(),
        Waveform: Waveform.next(is_ours=transcoder.is_ours),
    }
    soon = {piece: row for piece, query in moments.items() if (row := db.session.execute(query).first())}
    if soon:
        piece, row = min(soon.items(), key=lambda each: each[1].turn)
        if rendition is None or row.turn <= rendition.turn:
            return Turn(piece, row.file_id, row.owner_id)
    if rendition is not None:
        return _within_file(rendition.id, rendition.owner_id, rendition.file_id)
    # Where others convert, there is always something for which measuring would have to make room.
    measured = db.session.execute(Measurement.next()).first() if transcoder.is_ours else None
    return Turn(Measurement, *measured, moves_on=False) if measured else None


def _within_file(shortest: int, owner_id: int, file_id: uuid.UUID) -> Turn:
    """Which piece of the file comes next, whose shortest rendition that waits is given.

    That one, for somebody wants to hear something; while it is made, the longest, which decides when all are ready;
    then the outline, and what is left. Where a file does not say how long it is, the outline finds it out before
    anything else: by the length renditions tell their percentage.
    """
    drawn = sa.select(Waveform.status, AudioFile.seconds).outerjoin_from(AudioFile, Waveform)
    row = db.session.execute(drawn.where(AudioFile.id == file_id)).one_or_none()
    outline, seconds = row or (None, None)  # deleted in this moment: whoever claims the rendition will see
    begun = _begun(shortest) if outline in WAITING else []
    is_only_first_in_hand = begun == [JobStatus.PROGRESSING]
    if outline in WAITING and (not seconds or (begun and not is_only_first_in_hand)):
        return Turn(Waveform, file_id, owner_id, moves_on=False)
    takes_longest = is_only_first_in_hand or outline is JobStatus.PROGRESSING
    longest = db.session.scalar(_longest_of(file_id)) if takes_longest else None
    return Turn(Rendition, file_id, owner_id, longest or shortest)


def _begun(shortest: int) -> list[JobStatus]:
    """How far those renditions are that were asked for together with this one and do not wait."""
    job = sa.select(Rendition.job_id).where(Rendition.id == shortest).scalar_subquery()
    mine = (Rendition.job_id == job, Rendition.status.not_in(WAITING))
    return list(db.session.scalars(sa.select(Rendition.status).where(*mine)))


def _longest_of(file_id: uuid.UUID) -> sa.Select[int]:
    mine = (Rendition.audio_file_id == file_id, Rendition.status.in_(WAITING))
    return sa.select(Rendition.id).where(*mine).order_by(Rendition.effort.desc()).limit(1)

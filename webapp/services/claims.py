"""Who works on what: a piece is claimed by a token, kept by a heartbeat, and taken over from the dead."""

import secrets
import time
import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass

import sqlalchemy as sa

from webapp.db import db, writing
from webapp.extensions import transcoder
from webapp.models import AudioFile, Measurement, Rendition, User, Waveform
from webapp.news import WAITING, JobEvent, JobStatus
from webapp.ports import Facts
from webapp.presets import PRESETS, Preset
from webapp.services import changes, jobs, measurements
from webapp.words import N_

MOST_TRIES = 3
Piece = type[Rendition | Waveform | Measurement]
PIECES: tuple[Piece, ...] = (Rendition, Waveform, Measurement)


@dataclass(frozen=True)
class Claim:
    """One try at one piece of work, in plain values.

    Without a preset the piece is the outline of the original, or the measurement of the version that is named.
    """

    token: str
    file_id: uuid.UUID
    source: str
    facts: Facts
    job_id: uuid.UUID | None = None
    preset: Preset | None = None
    target: str = ""
    measures: str = ""


def take() -> Claim | None:
    """Claim the piece whose turn it is; None if nothing waits. Two workers never get the same."""
    while (found := _next()) is not None:
        with writing():
            claim = _claim(*found)
        if claim is not None:
            return claim
    db.session.rollback()
    return None


def beat(tokens: Collection[str]) -> None:
    """Show that the holder of these tries is alive."""
    for token in tokens:
        # One row in each transaction: whoever holds one lock and wants no other cannot be part of a deadlock.
        with writing():
            for piece in PIECES:
                changes.update(piece, [piece.token == token], beat=piece.beat + 1)


def held(tokens: Collection[str]) -> set[str]:
    """Those of the tries that still stand: the others were canceled, deleted or taken over."""
    found = {token for piece in PIECES for token in db.session.scalars(_tokens(piece, tokens)) if token}
    db.session.rollback()
    return found


def give_back(token: str) -> None:
    """Let go of a piece that is not done, as if it had not been tried."""
    with writing():
        for piece in PIECES:
            changes.update(piece, [piece.token == token], status=JobStatus.SUBMITTED, token=None, tries=piece.tries - 1)


def put_off(token: str) -> bool:
    """Let go of a piece that can be tried again, with this try counted; False if this was its last, or is none."""
    with writing():
        return any(
            changes.update(
                piece, [piece.token == token, piece.tries < MOST_TRIES], status=JobStatus.SUBMITTED, token=None
            )
            for piece in PIECES
        )


def take_over(token: str, beat_seen: int) -> bool:
    """Free a piece from a holder whose heartbeat still stands where it was seen; True if this did it.

    After the last try it has failed: what kills its worker each time must not do so for ever.
    """
    tries = _tries_of(token, beat_seen)
    if tries is None:
        return False
    if tries >= MOST_TRIES:
        return _give_up(token)
    with writing():
        return any(
            changes.update(
                piece, [piece.token == token, piece.beat == beat_seen], status=JobStatus.SUBMITTED, token=None
            )
            for piece in PIECES
        )


class Watch:
    """Sees which heartbeats stand still, by this process's own monotonic clock."""

    def __init__(self, lease_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.lease_seconds = lease_seconds
        self.clock = clock
        self._seen: dict[str, tuple[int, float]] = {}

    def look(self) -> list[tuple[str, int]]:
        """The tries, with the beat at which they stand, that have not moved for a whole lease under our eyes."""
        now = self.clock()
        beats = {token: beat for piece in PIECES for token, beat in db.session.execute(_beats(piece)) if token}
        db.session.rollback()
        before = self._seen
        self._seen = {
            token: before[token] if token in before and before[token][0] == beat else (beat, now)
            for token, beat in beats.items()
        }
        return [(token, beat) for token, (beat, since) in self._seen.items() if now - since >= self.lease_seconds]


def _next() -> tuple[uuid.UUID, int, Piece, int | None] | None:
    """File, owner and kind of the piece whose turn it is, and which rendition, if it is one.

    A file's outline comes before its renditions, and what is only measured after everything of everybody.
    """
    row = db.session.execute(Rendition.next()).first() if transcoder.is_ours else None
    if row is None:
        for piece in (Waveform, Measurement):
            if other := db.session.execute(piece.next()).first():
                return (*other, piece, None)
        return None
    rendition_id, owner_id, file_id = row
    outline_status = db.session.scalar(sa.select(Waveform.status).where(Waveform.audio_file_id == file_id))
    if outline_status in WAITING:
        return (file_id, owner_id, Waveform, None)
    return (file_id, owner_id, Rendition, rendition_id)


def _claim(file_id: uuid.UUID, owner_id: int, piece: Piece, rendition_id: int | None) -> Claim | None:
    changes.lock(owner_id)
    token = secrets.token_hex(16)
    mine = piece.audio_file_id == file_id if rendition_id is None else Rendition.id == rendition_id
    took = {"status": JobStatus.PROGRESSING, "token": token, "tries": piece.tries + 1, "beat": piece.beat + 1}
    if not changes.update(piece, [mine, piece.status.in_(WAITING)], **took):
        return None
    file = db.session.get_one(AudioFile, file_id)
    if piece is Measurement:
        return _claim_of_measurement(file, token)
    if rendition_id is None:
        return Claim(token, file_id, file.key, file.facts)
    last = sa.select(sa.func.max(User.turn)).scalar_subquery()
    db.session.execute(sa.update(User).where(User.id == owner_id).values(turn=last + 1))
    rendition = db.session.get_one(Rendition, rendition_id)
    preset = PRESETS[rendition.preset_name]
    return Claim(token, file_id, file.key, file.facts, rendition.job_id, preset, rendition.key)


def _claim_of_measurement(file: AudioFile, token: str) -> Claim | None:
    version = measurements.unmeasured(file)
    if version is None:  # what was to be measured has been removed
        ended = {"status": JobStatus.COMPLETE, "token": None}
        changes.update(Measurement, [Measurement.token == token], **ended)
        return None
    return Claim(token, file.id, version.key, version.facts, measures=version.name)


def _give_up(token: str) -> bool:
    rendition = db.session.scalar(sa.select(Rendition).where(Rendition.token == token))
    if rendition is not None:
        reason = N_("Converting this file was tried three times, and the converter broke down each time.")
        return jobs.record(
            JobEvent(rendition.job_id, JobStatus.ERROR, rendition.preset_name, error=reason, token=token)
        )
    with writing():
        ended = {"status": JobStatus.ERROR, "token": None}
        return any(changes.update(piece, [piece.token == token], **ended) for piece in (Waveform, Measurement))


def _tries_of(token: str, beat_seen: int) -> int | None:
    for piece in PIECES:
        tries = db.session.scalar(sa.select(piece.tries).where(piece.token == token, piece.beat == beat_seen))
        if tries is not None:
            return tries
    return None


def _beats(piece: Piece) -> sa.Select[str | None, int]:
    return sa.select(piece.token, piece.beat).where(piece.token.is_not(None))


def _tokens(piece: Piece, tokens: Collection[str]) -> sa.Select[str | None]:
    return sa.select(piece.token).where(piece.token.in_(tokens))

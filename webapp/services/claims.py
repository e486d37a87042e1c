"""Who works on what: a piece is claimed by a token, kept by a heartbeat, and taken over from the dead."""

import secrets
import time
import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cache

import sqlalchemy as sa

from webapp.db import db, writing
from webapp.models import AudioFile, Measurement, Rendition, Tagging, User, Waveform
from webapp.news import JobEvent, JobStatus
from webapp.ports import Facts
from webapp.presets import Preset, find
from webapp.services import changes, jobs, measurements, taggings, turns
from webapp.services.turns import Piece, Turn
from webapp.words import N_

MOST_TRIES = 3
# Who waited longer for the right to write was not alone: a heart that could not be written down is not dead.
LONGEST_WAIT_SECONDS = 1.0
# So much of a lease at most is counted between two looks.
LARGEST_SHARE = 1 / 3
PIECES: tuple[Piece, ...] = (Rendition, Waveform, Tagging, Measurement)


@dataclass(frozen=True)
class Claim:
    """One try at one piece of work, in plain values.

    Without a preset the piece is the outline of the original, the tags of what is made of it already, or the
    measurement of the version that is named.
    """

    token: str
    file_id: uuid.UUID
    source: str
    facts: Facts
    job_id: uuid.UUID | None = None
    preset: Preset | None = None
    target: str = ""
    is_of_tags: bool = False
    measures: str = ""


def take() -> Claim | None:
    """Claim the piece whose turn it is; None if nothing waits. Two workers never get the same."""
    while (turn := turns.find()) is not None:
        with writing():
            claim = _claim(turn)
        if claim is not None:
            return claim
    db.session.rollback()
    return None


def beat(tokens: Collection[str]) -> None:
    """Show that the holder of these tries is alive."""
    for token in tokens:
        # One row in each transaction: whoever holds one lock and wants no other cannot be part of a deadlock.
        with writing():
            any(changes.update(piece, [piece.token == token], beat=piece.beat + 1) for piece in PIECES)


def held(tokens: Collection[str]) -> set[str]:
    """Those of the tries that still stand: the others were canceled, deleted or taken over."""
    return _beats().keys() & set(tokens)


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
    asked_at = time.monotonic()
    with writing():
        owner_id = _owner_of(token)
        if owner_id is not None:
            changes.lock(owner_id)
        if owner_id is None or time.monotonic() - asked_at > LONGEST_WAIT_SECONDS:
            return False
        for piece in PIECES:
            still = [piece.token == token, piece.beat == beat_seen]
            if changes.update(piece, [*still, piece.tries < MOST_TRIES], status=JobStatus.SUBMITTED, token=None):
                return True
            if changes.update(piece, still, beat=piece.beat + 1):
                return _give_up(token)
    return False


class Watch:
    """Sees which heartbeats stand still, by this process's own monotonic clock.

    While it did not look, everybody may have been frozen, the holder like us: of a long pause only so much counts that
    the holder can beat again first. What this process holds itself, by `holds`, is never dead.
    """

    def __init__(
        self,
        lease_seconds: float,
        clock: Callable[[], float] = time.monotonic,
        *,
        holds: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self.lease_seconds = lease_seconds
        self.clock = clock
        self.holds = holds
        self._looked_at = clock()
        self._watched = 0.0
        self._seen: dict[str, tuple[int, float]] = {}

    def look(self) -> list[tuple[str, int]]:
        """The tries, with the beat at which they stand, that have not moved for a whole lease under our eyes."""
        now = self._seconds_watched()
        beats = {token: beat for token, beat in _beats().items() if not self.holds(token)}
        before = self._seen
        self._seen = {
            token: before[token] if token in before and before[token][0] == beat else (beat, now)
            for token, beat in beats.items()
        }
        return [(token, beat) for token, (beat, since) in self._seen.items() if now - since >= self.lease_seconds]

    def _seconds_watched(self) -> float:
        now = self.clock()
        self._watched += min(now - self._looked_at, self.lease_seconds * LARGEST_SHARE)
        self._looked_at = now
        return self._watched


def _claim(turn: Turn) -> Claim | None:
    changes.lock(turn.owner_id)
    piece, file_id, token = turn.piece, turn.file_id, secrets.token_hex(16)
    mine = Rendition.id == turn.rendition_id if piece is Rendition else piece.audio_file_id == file_id
    took = {"status": JobStatus.PROGRESSING, "token": token, "tries": piece.tries + 1, "beat": piece.beat + 1}
    if not changes.update(piece, [mine, piece.status.in_(piece.waits_as)], **took):
        return None
    file = db.session.get_one(AudioFile, file_id)
    if piece is Measurement:
        return _claim_of_measurement(file, token)
    if turn.moves_on:
        last = sa.select(sa.func.max(User.turn)).scalar_subquery()
        db.session.execute(sa.update(User).where(User.id == turn.owner_id).values(turn=last + 1))
    if piece is not Rendition:
        return Claim(token, file_id, file.key, file.facts, is_of_tags=piece is Tagging)
    rendition = db.session.get_one(Rendition, turn.rendition_id)
    preset = find(rendition.preset_name)
    return Claim(token, file_id, file.key, file.facts, rendition.job_id, preset, rendition.key)


def _claim_of_measurement(file: AudioFile, token: str) -> Claim | None:
    version = measurements.unmeasured(file)
    if version is None:  # what was to be measured has been removed
        ended = {"status": JobStatus.COMPLETE, "token": None}
        changes.update(Measurement, [Measurement.token == token], **ended)
        return None
    return Claim(token, file.id, version.key, version.facts, measures=version.name)


def _give_up(token: str) -> bool:
    """Let the piece have failed, without committing. Its owner's lock is held."""
    rendition = db.session.scalar(sa.select(Rendition).where(Rendition.token == token))
    if rendition is not None:
        reason = N_("Converting this file was tried three times, and the converter broke down each time.")
        return jobs.take(JobEvent(rendition.job_id, JobStatus.ERROR, rendition.preset_name, error=reason, token=token))
    if taggings.give_up(token):
        return True
    ended = {"status": JobStatus.ERROR, "token": None}
    return any(changes.update(piece, [piece.token == token], **ended) for piece in (Waveform, Measurement))


def _owner_of(token: str) -> int | None:
    """Whose the piece of this try is; None: nobody holds it any more."""
    owners = (sa.select(AudioFile.owner_id).join(piece).where(piece.token == token) for piece in PIECES)
    return next((owner_id for query in owners if (owner_id := db.session.scalar(query)) is not None), None)


def _beats() -> dict[str, int]:
    """Where the heartbeat of each try stands that is under way, whoever's. No transaction is left open."""
    beats = {token: beat for token, beat in db.session.execute(_tries()) if token}
    db.session.rollback()
    return beats


@cache
def _tries() -> sa.CompoundSelect[str | None, int]:
    under_way = (sa.select(piece.token, piece.beat).where(piece.status == JobStatus.PROGRESSING) for piece in PIECES)
    return sa.union_all(*under_way)

"""Letters: noted with what they are about, and written and sent later by a worker.

A request that asks for one does the same work whoever has an account, and no link lies in the database.
"""

import logging
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from webapp import logs
from webapp.db import db, utcnow, writing
from webapp.errors import LetterRefused, LettersUnavailable
from webapp.extensions import mail
from webapp.models import Letter, LetterKind
from webapp.ports import LONGEST_LETTER_SECONDS
from webapp.services import wordings

log = logging.getLogger(__name__)

# In one go; what is left comes in the next.
MOST_SENT = 50
SHORTEST_WAIT, LONGEST_WAIT, GIVEN_UP = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
# So long a letter is left to the process that sends it; only one that died leaves it there.
LEASE = timedelta(seconds=LONGEST_LETTER_SECONDS, minutes=1)


@dataclass(frozen=True)
class Due:
    """A letter that this process is to send now."""

    id: int
    tries: int
    """With this one."""
    kind: LetterKind
    recipient: str
    language: str
    user_id: int | None


def add(kind: LetterKind, recipient: str, *, language: str = "", user_id: int | None = None) -> None:
    """Note, without committing, that a letter is to be sent. Where none are sent, nothing is noted."""
    if mail.are_sent:
        db.session.add(Letter(kind=kind, recipient=recipient, language=language, user_id=user_id))


def withdraw(*which: sa.ColumnElement[bool]) -> None:
    """Let those letters not be sent that have not been, without committing."""
    db.session.execute(sa.delete(Letter).where(*which))


def send_due() -> int:
    """Send what is due, and return how many letters there were. The mail server is waited for with nothing locked."""
    done = 0
    if not mail.are_sent or not _are_any_due():
        return done
    while done < MOST_SENT and (letter := _take()):
        try:
            _send(letter)
        except LettersUnavailable as exc:
            why = logs.said(exc.__cause__ or exc)  # a server's own words may name whom it is for
            log.warning("letter %d: the mail server does not take it (%s); will try again", letter.id, why)
            _put_off(letter)
            break
        with writing():
            db.session.execute(sa.delete(Letter).where(Letter.id == letter.id))
        done += 1
    return done


def forget_old() -> None:
    """Give up what could not be sent for a day."""
    with writing():
        old = sa.delete(Letter).where(Letter.created_at < utcnow() - GIVEN_UP).returning(Letter.id)
        for letter_id in db.session.scalars(old):
            log.warning("letter %d: could not be sent for a day, given up", letter_id)


def _send(letter: Due) -> None:
    wording = wordings.of(letter.kind, letter.recipient, letter.language, letter.user_id)
    db.session.rollback()
    if wording is None:  # nobody of that address is known, or it is no longer wanted
        return
    try:
        mail.send(letter.recipient, *wording)
    except LetterRefused as exc:
        log.warning("letter %d: refused (%s), given up", letter.id, type(exc.__cause__).__name__)


def _are_any_due() -> bool:
    """Asked first, and without a lock: mostly there are none."""
    found = db.session.scalar(sa.select(Letter.due(utcnow()).exists()))
    db.session.rollback()
    return bool(found)


def _take() -> Due | None:
    """The letter that has waited longest. If nothing is heard of it, it is due again when nobody can still send it."""
    with writing():
        now = utcnow()
        letter = db.session.scalar(Letter.due(now).limit(1).with_for_update(skip_locked=True))
        if letter is None:
            return None
        letter.tries += 1
        letter.due_at = now + max(LEASE, _wait(letter.tries))
        return Due(letter.id, letter.tries, letter.kind, letter.recipient, letter.language, letter.user_id)


def _put_off(letter: Due) -> None:
    """Let it be due again after a while, ever longer, if it has not been taken again meanwhile."""
    with writing():
        ours = (Letter.id == letter.id, Letter.tries == letter.tries)
        db.session.execute(sa.update(Letter).where(*ours).values(due_at=utcnow() + _wait(letter.tries)))


def _wait(tries: int) -> timedelta:
    """How long to wait after so many tries."""
    return min(SHORTEST_WAIT * (1 << min(tries - 1, 10)), LONGEST_WAIT)

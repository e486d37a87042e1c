"""Sessions that have begun: used, listed, ended."""

import logging
from collections.abc import Sequence
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from webapp.db import db, utcnow, writing
from webapp.errors import NotFound
from webapp.models import SignIn, User
from webapp.models.sign_in import LONGEST_IDLE, LONGEST_SIGN_IN, hash_of

log = logging.getLogger(__name__)

# The time of the last use is no finer: a write for each page would be many.
TOUCH_INTERVAL = timedelta(minutes=5)


def touch(sign_in: SignIn) -> None:
    """Note that the session is in use. Nobody is made to wait for that: a busy database hears of the next use."""
    now = utcnow()
    # One from the future: the clock was set back since.
    if now - TOUCH_INTERVAL < sign_in.used_at <= now:
        return
    sign_in_id = sign_in.id
    try:
        with writing(patience=1):
            db.session.execute(sa.update(SignIn).where(SignIn.id == sign_in_id).values(used_at=now))
    except OperationalError:
        log.info("session %d: its use could not be noted", sign_in_id)


def standing(user: User) -> Sequence[SignIn]:
    """The user's sessions that have not ended, the last used first."""
    return db.session.scalars(SignIn.of(user)).all()


def end(user: User, sign_in_id: int) -> None:
    """End one of the user's sessions. Raises NotFound for one that has ended, or is another's."""
    user_id = user.id
    with writing():
        mine = sa.delete(SignIn).where(SignIn.id == sign_in_id, SignIn.user_id == user_id).returning(SignIn.id)
        if db.session.scalar(mine) is None:
            raise NotFound


def end_others(user: User, token: str) -> None:
    """End all sessions of the user but that of the token."""
    user_id = user.id
    with writing():
        others = (SignIn.user_id == user_id, SignIn.token_hash != hash_of(token))
        db.session.execute(sa.delete(SignIn).where(*others))


def forget_old() -> None:
    """Remove the sessions that have ended by themselves."""
    now = utcnow()
    is_over = sa.or_(SignIn.created_at <= now - LONGEST_SIGN_IN, SignIn.used_at <= now - LONGEST_IDLE)
    with writing():
        db.session.execute(sa.delete(SignIn).where(is_over))

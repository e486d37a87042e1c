"""What goes past SQLAlchemy's own way is the same as what goes by it."""

import time
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from webapp.db import BUSY_SECONDS, db, engine_options, peek, utcnow, writing
from webapp.models import User

ASKED = sa.select(User.version, User.email).where(
    User.email == sa.bindparam("email"), User.created_at > sa.bindparam("since")
)


def test_a_peek_finds_what_a_session_finds(alice: User) -> None:
    for email in (alice.email, "nobody@example.com"):
        for since in (utcnow() - timedelta(minutes=1), utcnow() + timedelta(minutes=1)):
            values = {"email": email, "since": since}
            peeked, found = peek(ASKED, values), db.session.execute(ASKED, values).first()

            assert (peeked and tuple(peeked)) == (found and tuple(found))


def test_a_peek_leaves_no_transaction_open(app: Flask) -> None:
    peek(ASKED, {"email": "", "since": utcnow()})

    assert db.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


def test_a_peek_raises_what_a_session_raises(app: Flask) -> None:
    absent: sa.Select[*tuple[Any, ...]] = (
        sa.select(sa.column("x")).select_from(sa.table("not_there")).where(sa.column("x") == sa.bindparam("x"))
    )

    with pytest.raises(sa.exc.DBAPIError):
        peek(absent, {"x": 1})


def test_whoever_writes_waits_no_longer_than_wanted_and_the_next_one_as_long_as_ever(app: Flask, alice: User) -> None:
    other = sa.create_engine(db.engine.url, **engine_options(str(db.engine.url)))
    with other.connect() as holder:
        holder.execution_options(writing=1).begin()
        holder.execute(sa.update(User).values(version=7))

        with pytest.raises(sa.exc.OperationalError), writing(patience=1):
            db.session.execute(sa.update(User).values(version=8))

    with writing():
        db.session.execute(sa.update(User).values(version=9))
        if db.engine.dialect.name == "sqlite":
            assert db.session.scalar(sa.text("PRAGMA busy_timeout")) == BUSY_SECONDS * 1000
    other.dispose()


def test_what_waiting_does_not_mend_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is raised is SQLAlchemy's, so that it becomes a 503."""

    def never(_: float) -> None:
        raise AssertionError("it was waited for")

    monkeypatch.setattr(time, "sleep", never)
    engine = sa.create_engine("sqlite://", connect_args={"isolation_level": None})

    with engine.connect() as connection:
        connection.connection.execute("BEGIN")
        with pytest.raises(sa.exc.OperationalError, match="within a transaction"):
            connection.execution_options(writing=BUSY_SECONDS).begin()
    engine.dispose()

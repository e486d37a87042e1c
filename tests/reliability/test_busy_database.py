"""The database is locked or full for a while: whoever asks waits or is told so, and nothing is lost."""

import io
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.conftest import HTMX
from tests.factories import AudioFileFactory, finish, standing
from tests.fakes import MemoryStorage
from tests.servers import DATABASE_URL
from webapp.db import db, engine_options, writing
from webapp.models import AudioFile, Upload, User
from webapp.news import JobStatus

# As long as somebody else writes.
HELD_SECONDS = 1.0


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for long."""
    patience = 1 if DATABASE_URL else 0  # to PostgreSQL 0 is for ever
    monkeypatch.setitem(writing.__wrapped__.__kwdefaults__, "patience", patience)  # type: ignore[attr-defined]


@contextmanager
def locked(user_id: int) -> Iterator[Callable[[], None]]:
    """While somebody else writes, who can be told to end it: to all of SQLite, to this user's things in PostgreSQL."""
    engine = sa.create_engine(db.engine.url, **engine_options(str(db.engine.url)))
    with engine.connect() as connection:
        connection.execution_options(writing=1).begin()
        connection.execute(sa.update(User).where(User.id == user_id).values(version=User.version))
        yield connection.rollback
        connection.rollback()
    engine.dispose()


def send(client: FlaskClient) -> TestResponse:
    return client.post("/files/", data={"presets": "wav", "audio": (io.BytesIO(b"sound"), "new.wav")}, headers=HTMX)


def test_sec_R5_while_the_database_is_locked_each_deed_is_refused_as_ours_to_pass_and_works_afterwards(
    as_alice: FlaskClient, alice: User, song: AudioFile, storage: MemoryStorage, impatient: None
) -> None:
    failed = AudioFileFactory(owner=alice)
    finish(failed.job, JobStatus.ERROR)
    (note,) = standing(alice)
    begun = {"name": "next.wav", "size": 10, "presets": ["wav"], "fp": "next"}
    deeds: dict[str, Callable[[], TestResponse]] = {
        "send": lambda: send(as_alice),
        "begin": lambda: as_alice.post("/uploads", json=begun),
        "rename": lambda: as_alice.post(f"/files/{song.id}/rename", data={"name": "other.wav"}),
        "retry": lambda: as_alice.post(f"/files/{failed.id}/retry"),
        "dismiss": lambda: as_alice.post(f"/notifications/{note.id}/dismiss"),
        "cancel": lambda: as_alice.post(f"/files/{song.id}/cancel"),
        "delete": lambda: as_alice.post(f"/files/{song.id}/delete"),
    }

    with locked(alice.id):
        refused = {name: deed() for name, deed in deeds.items()}
        listed = as_alice.get("/files/")

    assert {name: answer.status_code for name, answer in refused.items()} == dict.fromkeys(deeds, 503)
    assert all("try again in a minute" in answer.text for answer in refused.values())
    assert "locked" not in "".join(answer.text for answer in refused.values())
    assert listed.status_code == 200  # who only reads waits for nobody
    assert storage.objects == {}
    assert storage.open == {}
    assert {name: deed().status_code // 100 for name, deed in deeds.items()} == {
        name: 2 if name in ("send", "begin") else 3 for name in deeds
    }


def test_sec_R5_who_comes_while_somebody_writes_waits_for_their_turn(
    app: Flask, as_alice: FlaskClient, alice: User
) -> None:
    answers: list[TestResponse] = []
    alice_id = alice.id

    def send_late() -> None:
        with app.app_context():
            answers.append(send(as_alice))

    db.session.rollback()
    with locked(alice_id) as let_go:
        sender = threading.Thread(target=send_late)
        sender.start()
        time.sleep(HELD_SECONDS)
        assert answers == []
        let_go()
        sender.join()

    assert [answer.status_code for answer in answers] == [201]


def test_sec_R6_a_database_without_room_is_told_in_words_keeps_nothing_and_works_again(
    as_alice: FlaskClient, song: AudioFile, storage: MemoryStorage
) -> None:
    if DATABASE_URL:  # the disk of a server is not ours to fill
        return
    before = song.key
    begun = {"name": "n" * 200, "size": 10, "presets": ["wav"]}
    with _no_room():
        refused = [
            until_refused(lambda: send(as_alice)),
            until_refused(lambda: as_alice.post("/uploads", json={**begun, "fp": uuid.uuid4().hex})),
        ]
        assert as_alice.get("/files/").status_code == 200

    assert [answer.status_code for answer in refused] == [503, 503]
    assert all("no room left on the server" in answer.text for answer in refused)
    assert set(storage.objects) == set(db.session.scalars(sa.select(AudioFile.key).where(AudioFile.key != before)))
    assert set(storage.open) == set(db.session.scalars(sa.select(Upload.opened_as)))
    assert send(as_alice).status_code == 201
    assert db.session.scalar(sa.text("PRAGMA integrity_check")) == "ok"


def until_refused(deed: Callable[[], TestResponse]) -> TestResponse:
    """The first answer that is a refusal: a few rows find room in pages that are not full."""
    return next(answer for _ in range(100) if (answer := deed()).status_code >= 400)


@contextmanager
def _no_room() -> Iterator[None]:
    """While SQLite's file may not grow, and what is free in it is taken."""

    def cap(connection: sa.Connection) -> None:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    with db.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE ballast (bytes)")
    cap_on_begin = sa.event.listens_for(db.engine, "begin")(cap)
    size = 1 << 20
    while size:
        try:
            with db.engine.begin() as connection:
                connection.exec_driver_sql(f"INSERT INTO ballast VALUES (zeroblob({size}))")
        except sa.exc.OperationalError:
            size //= 2
    try:
        yield
    finally:
        db.session.remove()
        sa.event.remove(db.engine, "begin", cap_on_begin)
        with db.engine.begin() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 4294967294")
            connection.exec_driver_sql("DROP TABLE ballast")
        db.engine.dispose()

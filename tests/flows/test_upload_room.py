"""An upload has its room from the beginning: it is refused before a byte is sent, or sure to arrive."""

import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.flows.conftest import DISK_MIB
from tests.flows.house import House, wait_for
from tests.flows.sender import Send, Sender, has_arrived_once, incoming, noise, push, status_of
from tests.flows.test_full_disk import MIB, RESERVE_MIB, Disk, is_refused_for_room
from tests.flows.visitor import Visitor
from webapp.db import engine_options, utcnow
from webapp.models import Upload
from webapp.models.upload import KEPT

pytestmark = pytest.mark.processes

# In seconds.
SIX_PARTS, THREE_PARTS = 160, 70
# What a full disk leaves to the database.
LEFT_MIB = 6
LITTLE = timedelta(minutes=5)


@pytest.fixture
def small_house(small_disk: Path) -> Iterator[House]:
    """One whose whole folder is on a small disk."""
    with House.opened(small_disk / "instance") as house:
        yield house


@pytest.mark.slow
def test_sec_R6_what_has_no_room_is_refused_before_it_is_sent(small_house: House, small_disk: Path) -> None:
    disk, alice = Disk(small_disk), small_house.visitor().register("alice")
    sender = Sender(alice, noise(SIX_PARTS))

    is_refused_for_room(sender.begin(size=DISK_MIB * MIB))
    for room in (0, RESERVE_MIB - 1, RESERVE_MIB + len(sender.sound) // MIB - 1):
        disk.fill(but_for=room)
        is_refused_for_room(sender.begin())

    small_house.settle()
    disk.empty()
    assert sender.begin().status == 201
    assert sender.finish().status == 201
    has_arrived_once(small_house, alice, sender.sound)


@pytest.mark.slow
def test_sec_R6_what_has_room_arrives_though_the_disk_fills_up(small_house: House, small_disk: Path) -> None:
    disk, alice = Disk(small_disk), small_house.visitor().register("alice")
    first, second = Sender(alice, noise(SIX_PARTS)), Sender(alice, noise(THREE_PARTS), "another")
    assert [sender.begin(presets=["opus-64"]).status for sender in (first, second)] == [201, 201]
    first.put(1)

    disk.fill(but_for=LEFT_MIB)

    for sender in (first, second):
        assert sender.finish().status == 201
        assert alice.get(f"/files/{sender.id}/original").body == sender.sound
    is_refused_for_room(Sender(alice, noise(THREE_PARTS), "a third").begin())
    wait_for("both jobs to end", lambda: {row.status for row in alice.rows()} <= {"complete", "error"})
    disk.empty()
    for row in alice.rows():
        if row.status == "error":  # there was no room for what is made of it
            alice.post(f"/files/{row.id}/retry")
    wait_for("both to be ready", lambda: are_ready(alice))
    small_house.settle()


@pytest.mark.slow
def test_sec_R6_unfinished_uploads_count_until_they_are_discarded(tmp_path: Path) -> None:
    sound = noise(THREE_PARTS)
    with House.opened(tmp_path / "instance", USER_QUOTA_BYTES=str(2 * len(sound))) as house:
        alice = house.visitor().register("alice")
        first, second, third = (Sender(alice, sound, f"song {number}") for number in range(3))
        assert [each.begin(copy=True).status for each in (first, second, third)] == [201, 201, 413]
        assert "not enough room left in your account" in third.begin().text

        assert first.finish().status == 201
        assert third.begin().status == 413
        assert second.discard().status == 204

        assert third.begin(copy=True).status == 201
        assert third.finish().status == 201
        assert second.begin().status == 413
        wait_for("both to be ready", lambda: are_ready(alice))
        house.settle()


def test_sec_R7_an_upload_that_is_discarded_gives_its_room_back_at_once(
    house: House, alice: Visitor, send: Send
) -> None:
    sender = send(noise(THREE_PARTS))
    sender.begin()
    sender.put(1)
    with sender.line(2) as line:
        line.sendall(sender.part(2)[:MIB])
        wait_for("it to begin", lambda: list((house.data_dir / "incoming").glob("*.upload/2")))
        assert len(incoming(house)) == 1

        assert sender.discard().status == 204

        assert incoming(house) == set()
        push(line, sender.part(2)[MIB:])
        assert status_of(line) == 404
    assert sender.put(3) == 404
    assert sender.complete().status == 404
    house.settle()


def test_sec_R7_an_upload_for_which_nothing_has_come_for_a_week_is_swept(
    house: House, alice: Visitor, send: Send
) -> None:
    old, young, kept = (send(noise(seconds), f"song {seconds}") for seconds in (THREE_PARTS, 40, 35))
    for sender in (old, young, kept):
        sender.begin()
        sender.put(1)
    assert kept.finish().status == 201

    for sender, age in ((young, KEPT - LITTLE), (old, KEPT + LITTLE), (kept, KEPT + LITTLE)):
        write(house, sa.update(Upload).where(is_of(sender)).values(touched_at=utcnow() - age))

    wait_for("the old one to be swept", lambda: len(incoming(house)) == 1)
    assert old.complete().status == 404
    assert old.begin().status == 201
    assert young.missing() == [2]
    assert [row.id for row in alice.rows()] == [kept.id]
    for sender in (old, young):
        sender.discard()
    has_arrived_once(house, alice, kept.sound)


@pytest.mark.slow
def test_sec_R7_an_upload_that_the_database_does_not_know_is_swept(house: House, alice: Visitor, send: Send) -> None:
    sender = send(noise(THREE_PARTS))
    sender.begin()
    sender.put(1)

    write(house, sa.delete(Upload).where(is_of(sender)))

    wait_for("it to be swept", lambda: incoming(house) == set())
    assert sender.begin().status == 201
    assert sender.finish().status == 201
    has_arrived_once(house, alice, sender.sound)


def are_ready(alice: Visitor) -> bool:
    return {row.status for row in alice.rows()} == {"complete"}


def is_of(sender: Sender) -> sa.ColumnElement[bool]:
    return Upload.id == uuid.UUID(sender.id)


def write(house: House, statement: sa.Executable) -> None:
    """Change what the database has."""
    url = house.settings["DATABASE_URL"] or f"sqlite:///{house.data_dir / 'tapedeck.db'}"
    engine = sa.create_engine(url, **engine_options(url))
    with engine.connect().execution_options(writing=True) as connection:
        connection.execute(statement)
        connection.commit()
    engine.dispose()

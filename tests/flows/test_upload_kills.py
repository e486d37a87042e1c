"""The web process is killed while a file comes in parts: it goes on where it was, and one file comes of it."""

import http.client
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import pytest
import sqlalchemy as sa

from tests.flows.house import House, wait_for
from tests.flows.sender import Send, Sender, has_arrived_once, incoming, noise, open_uploads
from tests.flows.visitor import Visitor
from tests.servers import DATABASE_URL

pytestmark = pytest.mark.processes

T = TypeVar("T")

# In seconds.
SIX_PARTS, THREE_PARTS = 160, 70
KILLS = 10
# As long as a beginning takes, or a discard, more or less.
MOMENT_SECONDS = 0.02
LONGEST_COMPLETION_SECONDS = 0.4


def moments(count: int, seed: int) -> list[float]:
    """How long after a completion was asked for, in seconds."""
    dice = random.Random(seed)
    return [round(dice.uniform(0, LONGEST_COMPLETION_SECONDS), 3) for _ in range(count)]


def all_there(send: Send) -> Sender:
    """One whose parts are all there."""
    sender = send(noise(THREE_PARTS))
    sender.begin()
    for number in (1, 2, 3):
        sender.put(number)
    return sender


def test_sec_R2_a_completion_that_is_killed_twice_makes_one_file(house: House, alice: Visitor, send: Send) -> None:
    sender = all_there(send)

    for moment in (0.01, 0.1):
        killed_during(house, sender.complete, moment)
        assert sender.missing() == []

    assert sender.complete().status in (200, 201)
    assert has_arrived_once(house, alice, sender.sound) == sender.id
    is_sound(house)


@pytest.mark.slow
@pytest.mark.parametrize("moment", moments(12, seed=1))
def test_sec_R2_a_completion_that_is_killed_at_any_moment_makes_one_file(
    house: House, alice: Visitor, send: Send, moment: float
) -> None:
    sender = all_there(send)

    killed_during(house, sender.complete, moment)

    assert sender.missing() == []
    assert sender.complete().status in (200, 201)
    assert has_arrived_once(house, alice, sender.sound) == sender.id
    is_sound(house)


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.0, 0.5])
def test_sec_R2_an_upload_survives_a_kill_before_and_in_each_part(
    house: House, alice: Visitor, send: Send, share: float
) -> None:
    sender = send(noise(SIX_PARTS))
    sender.begin()

    for number in range(1, sender.count + 1):
        with sender.line(number) as line:
            line.sendall(sender.part(number)[: round(share * len(sender.part(number)))])
            kill(house)
        assert sender.missing() == list(range(number, sender.count + 1))
        assert alice.rows() == []
        assert sender.put(number) == 204
    kill(house)

    assert sender.missing() == []
    assert sender.complete().status == 201
    assert has_arrived_once(house, alice, sender.sound) == sender.id
    is_sound(house)


@pytest.mark.slow
def test_sec_R2_a_beginning_that_is_killed_leaves_nothing_that_nobody_knows(
    house: House, alice: Visitor, send: Send
) -> None:
    dice = random.Random(1)

    for number in range(KILLS):
        sender = send(noise(THREE_PARTS), f"song {number}")
        answer = killed_during(house, sender.begin, dice.uniform(0, MOMENT_SECONDS))
        print(f"kill {number}: {'too late' if answer else 'in the midst'}")  # noqa: T201
        wait_for("what nobody knows to be swept", lambda: incoming(house) <= open_uploads(house))

        assert sender.begin().status in ({200} if answer else {200, 201})
        assert incoming(house) == open_uploads(house)
        assert len(incoming(house)) == 1
        assert sender.discard().status == 204
        assert incoming(house) == set()
    is_sound(house)


@pytest.mark.slow
def test_sec_R2_a_discard_that_is_killed_leaves_an_upload_or_nothing(house: House, alice: Visitor, send: Send) -> None:
    dice = random.Random(2)

    for _ in range(KILLS):
        sender = send(noise(THREE_PARTS))
        assert sender.begin().status in (200, 201)
        for number in (1, 2, 3):
            sender.put(number)
        killed_during(house, sender.discard, dice.uniform(0, MOMENT_SECONDS))

        wait_for("what nobody knows to be swept", lambda: incoming(house) == open_uploads(house))
        assert len(incoming(house)) == (sender.discard().status == 204)
        assert incoming(house) == set()
    house.settle()
    is_sound(house)


@pytest.mark.slow
def test_sec_R2_an_upload_survives_a_power_cut(tmp_path: Path) -> None:
    with House.opened(tmp_path / "instance") as house:
        alice = house.visitor().register("alice")
        sender = Sender(alice, noise(SIX_PARTS))
        sender.begin()
        sender.put(1)
        with sender.line(2) as line:
            line.sendall(sender.part(2)[:-1])
            house.end()

        house.start()

        assert sender.begin().status == 200
        assert sender.missing() == [2, 3, 4, 5, 6]
        assert sender.finish().status == 201
        assert has_arrived_once(house, alice, sender.sound) == sender.id
        is_sound(house)


def killed_during(house: House, deed: Callable[[], T], seconds: float) -> T | None:
    """Kill the web process so long after the deed was begun; what came of it, if it was done by then."""
    with ThreadPoolExecutor(1) as thread:
        done = thread.submit(deed)
        time.sleep(seconds)
        kill(house)
        with suppress(OSError, http.client.HTTPException):
            return done.result()
    return None


def kill(house: House) -> None:
    """End the web process the hard way, and return when another answers."""
    killed = house.kill("web")
    wait_for("another web process", lambda: house.pid("web") not in (0, killed))
    wait_for("it to answer", lambda: answers(house))


def answers(house: House) -> bool:
    try:
        return house.visitor().get("/healthz").status == 200
    except (OSError, http.client.HTTPException):
        return False


def is_sound(house: House) -> None:
    """Fail unless the database is whole."""
    if not DATABASE_URL:
        assert house.ask(sa.text("PRAGMA integrity_check")) == [("ok",)]

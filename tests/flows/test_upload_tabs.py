"""A file that several tabs send, complete or discard at once becomes one file, or none."""

import json
import random
import time

import pytest

from tests.flows.house import House
from tests.flows.sender import Send, at_once, has_arrived_once, incoming, noise
from tests.flows.visitor import Answer, Visitor

pytestmark = pytest.mark.processes

# In seconds.
THREE_PARTS = 70
TABS = 8
# As long as a completion takes, more or less.
LONGEST_PAUSE_SECONDS = 0.25


def test_sec_R7_a_file_that_is_completed_eight_times_at_once_is_made_once(
    house: House, alice: Visitor, send: Send
) -> None:
    sender = send(noise(THREE_PARTS))
    sender.begin()
    for number in (1, 2, 3):
        sender.put(number)

    answers = at_once([sender.complete] * TABS)

    assert sorted(statuses(answers)) == [200] * (TABS - 1) + [201]
    assert {json.loads(answer.body)["file"] for answer in answers} == {sender.id}
    assert sender.complete().status == 200
    assert has_arrived_once(house, alice, sender.sound) == sender.id


@pytest.mark.slow
def test_sec_R7_what_is_no_sound_is_refused_however_often_it_is_completed(
    house: House, alice: Visitor, send: Send
) -> None:
    sender = send(noise(THREE_PARTS)[::-1])
    sender.begin()
    for number in (1, 2, 3):
        sender.put(number)

    answers = at_once([sender.complete] * TABS)

    assert set(statuses(answers)) == {422}
    assert all("not audio that we can read" in answer.text for answer in answers)
    assert alice.rows() == []
    house.settle()


def test_sec_R7_two_tabs_that_send_the_same_file_make_one(house: House, alice: Visitor, send: Send) -> None:
    first, second = send(noise(THREE_PARTS)), send(noise(THREE_PARTS))
    assert sorted(statuses(at_once([first.begin, second.begin]))) == [200, 201]
    assert first.id == second.id
    assert len(incoming(house)) == 1

    answers = at_once([first.finish, second.finish])

    assert sorted(statuses(answers)) == [200, 201]
    assert has_arrived_once(house, alice, first.sound) == first.id


@pytest.mark.slow
@pytest.mark.parametrize("tabs", [2, 4])
def test_sec_R7_the_same_bytes_under_several_names_make_one_file(
    house: House, alice: Visitor, send: Send, tabs: int
) -> None:
    each = [send(noise(THREE_PARTS), f"song {number}") for number in range(tabs)]
    assert statuses(at_once([sender.begin for sender in each])) == [201] * tabs

    answers = at_once([sender.finish for sender in each])

    assert sorted(statuses(answers)) == [200] * (tabs - 1) + [201]
    assert {json.loads(answer.body)["file"] for answer in answers} == {alice.rows()[0].id}
    has_arrived_once(house, alice, noise(THREE_PARTS))


@pytest.mark.slow
def test_sec_R7_a_file_that_is_here_already_may_be_completed_eight_times_at_once(
    house: House, alice: Visitor, send: Send
) -> None:
    first, again = send(noise(THREE_PARTS), "song"), send(noise(THREE_PARTS), "the same song")
    for sender in (first, again):
        sender.begin()
    assert first.finish().status == 201
    for number in (1, 2, 3):
        again.put(number)

    answers = at_once([again.complete] * TABS)

    assert {(answer.status, json.loads(answer.body).get("file")) for answer in answers} == {(200, first.id)}
    has_arrived_once(house, alice, first.sound)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_sec_R7_a_file_that_is_completed_and_discarded_at_once_is_there_or_is_not(
    house: House, alice: Visitor, send: Send, seed: int
) -> None:
    dice = random.Random(seed)
    sender = send(noise(THREE_PARTS))
    sender.begin()
    for number in (1, 2, 3):
        sender.put(number)

    def discard() -> Answer:
        time.sleep(dice.uniform(0, LONGEST_PAUSE_SECONDS))
        return sender.discard()

    completed, discarded = at_once([sender.complete, discard])

    assert (completed.status, discarded.status) in {(201, 204), (404, 204)}, completed.text
    if completed.status == 201:
        has_arrived_once(house, alice, sender.sound)
    assert len(alice.rows()) == (completed.status == 201)
    house.settle()


@pytest.mark.slow
def test_sec_R7_an_upload_that_is_discarded_eight_times_at_once_is_gone(
    house: House, alice: Visitor, send: Send
) -> None:
    sender = send(noise(THREE_PARTS))
    sender.begin()
    sender.put(1)

    answers = at_once([sender.discard] * TABS)

    assert set(statuses(answers)) <= {204, 404}
    assert incoming(house) == set()


def statuses(answers: list[Answer]) -> list[int]:
    return [answer.status for answer in answers]

"""Files that come in parts arrive once and whole, however the lines are cut, slow, lying or doubled."""

import json
import random
import time
from collections.abc import Iterator
from functools import partial

import pytest

from tests.flows.house import House, wait_for
from tests.flows.sender import (
    Send,
    at_once,
    hang_up,
    has_arrived_once,
    noise,
    push,
    reset,
    status_of,
)
from tests.flows.visitor import Visitor

pytestmark = pytest.mark.processes

CUTS = 10
# In seconds.
SIX_PARTS, THREE_PARTS = 160, 70
HALF = 5 * 512 * 1024
PIECES = 8
PAUSE_SECONDS = 0.05
TABS = 8


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 8))])
def test_sec_R7_a_file_whose_line_is_cut_ten_times_arrives_whole(
    house: House, alice: Visitor, send: Send, seed: int
) -> None:
    dice = random.Random(seed)
    sender = send(noise(SIX_PARTS))
    assert (sender.begin().status, sender.count) == (201, 6)

    for point in sorted(dice.sample(range(len(sender.sound)), CUTS)):
        cut, size = point // sender.part_size + 1, point % sender.part_size
        for number in sender.missing():
            assert number >= cut or sender.put(number) == 204
        with sender.line(cut) as line:
            line.sendall(sender.part(cut)[:size])
            if dice.choice((True, False)):
                reset(line)
        assert sender.missing()[0] == cut
        assert sender.complete().status == 409
        assert alice.rows() == []

    assert sender.finish().status == 201
    has_arrived_once(house, alice, sender.sound)


@pytest.mark.slow
def test_sec_R7_a_part_that_comes_slowly_holds_up_no_other(house: House, alice: Visitor, send: Send) -> None:
    sender = send(noise(THREE_PARTS))
    sender.begin()

    with sender.line(1) as line:
        *first, last = pieces(sender.part(1))
        for piece in first:
            line.sendall(piece)
            time.sleep(PAUSE_SECONDS)
        assert [sender.put(number) for number in (2, 3)] == [204, 204]
        assert sender.missing() == [1]
        line.sendall(last)
        assert status_of(line) == 204

    assert sender.complete().status == 201
    has_arrived_once(house, alice, sender.sound)


def test_sec_R7_a_part_that_lies_about_its_length_does_not_count(house: House, alice: Visitor, send: Send) -> None:
    sender = send(noise(THREE_PARTS))
    sender.begin()
    sender.put(1)

    for number in (2, 3):  # the last one is short: more than it would fit into the others
        for what, announced, body, allowed in lies(len(sender.part(number))):
            with sender.line(number, **announced) as line:
                push(line, body)
                if 0 in allowed:
                    hang_up(line)
                assert (what, status_of(line) in allowed) == (what, True)
            assert (what, sender.missing()) == (what, [2, 3])

    answer = sender.complete()
    assert (answer.status, json.loads(answer.body)["missing"]) == (409, [2, 3])
    assert alice.rows() == []
    assert sender.finish().status == 201
    has_arrived_once(house, alice, sender.sound)


def lies(size: int) -> Iterator[tuple[str, dict[str, str], bytes, set[int]]]:
    """What is announced for a part of this size, what is sent, and what may be answered: 0 if the line is closed."""
    for what, announced, sent, allowed in (
        ("cut off", size, size - 1, {400, 0}),
        ("shorter, as announced", size - 1, size - 1, {400}),
        ("longer than announced", size - 1, size, {400}),
        ("much longer than announced", 10, size, {400}),
        ("longer, as announced", size + 1, size + 1, {413}),
        ("shorter than announced", size + 1, size, {413, 0}),
        ("endless, they say", 2**62, size, {413}),
    ):
        yield what, {"Content_Length": str(announced)}, bytes(sent), allowed
    for what, body, allowed in (
        ("chunks that are too little", chunked(bytes(size - 1)), {400}),
        ("no chunks", chunked(), {400}),
        ("chunks that are too much", chunked(bytes(size), b"!"), {413}),
        ("cut off within a chunk", chunked(bytes(size))[:-100], {400, 0}),
        ("chunks that are none", bytes(size), {400}),
    ):
        yield what, {"Transfer_Encoding": "chunked"}, body, allowed


@pytest.mark.slow
def test_sec_R7_a_part_that_is_sent_many_times_at_once_counts_once(house: House, alice: Visitor, send: Send) -> None:
    sender = send(noise(THREE_PARTS))
    sender.begin()

    for number in (1, 2, 3):
        answers = set(at_once([partial(sender.put, number)] * TABS))
        assert 204 in answers
        assert answers <= {204, 503}
        assert number not in sender.missing()

    assert sender.complete().status == 201
    has_arrived_once(house, alice, sender.sound)


@pytest.mark.parametrize("is_complete", [pytest.param(False, marks=pytest.mark.slow), True])
def test_sec_R7_a_part_that_hangs_is_sent_anew_and_what_comes_late_changes_nothing(
    house: House, alice: Visitor, send: Send, is_complete: bool
) -> None:
    sender = send(noise(THREE_PARTS))
    sender.begin()

    with sender.line(1) as line:
        line.sendall(bytes(HALF))
        wait_for("it to begin", lambda: list((house.data_dir / "incoming").glob("*.upload/1")))
        assert [sender.put(number) for number in (1, 2, 3)] == [204] * 3
        if is_complete:
            assert sender.complete().status == 201
        push(line, bytes(HALF))
        assert status_of(line) == (409 if is_complete else 503)

    assert sender.missing() == []
    assert sender.complete().status == (200 if is_complete else 201)
    has_arrived_once(house, alice, sender.sound)


@pytest.mark.slow
def test_sec_R7_parts_may_come_in_any_order_and_again(house: House, alice: Visitor, send: Send) -> None:
    sender = send(noise(SIX_PARTS))
    sender.begin()

    for number in (6, 1, 4, 4, 2, 6, 5, 3, 1):
        assert sender.put(number) == 204

    assert sender.complete().status == 201
    has_arrived_once(house, alice, sender.sound)


def pieces(content: bytes) -> list[bytes]:
    """So much of it that nobody waits long, in the order in which it comes."""
    size = -(-len(content) // PIECES)
    return [content[at : at + size] for at in range(0, len(content), size)]


def chunked(*chunks: bytes) -> bytes:
    """A body that does not say how long it is, with its end."""
    return b"".join(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n" for chunk in (*chunks, b""))

"""The queue in Amazon SQS: work is done by way of it, and begins by itself when it has been away."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.doubles import aws
from tests.flows.house import House, wait_for
from tests.flows.outside import ForwardedBroker
from tests.flows.visitor import Visitor
from webapp.models import Measurement
from webapp.news import JobStatus

pytestmark = [pytest.mark.processes, pytest.mark.slow]

UNMEASURED = sa.select(Measurement.audio_file_id).where(Measurement.status != JobStatus.COMPLETE)


@pytest.fixture
def line() -> Iterator[ForwardedBroker]:
    """What leads to SQS, unless it is cut."""
    with aws.serve() as address:
        line = ForwardedBroker(address)
        yield line
        line.fail()


@pytest.fixture
def house(tmp_path: Path, line: ForwardedBroker) -> Iterator[House]:
    """One whose queue is there."""
    settings = aws.settings(line.url("http://")) | {"AWS_REGION": aws.REGION}
    with House.opened(tmp_path / "instance", by_way_of=lambda _: "sqs://", **settings) as house:
        yield house


def test_work_is_done_by_way_of_sqs(house: House, line: ForwardedBroker, alice: Visitor, song: bytes) -> None:
    file_id = alice.keep("song.wav", song)

    wait_for("the song to be ready", lambda: alice.has(file_id, "complete"))

    queues = aws.client(line.url("http://"), "sqs").list_queues()["QueueUrls"]
    assert [url.rpartition("/")[2] for url in queues] == ["tapedeck"]
    assert alice.get("/readyz").status == 200


def test_uploads_are_taken_without_sqs_and_done_by_the_same_worker_when_it_is_back(
    house: House, line: ForwardedBroker, alice: Visitor, song: bytes
) -> None:
    first = alice.keep("first.wav", song)
    wait_for("the first song to be ready", lambda: alice.has(first, "complete"))
    # Who is at work goes on with whatever waits, without being woken.
    wait_for("the worker to have nothing to do", lambda: not house.ask(UNMEASURED))
    worker = house.pid("worker")

    line.fail()
    second = alice.keep("second.wav", song)
    assert alice.has(second, "created")
    assert alice.get("/readyz").status == 503

    line.recover()
    wait_for("the second song to be ready", lambda: alice.has(second, "complete"))
    assert house.pid("worker") == worker

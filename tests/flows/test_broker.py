"""The broker is away for a while: uploads are taken, and their work begins by itself when it is back."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flows import outside
from tests.flows.house import House, wait_for
from tests.flows.visitor import Visitor
from tests.servers import BROKER_URL

pytestmark = [pytest.mark.processes, pytest.mark.slow]

Broker = outside.FolderBroker | outside.ForwardedBroker


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """One that can fail."""
    if not BROKER_URL:
        yield outside.FolderBroker(tmp_path / "instance")
        return
    forwarded = outside.ForwardedBroker()
    yield forwarded
    forwarded.fail()


@pytest.fixture
def house(tmp_path: Path, broker: Broker) -> Iterator[House]:
    """One whose broker it is."""
    with House.opened(tmp_path / "instance", by_way_of=broker.url) as house:
        yield house


def test_uploads_are_taken_without_a_broker_and_done_when_it_is_back(
    house: House, broker: Broker, alice: Visitor, song: bytes
) -> None:
    first = alice.keep("first.wav", song)
    wait_for("the first song to be ready", lambda: alice.has(first, "complete"))

    broker.fail()
    second = alice.keep("second.wav", song)
    assert alice.has(second, "created")
    assert alice.get("/readyz").status == 503

    broker.recover()
    wait_for("the second song to be ready", lambda: alice.has(second, "complete"))
    assert [note.file for note in alice.inbox()] == [second, first]
    assert alice.get("/readyz").status == 200


def test_work_that_is_under_way_is_ended_without_a_broker(
    house: House, broker: Broker, alice: Visitor, long_song: bytes
) -> None:
    file_id = alice.keep("song.flac", long_song, "mp4")
    wait_for("the song to be under way", lambda: alice.is_under_way(file_id))

    broker.fail()

    wait_for("the song to be ready", lambda: alice.has(file_id, "complete"))
    assert [note.kind for note in alice.inbox()] == ["complete"]
    broker.recover()

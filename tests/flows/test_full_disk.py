"""The disk is full: people are told in a sentence, nothing half-made stays, and all works again when there is room."""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.flows.conftest import sine
from tests.flows.house import House, wait_for
from tests.flows.visitor import Answer, Visitor

pytestmark = [pytest.mark.processes, pytest.mark.slow]

MIB = 1024 * 1024
# What the storage keeps free for the database, see webapp/adapters/storage/local.py.
RESERVE_MIB = 64


class Disk:
    """A small one, which can be filled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ballast = folder / "ballast"

    def fill(self, *, but_for: int) -> None:
        """Leave so many mebibytes free."""
        self.empty()
        size = shutil.disk_usage(self.folder).free - but_for * MIB
        with suppress(OSError):  # what runs on it takes room too
            self.ballast.write_bytes(bytes(size))

    def empty(self) -> None:
        self.ballast.unlink(missing_ok=True)


@pytest.fixture
def disk(small_disk: Path) -> Disk:
    return Disk(small_disk)


@pytest.fixture
def house(disk: Disk) -> Iterator[House]:
    """One whose whole folder is on the small disk."""
    with House.opened(disk.folder / "instance") as house:
        yield house


def test_sec_R6_a_full_disk_is_told_in_words_and_nothing_half_made_stays(
    house: House, disk: Disk, alice: Visitor, song: bytes, big_song: bytes
) -> None:
    for room in (0, RESERVE_MIB - 1):
        disk.fill(but_for=room)
        is_refused_for_room(alice.upload("song.wav", song))
    # There seems to be room, and then there is not.
    disk.fill(but_for=RESERVE_MIB + 1)
    is_refused_for_room(alice.upload("song.wav", big_song * 14))

    assert alice.rows() == []
    assert house.half_made() == []
    assert house.stored() == {}
    disk.empty()
    file_id = alice.keep("song.wav", song)
    wait_for("the song to be ready", lambda: alice.has(file_id, "complete"))
    house.settle()


def test_sec_R6_a_rendition_without_room_fails_in_words_and_can_be_retried(
    house: House, disk: Disk, alice: Visitor, tmp_path: Path
) -> None:
    disk.fill(but_for=RESERVE_MIB + 10)
    file_id = alice.keep("song.flac", sine(tmp_path, 600), "wav")

    wait_for("the song to have failed", lambda: alice.has(file_id, "error"))
    (note,) = alice.alerts()
    assert note.kind == "error"
    assert "no room left on the server" in alice.get("/account/").text
    house.settle()

    disk.empty()
    assert alice.post(f"/files/{file_id}/retry").status == 303
    wait_for("the song to be ready", lambda: alice.has(file_id, "complete"))
    assert [note.kind for note in alice.alerts()] == ["complete"]
    house.settle()


def is_refused_for_room(answer: Answer) -> None:
    assert answer.status == 503
    assert "no room left on the server" in answer.text

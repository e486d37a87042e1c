"""All processes are killed at once, in the middle of everything: after the next start all goes on."""

import socket
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.flows.house import House, wait_for
from tests.servers import DATABASE_URL

pytestmark = [pytest.mark.processes, pytest.mark.slow]


def test_sec_R2_after_a_power_cut_all_goes_on(tmp_path: Path, long_song: bytes, big_song: bytes) -> None:
    with House.opened(tmp_path / "instance") as house:
        alice = house.visitor().register("alice")
        file_id = alice.keep("song.flac", long_song)
        wait_for("the song to be under way", lambda: alice.is_under_way(file_id))
        request = alice.raw_upload("other.wav", big_song)
        with socket.create_connection(("127.0.0.1", house.port)) as line:
            line.sendall(request[: len(request) // 2])
            house.end()

        house.start()

        wait_for("the song to be ready", lambda: alice.has(file_id, "complete"))
        assert [row.id for row in alice.rows()] == [file_id]
        assert [(note.file, note.kind) for note in alice.inbox()] == [(file_id, "complete")]
        house.settle()
        if not DATABASE_URL:
            assert house.ask(sa.text("PRAGMA integrity_check")) == [("ok",)]

"""Whatever is killed, stopped or cut off: no work is lost or told of twice, and nothing half-made stays."""

import http.client
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

import pytest
import sqlalchemy as sa

from tests.flows.conftest import sine
from tests.flows.house import House, wait_for
from tests.flows.visitor import Visitor
from tests.servers import DATABASE_URL
from webapp.models import Rendition

pytestmark = pytest.mark.processes

# Beyond the lease, for the new worker to come up: ten seconds are promised, and a machine may be busy.
TAKE_OVER_SECONDS = 40
# Likewise: a worker that is told to stop is promised to be gone within ten.
GONE_SECONDS = 30


@pytest.mark.slow
def test_sec_R1_work_of_a_killed_worker_is_taken_over(house: House, alice: Visitor, long_song: bytes) -> None:
    file_id = alice.keep("song.flac", long_song, "mp4")
    wait_for("the song to be under way", lambda: alice.is_under_way(file_id))
    orphans = house.ffmpegs()
    assert orphans

    killed, killed_at = house.kill("worker"), time.monotonic()

    wait_for("its ffmpeg to be gone", lambda: not orphans & house.ffmpegs(), 5)
    gone = time.monotonic() - killed_at
    wait_for("another worker", lambda: house.pid("worker") not in (0, killed))
    wait_for("another ffmpeg", house.ffmpegs, int(house.settings["LEASE_SECONDS"]) + TAKE_OVER_SECONDS)
    print(f"ffmpeg gone after {gone:.2f} s, work taken over after {time.monotonic() - killed_at:.1f} s")  # noqa: T201
    wait_for("the song to be ready", lambda: alice.has(file_id, "complete"))
    assert [note.kind for note in alice.inbox(file_id)] == ["complete"]
    assert tries(house, file_id) == 2
    house.settle()


@pytest.mark.slow
def test_sec_R1_a_worker_that_was_frozen_ends_its_work_itself(house: House, alice: Visitor, long_song: bytes) -> None:
    """Guards what the worker's watch is told of its bench."""
    file_id = alice.keep("song.flac", long_song, "mp4")
    wait_for("the song to be under way", lambda: alice.is_under_way(file_id))

    house.kill("worker", signal.SIGSTOP)
    time.sleep(int(house.settings["LEASE_SECONDS"]) + 2)
    house.kill("worker", signal.SIGCONT)

    wait_for("the song to be ready", lambda: alice.has(file_id, "complete"))
    assert tries(house, file_id) == 1
    assert [note.kind for note in alice.inbox(file_id)] == ["complete"]
    house.settle()


@pytest.mark.slow
def test_sec_R2_a_download_that_is_killed_goes_on_where_it_was(house: House, alice: Visitor, big_song: bytes) -> None:
    file_id = alice.keep("song.wav", big_song, "wav")
    sent = alice.headers(Host=f"127.0.0.1:{house.port}")
    head = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
    with socket.create_connection(("127.0.0.1", house.port)) as line, line.makefile("rb") as answer:
        line.sendall(f"GET /files/{file_id}/original HTTP/1.1\r\n{head}\r\n".encode())
        assert b" 200 " in answer.readline()
        assert b"\r\n" in iter(answer.readline, b"")
        got = answer.read(100_000)

        killed = house.kill("web")
        wait_for("another web process", lambda: house.pid("web") not in (0, killed))
        got += rest_of(answer)
    wait_for("it to answer", lambda: answers(alice))

    assert len(got) < len(big_song)
    rest = alice.get(f"/files/{file_id}/original", Range=f"bytes={len(got)}-")
    assert rest.status == 206
    assert got + rest.body == big_song
    is_sound(house)


@pytest.mark.slow
def test_sec_R4_work_that_kills_its_worker_each_time_is_given_up(
    house: House, alice: Visitor, long_song: bytes
) -> None:
    file_id = alice.keep("song.flac", long_song, "mp4")
    for number in (1, 2, 3):
        kill_at_try(house, file_id, number)

    wait_for("the song to have failed", lambda: alice.has(file_id, "error"))
    assert [note.kind for note in alice.inbox()] == ["error"]
    assert "tried three times" in alice.get("/account/").text
    house.settle()


def test_sec_R2_a_web_process_killed_in_an_upload_leaves_nothing_of_it(
    house: House, alice: Visitor, big_song: bytes
) -> None:
    request = alice.raw_upload("song.wav", big_song)
    with socket.create_connection(("127.0.0.1", house.port)) as line:
        line.sendall(request[: len(request) // 2])
        wait_for("the first half to arrive", lambda: any(Path(path).stat().st_size for path in house.half_made()))

        killed = house.kill("web")

        wait_for("another web process", lambda: house.pid("web") not in (0, killed))
    wait_for("it to answer", lambda: answers(alice))
    house.settle()
    assert alice.rows() == []

    file_id = alice.keep("song.wav", big_song)
    wait_for("the song to be ready", lambda: alice.has(file_id, "complete"))
    house.settle()


def test_work_that_is_canceled_stops_at_once_and_nobody_is_told(house: House, alice: Visitor, long_song: bytes) -> None:
    file_id = alice.keep("song.flac", long_song, "mp4")
    wait_for("the song to be under way", lambda: alice.is_under_way(file_id))
    assert house.ffmpegs()

    assert alice.post(f"/files/{file_id}/cancel").status == 303
    canceled_at = time.monotonic()

    wait_for("its ffmpeg to be gone", lambda: not house.ffmpegs(), 5)
    print(f"ffmpeg gone after {time.monotonic() - canceled_at:.2f} s")  # noqa: T201
    assert alice.has(file_id, "canceled")
    assert alice.inbox() == []
    house.settle()


@pytest.mark.slow
def test_sec_R3_work_of_a_worker_that_is_stopped_is_given_back_untried(
    house: House, alice: Visitor, long_song: bytes
) -> None:
    file_id = alice.keep("song.flac", long_song, "mp4")
    wait_for("the song to be under way", lambda: alice.is_under_way(file_id))

    stopped, stopped_at = house.kill("worker", signal.SIGTERM), time.monotonic()

    wait_for("it to be given back", lambda: tries(house, file_id) == 0, 10)
    wait_for("the worker to be gone", lambda: not is_alive(stopped), GONE_SECONDS)
    print(f"worker gone after {time.monotonic() - stopped_at:.1f} s")  # noqa: T201
    wait_for("the song to be ready", lambda: alice.has(file_id, "complete"))
    assert tries(house, file_id) == 1
    assert len(alice.inbox(file_id)) == 1
    house.settle()


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.99, 0.999999])
def test_sec_R7_nothing_is_kept_of_an_upload_that_is_cut_off(
    house: House, alice: Visitor, big_song: bytes, share: float
) -> None:
    request = alice.raw_upload("song.wav", big_song)
    with socket.create_connection(("127.0.0.1", house.port)) as line:
        line.sendall(request[: round(len(request) * share)])
        line.shutdown(socket.SHUT_WR)
        answer = line.makefile("rb").readline()

    assert answer == b"" or b" 400 " in answer
    assert alice.rows() == []
    house.settle()


@pytest.mark.slow
def test_users_take_turns_and_the_machine_is_not_overrun(
    house: House, alice: Visitor, bob: Visitor, song: bytes, tmp_path: Path
) -> None:
    long = sine(tmp_path, 60)
    many = [alice.keep(f"{number}.flac", long, "mp4") for number in range(6)]
    short = bob.keep("song.wav", song, "mp4")

    most = most_at_once(house, until=lambda: all(alice.has(each, "complete") for each in many))

    ended = {str(row[0]): row[1] for row in house.ask(sa.select(Rendition.audio_file_id, Rendition.finished_at))}
    assert ended[short] < sorted(ended[each] for each in many)[-2]
    assert 1 <= most <= int(house.settings["WORKER_CONCURRENCY"])


def most_at_once(house: House, *, until: Callable[[], bool]) -> int:
    """The largest number of ffmpeg processes that is seen."""
    most = 0

    def is_over() -> bool:
        nonlocal most
        most = max(most, *(len(house.ffmpegs()) for _ in range(20)))
        return until()

    wait_for("all to be ready", is_over)
    return most


def kill_at_try(house: House, file_id: str, number: int) -> None:
    """Kill the worker that has taken the file for the so manyth time, and return when there is another."""
    wait_for(f"try {number}", lambda: tries(house, file_id) == number and house.ffmpegs())
    killed = house.kill("worker")
    wait_for("another worker", lambda: house.pid("worker") not in (0, killed))


def tries(house: House, file_id: str) -> int:
    """How often a worker has taken the file's one rendition."""
    rows = house.ask(sa.select(Rendition.audio_file_id, Rendition.tries))
    return next(int(row.tries) for row in rows if str(row.audio_file_id) == file_id)


def rest_of(answer: IO[bytes]) -> bytes:
    """What still comes of an answer that is cut off."""
    got = b""
    with suppress(OSError):
        while chunk := answer.read1(65536):  # type: ignore[attr-defined]
            got += chunk
    return got


def is_sound(house: House) -> None:
    """Fail unless the database is whole."""
    if not DATABASE_URL:
        assert house.ask(sa.text("PRAGMA integrity_check")) == [("ok",)]


def is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}/cmdline").exists()


def answers(visitor: Visitor) -> bool:
    try:
        return visitor.get("/healthz").status == 200
    except (OSError, http.client.HTTPException):
        return False

"""A few people's uploads and downloads leave threads to everybody else (W10)."""

import io
import threading
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.factories import finish, rendition
from tests.fakes import MemoryStorage
from webapp.errors import AppError, Crowded, TooManyTransfers
from webapp.models import AudioFile, User
from webapp.news import JobStatus
from webapp.services import throttle
from webapp.web import seats
from webapp.web.seats import Seats


def refusal_of(take: Callable[[], object]) -> type[AppError] | None:
    try:
        take()
    except AppError as exc:
        return type(exc)
    return None


def test_sec_W10_one_cannot_take_all_seats_nor_all_together_more_than_there_are() -> None:
    some = Seats(in_all=3)
    leave = some.take({"alice": 2, "home": 2})
    some.take({"alice": 2, "train": 2})

    assert refusal_of(lambda: some.take({"alice": 2, "elsewhere": 2})) is TooManyTransfers
    some.take({"bob": 2, "home": 2})
    assert refusal_of(lambda: some.take({"carol": 2})) is Crowded

    leave()
    some.take({"carol": 2})


def test_sec_W10_many_at_once_never_get_more_seats_than_there_are() -> None:
    some, taken = Seats(in_all=50), []
    together = threading.Barrier(20)

    def grab() -> None:
        together.wait()
        if refusal_of(lambda: some.take({"alice": 7})) is None:
            taken.append(1)

    threads = [threading.Thread(target=grab) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(taken) == 7


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("", ""),
    ],
)
def test_sec_W10_of_an_address_of_the_new_kind_its_network_counts(address: str, network: str) -> None:
    assert throttle.network_of(address) == network


# Without `_seat_the_body` in webapp/web/seats.py the part is taken; without `seats.sit` in `_download` the download is,
# and without that in webapp/web/archives.py the archive.
def test_sec_W10_who_has_too_many_transfers_under_way_is_told_to_wait(
    app: Flask, as_alice: FlaskClient, as_bob: FlaskClient, alice: User, song: AudioFile, storage: MemoryStorage
) -> None:
    finish(song.job, JobStatus.COMPLETE, "wav")
    storage.put(rendition(song, "wav").key, [b"ten bytes."])
    big = {"size": 100_000, "name": "song.wav", "presets": ["wav"]}
    part = f"/uploads/{as_alice.post('/uploads', json=big).get_json()['id']}/parts/1"
    held = [app.extensions["seats"].take({f"user {alice.id}": 32}) for _ in range(seats.LONG_SEATS_OF_ONE)]

    for answer in (
        as_alice.put(part, data=b"x" * 100_000),
        as_alice.post("/files/", data={"audio": (io.BytesIO(b"x" * 100_000), "x.wav")}),
        as_alice.get(f"/files/{song.id}/renditions/wav"),
        as_alice.get(f"/files/{song.id}/archive.zip"),
    ):
        assert answer.status_code == 429
        assert int(answer.headers["Retry-After"]) > 0
        assert "under way at once" in answer.text
        assert "guessing" not in answer.text
    assert as_alice.get("/files/").status_code == 200
    assert as_alice.get("/alerts/poll?v=-1").status_code == 200
    assert as_bob.post("/files/", data={"audio": (io.BytesIO(b"x" * 100_000), "x.wav")}).status_code == 303

    held.pop()()
    for _ in range(3):  # each gives its seat back
        assert as_alice.put(part, data=b"x" * 100_000).status_code == 204
        for address in ("renditions/wav", "archive.zip"):
            answer = as_alice.get(f"/files/{song.id}/{address}")
            assert (answer.status_code, answer.content_length) == (200, len(answer.data))
            answer.close()
        assert as_alice.put("/nowhere", data=b"x" * 100_000).status_code == 404


# On this machine a proxy for everybody may stand: see `_of_address` in webapp/web/seats.py.
@pytest.mark.parametrize(
    ("address", "status"),
    [("2001:db8::7", 429), ("2001:db8:0:1::7", 404), ("127.0.0.1", 404), ("::1", 404), ("::ffff:127.0.0.1", 404)],
)
def test_sec_W10_an_address_has_seats_of_its_own(
    app: Flask, visitor: FlaskClient, monkeypatch: pytest.MonkeyPatch, address: str, status: int
) -> None:
    monkeypatch.setattr(seats, "LONG_SEATS_OF_ADDRESS", 2)
    for network in ("2001:db8::/64", "127.0.0.1", "::/64"):
        for _ in range(2):
            app.extensions["seats"].take({network: 2})

    answer = visitor.put("/nowhere", data=b"x" * 100_000, environ_overrides={"REMOTE_ADDR": address})

    assert answer.status_code == status


def test_sec_W10_when_small_bodies_stand_still_no_more_of_them_are_waited_for(
    app: Flask, as_alice: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seats, "BRIEF_WAIT_SECONDS", 0.05)
    held = [app.extensions["brief seats"].take({}) for _ in range(seats.BRIEF_SEATS)]

    refused = as_alice.post("/files/selected", data={"deed": "retry"})

    assert refused.status_code == 503
    assert refused.headers["Retry-After"]
    for leave in held:
        leave()
    assert as_alice.post("/files/selected", data={"deed": "retry"}).status_code == 303

"""Clocks that jump by an hour, or are five minutes apart: nobody is taken for dead and nothing is made twice."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, tzinfo
from importlib import import_module
from typing import Any, Self

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.factories import AudioFileFactory, told
from tests.fakes import FakeEncoder, FakeTranscoder, MemoryStorage
from webapp.db import db
from webapp.errors import TooMany
from webapp.models import Attempt, Kind, User
from webapp.services import claims, jobs, outside, sweeps, throttle, uploads
from webapp.services.work import BEAT_SECONDS, Bench

HOUR = 60


class Clock(datetime):
    """The clock of the wall, so much ahead of the true time."""

    ahead = timedelta()

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return super().now(tz) + cls.ahead


@pytest.fixture
def jump(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """Sets the clock so many minutes ahead of the true time."""

    def set_to(minutes: int) -> None:
        Clock.ahead = timedelta(minutes=minutes)

    monkeypatch.setattr(import_module("webapp.db"), "datetime", Clock)
    yield set_to
    Clock.ahead = timedelta()


@pytest.mark.parametrize("minutes", [HOUR, -HOUR, 5, -5])
def test_sec_R8_another_clock_takes_no_work_away_and_nothing_is_made_twice(
    app: Flask,
    alice: User,
    encoder: FakeEncoder,
    storage: MemoryStorage,
    jump: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
    minutes: int,
) -> None:
    file = AudioFileFactory(owner=alice)
    storage.put(file.key, [b"sound"])
    upload, _ = uploads.begin(alice, "next.wav", 1000, ["wav"])
    bench, seconds = Bench(), itertools.count()
    watch = claims.Watch(15, lambda: float(next(seconds)), holds=lambda _: False)
    encode = encoder.encode

    @contextmanager
    def another_process() -> Iterator[None]:
        with app.app_context():
            jump(minutes)
            yield
            jump(0)

    def interrupted(*given: Any, **more: Any) -> Any:
        for _ in range(0 if encoder.made else 20):
            bench._last_beat -= BEAT_SECONDS
            bench.tend()
            with another_process():
                assert sweeps.take_over(watch, lambda _: None) == 0
        with another_process():
            sweeps.sweep_if_due(lambda _: None)
            sweeps.sweep_storage()
        return encode(*given, **more)

    monkeypatch.setattr(encoder, "encode", interrupted)
    while bench.do_next():
        pass

    assert encoder.made == ["wav", "flac", "mp4"]
    assert [note.kind for note in told(alice)] == [Kind.COMPLETE]
    assert file.key in storage.objects
    assert uploads.find(alice, upload.id).is_open


def test_sec_R8_what_was_to_be_submitted_before_the_clock_was_set_back_does_not_wait_for_it(
    alice: User, transcoder: FakeTranscoder, jump: Callable[[int], None]
) -> None:
    """Guards SKEW in `TranscodeJob.stuck`."""
    jump(HOUR)
    AudioFileFactory(owner=alice)
    jump(0)

    sweeps.sweep_jobs(lambda _: None)

    assert len(transcoder.submitted) == 1


def test_sec_R8_a_job_outside_is_asked_for_though_the_clock_was_set_back(
    alice: User, transcoder: FakeTranscoder, jump: Callable[[int], None]
) -> None:
    """Guards SKEW in `outside`."""
    transcoder.is_ours, transcoder.external_id = False, "job-1"
    jump(HOUR)
    jobs.submit(AudioFileFactory(owner=alice).job.id)
    jump(0)

    outside.ask_outside()

    assert transcoder.asked == ["job-1"]


def test_sec_R8_nobody_is_shut_out_for_longer_because_the_clock_was_set_back(
    app: Flask, jump: Callable[[int], None]
) -> None:
    """Guards SKEW in the throttle."""
    jump(HOUR)
    for _ in range(throttle.GUESSES.per_account):
        throttle.begin("alice@example.com", "192.0.2.1")
    with pytest.raises(TooMany):
        throttle.begin("alice@example.com", "192.0.2.1")
    jump(0)

    throttle.succeed(throttle.begin("alice@example.com", "192.0.2.1"))

    throttle.forget_old()
    assert db.session.scalars(sa.select(Attempt)).all() == []


def test_sec_R8_tries_count_though_the_clocks_are_five_minutes_apart(app: Flask, jump: Callable[[int], None]) -> None:
    jump(5)
    for _ in range(throttle.GUESSES.per_account):
        throttle.begin("alice@example.com", "192.0.2.1")
    jump(0)

    with pytest.raises(TooMany):
        throttle.begin("alice@example.com", "192.0.2.1")


def test_sec_R8_a_sweep_goes_on_after_the_clock_was_set_back(app: Flask, jump: Callable[[int], None]) -> None:
    jump(HOUR)
    assert sweeps.sweep_if_due(lambda _: None)
    jump(0)

    assert sweeps.sweep_if_due(lambda _: None)

"""Sweeps: what hangs gets a push, what belongs to nothing goes, and one process does it."""

from datetime import timedelta

import sqlalchemy as sa
from flask import Flask

from tests.factories import AudioFileFactory, finish, rendition
from tests.fakes import FakeTranscoder, MemoryStorage
from webapp.db import db, utcnow, writing
from webapp.models import AudioFile, Chore, TranscodeJob, User
from webapp.news import JobStatus
from webapp.services import claims, sweeps

OLD = 3 * 3600.0


def age(**ago: float) -> None:
    with writing():
        db.session.execute(sa.update(TranscodeJob).values(created_at=utcnow() - timedelta(**ago)))


def test_a_job_that_nobody_was_asked_to_do_is_submitted(song: AudioFile, transcoder: FakeTranscoder) -> None:
    age(minutes=1)

    sweeps.sweep_jobs(lambda count: None)

    assert [spec.job_id for spec in transcoder.submitted] == [song.job.id]
    assert song.status is JobStatus.SUBMITTED


def test_a_job_that_has_just_been_made_is_left_to_its_maker(song: AudioFile, transcoder: FakeTranscoder) -> None:
    sweeps.sweep_jobs(lambda count: None)

    assert transcoder.submitted == []


def test_workers_are_woken_for_what_waits(song: AudioFile) -> None:
    woken: list[int] = []

    sweeps.sweep_jobs(woken.append)

    assert woken == [4]


def test_nobody_is_woken_for_nothing(app: Flask) -> None:
    woken: list[int] = []

    assert sweeps.sweep_jobs(woken.append) == 0
    assert woken == []


def test_what_a_dead_worker_holds_is_freed_and_somebody_woken(song: AudioFile) -> None:
    claims.take()
    clock = iter((0.0, 100.0))
    watch = claims.Watch(15, lambda: next(clock))
    woken: list[int] = []
    assert sweeps.take_over(watch, woken.append) == 0

    assert sweeps.take_over(watch, woken.append) == 1

    assert woken == [1]


def test_objects_of_nothing_are_removed_and_all_others_stay(song: AudioFile, storage: MemoryStorage) -> None:
    finish(song.job, JobStatus.COMPLETE, "wav")
    known = [song.key, rendition(song, "wav").key]
    for key in (*known, "media/1/orphan/x.wav", "media/1/fresh/x.wav"):
        storage.put(key, [b"sound"])
        storage.ages[key] = OLD
    storage.ages["media/1/fresh/x.wav"] = 60.0

    assert sweeps.sweep_storage() == 1

    assert sorted(storage.objects) == sorted([*known, "media/1/fresh/x.wav"])


def test_what_others_have_put_into_the_same_place_is_left_there(app: Flask, storage: MemoryStorage) -> None:
    storage.put("media/1/recorder/x.wav", [b"sound"])
    storage.ages["media/1/recorder/x.wav"] = OLD
    storage.foreign = {"media/1/recorder/x.wav"}
    with storage.begin("media/1/recorder/y.wav", 5, 5):
        pass

    assert sweeps.sweep_storage() == 0

    assert list(storage.objects) == ["media/1/recorder/x.wav"]
    assert len(storage.open) == 1


def test_what_was_on_its_way_in_when_its_process_died_goes_unless_it_is_a_file(
    song: AudioFile, storage: MemoryStorage
) -> None:
    storage.put(song.key, [b"sound"])
    storage.put("media/1/orphan/x.wav", [b"sound"])
    storage.left_behind = [song.key, "media/1/orphan/x.wav"]

    assert sweeps.sweep_this_machine() == 1

    assert list(storage.objects) == [song.key]


def test_one_process_sweeps_each_time(app: Flask) -> None:
    assert [sweeps.sweep_if_due(lambda count: None) for _ in range(3)] == [True, False, False]


def test_a_clock_that_was_set_back_does_not_stop_the_sweeps(app: Flask) -> None:
    with writing():
        db.session.add(Chore(name="sweep", done_at=utcnow() + timedelta(hours=5)))

    assert sweeps.sweep_if_due(lambda count: None)


def test_a_broker_that_is_down_leaves_the_job_for_the_next_sweep(
    alice: User, song: AudioFile, transcoder: FakeTranscoder
) -> None:
    AudioFileFactory(owner=alice)
    age(minutes=1)
    transcoder.is_down = True
    sweeps.sweep_jobs(lambda count: None)
    assert song.status is JobStatus.CREATED

    transcoder.is_down = False
    sweeps.sweep_jobs(lambda count: None)

    assert len(transcoder.submitted) == 2

"""Sweeps: what hangs gets a push, what belongs to nothing goes, and one process does it."""

import uuid
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import OperationalError

from tests.factories import AudioFileFactory, finish, rendition
from tests.fakes import FakeTranscoder, MemoryStorage
from webapp.db import db, utcnow, writing
from webapp.errors import StorageUnavailable
from webapp.models import Attempt, AudioFile, Chore, TranscodeJob, User
from webapp.news import JobStatus
from webapp.ports import JobSpec
from webapp.services import claims, jobs, library, outside, sweeps, throttle

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
    clock = iter(range(100))
    watch = claims.Watch(15, lambda: next(clock))
    woken: list[int] = []
    for _ in range(15):
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


def test_sec_R8_a_clock_that_was_set_back_does_not_stop_the_sweeps(app: Flask) -> None:
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


def test_while_the_transcoder_is_silent_one_job_alone_is_tried(
    alice: User, transcoder: FakeTranscoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [AudioFileFactory(owner=alice) for _ in range(3)]
    age(minutes=1)
    submit, tried = transcoder.submit, []

    def noted(spec: JobSpec) -> str | None:
        tried.append(spec.job_id)
        return submit(spec)

    monkeypatch.setattr(transcoder, "submit", noted)
    transcoder.is_down = True

    sweeps.sweep_jobs(lambda count: None)

    assert len(tried) == 1
    assert {file.status for file in files} == {JobStatus.CREATED}


def test_a_round_submits_so_many_and_the_next_one_the_others(
    alice: User, transcoder: FakeTranscoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeps, "MOST_SUBMITTED", 2)
    for _ in range(3):
        AudioFileFactory(owner=alice)
    age(minutes=1)

    submitted = []
    for _ in range(2):
        sweeps.sweep_jobs(lambda count: None)
        submitted.append(len(transcoder.submitted))

    assert submitted == [2, 3]


@pytest.mark.parametrize("error", [StorageUnavailable(), OperationalError("", {}, Exception()), KeyError("a bug")])
@pytest.mark.parametrize("fails", ["sweep", "uploads", "abandoned", "ask_outside", "is_own"])
def test_a_chore_that_fails_keeps_no_other_from_being_done(
    song: AudioFile,
    storage: MemoryStorage,
    transcoder: FakeTranscoder,
    monkeypatch: pytest.MonkeyPatch,
    fails: str,
    error: Exception,
) -> None:
    def fail(*_: object) -> None:
        raise error

    age(minutes=1)
    storage.put("media/1/left/x.wav", [b"sound"])
    storage.left_behind = ["media/1/left/x.wav"]
    storage.put("transcoded/1/orphan/x.wav", [b"sound"])
    storage.ages["transcoded/1/orphan/x.wav"] = OLD
    with writing():
        db.session.add(Attempt(key="somebody", at=utcnow() - throttle.WINDOW - timedelta(minutes=1)))
    monkeypatch.setattr(outside if fails == "ask_outside" else storage, fails, fail)

    assert sweeps.sweep_if_due(lambda count: None)

    assert len(transcoder.submitted) == 1
    assert db.session.scalars(sa.select(Attempt)).all() == []
    left = {"abandoned": ["media/1/left/x.wav"], "is_own": ["transcoded/1/orphan/x.wav"]}
    assert list(storage.objects) == left.get(fails, [])


def test_no_transaction_is_open_while_the_storage_is_swept(alice: User, storage: MemoryStorage) -> None:
    for key in ("media/1/left/x.wav", "media/1/orphan/x.wav", "media/1/orphan/y.wav"):
        storage.put(key, [b"sound"])
        storage.ages[key] = OLD
    storage.left_behind = ["media/1/left/x.wav"]
    with storage.begin(library.original_key(alice.id, uuid.uuid4(), "song.wav"), 10, 5):
        pass
    db.session.rollback()
    was_open: list[bool] = []
    storage.on_call = lambda: was_open.append(db.session().in_transaction())

    assert sweeps.sweep_storage() == 4

    assert was_open
    assert not any(was_open)


def test_a_storage_is_swept_by_and_by_however_much_is_in_it(
    song: AudioFile, storage: MemoryStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeps, "BATCH", 2)
    known = [song.key, rendition(song, "wav").key]
    for key in ("media/1/a/x.wav", known[0], "media/1/b/x.wav", known[1], "media/1/c/x.wav"):
        storage.put(key, [b"sound"])
        storage.ages[key] = OLD
    keys, listed, listed_at_first_removal = storage.keys, [], []

    def one_by_one() -> object:
        for found in keys():
            listed.append(found)
            yield found

    def gone(key: str) -> None:
        listed_at_first_removal.append(len(listed))
        del storage.objects[key]

    monkeypatch.setattr(storage, "keys", one_by_one)
    monkeypatch.setattr(storage, "delete", gone)

    assert sweeps.sweep_storage() == 3

    assert sorted(storage.objects) == sorted(known)
    assert listed_at_first_removal[0] == 2


def test_what_is_made_again_while_it_is_looked_at_stays(
    alice: User, song: AudioFile, storage: MemoryStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish(song.job, JobStatus.ERROR)
    key = rendition(song, "wav").key
    storage.put(key, [b"sound"])
    storage.ages[key] = OLD

    def retried(_: str) -> bool:
        jobs.retry(alice, song.id)
        return True

    monkeypatch.setattr(storage, "is_own", retried)

    assert sweeps.sweep_storage() == 0

    assert list(storage.objects) == [key]


def test_an_original_that_could_not_be_removed_with_its_file_is_removed_later(
    alice: User, song: AudioFile, storage: MemoryStorage
) -> None:
    storage.put(song.key, [b"sound"])
    storage.is_down = True
    with pytest.raises(StorageUnavailable):
        library.delete(alice, song.id)
    storage.is_down = False

    assert sweeps.sweep_if_due(lambda count: None)

    assert storage.objects == {}

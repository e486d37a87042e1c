"""Work: a claim is made, told of and let go of, whatever happens on the way."""

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.factories import AudioFileFactory, rendition, told
from tests.fakes import FakeEncoder, MemoryStorage
from webapp.db import db
from webapp.errors import EncodeFailed, Stopped, StorageFull
from webapp.models import AudioFile, Kind, User, Waveform
from webapp.news import Flaw, JobStatus
from webapp.services import claims, jobs, library
from webapp.services.work import Bench


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def song(alice: User, storage: MemoryStorage) -> AudioFile:
    """Its outline is the first thing to be done: it does not say how long it is."""
    file = AudioFileFactory(owner=alice, seconds=None)
    storage.put(file.key, [b"sound"])
    return file


def work_off(bench: Bench) -> None:
    while bench.do_next():
        pass


def outline_of(file: AudioFile) -> Waveform:
    return db.session.scalars(
        sa.select(Waveform).where(Waveform.audio_file_id == file.id).execution_options(populate_existing=True)
    ).one()


def test_a_file_is_worked_off_to_its_end(
    alice: User, song: AudioFile, bench: Bench, encoder: FakeEncoder, storage: MemoryStorage
) -> None:
    work_off(bench)

    assert encoder.made == ["wav", "flac", "mp4"]
    assert song.status is JobStatus.COMPLETE
    assert storage.objects[rendition(song, "flac").key] == b"flac"
    assert rendition(song, "flac").size == 4
    assert [note.kind for note in told(alice)] == [Kind.COMPLETE]


def test_sec_M7_what_is_not_whole_is_told_as_such(
    alice: User, song: AudioFile, bench: Bench, encoder: FakeEncoder
) -> None:
    encoder.flaw = Flaw.INCOMPLETE

    work_off(bench)

    assert song.status is JobStatus.COMPLETE
    assert song.flaw is rendition(song, "flac").flaw is Flaw.INCOMPLETE
    assert [(note.kind, note.flaw) for note in told(alice)] == [(Kind.COMPLETE, Flaw.INCOMPLETE)]


def test_the_outline_brings_the_real_length(song: AudioFile, bench: Bench) -> None:
    bench.do_next()

    assert outline_of(song).status is JobStatus.COMPLETE
    assert len(outline_of(song).bars or b"") == 400
    assert song.seconds == 12.0


def test_a_file_that_is_cut_short_keeps_its_word_so_that_all_renditions_are_measured_by_it(
    song: AudioFile, bench: Bench, encoder: FakeEncoder
) -> None:
    song.seconds = 10.0
    db.session.commit()
    encoder.decoded_seconds = 3.0

    work_off(bench)

    assert outline_of(song).status is JobStatus.COMPLETE
    assert song.seconds == 10.0


def test_a_file_that_cannot_be_converted_is_an_error_with_its_reason(
    alice: User, song: AudioFile, bench: Bench, encoder: FakeEncoder, storage: MemoryStorage
) -> None:
    encoder.error = EncodeFailed("There is no sound in this file.", detail="[wav] nothing")

    work_off(bench)

    assert song.status is JobStatus.ERROR
    assert rendition(song, "wav").error == "There is no sound in this file."
    assert rendition(song, "wav").detail == "[wav] nothing"
    assert told(alice)[0].text == "There is no sound in this file."
    assert list(storage.objects) == [song.key]


def test_sec_R6_no_room_for_a_rendition_is_told_and_a_retry_works_when_there_is(
    alice: User, song: AudioFile, bench: Bench, encoder: FakeEncoder
) -> None:
    encoder.error = StorageFull()
    work_off(bench)
    assert "no room left" in rendition(song, "wav").error

    encoder.error = None
    jobs.retry(alice, song.id)
    work_off(bench)

    assert song.status is JobStatus.COMPLETE


def test_an_original_that_is_gone_is_an_error_in_words(song: AudioFile, bench: Bench, storage: MemoryStorage) -> None:
    storage.delete(song.key)

    work_off(bench)

    assert song.status is JobStatus.ERROR
    assert "not in the storage" in rendition(song, "wav").error


def test_while_the_storage_does_not_answer_the_work_waits_and_is_not_tried_again_at_once(
    alice: User, song: AudioFile, bench: Bench, storage: MemoryStorage
) -> None:
    storage.is_down = True

    assert not bench.do_next()

    assert (outline_of(song).status, outline_of(song).tries, outline_of(song).token) == (JobStatus.SUBMITTED, 1, None)
    storage.is_down = False
    work_off(bench)
    assert song.status is JobStatus.COMPLETE
    assert [note.kind for note in told(alice)] == [Kind.COMPLETE]


def test_a_storage_that_never_answers_is_an_error_in_words_after_the_last_try(
    alice: User, song: AudioFile, bench: Bench, storage: MemoryStorage
) -> None:
    storage.is_down = True
    pieces = 1 + len(song.renditions)

    for _ in range(pieces * claims.MOST_TRIES):
        assert song.status is not JobStatus.ERROR
        bench.do_next()

    assert song.status is JobStatus.ERROR
    assert rendition(song, "wav").error == "We cannot do this at the moment. Please try again in a minute."
    assert outline_of(song).status is JobStatus.ERROR
    assert [note.kind for note in told(alice)] == [Kind.ERROR]


@pytest.mark.parametrize("deed", ["on_disk", "put_file"])
def test_sec_R3_a_worker_that_closes_waits_for_no_line(
    app: Flask, song: AudioFile, bench: Bench, storage: MemoryStorage, monkeypatch: pytest.MonkeyPatch, deed: str
) -> None:
    begun = threading.Event()

    def slow(stop: threading.Event | None) -> None:
        assert stop is not None
        begun.set()
        assert stop.wait(10)
        raise Stopped

    @contextmanager
    def fetched(key: str, stop: threading.Event | None = None) -> Iterator[Path]:
        slow(stop)
        yield Path()

    def put(key: str, path: Path, stop: threading.Event | None = None) -> None:
        slow(stop)

    bench.do_next()  # the outline
    monkeypatch.setattr(storage, deed, {"on_disk": fetched, "put_file": put}[deed])
    thread = in_background(app, bench)
    assert begun.wait(10)

    bench.close()

    tend_until_done(bench, thread)
    assert {(each.token, each.tries) for each in song.renditions} == {(None, 0)}


def test_a_bug_lets_go_of_the_piece_without_claiming_that_it_is_done(
    song: AudioFile, bench: Bench, encoder: FakeEncoder
) -> None:
    encoder.error = RuntimeError("a bug")

    with pytest.raises(RuntimeError):
        work_off(bench)

    assert outline_of(song).status is JobStatus.PROGRESSING
    assert outline_of(song).token


def in_background(app: Flask, bench: Bench) -> threading.Thread:
    def run() -> None:
        with app.app_context():
            bench.do_next()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def tend_until_done(bench: Bench, thread: threading.Thread) -> None:
    """Tend until the thread has ended. Not stopped, the fakes go on after ten seconds as if nothing had been asked."""
    begun = time.monotonic()
    while thread.is_alive() and time.monotonic() - begun < 30:
        bench.tend()
        thread.join(0.05)
    assert not thread.is_alive()


def wait_for_claim(file: AudioFile) -> None:
    for _ in range(100):
        if outline_of(file).token:
            return
        db.session.rollback()
        time.sleep(0.02)
    pytest.fail("nobody claimed it")


def test_what_is_canceled_is_let_go_of(
    app: Flask, alice: User, song: AudioFile, bench: Bench, encoder: FakeEncoder
) -> None:
    encoder.waits = True
    thread = in_background(app, bench)
    wait_for_claim(song)

    jobs.cancel(alice, song.id)

    tend_until_done(bench, thread)
    assert outline_of(song).status is JobStatus.CANCELED


def test_what_is_deleted_is_let_go_of(
    app: Flask, alice: User, song: AudioFile, bench: Bench, encoder: FakeEncoder, storage: MemoryStorage
) -> None:
    encoder.waits = True
    thread = in_background(app, bench)
    wait_for_claim(song)

    library.delete(alice, song.id)

    tend_until_done(bench, thread)
    assert storage.objects == {}


def test_sec_R3_a_worker_that_closes_gives_back_what_it_holds(
    app: Flask, song: AudioFile, bench: Bench, encoder: FakeEncoder
) -> None:
    encoder.waits = True
    thread = in_background(app, bench)
    wait_for_claim(song)

    bench.close()

    tend_until_done(bench, thread)
    assert (outline_of(song).status, outline_of(song).tries) == (JobStatus.SUBMITTED, 0)
    assert not bench.do_next()


def test_sec_R1_what_is_held_is_kept_alive(app: Flask, song: AudioFile, bench: Bench, encoder: FakeEncoder) -> None:
    encoder.waits = True
    thread = in_background(app, bench)
    wait_for_claim(song)
    before = outline_of(song).beat
    db.session.rollback()

    bench.tend()

    assert outline_of(song).beat == before + 1
    bench.close()
    tend_until_done(bench, thread)


@pytest.mark.parametrize("deed", [library.delete, jobs.cancel])
def test_what_is_not_wanted_any_more_at_the_last_moment_leaves_no_object(
    alice: User,
    song: AudioFile,
    bench: Bench,
    storage: MemoryStorage,
    monkeypatch: pytest.MonkeyPatch,
    deed: Callable[[User, uuid.UUID], None],
) -> None:
    put_file, song_id = storage.put_file, song.id

    def late(key: str, path: Path, stop: threading.Event) -> None:
        put_file(key, path, stop)
        deed(alice, song_id)

    monkeypatch.setattr(storage, "put_file", late)
    work_off(bench)

    assert not [key for key in storage.objects if key.startswith("transcoded/")]

"""Tags: read once, changed by their owner, and in every rendition before anybody is told."""

import json
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests import pictures
from tests.factories import AudioFileFactory, finish, rendition, told
from tests.fakes import FakeEncoder, FakeTagger, FakeTranscoder, FakeWorkers, MemoryStorage
from webapp.adapters.tags import pictures as looks
from webapp.db import db, utcnow, writing
from webapp.errors import AppError, NotFound, Refused, StorageFull, StorageUnavailable, TagsFailed, TooLarge
from webapp.models import AudioFile, Chore, Kind, Tagging, User, Waveform
from webapp.news import Flaw, JobStatus, Output
from webapp.services import claims, jobs, library, sweeps, tagging
from webapp.services.work import Bench
from webapp.tags import Found

COVER = looks.look(pictures.png())
OTHER = looks.look(pictures.jpeg())
PRESETS = ("wav", "flac")


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def song(alice: User, storage: MemoryStorage) -> AudioFile:
    file = AudioFileFactory(owner=alice, presets=PRESETS, tags={"title": "First look"})
    storage.put(file.key, [b"sound"])
    return file


@pytest.fixture
def outside(transcoder: FakeTranscoder) -> FakeTranscoder:
    transcoder.is_ours = False
    transcoder.external_id = "job-1"
    return transcoder


def work_off(bench: Bench) -> None:
    while bench.do_next():
        pass


def fresh(file: AudioFile) -> AudioFile:
    return db.session.get_one(AudioFile, file.id, populate_existing=True)


def written(storage: MemoryStorage, file: AudioFile, preset: str) -> tuple[dict[str, str], bytes]:
    """The tags and the cover in a rendition that the fake has written."""
    text = storage.objects[rendition(file, preset).key].partition(b"|")[2]
    tags, end = json.JSONDecoder().raw_decode(text.decode("latin-1"))
    return dict(tags), text[end:]


def made_outside(file: AudioFile, storage: MemoryStorage, *presets: str) -> None:
    """A transcoder outside has made these, and says so."""
    for name in presets:
        storage.put(rendition(file, name).key, [name.encode()])
        finish(file.job, JobStatus.COMPLETE, name)


def test_the_originals_tags_and_cover_are_in_each_rendition(
    alice: User, song: AudioFile, bench: Bench, tagger: FakeTagger, storage: MemoryStorage
) -> None:
    tagger.found = Found({"title": "Für Elise", "comment": "one\ntwo\x07", "album": " a\tb "}, COVER)

    work_off(bench)

    wanted = {"title": "Für Elise", "album": "a b", "comment": "one\ntwo"}
    file = fresh(song)
    assert file.tags == wanted
    assert file.cover_key is not None
    assert storage.objects[file.cover_key] == COVER.content
    assert [written(storage, song, name) for name in PRESETS] == [(wanted, COVER.content)] * 2
    assert rendition(song, "wav").size == len(storage.objects[rendition(song, "wav").key])
    assert tagger.reads == 1
    assert [note.kind for note in told(alice)] == [Kind.COMPLETE]


def test_what_has_no_tags_is_left_as_it_was_encoded(
    alice: User, bench: Bench, storage: MemoryStorage, tagger: FakeTagger
) -> None:
    file = AudioFileFactory(owner=alice, presets=PRESETS)
    storage.put(file.key, [b"sound"])

    work_off(bench)

    assert storage.objects[rendition(file, "flac").key] == b"flac"
    assert db.session.scalars(sa.select(Tagging)).all() == []


@pytest.mark.parametrize("error", [TagsFailed(), StorageFull()])
def test_tags_that_cannot_be_read_or_written_cost_no_rendition(
    song: AudioFile,
    bench: Bench,
    tagger: FakeTagger,
    storage: MemoryStorage,
    monkeypatch: pytest.MonkeyPatch,
    error: AppError,
) -> None:
    def broken(path: Path, *, stop: threading.Event) -> Found:
        raise TagsFailed

    monkeypatch.setattr(tagger, "read", broken)
    tagger.error = error

    work_off(bench)

    assert fresh(song).status is JobStatus.COMPLETE
    assert fresh(song).tags == {"title": "First look"}
    assert fresh(song).cover_refusal == tagging.UNREAD
    assert storage.objects[rendition(song, "flac").key] == b"flac"


def test_sec_B3_a_refused_cover_is_told_and_the_sound_is_converted(
    song: AudioFile, bench: Bench, tagger: FakeTagger
) -> None:
    tagger.found = Found({"title": "Bomb"}, refusal=looks.TOO_WIDE)

    work_off(bench)

    file = fresh(song)
    assert (file.status, file.cover_key, file.cover_refusal) == (JobStatus.COMPLETE, None, looks.TOO_WIDE)


def test_other_tags_reach_what_is_ready(
    alice: User, song: AudioFile, bench: Bench, storage: MemoryStorage, workers: FakeWorkers
) -> None:
    work_off(bench)

    tagging.edit(alice, song.id, {"title": "Other", "track": "3/9"}, cover=COVER)
    assert workers.woken == [1]
    work_off(bench)

    assert [written(storage, song, name) for name in PRESETS] == [
        ({"title": "Other", "track": "3/9"}, COVER.content)
    ] * 2
    assert rendition(song, "wav").size == len(storage.objects[rendition(song, "wav").key])
    assert len(told(alice)) == 1

    tagging.edit(alice, song.id, {"title": "", "track": ""}, is_without_cover=True)
    work_off(bench)

    assert written(storage, song, "wav") == ({}, b"")
    assert [key for key in storage.objects if key.endswith(".png")] == []


@pytest.mark.parametrize("moment", ["queued", "encoding", "tagging"])
def test_tags_that_are_changed_while_it_converts_are_not_lost(
    alice: User,
    song: AudioFile,
    bench: Bench,
    encoder: FakeEncoder,
    tagger: FakeTagger,
    storage: MemoryStorage,
    moment: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def edit_once() -> None:
        if fresh(song).tags.get("title") != "Mine":
            tagging.edit(alice, song.id, {"title": "Mine"})

    tagger.found = Found({"title": "Original", "artist": "Ana"}, COVER)
    if moment == "queued":
        edit_once()
    elif moment == "tagging":
        tagger.on_write = edit_once
    else:
        encode = encoder.encode

        def encode_and_edit(*args: Any, **kwargs: Any) -> Output:
            edit_once()
            return encode(*args, **kwargs)

        monkeypatch.setattr(encoder, "encode", encode_and_edit)

    work_off(bench)

    for name in PRESETS:
        tags, cover = written(storage, song, name)
        assert tags["title"] == "Mine"
        assert cover == COVER.content
    assert fresh(song).tags["title"] == "Mine"
    assert db.session.scalars(sa.select(Tagging.status)).all() in ([], [JobStatus.COMPLETE])


def test_tags_that_change_while_they_are_written_are_a_piece_of_their_own(
    alice: User, song: AudioFile, bench: Bench, tagger: FakeTagger, storage: MemoryStorage
) -> None:
    """Guards that each rendition is written once in a try: else somebody could keep a worker for ever."""
    titles = iter(f"Take {number}" for number in range(100))
    work_off(bench)
    tagger.on_write = lambda: tagging.edit(alice, song.id, {"title": next(titles)})
    tagging.edit(alice, song.id, {"title": "Mine"})

    bench.do_next()

    assert next(titles) == f"Take {len(PRESETS)}"
    tagger.on_write = lambda: None
    work_off(bench)
    assert [written(storage, song, name)[0] for name in PRESETS] == [{"title": f"Take {len(PRESETS) - 1}"}] * 2


def test_what_a_form_has_not_changed_stays_as_a_worker_has_found_it(
    alice: User, song: AudioFile, bench: Bench, tagger: FakeTagger
) -> None:
    tagger.found = Found({"title": "Original", "comment": "one\ntwo"})
    work_off(bench)

    seen = {"title": "First look", "comment": "one two"}
    tagging.edit(alice, song.id, {"title": "Mine", "comment": "one two", "artist": ""}, seen=seen)

    assert fresh(song).tags == {"title": "Mine", "comment": "one\ntwo"}


def test_the_same_tags_again_are_no_work(alice: User, song: AudioFile, bench: Bench, workers: FakeWorkers) -> None:
    work_off(bench)
    version = fresh(song).version

    tagging.edit(alice, song.id, {"title": "First look"})

    assert fresh(song).version == version
    assert workers.woken == []


def test_tags_have_bounds_and_owners(alice: User, bob: User, song: AudioFile, storage: MemoryStorage) -> None:
    with pytest.raises(Refused):
        tagging.edit(alice, song.id, {"title": "x" * (tagging.LONGEST + 1)})
    with pytest.raises(NotFound):
        tagging.edit(bob, song.id, {"title": "Bob's"}, cover=COVER)

    assert fresh(song).tags == {"title": "First look"}
    assert list(storage.objects) == [song.key]


def test_a_cover_takes_of_the_quota(
    alice: User, song: AudioFile, storage: MemoryStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = library.bytes_used(alice.id)
    tagging.edit(alice, song.id, {}, cover=COVER)
    assert library.bytes_used(alice.id) == before + len(COVER.content)

    monkeypatch.setattr(library, "room", lambda _: library.Room(10, 10))
    with pytest.raises(TooLarge):
        tagging.edit(alice, song.id, {}, cover=looks.look(pictures.png(padding=5000)))

    assert [storage.objects[key] for key in storage.objects if key.endswith(".png")] == [COVER.content]


def test_a_cover_is_known_to_the_sweep_and_goes_with_its_file(
    alice: User, song: AudioFile, storage: MemoryStorage
) -> None:
    tagging.edit(alice, song.id, {}, cover=COVER)
    tagging.edit(alice, song.id, {}, cover=OTHER)
    key = fresh(song).cover_key
    assert key is not None
    storage.ages = dict.fromkeys(storage.objects, 1e6)

    sweeps.sweep_storage()
    assert key in storage.objects

    library.delete(alice, song.id)
    assert storage.objects == {}


# --- What a transcoder outside makes, it makes without tags.


@pytest.mark.usefixtures("outside")
def test_what_was_made_outside_is_told_when_its_tags_are_written(
    alice: User, song: AudioFile, bench: Bench, tagger: FakeTagger, storage: MemoryStorage
) -> None:
    tagger.found = Found({"title": "Original"}, COVER)
    made_outside(song, storage, *PRESETS)
    assert fresh(song).status is not JobStatus.COMPLETE
    assert told(alice) == []

    finish(song.job)  # the same news again
    work_off(bench)

    assert fresh(song).status is JobStatus.COMPLETE
    assert [written(storage, song, name) for name in PRESETS] == [({"title": "Original"}, COVER.content)] * 2
    assert rendition(song, "wav").size == len(storage.objects[rendition(song, "wav").key])
    assert len(told(alice)) == 1


@pytest.mark.usefixtures("outside")
def test_what_was_made_outside_is_ready_without_tags_if_they_cannot_be_written(
    alice: User, song: AudioFile, bench: Bench, tagger: FakeTagger, storage: MemoryStorage
) -> None:
    with writing():
        db.session.execute(sa.update(Waveform).values(status=JobStatus.COMPLETE))
    made_outside(song, storage, *PRESETS)
    tagger.error = StorageUnavailable()
    for _ in range(claims.MOST_TRIES - 1):
        assert not bench.do_next()
        assert told(alice) == []

    bench.do_next()

    assert fresh(song).status is JobStatus.COMPLETE
    assert len(told(alice)) == 1
    assert db.session.scalars(sa.select(Tagging.status)).all() == [JobStatus.ERROR]


@pytest.mark.usefixtures("outside")
def test_a_worker_that_dies_at_the_tags_is_followed_by_another_and_at_last_by_none(
    alice: User, song: AudioFile, storage: MemoryStorage
) -> None:
    made_outside(song, storage, *PRESETS)
    for _ in range(claims.MOST_TRIES):
        claim = claims.take()
        assert claim is not None
        assert claim.is_of_tags
        assert told(alice) == []
        beat = db.session.scalar(sa.select(Tagging.beat))
        assert beat is not None
        assert claims.take_over(claim.token, beat)

    assert fresh(song).status is JobStatus.COMPLETE
    assert len(told(alice)) == 1


@pytest.mark.usefixtures("outside")
def test_waiting_tags_are_work_for_the_sweep_and_canceled_with_their_job(
    alice: User, song: AudioFile, storage: MemoryStorage, bench: Bench
) -> None:
    woken: list[int] = []
    made_outside(song, storage, *PRESETS)
    sweeps.sweep_jobs(woken.append)
    assert woken == [2]

    jobs.cancel(alice, song.id)
    work_off(bench)

    assert fresh(song).status is JobStatus.CANCELED
    assert told(alice) == []


def test_what_is_retried_gets_its_tags_anew(alice: User, song: AudioFile, bench: Bench, storage: MemoryStorage) -> None:
    work_off(bench)
    jobs.discard(alice, song.id, "flac")

    jobs.more(alice, song.id, ["flac", "mp4"])
    work_off(bench)

    assert [written(storage, song, name)[0] for name in ("flac", "mp4")] == [{"title": "First look"}] * 2


def test_what_is_the_matter_with_a_rendition_from_outside_is_told_when_its_tags_are_in_it(
    alice: User, song: AudioFile, bench: Bench, storage: MemoryStorage, outside: FakeTranscoder
) -> None:
    for name in PRESETS:
        storage.put(rendition(song, name).key, [name.encode()])
        finish(song.job, JobStatus.COMPLETE, name, flaw=Flaw.INCOMPLETE)
    assert told(alice) == []

    work_off(bench)

    assert rendition(song, "wav").flaw is Flaw.INCOMPLETE
    assert [note.flaw for note in told(alice)] == [Flaw.INCOMPLETE]


# --- A full disk. What was made is ready without tags, and they are written when there is room.


def full(*_: object, **__: object) -> None:
    raise StorageFull


@pytest.fixture
def woken() -> list[int]:
    return []


def swept(woken: list[int]) -> None:
    """A sweep at once, whenever the last one was."""
    with writing():
        db.session.execute(sa.delete(Chore).where(Chore.name == "sweep"))
    assert sweeps.sweep_if_due(woken.append)


@pytest.mark.parametrize("what", ["the copy with tags", "the cover"])
def test_without_room_for_tags_what_was_made_is_ready_and_has_them_later(
    alice: User, song: AudioFile, bench: Bench, tagger: FakeTagger, storage: MemoryStorage, woken: list[int],
    monkeypatch: pytest.MonkeyPatch, what: str,
) -> None:  # fmt: skip
    tagger.found = Found({"title": "Original"}, COVER)
    with monkeypatch.context() as patch:
        patch.setattr(*((tagger, "write", full) if what != "the cover" else (storage, "put", without_covers(storage))))
        work_off(bench)

    assert fresh(song).status is JobStatus.COMPLETE
    assert len(told(alice)) == 1
    assert storage.objects[rendition(song, "wav").key] == b"wav"
    assert db.session.scalars(sa.select(Waveform.status)).all() == [JobStatus.COMPLETE]

    swept(woken)
    work_off(bench)

    assert woken[0] >= 1
    assert [written(storage, song, name) for name in PRESETS] == [({"title": "Original"}, COVER.content)] * 2
    assert rendition(song, "wav").size == len(storage.objects[rendition(song, "wav").key])
    assert len(told(alice)) == 1


def without_covers(storage: MemoryStorage) -> Callable[[str, Iterable[bytes]], int]:
    """A storage with room for renditions, and for nothing else."""
    put = storage.put

    def put_rendition(key: str, chunks: Iterable[bytes]) -> int:
        if not key.startswith("transcoded/"):
            raise StorageFull
        return put(key, chunks)

    return put_rendition


def test_without_room_nobody_tries_again_and_again(
    alice: User, song: AudioFile, bench: Bench, tagger: FakeTagger, workers: FakeWorkers, woken: list[int]
) -> None:
    tries: list[int] = []
    tagger.on_write = lambda: tries.append(1)
    tagger.error = StorageFull()

    work_off(bench)  # which comes to an end
    assert len(tries) <= 2 * len(PRESETS)
    swept(woken)
    work_off(bench)
    before = len(tries)
    woken.clear()
    for _ in range(3):  # within ten minutes
        swept(woken)
        tagging.wake()
        work_off(bench)

    assert (woken, workers.woken, len(tries)) == ([], [], before)
    assert db.session.scalars(sa.select(Tagging.status)).all() == [JobStatus.CREATED]
    with writing():
        db.session.execute(sa.update(Chore).values(done_at=utcnow() - sweeps.TAGS_AGAIN))
    swept(woken)
    work_off(bench)
    assert len(tries) == before + 1


def test_while_there_is_no_room_at_all_nobody_is_sent_for_tags(
    song: AudioFile, bench: Bench, tagger: FakeTagger, storage: MemoryStorage, woken: list[int]
) -> None:
    """Each try would take the last of the room, which the database needs."""
    tagger.error = StorageFull()
    work_off(bench)
    storage.free, tagger.error = 0, None

    swept(woken)
    work_off(bench)
    assert db.session.scalars(sa.select(Tagging.status)).all() == [JobStatus.CREATED]

    storage.free = None
    swept(woken)
    work_off(bench)
    assert db.session.scalars(sa.select(Tagging.status)).all() == [JobStatus.COMPLETE]


@pytest.mark.usefixtures("outside")
def test_without_room_what_was_made_outside_is_told_and_has_its_tags_later(
    alice: User, song: AudioFile, bench: Bench, tagger: FakeTagger, storage: MemoryStorage, woken: list[int]
) -> None:
    made_outside(song, storage, *PRESETS)
    tagger.error = StorageFull()
    work_off(bench)

    assert fresh(song).status is JobStatus.COMPLETE
    assert len(told(alice)) == 1
    assert storage.objects[rendition(song, "wav").key] == b"wav"

    tagger.error = None
    swept(woken)
    work_off(bench)

    assert [written(storage, song, name)[0] for name in PRESETS] == [{"title": "First look"}] * 2
    assert len(told(alice)) == 1


def edit_without_room(
    alice: User, song: AudioFile, bench: Bench, storage: MemoryStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Give a song that is ready another title while the disk is full."""
    work_off(bench)
    tagging.edit(alice, song.id, {"title": "Second"})
    with monkeypatch.context() as patch:
        patch.setattr(storage, "put_file", full)
        work_off(bench)
    assert written(storage, song, "wav")[0] == {"title": "First look"}


def test_without_room_an_edit_waits_too(
    alice: User, song: AudioFile, bench: Bench, storage: MemoryStorage, woken: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    edit_without_room(alice, song, bench, storage, monkeypatch)

    swept(woken)
    work_off(bench)

    assert [written(storage, song, name)[0] for name in PRESETS] == [{"title": "Second"}] * 2


def test_what_could_not_be_written_is_tried_again_when_the_same_tags_are_saved_again(
    alice: User, song: AudioFile, bench: Bench, storage: MemoryStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit_without_room(alice, song, bench, storage, monkeypatch)

    tagging.edit(alice, song.id, {"title": "Second"})
    work_off(bench)

    assert [written(storage, song, name)[0] for name in PRESETS] == [{"title": "Second"}] * 2

"""The user's files: their places in the queue, what they take, and those that are named together."""

import random
import uuid
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.factories import AudioFileFactory, finish, told, user
from webapp.db import db, utcnow, writing
from webapp.models import AudioFile, Rendition, TranscodeJob, User, Waveform
from webapp.news import JobEvent, JobStatus
from webapp.presets import PRESETS
from webapp.services import claims, jobs, library


def without_outlines() -> None:
    """They are claimed first, and change nothing in the order of the rest."""
    with writing():
        db.session.execute(sa.update(Waveform).values(status=JobStatus.COMPLETE))


def begin() -> uuid.UUID:
    """Let a worker take what is next, and return the file that it is of."""
    claim = claims.take()
    assert claim
    assert claim.job_id
    assert claim.preset
    jobs.record(JobEvent(claim.job_id, JobStatus.PROGRESSING, claim.preset.name, percent=0.0, token=claim.token))
    return claim.file_id


def test_a_waiting_file_knows_how_many_will_be_begun_before_it(alice: User) -> None:
    long = AudioFileFactory(owner=alice, seconds=600.0, presets=("wav",))
    short = AudioFileFactory(owner=alice, seconds=5.0, presets=("wav",))

    assert library.ahead(alice) == {short.id: 0, long.id: 1}


def test_what_others_wait_for_counts_too(alice: User, bob: User) -> None:
    theirs = [AudioFileFactory(owner=bob, seconds=float(n), presets=("wav",)) for n in (1, 2, 3)]
    mine = AudioFileFactory(owner=alice, seconds=100.0, presets=("wav",))

    assert library.ahead(alice) == {mine.id: 1}  # users take turns
    assert library.ahead(bob) == {theirs[0].id: 0, theirs[1].id: 2, theirs[2].id: 3}


def test_what_has_been_begun_has_no_place(alice: User, song: AudioFile) -> None:
    without_outlines()
    later = AudioFileFactory(owner=alice, seconds=1000.0)
    begin()

    assert library.ahead(alice) == {later.id: 0}


def test_nobody_who_waits_for_nothing_has_a_place(alice: User, bob: User, song: AudioFile) -> None:
    finish(song.job)

    assert library.ahead(alice) == {}
    assert library.ahead(bob) == {}


@pytest.mark.parametrize("seed", range(6))
def test_the_places_are_those_in_which_workers_take_the_files(app: Flask, seed: int) -> None:
    chance = random.Random(seed)
    people = [user(f"{number}@example.com") for number in range(4)]
    for _ in range(12):
        presets = tuple(chance.sample(["wav", "flac", "mp4", "opus-64"], chance.randint(1, 3)))
        AudioFileFactory(owner=chance.choice(people), seconds=chance.uniform(1, 500), presets=presets)
    without_outlines()
    for _ in range(chance.randint(0, 8)):  # some are under way, and whose turn it is differs
        begin()

    promised = {file: place for who in people for file, place in library.ahead(who).items()}
    waiting = sa.select(sa.func.count()).where(Rendition.status.in_((JobStatus.CREATED, JobStatus.SUBMITTED)))
    begun = [begin() for _ in range(db.session.scalar(waiting) or 0)]

    assert sorted(promised, key=lambda file: promised[file]) == [f for f in dict.fromkeys(begun) if f in promised]
    assert sorted(promised.values()) == list(range(len(promised)))


def test_the_places_of_many_are_as_many_queries_as_of_one(alice: User) -> None:
    for _ in range(5):
        AudioFileFactory(owner=alice)
    owner = db.session.get_one(User, alice.id)
    asked: list[str] = []

    sa.event.listen(db.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    assert len(library.ahead(owner)) == 5

    assert len(asked) == 2


def test_what_nobody_would_count_is_not_counted(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "MOST_COUNTED", 5)
    AudioFileFactory(owner=alice)
    assert len(library.ahead(alice)) == 1
    AudioFileFactory(owner=alice)

    assert library.ahead(alice) == {}


def test_several_files_are_only_those_that_are_there_and_ones_own(alice: User, bob: User, song: AudioFile) -> None:
    other = AudioFileFactory(owner=alice, name="Anton.wav")
    theirs = AudioFileFactory(owner=bob)

    found = library.several(alice, [song.id, theirs.id, uuid.uuid4(), other.id, song.id])

    assert [file.id for file in found] == [other.id, song.id]
    assert library.several(alice, []) == []


def test_how_often_was_told_of_files_counts_what_was_dismissed(alice: User, song: AudioFile) -> None:
    finish(song.job)
    told(alice)[0].dismissed_at = song.created_at

    assert library.times_told([song]) == 1
    assert library.times_told([]) == 0


@pytest.mark.parametrize(
    ("used", "left", "is_short"), [(0, 1000, False), (900, 100, False), (901, 99, True), (1001, 0, True)]
)
def test_room_is_what_is_left_of_the_quota(used: int, left: int, is_short: bool) -> None:
    room = library.Room(used=used, quota=1000)

    assert (room.left, room.is_short) == (left, is_short)


def begun_before(file: AudioFile, seconds: float) -> None:
    """Let the newest attempt have begun so long ago."""
    with writing():
        db.session.get_one(TranscodeJob, file.job.id).started_at = utcnow() - timedelta(seconds=seconds)


def test_the_time_left_goes_by_effort_and_not_by_the_plain_mean(song: AudioFile) -> None:
    for preset in ("wav", "flac"):
        jobs.record(JobEvent(song.job.id, JobStatus.PROGRESSING, preset, percent=100.0))
    begun_before(song, 10)
    wav, flac, mp4 = (PRESETS[name].effort for name in ("wav", "flac", "mp4"))

    assert song.progress == 66
    assert song.seconds_left == pytest.approx(10 * mp4 / (wav + flac), rel=0.05)


def test_nobody_is_told_the_time_left_in_the_first_seconds(song: AudioFile) -> None:
    assert song.seconds_left is None
    jobs.record(JobEvent(song.job.id, JobStatus.PROGRESSING, "wav", percent=50.0))
    begun_before(song, 4)
    assert song.seconds_left is None

    begun_before(song, 6)
    assert song.seconds_left
    finish(song.job)

    assert song.seconds_left is None


def test_the_time_left_is_not_told_before_anything_is_done(song: AudioFile) -> None:
    jobs.record(JobEvent(song.job.id, JobStatus.PROGRESSING, "wav", percent=0.0))
    begun_before(song, 60)

    assert song.seconds_left is None

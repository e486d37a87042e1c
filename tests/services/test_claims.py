"""Claims: two workers never have the same piece, and the dead lose theirs."""

import threading
from collections import Counter

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.factories import AudioFileFactory, finish, rendition, take, told, without_outlines
from tests.fakes import FakeTranscoder
from webapp.db import db, writing
from webapp.models import AudioFile, Kind, Rendition, User, Waveform
from webapp.news import JobEvent, JobStatus, Output
from webapp.services import claims, jobs


class Clock:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def passes(self, seconds: int, watch: claims.Watch) -> list[tuple[str, int]]:
        """What the watch sees after so many seconds, in each of which it looks."""
        for _ in range(seconds):
            self.now += 1
            seen = watch.look()
        return seen


def preset_of(claim: claims.Claim) -> str:
    return claim.preset.name if claim.preset else "outline"


def test_users_take_turns(alice: User, bob: User) -> None:
    for _ in range(3):
        AudioFileFactory(owner=alice, presets=("wav",))
    late = AudioFileFactory(owner=bob, presets=("wav",))
    without_outlines()

    owners = [take().file_id == late.id for _ in range(4)]

    assert owners.index(True) == 1


def test_who_has_less_under_way_goes_first(alice: User, bob: User) -> None:
    AudioFileFactory(owner=alice, presets=("wav", "flac", "mp4"))
    without_outlines()
    first, second = take(), take()
    assert first.job_id
    jobs.record(JobEvent(first.job_id, JobStatus.COMPLETE, "wav", token=first.token))
    file = AudioFileFactory(owner=bob, presets=("wav",))
    without_outlines()

    assert take().file_id == file.id
    assert second.token


def test_a_canceled_piece_is_not_held_any_more(alice: User, song: AudioFile) -> None:
    claim = take()
    assert claims.held([claim.token]) == {claim.token}

    jobs.cancel(alice, song.id)

    assert claims.held([claim.token]) == set()
    assert claims.take() is None


def test_sec_R5_many_workers_take_each_piece_once(app: Flask, alice: User, bob: User) -> None:
    for owner in (alice, bob):
        for _ in range(15):
            AudioFileFactory(owner=owner)
    without_outlines()
    db.session.rollback()
    taken: Counter[tuple[object, str]] = Counter()
    lock = threading.Lock()

    def work() -> None:
        with app.app_context():
            while claim := claims.take():
                with lock:
                    taken[claim.file_id, preset_of(claim)] += 1

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(taken) == 90
    assert set(taken.values()) == {1}


def test_sec_R1_a_heartbeat_that_stands_still_for_a_lease_loses_its_piece(song: AudioFile) -> None:
    without_outlines()
    clock = Clock()
    watch = claims.Watch(15, clock)
    claim = take()
    assert watch.look() == []
    assert clock.passes(14, watch) == []

    (still,) = clock.passes(1, watch)

    assert claims.take_over(*still)
    assert not claims.take_over(*still)
    assert preset_of(take()) == preset_of(claim)


def test_sec_R1_a_heartbeat_that_moves_keeps_its_piece(song: AudioFile) -> None:
    clock = Clock()
    watch = claims.Watch(15, clock)
    claim = take()
    for _ in range(10):
        watch.look()
        claims.beat([claim.token])
        clock.now += 10

    assert watch.look() == []


def test_a_watch_that_begins_late_waits_a_whole_lease(song: AudioFile) -> None:
    take()
    clock = Clock()
    watch = claims.Watch(15, clock)

    assert watch.look() == []


@pytest.mark.parametrize("tries", [1, claims.MOST_TRIES])
def test_sec_R1_a_holder_that_beats_at_the_last_moment_is_not_robbed(song: AudioFile, tries: int) -> None:
    """Guards the beat in `take_over`, of which there are two."""
    without_outlines()
    claim = take()
    with writing():
        db.session.execute(sa.update(Rendition).where(Rendition.token == claim.token).values(tries=tries))
    still = (claim.token, 1)
    claims.beat([claim.token])

    assert not claims.take_over(*still)
    assert claims.held([claim.token]) == {claim.token}
    assert song.status is not JobStatus.ERROR


def test_sec_R1_a_worker_that_was_frozen_does_not_take_its_neighbours_for_dead(song: AudioFile) -> None:
    """Guards LARGEST_SHARE: of the time in which nobody looked only so much counts that others can beat again."""
    clock = Clock()
    watch = claims.Watch(15, clock)
    claim = take()
    clock.passes(3, watch)

    clock.now += 3600
    assert watch.look() == []
    claims.beat([claim.token])

    assert clock.passes(14, watch) == []


def test_sec_R1_a_watch_that_looks_rarely_finds_the_dead_all_the_same(song: AudioFile) -> None:
    claim = take()
    clock = Clock()
    watch = claims.Watch(15, clock)
    watch.look()
    for _ in range(3):
        clock.now += 60
        seen = watch.look()

    assert seen == [(claim.token, 1)]


def test_sec_R1_a_worker_never_takes_over_what_it_holds_itself(song: AudioFile) -> None:
    """Guards `holds`."""
    clock = Clock()
    claim = take()
    watch = claims.Watch(15, clock, holds=lambda token: token == claim.token)

    assert clock.passes(60, watch) == []


def test_sec_R5_while_nobody_can_write_nobody_is_taken_for_dead(
    song: AudioFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards LONGEST_WAIT_SECONDS: who waits for the lock waits with all whose hearts are to be written down."""
    claim = take()
    monkeypatch.setattr(claims, "LONGEST_WAIT_SECONDS", -1.0)
    assert not claims.take_over(claim.token, 1)

    monkeypatch.undo()
    assert claims.take_over(claim.token, 1)


def test_sec_R1_who_was_taken_for_dead_is_not_believed_any_more(alice: User, song: AudioFile) -> None:
    without_outlines()
    claim = take()
    claims.take_over(claim.token, 1)
    assert claim.job_id

    assert not jobs.record(JobEvent(claim.job_id, JobStatus.COMPLETE, preset_of(claim), token=claim.token))

    assert rendition(song, "wav").status is JobStatus.SUBMITTED


def test_sec_R4_what_kills_its_worker_three_times_has_failed(alice: User) -> None:
    file = AudioFileFactory(owner=alice, presets=("wav",))
    without_outlines()

    for _ in range(3):
        claim = take()
        beat = db.session.scalar(sa.select(Rendition.beat).where(Rendition.token == claim.token))
        assert claims.take_over(claim.token, beat or 0)

    assert claims.take() is None
    assert rendition(file, "wav").status is JobStatus.ERROR
    assert [note.kind for note in told(alice)] == [Kind.ERROR]
    assert "three times" in told(alice)[0].text


def test_sec_R4_while_one_piece_kills_each_worker_that_takes_it_the_others_are_done(alice: User, bob: User) -> None:
    """Guards MOST_TRIES: without it this would not end."""
    poison = AudioFileFactory(owner=alice, presets=("wav",))
    others = [AudioFileFactory(owner=owner) for owner in (alice, bob)]
    without_outlines()

    deaths = 0
    while (claim := claims.take()) and not claim.measures:  # what is measured comes when all is done
        if claim.file_id == poison.id:
            deaths += 1
            assert claims.take_over(claim.token, deaths)  # it beat once at each beginning
        else:
            assert claim.job_id
            news = JobEvent(
                claim.job_id, JobStatus.COMPLETE, preset_of(claim), output=Output(1, 1.0), token=claim.token
            )
            assert jobs.record(news)

    assert deaths == claims.MOST_TRIES
    assert rendition(poison, "wav").status is JobStatus.ERROR
    assert {file.status for file in others} == {JobStatus.COMPLETE}


def test_sec_R4_an_outline_that_kills_its_worker_does_not_hold_up_the_renditions(alice: User) -> None:
    AudioFileFactory(owner=alice, presets=("wav",), seconds=None)

    for _ in range(3):
        claim = take()
        assert preset_of(claim) == "outline"
        beat = db.session.scalar(sa.select(Waveform.beat).where(Waveform.token == claim.token))
        claims.take_over(claim.token, beat or 0)

    assert preset_of(take()) == "wav"


def test_sec_R3_what_is_given_back_was_not_tried(song: AudioFile) -> None:
    without_outlines()
    claim = take()

    claims.give_back(claim.token)

    given = rendition(song, "wav")
    assert (given.status, given.tries, given.token) == (JobStatus.SUBMITTED, 0, None)


def test_a_file_whose_renditions_are_all_ready_still_gets_its_outline(song: AudioFile) -> None:
    finish(song.job)

    assert preset_of(take()) == "outline"


def test_what_is_made_outside_is_not_for_our_workers(song: AudioFile, transcoder: FakeTranscoder) -> None:
    transcoder.is_ours = False

    assert preset_of(take()) == "outline"
    assert claims.take() is None

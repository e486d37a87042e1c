"""Jobs: news is taken once, in whatever order it comes, and the owner is told once."""

import itertools
import threading
import uuid

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.factories import AudioFileFactory, finish, rendition, standing, told
from tests.fakes import FakeTranscoder, MemoryStorage
from webapp.db import db
from webapp.errors import NotFound, TranscoderRefused
from webapp.models import AudioFile, Kind, TranscodeJob, User
from webapp.news import JobEvent, JobStatus, Output
from webapp.ports import JobSpec
from webapp.services import jobs, library, notifications

OUTPUT = Output(size=10, seconds=1.0)


def test_a_job_is_complete_when_all_its_renditions_are(alice: User, song: AudioFile) -> None:
    finish(song.job, JobStatus.COMPLETE, "wav", "flac")
    assert told(alice) == []

    finish(song.job, JobStatus.COMPLETE, "mp4")

    assert song.status is JobStatus.COMPLETE
    (note,) = told(alice)
    assert (note.kind, note.ready, note.failed, note.text) == (Kind.COMPLETE, ["wav", "flac", "mp4"], [], "")
    assert note.batch == song.batch


def test_a_job_of_which_something_failed_is_partial_and_says_why(alice: User, song: AudioFile) -> None:
    finish(song.job, JobStatus.COMPLETE, "wav", "flac")
    finish(song.job, JobStatus.ERROR, "mp4", error="The file ends in the middle of its sound.")

    assert song.status is JobStatus.PARTIAL
    assert song.job.error == "The file ends in the middle of its sound."
    (note,) = told(alice)
    assert (note.kind, note.ready, note.failed) == (Kind.PARTIAL, ["wav", "flac"], ["mp4"])
    assert note.text == "The file ends in the middle of its sound."


def test_a_job_of_which_all_failed_is_an_error_that_gives_each_reason_once(alice: User, song: AudioFile) -> None:
    finish(song.job, JobStatus.ERROR, error="There is no sound in this file.")

    assert song.status is JobStatus.ERROR
    assert [(note.kind, note.text) for note in told(alice)] == [(Kind.ERROR, "There is no sound in this file.")]


def test_a_rendition_can_be_had_as_soon_as_it_is_whole(alice: User, song: AudioFile) -> None:
    finish(song.job, JobStatus.COMPLETE, "flac")

    assert [ready.preset_name for ready in song.ready] == ["flac"]
    assert told(alice) == []


def test_news_that_comes_twice_counts_once(alice: User, song: AudioFile) -> None:
    finish(song.job)

    assert not jobs.record(JobEvent(song.job.id, JobStatus.COMPLETE, "wav", output=OUTPUT))
    assert not jobs.record(JobEvent(song.job.id, JobStatus.COMPLETE))
    assert not jobs.record(JobEvent(song.job.id, JobStatus.ERROR, error="late"))

    assert len(told(alice)) == 1
    assert song.status is JobStatus.COMPLETE


NEWS = ("submitted", "progressing", "complete")


@pytest.mark.parametrize("order", [*itertools.permutations(NEWS), *itertools.product(NEWS, repeat=2)])
def test_news_in_any_order_leads_to_the_same_end(alice: User, song: AudioFile, order: tuple[str, ...]) -> None:
    for status in (*order, "complete"):
        jobs.record(JobEvent(song.job.id, JobStatus(status)))

    assert song.status is JobStatus.COMPLETE
    assert len(told(alice)) == 1


def test_a_final_status_is_never_left(alice: User, song: AudioFile) -> None:
    jobs.cancel(alice, song.id)

    for status in JobStatus:
        jobs.record(JobEvent(song.job.id, status))
        jobs.record(JobEvent(song.job.id, status, "wav", percent=50.0))

    assert song.status is JobStatus.CANCELED
    assert rendition(song, "wav").status is JobStatus.CANCELED
    assert told(alice) == []


def test_news_of_a_try_that_is_over_is_not_believed(song: AudioFile) -> None:
    assert not jobs.record(JobEvent(song.job.id, JobStatus.COMPLETE, "wav", output=OUTPUT, token="of the dead"))

    assert rendition(song, "wav").status is JobStatus.CREATED


def test_news_of_an_unknown_job_is_no_news(app: Flask) -> None:
    assert not jobs.record(JobEvent(uuid.uuid4(), JobStatus.COMPLETE))


def test_progress_never_falls(song: AudioFile) -> None:
    for percent in (10.0, 60.0, 30.0, 0.0):
        jobs.record(JobEvent(song.job.id, JobStatus.PROGRESSING, "wav", percent=percent))

    assert rendition(song, "wav").percent == 60.0
    assert song.progress == 20


def test_the_transcoder_is_asked_after_the_commit(alice: User, song: AudioFile, transcoder: FakeTranscoder) -> None:
    seen = []
    another = sa.create_engine(db.engine.url)

    def look(spec: object) -> None:
        with another.connect() as connection:
            seen.append(connection.execute(sa.select(sa.func.count()).select_from(TranscodeJob)).scalar())

    transcoder.submit = look  # type: ignore[method-assign]
    finish(song.job, JobStatus.ERROR, error="no")

    jobs.retry(alice, song.id)

    another.dispose()
    assert seen == [2]
    assert song.status is JobStatus.SUBMITTED


def test_a_job_that_nobody_accepts_waits(alice: User, song: AudioFile, transcoder: FakeTranscoder) -> None:
    transcoder.is_down = True
    finish(song.job, JobStatus.ERROR, error="no")

    jobs.retry(alice, song.id)

    assert song.status is JobStatus.CREATED


def test_a_retry_makes_only_what_failed_and_takes_the_alert_away(
    alice: User, song: AudioFile, transcoder: FakeTranscoder
) -> None:
    finish(song.job, JobStatus.COMPLETE, "wav", "flac")
    finish(song.job, JobStatus.ERROR, "mp4", error="no")

    jobs.retry(alice, song.id)

    assert song.job.attempt == 2
    assert song.job.preset_names == ["mp4"]
    assert list(transcoder.submitted[-1].outputs) == ["mp4"]
    assert standing(alice) == []
    finish(song.job)
    assert [note.kind for note in standing(alice)] == [Kind.COMPLETE]


def test_two_retries_at_once_make_one_attempt(app: Flask, alice: User, song: AudioFile) -> None:
    finish(song.job, JobStatus.ERROR, error="no")
    start = threading.Barrier(4)
    user_id, file_id = alice.id, song.id
    db.session.rollback()

    def retry() -> None:
        with app.app_context():
            start.wait()
            jobs.retry(db.session.get_one(User, user_id), file_id)

    threads = [threading.Thread(target=retry) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(library.find(alice, file_id).jobs) == 2


def test_a_retry_of_what_is_ready_does_nothing(alice: User, song: AudioFile) -> None:
    finish(song.job)

    jobs.retry(alice, song.id)

    assert song.job.attempt == 1


def test_more_formats_of_a_file_that_is_here(alice: User, song: AudioFile) -> None:
    finish(song.job)

    jobs.more(alice, song.id, ("wav", "opus-64"))

    assert song.job.preset_names == ["opus-64"]
    assert [each.preset_name for each in song.in_order] == ["wav", "flac", "mp4", "opus-64"]


def test_cancel_keeps_what_is_ready_and_tells_nobody(alice: User, song: AudioFile, transcoder: FakeTranscoder) -> None:
    finish(song.job, JobStatus.COMPLETE, "wav")

    jobs.cancel(alice, song.id)
    jobs.cancel(alice, song.id)

    assert song.status is JobStatus.CANCELED
    assert [ready.preset_name for ready in song.ready] == ["wav"]
    assert transcoder.canceled == [None]
    assert told(alice) == []


def test_what_was_canceled_can_be_retried(alice: User, song: AudioFile) -> None:
    jobs.cancel(alice, song.id)

    jobs.retry(alice, song.id)

    assert song.status is JobStatus.SUBMITTED
    assert song.job.preset_names == ["wav", "flac", "mp4"]


def test_one_rendition_less(alice: User, song: AudioFile, storage: MemoryStorage) -> None:
    finish(song.job)
    key = rendition(song, "wav").key
    storage.put(key, [b"sound"])

    jobs.discard(alice, song.id, "wav")
    jobs.discard(alice, song.id, "wav")

    assert [each.preset_name for each in song.in_order] == ["flac", "mp4"]
    assert key not in storage.objects


def test_discarding_the_last_that_is_being_made_ends_the_job(alice: User, song: AudioFile) -> None:
    finish(song.job, JobStatus.COMPLETE, "wav", "flac")

    jobs.discard(alice, song.id, "mp4")

    assert song.status is JobStatus.COMPLETE
    assert len(told(alice)) == 1


def test_discarding_all_that_is_being_made_outside_stops_it_there(
    alice: User, song: AudioFile, transcoder: FakeTranscoder
) -> None:
    transcoder.external_id = "1671476818694-phptj0"
    jobs.submit(song.job.id)

    jobs.discard(alice, song.id, "wav")
    jobs.discard(alice, song.id, "flac")
    assert transcoder.canceled == []
    jobs.discard(alice, song.id, "mp4")

    assert song.status is JobStatus.CANCELED
    assert transcoder.canceled == ["1671476818694-phptj0"]


def test_discarding_what_was_stopped_does_not_stop_it_again(
    alice: User, song: AudioFile, transcoder: FakeTranscoder
) -> None:
    transcoder.external_id = "1671476818694-phptj0"
    jobs.submit(song.job.id)
    jobs.cancel(alice, song.id)

    jobs.discard(alice, song.id, "wav")

    assert transcoder.canceled == ["1671476818694-phptj0"]


def test_asking_for_another_format_leaves_the_alert_of_what_failed(alice: User, song: AudioFile) -> None:
    finish(song.job, JobStatus.ERROR, "mp4", error="no")
    finish(song.job, JobStatus.COMPLETE, "wav", "flac")

    jobs.more(alice, song.id, ("opus-64",))
    assert [note.kind for note in standing(alice)] == [Kind.PARTIAL]

    jobs.discard(alice, song.id, "mp4")
    assert standing(alice) == []


@pytest.mark.parametrize("deed", [jobs.retry, jobs.cancel])
def test_nobody_does_anything_to_anothers_file(bob: User, song: AudioFile, deed: object) -> None:
    with pytest.raises(NotFound):
        deed(bob, song.id)  # type: ignore[operator]


def test_a_change_moves_its_owners_version_and_nobody_elses(alice: User, bob: User, song: AudioFile) -> None:
    before = (alice.version, bob.version)

    jobs.record(JobEvent(song.job.id, JobStatus.PROGRESSING, "wav", percent=1.0))

    assert alice.version > before[0]
    assert song.version == alice.version
    assert bob.version == before[1]


def test_what_was_seen_and_dismissed_comes_back_only_if_restored(alice: User, song: AudioFile) -> None:
    finish(song.job)
    note = told(alice)[0]

    notifications.see(alice, song.id)
    notifications.dismiss(alice, [note.id])
    assert standing(alice) == []
    notifications.restore(alice, [note.id])

    assert [each.id for each in standing(alice)] == [note.id]


def test_nobody_dismisses_anothers_notification(alice: User, bob: User) -> None:
    file = AudioFileFactory(owner=alice)
    finish(file.job)

    with pytest.raises(NotFound):
        notifications.dismiss(bob, [told(alice)[0].id])

    assert len(standing(alice)) == 1


def test_a_job_that_the_transcoder_never_takes_fails_with_its_reason(
    alice: User, song: AudioFile, transcoder: FakeTranscoder
) -> None:
    transcoder.refusal = TranscoderRefused(detail="BadRequestException: no such queue")

    jobs.submit(song.job.id)

    assert song.status is JobStatus.ERROR
    assert [note.text for note in told(alice)] == ["The converter did not accept this file."]
    assert {each.detail for each in song.renditions} == {"BadRequestException: no such queue"}


def test_a_job_outside_is_known_by_its_number_and_tells_no_percentage(
    song: AudioFile, transcoder: FakeTranscoder
) -> None:
    transcoder.external_id = "1671476818694-phptj0"

    jobs.submit(song.job.id)
    assert (song.job.external_id, song.status, song.job.elapsed) == ("1671476818694-phptj0", JobStatus.SUBMITTED, None)

    jobs.record(JobEvent(song.job.id, JobStatus.PROGRESSING))
    assert {each.status for each in song.renditions} == {JobStatus.PROGRESSING}
    assert song.progress is None
    assert song.job.elapsed is not None


def test_a_job_that_is_canceled_while_it_is_handed_out_is_stopped_there(
    alice: User, song: AudioFile, transcoder: FakeTranscoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancel = transcoder.cancel
    was_open: list[bool] = []

    def submit(spec: JobSpec) -> str:
        jobs.cancel(alice, song.id)
        return "1671476818694-phptj0"

    def noted(external_id: str | None) -> None:
        was_open.append(db.session().in_transaction())
        cancel(external_id)

    monkeypatch.setattr(transcoder, "submit", submit)
    monkeypatch.setattr(transcoder, "cancel", noted)

    assert jobs.submit(song.job.id)

    assert song.status is JobStatus.CANCELED
    assert transcoder.canceled == [None, "1671476818694-phptj0"]
    assert was_open == [False, False]

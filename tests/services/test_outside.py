"""What a transcoder outside says of its jobs, in every order, doubled, late or not at all."""

import itertools
import uuid
from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.factories import AudioFileFactory, finish, rendition, standing, told
from tests.fakes import FakeTranscoder, MemoryStorage
from webapp.db import db, utcnow, writing
from webapp.errors import StorageUnavailable, TranscoderUnavailable
from webapp.models import AudioFile, Kind, Rendition, TranscodeJob, User
from webapp.news import Flaw, JobStatus, Report, Result
from webapp.services import claims, jobs, library, outside, sweeps

ID = "1671476818694-phptj0"
ELASTIC_ID = "elastic:1481321574999-ab12cd"
CREATED, SUBMITTED, PROGRESSING = JobStatus.CREATED, JobStatus.SUBMITTED, JobStatus.PROGRESSING
COMPLETE, ERROR, CANCELED = JobStatus.COMPLETE, JobStatus.ERROR, JobStatus.CANCELED
UPDATE = "update"


@pytest.fixture(autouse=True)
def elsewhere(transcoder: FakeTranscoder) -> FakeTranscoder:
    transcoder.is_ours = False
    transcoder.external_id = ID
    return transcoder


@pytest.fixture
def job(song: AudioFile) -> TranscodeJob:
    """Alice's, as MediaConvert has accepted it."""
    jobs.submit(song.job.id)
    return song.job


@pytest.fixture
def key(alice: User, storage: MemoryStorage) -> str:
    """A sound that came without us."""
    name = f"media/{alice.id}/song.wav"
    storage.objects[name] = b"sound"
    return name


def all_jobs() -> list[TranscodeJob]:
    db.session.rollback()
    found = list(db.session.scalars(sa.select(TranscodeJob)))
    for each in found:
        db.session.refresh(each)
    return found


def keep_all(storage: MemoryStorage, job: TranscodeJob) -> None:
    for each in db.session.scalars(sa.select(Rendition).where(Rendition.job_id == job.id)):
        storage.objects[each.key] = b"x" * 1000


def report(status: JobStatus | str, job: TranscodeJob | None = None, **more: object) -> Report:
    """Of the job, by our number; without one, of what MediaConvert calls ID."""
    given: dict[str, object] = {"external_id": ID, "status": status, "job_id": job and job.id}
    if status == UPDATE:
        given |= {"status": PROGRESSING, "stage": "transcoding"}
    if status is ERROR:
        given |= {"error": "There is no sound in this file.", "detail": "1021 no audio"}
    return Report(**given | more)  # type: ignore[arg-type]


def silent_for(**ago: float) -> None:
    """Nothing was heard of any job for so long, and none is younger."""
    then = utcnow() - timedelta(**ago)
    with writing():
        db.session.execute(sa.update(TranscodeJob).values(heard_at=then, created_at=then))


def fresh(job: TranscodeJob) -> TranscodeJob:
    db.session.rollback()
    return db.session.get_one(TranscodeJob, job.id, populate_existing=True)


ENDINGS = (COMPLETE, ERROR)
SEQUENCES = [
    order
    for end in ENDINGS
    for news in ([PROGRESSING, UPDATE, end], [PROGRESSING, UPDATE, end, end], [PROGRESSING, PROGRESSING, UPDATE, end])
    for order in dict.fromkeys(itertools.permutations(news))
] + [order for end in ENDINGS for order in itertools.permutations([PROGRESSING, UPDATE, UPDATE, end, end], 5)][::24]


def name_of(order: tuple[str, ...]) -> str:
    return "-".join(order)


@pytest.mark.parametrize("order", dict.fromkeys(SEQUENCES), ids=name_of)
def test_sec_S8_in_any_order_and_doubled_it_ends_once_and_rightly(
    order: tuple[JobStatus, ...], alice: User, job: TranscodeJob, storage: MemoryStorage
) -> None:
    keep_all(storage, job)
    end = COMPLETE if COMPLETE in order else ERROR
    ended = False

    for status in order:
        outside.hear(report(status, job))
        ended = ended or status is end
        assert fresh(job).status is (end if ended else PROGRESSING)

    assert [note.kind for note in told(alice)] == [Kind.COMPLETE if end is COMPLETE else Kind.ERROR]
    assert len(standing(alice)) == 1


def test_sec_S8_there_are_many_orders() -> None:
    assert len(dict.fromkeys(SEQUENCES)) >= 60


@pytest.mark.parametrize("end", [COMPLETE, ERROR])
def test_sec_S9_when_every_message_is_lost_it_is_asked_for(
    end: JobStatus, alice: User, job: TranscodeJob, storage: MemoryStorage, transcoder: FakeTranscoder
) -> None:
    keep_all(storage, job)
    transcoder.says[ID] = report(PROGRESSING, job)
    silent_for(seconds=30)
    sweep()
    assert fresh(job).status is PROGRESSING
    transcoder.says[ID] = report(end, job)

    silent_for(seconds=30)
    sweep()

    assert fresh(job).status is end
    assert len(told(alice)) == 1
    for late in (PROGRESSING, UPDATE, COMPLETE, ERROR, CANCELED):
        assert not outside.hear(report(late, job))
    assert fresh(job).status is end
    assert len(told(alice)) == 1
    silent_for(seconds=30)
    sweep()
    assert transcoder.asked == [ID, ID]


def sweep() -> None:
    """A round of the sweep, as if the last one was long ago."""
    with writing():
        db.session.execute(sa.text("DELETE FROM chores"))
    assert sweeps.sweep_if_due(lambda count: None)


def test_what_is_ready_is_measured(song: AudioFile, job: TranscodeJob, storage: MemoryStorage) -> None:
    keep_all(storage, job)
    key = rendition(song, "flac").key

    assert outside.hear(report(COMPLETE, job, results={key: Result(COMPLETE, 4.0)}))

    assert (rendition(song, "flac").size, rendition(song, "flac").seconds) == (1000, 4.0)
    assert rendition(song, "flac").bit_rate == 2000
    assert rendition(song, "wav").seconds == song.seconds


def test_a_job_is_found_by_either_number(song: AudioFile, job: TranscodeJob) -> None:
    assert outside.hear(report(PROGRESSING))

    assert song.job.status is PROGRESSING


def test_news_may_come_before_we_know_the_number_outside(song: AudioFile) -> None:
    assert outside.hear(report(PROGRESSING, song.job))

    assert fresh(song.job).external_id == ID
    assert fresh(song.job).heard_at


def test_a_twin_of_the_job_is_not_listened_to(job: TranscodeJob) -> None:
    """A request that was answered too late for us to hear it has made another job with our number."""
    assert not outside.hear(report(ERROR, job, external_id="1671476818694-twin00"))

    assert fresh(job).status is SUBMITTED


@pytest.mark.parametrize("status", [PROGRESSING, COMPLETE, ERROR, CANCELED])
def test_sec_S10_news_of_an_unknown_job_has_no_effect(
    status: JobStatus, job: TranscodeJob, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")

    assert not outside.hear(Report("1-unknown", status))
    assert not outside.hear(Report("1-unknown", status, job_id=uuid.uuid4()))

    assert fresh(job).status is SUBMITTED
    assert caplog.text.count("none of ours") == 2


def test_what_is_said_to_be_ready_but_is_not_there_failed_in_words(
    alice: User, song: AudioFile, job: TranscodeJob, storage: MemoryStorage
) -> None:
    keep_all(storage, job)
    del storage.objects[rendition(song, "wav").key]

    outside.hear(report(COMPLETE, job))

    assert fresh(job).status is JobStatus.PARTIAL
    assert "not in the storage" in rendition(song, "wav").error
    assert [note.kind for note in told(alice)] == [Kind.PARTIAL]


def test_what_the_transcoder_does_not_make_is_told_so(alice: User, transcoder: FakeTranscoder) -> None:
    transcoder.makes = ("wav",)
    file = AudioFileFactory(owner=alice, presets=("alac",))

    outside.hear(report(COMPLETE, file.job))

    assert "does not make" in rendition(file, "alac").error


def test_a_storage_that_is_down_lets_the_news_come_again(job: TranscodeJob, storage: MemoryStorage) -> None:
    keep_all(storage, job)
    storage.is_down = True
    with pytest.raises(StorageUnavailable):
        outside.hear(report(COMPLETE, job))
    assert fresh(job).status is SUBMITTED

    storage.is_down = False

    assert outside.hear(report(COMPLETE, job))


def test_no_transaction_is_open_while_the_storage_is_asked(
    job: TranscodeJob, storage: MemoryStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []

    def size(key: str) -> int:
        seen.append(db.session().in_transaction())
        return 7

    monkeypatch.setattr(storage, "size", size)

    outside.gather(report(COMPLETE, job))

    assert seen == [False] * 3
    assert not db.session().in_transaction()
    outside.gather(Report("1-unknown", COMPLETE, source="media/7/a.wav"))
    assert not db.session().in_transaction()


def test_a_failure_is_told_in_the_users_words(alice: User, song: AudioFile, job: TranscodeJob) -> None:
    outside.hear(report(ERROR, job))

    assert [note.text for note in told(alice)] == ["There is no sound in this file."]
    assert rendition(song, "wav").detail == "1021 no audio"


def test_a_job_of_which_a_part_failed_is_told_by_its_parts(
    alice: User, song: AudioFile, job: TranscodeJob, storage: MemoryStorage
) -> None:
    keep_all(storage, job)
    results = {
        rendition(song, "wav").key: Result(COMPLETE, 10.0),
        rendition(song, "flac").key: Result(ERROR, error="Too large."),
    }

    outside.hear(report(ERROR, job, results=results))

    assert [rendition(song, name).status for name in ("wav", "flac", "mp4")] == [COMPLETE, ERROR, ERROR]
    assert rendition(song, "flac").error == "Too large."
    assert rendition(song, "mp4").error == "There is no sound in this file."
    assert [note.kind for note in told(alice)] == [Kind.PARTIAL]


def test_what_is_canceled_outside_is_canceled_and_nobody_told(alice: User, job: TranscodeJob) -> None:
    outside.hear(report(CANCELED, job))

    assert fresh(job).status is CANCELED
    assert told(alice) == []


def test_what_it_does_is_shown_and_never_goes_back(alice: User, job: TranscodeJob) -> None:
    seen = []
    for stage in ("probing", "uploading", "transcoding", "uploading", "", "dancing"):
        before = alice.version
        is_news = outside.hear(report(PROGRESSING, job, stage=stage))
        seen.append((fresh(job).stage, is_news, alice.version > before))

    assert seen == [
        ("probing", True, True),
        ("uploading", True, True),
        ("uploading", False, False),
        ("uploading", False, False),
        ("uploading", False, False),
        ("uploading", False, False),
    ]


def test_who_was_heard_lately_is_not_asked(job: TranscodeJob, transcoder: FakeTranscoder) -> None:
    assert outside.ask_outside() == 0

    assert transcoder.asked == []


def test_a_job_that_aws_has_forgotten_fails_in_words(alice: User, job: TranscodeJob) -> None:
    silent_for(minutes=1)

    assert outside.ask_outside() == 1

    assert fresh(job).status is ERROR
    assert "no longer knows" in told(alice)[0].text


def test_a_transcoder_that_does_not_answer_is_asked_in_the_next_round(
    job: TranscodeJob, transcoder: FakeTranscoder
) -> None:
    transcoder.is_down = True
    silent_for(minutes=1)
    assert outside.ask_outside() == 0
    assert fresh(job).status is SUBMITTED
    transcoder.is_down = False
    transcoder.says[ID] = report(PROGRESSING, job)

    silent_for(minutes=1)

    assert outside.ask_outside() == 1


def test_one_job_that_makes_trouble_does_not_stand_before_the_others(
    alice: User, storage: MemoryStorage, transcoder: FakeTranscoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outside, "MOST_ASKED", 1)
    found = [AudioFileFactory(owner=alice).job for _ in range(2)]
    for number, each in enumerate(found):
        transcoder.external_id = str(number)
        jobs.submit(each.id)
        transcoder.says[str(number)] = Report(str(number), PROGRESSING, job_id=each.id)
        with writing():
            fresh(each).heard_at = utcnow() - timedelta(minutes=5 - number)
    transcoder.is_down = True
    outside.ask_outside()
    transcoder.is_down = False

    outside.ask_outside()

    assert [fresh(each).status for each in found] == [SUBMITTED, PROGRESSING]


def test_what_was_left_to_our_workers_is_submitted_when_the_settings_name_another(
    song: AudioFile, transcoder: FakeTranscoder
) -> None:
    transcoder.is_ours, transcoder.external_id = True, None
    jobs.submit(song.job.id)
    transcoder.is_ours, transcoder.external_id = False, ID
    silent_for(minutes=1)

    outside.ask_outside()
    outside.ask_outside()

    assert len(transcoder.submitted) == 2
    assert fresh(song.job).external_id == ID


def test_what_a_worker_is_still_doing_is_left_to_it(song: AudioFile, transcoder: FakeTranscoder) -> None:
    transcoder.is_ours, transcoder.external_id = True, None
    jobs.submit(song.job.id)
    with writing():
        db.session.execute(sa.text("UPDATE waveforms SET status = 'complete'"))
    assert claims.take()
    transcoder.is_ours = False
    silent_for(minutes=1)

    outside.ask_outside()

    assert len(transcoder.submitted) == 1


def test_what_is_not_done_outside_is_done_by_us_when_the_settings_say_so(
    song: AudioFile, job: TranscodeJob, transcoder: FakeTranscoder
) -> None:
    outside.hear(report(UPDATE, job))
    transcoder.is_ours = True
    silent_for(minutes=50)
    assert outside.ask_outside() == 0  # its news may still come
    silent_for(minutes=121)

    assert outside.ask_outside() == 1

    assert (fresh(job).external_id, fresh(job).stage) == (None, None)
    assert rendition(song, "wav").status is SUBMITTED
    assert claims.take() is not None
    assert transcoder.asked == []


def test_a_job_of_elastic_transcoder_is_not_asked_for(key: str, transcoder: FakeTranscoder) -> None:
    outside.hear(Report(ELASTIC_ID, PROGRESSING, source=key))
    transcoder.asked.clear()
    silent_for(minutes=50)

    assert outside.ask_outside() == 0

    assert transcoder.asked == []
    assert [job.status for job in all_jobs()] == [PROGRESSING]
    assert outside.hear(Report(ELASTIC_ID, ERROR, source=key, error="No."))
    assert [job.status for job in all_jobs()] == [ERROR]


def test_a_job_of_elastic_transcoder_of_which_nothing_is_heard_is_begun_anew(
    key: str, transcoder: FakeTranscoder
) -> None:
    outside.hear(Report(ELASTIC_ID, PROGRESSING, source=key))
    silent_for(minutes=121)

    outside.ask_outside()
    outside.ask_outside()

    assert [spec.source for spec in transcoder.submitted] == [key]
    assert [job.external_id for job in all_jobs()] == [ID]


def test_a_retry_is_a_job_of_its_own(alice: User, song: AudioFile, job: TranscodeJob, storage: MemoryStorage) -> None:
    outside.hear(report(ERROR, job))
    keep_all(storage, job)
    jobs.retry(alice, song.id)

    assert not outside.hear(report(COMPLETE, job))

    assert rendition(song, "wav").status is CREATED


def test_a_file_that_is_deleted_meanwhile_is_no_error(alice: User, song: AudioFile, job: TranscodeJob) -> None:
    said = report(COMPLETE, job)
    events = outside.gather(said)
    library.delete(alice, song.id)

    with writing():
        assert not outside.apply(said, events)


def test_a_job_that_has_ended_is_not_looked_at(job: TranscodeJob, storage: MemoryStorage) -> None:
    finish(job)
    storage.is_down = True

    assert outside.gather(report(COMPLETE, job)) == []


def test_a_broker_that_is_down_does_not_keep_us_from_asking(job: TranscodeJob, transcoder: FakeTranscoder) -> None:
    def wake(count: int) -> None:
        raise TranscoderUnavailable

    silent_for(minutes=1)
    assert sweeps.sweep_if_due(wake)

    assert transcoder.asked == [ID]


# Without the look at the length in `_ending` of webapp/services/outside.py it is ready without a mark.
@pytest.mark.parametrize(("seconds", "flaw"), [(10.0, None), (9.6, None), (9.0, Flaw.INCOMPLETE)])
def test_sec_M7_what_was_made_outside_and_is_short_is_marked(
    alice: User, song: AudioFile, job: TranscodeJob, storage: MemoryStorage, seconds: float, flaw: Flaw | None
) -> None:
    keep_all(storage, job)
    results = {each.key: Result(COMPLETE, seconds) for each in song.renditions}

    assert outside.hear(report(COMPLETE, job, results=results))

    assert {each.flaw for each in db.session.scalars(sa.select(Rendition))} == {flaw}
    assert [note.flaw for note in told(alice)] == [flaw]

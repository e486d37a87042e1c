"""What Amazon SNS brings: each message counts once, and nobody is subscribed to what nobody expects."""

import itertools
import json
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import OperationalError

from tests.doubles.sns import TOPIC, Envelope, FakeSns, packed
from tests.factories import AudioFileFactory, told
from tests.fakes import MemoryStorage
from webapp.adapters.sns.topics import SnsTopics
from webapp.config import Config
from webapp.db import db, utcnow, writing
from webapp.errors import Forbidden, Refused, StorageUnavailable, Unavailable
from webapp.models import AudioFile, SnsMessage, SnsTopic, TranscodeJob, User
from webapp.news import JobStatus, Message
from webapp.services import sns

ACCOUNT = TOPIC.split(":")[4]
OTHER_TOPIC = f"{TOPIC}-2"


class Listening(SnsTopics):
    """The real ones, but of a confirmation it is only noted that it was asked for. `is_down`: that fails."""

    def __init__(self, fake: FakeSns) -> None:
        super().__init__([TOPIC, OTHER_TOPIC], cert_dir=None, clock=utcnow, fetch=fake.fetch)
        self.confirmed: list[str] = []
        self.is_down = False

    def confirm(self, message: Message) -> None:
        if self.is_down:
            raise Unavailable
        self.confirmed.append(message.token)


@pytest.fixture
def config(config: Config) -> Config:
    return replace(config, sns_topic_arn=f"{TOPIC},{OTHER_TOPIC}")


@pytest.fixture
def amazon() -> FakeSns:
    return FakeSns()


@pytest.fixture
def topics(app: Flask, amazon: FakeSns) -> Listening:
    app.extensions["topics"] = Listening(amazon)
    found: Listening = app.extensions["topics"]
    return found


@pytest.fixture
def song(alice: User, storage: MemoryStorage) -> AudioFile:
    """A file of Alice's that MediaConvert has made all renditions of, though we do not know that yet."""
    return made_outside(alice, storage)


def made_outside(owner: User, storage: MemoryStorage) -> AudioFile:
    file = AudioFileFactory(owner=owner)
    for each in file.renditions:
        storage.put(each.key, [b"sound"])
    return file


def event(job: TranscodeJob | uuid.UUID, status: str = "COMPLETE", *, account: str = ACCOUNT, **more: Any) -> str:
    """MediaConvert's news of the job, as EventBridge gives it to the topic."""
    job_id = job if isinstance(job, uuid.UUID) else job.id
    detail = {
        "timestamp": 1671476832124,
        "accountId": account,
        "queue": f"arn:aws:mediaconvert:eu-west-1:{account}:queues/Default",
        "jobId": f"1671476818694-{str(job_id)[:6]}",
        "status": status,
        "userMetadata": {"job": str(job_id)},
        **more,
    }
    return json.dumps({
        "version": "0", "id": str(uuid.uuid4()), "detail-type": "MediaConvert Job State Change",
        "source": "aws.mediaconvert", "account": account, "time": "2026-12-19T19:07:12Z", "region": "eu-west-1",
        "resources": [], "detail": detail,
    })  # fmt: skip


def receive(envelope: Envelope) -> str:
    return sns.receive(*packed(envelope))


def fresh(job: TranscodeJob) -> TranscodeJob:
    """As the database has it now."""
    db.session.rollback()
    return db.session.get_one(TranscodeJob, job.id, populate_existing=True)


# News


def test_a_message_ends_a_job(topics: Listening, amazon: FakeSns, song: AudioFile, alice: User) -> None:
    assert receive(amazon.envelope(Message=event(song.job))) == "applied"

    assert fresh(song.job).status is JobStatus.COMPLETE
    assert len(told(alice)) == 1


def test_sec_S7_a_message_that_comes_a_hundred_times_counts_once(
    topics: Listening, amazon: FakeSns, song: AudioFile, alice: User
) -> None:
    sent = amazon.envelope(Message=event(song.job))

    words = [receive(sent) for _ in range(100)]

    assert words == ["applied", *["repeated"] * 99]
    assert len(told(alice)) == 1


def test_sec_S7_twenty_at_once_count_once(
    app: Flask, topics: Listening, amazon: FakeSns, song: AudioFile, alice: User
) -> None:
    posted = packed(amazon.envelope(Message=event(song.job)))
    all_here = threading.Barrier(20)

    def post(_: int) -> str:
        with app.app_context():
            all_here.wait(20)
            return sns.receive(*posted)

    with ThreadPoolExecutor(20) as pool:
        words = list(pool.map(post, range(20)))

    assert sorted(words) == ["applied", *["repeated"] * 19]
    assert fresh(song.job).status is JobStatus.COMPLETE
    assert len(told(alice)) == 1


def test_sec_S7_the_same_news_in_another_message_is_no_news(
    topics: Listening, amazon: FakeSns, song: AudioFile, alice: User
) -> None:
    text = event(song.job)

    assert [receive(amazon.envelope(Message=text)) for _ in range(3)] == ["applied", "ignored", "ignored"]
    assert len(told(alice)) == 1


def orders(ending: str) -> Iterator[tuple[str, ...]]:
    """All orders of the three kinds of news, each of them once or twice."""
    for doubled in ((), ("PROGRESSING",), ("STATUS_UPDATE",), (ending,), ("PROGRESSING", "STATUS_UPDATE", ending)):
        yield from set(itertools.permutations(("PROGRESSING", "STATUS_UPDATE", ending, *doubled)))


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("ending", "status"), [("COMPLETE", JobStatus.COMPLETE), ("ERROR", JobStatus.ERROR)])
def test_sec_S8_whatever_order_news_comes_in_the_end_is_the_same(
    topics: Listening, amazon: FakeSns, alice: User, storage: MemoryStorage, ending: str, status: JobStatus
) -> None:
    sequences = list(orders(ending))
    assert len(sequences) >= 60

    for sequence in sequences:
        job = made_outside(alice, storage).job
        has_ended = False
        for kind in sequence:
            receive(amazon.envelope(Message=event(job, kind, errorCode=1010)))
            has_ended = has_ended or kind == ending
            assert fresh(job).status.is_final == has_ended
        assert (fresh(job).status, sequence) == (status, sequence)
    assert len(told(alice)) == len(sequences)


@pytest.mark.parametrize("text", ["", "words", "[]", "{}", '{"source": "aws.ec2"}', "[" * 100_000, '{"state": 1}'])
def test_sec_S10_what_tells_of_no_job_is_ignored(topics: Listening, amazon: FakeSns, text: str) -> None:
    assert receive(amazon.envelope(Message=text)) == "ignored"


def test_sec_S10_an_unknown_job_is_ignored(topics: Listening, amazon: FakeSns, song: AudioFile) -> None:
    assert receive(amazon.envelope(Message=event(uuid.uuid4()))) == "ignored"
    assert fresh(song.job).status is JobStatus.CREATED


def test_sec_S10_a_job_of_another_account_is_ignored(
    topics: Listening, amazon: FakeSns, song: AudioFile, alice: User, caplog: pytest.LogCaptureFixture
) -> None:
    assert receive(amazon.envelope(Message=event(song.job, account="999988887777"))) == "ignored"

    assert fresh(song.job).status is JobStatus.CREATED
    assert told(alice) == []
    assert "another account" in caplog.text


@pytest.fixture
def locked(app: Flask, alice: User, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Somebody else writes what is Alice's, until this is called."""
    monkeypatch.setattr(sns, "PATIENCE_SECONDS", 1)
    db.session.rollback()
    with db.engine.connect().execution_options(writing=20) as connection:
        connection.execute(sa.update(User).values(version=User.version + 1))
        yield connection.rollback


@pytest.mark.timeout(15)  # Amazon does not wait longer
def test_sec_S10_a_message_that_finds_the_database_locked_counts_when_it_comes_again(
    topics: Listening, amazon: FakeSns, song: AudioFile, alice: User, locked: Callable[[], None]
) -> None:
    sent = amazon.envelope(Message=event(song.job))
    with pytest.raises(OperationalError):
        receive(sent)
    locked()

    assert receive(sent) == "applied"
    assert len(told(alice)) == 1


def test_sec_S10_a_message_that_finds_the_storage_gone_counts_when_it_comes_again(
    topics: Listening, amazon: FakeSns, song: AudioFile, alice: User, storage: MemoryStorage
) -> None:
    sent = amazon.envelope(Message=event(song.job))
    storage.is_down = True
    with pytest.raises(StorageUnavailable):
        receive(sent)
    storage.is_down = False

    assert receive(sent) == "applied"
    assert len(told(alice)) == 1


def test_messages_are_forgotten_when_they_would_be_refused_for_their_age(app: Flask) -> None:
    with writing():
        for name, age in (("old", timedelta(days=3)), ("new", timedelta(days=1))):
            db.session.add(SnsMessage(id=name, received_at=utcnow() - age))

    sns.forget_old()

    assert list(db.session.scalars(sa.select(SnsMessage.id))) == ["new"]


# Subscriptions


def asks(amazon: FakeSns, topic: str = TOPIC) -> Envelope:
    return amazon.envelope("SubscriptionConfirmation", TopicArn=topic)


def test_sec_S11_the_first_subscription_to_a_topic_is_expected_and_no_other(topics: Listening, amazon: FakeSns) -> None:
    first, second = asks(amazon), asks(amazon)

    assert [receive(first), receive(first), receive(second)] == ["confirmed", "ignored", "ignored"]
    assert topics.confirmed == [first["Token"]]
    assert receive(asks(amazon, OTHER_TOPIC)) == "confirmed"


def test_sec_S11_another_can_be_let_in_once(topics: Listening, amazon: FakeSns) -> None:
    receive(asks(amazon))

    sns.expect(TOPIC)

    assert [receive(asks(amazon)), receive(asks(amazon))] == ["confirmed", "ignored"]


def test_sec_S11_what_was_expected_is_not_for_ever(topics: Listening, amazon: FakeSns) -> None:
    receive(asks(amazon))
    sns.expect(TOPIC)
    with writing():
        db.session.get_one(SnsTopic, TOPIC).expected_until = utcnow() - timedelta(seconds=1)

    assert receive(asks(amazon)) == "ignored"


def test_sec_S11_a_topic_that_was_never_confirmed_is_expected_however_late(topics: Listening, amazon: FakeSns) -> None:
    sns.expect(TOPIC)
    with writing():
        db.session.get_one(SnsTopic, TOPIC).expected_until = utcnow() - timedelta(seconds=1)

    assert receive(asks(amazon)) == "confirmed"


def test_sec_S11_a_topic_that_is_not_listed_is_neither_confirmed_nor_expected(
    topics: Listening, amazon: FakeSns
) -> None:
    with pytest.raises(Forbidden):
        receive(asks(amazon, f"{TOPIC}-3"))
    with pytest.raises(Refused):
        sns.expect(f"{TOPIC}-3")

    assert topics.confirmed == []
    assert db.session.scalars(sa.select(SnsTopic)).all() == []


def test_sec_S11_what_could_not_be_confirmed_is_still_expected(topics: Listening, amazon: FakeSns) -> None:
    sent = asks(amazon)
    topics.is_down = True
    with pytest.raises(Unavailable):
        receive(sent)
    topics.is_down = False

    assert receive(sent) == "confirmed"


def test_sec_S11_the_end_of_a_subscription_is_logged_and_nothing_else(
    topics: Listening, amazon: FakeSns, caplog: pytest.LogCaptureFixture
) -> None:
    sns.expect(TOPIC)

    assert receive(amazon.envelope("UnsubscribeConfirmation")) == "ignored"

    assert topics.confirmed == []
    assert "has been ended" in caplog.text


def test_sec_S11_two_handshakes_at_once_are_no_error(app: Flask, topics: Listening, amazon: FakeSns) -> None:
    posted = [packed(asks(amazon)) for _ in range(4)]
    all_here = threading.Barrier(4)

    def post(number: int) -> str:
        with app.app_context():
            all_here.wait(20)
            return sns.receive(*posted[number])

    with ThreadPoolExecutor(4) as pool:
        words = set(pool.map(post, range(4)))

    assert "confirmed" in words <= {"confirmed", "ignored"}

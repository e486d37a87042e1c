"""The queue: messages say that there is work, and a broker that is down is told as such."""

import dataclasses
import gc
import json
import os
import weakref
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import pytest
from moto.core.exceptions import ServiceException
from moto.sqs.responses import SQSResponse

from tests.doubles import aws
from tests.doubles.rabbit import BlockedRabbit
from webapp import create_app
from webapp.config import Config
from webapp.errors import TranscoderUnavailable
from webapp.tasks import MOST_MESSAGES, QUEUE, WORK, Queue


@pytest.fixture
def config(config: Config) -> Config:
    return dataclasses.replace(config, broker_url="")


def queue_of(config: Config) -> Queue:
    queue: Queue = create_app(config).extensions["queue"]
    return queue


def messages(config: Config) -> list[Path]:
    return [path for path in (config.data_dir / "queue").iterdir() if path.is_file()]


def test_as_many_messages_as_pieces_but_not_too_many(config: Config) -> None:
    queue = queue_of(config)

    queue.wake(3)
    assert len(messages(config)) == 3
    queue.wake(10_000)
    assert len(messages(config)) == MOST_MESSAGES
    queue.wake(1)
    assert len(messages(config)) == MOST_MESSAGES


def test_a_message_appears_whole(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """Taken out: the rename in `_put`; then a worker that looks meanwhile reads half of it, and ends."""
    queue, seen = queue_of(config), []
    write = Path.write_text

    def slowly(path: Path, text: str) -> int:
        write(path, text[:10])
        with queue.celery.connection_for_read() as connection:
            seen.append(connection.default_channel._size(QUEUE))
        return write(path, text)

    monkeypatch.setattr(Path, "write_text", slowly)
    queue.wake(1)

    assert seen == [0]
    assert [json.loads(path.read_bytes())["headers"]["task"] for path in messages(config)] == [WORK]


@pytest.mark.parametrize("content", [b"", b"{", b"\x00\x00"])
def test_what_a_power_cut_left_of_a_message_stops_nobody(config: Config, content: bytes) -> None:
    queue = queue_of(config)
    queue.wake(1)
    for path in ("1.tapedeck.msg", "control/tapedeck.exchange"):
        (config.data_dir / "queue" / path).write_bytes(content)

    queue.mend()

    assert len(messages(config)) == 1
    # A worker that starts reads the exchange's file; this process remembers what it declared.
    with queue.celery.connection_for_read() as connection:
        assert connection.default_channel.get_table(QUEUE) == []


@pytest.mark.parametrize("broker", ["amqp://guest@127.0.0.1:1//", "redis://127.0.0.1:1/0", "sqs://a:b@127.0.0.1:1"])
def test_a_broker_that_is_down_is_told_as_such(config: Config, broker: str) -> None:
    queue = queue_of(dataclasses.replace(config, broker_url=broker))

    with pytest.raises(TranscoderUnavailable):
        queue.wake(1)
    with pytest.raises(TranscoderUnavailable):
        queue.check()


@pytest.mark.timeout(60)  # it would wait for ever
def test_sec_R1_a_broker_that_is_out_of_memory_holds_nobody_up(config: Config) -> None:
    """Guards `BLOCKED`."""
    with BlockedRabbit.opened() as rabbit:
        queue = queue_of(dataclasses.replace(config, broker_url=rabbit.url))

        with suppress(TranscoderUnavailable):  # it has taken the message; whether it says so is its affair
            queue.wake(1)

        assert rabbit.published.wait(10)


def test_a_queue_folder_that_is_gone_is_told_as_such(config: Config) -> None:
    queue = queue_of(config)
    folder = config.data_dir / "queue"
    folder.rename(config.data_dir / "elsewhere")
    folder.touch()

    with pytest.raises(TranscoderUnavailable):
        queue.wake(1)


@pytest.fixture
def sqs(config: Config, monkeypatch: pytest.MonkeyPatch) -> Iterator[Config]:
    """Settings for a queue in Amazon SQS."""
    with aws.serve() as address:
        for name, value in aws.settings(address).items():
            monkeypatch.setenv(name, value)
        yield dataclasses.replace(config, broker_url="sqs://", aws_region=aws.REGION)


def test_messages_wait_in_sqs_in_the_region_that_is_set(sqs: Config) -> None:
    queue = queue_of(sqs)

    queue.wake(3)
    queue.check()

    outside = aws.client(os.environ["AWS_ENDPOINT_URL_SQS"], "sqs")
    (address,) = outside.list_queues()["QueueUrls"]
    told = outside.get_queue_attributes(QueueUrl=address, AttributeNames=["ApproximateNumberOfMessages"])
    assert address.endswith(f"/{QUEUE}")
    assert told["Attributes"]["ApproximateNumberOfMessages"] == "3"


@pytest.mark.slow
def test_sqs_that_lets_nobody_in_is_told_as_such(sqs: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SQSResponse, "list_queues", _denied)
    queue = queue_of(sqs)

    with pytest.raises(TranscoderUnavailable):
        queue.wake(1)
    with pytest.raises(TranscoderUnavailable):
        queue.check()


def _denied(_: object) -> NoReturn:
    raise ServiceException("AccessDenied", "User is not authorized")


def test_what_is_no_trouble_of_the_brokers_is_not_taken_for_one(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = queue_of(config)
    monkeypatch.setattr(queue, "_waiting", lambda _: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        queue.wake(1)


def test_an_app_that_nobody_needs_any_more_leaves_nothing_behind(config: Config) -> None:
    """Taken out: `shared=False`; then Celery holds each app for ever, and gives its task to each later one."""
    app = create_app(config)
    app.extensions["queue"].wake(1)
    left = weakref.ref(app)

    del app
    gc.collect()

    assert left() is None

"""The queue. A message says that there is work, not which: the database knows that. Only this file knows Celery."""

import json
import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from amqp.exceptions import AMQPError
from celery import Celery
from celery.signals import worker_init, worker_shutting_down
from flask import Flask
from kombu.exceptions import OperationalError
from kombu.transport import filesystem
from redis.exceptions import RedisError

from webapp import logs
from webapp.adapters.transcoders.sandbox import landlock_abi
from webapp.config import Config
from webapp.errors import TranscoderUnavailable
from webapp.ports import JobSpec
from webapp.services import claims, letters, sweeps
from webapp.services.work import LOOK_SECONDS, Bench

log = logging.getLogger(__name__)

WORK = "tapedeck.work"
# What a broker throws that is down, full, or does not let us in; a folder with a file that is no JSON: ValueError.
BROKER_TROUBLE = (OSError, OperationalError, AMQPError, RedisError, ValueError)
QUEUE = "tapedeck"
# More messages than workers could answer at once say nothing new.
MOST_MESSAGES = 64
# A broker takes a worker for dead that sits on its messages for half an hour, so nobody works off more in one go.
LONGEST_SHIFT_SECONDS = 600.0
# RabbitMQ that is out of memory or disk takes a message and then reads no more: not even a goodbye is answered.
BLOCKED = {"read_timeout": 3, "write_timeout": 3}
# Somebody waits for what they have just asked for.
LETTERS_SECONDS = 3.0


class Channel(filesystem.Channel):
    """A folder in which a message appears whole: a worker that reads half of one ends."""

    def _put(self, queue: str, payload: Mapping[str, Any], **_: Any) -> None:  # type: ignore[override]  # as kombu does
        name = f"{time.monotonic_ns() // 1_000_000}_{uuid.uuid4()}.{queue}.msg"
        half = Path(self.data_folder_out, f"half.{name}")  # nobody takes that for a message
        try:
            half.write_text(json.dumps(payload))
        except OSError:
            half.unlink(missing_ok=True)
            raise
        with suppress(FileNotFoundError):  # a worker that starts has mended it away, and wakes itself
            half.rename(half.with_name(name))


class Transport(filesystem.Transport):
    """Kombu's, with that channel."""

    Channel = Channel


class Queue:
    """Celery for one app: what sends messages and what a worker runs."""

    def __init__(self, app: Flask, config: Config) -> None:
        self.app = app
        self.config = config
        self.bench = Bench()
        self.celery = Celery("tapedeck", broker=config.broker, set_as_current=False)
        self.celery.queue = self
        self.celery.conf.update(_settings(config))
        self.celery.task(name=WORK, ignore_result=True, shared=False)(self._work)

    def wake(self, count: int) -> None:
        """Say that so many pieces of work wait. Raises TranscoderUnavailable when the broker does not answer."""
        with _in_our_words(), self._line() as connection:
            for _ in range(min(count, MOST_MESSAGES - self._waiting(connection))):
                self.celery.send_task(WORK, connection=connection, retry=False)

    def enqueue(self, spec: JobSpec) -> None:
        """Say that there is work: the renditions and the outline."""
        self.wake(len(spec.outputs) + 1)

    def check(self) -> None:
        """Return if the broker answers. Raises TranscoderUnavailable."""
        with _in_our_words(), self._line() as connection:
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=1)
            # A folder is connected to without a look at it; asking for the queue looks.
            self._waiting(connection)

    def mend(self) -> None:
        """Remove what a power cut left of messages in the folder: no worker could read it, nor start because of it."""
        for folder in (self.config.data_dir / "queue", self.config.data_dir / "queue" / "control"):
            for path in folder.glob("*"):
                if path.is_file() and not _is_json(path):
                    log.warning("queue: %s cannot be read, removed", path.name)
                    path.unlink(missing_ok=True)

    def start_threads(self) -> None:
        """Begin, in a worker, to tend what it holds, to watch for the dead and to sweep.

        What waited while there was no worker has no message any more, so the worker wakes itself.
        """
        self._once("wake", lambda: self.wake(self.config.worker_concurrency))
        watch = claims.Watch(self.config.lease_seconds, holds=self.bench.holds)
        self._repeat("tend", LOOK_SECONDS, self.bench.tend)
        self._repeat("watch", 1.0, lambda: sweeps.take_over(watch, self.wake))
        self._repeat("sweep", float(self.config.sweep_seconds), lambda: sweeps.sweep_if_due(self.wake))
        if self.config.smtp_url:  # a mail server may let one wait, and nothing else is to wait with it
            self._repeat("letters", LETTERS_SECONDS, letters.send_due)

    def _work(self) -> None:
        end = time.monotonic() + LONGEST_SHIFT_SECONDS
        with self.app.app_context():
            while self._does_next():
                if time.monotonic() > end:
                    self.wake(1)
                    return

    def _line(self) -> Any:
        """A connection for sending on which nobody is waited for without end. Those who listen have others."""
        bounds = BLOCKED if self.config.broker.startswith("amqp") else {}
        return self.celery.connection_for_write(transport_options=bounds)

    def _does_next(self) -> bool:
        try:
            return self.bench.do_next()
        except Exception as exc:  # Celery would log what it says; the try is taken over when its lease has run out
            log.error("work: failed\n%s", logs.trace(exc))  # noqa: TRY400 - told without its words
            return False

    def _waiting(self, connection: Any) -> int:
        declared = self.celery.amqp.queues[QUEUE].bind(connection.default_channel).queue_declare()
        return int(declared.message_count)

    def _once(self, name: str, deed: Callable[[], Any]) -> None:
        try:
            with self.app.app_context():
                deed()
        except TranscoderUnavailable:
            log.warning("%s: the broker does not answer; will try again", name)
        except Exception as exc:  # a thread that dies would leave its duty undone for ever
            log.error("%s: failed; will try again\n%s", name, logs.trace(exc))  # noqa: TRY400 - told without its words

    def _repeat(self, name: str, seconds: float, deed: Callable[[], Any]) -> None:
        def run() -> None:
            while True:
                self._once(name, deed)
                # Until everything is given back the heart goes on beating, so this never waits for the closing.
                pause.wait(seconds)

        pause = threading.Event()
        threading.Thread(target=run, name=name, daemon=True).start()


@contextmanager
def _in_our_words() -> Iterator[None]:
    try:
        yield
    except Exception as exc:
        # Those of SQS are known by where they come from: who has another broker does not wait for Amazon's library.
        if isinstance(exc, BROKER_TROUBLE) or type(exc).__module__.startswith("botocore."):
            raise TranscoderUnavailable from exc
        raise


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_bytes())
    except ValueError:
        return False
    return True


def _settings(config: Config) -> dict[str, Any]:
    is_here = config.broker.startswith("filesystem")
    return {
        **({"broker_transport": f"{__name__}:{Transport.__name__}"} if is_here else {}),
        "broker_transport_options": _folders(config.data_dir / "queue") if is_here else _line(config),
        "broker_connection_timeout": 1,
        "broker_connection_retry_on_startup": True,
        "task_default_queue": QUEUE,
        "worker_prefetch_multiplier": 1,
        "worker_enable_remote_control": False,
        "worker_send_task_events": False,
        "worker_hijack_root_logger": False,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
    }


def _folders(queue: Path) -> dict[str, Any]:
    for folder in (queue, queue / "control"):
        folder.mkdir(parents=True, exist_ok=True)
    # In and out are the same folder: what one process puts there another takes.
    return {
        "data_folder_in": str(queue),
        "data_folder_out": str(queue),
        "control_folder": str(queue / "control"),
        # A look into an empty folder costs next to nothing, and each piece waits for one.
        "polling_interval": 0.05,
    }


def _line(config: Config) -> dict[str, Any]:
    # Whoever uploads does not wait for a broker that is down: one try, and the sweep tries again.
    options: dict[str, Any] = {"max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0}
    if config.broker.startswith("redis"):
        options |= {"socket_connect_timeout": 1, "socket_timeout": 5}
    if config.broker.startswith("sqs"):
        options |= _sqs(config)
    return options


def _sqs(config: Config) -> dict[str, Any]:
    # A worker that is told to stop does so between two questions.
    options = {
        "wait_time_seconds": 2,
        "polling_interval": 0.2,
        "client-config": {"connect_timeout": 1, "read_timeout": 5, "retries": {"total_max_attempts": 2}},
    }
    return options | ({"region": config.aws_region} if config.aws_region else {})


# The queues whose worker this process is: one, and none in the web process.
_running: list[Queue] = []


@worker_init.connect
def _worker_starts(sender: Any, **_: object) -> None:
    queue: Queue = sender.app.queue
    _running.append(queue)
    if queue.config.broker.startswith("sqs"):
        # Kombu's event loop reads SQS with pycurl, which not every system has; without the loop, with what we have.
        sender.use_eventloop = False
    log.info("the sandbox around ffmpeg: Landlock is %s", "on" if landlock_abi() else "off, this system has none")
    queue.start_threads()


@worker_shutting_down.connect
def _worker_stops(**_: object) -> None:
    for queue in _running:
        queue.bench.close()

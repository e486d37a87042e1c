"""Messages of Amazon SNS, believed and acted on, over bare verifications of an RSA signature, in the same run.

    .venv/bin/python -m benchmarks.sns [MESSAGES]

Five messages tell of each job: each is posted to the app in this process, checked, and changes the database, on disk.
All name one certificate, which is to be fetched once. Bare is what `cryptography` does with the same key and text.
"""

import logging
import sys
import tempfile
import time
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from flask.testing import FlaskClient
from flask_migrate import upgrade

from tests.doubles.sns import PATH, TOPIC, FakeSns, packed
from tests.factories import AudioFileFactory, user
from tests.fakes import FakeTranscoder, MemoryStorage
from tests.services.test_sns import event
from webapp import create_app
from webapp.adapters.sns import envelope
from webapp.adapters.sns.topics import SnsTopics
from webapp.config import Config
from webapp.db import db, utcnow
from webapp.models import User

MESSAGES, ROUNDS = 1_000, 3
STAGES = ("PROBING", "TRANSCODING", "UPLOADING")

Posted = tuple[bytes, dict[str, str]]


def main(count: int) -> None:
    """Print the best of several rounds, in each of which all three are done in turn."""
    logging.disable(logging.INFO)
    amazon, storage = FakeSns(version="2"), MemoryStorage()
    topics = SnsTopics([TOPIC], cert_dir=None, clock=utcnow, fetch=amazon.fetch)
    with tempfile.TemporaryDirectory() as name:
        config = Config(secret_key="x" * 32, data_dir=Path(name), broker_url="memory://", sns_topic_arn=TOPIC)
        app = create_app(config, storage=storage, transcoder=FakeTranscoder(), topics=topics)
        with app.app_context():
            upgrade()
            client, owner = app.test_client(), user("ana@example.com")
            rounds = [one_round(news(owner, amazon, storage, count), amazon, topics, client) for _ in range(ROUNDS)]
            db.engine.dispose()
    bare, believed, applied = (max(rates) for rates in zip(*rounds, strict=True))
    print(f"bare {bare:.0f}/s, believed {believed:.0f}/s, believed and applied {applied:.0f}/s")
    print(f"believed over bare {believed / bare:.2f}; believed and applied over bare {applied / bare:.3f}")
    print(f"{2 * ROUNDS * count} messages with one certificate: fetched {len(amazon.fetched)} time(s)")


def news(owner: User, amazon: FakeSns, storage: MemoryStorage, count: int) -> list[Posted]:
    """So many messages, each of which changes something."""
    texts: list[str] = []
    while len(texts) < count:
        job = AudioFileFactory(owner=owner).job
        for each in job.audio_file.renditions:
            storage.put(each.key, [b"sound"])
        texts.append(event(job, "PROGRESSING"))
        texts += [event(job, "STATUS_UPDATE", jobProgress={"currentPhase": stage}) for stage in STAGES]
        texts.append(event(job))
    db.session.rollback()
    return [packed(amazon.envelope(Message=text)) for text in texts[:count]]


def one_round(posted: list[Posted], amazon: FakeSns, topics: SnsTopics, client: FlaskClient) -> tuple[float, ...]:
    """How many a second: verified and nothing else, believed, and believed and applied."""
    read = envelope.read(*posted[0])
    key = amazon.key.public_key()

    def deliver(body: bytes, headers: dict[str, str]) -> None:
        answer = client.post(PATH, data=body, headers=headers)
        assert (answer.status_code, answer.text) == (HTTPStatus.OK, "applied"), answer.text

    return (
        rate(posted, lambda *_: key.verify(read.signature, read.signed, PKCS1v15(), SHA256())),
        rate(posted, topics.verify),
        rate(posted, deliver),
    )


def rate(posted: list[Posted], deed: Callable[[bytes, dict[str, str]], Any]) -> float:
    """How many times a second it is done."""
    began = time.perf_counter()
    for body, headers in posted:
        deed(body, headers)
    return len(posted) / (time.perf_counter() - began)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else MESSAGES)

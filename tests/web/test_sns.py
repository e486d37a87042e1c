"""The address to which Amazon SNS brings its messages."""

import json
import random
import string
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Request
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import create_environ

from tests.doubles.sns import PATH, TOPIC, FakeSns, packed, through
from tests.factories import told
from tests.fakes import MemoryStorage
from tests.services.test_sns import event
from webapp import create_app
from webapp.adapters.sns.topics import SnsTopics
from webapp.config import Config
from webapp.db import db, utcnow, writing
from webapp.errors import Unavailable
from webapp.models import AudioFile, SnsTopic, User


@pytest.fixture
def config(config: Config, tmp_path: Path) -> Config:
    """The certificate is in a folder, as it is where there is no way out."""
    return replace(config, sns_topic_arn=TOPIC, sns_cert_dir=tmp_path)


@pytest.fixture
def amazon(tmp_path: Path) -> FakeSns:
    fake = FakeSns()
    fake.write_certificate(tmp_path)
    return fake


@pytest.fixture
def song(song: AudioFile, storage: MemoryStorage) -> AudioFile:
    """One whose renditions are all in the storage."""
    for each in song.renditions:
        storage.put(each.key, [b"sound"])
    return song


def test_what_became_of_a_message_is_told_in_a_word(visitor: FlaskClient, amazon: FakeSns, song: AudioFile) -> None:
    body, headers = packed(amazon.envelope(Message=event(song.job)))

    answers = [visitor.post(PATH, data=body, headers=headers) for _ in range(2)]

    assert [(each.status_code, each.text) for each in answers] == [(200, "applied"), (200, "repeated")]
    assert {each.mimetype for each in answers} == {"text/plain"}


def test_nobody_has_to_be_signed_in_or_to_have_a_token(
    app: Flask, visitor: FlaskClient, as_alice: FlaskClient, amazon: FakeSns
) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    for client in (visitor, as_alice):
        for kind in ("text/plain; charset=UTF-8", "application/json", "application/x-www-form-urlencoded"):
            body, headers = packed(amazon.envelope())
            answer = client.post(PATH, data=body, headers=headers | {"Content-Type": kind})

            assert (answer.status_code, answer.text) == (200, "ignored")
            assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_it_takes_posts_only(visitor: FlaskClient, method: str) -> None:
    assert visitor.open(PATH, method=method).status_code == 405


def test_a_refusal_is_json(visitor: FlaskClient, amazon: FakeSns) -> None:
    body, headers = packed(amazon.envelope(TopicArn=TOPIC + "2"))
    refusals = [
        (400, visitor.post(PATH, data=b"words", headers=headers)),
        (403, visitor.post(PATH, data=body, headers=headers)),
        (413, visitor.post(PATH, data=b" " * 300_000, headers=headers)),
    ]

    for status, answer in refusals:
        assert (answer.status_code, answer.mimetype) == (status, "application/json")
        assert set(answer.get_json()) == {"error", "message", "request_id"}
        assert "Set-Cookie" not in answer.headers


def test_without_topics_nothing_is_believed(config: Config, amazon: FakeSns) -> None:
    app = create_app(replace(config, sns_topic_arn=""))
    body, headers = packed(amazon.envelope())

    assert app.test_client().post(PATH, data=body, headers=headers).status_code == 403


def test_sec_S5_a_body_that_does_not_say_how_long_it_is_is_not_read_for_ever(visitor: FlaskClient) -> None:
    endless = Endless()
    environ = create_environ(PATH, method="POST")

    answer = visitor.open(Request(environ | {"wsgi.input": endless, "wsgi.input_terminated": True}))

    assert answer.status_code == 413
    assert endless.given < 1_000_000


class Endless:
    """A body without an end."""

    def __init__(self) -> None:
        self.given = 0

    def read(self, size: int = -1) -> bytes:
        assert size >= 0
        self.given += size
        return b" " * size

    readline = read

    def readinto(self, buffer: bytearray) -> int:
        buffer[:] = self.read(len(buffer))
        return len(buffer)

    def close(self) -> None:
        """Nothing is open."""


def test_sec_S2_a_mutation_is_refused_for_good(visitor: FlaskClient, amazon: FakeSns, song: AudioFile) -> None:
    whole = amazon.envelope(Message=event(song.job))
    for name in whole:
        if name == "UnsubscribeURL":
            continue
        for other in ({name: whole[name] + "x"}, {name: ""}, {name: None}):
            body, headers = packed(whole | other)

            assert visitor.post(PATH, data=body, headers=headers).status_code in (400, 403)
    assert told(song.owner) == []


@pytest.mark.parametrize("is_gone", [True, False])
def test_sec_S10_our_own_trouble_is_a_503(config: Config, amazon: FakeSns, tmp_path: Path, *, is_gone: bool) -> None:
    """A database that is gone; a certificate that cannot be had."""
    broken = replace(config, database_url=f"sqlite:///{tmp_path / 'nowhere' / 'x.db'}") if is_gone else config
    app = create_app(broken, topics=SnsTopics([TOPIC], cert_dir=None, clock=utcnow, fetch=amazon.fetch))
    if not is_gone:
        app.extensions["topics"].certificates.fetch = unavailable
    body, headers = packed(amazon.envelope())

    answer = app.test_client().post(PATH, data=body, headers=headers)

    assert (answer.status_code, answer.mimetype) == (503, "application/json")


def unavailable(_: str) -> bytes:
    raise Unavailable


def test_a_handshake_and_what_follows(
    app: Flask, visitor: FlaskClient, amazon: FakeSns, song: AudioFile, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Amazon does it, with boto3's own way of confirming."""
    with amazon.api() as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SNS", address)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        assert amazon.publish(event(song.job)) is None

        assert amazon.subscribe(through(visitor)) == 200

    assert amazon.publish(event(song.job, "PROGRESSING")) == 200
    assert amazon.publish(event(song.job), Subject="done") == 200
    assert len(told(alice)) == 1
    assert amazon.dead_letters == []


def test_what_is_refused_is_not_brought_again_and_what_failed_is(
    app: Flask, visitor: FlaskClient, amazon: FakeSns, storage: MemoryStorage, song: AudioFile, alice: User
) -> None:
    amazon.confirmed_by.append({})
    amazon._post = through(visitor)
    amazon.between = lambda: setattr(storage, "is_down", False)
    storage.is_down = True

    amazon.publish(event(song.job))
    amazon.publish("x", Timestamp="2001-01-01T00:00:00.000Z")

    assert amazon.attempts == [503, 200, 403]
    assert [letter["Message"] for letter in amazon.dead_letters] == ["x"]
    assert len(told(alice)) == 1


# Anything at all


def bodies(amazon: FakeSns, chance: random.Random) -> Iterator[tuple[bytes, dict[str, str]]]:
    """A message with something wrong, for ever."""
    spoilers = (_bytes, _fields, _text, _nested, _twice, _cut, _long)
    while True:
        envelope = amazon.envelope(
            chance.choice(("Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"))
        )
        body, headers = packed(envelope)
        if chance.random() < 0.2:
            headers = {name: value for name, value in headers.items() if chance.random() < 0.8}
        yield chance.choice(spoilers)(body, chance), headers


def _bytes(body: bytes, chance: random.Random) -> bytes:
    spoilt = bytearray(body)
    for _ in range(chance.randint(1, 8)):
        spoilt[chance.randrange(len(spoilt))] = chance.randrange(256)
    return bytes(spoilt)


def _fields(body: bytes, chance: random.Random) -> bytes:
    said = json.loads(body)
    odd: list[Any] = [None, True, 0, -1, 1e308, [], {}, [[]], "", "\0", "\ud800", "\u202e", "ⅷ", "x" * 70_000]
    for name in chance.sample(sorted(said), chance.randint(1, 3)):
        said[name] = chance.choice(odd)
    return json.dumps(said).encode()


def _text(_: bytes, chance: random.Random) -> bytes:
    return "".join(chance.choices(string.printable + '{}[]":,', k=chance.randint(0, 400))).encode()


def _nested(_: bytes, chance: random.Random) -> bytes:
    depth = chance.choice((10, 1000, 100_000))
    return chance.choice((b"[", b'{"a":', b'[{"Type":')) * depth


def _twice(body: bytes, chance: random.Random) -> bytes:
    name = chance.choice(sorted(json.loads(body)))
    return body.rstrip()[:-1] + f', "{name}": "x"}}'.encode()


def _cut(body: bytes, chance: random.Random) -> bytes:
    return body[: chance.randrange(len(body))] + chance.choice((b"", b"NaN", b"Infinity}", b"\xed\xa0\x80"))


def _long(body: bytes, chance: random.Random) -> bytes:
    return body.ljust(chance.choice((270_000, 300_000)))


@pytest.mark.parametrize("count", [500, pytest.param(10_000, marks=pytest.mark.slow)])
def test_sec_S5_nothing_that_is_posted_is_an_error_of_ours(
    visitor: FlaskClient, amazon: FakeSns, song: AudioFile, count: int
) -> None:
    chance = random.Random(count)  # the same each time
    with writing():  # what is spoilt where nothing is signed is a good handshake still
        db.session.add(SnsTopic(arn=TOPIC, confirmed_at=utcnow()))
    statuses: dict[int, int] = {}
    for _, (body, headers) in zip(range(count), bodies(amazon, chance), strict=False):
        status = visitor.post(PATH, data=body, headers=headers).status_code
        statuses[status] = statuses.get(status, 0) + 1

    assert max(statuses) < 500, statuses
    assert {400, 403, 413} <= set(statuses)
    assert told(song.owner) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def test_sec_S10_no_text_of_a_message_is_an_error_of_ours(app: Flask, amazon: FakeSns) -> None:
    """Whoever may publish to the topic can write anything into it."""
    client = app.test_client()

    @settings(max_examples=100, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(JSON.map(json.dumps) | st.text())
    def say(text: str) -> None:
        body, headers = packed(amazon.envelope(Message=text))
        answer = client.post(PATH, data=body, headers=headers)
        assert (answer.status_code, answer.text) == (200, "ignored")

    say()

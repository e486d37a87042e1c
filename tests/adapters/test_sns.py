"""Messages of Amazon SNS: what is genuine is believed, and nothing else; little is fetched, and only from Amazon."""

import base64
import json
import random
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from urllib3.connection import HTTPConnection, HTTPSConnection

from tests.doubles.sns import SIGNED, TOPIC, Envelope, FakeSns, Key, certificate, packed, rsa_key, sign
from webapp.adapters.sns import certificates
from webapp.adapters.sns.endpoints import Endpoint
from webapp.adapters.sns.envelope import LONGEST
from webapp.adapters.sns.fetching import MOST_BYTES, MOST_SECONDS, connection_to, fetch
from webapp.adapters.sns.topics import SnsTopics
from webapp.errors import AppError, BadRequest, ConfigError, Forbidden, TooLarge, Unavailable
from webapp.news import Message

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
KINDS = tuple(SIGNED)
REFUSED = (BadRequest, Forbidden)


def valid(key: Key, **given: Any) -> bytes:
    """A certificate that is valid at that time."""
    return certificate(key, **{"begins": NOW - timedelta(days=30), "ends": NOW + timedelta(days=30)} | given)


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sns(clock: Clock) -> FakeSns:
    fake = FakeSns(clock=clock)
    fake.pem = valid(fake.key, hosts=("sns.amazonaws.com",))
    return fake


@pytest.fixture
def topics(sns: FakeSns, clock: Clock) -> SnsTopics:
    return listening(sns, clock)


def listening(sns: FakeSns, clock: Clock, cert_dir: Path | None = None) -> SnsTopics:
    return SnsTopics([TOPIC], cert_dir=cert_dir, clock=clock, fetch=sns.fetch)


def verify(topics: SnsTopics, envelope: Envelope) -> Message:
    return topics.verify(*packed(envelope))


# What is believed


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("kind", KINDS)
def test_sec_S1_what_is_signed_is_believed(topics: SnsTopics, sns: FakeSns, kind: str, version: str) -> None:
    text = 'line one\nline two "ü" \U0001f3b5'
    sent = sns.envelope(kind, Message=text, SignatureVersion=version)

    message = verify(topics, sent)

    assert message == Message(sent["MessageId"], kind, TOPIC, text, token=sent.get("Token", ""))


def test_sec_S1_the_subject_is_signed_too(topics: SnsTopics, sns: FakeSns) -> None:
    assert verify(topics, sns.envelope(Subject="done", Message="words")).text == "words"


def test_what_is_not_signed_may_be_anything(topics: SnsTopics, sns: FakeSns) -> None:
    sent = sns.envelope() | {"MessageAttributes": {"a": [{"b": None}]}, "UnsubscribeURL": 7, "New": True}

    assert verify(topics, sent).id == sent["MessageId"]


def test_headers_are_found_however_they_are_written(topics: SnsTopics, sns: FakeSns) -> None:
    body, headers = packed(sns.envelope())

    assert topics.verify(body, {name.title(): value for name, value in headers.items()}).kind == "Notification"


@pytest.mark.parametrize("age", [timedelta(minutes=-4), timedelta(minutes=59), timedelta(hours=1, seconds=20)])
def test_a_message_may_be_as_old_as_its_last_retry(
    topics: SnsTopics, sns: FakeSns, clock: Clock, age: timedelta
) -> None:
    sent = sns.envelope()
    clock.now += age

    assert verify(topics, sent).id == sent["MessageId"]


@pytest.mark.parametrize("age", [timedelta(minutes=-6), timedelta(minutes=66), timedelta(days=300)])
def test_sec_S4_what_is_old_or_of_the_future_is_refused(
    topics: SnsTopics, sns: FakeSns, clock: Clock, age: timedelta
) -> None:
    sent = sns.envelope()
    clock.now += age

    with pytest.raises(Forbidden):
        verify(topics, sent)
    assert sns.fetched == []


# What is not


def mutations(sns: FakeSns) -> Iterator[tuple[str, Envelope]]:
    """Messages that differ from a genuine one, each with what was done to it."""
    for kind in KINDS:
        for version in ("1", "2"):
            whole = sns.envelope(kind, SignatureVersion=version, Message="words")
            if kind == "Notification":
                yield from mutated(sns.envelope(SignatureVersion=version, Subject="done"))
            yield from mutated(whole)


def mutated(whole: Envelope) -> Iterator[tuple[str, Envelope]]:
    kind, version = whole["Type"], whole["SignatureVersion"]
    about = f"{kind} {version}"
    for name in [name for name in SIGNED[kind].split() if name in whole]:
        for other in (
            whole[name] + " ",
            whole[name][:-1],
            whole[name].swapcase(),
            "",
            None,
            1,
            [whole[name]],
            "\ud800",
        ):
            if other != whole[name]:
                yield f"{about}: {name} is {other!r}", whole | {name: other}
        yield f"{about}: without {name}", {key: value for key, value in whole.items() if key != name}
    for name in ("Subject", "Token", "SubscribeURL"):
        if name not in whole:
            yield f"{about}: with {name}", whole | {name: "more"}
            yield f"{about}: with an empty {name}", whole | {name: ""}
            yield f"{about}: {name} is null", whole | {name: None}
    yield from swapped(whole)


def swapped(whole: Envelope) -> Iterator[tuple[str, Envelope]]:
    kind, version = whole["Type"], whole["SignatureVersion"]
    about = f"{kind} {version}"
    for other in {"1", "2", "3", "", "01", "1 "} - {version}:
        yield f"{about}: as version {other!r}", whole | {"SignatureVersion": other}
    yield f"{about}: version is a number", whole | {"SignatureVersion": int(version)}
    for other in (*(each for each in KINDS if each != kind), "Other", kind.lower()):
        yield f"{about}: as {other}", whole | {"Type": other, "Token": "t", "SubscribeURL": "s"}
    yield f"{about}: later", whole | {"Timestamp": whole["Timestamp"].replace(".000Z", ".001Z")}
    yield f"{about}: written otherwise", whole | {"Timestamp": whole["Timestamp"].replace(".000Z", "Z")}
    yield f"{about}: signed by another", sign(whole, rsa_key("another"))
    yield f"{about}: in place of another", sign(whole | {"Message": "other"}, rsa_key()) | {"Message": "words"}
    for other in signatures(whole["Signature"]):
        yield f"{about}: signature {other!r:.20}", whole | {"Signature": other}


def signatures(good: str) -> Iterator[Any]:
    """Others than the good one, among them those that a lenient reader takes for it."""
    raw = base64.b64decode(good)
    yield from (
        "",
        "====",
        "!",
        None,
        5,
        good[:-4],
        good + "\n",
        f" {good}",
        good.replace("=", ""),
        good + "=",
        good * 2,
    )
    yield good[:40] + "\n" + good[40:]
    yield good[:-3] + chr(ord(good[-3]) + 1) + "=="  # the same bytes
    yield base64.b64encode(bytes([raw[0] ^ 1]) + raw[1:]).decode()
    yield base64.b64encode(raw[:-1] + bytes([raw[-1] ^ 1])).decode()
    yield base64.b64encode(b"\0" + raw).decode()
    yield base64.b64encode(bytes(256)).decode()


def test_sec_S2_no_mutation_is_believed(topics: SnsTopics, sns: FakeSns) -> None:
    tried, believed = 0, []
    for what, envelope in mutations(sns):
        tried += 1
        with suppress(*REFUSED):
            verify(topics, envelope)
            believed.append(what)

    assert believed == []
    assert tried >= 150
    assert set(sns.fetched) <= {sns.certificate_address}


def test_sec_S2_a_foreign_certificate_is_not_believed(topics: SnsTopics, sns: FakeSns) -> None:
    foreign = rsa_key("foreign")
    sns.pem = valid(foreign, name="sns.example.com")

    with pytest.raises(Forbidden):
        verify(topics, sign(sns.envelope(), foreign))


HOSTILE = """
http://sns.eu-west-1.amazonaws.com/{file}
HTTPS://sns.eu-west-1.amazonaws.com/{file}
ftp://sns.eu-west-1.amazonaws.com/{file}
//sns.eu-west-1.amazonaws.com/{file}
file:///{file}
https:/sns.eu-west-1.amazonaws.com/{file}
https://sns.eu-west-1.amazonaws.com:443/{file}
https://sns.eu-west-1.amazonaws.com:8443/{file}
https://sns.eu-west-1.amazonaws.com:/{file}
https://user@sns.eu-west-1.amazonaws.com/{file}
https://sns.eu-west-1.amazonaws.com@evil.example/{file}
https://sns.eu-west-1.amazonaws.com:pw@evil.example/{file}
https://evil.example/{file}
https://evil.example/sns.eu-west-1.amazonaws.com/{file}
https://evil.example\\@sns.eu-west-1.amazonaws.com/{file}
https://evil.example#sns.eu-west-1.amazonaws.com/{file}
https://evil.example?sns.eu-west-1.amazonaws.com/{file}
https://sns.eu-west-1.amazonaws.com.evil.example/{file}
https://sns.eu-west-1.amazonaws.com.cn/{file}
https://sns.eu-west-1.amazonaws.com./{file}
https://evilsns.eu-west-1.amazonaws.com/{file}
https://evil.sns.eu-west-1.amazonaws.com/{file}
https://sns.us-west-2.amazonaws.com/{file}
https://sns.s3-us-west-2.amazonaws.com/{file}
https://sns.eu-west-1.s3.amazonaws.com/{file}
https://sns-eu-west-1.amazonaws.com/{file}
https://snsXeu-west-1Xamazonaws.com/{file}
https://sns.amazonaws.com/{file}
https://Sns.Eu-West-1.Amazonaws.com/{file}
https://sns.eu-west-1.amazonaws.com/{FILE}
https://sns.eu-west-1.amazonaws.com/{file}?x=1
https://sns.eu-west-1.amazonaws.com/{file}#x
https://sns.eu-west-1.amazonaws.com/?{file}
https://sns.eu-west-1.amazonaws.com//{file}
https://sns.eu-west-1.amazonaws.com/x/{file}
https://sns.eu-west-1.amazonaws.com/x/../{file}
https://sns.eu-west-1.amazonaws.com/%2e%2e/{file}
https://sns.eu-west-1.amazonaws.com/{file}/
https://sns.eu-west-1.amazonaws.com/{file}/x.pem
https://sns.eu-west-1.amazonaws.com/{file};x
https://sns.eu-west-1.amazonaws.com/{file}%00
https://sns.eu-west-1.amazonaws.com/{file}.pem
https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-.pem
https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-7777.pem
https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-../../../../etc/passwd
https://sns.eu-west-1.amazonaws.com/evil.pem
https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=1
https://sns.eu\u2010west\u20101.amazonaws.com/{file}
https://\u0455ns.eu-west-1.amazonaws.com/{file}
https://sns。eu-west-1。amazonaws。com/{file}
https://sns.eu-west-1.amazonaws.com\uff0f{file}
https://127.0.0.1/{file}
https://[::1]/{file}
https://169.254.169.254/{file}
javascript:alert(1)
""".split()
FILE = f"SimpleNotificationService-{'7' * 32}.pem"
AROUND = (" {}", "{} ", "{}\n", "\n{}", "{}\t", "{}\0", "\ufeff{}", "{}\r\nHost: evil.example", "")


def test_sec_S3_no_address_but_amazons_is_asked(topics: SnsTopics, sns: FakeSns) -> None:
    addresses = [address.replace("{file}", FILE).replace("{FILE}", FILE.upper()) for address in HOSTILE]
    addresses += [around.format(sns.certificate_address) for around in AROUND]
    believed = []
    for address in addresses:
        with suppress(*REFUSED):
            verify(topics, sns.envelope(SigningCertURL=address))
            believed.append(address)

    assert (believed, sns.fetched) == ([], [])
    assert len(addresses) >= 29


def test_sec_S3_the_address_in_a_handshake_is_nobodys_business(topics: SnsTopics, sns: FakeSns) -> None:
    hostile = "http://169.254.169.254/latest/meta-data"

    message = verify(topics, sns.envelope("SubscriptionConfirmation", SubscribeURL=hostile))

    assert hostile not in repr(message)
    assert sns.fetched == [sns.certificate_address]


def test_sec_S4_a_topic_that_is_not_listed_is_refused(topics: SnsTopics, sns: FakeSns) -> None:
    for topic in (TOPIC + "2", TOPIC.upper(), TOPIC.replace("1111", "2222"), TOPIC.replace("eu-west-1", "us-west-2")):
        for kind in KINDS:
            with pytest.raises(Forbidden):
                verify(topics, sns.envelope(kind, TopicArn=topic))
    assert sns.fetched == []


def test_sec_S4_headers_that_lack_or_say_something_else_are_refused(topics: SnsTopics, sns: FakeSns) -> None:
    body, headers = packed(sns.envelope())
    for name in ("x-amz-sns-message-type", "x-amz-sns-message-id", "x-amz-sns-topic-arn"):
        without = {key: value for key, value in headers.items() if key != name}
        for wrong in (without, headers | {name: ""}, headers | {name: headers[name] + "x"}):
            with pytest.raises(BadRequest):
                topics.verify(body, wrong)


@pytest.mark.parametrize("value", ["true", "false", ""])
def test_sec_S4_what_is_delivered_raw_is_refused(topics: SnsTopics, sns: FakeSns, value: str) -> None:
    body, headers = packed(sns.envelope())

    with pytest.raises(BadRequest):
        topics.verify(body, headers | {"X-Amz-Sns-RawDelivery": value})


@pytest.mark.parametrize(
    "body",
    [
        b"", b"null", b"[]", b"1", b'"x"', b"{}", b"{", b"\xff", b"NaN", b'{"Type": NaN}', b"[" * 200_000,
        b'{"a":' * 40_000,
        b'{"Type": "Notification"}', b"9" * 200_000, b'{"a": 1e999, "b": -Infinity}', b'\xef\xbb\xbf{"Type": ""}',
        '{"Type": "Notification"}'.encode("utf-16"), b'{"Type": ["Notification"]}', b'{"Type": {}}',
    ],
    ids=lambda body: repr(body[:20]),
)  # fmt: skip
def test_sec_S5_what_is_no_message_is_refused(topics: SnsTopics, sns: FakeSns, body: bytes) -> None:
    with pytest.raises(BadRequest):
        topics.verify(body, packed(sns.envelope())[1])


def test_sec_S5_a_name_that_comes_twice_is_refused(topics: SnsTopics, sns: FakeSns) -> None:
    sent = sns.envelope()
    body, headers = packed(sent)
    for name in sent:
        twice = body[:-1].rstrip() + f', "{name}": {json.dumps(sent[name])}}}'.encode()
        assert json.loads(twice) == sent

        with pytest.raises(BadRequest):
            topics.verify(twice, headers)


def test_sec_S5_what_is_no_json_is_refused_wherever_it_stands(topics: SnsTopics, sns: FakeSns) -> None:
    body, headers = packed(sns.envelope() | {"New": [float("nan")]})

    with pytest.raises(BadRequest):
        topics.verify(body, headers)


def test_sec_S5_a_body_may_be_as_long_as_a_message_and_no_longer(topics: SnsTopics, sns: FakeSns) -> None:
    body, headers = packed(sns.envelope(Message="x" * 256 * 1024))
    assert topics.verify(body, headers).kind == "Notification"

    with pytest.raises(TooLarge):
        topics.verify(body.ljust(LONGEST + 1), headers)


@pytest.mark.parametrize("number", ["", "x" * 129, "a b", "a\n", "a\0b", "é"])
def test_an_odd_number_is_refused_though_it_is_signed(topics: SnsTopics, sns: FakeSns, number: str) -> None:
    with pytest.raises(BadRequest):
        verify(topics, sns.envelope(MessageId=number))


@pytest.mark.parametrize(
    "stamp",
    ["", "now", "2026-05-04", "2026-05-04T12:00:00", "2026-05-04T12:00:00+00:00", "2026-02-30T12:00:00Z",
     "20260504T120000Z", "2026-05-04T12:00:00.000Z\n", "2026-W19-1T12:00:00Z", "２026-05-04T12:00:00Z"],
)  # fmt: skip
def test_an_odd_time_is_refused_though_it_is_signed(topics: SnsTopics, sns: FakeSns, stamp: str) -> None:
    with pytest.raises(BadRequest):
        verify(topics, sns.envelope(Timestamp=stamp))


# Certificates


def test_sec_S6_a_certificate_is_fetched_once_for_many_messages(topics: SnsTopics, sns: FakeSns) -> None:
    envelope = sns.envelope()
    for _ in range(1000):
        verify(topics, envelope)

    assert sns.fetched == [sns.certificate_address]


def test_sec_S6_many_at_once_fetch_once(sns: FakeSns, clock: Clock) -> None:
    all_here = threading.Barrier(20)

    def slowly(address: str) -> bytes:
        all_here.wait(20)
        return sns.fetch(address)

    topics = SnsTopics([TOPIC], cert_dir=None, clock=clock, fetch=slowly)
    posted = [packed(sns.envelope()) for _ in range(20)]

    def ask(number: int) -> str:
        if number:  # the one that fetches waits for all the others
            all_here.wait(20)
        return topics.verify(*posted[number]).kind

    with ThreadPoolExecutor(20) as pool:
        assert set(pool.map(ask, range(20))) == {"Notification"}
    assert sns.fetched == [sns.certificate_address]


def test_sec_S6_what_could_not_be_fetched_is_asked_for_again(sns: FakeSns, clock: Clock) -> None:
    troubles: list[Exception] = [Unavailable(), Unavailable()]

    def in_trouble(address: str) -> bytes:
        if troubles:
            raise troubles.pop()
        return sns.fetch(address)

    topics = SnsTopics([TOPIC], cert_dir=None, clock=clock, fetch=in_trouble)

    for _ in range(2):
        with pytest.raises(Unavailable):
            verify(topics, sns.envelope())
    assert verify(topics, sns.envelope()).kind == "Notification"


def odd_certificates(good: bytes) -> Iterator[tuple[str, bytes]]:
    key = rsa_key()
    yield "empty", b""
    yield "page", b"<!DOCTYPE html><title>Not found</title>"
    yield "in XML", b"<Error><Code>" + good + b"</Code></Error>"
    yield "after words", b"words\n" + good
    yield "before words", good + b"words\n"
    yield "two", good + good
    yield "cut off", good[: len(good) // 2]
    yield "not base64", b"-----BEGIN CERTIFICATE-----\n====\n-----END CERTIFICATE-----\n"
    yield "no certificate", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    yield "a key", good.replace(b"CERTIFICATE", b"PUBLIC KEY")
    yield "long", good + b"\n" * MOST_BYTES
    yield "over", certificate(key, begins=NOW - timedelta(days=9), ends=NOW - timedelta(seconds=1))
    yield "not begun", certificate(key, begins=NOW + timedelta(seconds=1), ends=NOW + timedelta(days=9))
    for name in (
        "sns.example.com",
        "SNS.amazonaws.com.evil.example",
        "*.amazonaws.com",
        "sns-signing.eu-west-1.amazonaws.com",
    ):
        yield f"of {name}", valid(key, name=name)
        yield f"for {name}", valid(key, hosts=(name,))
        yield f"of {name} for us", valid(key, name=name, hosts=("sns.amazonaws.com",))
    yield "of nobody", valid(key, name="")
    yield "short", valid(rsa_key("short", 1024))
    yield "Edwards", valid(ed25519.Ed25519PrivateKey.generate())
    yield "elliptic", valid(ec.generate_private_key(ec.SECP256R1()))


def test_sec_S6_an_odd_certificate_is_refused_and_not_remembered(topics: SnsTopics, sns: FakeSns) -> None:
    good = sns.pem
    believed = []
    for what, pem in odd_certificates(good):
        sns.pem = pem
        with suppress(*REFUSED):
            verify(topics, sns.envelope())
            believed.append(what)

    assert believed == []
    sns.pem = good
    assert verify(topics, sns.envelope()).kind == "Notification"


@pytest.mark.parametrize(
    "make",
    [
        partial(valid, hosts=("other.example", "sns.amazonaws.com")),
        partial(valid, name="", hosts=("sns.amazonaws.com",)),
        valid,
        lambda key: valid(key).replace(b"\n", b"\r\n"),
    ],
)
def test_a_certificate_may_be_written_in_more_than_one_way(
    topics: SnsTopics, sns: FakeSns, make: Callable[[Any], bytes]
) -> None:
    sns.pem = make(sns.key)

    assert verify(topics, sns.envelope()).kind == "Notification"


def test_a_certificate_is_looked_for_again_after_a_day(topics: SnsTopics, sns: FakeSns, clock: Clock) -> None:
    for passed in (timedelta(0), timedelta(hours=23), timedelta(hours=2)):
        clock.now += passed
        verify(topics, sns.envelope())

    assert len(sns.fetched) == 2


def test_sec_S1_a_certificate_that_is_kept_ends_all_the_same(topics: SnsTopics, sns: FakeSns, clock: Clock) -> None:
    sns.pem = certificate(sns.key, begins=NOW - timedelta(days=9), ends=NOW + timedelta(hours=1))
    verify(topics, sns.envelope())
    clock.now += timedelta(hours=1, seconds=1)

    with pytest.raises(Forbidden):
        verify(topics, sns.envelope())


def test_few_certificates_are_kept(topics: SnsTopics, sns: FakeSns) -> None:
    def named(number: int) -> Envelope:
        return sns.envelope(SigningCertURL=sns.certificate_address.replace("7" * 32, f"{number:032x}"))

    for number in range(certificates.MOST_KEPT + 1):
        verify(topics, named(number))
    before = len(sns.fetched)

    verify(topics, named(certificates.MOST_KEPT))
    assert len(sns.fetched) == before
    verify(topics, named(0))
    assert len(sns.fetched) == before + 1


def test_only_so_many_are_fetched_at_once(sns: FakeSns, clock: Clock) -> None:
    """Anybody can name addresses at Amazon's host."""
    are_all_waiting = threading.Semaphore(0)
    may_end = threading.Event()

    def slowly(address: str) -> bytes:
        are_all_waiting.release()
        may_end.wait(20)
        raise Unavailable

    topics = SnsTopics([TOPIC], cert_dir=None, clock=clock, fetch=slowly)

    def ask(number: int) -> None:
        with suppress(Unavailable):
            verify(topics, sns.envelope(SigningCertURL=sns.certificate_address.replace("7" * 32, f"{number:032x}")))

    with ThreadPoolExecutor(certificates.MOST_UNDER_WAY) as pool:
        asked = [pool.submit(ask, number) for number in range(certificates.MOST_UNDER_WAY)]
        for _ in asked:
            assert are_all_waiting.acquire(timeout=20)
        with pytest.raises(Unavailable):
            verify(topics, sns.envelope())
        may_end.set()

    assert not are_all_waiting.acquire(blocking=False)
    with pytest.raises(Unavailable):  # there is room again
        verify(topics, sns.envelope())
    assert are_all_waiting.acquire(timeout=20)


def test_sec_S6_nobody_waits_for_what_takes_too_long(
    sns: FakeSns, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That a host's address is looked up for long is nothing that a connection could end."""
    may_end = threading.Event()
    monkeypatch.setattr(certificates, "MOST_SECONDS", 0.1)

    def slowly(address: str) -> bytes:
        may_end.wait(20)
        return sns.fetch(address)

    with pytest.raises(Unavailable):
        verify(SnsTopics([TOPIC], cert_dir=None, clock=clock, fetch=slowly), sns.envelope())
    assert sns.fetched == []
    may_end.set()


# A folder of certificates


def test_a_certificate_of_the_folder_is_not_fetched(sns: FakeSns, clock: Clock, tmp_path: Path) -> None:
    sns.write_certificate(tmp_path)

    assert verify(listening(sns, clock, tmp_path), sns.envelope()).kind == "Notification"
    assert sns.fetched == []


def test_a_certificate_that_is_not_in_the_folder_is_fetched(sns: FakeSns, clock: Clock, tmp_path: Path) -> None:
    assert verify(listening(sns, clock, tmp_path), sns.envelope()).kind == "Notification"
    assert sns.fetched == [sns.certificate_address]


def test_sec_S6_a_certificate_of_the_folder_is_checked_too(sns: FakeSns, clock: Clock, tmp_path: Path) -> None:
    believed = []
    for what, pem in odd_certificates(sns.pem):
        sns.pem = pem
        sns.write_certificate(tmp_path)
        with suppress(*REFUSED):
            verify(listening(sns, clock, tmp_path), sns.envelope())
            believed.append(what)

    assert believed == []
    assert sns.fetched == []


def test_a_folder_that_cannot_be_read_is_our_trouble(sns: FakeSns, clock: Clock, tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()

    with pytest.raises(Unavailable):
        verify(listening(sns, clock, tmp_path), sns.envelope())


# Where Amazon is


@pytest.mark.parametrize(
    ("arn", "host", "signer"),
    [
        ("arn:aws:sns:us-east-1:1", "sns.us-east-1.amazonaws.com", "sns.amazonaws.com"),
        ("arn:aws:sns:me-south-1:1", "sns.me-south-1.amazonaws.com", "sns-signing.me-south-1.amazonaws.com"),
        ("arn:aws-cn:sns:cn-north-1:1", "sns.cn-north-1.amazonaws.com.cn", "sns-cn-north-1.amazonaws.com.cn"),
        ("arn:aws-us-gov:sns:us-gov-east-1:1", "sns.us-gov-east-1.amazonaws.com", "sns-us-gov-west-1.amazonaws.com"),
        (
            "arn:aws-eusc:sns:eusc-de-east-1:1",
            "sns.eusc-de-east-1.amazonaws.eu",
            "sns-signing.eusc-de-east-1.amazonaws.eu",
        ),
    ],
)
def test_each_region_signs_under_its_own_name(arn: str, host: str, signer: str) -> None:
    endpoint = Endpoint.of(arn[:-1] + "111122223333:topic")

    assert (endpoint.host, endpoint.signer) == (host, signer)
    assert endpoint.signs_at(f"https://{host}/{FILE}")


def test_a_topic_somewhere_unknown_stops_the_start() -> None:
    with pytest.raises(ConfigError, match="SNS_TOPIC_ARN"):
        SnsTopics([TOPIC, TOPIC.replace("arn:aws:", "arn:aws-moon:")], cert_dir=None, clock=Clock())


# Fetching, over real connections

Answer = Callable[[socket.socket, threading.Event], None]
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"


@contextmanager
def host(answer: Answer, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """The port of a host that reads a request and answers like this."""
    is_over = threading.Event()

    def serve(listener: socket.socket) -> None:
        with suppress(OSError):
            raw, _ = listener.accept()
            with context.wrap_socket(raw, server_side=True) if context else raw as connection:
                connection.recv(65536)
                answer(connection, is_over)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            is_over.set()
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            thread.join(20)


def says(text: bytes) -> Answer:
    """Gives this answer, whatever it was asked for."""
    return lambda connection, _: connection.sendall(text)


def drop_by_drop(text: bytes) -> list[bytes]:
    return [bytes([byte]) for byte in text]


def silent(_: socket.socket, is_over: threading.Event) -> None:
    is_over.wait(20)


PEM = b"a certificate" * 4
GOOD = HEAD % len(PEM) + PEM
ADDRESS = f"https://sns.eu-west-1.amazonaws.com/{FILE}"


def fetched(port: int, seconds: float = 20) -> bytes:
    return fetch(ADDRESS, connect=lambda _: HTTPConnection("127.0.0.1", port, timeout=seconds), seconds=seconds)


def test_what_is_there_is_fetched() -> None:
    with host(says(GOOD)) as port:
        assert fetched(port) == PEM


@pytest.mark.parametrize(
    "answer",
    [
        says(b""),
        says(b"words\r\n\r\n"),
        says(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\nshort"),
        says(b"HTTP/1.1 301 Moved\r\nLocation: https://evil.example/\r\nContent-Length: 0\r\n\r\n"),
        says(b"HTTP/1.1 307 Moved\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n"),
        says(GOOD.replace(b"200 OK", b"404 Not Found")),
        says(GOOD.replace(b"200 OK", b"206 Partial Content")),
        says(GOOD.replace(b"200 OK", b"500 Trouble")),
        says(HEAD % (MOST_BYTES + 1) + bytes(MOST_BYTES + 1)),
        says(b"HTTP/1.1 200 OK\r\nContent-Ty"),
        says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nwords\r\n"),
        says(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n"),
    ],
    ids="empty words short moved moved-here missing part trouble long cut-off bad-chunks many-headers".split(),
)
def test_sec_S6_another_answer_is_our_trouble(answer: Answer) -> None:
    with host(answer) as port, pytest.raises(Unavailable):
        fetched(port)


def test_sec_S6_ten_megabytes_are_not_read() -> None:
    sent: list[int] = []

    def pour(connection: socket.socket, _: threading.Event) -> None:
        connection.sendall(HEAD % 10_000_000)
        sent.extend(connection.send(bytes(10_000)) for _ in range(1000))

    with host(pour) as port, pytest.raises(Unavailable):
        fetched(port)
    assert sum(sent) < 10_000_000


def test_sec_S6_nobody_waits_for_a_host_that_is_silent() -> None:
    with host(silent) as port, pytest.raises(Unavailable):
        fetched(port, seconds=0.3)


@pytest.mark.parametrize(
    "chunks",
    [[GOOD[:10], *drop_by_drop(GOOD[10:])], [GOOD[: -len(PEM)], *drop_by_drop(PEM)]],
    ids=["head", "body"],
)
def test_sec_S6_what_drips_in_is_cut_off(chunks: list[bytes]) -> None:
    """Each drop comes long before any time-out, and all of them would be whole in the end."""
    drops = iter(chunks)

    def drip(connection: socket.socket, is_over: threading.Event) -> None:
        for drop in drops:
            connection.sendall(drop)
            is_over.wait(0.02)

    with host(drip) as port, pytest.raises(Unavailable):
        fetched(port, seconds=0.1)
    assert list(drops) != []


def test_sec_S6_a_host_that_takes_no_connection_is_not_waited_for() -> None:
    assert connection_to("sns.eu-west-1.amazonaws.com").timeout == MOST_SECONDS


def test_sec_S6_nobody_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with pytest.raises(Unavailable):
        fetched(port)


def authority(tmp_path: Path, name: str) -> tuple[ssl.SSLContext, Path]:
    """What a host with this name proves itself by, and what believes it."""
    key = rsa_key()
    pem, secret = tmp_path / "host.pem", tmp_path / "host.key"
    pem.write_bytes(certificate(key, name=name, hosts=(name,)))
    secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, secret)
    return context, pem


@pytest.mark.parametrize(
    ("name", "is_known", "is_believed"),
    [
        ("sns.eu-west-1.amazonaws.com", True, True),
        ("sns.eu-west-1.amazonaws.com", False, False),
        ("evil.example", True, False),
    ],
)
def test_sec_S6_a_host_must_prove_that_it_is_amazons(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, *, is_known: bool, is_believed: bool
) -> None:
    context, pem = authority(tmp_path, name)
    if is_known:
        monkeypatch.setenv("SSL_CERT_FILE", str(pem))

    def connect(asked: str) -> HTTPConnection:
        """Ours, but led to this machine."""
        connection = connection_to(asked)
        assert isinstance(connection, HTTPSConnection)
        connection.server_hostname, connection.host, connection.port = asked, "127.0.0.1", port
        return connection

    with host(says(GOOD), context) as port:
        if is_believed:
            assert fetch(ADDRESS, connect=connect) == PEM
        else:
            with pytest.raises(Unavailable):
                fetch(ADDRESS, connect=connect)


# Confirming


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of nobody, and no others to be found."""
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")


def handshake(topics: SnsTopics, sns: FakeSns) -> Message:
    """What the topic asks when it is subscribed to."""
    seen: list[Message] = []

    def post(body: bytes, headers: Any) -> int:
        seen.append(topics.verify(body, headers))
        return 200

    sns.subscribe(post)
    return seen[0]


def test_a_subscription_is_confirmed_by_its_token(
    topics: SnsTopics, sns: FakeSns, credentials: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = handshake(topics, sns)
    with sns.api() as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SNS", address)

        topics.confirm(message)

    (asked,) = sns.confirmed_by
    assert (asked["Token"], asked["TopicArn"], asked["AuthenticateOnUnsubscribe"]) == (message.token, TOPIC, "true")


def test_a_token_that_amazon_does_not_take_is_tried_again_later(
    topics: SnsTopics, sns: FakeSns, credentials: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = replace(handshake(topics, sns), token="other")
    with sns.api() as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SNS", address)

        with pytest.raises(Unavailable):
            topics.confirm(message)


def test_without_credentials_nothing_is_confirmed_now(
    topics: SnsTopics, sns: FakeSns, credentials: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")

    with pytest.raises(Unavailable):
        topics.confirm(handshake(topics, sns))


# Anything at all


def test_sec_S5_whatever_comes_is_refused_in_our_words(topics: SnsTopics, sns: FakeSns) -> None:
    chance = random.Random(5)  # the same each time
    for _ in range(500):
        body, headers = packed(sns.envelope(chance.choice(KINDS)))
        spoilt = bytearray(body)
        for _ in range(chance.randint(1, 4)):
            spoilt[chance.randrange(len(spoilt))] = chance.randrange(256)
        with suppress(AppError):
            message = topics.verify(bytes(spoilt), headers)
            assert message.text == "{}" or "Message" not in message.text

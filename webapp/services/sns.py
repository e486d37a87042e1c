"""Act on messages of Amazon SNS, each at most once."""

import logging
from collections.abc import Mapping
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from webapp.adapters.transcoders import reports
from webapp.db import db, only_one, utcnow, writing
from webapp.errors import Refused
from webapp.extensions import settings, topics
from webapp.models import SnsMessage, SnsTopic
from webapp.news import Message, Report
from webapp.services import outside, tagging
from webapp.words import N_

log = logging.getLogger(__name__)

APPLIED, REPEATED, IGNORED, CONFIRMED = "applied", "repeated", "ignored", "confirmed"
# SNS waits 15 seconds for an answer, and comes again after a 503.
PATIENCE_SECONDS = 5
# A message that is older is refused for its age.
REMEMBERED = timedelta(days=2)
EXPECTED = timedelta(hours=1)


class _Repeated(Exception):
    """The message has been acted on before."""


def receive(body: bytes, headers: Mapping[str, str]) -> str:
    """Take what was posted and say what became of it: applied, repeated, ignored or confirmed.

    Raises what `Topics.verify` and `Topics.confirm` raise, and Unavailable or OperationalError if it should come again.
    """
    message = topics.verify(body, headers)
    if message.kind == "Notification":
        return _hear(message)
    if message.kind == "SubscriptionConfirmation":
        return _confirm(message)
    # Its address would subscribe us again; whoever looks after the service decides about that.
    log.warning("sns: the subscription to %s has been ended", message.topic)
    return IGNORED


def expect(arn: str) -> None:
    """Let a subscription to the topic be confirmed within the next hour. Raises Refused if it is none of ours."""
    if arn not in settings.topics:
        raise Refused(N_("This topic is not one of those in SNS_TOPIC_ARN."))
    with writing():
        _topic(arn).expected_until = utcnow() + EXPECTED


def forget_old() -> None:
    """Forget which messages were acted on long ago."""
    with writing():
        db.session.execute(sa.delete(SnsMessage).where(SnsMessage.received_at < utcnow() - REMEMBERED))


def _confirm(message: Message) -> str:
    topic = db.session.get(SnsTopic, message.topic)
    is_expected = topic is None or _is_expected(topic)
    db.session.rollback()  # no transaction is open while the outside is waited for
    if not is_expected:
        log.warning("sns: nobody expects a subscription to %s, see `flask sns expect`", message.topic)
        return IGNORED
    topics.confirm(message)
    with writing(patience=PATIENCE_SECONDS):
        topic = _topic(message.topic)
        topic.confirmed_at, topic.expected_until = utcnow(), None
    log.info("sns: subscribed to %s", message.topic)
    return CONFIRMED


def _is_expected(topic: SnsTopic) -> bool:
    """Whether it was never confirmed, or may be again for a while."""
    return topic.confirmed_at is None or (topic.expected_until is not None and topic.expected_until > utcnow())


def _topic(arn: str) -> SnsTopic:
    """The row of the topic, added without committing if there is none."""
    only_one(f"topic {arn}")
    topic = db.session.get(SnsTopic, arn)
    if topic is None:
        topic = SnsTopic(arn=arn)
        db.session.add(topic)
    return topic


def _hear(message: Message) -> str:
    if _is_known(message):
        return REPEATED
    report = reports.parse(message.text)
    if report is None or not _is_of(message, report):
        log.info("sns: message %s is no news", message.id)
        return IGNORED
    events = outside.gather(report)
    try:
        with writing(patience=PATIENCE_SECONDS):
            _remember(message)
            is_news = outside.apply(report, events)
    except _Repeated:
        return REPEATED
    tagging.wake()
    log.info("sns: message %s of job %s: %s, %s", message.id, report.external_id, report.status, is_news)
    return APPLIED if is_news else IGNORED


def _is_known(message: Message) -> bool:
    found = db.session.scalar(sa.select(sa.exists().where(SnsMessage.id == message.id)))
    db.session.rollback()
    return bool(found)


def _is_of(message: Message, report: Report) -> bool:
    """Whether the job ran in the account of the topic, as far as the report says where it ran."""
    account = message.topic.split(":")[4]
    if report.account in ("", account):
        return True
    log.warning("sns: message %s tells of a job of another account", message.id)
    return False


def _remember(message: Message) -> None:
    """Note the message, without committing. Raises _Repeated if that has been done before: its key decides."""
    try:
        db.session.execute(sa.insert(SnsMessage).values(id=message.id))
    except IntegrityError as exc:
        raise _Repeated from exc

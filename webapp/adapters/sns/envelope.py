"""What Amazon SNS posts, read strictly: a body that can be read in two ways is not read at all.

https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
"""

import base64
import json
import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

from webapp.errors import BadRequest, TooLarge

log = logging.getLogger(__name__)

# Bytes: the longest message that a topic takes, and what is around it.
LONGEST = (256 + 16) * 1024

NOTIFICATION, SUBSCRIPTION, UNSUBSCRIPTION = "Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"
_OF_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
# In this order, which is that of the string that Amazon signs.
SIGNED = {
    NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    SUBSCRIPTION: _OF_CONFIRMATION,
    UNSUBSCRIPTION: _OF_CONFIRMATION,
}
_EVER_SIGNED = {name for names in SIGNED.values() for name in names}
_OPTIONAL = "Subject"
_AROUND = ("SignatureVersion", "Signature", "SigningCertURL")

_KIND_HEADER, _RAW_HEADER = "x-amz-sns-message-type", "x-amz-sns-rawdelivery"
_HEADERS = {_KIND_HEADER: "Type", "x-amz-sns-message-id": "MessageId", "x-amz-sns-topic-arn": "TopicArn"}
_ID = re.compile(r"[!-~]{1,128}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z")


@dataclass(frozen=True)
class Envelope:
    """A message as it was posted. Nothing of it is known to be true yet."""

    kind: str
    id: str
    topic: str
    text: str
    token: str
    sent_at: datetime
    version: str
    signature: bytes
    certificate: str
    """The address of the certificate that it says it is signed with."""
    signed: bytes
    """What the signature is of."""


def read(body: bytes, headers: Mapping[str, str]) -> Envelope:
    """What was posted. Raises BadRequest for what is no message, or not that of the headers, and TooLarge."""
    if len(body) > LONGEST:
        raise TooLarge
    said = _fields(body)
    kind = said.get("Type")
    if not isinstance(kind, str) or kind not in SIGNED:
        _not_read("its type is unknown")
    names = [name for name in SIGNED[kind] if name in said or name != _OPTIONAL]
    texts = {name: _text(said, name) for name in (*names, *_AROUND)}
    # A field that is signed in messages of another kind says nothing here, and nobody vouches for it.
    if strange := (_EVER_SIGNED & said.keys()) - set(names):
        _not_read(f"a {kind} has no {min(strange)}")
    _compare(texts, headers)
    if not _ID.fullmatch(texts["MessageId"]):
        _not_read("its number is odd")
    return Envelope(
        kind=kind,
        id=texts["MessageId"],
        topic=texts["TopicArn"],
        text=texts["Message"],
        token=texts.get("Token", ""),
        sent_at=_time(texts["Timestamp"]),
        version=texts["SignatureVersion"],
        signature=_bytes(texts["Signature"]),
        certificate=texts["SigningCertURL"],
        signed="".join(f"{name}\n{texts[name]}\n" for name in names).encode(),
    )


def _fields(body: bytes) -> dict[str, Any]:
    try:
        said = json.loads(body.decode(), object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError) as exc:
        log.info("sns: not read: %s", type(exc).__name__)
        raise BadRequest from exc
    if not isinstance(said, dict):
        _not_read("it is no object")
    return said


def _once(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """An object none of whose names comes twice: which of the two would the signature be of?"""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError("a name comes twice")
        found[name] = value
    return found


def _no_number(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def _text(said: Mapping[str, Any], name: str) -> str:
    value = said.get(name)
    if not isinstance(value, str):
        _not_read(f"{name} is no text")
    try:
        value.encode()
    except UnicodeEncodeError as exc:  # half of a pair of surrogates
        log.info("sns: not read: %s is no Unicode", name)
        raise BadRequest from exc
    return value


def _compare(texts: Mapping[str, str], headers: Mapping[str, str]) -> None:
    given = {name.lower(): value for name, value in headers.items()}
    # What is delivered raw has no envelope and no signature.
    if _RAW_HEADER in given:
        _not_read("it was delivered raw")
    for header, name in _HEADERS.items():
        if given.get(header) != texts[name]:
            _not_read(f"the header {header} says something else")


def _time(text: str) -> datetime:
    if not _TIME.fullmatch(text):
        _not_read("its time is odd")
    try:
        return datetime.fromisoformat(text)
    except ValueError as exc:
        log.info("sns: not read: there is no such time")
        raise BadRequest from exc


def _bytes(text: str) -> bytes:
    """Of base64 in the one way in which these bytes are written."""
    try:
        found = base64.b64decode(text)
    except ValueError:
        found = b""
    if base64.b64encode(found).decode() != text:
        _not_read("its signature is not base64")
    return found


def _not_read(why: str) -> NoReturn:
    log.info("sns: not read: %s", why)
    raise BadRequest

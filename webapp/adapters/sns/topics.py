"""The topics of Amazon SNS: whether a message is one of theirs, and confirming that they may send some."""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from webapp.adapters import aws
from webapp.adapters.sns import envelope
from webapp.adapters.sns.certificates import Certificates
from webapp.adapters.sns.endpoints import Endpoint
from webapp.adapters.sns.envelope import Envelope
from webapp.adapters.sns.fetching import fetch
from webapp.errors import BadRequest, Forbidden, Unavailable
from webapp.news import Message

log = logging.getLogger(__name__)

# SNS goes on trying for an hour at most, and clocks differ.
OLDEST, SKEW = timedelta(hours=1), timedelta(minutes=5)
_HASHES = {"1": SHA1, "2": SHA256}


class SnsTopics:
    """Those of the settings. `fetch` gives the bytes of a certificate by its address, or raises Unavailable."""

    def __init__(
        self,
        topics: Sequence[str],
        *,
        cert_dir: Path | None,
        clock: Callable[[], datetime],
        fetch: Callable[[str], bytes] = fetch,
    ) -> None:
        self.endpoints = {topic: Endpoint.of(topic) for topic in topics}
        self.clock = clock
        self.certificates = Certificates(cert_dir, fetch=fetch, clock=clock)

    def verify(self, body: bytes, headers: Mapping[str, str]) -> Message:
        """What costs least is looked at first, and nothing is fetched before all else is right."""
        read = envelope.read(body, headers)
        endpoint = self.endpoints.get(read.topic)
        if endpoint is None:
            raise _not_believed("its topic is none of ours", read)
        if read.version not in _HASHES:
            raise BadRequest
        age = self.clock() - read.sent_at
        if not -SKEW <= age <= OLDEST + SKEW:
            raise _not_believed(f"it is {age} old", read)
        if not endpoint.signs_at(read.certificate):
            raise _not_believed("its certificate is not at Amazon's address", read)
        self._check_signature(read, endpoint)
        return Message(id=read.id, kind=read.kind, topic=read.topic, text=read.text, token=read.token)

    def _check_signature(self, read: Envelope, endpoint: Endpoint) -> None:
        key = self.certificates.key(read.certificate, endpoint.signer)
        try:
            key.verify(read.signature, read.signed, PKCS1v15(), _HASHES[read.version]())
        except InvalidSignature as exc:
            raise _not_believed("its signature is wrong", read) from exc

    def confirm(self, message: Message) -> None:
        """By the token alone: the address that a message tells us to visit is never visited."""
        try:
            aws.client("sns", self.endpoints[message.topic].region).confirm_subscription(
                # Else whoever sees a message could end the subscription by the address in it.
                TopicArn=message.topic, Token=message.token, AuthenticateOnUnsubscribe="true",
            )  # fmt: skip
        except aws.AWS_TROUBLE as exc:
            log.warning("sns: %s could not be confirmed: %s", message.topic, exc)
            raise Unavailable from exc


def _not_believed(why: str, read: Envelope) -> Forbidden:
    log.warning("sns: message %s is not believed: %s", read.id, why)
    return Forbidden()

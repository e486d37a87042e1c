"""Amazon SNS as far as one HTTP subscription sees it, with an authority of its own in the place of Amazon's.

It sends the real headers and envelope, signed by version 1 or 2; nothing but the handshake before it is confirmed; one
attempt and three more, none after a 4xx. What could not be delivered is in `dead_letters`. It waits for nothing.
"""

import base64
import json
import secrets
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from flask.testing import FlaskClient

from webapp.db import utcnow

TOPIC = "arn:aws:sns:eu-west-1:111122223333:transcoded"
PATH = "/transcode-complete/"
RETRIES = 3
# Written out once more: a double that asked the code what is signed would agree with it whatever it says.
SIGNED = {
    "Notification": "Message MessageId Subject Timestamp TopicArn Type",
    "SubscriptionConfirmation": "Message MessageId SubscribeURL Timestamp Token TopicArn Type",
    "UnsubscribeConfirmation": "Message MessageId SubscribeURL Timestamp Token TopicArn Type",
}

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
Headers = Mapping[str, str]
Post = Callable[[bytes, Headers], int]
"""Delivers a body with its headers and returns the status of the answer; raises OSError if there is none."""
Envelope = dict[str, Any]


@cache
def rsa_key(name: str = "", bits: int = 2048) -> rsa.RSAPrivateKey:
    """A key, the same one for the same name."""
    return rsa.generate_private_key(65537, bits)


def certificate(
    key: Key,
    *,
    name: str = "sns.amazonaws.com",
    hosts: tuple[str, ...] = (),
    begins: datetime | None = None,
    ends: datetime | None = None,
) -> bytes:
    """One in PEM that vouches for itself; without other hosts it names nobody but its owner."""
    owner = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)] if name else [])
    now = utcnow()
    draft = (
        x509.CertificateBuilder()
        .subject_name(owner)
        .issuer_name(owner)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins or now - timedelta(days=30))
        .not_valid_after(ends or now + timedelta(days=30))
    )
    if hosts:
        draft = draft.add_extension(x509.SubjectAlternativeName([x509.DNSName(h) for h in hosts]), critical=False)
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return draft.sign(key, algorithm).public_bytes(Encoding.PEM)


def sign(envelope: Envelope, key: rsa.RSAPrivateKey) -> Envelope:
    """The envelope with the signature that it should have, by the version that it says."""
    names = [name for name in SIGNED[envelope["Type"]].split() if name in envelope]
    text = "".join(f"{name}\n{envelope[name]}\n" for name in names).encode()
    algorithm = hashes.SHA1() if envelope["SignatureVersion"] == "1" else hashes.SHA256()
    return envelope | {"Signature": base64.b64encode(key.sign(text, padding.PKCS1v15(), algorithm)).decode()}


def packed(envelope: Envelope) -> tuple[bytes, dict[str, str]]:
    """The body and headers that deliver it."""
    headers = {
        "Content-Type": "text/plain; charset=UTF-8",
        "User-Agent": "Amazon Simple Notification Service Agent",
        "x-amz-sns-message-type": str(envelope.get("Type")),
        "x-amz-sns-message-id": str(envelope.get("MessageId")),
        "x-amz-sns-topic-arn": str(envelope.get("TopicArn")),
    }
    if envelope.get("Type") != "SubscriptionConfirmation":
        headers["x-amz-sns-subscription-arn"] = f"{envelope.get('TopicArn')}:{uuid.UUID(int=1)}"
    return json.dumps(envelope, indent=2, ensure_ascii=False).encode("utf-8", "surrogatepass"), headers


@dataclass
class FakeSns:
    """One topic with at most one subscription. `fetch` is what gives its certificate; `fetched` are the addresses."""

    topic: str = TOPIC
    version: str = "1"
    clock: Callable[[], datetime] = utcnow

    def __post_init__(self) -> None:
        self.key = rsa_key()
        self.pem = certificate(self.key, hosts=("sns.amazonaws.com",))
        self.fetched: list[str] = []
        self.attempts: list[int] = []
        """The status of each attempt at a delivery, 0 for none."""
        self.dead_letters: list[Envelope] = []
        self.confirmed_by: list[dict[str, str]] = []
        """What the API was asked to confirm, and how."""
        self.between: Callable[[], object] = lambda: None
        """Called before another attempt is made."""
        self._host = f"https://sns.{self.topic.split(':')[3]}.amazonaws.com"
        self._post: Post | None = None
        self._token = ""

    @property
    def certificate_address(self) -> str:
        return f"{self._host}/SimpleNotificationService-{'7' * 32}.pem"

    def fetch(self, address: str) -> bytes:
        self.fetched.append(address)
        return self.pem

    def write_certificate(self, folder: Path) -> None:
        """Put it where SNS_CERT_DIR has it."""
        (folder / self.certificate_address.rpartition("/")[2]).write_bytes(self.pem)

    def envelope(self, kind: str = "Notification", **given: Any) -> Envelope:
        """A message, signed with what is given in the place of the usual."""
        usual = {
            "Type": kind,
            "MessageId": str(uuid.uuid4()),
            "TopicArn": self.topic,
            "Message": "{}",
            "Timestamp": self.clock().isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "SignatureVersion": self.version,
            "SigningCertURL": self.certificate_address,
        }
        if kind == "Notification":
            usual["UnsubscribeURL"] = (
                f"{self._host}/?Action=Unsubscribe&SubscriptionArn={self.topic}:{uuid.UUID(int=1)}"
            )
        else:
            token = secrets.token_hex(64)
            address = f"{self._host}/?Action=ConfirmSubscription&TopicArn={self.topic}&Token={token}"
            usual |= {"Token": token, "SubscribeURL": address}
        return sign(usual | given, self.key)

    def subscribe(self, post: Post) -> int:
        """Ask the other side to confirm; the status of its answer."""
        self._post = post
        asked = self.envelope("SubscriptionConfirmation", Message="You have chosen to subscribe to the topic.")
        self._token = asked["Token"]
        return self._deliver(asked)

    def publish(self, text: str, subject: str | None = None, **given: Any) -> int | None:
        """Tell the subscriber; the status of its last answer, None if there is no subscription that is confirmed."""
        if not self.confirmed_by:
            return None
        return self._deliver(self.envelope(Message=text, **({"Subject": subject} if subject else {}), **given))

    def _deliver(self, envelope: Envelope) -> int:
        assert self._post is not None
        status = 0
        for attempt in range(1 + RETRIES):
            if attempt:
                self.between()
            try:
                status = self._post(*packed(envelope))
            except OSError:
                status = 0
            self.attempts.append(status)
            if 200 <= status < 300:
                return status
            if 400 <= status < 500:
                break
        self.dead_letters.append(envelope)
        return status

    @contextmanager
    def api(self) -> Iterator[str]:
        """Where boto3 finds it, for AWS_ENDPOINT_URL_SNS."""
        fake = self

        class Answers(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                asked = {name: values[0] for name, values in parse_qs(self.rfile.read(length).decode()).items()}
                self.send_response(HTTPStatus.OK if fake._confirms(asked) else HTTPStatus.BAD_REQUEST)
                self.end_headers()
                self.wfile.write(_ANSWER.format(fake.topic).encode())

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
            Thread(target=server.serve_forever, daemon=True).start()
            yield f"http://127.0.0.1:{server.server_port}"
            server.shutdown()

    def _confirms(self, asked: dict[str, str]) -> bool:
        is_right = (asked["Action"], asked["TopicArn"], asked["Token"]) == (
            "ConfirmSubscription", self.topic, self._token,
        )  # fmt: skip
        if is_right:
            self.confirmed_by.append(asked)
        return is_right


_ANSWER = """<ConfirmSubscriptionResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><ConfirmSubscriptionResult>
<SubscriptionArn>{}:1</SubscriptionArn></ConfirmSubscriptionResult></ConfirmSubscriptionResponse>"""


def through(client: FlaskClient) -> Post:
    """Delivery to the app in this process."""
    return lambda body, headers: client.post(PATH, data=body, headers=dict(headers)).status_code


def over_http(address: str) -> Post:
    """Delivery to a web process at http://host:port."""

    def post(body: bytes, headers: Headers) -> int:
        request = urllib.request.Request(address + PATH, data=body, headers=dict(headers), method="POST")
        try:
            with urllib.request.urlopen(request, timeout=15) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    return post

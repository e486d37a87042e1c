"""What the command line asks of AWS: static files into the bucket, topics that tell us, and whether all is well."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from botocore.exceptions import ClientError

from webapp.adapters.aws import AWS_TROUBLE, client, code_of, reason_of
from webapp.adapters.doctor.examination import examine
from webapp.adapters.doctor.findings import Finding
from webapp.adapters.names import Names, region_of
from webapp.adapters.storage.bucket import MISSING
from webapp.errors import Unavailable
from webapp.words import N_

STATIC = "static/"
# Their names hold a hash of what is in them.
FOR_EVER = "public, max-age=31536000, immutable"


class StaticFile(Protocol):
    """A static file under a name that holds a hash of what is in it."""

    @property
    def hashed_name(self) -> str:
        """Another content has another one."""

    @property
    def type(self) -> str:
        """Its content type."""

    @property
    def body(self) -> bytes:
        """What is in it."""

    @property
    def compressed(self) -> bytes:
        """The same by gzip; the body itself where that is no smaller."""


class Cloud:
    """What is ours in AWS. Raises Unavailable, with AWS's own words, when something is not done."""

    def __init__(self, names: Names) -> None:
        self.names = names

    def push(self, files: Iterable[StaticFile]) -> Iterator[str]:
        """Put those that are not there yet below static/ in the bucket, and yield the name of each when it is there."""
        with _in_words():
            s3 = client("s3", self.names.region or None)
            for file in files:
                place = {"Bucket": self.names.bucket, "Key": STATIC + file.hashed_name}
                if not _is_there(s3, place):
                    s3.put_object(**place, **_as_object(file))
                    yield file.hashed_name

    def subscribe(self, topic: str, address: str) -> None:
        """Have the topic send its messages to the address, after it has been asked there to confirm that."""
        with _in_words():
            sns = client("sns", region_of(topic))
            sns.subscribe(TopicArn=topic, Protocol=address.partition("://")[0], Endpoint=address)

    def examine(self) -> Iterator[Finding]:
        """Look whether all is there and set up as it should be. This raises nothing."""
        return examine(self.names)


def _as_object(file: StaticFile) -> dict[str, object]:
    """A bucket serves what it is given: it neither compresses nor knows how long a thing may be kept."""
    is_smaller = len(file.compressed) < len(file.body)
    return {
        "Body": file.compressed,
        "ContentType": file.type,
        "CacheControl": FOR_EVER,
        **({"ContentEncoding": "gzip"} if is_smaller else {}),
    }


def _is_there(s3: Any, place: dict[str, str]) -> bool:
    try:
        s3.head_object(**place)
    except ClientError as exc:
        if code_of(exc) in MISSING:
            return False
        raise
    return True


@contextmanager
def _in_words() -> Iterator[None]:
    try:
        yield
    except AWS_TROUBLE as exc:
        raise Unavailable(N_("AWS does not do that: {reason}"), reason=reason_of(exc)) from exc

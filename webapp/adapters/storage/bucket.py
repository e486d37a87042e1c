"""A bucket of Amazon S3, asked in S3's own words; what goes wrong is told in ours."""

import logging
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from urllib3.exceptions import HTTPError

from webapp.adapters import aws
from webapp.errors import AppError, ObjectMissing, StorageUnavailable

log = logging.getLogger(__name__)

CHUNK_BYTES = 1024 * 1024
# How often one stretch is asked for: a line that is cut is taken up again where it was.
MOST_GETS = 4
# An address that is passed on is worth something for so long only, yet a slow line gets a part through in it.
SIGNED_SECONDS = 3600
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html; a HEAD has no body, so only the status is told.
# The last three say that an upload does not consist of the parts that were named.
MISSING = ("NoSuchKey", "NoSuchUpload", "404", "InvalidPart", "InvalidPartOrder", "EntityTooSmall")


@contextmanager
def in_our_words(missing: type[AppError] = ObjectMissing) -> Iterator[None]:
    """Turn what a call raises into errors of ours. Never to be put around code of the caller's."""
    try:
        yield
    except (*aws.AWS_TROUBLE, HTTPError) as exc:
        if aws.code_of(exc) in MISSING:
            raise missing from exc
        log.warning("storage: %s", exc)  # a user is only told to try again; what has to be mended is said here
        raise StorageUnavailable from exc


class Bucket:
    """One bucket. Everything here raises ObjectMissing for what is not there, and StorageUnavailable for the rest."""

    def __init__(self, name: str, region: str) -> None:
        self.name = name
        self.client = aws.client("s3", region)

    @property
    def origin(self) -> str:
        """Where signed addresses lead, as https://host."""
        endpoint = urlsplit(self.client.meta.endpoint_url)
        # A certificate for *.host is none for a name with a dot in it, so such buckets are asked for by their path.
        is_in_path = "." in self.name or self.client.meta.config.s3["addressing_style"] == "path"
        return f"{endpoint.scheme}://{'' if is_in_path else self.name + '.'}{endpoint.netloc}"

    def ask(self, operation: str, *, missing: type[AppError] = ObjectMissing, **words: Any) -> Any:
        """The answer to one call, by boto3's name for it; `missing` is raised for what is not there."""
        with in_our_words(missing):
            return getattr(self.client, operation)(Bucket=self.name, **words)

    def pages(self, operation: str, **words: Any) -> Iterator[Any]:
        """All the answers of a call that lists."""
        pages = iter(self.client.get_paginator(operation).paginate(Bucket=self.name, **words))
        while True:
            with in_our_words():
                page = next(pages, None)
            if page is None:
                return
            yield page

    def read(self, key: str, first: int, end: int) -> Iterator[bytes]:
        """The bytes from the first (from 0) to before the end, little by little, all of one version of the object."""
        version: dict[str, Any] = {}
        for left in reversed(range(MOST_GETS)):
            if first >= end:
                return
            answer = self.ask("get_object", Key=key, Range=f"bytes={first}-{end - 1}", **version)
            version = {"IfMatch": answer["ETag"]}
            try:
                for chunk in _chunks(answer["Body"]):
                    first += len(chunk)
                    yield chunk
            except StorageUnavailable:
                if not left:
                    raise

    def sign(self, operation: str, **words: Any) -> str:
        """An address that lets whoever has it make this one call, for an hour."""
        with in_our_words():
            address: str = self.client.generate_presigned_url(
                operation, Params={"Bucket": self.name, **words}, ExpiresIn=SIGNED_SECONDS
            )
        return address


def _chunks(body: Any) -> Iterator[bytes]:
    with closing(body):
        while True:
            with in_our_words():
                chunk = body.read(CHUNK_BYTES)
            if not chunk:
                return
            yield chunk


def clock_of(answer: Any) -> datetime:
    """What time it was for S3 when it answered: ages are told by one clock."""
    return parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])

"""Amazon's S3 (and moto's SQS, SNS and STS) on this machine, over HTTP.

    with aws.serve() as address: …      # in this process; `settings(address)` is what boto3 must be told
    python -m tests.doubles.aws         # as a process of its own; its first line is the address

It is moto, made as strict as S3 where our code depends on it: what is closed is told as such, and a list says when an
upload was begun.
"""

import logging
import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.config import Config
from moto.s3.exceptions import NoSuchUpload
from moto.s3.models import FakeBucket
from moto.s3.responses import S3Response
from moto.server import ThreadedMotoServer

BUCKET = "tapedeck-test"
REGION = "eu-west-1"
# Nothing of this machine's own settings counts.
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}
SERVICES = ("S3", "SQS", "SNS", "STS")
# What moto says of every upload.
_ALWAYS = re.compile("2010-11-10T20:48:33.000Z")


def settings(address: str) -> dict[str, str]:
    """The environment in which boto3 asks this double."""
    return CREDENTIALS | {f"AWS_ENDPOINT_URL_{service}": address for service in SERVICES}


@contextmanager
def serve(*, in_memory: bool = True) -> Iterator[str]:
    """The address of a server in this process, with the bucket in it. What it keeps is this process's, and one.

    What lies on the disk instead, moto never closes, so Python warns of it.
    """
    with pytest.MonkeyPatch.context() as patch:
        if in_memory:
            patch.setenv("MOTO_S3_DEFAULT_KEY_BUFFER_SIZE", str(2**40))
        _make_strict(patch)
        logging.getLogger("werkzeug").setLevel(logging.WARNING)
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        host, port = server.get_host_and_port()
        try:
            make_bucket(f"http://{host}:{port}")
            yield f"http://{host}:{port}"
        finally:
            server.stop()


def client(address: str, service: str = "s3") -> Any:
    """A client of our own, to look in from outside."""
    config = Config(signature_version="s3v4" if service == "s3" else None, s3={"addressing_style": "path"})
    return boto3.client(
        service,  # type: ignore[call-overload, unused-ignore]
        endpoint_url=address,
        region_name=REGION,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=config,
    )


def make_bucket(address: str, name: str = BUCKET) -> None:
    """A private bucket, as deploy/ makes it."""
    s3 = client(address)
    with suppress(s3.exceptions.BucketAlreadyOwnedByYou):  # an earlier server of this process has made it
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    closed = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
    s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=closed)


def empty_bucket(address: str, name: str = BUCKET) -> None:
    """Forget all objects and all open uploads."""
    s3 = client(address)
    for each in s3.list_objects_v2(Bucket=name).get("Contents", ()):
        s3.delete_object(Bucket=name, Key=each["Key"])
    for each in s3.list_multipart_uploads(Bucket=name).get("Uploads", ()):
        s3.abort_multipart_upload(Bucket=name, Key=each["Key"], UploadId=each["UploadId"])


class _Open(dict[str, Any]):
    """The open uploads of a bucket."""

    def __setitem__(self, name: str, upload: Any) -> None:
        upload.begun_at = datetime.now(UTC)
        super().__setitem__(name, upload)

    def __missing__(self, name: str) -> Any:
        raise NoSuchUpload(upload_id=name)  # moto has a KeyError here, which comes out as a 500


def _make_strict(patch: pytest.MonkeyPatch) -> None:
    make, tell = FakeBucket.__init__, S3Response.list_multipart_uploads

    def made(self: Any, *args: Any, **kwargs: Any) -> None:
        make(self, *args, **kwargs)
        self.multiparts = _Open()

    def told(self: Any) -> Any:
        uploads = self.backend.list_multipart_uploads(self.bucket_name).values()
        prefix = self.querystring.get("prefix", [""])[0]
        times = iter([f"{u.begun_at:%Y-%m-%dT%H:%M:%S.000Z}" for u in uploads if u.key_name.startswith(prefix)])
        status, headers, body = tell(self)
        text = body.decode() if isinstance(body, bytes) else body
        return status, headers, _ALWAYS.sub(lambda _: next(times), text)

    patch.setattr(FakeBucket, "__init__", made)
    patch.setattr(S3Response, "list_multipart_uploads", told)


if __name__ == "__main__":
    with serve(in_memory=False) as address:
        print(address, flush=True)  # noqa: T201 - whoever started this reads it
        signal.pause()

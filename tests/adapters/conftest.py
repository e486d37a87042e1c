"""What tests of adapters can ask for: Amazon's side, on this machine."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from moto.s3 import models as moto

from tests.doubles import aws
from webapp.adapters.storage.s3 import S3Storage


@pytest.fixture(scope="session")
def aws_server() -> Iterator[str]:
    """The address of S3, SQS, SNS and STS, for the whole run."""
    with aws.serve() as address:
        yield address


@pytest.fixture
def aws_address(aws_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The same, with an empty bucket, for boto3 to be asked."""
    for name, value in aws.settings(aws_server).items():
        monkeypatch.setenv(name, value)
    yield aws_server
    aws.empty_bucket(aws_server)


@pytest.fixture
def s3(aws_address: str, tmp_path: Path) -> S3Storage:
    """A storage in an empty bucket."""
    return S3Storage(aws.BUCKET, aws.REGION, tmp_path)


@pytest.fixture
def short_parts(monkeypatch: pytest.MonkeyPatch) -> int:
    """The least size of a part but the last, in bytes: S3's own is 5 MiB."""
    monkeypatch.setattr(moto, "S3_UPLOAD_PART_MIN_SIZE", 4)
    return 4

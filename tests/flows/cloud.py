"""Amazon as far as the house needs it, with real HTTP on all sides: S3, MediaConvert, EventBridge and SNS."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import pytest

from tests.doubles import aws
from tests.doubles.mediaconvert import FINAL, FakeMediaConvert
from tests.doubles.sns import FakeSns, over_http
from tests.flows.house import House, wait_for

ROLE = "arn:aws:iam::111122223333:role/tapedeck-mediaconvert"
# What of MediaConvert's events the rule in deploy/ lets through.
TOLD = ("PROGRESSING", "COMPLETE", "ERROR", "CANCELED")


class Cloud:
    """A house that works there. What `is_silent`, SNS does not deliver."""

    def __init__(self, house: House, s3: str, mediaconvert: FakeMediaConvert, sns: FakeSns) -> None:
        self.house = house
        self.s3 = s3
        self.objects = aws.client(s3)
        self.mediaconvert = mediaconvert
        self.sns = sns
        self.is_silent = False

    @classmethod
    @contextmanager
    def opened(cls, folder: Path, **settings: str) -> Iterator[Self]:
        """A house and its cloud, with the subscription confirmed."""
        certificates = folder / "certificates"
        certificates.mkdir(parents=True)
        sns = FakeSns(version="2")
        sns.write_certificate(certificates)
        with aws.serve() as s3, FakeMediaConvert() as mediaconvert, sns.api() as api:
            environment = aws.settings(s3) | mediaconvert.environment | {"AWS_ENDPOINT_URL_SNS": api}
            own = {
                "STORAGE": "s3",
                "AWS_STORAGE_BUCKET_NAME": aws.BUCKET,
                "AWS_REGION": aws.REGION,
                "TRANSCODER": "mediaconvert",
                "MEDIACONVERT_ROLE_ARN": ROLE,
                "SNS_TOPIC_ARN": sns.topic,
                "SNS_CERT_DIR": str(certificates),
            }
            with pytest.MonkeyPatch.context() as patch:
                for name, value in environment.items():
                    patch.setenv(name, value)
                all_settings: dict[str, Any] = environment | own | settings
                with House.opened(folder / "instance", **all_settings) as house:
                    cloud = cls(house, s3, mediaconvert, sns)
                    cloud.open_doors()
                    yield cloud

    def open_doors(self) -> None:
        """Let browsers of the house's address put parts, as deploy/ does, and SNS find the receiver."""
        rule = {
            "AllowedOrigins": [self.house.address.rstrip("/")],
            "AllowedMethods": ["PUT", "GET", "HEAD"],
            "AllowedHeaders": ["*"],
            "ExposeHeaders": ["ETag"],
        }
        self.objects.put_bucket_cors(Bucket=aws.BUCKET, CORSConfiguration={"CORSRules": [rule]})
        assert self.sns.subscribe(over_http(self.house.address.rstrip("/"))) == 200

    def job(self) -> str:
        """The number of the one job that MediaConvert has not ended, as soon as there is one."""

        def open_jobs() -> list[str]:
            return [each for each, job in list(self.mediaconvert.jobs.items()) if job["status"] not in FINAL]

        (job,) = wait_for("a job to be submitted", open_jobs)
        return job

    def begin(self, job: str) -> None:
        """Set MediaConvert to work on it."""
        self.tell(self.mediaconvert.begin(job))

    def finish(self, job: str) -> None:
        """Let it end."""
        self.tell(self.mediaconvert.finish(job))

    def tell(self, event: dict[str, Any]) -> int | None:
        """What EventBridge and SNS make of an event; the status of the answer, if anybody was told."""
        if self.is_silent or event["detail"]["status"] not in TOLD:
            return None
        return self.sns.publish(json.dumps(event))

    def keys(self, top: str) -> list[str]:
        """The objects below media/ or transcoded/."""
        found = self.objects.list_objects_v2(Bucket=aws.BUCKET, Prefix=f"{top}/").get("Contents", ())
        return sorted(each["Key"] for each in found)

    def sound(self, key: str) -> bytes:
        """An object."""
        return bytes(self.objects.get_object(Bucket=aws.BUCKET, Key=key)["Body"].read())

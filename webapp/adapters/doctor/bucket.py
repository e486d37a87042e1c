"""Look at the bucket: whether objects can be kept there, by us and by browsers, and by nobody else."""

import secrets
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cached_property
from http import HTTPStatus
from typing import Any

import urllib3

from webapp.adapters.aws import CONNECT_SECONDS, READ_SECONDS, client
from webapp.adapters.doctor.findings import Look, NotTried, Wrong, asking, needing
from webapp.adapters.names import Names
from webapp.adapters.storage.s3_uploads import MARK

# AWS refuses what is signed a quarter of an hour off (RequestTimeTooSkewed); a clock that is kept is right to a second.
LARGEST_SKEW = timedelta(minutes=5)
TRIAL = b"Tapedeck looks whether it can keep things here."
BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


def now() -> datetime:
    """The time by this machine."""
    return datetime.now(UTC)


class BucketLooks:
    """Looks at one bucket, by an object that is put into it and taken away again."""

    def __init__(self, names: Names) -> None:
        self.names = names
        times = urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
        self.http = urllib3.PoolManager(timeout=times, retries=False)
        self.key = f"media/doctor/{secrets.token_hex(8)}"
        self.is_kept = False

    def looks(self) -> list[Look]:
        """In the order in which they are to be made."""
        return [
            ("clock", self._clock),
            ("bucket", self._bucket),
            ("put an object", self._put),
            ("get an object", self._get),
            ("presigned address", self._presigned),
            ("bucket is private", self._private),
            ("delete an object", self._delete),
            ("list objects", self._objects),
            ("list uploads", self._uploads),
            ("begin and abort an upload", self._upload),
            ("public access block", self._block),
            ("CORS", self._cors),
        ]

    @cached_property
    def _s3(self) -> Any:
        if not self.names.bucket:
            raise NotTried("AWS_STORAGE_BUCKET_NAME is not set")
        return client("s3", self.names.region or None)

    def _clock(self) -> str:
        answer = self.http.request("HEAD", self._s3.meta.endpoint_url, redirect=False)
        skew = abs(parsedate_to_datetime(answer.headers["Date"]) - now())
        if skew > LARGEST_SKEW:
            raise Wrong(f"it is {skew} off, and AWS believes nothing that is signed with it: set it right")
        return f"at most {int(skew.total_seconds()) + 1} s off"

    def _bucket(self) -> str:
        headers = self._s3.head_bucket(Bucket=self.names.bucket)["ResponseMetadata"]["HTTPHeaders"]
        region = headers.get("x-amz-bucket-region", self.names.region)
        if region != self.names.region:
            raise Wrong(f"it is in {region}, and AWS_REGION says {self.names.region}")
        return f"{self.names.bucket} in {region}"

    def _put(self) -> str:
        # With the mark of what the app puts, so that no job is started for it.
        self._s3.put_object(Bucket=self.names.bucket, Key=self.key, Body=TRIAL, Metadata=MARK)
        self.is_kept = True
        return self.key

    def _get(self) -> str:
        self._needs_object()
        if self._s3.get_object(Bucket=self.names.bucket, Key=self.key)["Body"].read() != TRIAL:
            raise Wrong("it is not what was put")
        return "it is what was put"

    def _presigned(self) -> str:
        answer = self.http.request("GET", self._address(), redirect=False)
        if answer.status != HTTPStatus.OK or answer.data != TRIAL:
            raise Wrong(f"{answer.status} in place of the object")
        return "whoever has it gets the object"

    def _private(self) -> str:
        answer = self.http.request("GET", self._address().partition("?")[0], redirect=False)
        if answer.status == HTTPStatus.OK:
            raise Wrong("anybody can get the object: block public access, and take the policy away that allows it")
        return f"{answer.status} without a signature"

    def _delete(self) -> str:
        self._needs_object()
        self._s3.delete_object(Bucket=self.names.bucket, Key=self.key)
        return "it is gone"

    def _objects(self) -> str:
        s3 = self._s3
        with needing("s3:ListBucket"):
            s3.list_objects_v2(Bucket=self.names.bucket, Prefix="media/", MaxKeys=1)
        return "the sweep can look for what belongs to nothing"

    def _uploads(self) -> str:
        s3 = self._s3
        with needing("s3:ListBucketMultipartUploads"):
            s3.list_multipart_uploads(Bucket=self.names.bucket, Prefix="media/", MaxUploads=1)
        return "the sweep can look for those that nobody ends"

    def _upload(self) -> str:
        s3 = self._s3
        with needing("s3:PutObject"):
            begun = s3.create_multipart_upload(Bucket=self.names.bucket, Key=self.key, Metadata=MARK)
        upload = {"Bucket": self.names.bucket, "Key": self.key, "UploadId": begun["UploadId"]}
        with needing("s3:AbortMultipartUpload"):
            s3.abort_multipart_upload(**upload)
        return "it is forgotten again"

    def _needs_object(self) -> None:
        if not self._s3 or not self.is_kept:
            raise NotTried("no object could be put")

    def _address(self) -> str:
        self._needs_object()
        thing = {"Bucket": self.names.bucket, "Key": self.key}
        return str(self._s3.generate_presigned_url("get_object", Params=thing, ExpiresIn=60))

    def _block(self) -> str:
        s3 = self._s3
        with asking("s3:GetBucketPublicAccessBlock", none="NoSuchPublicAccessBlockConfiguration"):
            told = s3.get_public_access_block(Bucket=self.names.bucket)["PublicAccessBlockConfiguration"]
        if missing := [name for name in BLOCKS if not told.get(name)]:
            raise Wrong(f"switch on {', '.join(missing)}")
        return "all four are on"

    def _cors(self) -> str:
        s3 = self._s3
        with asking("s3:GetBucketCORS", none="NoSuchCORSConfiguration"):
            rules = s3.get_bucket_cors(Bucket=self.names.bucket)["CORSRules"]
        if not self.names.public_url:
            raise NotTried("PUBLIC_URL is not set, so it is not known from where browsers come")
        if not any(self._lets_browsers_in(rule) for rule in rules):
            raise Wrong(f"let {self.names.public_url} GET, HEAD and PUT, with any header, and see ETag")
        return f"browsers at {self.names.public_url} may put parts"

    def _lets_browsers_in(self, rule: dict[str, list[str]]) -> bool:
        origins, headers = rule["AllowedOrigins"], [name.lower() for name in rule.get("ExposeHeaders", [])]
        is_for_us = "*" in origins or self.names.public_url in origins
        return is_for_us and {"GET", "HEAD", "PUT"} <= set(rule["AllowedMethods"]) and "etag" in headers

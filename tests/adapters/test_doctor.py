"""The looks at what is ours in AWS, over moto's server; where it has no answer, with a stubbed client."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from botocore.stub import Stubber

from tests.doubles import aws
from webapp.adapters.aws import client
from webapp.adapters.doctor import bucket, examination, services
from webapp.adapters.doctor.bucket import BucketLooks
from webapp.adapters.doctor.services import ServiceLooks
from webapp.adapters.names import Names

HOME = "https://tapedeck.example.com"
RECEIVER = f"{HOME}/transcode-complete/"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:jobs"
ROLE = "arn:aws:iam::123456789012:role/mediaconvert"
QUEUE = {"Name": "Default", "Status": "ACTIVE", "Arn": "arn:aws:mediaconvert:eu-west-1:123456789012:queues/Default"}
NAMES = Names(aws.BUCKET, aws.REGION, ROLE, "Default", (TOPIC,), HOME)
CLOSED = dict.fromkeys(bucket.BLOCKS, True)


@pytest.fixture(autouse=True)
def cloud(aws_address: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The environment in which boto3 asks the double."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_IAM", aws_address)
    return aws_address


@pytest.fixture
def topic(cloud: str) -> Iterator[Any]:
    """A client of SNS, with the topic there."""
    sns = aws.client(cloud, "sns")
    sns.create_topic(Name="jobs")
    yield sns
    sns.delete_topic(TopicArn=TOPIC)


def looked(looks: BucketLooks | ServiceLooks, subject: str) -> str:
    """What a look says, with its verdict before it."""
    return ": ".join(examination.verdict_of(dict(looks.looks())[subject]))


def of_bucket(subject: str, names: Names = NAMES) -> str:
    return looked(BucketLooks(names), subject)


def of_service(subject: str, names: Names = NAMES) -> str:
    return looked(ServiceLooks(names), subject)


def set_cors(address: str, **changes: list[str]) -> None:
    rule = {"AllowedOrigins": [HOME], "AllowedMethods": ["GET", "HEAD", "PUT"], "ExposeHeaders": ["ETag"]}
    s3 = aws.client(address)
    s3.put_bucket_cors(Bucket=aws.BUCKET, CORSConfiguration={"CORSRules": [rule | changes]})


def answer_with(
    monkeypatch: pytest.MonkeyPatch, operation: str, answer: dict[str, Any] | str, asked_by: ModuleType = services
) -> None:
    """Have a real client answer this to the operation, or fail with the code."""

    def stubbed(service: str, region: str | None) -> Any:
        made = client(service, region)
        stubber = Stubber(made)
        if isinstance(answer, str):
            stubber.add_client_error(operation, answer)
        else:
            stubber.add_response(operation, answer)
        stubber.activate()
        return made

    monkeypatch.setattr(asked_by, "client", stubbed)


def test_an_object_is_put_got_back_and_taken_away(cloud: str) -> None:
    looks = BucketLooks(NAMES)

    said = [looked(looks, subject).partition(":")[0] for subject, _ in looks.looks()[:10]]

    assert said == ["ok"] * 10
    assert "Contents" not in aws.client(cloud).list_objects_v2(Bucket=aws.BUCKET)
    assert "Uploads" not in aws.client(cloud).list_multipart_uploads(Bucket=aws.BUCKET)


@pytest.mark.parametrize(
    ("subject", "operation", "right"),
    [
        ("list objects", "list_objects_v2", "s3:ListBucket"),
        ("list uploads", "list_multipart_uploads", "s3:ListBucketMultipartUploads"),
        ("begin and abort an upload", "create_multipart_upload", "s3:PutObject"),
    ],
)
def test_a_right_that_the_app_needs_is_named(
    monkeypatch: pytest.MonkeyPatch, subject: str, operation: str, right: str
) -> None:
    answer_with(monkeypatch, operation, "AccessDenied", asked_by=bucket)

    assert of_bucket(subject) == f"WRONG: these credentials may not do it: allow {right}"


def test_what_is_put_says_that_the_app_has_put_it(cloud: str) -> None:
    looks = BucketLooks(NAMES)
    looked(looks, "put an object")

    head = aws.client(cloud).head_object(Bucket=aws.BUCKET, Key=looks.key)
    looked(looks, "delete an object")

    assert looks.key.startswith("media/")
    assert head["Metadata"] == {"by": "tapedeck"}


def test_a_bucket_that_is_not_there_is_wrong() -> None:
    looks = BucketLooks(replace(NAMES, bucket="not-there"))

    assert looked(looks, "bucket") == "WRONG: 404: Not Found"
    assert looked(looks, "put an object").startswith("WRONG: NoSuchBucket")
    for subject in ("get an object", "presigned address", "bucket is private", "delete an object"):
        assert looked(looks, subject) == "not tried: no object could be put"


def test_a_bucket_in_another_region_is_wrong() -> None:
    names = replace(NAMES, region="eu-central-1")

    assert of_bucket("bucket", names) == "WRONG: it is in eu-west-1, and AWS_REGION says eu-central-1"


def test_a_clock_that_is_off_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket, "now", lambda: datetime.now(UTC) - timedelta(minutes=16))

    assert of_bucket("clock").startswith("WRONG: it is 0:1")


def test_a_bucket_that_anybody_can_read_is_wrong(cloud: str) -> None:
    s3 = aws.client(cloud)
    allow = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{aws.BUCKET}/*"}
    half = {"BlockPublicAcls": True, "IgnorePublicAcls": True}
    s3.put_public_access_block(Bucket=aws.BUCKET, PublicAccessBlockConfiguration=half)
    s3.put_bucket_policy(Bucket=aws.BUCKET, Policy=json.dumps({"Version": "2012-10-17", "Statement": [allow]}))
    looks = BucketLooks(NAMES)
    try:
        looked(looks, "put an object")
        private, block = looked(looks, "bucket is private"), looked(looks, "public access block")
        looked(looks, "delete an object")
    finally:
        s3.delete_bucket_policy(Bucket=aws.BUCKET)
        s3.put_public_access_block(Bucket=aws.BUCKET, PublicAccessBlockConfiguration=CLOSED)

    assert private.startswith("WRONG: anybody can get the object")
    assert block == "WRONG: switch on BlockPublicPolicy, RestrictPublicBuckets"


def test_a_bucket_that_blocks_nothing_is_wrong(cloud: str) -> None:
    s3 = aws.client(cloud)
    s3.delete_public_access_block(Bucket=aws.BUCKET)
    try:
        assert of_bucket("public access block") == "WRONG: there is none"
    finally:
        s3.put_public_access_block(Bucket=aws.BUCKET, PublicAccessBlockConfiguration=CLOSED)


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({}, "ok"),
        ({"AllowedOrigins": ["*"]}, "ok"),
        ({"AllowedOrigins": ["https://elsewhere.example.com"]}, "WRONG"),
        ({"AllowedMethods": ["GET", "HEAD"]}, "WRONG"),
        ({"ExposeHeaders": ["x-amz-request-id"]}, "WRONG"),
    ],
)
def test_browsers_must_be_let_put_parts(cloud: str, change: dict[str, list[str]], verdict: str) -> None:
    set_cors(cloud, **change)

    assert of_bucket("CORS").partition(":")[0] == verdict


def test_no_rule_for_browsers_is_wrong(cloud: str) -> None:
    aws.client(cloud).delete_bucket_cors(Bucket=aws.BUCKET)

    assert of_bucket("CORS") == "WRONG: there is none"


def test_without_a_public_address_nobody_knows_whence_browsers_come(cloud: str) -> None:
    set_cors(cloud)

    assert of_bucket("CORS", replace(NAMES, public_url="")).startswith("not tried: PUBLIC_URL is not set")


def test_a_topic_that_is_not_there_is_wrong() -> None:
    assert of_service(f"topic {TOPIC}") == "WRONG: there is none"


def test_an_old_signature_is_taken_but_told_of(topic: Any) -> None:
    assert of_service(f"topic {TOPIC}").startswith("ok: it signs with version 1 (SHA-1)")


def test_a_new_signature_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_with(monkeypatch, "get_topic_attributes", {"Attributes": {"SignatureVersion": "2"}})

    assert of_service(f"topic {TOPIC}") == "ok: it signs with version 2"


@pytest.mark.parametrize("endpoint", [None, "https://tapedeck.example.org/transcode-complete/", f"{HOME}/elsewhere/"])
def test_a_topic_that_sends_nothing_here_is_wrong(topic: Any, endpoint: str | None) -> None:
    if endpoint:
        topic.subscribe(TopicArn=TOPIC, Protocol="https", Endpoint=endpoint)

    assert of_service("subscription") == f"WRONG: nothing of it comes to {RECEIVER}: flask sns subscribe --url …"


def test_a_confirmed_subscription_is_well(topic: Any) -> None:
    topic.subscribe(TopicArn=TOPIC, Protocol="https", Endpoint=RECEIVER)

    assert of_service("subscription") == f"ok: confirmed, to {RECEIVER}"


def test_a_subscription_without_the_envelope_is_wrong(topic: Any) -> None:
    raw = {"RawMessageDelivery": "true"}
    topic.subscribe(TopicArn=TOPIC, Protocol="https", Endpoint=RECEIVER, Attributes=raw)

    assert of_service("subscription").startswith("WRONG: switch its RawMessageDelivery off")


def test_a_subscription_that_waits_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = {"SubscriptionArn": "PendingConfirmation", "Endpoint": RECEIVER, "Protocol": "https"}
    answer_with(monkeypatch, "list_subscriptions_by_topic", {"Subscriptions": [waiting]})

    assert of_service("subscription").startswith("WRONG: it is not confirmed")


@pytest.mark.parametrize(
    ("queues", "words"),
    [
        ([QUEUE], "ok: Default is active"),
        ([QUEUE | {"Status": "PAUSED"}], "WRONG: it is paused: jobs wait in it until it is activated"),
        ([QUEUE | {"Name": "other"}], "WRONG: there is no queue Default, only other"),
        ([], "WRONG: there is no queue Default, only none"),
    ],
)
def test_the_queue_must_be_there_and_work(
    monkeypatch: pytest.MonkeyPatch, queues: list[dict[str, str]], words: str
) -> None:
    answer_with(monkeypatch, "list_queues", {"Queues": [{**each, "Name": each["Name"]} for each in queues]})

    assert of_service("MediaConvert queue", replace(NAMES, queue="Default")) == words


def test_a_queue_may_be_called_by_its_arn(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_with(monkeypatch, "list_queues", {"Queues": [QUEUE]})

    assert of_service("MediaConvert queue", replace(NAMES, queue=QUEUE["Arn"])) == "ok: Default is active"


def test_what_we_may_not_ask_is_not_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_with(monkeypatch, "list_queues", "AccessDeniedException")

    assert of_service("MediaConvert queue") == "not tried: these credentials may not ask (mediaconvert:ListQueues)"


def test_a_role_that_is_not_there_is_wrong() -> None:
    assert of_service("MediaConvert role") == "WRONG: there is none"


@pytest.mark.parametrize(("service", "verdict"), [("mediaconvert", "ok"), ("ec2", "WRONG")])
def test_the_role_must_be_for_mediaconvert(cloud: str, service: str, verdict: str) -> None:
    trust = {"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "sts:AssumeRole"}
    iam = aws.client(cloud, "iam")
    iam.create_role(RoleName="mediaconvert", AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))
    try:
        assert of_service("MediaConvert role").partition(":")[0] == verdict
    finally:
        iam.delete_role(RoleName="mediaconvert")


def test_what_is_not_set_is_not_tried() -> None:
    said = [
        of_bucket("bucket", Names()),
        *(of_service(subject, Names()) for subject, _ in ServiceLooks(Names()).looks()),
    ]

    assert said == [
        "not tried: AWS_STORAGE_BUCKET_NAME is not set",
        "not tried: TRANSCODER is not mediaconvert",
        "not tried: TRANSCODER is not mediaconvert",
        "not tried: SNS_TOPIC_ARN is not set",
        "not tried: SNS_TOPIC_ARN is not set",
    ]


def test_keys_of_a_double_are_not_shown_to_amazon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL_STS")

    said = examination.verdict_of(ServiceLooks(NAMES).credentials)[1]

    assert said == "AWS_ENDPOINT_URL_IAM, AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL_SNS, AWS_ENDPOINT_URL_SQS are set, " + (
        "and AWS_ENDPOINT_URL_STS is not"
    )


def test_without_credentials_that_is_said_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in aws.CREDENTIALS:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))

    found = list(examination.examine(NAMES))

    assert [each.subject for each in found if each.verdict == "WRONG"] == ["credentials"]
    assert found[0].words.startswith("no credentials were found: give this machine a role")
    assert found[1].verdict == "ok"  # the clock is asked for without any


def test_nobody_at_the_other_end_is_told_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in aws.settings("http://127.0.0.1:9").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("webapp.adapters.aws.TRIES", 1)

    assert of_bucket("bucket").startswith("WRONG: Could not connect to the endpoint URL")
    assert of_bucket("clock").startswith("WRONG: ")


def test_an_answer_that_is_none_of_amazons_is_told_in_words(cloud: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SNS", "nowhere at all")

    said = of_service(f"topic {TOPIC}")

    assert said.startswith("WRONG: ")
    assert "Invalid endpoint" in said

"""What cfn-lint does not see in deploy/cloudformation.yaml."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode import decode

from webapp.adapters.names import RECEIVER
from webapp.config import Config

TEMPLATE = Path(__file__).parents[1] / "deploy" / "cloudformation.yaml"


@pytest.fixture(scope="module")
def stack() -> dict[str, Any]:
    template, faults = decode(str(TEMPLATE))
    assert not faults
    return dict(json.loads(json.dumps(template)))


@pytest.fixture
def properties(stack: dict[str, Any]) -> dict[str, Any]:
    """Of each thing in the stack."""
    return {name: thing.get("Properties", {}) for name, thing in stack["Resources"].items()}


def statements(properties: dict[str, Any], name: str) -> Iterator[dict[str, Any]]:
    document = properties[name].get("PolicyDocument") or properties[name]["Policies"][0]["PolicyDocument"]
    yield from document["Statement"]


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_its_settings_are_those_of_the_app(stack: dict[str, Any], tmp_path: Path) -> None:
    text = stack["Outputs"]["Settings"]["Value"]["Fn::Sub"]
    values = {
        "Bucket": "sounds-of-ours",
        "AWS::Region": "eu-west-1",
        "MediaConvertRole.Arn": "arn:aws:iam::111122223333:role/mediaconvert",
        "Queue.Arn": "arn:aws:mediaconvert:eu-west-1:111122223333:queues/tapedeck",
        "Topic": "arn:aws:sns:eu-west-1:111122223333:tapedeck-jobs",
        "AppUrl": "https://tapedeck.example.com",
    }
    said = dict(line.split("=", 1) for line in re.sub(r"\$\{(.+?)\}", lambda m: values[m[1]], text).splitlines())

    config = Config.from_environment(said, data_dir=tmp_path)

    assert {name: str(getattr(config, name.lower())) for name in said} == said
    assert (config.storage, config.transcoder, config.is_https) == ("s3", "mediaconvert", True)


def test_nobody_but_us_gets_at_the_bucket(properties: dict[str, Any]) -> None:
    bucket = properties["Bucket"]

    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    assert bucket["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    deny = next(statements(properties, "BucketPolicy"))
    assert (deny["Effect"], deny["Principal"], deny["Action"]) == ("Deny", "*", "s3:*")
    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert len(deny["Resource"]) == 2


def test_browsers_may_put_parts_and_see_their_marks(properties: dict[str, Any]) -> None:
    (rule,) = properties["Bucket"]["CorsConfiguration"]["CorsRules"]

    assert set(rule["AllowedMethods"]) == {"GET", "HEAD", "PUT"}
    assert rule["AllowedOrigins"] == [{"Ref": "AppUrl"}]
    assert rule["ExposedHeaders"] == ["ETag"]


def test_sounds_outlive_the_stack(stack: dict[str, Any]) -> None:
    bucket = stack["Resources"]["Bucket"]

    assert (bucket["DeletionPolicy"], bucket["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")


@pytest.mark.parametrize("name", ["AppPolicy", "UploadRole", "MediaConvertRole"])
def test_a_right_names_what_it_is_for(properties: dict[str, Any], name: str) -> None:
    for statement in statements(properties, name):
        assert "*" not in listed(statement["Resource"])
        assert not any("*" in action for action in listed(statement["Action"]))


@pytest.mark.parametrize("name", ["AppPolicy", "UploadRole"])
def test_the_role_is_lent_to_mediaconvert_alone(properties: dict[str, Any], name: str) -> None:
    (lent,) = [each for each in statements(properties, name) if each["Action"] == "iam:PassRole"]

    assert lent["Resource"] == {"Fn::GetAtt": ["MediaConvertRole", "Arn"]}
    assert lent["Condition"] == {"StringEquals": {"iam:PassedToService": "mediaconvert.amazonaws.com"}}


def test_only_jobs_of_our_queue_take_the_role_on(properties: dict[str, Any]) -> None:
    (trust,) = properties["MediaConvertRole"]["AssumeRolePolicyDocument"]["Statement"]

    assert trust["Condition"] == {
        "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}},
        "ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": ["Queue", "Arn"]}},
    }


def test_the_topic_signs_with_sha_256_and_takes_from_the_rule_alone(properties: dict[str, Any]) -> None:
    (publish,) = statements(properties, "TopicPolicy")

    assert properties["Topic"]["SignatureVersion"] == "2"
    assert publish["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": ["JobRule", "Arn"]}}}


def test_eventbridge_may_use_the_topics_key_without_a_condition(properties: dict[str, Any]) -> None:
    (use,) = [s for s in properties["TopicKey"]["KeyPolicy"]["Statement"] if "Service" in s["Principal"]]

    assert use["Principal"] == {"Service": "events.amazonaws.com"}
    assert "Condition" not in use  # AWS does not support one here: messages would be lost


def test_messages_come_signed_to_the_receiver_or_end_where_they_are_seen(properties: dict[str, Any]) -> None:
    subscription = properties["Subscription"]
    retries = subscription["DeliveryPolicy"]["healthyRetryPolicy"]

    assert subscription["Endpoint"] == {"Fn::Sub": "${AppUrl}" + RECEIVER}
    assert subscription["RawMessageDelivery"] is False
    assert subscription["RedrivePolicy"] == {"deadLetterTargetArn": {"Fn::GetAtt": ["Undelivered", "Arn"]}}
    assert retries["numRetries"] * retries["maxDelayTarget"] <= 3600  # SNS allows no more


def test_the_queue_of_what_reached_nobody_takes_from_all_who_send_there(properties: dict[str, Any]) -> None:
    allowed = [s["Principal"]["Service"] for s in statements(properties, "UndeliveredPolicy") if s["Effect"] == "Allow"]

    assert allowed == ["sns.amazonaws.com", "events.amazonaws.com"]
    for rule in ("JobRule", "UploadRule"):
        (target,) = properties[rule]["Targets"]
        assert target["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": ["Undelivered", "Arn"]}}
        assert "RoleArn" not in target


def test_no_job_starts_another(properties: dict[str, Any]) -> None:
    pattern = properties["UploadRule"]["EventPattern"]["detail"]["object"]["key"]
    (read, write) = statements(properties, "MediaConvertRole")

    assert pattern == [{"prefix": "media/"}]
    assert read["Resource"] == {"Fn::Sub": "${Bucket.Arn}/media/*"}
    assert write["Resource"] == {"Fn::Sub": "${Bucket.Arn}/transcoded/*"}


def test_the_news_that_the_app_knows_are_sent(properties: dict[str, Any]) -> None:
    detail = properties["JobRule"]["EventPattern"]["detail"]

    assert detail["status"] == ["PROGRESSING", "COMPLETE", "ERROR", "CANCELED"]
    assert detail["queue"] == [{"Fn::GetAtt": ["Queue", "Arn"]}]


def test_what_the_function_needs_is_there_only_with_it(stack: dict[str, Any]) -> None:
    of_function = {name for name, thing in stack["Resources"].items() if name.startswith("Upload")}

    assert {stack["Resources"][name].get("Condition") for name in of_function} == {"HasLambda"}
    assert stack["Resources"]["UploadFunction"]["Properties"]["Handler"] == "transcode_on_upload.handler"
    assert (TEMPLATE.parents[1] / "lambda" / "transcode_on_upload.py").is_file()

"""The command line of the cloud, over moto's server."""

import gzip
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.doubles import aws
from tests.fakes import MemoryStorage
from webapp import create_app
from webapp.config import Config
from webapp.db import db
from webapp.models import SnsTopic
from webapp.web import assets

RECEIVER = "https://tapedeck.example.com/transcode-complete/"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with aws.serve() as found:
        yield found


@pytest.fixture
def cloud(address: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The double, empty, and the environment in which boto3 asks it."""
    for name, value in aws.settings(address).items():
        monkeypatch.setenv(name, value)
    aws.empty_bucket(address)
    aws.client(address).delete_bucket_cors(Bucket=aws.BUCKET)  # whoever was here before may have set some
    yield address
    sns = aws.client(address, "sns")
    for each in sns.list_topics()["Topics"]:
        sns.delete_topic(TopicArn=each["TopicArn"])


@pytest.fixture
def topic(cloud: str) -> str:
    return str(aws.client(cloud, "sns").create_topic(Name="jobs")["TopicArn"])


@pytest.fixture
def settings(config: Config, topic: str) -> Config:
    """As the stack in deploy/ gives them, but for MediaConvert, which moto does not have."""
    return replace(
        config,
        storage="s3",
        aws_storage_bucket_name=aws.BUCKET,
        aws_region=aws.REGION,
        sns_topic_arn=topic,
        public_url="https://tapedeck.example.com",
    )


def run(config: Config, *words: str) -> tuple[int, str]:
    """The exit code of a command and what it printed."""
    app = create_app(config, storage=MemoryStorage())
    result = app.test_cli_runner().invoke(args=list(words))
    assert "Traceback" not in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def findings(config: Config) -> tuple[int, dict[str, str]]:
    """The exit code of the doctor and what it says of each thing."""
    code, said = run(config, "aws", "doctor")
    return code, dict(line.split(": ", 1) for line in said.splitlines())


def is_expected(config: Config, topic: str) -> bool:
    with create_app(config, storage=MemoryStorage()).app_context():
        return bool(db.session.get_one(SnsTopic, topic).expected_until)


def objects(address: str) -> list[str]:
    return [each["Key"] for each in aws.client(address).list_objects_v2(Bucket=aws.BUCKET).get("Contents", ())]


def test_each_topic_is_asked_to_send_here(settings: Config, cloud: str, topic: str) -> None:
    code, said = run(settings, "sns", "subscribe", "--url", "https://tapedeck.example.com")

    assert (code, said) == (0, f"{topic}: asked to send to {RECEIVER}\n")
    (found,) = aws.client(cloud, "sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert (found["Protocol"], found["Endpoint"]) == ("https", RECEIVER)


def test_without_an_address_it_is_the_public_one_and_twice_is_no_error(settings: Config, cloud: str) -> None:
    for _ in range(2):
        assert run(settings, "sns", "subscribe")[0] == 0

    assert len(aws.client(cloud, "sns").list_subscriptions()["Subscriptions"]) == 1


def test_an_address_of_ones_own_stays_as_it_is(settings: Config) -> None:
    assert "to http://10.0.0.1/a/b\n" in run(settings, "sns", "subscribe", "--url", "http://10.0.0.1/a/b")[1]


def test_what_is_asked_for_may_be_confirmed(settings: Config, topic: str) -> None:
    run(settings, "sns", "subscribe")

    assert is_expected(settings, topic)


def test_a_topic_may_be_confirmed_again_when_somebody_says_so(settings: Config, topic: str) -> None:
    code, said = run(settings, "sns", "expect", topic)

    assert (code, said) == (0, f"{topic}: may be confirmed within the next hour\n")
    assert is_expected(settings, topic)


def test_a_topic_that_is_not_ours_is_not_expected(settings: Config) -> None:
    code, said = run(settings, "sns", "expect", "arn:aws:sns:eu-west-1:123456789012:other")

    assert code == 1
    assert "not one of those in SNS_TOPIC_ARN" in said


@pytest.mark.parametrize("url", ["tapedeck.example.com", "ftp://tapedeck.example.com", "https://"])
def test_an_address_that_is_none_is_refused(settings: Config, url: str) -> None:
    assert run(settings, "sns", "subscribe", "--url", url) == (
        1,
        "Error: Say where SNS reaches the app: --url https://…, or set PUBLIC_URL\n",
    )


def test_without_a_topic_there_is_nothing_to_subscribe_to(settings: Config) -> None:
    code, said = run(replace(settings, sns_topic_arn=""), "sns", "subscribe")

    assert (code, said) == (1, "Error: SNS_TOPIC_ARN names no topic.\n")


def test_what_aws_says_against_it_is_told(settings: Config) -> None:
    gone = "arn:aws:sns:eu-west-1:123456789012:gone"

    code, said = run(replace(settings, sns_topic_arn=gone), "sns", "subscribe")

    assert code == 1
    assert said.startswith("Error: AWS does not do that: NotFound")


def test_all_static_files_are_put_under_the_names_that_pages_ask_for(settings: Config, cloud: str) -> None:
    code, said = run(settings, "assets", "push")

    names = {asset.hashed_name for asset in assets.assets().values()}
    assert (code, said.splitlines()[-1]) == (0, f"{len(names)} sent, 0 were there.")
    assert set(objects(cloud)) == {f"static/{name}" for name in names}


@pytest.mark.parametrize("name", ["app.css", "icon.svg", "vendor/htmx-2.0.11.min.js"])
def test_a_browser_gets_what_it_would_get_from_us(settings: Config, cloud: str, name: str) -> None:
    asset = assets.assets()[name]
    run(settings, "assets", "push")

    kept = aws.client(cloud).get_object(Bucket=aws.BUCKET, Key=f"static/{asset.hashed_name}")

    body = kept["Body"].read()
    assert (gzip.decompress(body) if kept.get("ContentEncoding") == "gzip" else body) == asset.body
    assert len(body) <= len(asset.body)
    assert kept["ContentType"] == asset.type
    assert kept["CacheControl"] == "public, max-age=31536000, immutable"


@pytest.mark.slow
def test_what_is_there_is_not_sent_again(settings: Config, cloud: str) -> None:
    run(settings, "assets", "push")
    gone = f"static/{assets.assets()['app.css'].hashed_name}"
    aws.client(cloud).delete_object(Bucket=aws.BUCKET, Key=gone)

    code, said = run(settings, "assets", "push")

    assert (code, said) == (0, f"{gone[7:]}\n1 sent, {len(assets.assets()) - 1} were there.\n")


def test_without_a_bucket_it_says_so(config: Config) -> None:
    assert run(config, "assets", "push") == (1, "Error: AWS_STORAGE_BUCKET_NAME is not set.\n")


def test_a_bucket_that_is_not_there_is_told_in_words(settings: Config) -> None:
    code, said = run(replace(settings, aws_storage_bucket_name="not-there"), "assets", "push")

    assert code == 1
    assert said.startswith("Error: AWS does not do that: NoSuchBucket")


@pytest.mark.slow
def test_the_doctor_says_what_he_found_and_fails_if_anything_is_wrong(settings: Config, cloud: str) -> None:
    run(settings, "sns", "subscribe")

    code, found = findings(settings)

    assert code == 1
    assert found["CORS"] == "WRONG: there is none"
    assert found["MediaConvert queue"] == "not tried: TRANSCODER is not mediaconvert"
    assert {subject for subject, words in found.items() if not words.startswith("ok: ")} == {
        *("CORS", "MediaConvert queue", "MediaConvert role"),
    }
    assert objects(cloud) == []


@pytest.mark.slow
def test_where_all_is_well_the_doctor_says_so(settings: Config, cloud: str) -> None:
    run(settings, "sns", "subscribe")
    rule = {"AllowedOrigins": ["*"], "AllowedMethods": ["GET", "HEAD", "PUT"], "ExposeHeaders": ["ETag"]}
    s3 = aws.client(cloud)
    s3.put_bucket_cors(Bucket=aws.BUCKET, CORSConfiguration={"CORSRules": [rule]})
    try:
        assert findings(settings)[0] == 0
    finally:
        s3.delete_bucket_cors(Bucket=aws.BUCKET)


def test_where_nothing_is_set_the_doctor_tries_nothing(config: Config, cloud: str) -> None:
    code, found = findings(config)

    assert (code, found["credentials"][:4]) == (0, "ok: ")
    assert found["bucket"] == "not tried: AWS_STORAGE_BUCKET_NAME is not set"
    assert found["topic"] == found["subscription"] == "not tried: SNS_TOPIC_ARN is not set"


def test_at_home_nothing_of_aws_is_loaded(config: Config) -> None:
    script = "import sys, webapp, webapp.cli_aws; assert 'botocore' not in sys.modules"

    assert subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parents[1], check=False).returncode == 0

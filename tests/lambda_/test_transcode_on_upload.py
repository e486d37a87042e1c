"""The Lambda that starts jobs for what comes into the bucket without the app, called as Lambda calls it."""

import base64
import importlib.util
import json
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.doubles.mediaconvert_model import faults_of
from webapp.presets import DEFAULT_PRESETS, PRESETS
from webapp.services.adoptions import file_id_of

PATH = Path(__file__).parents[2] / "lambda" / "transcode_on_upload.py"
KEY = "media/7/my song (1) é+.mp3"
SPELLED = "media/7/my+song+%281%29+%C3%A9%2B.mp3"
ETAG = "b1946ac92492d2347c6235b4d2611184"
ROLE = "arn:aws:iam::111122223333:role/mediaconvert"
QUEUE = "arn:aws:mediaconvert:eu-west-1:111122223333:queues/tapedeck"


def classic(key: str = SPELLED, version: str = "2.5", **more: str) -> dict[str, Any]:
    """As S3 tells a Lambda or a queue by itself."""
    thing = {"key": key, "size": 1024, "eTag": ETAG, "sequencer": "0055AED6DCD90281E5", **more}
    bucket = {"name": "sounds", "ownerIdentity": {"principalId": "A3NL1KOZZKExample"}, "arn": "arn:aws:s3:::sounds"}
    record = {
        "eventVersion": version,
        "eventSource": "aws:s3",
        "awsRegion": "eu-west-1",
        "eventTime": "2026-11-22T12:00:00.000Z",
        "eventName": "ObjectCreated:Put",
        "userIdentity": {"principalId": "AWS:AIDA"},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {"x-amz-request-id": "C3D13FE58DE4C810", "x-amz-id-2": "FMyUVURIY8/IgAtTv8xRjskZQpcIZ9"},
        "s3": {"s3SchemaVersion": "1.0", "configurationId": "uploads", "bucket": bucket, "object": thing},
    }
    return {"Records": [record]}


def of_moto() -> dict[str, Any]:
    """As moto tells it: an older version, the slashes spelled too, and no sequencer."""
    event = classic(SPELLED.replace("/", "%2F"), "2.1")
    del event["Records"][0]["s3"]["object"]["sequencer"]
    return event


def of_event_bridge(key: str = KEY, **more: str) -> dict[str, Any]:
    """As S3 tells EventBridge, and that a Lambda."""
    return {
        "version": "0",
        "id": "17793124-05d4-b198-2fde-7ededc63b103",
        "detail-type": "Object Created",
        "source": "aws.s3",
        "account": "111122223333",
        "time": "2026-11-22T12:00:00Z",
        "region": "eu-west-1",
        "resources": ["arn:aws:s3:::sounds"],
        "detail": {
            "version": "0",
            "bucket": {"name": "sounds"},
            "object": {"key": key, "size": 1024, "etag": ETAG, "sequencer": "0055AED6DCD90281E5", **more},
            "request-id": "N4N7GDK58NMKJ12R",
            "requester": "111122223333",
            "source-ip-address": "1.2.3.4",
            "reason": "PutObject",
        },
    }


TEST_EVENT = {
    "Service": "Amazon S3",
    "Event": "s3:TestEvent",
    "Time": "2026-11-22T12:00:00.000Z",
    "Bucket": "sounds",
    "RequestId": "5582815E1AEA5ADF",
    "HostId": "8cLeGAmw098X5cv4Zkwcmo8vvZa3eH3eKxsPzbB9wrR+YstdA6Knx4Ip8EXAMPLE",
}


class Account:
    """An account of AWS: it knows what objects say of themselves, and takes the jobs that MediaConvert takes."""

    def __init__(self) -> None:
        self.metadata: dict[str, dict[str, str]] = {}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.trouble = ""

    def client(self, _service: str) -> "Account":
        return self

    def head_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        if self.trouble:
            raise ClientError({"Error": {"Code": self.trouble}}, "HeadObject")
        return {"Metadata": self.metadata.get(f"{Bucket}/{Key}", {})}

    def create_job(self, **request: Any) -> dict[str, Any]:
        assert faults_of(request, is_wire=False) == []
        self.jobs.setdefault(request["ClientRequestToken"], request)
        return {"Job": {"Id": f"1671476818694-{len(self.jobs):06}"}}


@pytest.fixture(scope="module")
def module() -> Iterator[ModuleType]:
    """Loaded as Lambda does it: by its path, with no region and no credentials asked for."""
    spec = importlib.util.spec_from_file_location("transcode_on_upload", PATH)
    assert spec
    assert spec.loader
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    yield loaded
    sys.modules.pop("transcode_on_upload", None)


@pytest.fixture
def account(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Account:
    found = Account()
    monkeypatch.setattr(module, "client", found.client)
    monkeypatch.setenv("MEDIACONVERT_ROLE_ARN", ROLE)
    monkeypatch.setenv("MEDIACONVERT_QUEUE", QUEUE)
    monkeypatch.delenv("PRESETS", raising=False)
    return found


def destinations(request: dict[str, Any]) -> list[str]:
    """The objects that the job will make."""
    return [
        f"{group['OutputGroupSettings']['FileGroupSettings']['Destination']}.{output['Extension']}"
        for group in request["Settings"]["OutputGroups"]
        for output in group["Outputs"]
    ]


def only(account: Account) -> dict[str, Any]:
    (request,) = account.jobs.values()
    return request


@pytest.mark.parametrize(
    "event",
    [
        classic(),
        classic(version="2.1"),
        classic(version="2.9"),
        classic(versionId=""),
        of_moto(),
        of_event_bridge(),
    ],
)
def test_a_new_object_becomes_one_job_in_whatever_shape_it_is_told(
    module: ModuleType, account: Account, event: dict[str, Any]
) -> None:
    told = json.loads(json.dumps(event))

    answer = module.handler(told, None)

    assert answer == {"jobs": ["1671476818694-000001"]}
    request = only(account)
    assert (request["Role"], request["Queue"]) == (ROLE, QUEUE)
    assert request["Settings"]["Inputs"][0]["FileInput"] == f"s3://sounds/{KEY}"


def test_all_ways_to_be_told_of_one_object_make_one_job(module: ModuleType, account: Account) -> None:
    for event in (classic(), classic(), of_moto(), of_event_bridge(), of_event_bridge()):
        module.handler(event, None)

    assert len(account.jobs) == 1


@pytest.mark.parametrize(
    "other",
    [
        classic(eTag="0" * 32),
        classic(versionId="v2"),
        of_event_bridge(**{"version-id": "v2"}),
        classic("media/7/another.mp3"),
    ],
)
def test_another_content_or_version_makes_another(module: ModuleType, account: Account, other: dict[str, Any]) -> None:
    module.handler(classic(), None)
    module.handler(other, None)

    assert len(account.jobs) == 2
    assert all(len(token) == 64 for token in account.jobs)


def test_a_version_has_one_job_whoever_tells_of_it(module: ModuleType, account: Account) -> None:
    module.handler(classic(versionId="v2"), None)
    module.handler(of_event_bridge(**{"version-id": "v2"}), None)

    assert len(account.jobs) == 1


def test_the_app_can_tell_from_the_job_which_object_it_was(module: ModuleType, account: Account) -> None:
    module.handler(classic(), None)

    said = only(account)["UserMetadata"]["key"]

    assert base64.urlsafe_b64decode(said + "=" * (-len(said) % 4)).decode() == KEY
    assert "=" not in said


def test_what_is_made_lies_where_the_app_looks_for_it(module: ModuleType, account: Account) -> None:
    file_id = "c0ffee00-1111-4222-8333-444455556666"
    module.handler(classic(f"media/7/{file_id}/song.mp3"), None)

    folder = f"s3://sounds/transcoded/7/{file_id}"
    assert destinations(only(account)) == [f"{folder}/wav.wav", f"{folder}/flac.flac", f"{folder}/mp4.mp4"]


def test_a_key_without_a_number_gives_the_file_one_that_follows_from_it(module: ModuleType, account: Account) -> None:
    module.handler(classic(), None)

    file_id = uuid.uuid5(uuid.NAMESPACE_URL, KEY)
    assert destinations(only(account))[0] == f"s3://sounds/transcoded/7/{file_id}/wav.wav"


@pytest.mark.parametrize(
    "key",
    [
        "transcoded/7/c0ffee00-1111-4222-8333-444455556666/wav.wav",
        "static/app.0123456789.css",
        "song.mp3",
        "media/song.mp3",
        "media/doctor/c0ffee00",
        "media/0/song.mp3",
        "media/-7/song.mp3",
        "media/%D9%A7/song.mp3",
        "media/7/",
        "media/7/folder/",
        "media/7//song.mp3",
        "media/7/./song.mp3",
        "media/7/../song.mp3",
        "media/7/..",
        "media/7/a%00.mp3",
        "media/7%0A/song.mp3",
        "xmedia/7/song.mp3",
        "transcoded/media/7/song.mp3",
        "media/1234567890123456789/song.mp3",
        "media/7/" + "x" * 190,
    ],
)
def test_what_is_no_sound_of_a_user_is_left(module: ModuleType, account: Account, key: str) -> None:
    assert module.handler(classic(key), None) == {"jobs": []}
    assert account.jobs == {}


def test_the_longest_key_that_can_be_told_is_taken(module: ModuleType, account: Account) -> None:
    module.handler(classic("media/7/" + "x" * 184), None)

    assert len(only(account)["UserMetadata"]["key"]) == 256


@pytest.mark.parametrize(
    "event",
    [
        TEST_EVENT,
        {},
        {"Records": []},
        {"Records": [{"eventSource": "aws:sqs", "body": "hello"}]},
        {"Records": [{"eventSource": "aws:s3", "eventName": "ObjectRemoved:Delete"}]},
        {"detail-type": "Object Deleted", "detail": {}},
    ],
)
def test_what_tells_of_no_new_object_starts_nothing(
    module: ModuleType, account: Account, event: dict[str, Any]
) -> None:
    assert module.handler(event, None) == {"jobs": []}


def test_what_the_app_has_put_is_left_to_the_app(module: ModuleType, account: Account) -> None:
    account.metadata[f"sounds/{KEY}"] = {"by": "tapedeck"}

    assert module.handler(classic(), None) == {"jobs": []}
    assert account.jobs == {}


def test_what_others_say_of_themselves_does_not_matter(module: ModuleType, account: Account) -> None:
    account.metadata[f"sounds/{KEY}"] = {"by": "somebody", "title": "tapedeck"}

    assert len(module.handler(classic(), None)["jobs"]) == 1


def test_an_object_that_is_gone_already_is_left(module: ModuleType, account: Account) -> None:
    account.trouble = "404"

    assert module.handler(classic(), None) == {"jobs": []}


def test_a_right_that_is_missing_is_not_hidden(module: ModuleType, account: Account) -> None:
    account.trouble = "403"

    with pytest.raises(ClientError):
        module.handler(classic(), None)


def test_other_formats_may_be_asked_for(module: ModuleType, account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRESETS", " mp3-320, opus-128 ,")

    module.handler(classic(), None)

    assert [place.rpartition("/")[2] for place in destinations(only(account))] == ["mp3-320.mp3", "opus-128.opus"]


def test_a_format_that_is_none_stops_with_its_name(
    module: ModuleType, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRESETS", "wav,shellac")

    with pytest.raises(ValueError, match="'shellac' is none of wav, flac"):
        module.handler(classic(), None)


def test_its_formats_are_the_apps(module: ModuleType) -> None:
    extensions = {name: extension for name, (extension, _, _) in module.PRESETS.items()}

    assert extensions == {name: PRESETS[name].extension for name in extensions}
    assert set(PRESETS) - set(extensions) == {"alac"}  # MediaConvert has no such codec
    assert tuple(module.DEFAULT_PRESETS.split(",")) == DEFAULT_PRESETS


def test_every_format_is_asked_for_as_mediaconvert_wants_it(
    module: ModuleType, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRESETS", ",".join(module.PRESETS))

    module.handler(classic(), None)

    assert len(destinations(only(account))) == len(PRESETS) - 1


def test_it_calls_a_file_as_the_app_does(module: ModuleType) -> None:
    for key in (KEY, "media/7/c0ffee00-1111-4222-8333-444455556666/a.wav", "media/7/C0FFEE0011114222833344445555666F"):
        assert module.file_id(key) == file_id_of(key)


def test_to_load_it_asks_nothing_of_aws(module: ModuleType) -> None:
    assert module.client.cache_info().currsize == 0

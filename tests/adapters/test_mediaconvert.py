"""MediaConvert through the real boto3: what is asked of it, what its answers mean, and the whole way of a sound."""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import sounds
from tests.doubles import aws as outside
from tests.doubles.mediaconvert import ACCOUNT, NAMES, FakeMediaConvert
from webapp.adapters import aws
from webapp.adapters.probe import SandboxedProbe
from webapp.adapters.transcoders import reports
from webapp.adapters.transcoders.mediaconvert import MediaConvertTranscoder
from webapp.errors import TranscoderRefused, TranscoderUnavailable
from webapp.news import JobStatus
from webapp.ports import Facts, JobSpec
from webapp.presets import PRESETS

ROLE = "arn:aws:iam::111122223333:role/converter"
FACTS = Facts("WAV", "PCM", 44100, 2, bit_depth=16, seconds=1.0)


class Clock:
    """Stands still until it is moved."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> Iterator[FakeMediaConvert]:
    monkeypatch.setattr(aws, "TRIES", 1)  # what the library tries again it waits for
    for name, value in outside.CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with FakeMediaConvert(clock=clock) as double:
        monkeypatch.setenv("AWS_ENDPOINT_URL_MEDIACONVERT", double.url)
        yield double


@pytest.fixture
def woken() -> list[int]:
    return []


@pytest.fixture
def transcoder(woken: list[int]) -> MediaConvertTranscoder:
    return MediaConvertTranscoder(
        bucket=outside.BUCKET, region=outside.REGION, role=ROLE, queue="Default", wake=woken.append
    )


def spec(*names: str, source: str = "media/1/file/song.wav") -> JobSpec:
    outputs = {name: f"transcoded/1/file/{name}.{PRESETS[name].extension}" for name in names or ("wav", "flac", "mp4")}
    return JobSpec(uuid.uuid4(), source, outputs, FACTS)


def test_a_job_is_asked_for_with_our_number_and_one_group_for_each_object(
    service: FakeMediaConvert, transcoder: MediaConvertTranscoder, woken: list[int]
) -> None:
    wanted = spec()

    job_id = transcoder.submit(wanted)

    (request,) = service.requests
    assert request["userMetadata"] == {"job": str(wanted.job_id)}
    assert request["clientRequestToken"] == str(wanted.job_id)
    assert request["tags"] == {"app": "tapedeck"}
    assert request["settings"]["inputs"][0]["fileInput"] == f"s3://{outside.BUCKET}/{wanted.source}"
    assert [group["name"] for group in request["settings"]["outputGroups"]] == ["wav", "flac", "mp4"]
    assert service.jobs[job_id]["status"] == "SUBMITTED"
    assert woken == [1]


def test_asking_twice_within_a_minute_makes_one_job_and_later_another(
    service: FakeMediaConvert, transcoder: MediaConvertTranscoder, clock: Clock
) -> None:
    wanted = spec()
    first = transcoder.submit(wanted)

    clock.now = 59.0
    again = transcoder.submit(wanted)
    clock.now = 61.0
    late = transcoder.submit(wanted)

    assert first == again != late
    assert len(service.jobs) == 2


def test_nobody_to_draw_the_outline_does_not_stop_the_job(service: FakeMediaConvert) -> None:
    def wake(count: int) -> None:
        raise TranscoderUnavailable

    transcoder = MediaConvertTranscoder(bucket="bucket", region="eu-west-1", role=ROLE, queue="Default", wake=wake)

    assert transcoder.submit(spec()) in service.jobs


def test_what_it_does_not_make_is_left_out(service: FakeMediaConvert, transcoder: MediaConvertTranscoder) -> None:
    transcoder.submit(spec("wav", "alac"))

    assert len(service.requests[0]["settings"]["outputGroups"]) == 1
    with pytest.raises(TranscoderRefused, match="does not make"):
        transcoder.submit(spec("alac"))


@pytest.mark.parametrize("status", [402, 409, 429, 500, 503])
def test_trouble_that_passes_leaves_the_job_for_later(
    service: FakeMediaConvert, transcoder: MediaConvertTranscoder, status: int
) -> None:
    service.fail(status)

    with pytest.raises(TranscoderUnavailable):
        transcoder.submit(spec())

    assert transcoder.submit(spec()) in service.jobs


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "ExpiredTokenException"),
        (400, "ExpiredToken"),
        (403, "ExpiredTokenException"),
        (403, "InvalidSignatureException"),
        (403, "SignatureDoesNotMatch"),
        (403, "UnrecognizedClientException"),
        (403, "InvalidClientTokenId"),
        (400, "RequestExpired"),
        (400, "IncompleteSignature"),
        (403, "MissingAuthenticationToken"),
        (401, "MissingAuthenticationTokenException"),
        (400, "ThrottlingException"),
    ],
)
def test_trouble_with_credentials_leaves_the_job_for_later(
    service: FakeMediaConvert,
    transcoder: MediaConvertTranscoder,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    code: str,
) -> None:
    monkeypatch.setitem(NAMES, status, code)
    service.fail(status)

    with pytest.raises(TranscoderUnavailable):
        transcoder.submit(spec())


@pytest.mark.parametrize(
    ("status", "words"), [(400, "did not accept this file"), (403, "not set up"), (404, "not set up")]
)
def test_a_refusal_is_told_in_words_and_why_to_whoever_runs_it(
    service: FakeMediaConvert,
    transcoder: MediaConvertTranscoder,
    status: int,
    words: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    service.fail(status)

    with pytest.raises(TranscoderRefused, match=words) as refused:
        transcoder.submit(spec())

    assert "as the test wants it" in caplog.text
    # What AWS says of accounts and roles is not for users.
    assert ("as the test wants it" in refused.value.detail) == (status == 400)


def test_nobody_there_is_trouble_that_passes(
    service: FakeMediaConvert, transcoder: MediaConvertTranscoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_MEDIACONVERT", "http://127.0.0.1:1")

    with pytest.raises(TranscoderUnavailable):
        transcoder.submit(spec())
    with pytest.raises(TranscoderUnavailable):
        transcoder.look("1671476818694-phptj0")
    transcoder.cancel("1671476818694-phptj0")


def test_no_credentials_are_trouble_that_passes(
    service: FakeMediaConvert, transcoder: MediaConvertTranscoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    with pytest.raises(TranscoderUnavailable):
        transcoder.submit(spec())

    transcoder.cancel("1671476818694-phptj0")
    assert service.calls == []


def test_canceling_twice_too_late_or_what_is_not_there_is_no_error(
    service: FakeMediaConvert, transcoder: MediaConvertTranscoder, caplog: pytest.LogCaptureFixture
) -> None:
    job_id = transcoder.submit(spec())

    for external_id in (job_id, job_id, "1671476818694-phptj0", None):
        transcoder.cancel(external_id)

    assert service.jobs[job_id]["status"] == "CANCELED"
    assert caplog.messages == []
    service.fail(500)
    transcoder.cancel(job_id)
    assert "could not be canceled" in caplog.text


def test_what_it_says_when_it_is_asked(service: FakeMediaConvert, transcoder: MediaConvertTranscoder) -> None:
    wanted = spec()
    job_id = transcoder.submit(wanted)
    seen = [transcoder.look(job_id)]
    service.begin(job_id)
    seen.append(transcoder.look(job_id))
    service.jobs[job_id] |= {"status": "ERROR", "errorCode": 1021, "errorMessage": "No audio"}

    seen.append(transcoder.look(job_id))

    reports_ = [report for report in seen if report]
    assert [report.status for report in reports_] == [JobStatus.SUBMITTED, JobStatus.PROGRESSING, JobStatus.ERROR]
    assert {report.job_id for report in reports_} == {wanted.job_id}
    assert reports_[1].stage == "probing"
    assert reports_[2].error == "There is no sound in this file."
    assert reports_[2].detail == "1021 No audio"
    assert set(reports_[2].results) == set(wanted.outputs.values())


def test_a_job_that_it_does_not_know_is_nothing(service: FakeMediaConvert, transcoder: MediaConvertTranscoder) -> None:
    assert transcoder.look("1671476818694-phptj0") is None

    service.fail(403)
    with pytest.raises(TranscoderUnavailable):
        transcoder.look("1671476818694-phptj0")


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "ThrottlingException"),
        (400, "RequestExpired"),
        (400, "IncompleteSignature"),
        (403, "ForbiddenException"),
        (429, "TooManyRequestsException"),
        (500, "InternalServerErrorException"),
    ],
)
def test_a_job_is_not_unknown_because_the_question_was_not_heard(
    service: FakeMediaConvert,
    transcoder: MediaConvertTranscoder,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    code: str,
) -> None:
    monkeypatch.setitem(NAMES, status, code)
    service.fail(status)

    with pytest.raises(TranscoderUnavailable):
        transcoder.look("1671476818694-phptj0")


def test_what_can_be_no_job_of_its_own_is_none(service: FakeMediaConvert, transcoder: MediaConvertTranscoder) -> None:
    service.fail(400)

    assert transcoder.look("none") is None


def test_a_job_of_elastic_transcoder_is_none_of_its_own(
    service: FakeMediaConvert, transcoder: MediaConvertTranscoder
) -> None:
    assert transcoder.look("elastic:1481321574999-ab12cd") is None
    transcoder.cancel("elastic:1481321574999-ab12cd")

    assert service.calls == []


def test_the_double_refuses_what_aws_would(service: FakeMediaConvert, transcoder: MediaConvertTranscoder) -> None:
    transcoder.submit(spec())
    good = json.dumps(service.requests[0])
    wrong = [
        good.replace('"RAW"', '"FLAC"'),
        good.replace('"sampleRate": 44100', '"sampleRate": 400000'),
        good.replace("s3://", "http://"),
        good.replace('"bitDepth"', '"bits"'),
        good.replace("Audio Selector 1", "Audio Selector 2", 1),
        good.replace('"role"', '"rolle"'),
        good.replace('"name": "flac"', '"name": 7'),
    ]

    answers = [service.answer("POST", "/2017-08-29/jobs", body.encode())[0] for body in wrong]

    assert answers == [400] * len(wrong)


def test_several_outputs_in_one_group_need_names(service: FakeMediaConvert, transcoder: MediaConvertTranscoder) -> None:
    transcoder.submit(spec())
    request = dict(service.requests[0])
    group = request["settings"]["outputGroups"][0]
    group["outputs"] *= 2

    status, said = service.answer("POST", "/2017-08-29/jobs", json.dumps(request).encode())

    assert status == 400
    assert "nameModifier" in said["message"]


@pytest.mark.slow
def test_a_sound_goes_from_the_bucket_to_the_bucket_in_every_format(
    service: FakeMediaConvert, transcoder: MediaConvertTranscoder, aws_address: str, tmp_path: Path
) -> None:
    wanted = spec(*transcoder.makes)
    bucket = outside.client(aws_address)
    bucket.put_object(Bucket=outside.BUCKET, Key=wanted.source, Body=sounds.wav(1.0))
    job_id = transcoder.submit(wanted)

    told = reports.parse(json.dumps(service.finish(job_id)))
    asked = transcoder.look(job_id)

    assert told is not None
    assert asked is not None
    assert (told.status, told.job_id, told.account) == (JobStatus.COMPLETE, wanted.job_id, ACCOUNT)
    assert set(told.results) == set(asked.results) == set(wanted.outputs.values())
    for name, key in wanted.outputs.items():
        path = tmp_path / key.rpartition("/")[2]
        bucket.download_file(outside.BUCKET, key, str(path))
        made = SandboxedProbe().look(path)
        assert made.codec.lower() == PRESETS[name].codec, name
        assert told.results[key].seconds == pytest.approx(1.0, abs=0.1)
        assert asked.results[key].seconds == told.results[key].seconds


def test_an_original_that_is_gone_or_no_sound_ends_in_words(
    service: FakeMediaConvert, transcoder: MediaConvertTranscoder, aws_address: str
) -> None:
    gone = transcoder.submit(spec(source="media/1/gone.wav"))
    broken = transcoder.submit(spec(source="media/1/broken.wav"))
    outside.client(aws_address).put_object(Bucket=outside.BUCKET, Key="media/1/broken.wav", Body=b"no sound")

    told = [reports.parse(json.dumps(service.finish(job_id))) for job_id in (gone, broken)]

    assert [report and report.status for report in told] == [JobStatus.ERROR, JobStatus.ERROR]
    assert "not in the storage" in (told[0].error if told[0] else "")
    assert "could not open" in (told[1].error if told[1] else "")

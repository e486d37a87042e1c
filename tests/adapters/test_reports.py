"""What AWS says of jobs: every status, both services, and whatever else may come."""

import base64
import json
import random
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.adapters.transcoders import reports
from webapp.news import JobStatus, Report, Result

JOB = uuid.UUID("0b0e0f0a-1111-4222-8333-444455556666")
ID = "1671476818694-phptj0"
LENGTHS_THAT_ARE_NONE = [-1, 0, 1e-18, True, "5", None, 10**12, 10**400, float("nan"), float("inf"), [5]]
KEYS = [f"transcoded/3/7/{name}" for name in ("wav.wav", "flac.flac", "mp4.mp4")]
ELASTIC = """{
  "state" : "%s",
  "version" : "2012-09-25",
  "jobId" : "1481321574999-ab12cd",
  "pipelineId" : "1481321574893-qy2nvl",
  "input" : {
    "key" : "media/song.mp3",
    "frameRate" : "auto"
  },
  "inputCount" : 1,
  "outputKeyPrefix" : "transcoded/3/7/",
  "outputs" : [ {
    "id" : "1",
    "presetId" : "1351620000001-300300",
    "key" : "wav.wav",
    "status" : "Complete",
    "duration" : 215
  }, {
    "id" : "2",
    "presetId" : "1351620000001-300110",
    "key" : "flac.flac",
    %s
  } ],
  "userMetadata" : {
    "job" : "0b0e0f0a-1111-4222-8333-444455556666"
  }
}"""


def event(status: str, **detail: Any) -> dict[str, Any]:
    return {
        "version": "0",
        "id": "1234abcd-12ab-34cd-56ef-1234567890ab",
        "detail-type": "MediaConvert Job State Change",
        "source": "aws.mediaconvert",
        "account": "111122223333",
        "time": "2022-12-19T19:07:12Z",
        "region": "us-west-2",
        "resources": ["arn:aws:mediaconvert:us-west-2::jobs/another"],
        "detail": {
            "timestamp": 1671476832124,
            "accountId": "111122223333",
            "queue": "arn:aws:mediaconvert:us-west-2:111122223333:queues/Default",
            "jobId": ID,
            "status": status,
            "userMetadata": {"job": str(JOB)},
            **detail,
        },
    }


def parsed(said: object) -> Report:
    report = reports.parse(json.dumps(said))
    assert report is not None
    return report


def test_a_finished_job_tells_its_objects_with_their_lengths() -> None:
    details = [{"outputFilePaths": [f"s3://out-bucket/{key}"], "durationInMs": 215000} for key in KEYS]

    report = parsed(event("COMPLETE", outputGroupDetails=[{"outputDetails": details, "type": "FILE_GROUP"}]))

    assert (report.external_id, report.job_id, report.account) == (ID, JOB, "111122223333")
    assert report.status is JobStatus.COMPLETE
    assert report.results == {key: Result(JobStatus.COMPLETE, 215.0) for key in KEYS}
    assert report.source == ""


@pytest.mark.parametrize(
    ("status", "ours"),
    [
        ("PROGRESSING", JobStatus.PROGRESSING),
        ("STATUS_UPDATE", JobStatus.PROGRESSING),
        ("COMPLETE", JobStatus.COMPLETE),
        ("CANCELED", JobStatus.CANCELED),
        ("ERROR", JobStatus.ERROR),
    ],
)
def test_each_status_in_our_words(status: str, ours: JobStatus) -> None:
    assert parsed(event(status)).status is ours


@pytest.mark.parametrize(
    "status", ["INPUT_INFORMATION", "NEW_WARNING", "QUEUE_HOP", "SUBMITTED", "complete", "", None, 7]
)
def test_what_changes_nothing_is_no_report(status: Any) -> None:
    assert reports.parse(json.dumps(event(status))) is None


def test_an_update_tells_what_is_being_done() -> None:
    report = parsed(event("STATUS_UPDATE", jobProgress={"jobPercentComplete": 3, "currentPhase": "TRANSCODING"}))

    assert report.stage == "transcoding"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (1010, "could not open"),
        (1021, "no sound"),
        (1030, "does not read this kind"),
        (1040, "cannot make this format"),
        (1075, "damaged"),
        (1076, "damaged"),
        (1092, "could not be decoded"),
        (1401, "may not use the storage"),
        (1404, "not in the storage"),
        (1432, "not set up"),
        (1999, "could not be converted"),
        (None, "could not be converted"),
        ("1010", "could not be converted"),
    ],
)
def test_a_failure_is_told_in_words(code: object, words: str) -> None:
    report = parsed(event("ERROR", errorCode=code, errorMessage="Example\x00 error \ud800message"))

    assert words in report.error
    assert report.detail == f"{code or ''} Example  error  message".strip()


def test_the_key_of_a_file_that_came_without_us_is_read() -> None:
    key = "media/3/Grüße aus 東京?.mp3"
    mark = base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")

    report = parsed(event("PROGRESSING", userMetadata={"key": mark}))

    assert (report.source, report.job_id) == (key, None)


@pytest.mark.parametrize("mark", ["", "*", "a", "gICA", 7, None, ["a"]])
def test_a_key_that_is_none_is_none(mark: Any) -> None:
    assert parsed(event("PROGRESSING", userMetadata={"key": mark})).source == ""


def test_an_event_of_two_accounts_is_no_report() -> None:
    assert reports.parse(json.dumps(event("COMPLETE", accountId="999988887777"))) is None


@pytest.mark.parametrize("path", [{"source": "aws.s3"}, {"detail-type": "Other"}, {"account": 7}, {"detail": None}])
def test_events_of_others_are_no_reports(path: dict[str, Any]) -> None:
    assert reports.parse(json.dumps(event("COMPLETE") | path)) is None


@pytest.mark.parametrize("job_id", ["", "a b", "x" * 201, "a\x00", None, 7, ["a"]])
def test_an_id_that_is_none_is_no_report(job_id: Any) -> None:
    assert reports.parse(json.dumps(event("COMPLETE", jobId=job_id))) is None


def test_elastic_transcoder_is_understood_too() -> None:
    report = reports.parse(ELASTIC % ("COMPLETED", '"status" : "Complete",\n    "duration" : 215'))

    assert report == Report(
        "elastic:1481321574999-ab12cd",
        JobStatus.COMPLETE,
        job_id=JOB,
        results={key: Result(JobStatus.COMPLETE, 215.0) for key in KEYS[:2]},
    )


def test_elastic_transcoder_may_have_made_a_part() -> None:
    words = "3002 97b2b99e-b24f-4e5f-ada2-86f1ca4320d0: The specified object could not be saved."

    report = reports.parse(ELASTIC % ("ERROR", f'"status":"Error","statusDetail":"{words}","errorCode":3002'))

    assert report is not None
    assert report.status is JobStatus.ERROR
    assert report.results[KEYS[0]] == Result(JobStatus.COMPLETE, 215.0)
    assert report.results[KEYS[1]].status is JobStatus.ERROR
    assert "could not use the storage" in report.results[KEYS[1]].error == report.error
    assert report.detail == f"3002 {words}"


def test_elastic_transcoder_begins() -> None:
    report = reports.parse(ELASTIC % ("PROGRESSING", '"status" : "Progressing"'))

    assert report == Report("elastic:1481321574999-ab12cd", JobStatus.PROGRESSING, job_id=JOB)


def test_a_warning_of_elastic_transcoder_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    warned = ELASTIC % ("WARNING", '"status" : "Warning", "statusDetail" : "1003 Slow"')

    assert reports.parse(warned) is None

    assert "1003 Slow" in caplog.text


@pytest.mark.parametrize(
    "text",
    ["", "[]", "null", "7", '"a"', "{", "[" * 100_000, '{"a":' * 100_000, "{}", "NaN", "\ud800", "1" * 10_000],
)
def test_what_is_no_message_is_no_report(text: str) -> None:
    assert reports.parse(text) is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["COMPLETE", "ERROR", ID]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(json_values)
def test_nothing_is_raised_whatever_comes(value: object) -> None:
    reports.parse(json.dumps(value))


@given(st.text())
def test_nothing_is_raised_whatever_the_text(text: str) -> None:
    reports.parse(text)


@given(st.randoms(use_true_random=False), json_values)
def test_nothing_is_raised_whatever_is_odd_in_a_message(chance: random.Random, odd: object) -> None:
    details = [{"outputFilePaths": ["s3://bucket/key"], "durationInMs": 1}]
    complete = event("COMPLETE", outputGroupDetails=[{"outputDetails": details}])
    update = event("STATUS_UPDATE", jobProgress={"currentPhase": "PROBING"})
    failed = event("ERROR", errorCode=1010, errorMessage="no")
    elastic = json.loads(ELASTIC % ("ERROR", '"status":"Error","statusDetail":"no","errorCode":4000'))

    for said in (complete, update, failed, elastic):
        _spoil(said, chance, odd)
        report = reports.parse(json.dumps(said))
        if report:
            assert report.external_id
            assert (report.error + report.detail).isprintable()


def _spoil(said: Any, chance: random.Random, odd: object) -> None:
    """Put the odd thing in some place."""
    while True:
        places = list(said) if isinstance(said, dict) else list(range(len(said)))
        place = chance.choice(places)
        if isinstance(said[place], dict | list) and said[place] and chance.random() < 0.8:
            said = said[place]
        else:
            said[place] = odd
            return


@pytest.mark.parametrize("length", LENGTHS_THAT_ARE_NONE)
def test_a_length_that_can_be_none_is_none(length: Any) -> None:
    details = [{"outputFilePaths": [f"s3://bucket/{KEYS[0]}"], "durationInMs": length}]

    report = parsed(event("COMPLETE", outputGroupDetails=[{"outputDetails": details}]))

    assert report.results == {KEYS[0]: Result(JobStatus.COMPLETE, None)}


@pytest.mark.parametrize("length", LENGTHS_THAT_ARE_NONE)
def test_nor_is_it_with_elastic_transcoder(length: Any) -> None:
    said = json.loads(ELASTIC % ("COMPLETED", '"status" : "Complete"'))
    said["outputs"][0]["duration"] = length

    assert parsed(said).results[KEYS[0]] == Result(JobStatus.COMPLETE, None)


def test_the_shortest_length_is_a_millisecond() -> None:
    assert [reports.seconds_of(1), reports.seconds_of(0.001, per_second=1)] == [0.001, 0.001]
    assert [reports.seconds_of(0.99), reports.seconds_of(0.00099, per_second=1)] == [None, None]

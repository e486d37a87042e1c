"""Read what AWS says of a job: MediaConvert's events (EventBridge) and Elastic Transcoder's messages.

What comes is signed, so it is Amazon's; but nobody has promised its form, so what is odd is no report, never an error.
"""

import base64
import json
import logging
import re
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from webapp.errors import EncodeFailed
from webapp.news import JobStatus, Report, Result
from webapp.words import N_

log = logging.getLogger(__name__)

SOURCE, KIND = "aws.mediaconvert", "MediaConvert Job State Change"
STATUSES = {
    "PROGRESSING": JobStatus.PROGRESSING,
    "STATUS_UPDATE": JobStatus.PROGRESSING,
    "COMPLETE": JobStatus.COMPLETE,
    "CANCELED": JobStatus.CANCELED,
    "ERROR": JobStatus.ERROR,
}
ELASTIC_STATES = {
    "PROGRESSING": JobStatus.PROGRESSING,
    "COMPLETED": JobStatus.COMPLETE,
    "ERROR": JobStatus.ERROR,
}
ELASTIC_OUTPUTS = {
    "Progressing": JobStatus.PROGRESSING,
    "Complete": JobStatus.COMPLETE,
    "Warning": JobStatus.COMPLETE,
    "Error": JobStatus.ERROR,
}
STAGES = ("probing", "transcoding", "uploading")
LONGEST_DETAIL = 1000
# Before its numbers, which look like MediaConvert's: nobody can be asked about such a job.
ELASTIC = "elastic:"
# A number beyond these is a mistake: no sound is so short or so long.
_LEAST_SECONDS, _MOST_SECONDS = 0.001, 10**7
# Room is left for ELASTIC: 255 are kept.
_ID = re.compile(r"[A-Za-z0-9._:-]{1,200}")
_OBJECT = re.compile(r"s3://[^/]+/(.+)", re.DOTALL)

NOT_SET_UP = N_("The converter is not set up for this. Please tell whoever runs this service.")
_UNREADABLE = N_("The converter could not open this file. It is probably damaged, or of a kind that it does not read.")
_DAMAGED = N_("The file could not be read to its end. It is probably damaged.")
_NOT_DECODED = N_("The sound could not be decoded. The file is probably damaged.")
_NO_ROOM = N_("The converter ran out of room. Please try again later.")
# https://docs.aws.amazon.com/mediaconvert/latest/ug/mediaconvert_error_codes.html
_REASONS = {
    1010: _UNREADABLE,
    1021: N_("There is no sound in this file."),
    1030: N_("The converter does not read this kind of sound."),
    1040: N_("The converter cannot make this format of a sound like that."),
    1050: _NO_ROOM,
    1056: _UNREADABLE,
    1075: _DAMAGED,
    1076: _DAMAGED,
    1092: _NOT_DECODED,
    1401: N_("The converter may not use the storage. Please tell whoever runs this service."),
    1404: N_("The file is not in the storage. Please tell whoever runs this service."),
    1432: NOT_SET_UP,
    1433: NOT_SET_UP,
    1434: NOT_SET_UP,
    1507: _NO_ROOM,
    1515: NOT_SET_UP,
}
# By their thousands: a role, the storage, the file.
_ELASTIC_REASONS = {2: NOT_SET_UP, 3: N_("The converter could not use the storage. Please try again."), 4: _UNREADABLE}


def parse(text: str) -> Report | None:
    """What the message says of a job; None if it says nothing that we act on. Raises nothing, whatever the text is."""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    if said.get("source") == SOURCE and said.get("detail-type") == KIND:
        return _of_event(said, _dict(said.get("detail")))
    return _of_elastic(said) if isinstance(said.get("state"), str) else None


def reason(code: object) -> str:
    """MediaConvert's number for what went wrong, in the user's words."""
    return _REASONS.get(code, EncodeFailed.message) if isinstance(code, int) else EncodeFailed.message


def detail(code: object, words: object) -> str:
    """The number and the words, for whoever runs this."""
    parts = [str(part) for part in (code, words) if isinstance(part, str | int) and part != ""]
    shown = "".join(c if c.isprintable() else " " for c in " ".join(parts)[:LONGEST_DETAIL])
    return shown.strip()


def uuid_of(value: object) -> uuid.UUID | None:
    """Our own number of a job, if it is one."""
    try:
        return uuid.UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None


def stage_of(value: object) -> str:
    """What it is doing, if we have a word for it."""
    stage = value.lower() if isinstance(value, str) else ""
    return stage if stage in STAGES else ""


def key_of(address: object) -> str:
    """The key of s3://bucket/key; nothing if it is no such address."""
    found = _OBJECT.fullmatch(address) if isinstance(address, str) else None
    return found[1] if found else ""


def seconds_of(length: object, *, per_second: int = 1000) -> float | None:
    """A length in seconds, if it can be one: milliseconds are given, or what there are so many of in a second."""
    if isinstance(length, bool) or not isinstance(length, int | float):
        return None
    # What is no number at all is not between them either.
    is_possible = _LEAST_SECONDS * per_second <= length <= _MOST_SECONDS * per_second
    return float(length) / per_second if is_possible else None


def _of_event(event: Mapping[str, Any], told: Mapping[str, Any]) -> Report | None:
    status = STATUSES.get(told["status"]) if isinstance(told.get("status"), str) else None
    external_id, account = _id(told.get("jobId")), event.get("account")
    # INPUT_INFORMATION, NEW_WARNING and QUEUE_HOP change nothing. `resources` is not looked at: its form varies.
    if status is None or not external_id or not isinstance(account, str):
        return None
    if told.get("accountId", account) != account:
        return None
    is_error = status is JobStatus.ERROR
    marks = _dict(told.get("userMetadata"))
    return Report(
        external_id=external_id,
        status=status,
        account=account,
        job_id=uuid_of(marks.get("job")),
        source=_source(marks.get("key")),
        stage=stage_of(_dict(told.get("jobProgress")).get("currentPhase")),
        results=dict(_event_results(told)) if status is JobStatus.COMPLETE else {},
        error=reason(told.get("errorCode")) if is_error else "",
        detail=detail(told.get("errorCode"), told.get("errorMessage")) if is_error else "",
    )


def _event_results(told: Mapping[str, Any]) -> Iterator[tuple[str, Result]]:
    for group in _dicts(told.get("outputGroupDetails")):
        for output in _dicts(group.get("outputDetails")):
            result = Result(JobStatus.COMPLETE, seconds_of(output.get("durationInMs")))
            for key in map(key_of, _list(output.get("outputFilePaths"))):
                if key:
                    yield key, result


def _of_elastic(said: Mapping[str, Any]) -> Report | None:
    status, external_id = ELASTIC_STATES.get(said["state"]), _id(said.get("jobId"))
    if said["state"] == "WARNING":
        log.warning("elastic transcoder: job %s: %s", external_id, detail(said.get("errorCode"), _last_words(said)))
    if status is None or not external_id:
        return None
    marks = _dict(said.get("userMetadata"))
    is_error = status is JobStatus.ERROR
    failed = [output for output in _dicts(said.get("outputs")) if output.get("status") == "Error"]
    code = next((output.get("errorCode") for output in failed), said.get("errorCode"))
    return Report(
        external_id=ELASTIC + external_id,
        status=status,
        job_id=uuid_of(marks.get("job")),
        source=_source(marks.get("key")),
        results=dict(_elastic_results(said)) if status is not JobStatus.PROGRESSING else {},
        error=_elastic_reason(code) if is_error else "",
        detail=detail(code, _last_words(said)) if is_error else "",
    )


def _elastic_results(said: Mapping[str, Any]) -> Iterator[tuple[str, Result]]:
    prefix = said.get("outputKeyPrefix")
    for output in _dicts(said.get("outputs")):
        key, status = output.get("key"), output.get("status")
        known = ELASTIC_OUTPUTS.get(status) if isinstance(status, str) else None
        if isinstance(key, str) and known:
            error = _elastic_reason(output.get("errorCode")) if known is JobStatus.ERROR else ""
            seconds = seconds_of(output.get("duration"), per_second=1)
            yield (prefix if isinstance(prefix, str) else "") + key, Result(known, seconds, error)


def _elastic_reason(code: object) -> str:
    """Its number, or that number as text, in the user's words."""
    number = str(code) if isinstance(code, int | str) else ""
    thousands = int(number[0]) if re.fullmatch(r"[1-9][0-9]{3}", number) else 0
    return _ELASTIC_REASONS.get(thousands, EncodeFailed.message)


def _last_words(said: Mapping[str, Any]) -> str:
    words = [said.get("messageDetails"), *(output.get("statusDetail") for output in _dicts(said.get("outputs")))]
    return " ".join(each for each in words if isinstance(each, str))


def _source(value: object) -> str:
    """The key of an original that came without us, which the job carries in letters that AWS takes."""
    try:
        return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)).decode() if isinstance(value, str) else ""
    except ValueError:
        return ""


def _id(value: object) -> str:
    return value if isinstance(value, str) and _ID.fullmatch(value) else ""


def _dict(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _dicts(value: object) -> list[dict[str, Any]]:
    return [each for each in _list(value) if isinstance(each, dict)]

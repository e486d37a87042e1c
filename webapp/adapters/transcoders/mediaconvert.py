"""Have it converted by AWS Elemental MediaConvert, from the bucket to the bucket."""

import logging
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from functools import cached_property
from http import HTTPStatus
from typing import Any

from botocore.exceptions import ParamValidationError

from webapp.adapters import aws
from webapp.adapters.transcoders import mediaconvert_settings, reports
from webapp.errors import AppError, TranscoderRefused, TranscoderUnavailable
from webapp.news import JobStatus, Report, Result
from webapp.ports import JobSpec
from webapp.words import N_

log = logging.getLogger(__name__)

# Its quota (402) frees itself as jobs end, and a conflict (409) with its cause.
PASSING = (HTTPStatus.PAYMENT_REQUIRED, HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS)
# By AWS's own words, whatever the status: credentials expire, are renewed, and a clock is set right.
PASSING_CODES = frozenset({
    "Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded",
    "ExpiredToken", "ExpiredTokenException", "RequestExpired", "InvalidSignatureException", "SignatureDoesNotMatch",
    "UnrecognizedClientException", "InvalidClientTokenId", "IncompleteSignature", "IncompleteSignatureException",
    "MissingAuthenticationToken", "MissingAuthenticationTokenException",
})  # fmt: skip
# What no file is the cause of: rights, a role or queue that is not there.
NOT_SET_UP = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)
LONGEST_DETAIL = 1000


class MediaConvertTranscoder:
    """Fulfils `ports.Transcoder`. Its news come through SNS; see `reports`."""

    makes: Collection[str] = mediaconvert_settings.MAKES
    is_ours = False

    def __init__(self, *, bucket: str, region: str, role: str, queue: str, wake: Callable[[int], object]) -> None:
        self.bucket = bucket
        self.region = region
        self.role = role
        self.queue = queue
        self.wake = wake

    def submit(self, spec: JobSpec) -> str:
        request = mediaconvert_settings.job_request(spec, bucket=self.bucket, role=self.role, queue=self.queue)
        if not request["Settings"]["OutputGroups"]:
            raise TranscoderRefused(N_("This service does not make these formats."))
        try:
            job_id = str(self._client.create_job(**request)["Job"]["Id"])
        except aws.AWS_TROUBLE as exc:
            raise _refusal(exc) from exc
        with suppress(TranscoderUnavailable):  # the sweep wakes it again
            self.wake(1)  # the outline is drawn by a worker of ours, if there is one
        return job_id

    def cancel(self, external_id: str | None) -> None:
        if external_id is None or external_id.startswith(reports.ELASTIC):
            return
        try:
            self._client.cancel_job(Id=external_id)
        except aws.AWS_TROUBLE as exc:
            if aws.status_of(exc) not in (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT):
                log.warning("mediaconvert: job %s could not be canceled: %s", external_id, exc)

    def look(self, external_id: str) -> Report | None:
        if external_id.startswith(reports.ELASTIC):
            return None
        try:
            job = self._client.get_job(Id=external_id)["Job"]
        except aws.AWS_TROUBLE as exc:
            if _is_unknown(exc):
                return None
            log.warning("mediaconvert: asked for job %s: %s", external_id, exc)
            raise TranscoderUnavailable from exc
        return report_of(job)

    @cached_property
    def _client(self) -> Any:
        return aws.client("mediaconvert", self.region)


def report_of(job: Mapping[str, Any]) -> Report:
    """What the answer to GetJob says, in our words."""
    status = JobStatus(str(job["Status"]).lower())
    code, words = job.get("ErrorCode"), str(job.get("ErrorMessage") or "")
    is_error = status is JobStatus.ERROR
    return Report(
        external_id=str(job["Id"]),
        status=status,
        job_id=reports.uuid_of(job.get("UserMetadata", {}).get("job")),
        stage=reports.stage_of(job.get("CurrentPhase")),
        results=_results(job, status),
        error=reports.reason(code) if is_error else "",
        detail=reports.detail(code, words) if is_error else "",
    )


def _results(job: Mapping[str, Any], status: JobStatus) -> dict[str, Result]:
    """By the keys that the job was given: the answer has them in its settings alone, in the order of the details."""
    found: dict[str, Result] = {}
    groups = job.get("Settings", {}).get("OutputGroups", [])
    told = [group.get("OutputDetails", []) for group in job.get("OutputGroupDetails", [])]
    for at, group in enumerate(groups):
        base = group.get("OutputGroupSettings", {}).get("FileGroupSettings", {}).get("Destination", "")
        details = told[at] if at < len(told) else []
        for number, output in enumerate(group.get("Outputs", [])):
            key = reports.key_of(f"{base}{output.get('NameModifier', '')}.{output.get('Extension', '')}")
            length = details[number].get("DurationInMs") if number < len(details) else None
            if key:
                found[key] = Result(status, reports.seconds_of(length))
    return found


def _is_unknown(exc: Exception) -> bool:
    """Whether GetJob raised this because there is no such job. An id that can be none of its own is a bad request."""
    status = aws.status_of(exc)
    is_no_id = status == HTTPStatus.BAD_REQUEST and aws.code_of(exc) == "BadRequestException"
    return status == HTTPStatus.NOT_FOUND or is_no_id


def _refusal(exc: Exception) -> AppError:
    """What it means for the job that CreateJob raised this."""
    log.warning("mediaconvert: a job was not accepted: %s", exc)
    if _is_passing(exc):
        return TranscoderUnavailable()
    if aws.status_of(exc) in NOT_SET_UP:
        return TranscoderRefused(reports.NOT_SET_UP)  # AWS's words name accounts and roles: they are not for users
    return TranscoderRefused(detail=str(exc)[:LONGEST_DETAIL])


def _is_passing(exc: Exception) -> bool:
    """Whether the same request may be accepted later."""
    if isinstance(exc, ParamValidationError):
        return False
    status = aws.status_of(exc)
    is_final = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR and status not in PASSING
    return not is_final or aws.code_of(exc) in PASSING_CODES

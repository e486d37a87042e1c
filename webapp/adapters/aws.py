"""Clients of AWS, each with time-outs and few tries of its own: who waits for us has a limit too."""

import os
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

from webapp.errors import ConfigError

AWS_TROUBLE = (BotoCoreError, ClientError)
"""What a call raises: it could not be made, or was answered with an error."""
CONNECT_SECONDS, READ_SECONDS, TRIES = 5, 20, 3
# Putting an object of a thousand parts together takes S3 a while, in which it says nothing.
S3_READ_SECONDS = 60
LONGEST_REASON = 300


def client(service: str, region: str | None) -> Any:
    """A client of the service in the region, with credentials as boto3 finds them.

    S3 is asked at the bucket's own host with signature version 4, so that signed addresses hold everywhere; at an
    endpoint of one's own (AWS_ENDPOINT_URL_S3) the bucket is part of the path. Raises ConfigError for one that is none.
    """
    is_own = bool(os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL"))
    config = Config(
        region_name=region,
        connect_timeout=CONNECT_SECONDS,
        read_timeout=S3_READ_SECONDS if service == "s3" else READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": TRIES},
        signature_version="s3v4" if service == "s3" else None,
        # Of us-east-1 too, whose bare host is that of all regions otherwise.
        s3={"addressing_style": "path" if is_own else "virtual", "us_east_1_regional_endpoint": "regional"},
        # Else presigned addresses ask browsers for a checksum that they do not send.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    try:
        return boto3.session.Session().client(service, config=config)
    except ValueError as exc:  # of the address; what is wrong with credentials is told when something is asked
        raise ConfigError(f"AWS_ENDPOINT_URL_{service.upper()}, or AWS_ENDPOINT_URL: {exc}") from exc


def code_of(error: Exception) -> str:
    """AWS's word for what went wrong: NoSuchKey, 404, TooManyRequestsException; empty if there was no answer."""
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""


def status_of(error: Exception) -> int:
    """The HTTP status of the answer; 0 if there was none."""
    if not isinstance(error, ClientError):
        return 0
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def reason_of(error: Exception) -> str:
    """Why a call came to nothing, in one line for whoever looks after the service."""
    if isinstance(error, NoCredentialsError):
        return "no credentials were found: give this machine a role, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    if isinstance(error, NoRegionError):
        return "AWS_REGION is not set"
    if isinstance(error, ClientError):
        told = error.response.get("Error", {})
        return " ".join(f"{told.get('Code', '?')}: {told.get('Message', '')}".split())[:LONGEST_REASON]
    return " ".join(str(error).split())[:LONGEST_REASON]

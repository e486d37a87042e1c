"""Start a MediaConvert job for each sound that comes into the bucket without the app, as a Lambda of one file.

It is told of new objects by EventBridge ("Object Created"), or by S3 itself. What the app has put says so in its
metadata and is left to the app. The app hears of the job through SNS, finds in it the key that is written here, and
adds the file to the user whose number is the second part of the key: media/7/song.mp3 is one of user 7.

Settings (environment): MEDIACONVERT_ROLE_ARN, the role that MediaConvert takes on; MEDIACONVERT_QUEUE, its queue;
PRESETS, what is made, by commas.
"""

import base64
import hashlib
import logging
import os
import re
import uuid
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

log = logging.getLogger()
log.setLevel(logging.INFO)

INCOMING = re.compile(r"media/([1-9][0-9]{0,17})/(?:[^/]+/)*[^/]+")
DEFAULT_PRESETS = "wav,flac,mp4"
# Nothing has looked into the file yet, so rates are those of the CD, as they were with Elastic Transcoder.
RATE, OPUS_RATE = 44100, 48000
SELECTOR = "Audio Selector 1"
# The index in front, so that a player can begin before it has the whole file.
FRONT = {"MP4": {"Mp4Settings": {"MoovPlacement": "PROGRESSIVE_DOWNLOAD"}}}
# A value of MediaConvert's UserMetadata has at most so many characters, a ClientRequestToken so many.
LONGEST_VALUE, LONGEST_TOKEN = 256, 64
NOT_THERE = ("404", "NoSuchKey", "NotFound")


class Put(NamedTuple):
    """An object that has been put into a bucket."""

    bucket: str
    key: str
    version: str
    """The version's id, or the content's mark where the bucket keeps no versions."""


def handler(event: dict[str, Any], _context: object) -> dict[str, list[str]]:
    """Start one job for each object that is news, and return the ids of the jobs.

    Whatever AWS answers that is no word on the object itself flies: Lambda then tries again, and at last tells the
    queue of failures.
    """
    return {"jobs": [job for put in puts(event) if is_ours_to_do(put) for job in start(put)]}


def puts(event: dict[str, Any]) -> Iterator[Put]:
    """The objects that the event tells of, whichever of the two shapes it has; of s3:TestEvent none."""
    if event.get("detail-type") == "Object Created":
        detail = event["detail"]
        thing = detail["object"]
        yield _put(detail["bucket"]["name"], thing["key"], thing.get("version-id"), thing.get("etag") or thing["eTag"])
    for record in event.get("Records", ()):
        if record.get("eventSource") == "aws:s3" and "ObjectCreated:" in record["eventName"]:
            thing = record["s3"]["object"]
            # Only this shape spells the key as in a form, with + for a space.
            key = unquote_plus(thing["key"])
            yield _put(record["s3"]["bucket"]["name"], key, thing.get("versionId"), thing["eTag"])


def _put(bucket: str, key: str, version: str | None, etag: str) -> Put:
    return Put(bucket, key, etag.strip('"') if version in (None, "", "null") else version)


def is_ours_to_do(put: Put) -> bool:
    """Whether it is a sound of a user, and did not come through the app. Never what MediaConvert itself has put."""
    if not INCOMING.fullmatch(put.key) or {".", ".."} & set(put.key.split("/")) or "\0" in put.key:
        log.info("%s: not of the form media/<user>/…, left", put.key)
        return False
    if len(_name_of(put.key)) > LONGEST_VALUE:
        log.warning("%s: the key is too long to be told to the app, left", put.key)
        return False
    try:
        head = client("s3").head_object(Bucket=put.bucket, Key=put.key)
    except ClientError as exc:
        if exc.response["Error"]["Code"] not in NOT_THERE:
            raise
        log.info("%s: gone already, left", put.key)
        return False
    if head["Metadata"].get("by") == "tapedeck":
        log.info("%s: put by the app, left to it", put.key)
        return False
    return True


def start(put: Put) -> Iterator[str]:
    """Start the job and yield its id."""
    answer = client("mediaconvert").create_job(**request_for(put))
    log.info("%s: job %s", put.key, answer["Job"]["Id"])
    yield str(answer["Job"]["Id"])


def request_for(put: Put) -> dict[str, Any]:
    """What MediaConvert is asked. An event that comes twice asks the same with the same token, and makes one job."""
    names = [name.strip() for name in os.environ.get("PRESETS", DEFAULT_PRESETS).split(",") if name.strip()]
    user = put.key.split("/")[1]
    folder = f"s3://{put.bucket}/transcoded/{user}/{file_id(put.key)}"
    return {
        "Role": os.environ["MEDIACONVERT_ROLE_ARN"],
        "Queue": os.environ.get("MEDIACONVERT_QUEUE") or "Default",
        "ClientRequestToken": hashlib.sha256("/".join(put).encode()).hexdigest()[:LONGEST_TOKEN],
        "UserMetadata": {"key": _name_of(put.key)},
        "Tags": {"app": "tapedeck"},
        "Settings": {
            "TimecodeConfig": {"Source": "ZEROBASED"},
            "Inputs": [
                {
                    "FileInput": f"s3://{put.bucket}/{put.key}",
                    "TimecodeSource": "ZEROBASED",
                    "AudioSelectors": {SELECTOR: {"DefaultSelection": "DEFAULT"}},
                }
            ],
            "OutputGroups": [output_group(name, f"{folder}/{name}") for name in names],
        },
    }


def file_id(key: str) -> uuid.UUID:
    """The file's number: the one in its key, else one that follows from the key, so that the app finds the same."""
    try:
        return uuid.UUID(key.split("/")[2])
    except ValueError:
        return uuid.uuid5(uuid.NAMESPACE_URL, key)


def output_group(name: str, destination: str) -> dict[str, Any]:
    """One object, destination.extension, made by the preset of this name. Raises ValueError for one unknown here."""
    if name not in PRESETS:
        raise ValueError(f"PRESETS: {name!r} is none of {', '.join(PRESETS)}")
    extension, container, codec = PRESETS[name]
    return {
        "Name": name,
        "OutputGroupSettings": {
            "Type": "FILE_GROUP_SETTINGS",
            "FileGroupSettings": {"Destination": destination},
        },
        "Outputs": [
            {
                "ContainerSettings": {"Container": container} | FRONT.get(container, {}),
                "Extension": extension,
                "AudioDescriptions": [{"AudioSourceName": SELECTOR, "CodecSettings": codec}],
            }
        ],
    }


@cache
def client(service: str) -> Any:
    """Made when it is first needed and kept: loading this module asks AWS nothing."""
    config = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard", "max_attempts": 4})
    return boto3.client(service, config=config)


def _name_of(key: str) -> str:
    """The key in the letters that UserMetadata takes: base64url (RFC 4648, 5) without its padding."""
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def _pcm(codec: str, depth: int) -> dict[str, Any]:
    """Channels 0: as many as the input has."""
    return {"Codec": codec, f"{codec.title()}Settings": {"BitDepth": depth, "Channels": 0, "SampleRate": RATE}}


def _aac(bits_per_second: int) -> dict[str, Any]:
    return {
        "Codec": "AAC",
        "AacSettings": {
            "Bitrate": bits_per_second,
            "CodecProfile": "LC",
            "CodingMode": "CODING_MODE_2_0",
            "RateControlMode": "CBR",
            "SampleRate": RATE,
        },
    }


def _mp3(**rate: int | str) -> dict[str, Any]:
    return {"Codec": "MP3", "Mp3Settings": {"Channels": 2, "SampleRate": RATE, **rate}}


def _opus(bits_per_second: int) -> dict[str, Any]:
    return {"Codec": "OPUS", "OpusSettings": {"Bitrate": bits_per_second, "Channels": 2, "SampleRate": OPUS_RATE}}


# By the app's own names: extension, container (RAW: none around the codec's own), codec.
PRESETS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "wav": ("wav", "RAW", _pcm("WAV", 16)),
    "flac": ("flac", "RAW", _pcm("FLAC", 16)),
    "mp4": ("mp4", "MP4", _aac(256000)),
    "mp3-320": ("mp3", "RAW", _mp3(RateControlMode="CBR", Bitrate=320000)),
    "mp3-192": ("mp3", "RAW", _mp3(RateControlMode="CBR", Bitrate=192000)),
    "mp3-v0": ("mp3", "RAW", _mp3(RateControlMode="VBR", VbrQuality=0)),
    "m4a-256": ("m4a", "MP4", _aac(256000)),
    "m4a-128": ("m4a", "MP4", _aac(128000)),
    "opus-128": ("opus", "OGG", _opus(128000)),
    "opus-64": ("opus", "OGG", _opus(64000)),
    "ogg-q6": (
        "ogg",
        "OGG",
        {"Codec": "VORBIS", "VorbisSettings": {"Channels": 2, "SampleRate": RATE, "VbrQuality": 6}},
    ),
    "wav-24": ("wav", "RAW", _pcm("WAV", 24)),
    "aiff": ("aiff", "RAW", _pcm("AIFF", 16)),
}

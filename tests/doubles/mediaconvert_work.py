"""Do what a job of MediaConvert asks, with ffmpeg, from the bucket to the bucket."""

import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import imageio_ffmpeg
from botocore.exceptions import ClientError

from webapp.adapters import aws

PCM = {16: "pcm_s16", 24: "pcm_s24"}
FORMATS = {"WAV": "wav", "AIFF": "aiff", "FLAC": "flac", "MP3": "mp3", "AAC": "mp4", "OPUS": "ogg", "VORBIS": "ogg"}


class Failed(Exception):
    """The job ends with an error of this number."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(words)
        self.code = code


def convert(job: Mapping[str, Any], region: str) -> list[dict[str, Any]]:
    """Make all outputs and return the outputGroupDetails. Raises Failed."""
    s3 = aws.client("s3", region)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "source"
        bucket, key = _place(job["settings"]["inputs"][0]["fileInput"])
        try:
            s3.download_file(bucket, key, str(source))
        except ClientError as exc:
            raise Failed(1404, f"Unable to open input file s3://{bucket}/{key}") from exc
        details = []
        for group in job["settings"]["outputGroups"]:
            base = group["outputGroupSettings"]["fileGroupSettings"]["destination"]
            made = [_make(s3, job["id"], source, base, output) for output in group["outputs"]]
            details.append({"outputDetails": made, "type": "FILE_GROUP"})
        return details


def _make(s3: Any, job_id: str, source: Path, base: str, output: Mapping[str, Any]) -> dict[str, Any]:
    address = f"{base}{output.get('nameModifier', '')}.{output['extension']}"
    codec = output["audioDescriptions"][0]["codecSettings"]
    target = source.with_name("target")
    seconds = _encode(source, target, codec["codec"], codec[f"{codec['codec'].lower()}Settings"])
    bucket, key = _place(address)
    s3.upload_file(str(target), bucket, key, ExtraArgs={"Metadata": {"mediaconvert-jobid": job_id}})
    return {"outputFilePaths": [address], "durationInMs": round(seconds * 1000)}


def _encode(source: Path, target: Path, codec: str, told: Mapping[str, Any]) -> float:
    """Write the output and return its length."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-y", "-progress", "pipe:1"]
    command += ["-i", f"file:{source}", "-map", "0:a:0", "-vn", *_arguments(codec, told)]
    command += ["-f", FORMATS[codec], f"file:{target}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        raise Failed(1010, f"Unable to open input file: {done.stderr[-200:]}")
    return max(int(line.split("=")[1]) for line in done.stdout.splitlines() if line.startswith("out_time_us=")) / 1e6


def _arguments(codec: str, told: Mapping[str, Any]) -> list[str]:
    mode = told.get("codingMode")
    channels = {"CODING_MODE_1_0": 1, "CODING_MODE_2_0": 2}.get(mode) if mode else told["channels"]
    shape = ["-ar", str(told["sampleRate"]), *(["-ac", str(channels)] if channels else [])]
    if codec in ("WAV", "AIFF"):
        return [*shape, "-c:a", PCM[told["bitDepth"]] + ("le" if codec == "WAV" else "be")]
    if codec == "FLAC":
        return [*shape, "-c:a", "flac", "-sample_fmt", "s16" if told["bitDepth"] == 16 else "s32"]
    encoder = {"MP3": "libmp3lame", "AAC": "aac", "OPUS": "libopus", "VORBIS": "libvorbis"}[codec]
    how = ["-b:a", str(told["bitrate"])] if "bitrate" in told else ["-q:a", str(told["vbrQuality"])]
    return [*shape, "-c:a", encoder, *how]


def _place(address: str) -> tuple[str, str]:
    bucket, _, key = address.removeprefix("s3://").partition("/")
    return bucket, key

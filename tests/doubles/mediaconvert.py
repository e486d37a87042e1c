"""AWS Elemental MediaConvert as far as its jobs go: over HTTP, as strict as its own service model, with ffmpeg inside.

boto3 reaches it through AWS_ENDPOINT_URL_MEDIACONVERT, from this process or another. Nothing goes on by itself: a test
says `begin`, `finish` or `event`, and gets the event that EventBridge would carry.
"""

import json
import random
import string
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from types import TracebackType
from typing import Any, Self

from tests.doubles.mediaconvert_model import faults_of
from tests.doubles.mediaconvert_work import Failed, convert

ACCOUNT, REGION = "111122223333", "eu-west-1"
FINAL = ("COMPLETE", "CANCELED", "ERROR")
JOBS = "/2017-08-29/jobs"
# https://docs.aws.amazon.com/mediaconvert/latest/apireference/idempotency.html
TOKEN_SECONDS = 60.0
NAMES = {
    400: "BadRequestException",
    402: "ServiceQuotaExceededException",
    403: "ForbiddenException",
    404: "NotFoundException",
    409: "ConflictException",
    429: "TooManyRequestsException",
    500: "InternalServerErrorException",
}

Answer = tuple[int, dict[str, Any]]


class FakeMediaConvert(AbstractContextManager["FakeMediaConvert"]):
    """Its `jobs` are as GetJob answers them (camelCase), by id. `requests` are the CreateJobs that were accepted."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.jobs: dict[str, dict[str, Any]] = {}
        self.requests: list[dict[str, Any]] = []
        self.calls: list[str] = []
        self.clock = clock
        self._tokens: dict[str, tuple[str, float]] = {}
        self._failures: list[int] = []
        self._lock = Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """For AWS_ENDPOINT_URL_MEDIACONVERT."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs that is to reach it."""
        return {
            "AWS_ENDPOINT_URL_MEDIACONVERT": self.url,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
        }

    def fail(self, status: int, times: int = 1) -> None:
        """Answer the next calls like this, whatever they are."""
        self._failures += [status] * times

    def begin(self, job_id: str) -> dict[str, Any]:
        """Set to work on the job; the event that tells of it."""
        self.jobs[job_id] |= {"status": "PROGRESSING", "currentPhase": "PROBING"}
        return self.event(job_id, "PROGRESSING")

    def finish(self, job_id: str) -> dict[str, Any]:
        """Really convert, from the bucket to the bucket; the event that tells of it, be it COMPLETE or ERROR.

        The bucket is where this process's AWS_ENDPOINT_URL_S3 says.
        """
        job = self.jobs[job_id]
        try:
            job["outputGroupDetails"] = convert(job, REGION)
        except Failed as exc:
            job |= {"status": "ERROR", "errorCode": exc.code, "errorMessage": str(exc)}
        else:
            job |= {"status": "COMPLETE", "currentPhase": "UPLOADING"}
        return self.event(job_id, job["status"])

    def event(self, job_id: str, status: str, **more: Any) -> dict[str, Any]:
        """The event of this status, with more in its detail; the job stays as it is."""
        job = self.jobs[job_id]
        detail: dict[str, Any] = {
            "timestamp": int(time.time() * 1000),
            "accountId": ACCOUNT,
            "queue": job["queue"],
            "jobId": job_id,
            "status": status,
            "userMetadata": job["userMetadata"],
        }
        if status == "COMPLETE":
            detail |= {"outputGroupDetails": job.get("outputGroupDetails", []), "warnings": []}
        if status == "ERROR":
            detail |= {"errorCode": job.get("errorCode", 1999), "errorMessage": job.get("errorMessage", "Unknown")}
        return {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": "MediaConvert Job State Change",
            "source": "aws.mediaconvert",
            "account": ACCOUNT,
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "region": REGION,
            "resources": [job["arn"]],
            "detail": detail | more,
        }

    def answer(self, method: str, path: str, body: bytes) -> Answer:
        """What a call is answered with."""
        with self._lock:
            self.calls.append(f"{method} {path}")
            if self._failures:
                return _error(self._failures.pop(0), "as the test wants it")
            if method == "POST" and path == JOBS:
                return self._create(body)
            job = self.jobs.get(path.removeprefix(f"{JOBS}/"))
            if job is None:
                return _error(404, "The job was not found.")
            if method == "DELETE":
                return self._cancel(job)
            return 200, {"job": {name: value for name, value in job.items() if name != "outputFilePaths"}}

    def _create(self, body: bytes) -> Answer:
        try:
            request = json.loads(body)
        except ValueError:
            return _error(400, "no JSON")
        if faults := faults_of(request):
            return _error(400, "; ".join(faults))
        token, now = request.get("clientRequestToken", ""), self.clock()
        known, since = self._tokens.get(token, ("", 0.0))
        if not known or now - since > TOKEN_SECONDS:
            known = self._add(request)
            self._tokens[token] = (known, now)
        return 201, {"job": self.jobs[known]}

    def _add(self, request: Mapping[str, Any]) -> str:
        tail = "".join(random.choices(string.ascii_lowercase + string.digits, k=6))
        job_id = f"{int(time.time() * 1000)}-{tail}"
        self.requests.append(dict(request))
        self.jobs[job_id] = {
            "id": job_id,
            "arn": f"arn:aws:mediaconvert:{REGION}:{ACCOUNT}:jobs/{job_id}",
            "createdAt": int(time.time()),
            "status": "SUBMITTED",
            "role": request["role"],
            "queue": f"arn:aws:mediaconvert:{REGION}:{ACCOUNT}:queues/{request.get('queue', 'Default')}",
            "settings": request["settings"],
            "userMetadata": request.get("userMetadata", {}),
            "clientRequestToken": request.get("clientRequestToken", ""),
        }
        return job_id

    def _cancel(self, job: dict[str, Any]) -> Answer:
        if job["status"] in FINAL:
            return _error(409, f"The job is {job['status']} already.")
        job["status"] = "CANCELED"
        return 202, {}


def _error(status: int, words: str) -> Answer:
    return status, {"__type": NAMES.get(status, "InternalServerErrorException"), "message": words}


def _handler(service: FakeMediaConvert) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, said = service.answer(self.command, self.path, body)
            text = json.dumps(said).encode()
            self.send_response(status)
            if "__type" in said:
                self.send_header("x-amzn-ErrorType", said["__type"])
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_DELETE = do_POST  # noqa: N815 - the library's names

        def log_message(self, *args: object) -> None:
            """Nothing: the tests look at `calls`."""

    return Handler

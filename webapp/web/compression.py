"""Pages and JSON go over the line compressed. Static files are compressed beforehand, see assets; sound never is."""

import gzip
from http import HTTPStatus

from flask import Flask, Request, Response, request

TYPES = ("text/html", "application/json")
# Empty, or a part of something.
NEVER = (HTTPStatus.NO_CONTENT, HTTPStatus.PARTIAL_CONTENT, HTTPStatus.NOT_MODIFIED)
# Below this, what is saved fits into the same packet.
LEAST_BYTES = 500
# A list of 25 files takes a millisecond; the highest level takes four times that for 2 % less.
LEVEL = 5


def init_app(app: Flask) -> None:
    """Compress what the app answers with. To be called before other rooms: who comes first has the last word."""
    app.after_request(_compress)


def takes_gzip(request: Request) -> bool:
    """Whether whoever asks can read it."""
    return "gzip" in request.headers.get("Accept-Encoding", "") and request.accept_encodings.quality("gzip") > 0


def _compress(response: Response) -> Response:
    if response.mimetype not in TYPES or response.is_streamed or response.status_code in NEVER:
        return response
    response.vary.add("Accept-Encoding")
    body = response.get_data()
    if len(body) >= LEAST_BYTES and takes_gzip(request):
        response.set_data(gzip.compress(body, LEVEL, mtime=0))
        response.headers["Content-Encoding"] = "gzip"
    return response

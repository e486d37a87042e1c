"""Where Amazon SNS brings its messages. 2xx: understood. 4xx: never send this again. 5xx: come again."""

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from webapp.adapters.sns.envelope import LONGEST
from webapp.extensions import csrf
from webapp.services import sns
from webapp.web import body

bp = Blueprint("sns", __name__)


# Its signature says whose it is, and no browser sends it.
@bp.post("/transcode-complete/", provide_automatic_options=False)
@csrf.exempt
def receive() -> ResponseReturnValue:
    """What became of the message, in a word: applied, repeated, ignored or confirmed."""
    request.max_content_length = LONGEST
    posted = b"".join(body.chunks(request.stream))
    return Response(sns.receive(posted, dict(request.headers)), mimetype="text/plain")

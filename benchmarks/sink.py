"""The app with one view more, which reads what it is sent and throws it away: what any upload costs at the least."""

import sys

from flask import request
from flask.typing import ResponseReturnValue

from webapp import create_app
from webapp.extensions import csrf
from webapp.web import body

app = create_app()


@app.post("/sink")
@csrf.exempt
def sink() -> ResponseReturnValue:
    """Take it, in pieces as big as those of a real upload, and say how much it was."""
    request.max_content_length = sys.maxsize
    return str(sum(len(chunk) for chunk in body.chunks(request.stream)))

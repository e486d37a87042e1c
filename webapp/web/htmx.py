"""Answers for a page with htmx and for one without."""

from urllib.parse import SplitResult, urlsplit

from flask import Response, current_app, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import RequestRedirect


def asked() -> bool:
    """Whether htmx asks, and takes a fragment."""
    return request.headers.get("HX-Request") == "true"


def fragment_or_redirect(template: str, location: str, **context: object) -> ResponseReturnValue:
    """The fragment for htmx, a 303 to the location for everybody else. Open pollers ask at once."""
    if not asked():
        return redirect(location, 303)
    return poll_now(make_response(render_template(template, **context)))


def poll_now(response: Response) -> Response:
    """Let the page's poller ask as soon as the answer is there: something has changed, perhaps its pace too."""
    response.headers["HX-Trigger"] = "poll-now"
    return response


def safe_path(target: str | None) -> str | None:
    """The target if it is a path of ours, else None: nobody is sent to another site by an address that we print."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return None
    if any(ord(c) < 0x21 or c == "\\" or ord(c) == 0x7F for c in target):  # noqa: PLR2004 - ASCII's controls
        return None
    parts = parts_of(target)
    return None if parts.scheme or parts.netloc else target


def parts_of(address: str | None) -> SplitResult:
    """The parts of an address that a browser has sent; of one that is none, they are empty."""
    try:
        return urlsplit(address or "")
    except ValueError:
        return urlsplit("")


def where_one_was(default: str) -> str:
    """The page of ours that a form was sent from."""
    parts = parts_of(request.referrer)
    if parts.netloc != request.host:
        return default
    path = safe_path(parts.path + (f"?{parts.query}" if parts.query else ""))
    return path if path and _is_page(parts.path) else default


def _is_page(path: str) -> bool:
    """Whether it can be gone to: what was shown in answer to a form has the form's address, which takes no GET."""
    try:
        current_app.url_map.bind("").match(path, "GET")
    except (NotFound, MethodNotAllowed, RequestRedirect):
        return False
    return True

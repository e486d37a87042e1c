"""The headers that every answer carries (OWASP ASVS 5.0, 3.4)."""

from http import HTTPStatus

from flask import Flask, Response, g
from flask.sessions import SecureCookieSessionInterface, SessionMixin

from webapp.extensions import settings

POLICY = "; ".join((
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "media-src 'self' blob:",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
))  # fmt: skip
ALWAYS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# What an idle poll weighs is mostly headers, and an empty answer has nothing that could be styled, run or opened.
IF_EMPTY = ALWAYS | {"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"}
DIFFERS_BY = "HX-Request, Cookie"


class Sessions(SecureCookieSessionInterface):
    """Flask's, but an answer that is for everybody carries no cookie and does not differ by one."""

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Flask-Login looks into each session; a browser fetches anew after a sign-in what differs by the cookie."""
        if not response.headers.get("Cache-Control", "").startswith("public"):
            super().save_session(app, session, response)


def init_app(app: Flask) -> None:
    """Put them on every answer, errors and static files too."""
    app.session_interface = Sessions()
    app.after_request(_add)


def _add(response: Response) -> Response:
    headers = response.headers
    is_empty = response.status_code == HTTPStatus.NO_CONTENT
    if is_empty:
        headers.remove("Content-Type")
    for name, value in (IF_EMPTY if is_empty else ALWAYS).items():
        headers.setdefault(name, value)
    # A static file says by itself how long it may be kept, and by what it differs.
    headers.setdefault("Cache-Control", "no-store")
    headers.setdefault("Vary", DIFFERS_BY)
    if settings.is_https:
        headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    if "request_id" in g:
        headers["X-Request-ID"] = g.request_id
    return response

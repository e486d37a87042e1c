"""The headers that every answer carries (OWASP ASVS 5.0, 3.4)."""

from http import HTTPStatus

from flask import Flask, Response, g
from flask.sessions import SecureCookieSessionInterface, SessionMixin

from webapp.extensions import settings

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# What an idle poll weighs is mostly headers, and an empty answer has nothing that could be styled, run or opened.
IF_EMPTY = {"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"}
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
    static = app.extensions["settings"].static_url
    # With its path: objects of users may lie on the same host.
    folder = f"{static.rstrip('/')}/" if static else ""
    policy = {"Content-Security-Policy": _policy(folder, app.extensions["storage"].origin)}
    app.after_request(lambda response: _add(response, policy))


def _policy(static: str, objects: str) -> str:
    """What a page of ours may load, and from where: also the static files and the objects, if they are elsewhere."""
    return "; ".join((
        "default-src 'none'",
        f"script-src 'self' {static}".rstrip(),
        f"style-src 'self' {static}".rstrip(),
        f"img-src 'self' data: {static}".rstrip(),
        f"media-src 'self' blob: {objects}".rstrip(),
        f"connect-src 'self' {objects}".rstrip(),
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ))  # fmt: skip


def _add(response: Response, policy: dict[str, str]) -> Response:
    headers = response.headers
    is_empty = response.status_code == HTTPStatus.NO_CONTENT
    if is_empty:
        headers.remove("Content-Type")
    for name, value in (ALWAYS | (IF_EMPTY if is_empty else policy)).items():
        headers.setdefault(name, value)
    # A static file says by itself how long it may be kept, and by what it differs.
    headers.setdefault("Cache-Control", "no-store")
    headers.setdefault("Vary", DIFFERS_BY)
    if settings.is_https:
        headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    if "request_id" in g:
        headers["X-Request-ID"] = g.request_id
    return response

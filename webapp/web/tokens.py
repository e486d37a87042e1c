"""The CSRF token where it is read before the rest: Flask-WTF's check reads a whole form first, for anybody."""

from flask import current_app, request
from flask_wtf.csrf import validate_csrf
from wtforms.validators import ValidationError

from webapp.errors import FormExpired


def check(token: str | None = None) -> None:
    """Raise FormExpired unless this token, or that in the header, is of this session."""
    if not current_app.config["WTF_CSRF_ENABLED"]:
        return
    try:
        validate_csrf(token or request.headers.get("X-CSRFToken"))
    except ValidationError as exc:
        raise FormExpired from exc
    if request.is_secure and not (request.referrer or "").startswith(request.host_url):
        raise FormExpired

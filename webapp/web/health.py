"""For load balancers and people who look after the service."""

from collections.abc import Callable
from http import HTTPStatus

import sqlalchemy as sa
from flask import Blueprint, current_app, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError

from webapp.db import db
from webapp.errors import AppError
from webapp.extensions import storage

bp = Blueprint("health", __name__)


@bp.get("/healthz")
def alive() -> ResponseReturnValue:
    """The process answers."""
    return jsonify(status="ok")


@bp.get("/readyz")
def ready() -> ResponseReturnValue:
    """Database, storage and broker can be reached; 503 and which cannot, if one cannot."""
    checks: dict[str, Callable[[], object]] = {
        "database": lambda: db.session.execute(sa.text("SELECT 1")),
        "storage": storage.check,
        "broker": current_app.extensions["queue"].check,
    }
    found = {name: _works(check) for name, check in checks.items()}
    status = HTTPStatus.OK if all(found.values()) else HTTPStatus.SERVICE_UNAVAILABLE
    told = {name: "ok" if works else "unreachable" for name, works in found.items()}
    return jsonify(status="ok" if all(found.values()) else "unavailable", **told), status


def _works(check: Callable[[], object]) -> bool:
    try:
        check()
    except (AppError, SQLAlchemyError):
        return False
    return True

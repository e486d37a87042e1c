"""Figures for Prometheus: to this machine, or to whoever knows the token."""

import hmac
import ipaddress
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from flask import Blueprint, Response, request

from webapp.errors import NotFound
from webapp.extensions import settings
from webapp.services import figures
from webapp.services.figures import Figures

bp = Blueprint("metrics", __name__)
# https://prometheus.io/docs/instrumenting/exposition_formats/
MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# Who sends one of them came by way of somebody.
FORWARDED = ("X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", "Forwarded", "Via")
PROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"


@bp.get("/metrics")
def show() -> Response:
    """The figures; for anybody else there is nothing here."""
    if not (_knows_token() or _is_from_here()):
        raise NotFound
    lines = [line for each in _series(figures.now()) for line in each]
    return Response("\n".join([*lines, ""]), content_type=MEDIA_TYPE)


def _knows_token() -> bool:
    given = request.authorization
    if not settings.metrics_token or given is None or given.type != "bearer":
        return False
    return hmac.compare_digest((given.token or "").encode(errors="replace"), settings.metrics_token.encode())


def _is_from_here() -> bool:
    """Whether the peer is this machine, and speaks for itself, or a proxy that is trusted says that of it."""
    is_told = "werkzeug.proxy_fix.orig" in request.environ and "X-Forwarded-For" in request.headers
    if not is_told and any(name in request.headers for name in FORWARDED):
        return False
    try:
        address = ipaddress.ip_address(request.remote_addr or "")
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def _series(told: Figures) -> Iterator[list[str]]:
    yield _gauge("info", "What runs here.", {_labels(version=_version(), **_choices()): 1})
    by_status = {_labels(status=status): count for status, count in told.jobs.items()}
    yield _gauge("jobs", "Attempts to make renditions, by status.", by_status)
    unfinished = {_labels(status=status): count for status, count in told.renditions.items()}
    yield _gauge("renditions_unfinished", "Renditions that wait or are being made, by status.", unfinished)
    waited = told.oldest_waiting_seconds
    yield _gauge("oldest_waiting_seconds", "Age of the oldest job whose renditions wait.", {"": waited})
    yield _gauge("users", "Accounts.", {"": told.users})
    yield _gauge("files", "Files.", {"": told.files})
    kept = {_labels(what="originals"): told.original_bytes, _labels(what="renditions"): told.rendition_bytes}
    yield _gauge("kept_bytes", "What is kept.", kept)
    yield _gauge("uploads_unfinished", "Uploads that can go on.", {"": told.uploads})
    yield _gauge("uploads_reserved_bytes", "What they will take.", {"": told.upload_bytes})
    if told.free_bytes is not None:
        yield _gauge("storage_free_bytes", "Room that is left for files.", {"": told.free_bytes})
    if told.sweep_age_seconds is not None:
        yield _gauge("sweep_age_seconds", "Since a worker last swept.", {"": told.sweep_age_seconds})


def _gauge(name: str, meaning: str, samples: Mapping[str, float]) -> list[str]:
    name = f"tapedeck_{name}"
    values = [f"{name}{labels} {value}" for labels, value in samples.items()]
    return [f"# HELP {name} {meaning}", f"# TYPE {name} gauge", *values]


def _labels(**labels: str) -> str:
    """Their values are words of ours, without a quote or a backslash."""
    return "{" + ",".join(f'{name}="{value}"' for name, value in labels.items()) + "}"


def _choices() -> dict[str, str]:
    database = settings.database.partition(":")[0].partition("+")[0]
    return {"database": database, "storage": settings.storage, "transcoder": settings.transcoder}


@cache
def _version() -> str:
    return str(tomllib.loads(PROJECT.read_text())["project"]["version"])

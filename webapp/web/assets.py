"""The static files: read and made small once, and served under names that hold a hash of what is in them."""

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path, PurePosixPath

from flask import Flask, Response, request, url_for
from markupsafe import Markup
from rcssmin import cssmin
from rjsmin import jsmin

from webapp.errors import NotFound
from webapp.extensions import settings
from webapp.web.compression import takes_gzip

FOLDER = Path(__file__).resolve().parents[2] / "static"
# What is of no kind that is named here is not served.
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
# What takes comments and spaces out of our own files. Vendored ones stay as they are.
_SHORTENED: Mapping[str, Callable[[str], str]] = {".css": cssmin, ".js": jsmin}
# How a module of ours names another one: it stands beside it.
_IMPORT = re.compile(rb'from "\./([\w-]+\.js)"')
FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class Asset:
    """One static file."""

    name: str
    """As templates call it: vendor/htmx.min.js."""
    body: bytes

    @property
    def type(self) -> str:
        """Its content type."""
        return TYPES[PurePosixPath(self.name).suffix]

    @cached_property
    def hashed_name(self) -> str:
        """vendor/htmx.min.3f2a9c1b7e.js: whatever is under it never changes, so browsers may keep it for ever."""
        path = PurePosixPath(self.name)
        return str(path.with_name(f"{path.stem}.{hashlib.sha256(self.body).hexdigest()[:10]}{path.suffix}"))

    @cached_property
    def compressed(self) -> bytes:
        """The same by gzip, as small as it gets; the file itself where that is no smaller."""
        return min(gzip.compress(self.body, 9, mtime=0), self.body, key=len)


def init_app(app: Flask) -> None:
    """Serve them, and let templates find them."""
    app.add_url_rule("/static/<path:filename>", "static", _serve)
    app.jinja_env.globals.update(
        static_url=static_url, static_inline=static_inline, integrity=integrity, crossorigin=crossorigin
    )


@cache
def assets(folder: Path = FOLDER) -> Mapping[str, Asset]:
    """All there are by their names, as they were when they were first asked for."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix in TYPES and path.is_file())
    found: dict[str, Asset] = {}

    def add(name: str) -> Asset:
        """It, with what it imports under hashed names too."""
        if name not in found:
            body = (folder / name).read_bytes()
            body = _IMPORT.sub(lambda match: b'from "./%s"' % add(match[1].decode()).hashed_name.encode(), body)
            found[name] = Asset(name, _short(name, body))
        return found[name]

    for path in paths:
        add(path.relative_to(folder).as_posix())
    return found


def _short(name: str, body: bytes) -> bytes:
    """The same to a browser, in fewer bytes."""
    path = PurePosixPath(name)
    if path.suffix not in _SHORTENED or path.is_relative_to("vendor"):
        return body
    return _SHORTENED[path.suffix](body.decode()).encode()


def static_url(name: str) -> str:
    """The address of a static file, at STATIC_URL if that is set. Raises KeyError if there is none of this name."""
    filename = assets()[name].hashed_name
    if settings.static_url:
        return f"{settings.static_url.rstrip('/')}/{filename}"
    return url_for("static", filename=filename)


def crossorigin() -> str:
    """The attribute of scripts and style sheets that come from elsewhere: no cookie goes there, their hash counts."""
    return Markup(" crossorigin") if settings.static_url else ""


def static_inline(name: str) -> str:
    """A small static file as an address that holds it (RFC 2397), so that nobody has to ask for it."""
    asset = assets()[name]
    return f"data:{asset.type};base64,{base64.b64encode(asset.body).decode()}"


@cache
def integrity(name: str) -> str:
    """What vendor.json says that the vendored file is, whatever the file has become."""
    known = {each["file"]: each["sha384"] for each in json.loads((FOLDER / "vendor" / "vendor.json").read_text())}
    return f"sha384-{known[name]}"


@cache
def _by_hashed_name() -> Mapping[str, Asset]:
    return {asset.hashed_name: asset for asset in assets().values()}


def _serve(filename: str) -> Response:
    """The file of this name, hashed or not. Names are looked up, never joined to a path."""
    hashed = _by_hashed_name().get(filename)
    asset = hashed or assets().get(filename)
    if asset is None:
        raise NotFound
    body = asset.compressed if takes_gzip(request) else asset.body
    response = Response(body, content_type=asset.type)
    if body is not asset.body:
        response.headers["Content-Encoding"] = "gzip"
    response.headers["Cache-Control"] = FOR_EVER if hashed else "public, no-cache"
    response.headers["Vary"] = "Accept-Encoding"
    return response

"""Static files, as they go over the line."""

import gzip
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.fakes import MemoryStorage
from webapp import create_app
from webapp.config import Config
from webapp.web import assets

GZIP = {"Accept-Encoding": "gzip, deflate, br"}


def address_of(name: str) -> str:
    return f"/static/{assets.assets()[name].hashed_name}"


@pytest.mark.parametrize("name", ["app.css", "app.js", "icon.svg", "vendor/htmx-2.0.11.min.js"])
def test_a_static_file_may_be_kept_for_ever_under_its_hash(visitor: FlaskClient, name: str) -> None:
    answer = visitor.get(address_of(name))

    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.data == assets.assets()[name].body
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("name", ["icon.svg", "vendor/htmx-2.0.11.min.js"])
def test_a_picture_and_what_is_vendored_are_served_as_they_are(visitor: FlaskClient, name: str) -> None:
    assert visitor.get(address_of(name)).data == (assets.FOLDER / name).read_bytes()


@pytest.mark.parametrize("name", ["app.css", "upload.js"])
def test_our_own_scripts_and_styles_are_served_without_their_comments(visitor: FlaskClient, name: str) -> None:
    served = visitor.get(address_of(name)).data

    assert len(served) < 0.9 * (assets.FOLDER / name).stat().st_size
    assert b"/*" not in served
    assert b"// " not in served


def test_what_a_script_imports_is_named_by_its_hash_too(visitor: FlaskClient) -> None:
    imported = re.findall(r'from ?"\./([^"]+)"', visitor.get(address_of("upload.js")).text)

    assert len(imported) >= 2
    for name in imported:
        assert re.fullmatch(r"[a-z]+\.[0-9a-f]{10}\.js", name)
        assert visitor.get(f"/static/{name}").headers["Cache-Control"].endswith("immutable")


def test_it_is_the_same_for_whoever_is_signed_in(as_alice: FlaskClient) -> None:
    answer = as_alice.get(address_of("app.css"), headers=GZIP)

    assert answer.headers["Vary"] == "Accept-Encoding"
    assert "Set-Cookie" not in answer.headers


def test_under_its_own_name_it_is_asked_for_each_time(visitor: FlaskClient) -> None:
    assert visitor.get("/static/app.css").headers["Cache-Control"] == "public, no-cache"


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("app.css", "text/css; charset=utf-8"),
        ("app.js", "text/javascript; charset=utf-8"),
        ("icon.svg", "image/svg+xml"),
    ],
)
def test_its_type_does_not_depend_on_the_machine(visitor: FlaskClient, name: str, content_type: str) -> None:
    assert visitor.get(address_of(name)).headers["Content-Type"] == content_type


def test_it_is_compressed_for_whoever_can_read_that(visitor: FlaskClient) -> None:
    plain, packed = visitor.get(address_of("app.css")), visitor.get(address_of("app.css"), headers=GZIP)

    assert gzip.decompress(packed.data) == plain.data
    assert len(packed.data) < len(plain.data) / 2
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert plain.headers["Vary"] == packed.headers["Vary"] == "Accept-Encoding"
    assert int(packed.headers["Content-Length"]) == len(packed.data)


def test_who_says_no_to_gzip_is_believed(visitor: FlaskClient) -> None:
    answer = visitor.get(address_of("app.css"), headers={"Accept-Encoding": "gzip;q=0, identity"})

    assert "Content-Encoding" not in answer.headers


def test_head_tells_the_same_without_the_body(visitor: FlaskClient) -> None:
    whole, head = (ask(address_of("app.css"), headers=GZIP) for ask in (visitor.get, visitor.head))

    assert head.data == b""
    assert head.headers["Content-Length"] == whole.headers["Content-Length"]
    assert head.headers["Cache-Control"] == whole.headers["Cache-Control"]


@pytest.mark.parametrize(
    "path",
    [
        *("../wsgi.py", "%2e%2e/wsgi.py", "..%2fwsgi.py", "vendor/../../wsgi.py", "//etc/passwd", "..\\wsgi.py"),
        *("", ".", "vendor", "vendor/", "app.css/", "app.css%00", "app.0000000000.css", "vendor/vendor.json"),
    ],
)
def test_nothing_else_can_be_had(visitor: FlaskClient, path: str) -> None:
    answer = visitor.get(f"/static/{path}")

    assert answer.status_code in (404, 308)
    assert "immutable" not in answer.headers.get("Cache-Control", "")


def test_another_content_has_another_name(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("before", "after")]
    for number, folder in enumerate(folders):
        (folder / "vendor").mkdir(parents=True)
        (folder / "app.css").write_text("a { color: red }" * number)
        (folder / "vendor" / "lib.js").write_text("1")
        (folder / "notes.txt").write_text("not served")
    before, after = (assets.assets(folder) for folder in folders)

    assert list(before) == list(after) == ["app.css", "vendor/lib.js"]
    assert before["app.css"].hashed_name != after["app.css"].hashed_name
    assert before["vendor/lib.js"].hashed_name == after["vendor/lib.js"].hashed_name
    assert before["app.css"].compressed == b""  # never longer than the file


def test_every_address_that_a_page_names_is_there(visitor: FlaskClient, app: Flask) -> None:
    with app.test_request_context():
        addresses = [assets.static_url(name) for name in assets.assets()]

    assert {visitor.get(address).status_code for address in addresses} == {200}


@pytest.fixture
def elsewhere(config: Config, storage: MemoryStorage) -> Iterator[FlaskClient]:
    """A visitor where the static files are served from another place."""
    app = create_app(replace(config, static_url="https://static.example.com/static/"), storage=storage)
    with app.app_context():
        yield app.test_client()


def test_where_static_files_are_elsewhere_pages_ask_for_them_there(elsewhere: FlaskClient) -> None:
    page = elsewhere.get("/auth/login").text

    tags = [tag for tag in re.findall(r"<(?:script|link)[^>]*>", page) if "data:" not in tag]
    addresses = [re.findall(r'(?:src|href)="([^"]*)"', tag) for tag in tags]
    names = ("app.css", "vendor/htmx-2.0.11.min.js", "app.js", "alerts.js")
    assert addresses == [[f"https://static.example.com/static/{assets.assets()[name].hashed_name}"] for name in names]
    assert all(" crossorigin" in tag for tag in tags)
    assert "/static/" not in page.replace("https://static.example.com/static/", "")


def test_they_are_still_here_for_whoever_asks(elsewhere: FlaskClient) -> None:
    assert elsewhere.get(address_of("app.css")).status_code == 200


def test_the_page_may_load_them_from_there_and_nothing_else(elsewhere: FlaskClient) -> None:
    policy = elsewhere.get("/auth/login").headers["Content-Security-Policy"].split("; ")

    for kind in ("script-src 'self'", "style-src 'self'", "img-src 'self' data:"):
        assert f"{kind} https://static.example.com/static/" in policy
    assert "connect-src 'self'" in policy


def test_at_home_nothing_is_asked_across_origins(visitor: FlaskClient) -> None:
    assert "crossorigin" not in visitor.get("/auth/login").text

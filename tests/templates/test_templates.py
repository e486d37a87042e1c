"""What the pages may not contain, and that what is vendored is what it says."""

import base64
import hashlib
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
ASSETS = [path for path in (ROOT / "static").iterdir() if path.is_file()]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_says_first_what_it_is(path: Path) -> None:
    assert path.read_text().startswith("{# ")


@pytest.mark.parametrize("path", [*TEMPLATES, *ASSETS], ids=lambda path: path.name)
def test_nothing_is_fetched_from_elsewhere(path: Path) -> None:
    text = path.read_text().replace("http://www.w3.org/2000/svg", "")

    assert not re.search(r"https?://|//[a-z]+\.[a-z]+/", text)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_nothing_needs_inline_styles_or_scripts(path: Path) -> None:
    text = path.read_text()

    assert not re.search(r'\sstyle="|<style|\son[a-z]+="|hx-on|hx-vals=.js|<script(?! src)', text)
    assert "|safe" not in text.replace(" ", "")


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_every_form_that_posts_has_a_token(path: Path) -> None:
    text = path.read_text()

    assert text.count('method="post"') == text.count('name="csrf_token"')


def test_the_vendored_files_are_those_of_the_list() -> None:
    folder = ROOT / "static" / "vendor"
    listed = json.loads((folder / "vendor.json").read_text())

    assert {each["file"] for each in listed} == {path.name for path in folder.glob("*.js")}
    for each in listed:
        digest = hashlib.sha384((folder / each["file"]).read_bytes()).digest()
        assert each["sha384"] == base64.b64encode(digest).decode()

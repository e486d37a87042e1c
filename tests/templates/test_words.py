"""All that a reader can be told is in one catalogue."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

from scripts import words

ROOT = Path(__file__).parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
SCRIPTS = sorted((ROOT / "static").glob("*.js"))
# The name of the thing, and what is the same in every language: units, codecs, a time zone, what is printed on keys.
ALLOWED = {"Tapedeck", "kbit/s", "UTC", "Enter", "Esc", "Opus", "Vorbis", "LUFS", "LU", "dBTP"}
TOLD = (
    "aria-label",
    "aria-description",
    "aria-valuetext",
    "aria-roledescription",
    "title",
    "placeholder",
    "alt",
    "label",
)
SAYS = {"_", "gettext", "ngettext", "N_"}


def test_the_catalogue_is_that_of_the_code() -> None:
    assert words.TEMPLATE.read_text() == words.written(words.extracted()), "run make words"


def test_it_tells_nothing_of_the_machine_or_the_day() -> None:
    text = words.TEMPLATE.read_text()

    assert not re.search(r"^#:|POT-Creation-Date|Generated-By|/(home|work|root|Users)/", text, re.MULTILINE)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_has_no_bare_words(path: Path) -> None:
    assert list(bare(path.read_text())) == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_sentence_hides_in_an_expression(path: Path) -> None:
    tree = Environment(extensions=["jinja2.ext.i18n"]).parse(path.read_text())

    assert list(unsaid(tree)) == []


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_what_a_script_says_can_be_said_in_other_languages(path: Path) -> None:
    listed = (ROOT / "templates" / "_words.html").read_text()
    said = re.findall(r'\bsay\(\s*"([^"]+)"', path.read_text())

    assert [sentence for sentence in said if f'"{sentence}": _("{sentence}")' not in listed] == []


@pytest.mark.parametrize(
    "text",
    [
        "<p>Hello</p>",
        '<p title="Hello"></p>',
        '<a aria-label="Play {{ name }}">{{ name }}</a>',
        '<input placeholder="Search">',
        '<input type="submit" value="Save">',
        "<p>{% if it %}yes{% endif %}</p>",
        "<p>{{ count }} files</p>",
        '<button {% if id %}id="{{ id }}"{% endif %}>Go</button>',
        '<meta name="description" content="Audio for all">',
    ],
)
def test_bare_words_are_found(text: str) -> None:
    assert list(bare(text))


@pytest.mark.parametrize(
    "text",
    [
        '{{ "Retry" if failed }}',
        '{% set label = "Delete it" %}',
        '{{ deed(a, "Dismiss") }}',
        '{{ x | default("None") }}',
    ],
)
def test_hidden_sentences_are_found(text: str) -> None:
    assert list(unsaid(Environment().parse(text)))


def bare(text: str) -> Iterator[str]:
    """Words that stand in the template itself."""
    text = re.sub(r"\{#.*?#\}", "", text, flags=re.DOTALL)
    text = re.sub(r"\{%-?\s*trans\b.*?endtrans\s*-?%\}", "", text, flags=re.DOTALL)
    text = re.sub(r"\{%.*?%\}|\{\{.*?\}\}", "", text, flags=re.DOTALL)
    page = _Words()
    page.feed(text)
    page.close()
    for found in page.found:
        for allowed in ALLOWED:
            found = re.sub(rf"(?<!\w){re.escape(allowed)}(?!\w)", "", found)  # noqa: PLW2901 - what is left of it
        if re.search(r"[^\W\d_]", found):
            yield found.strip()


class _Words(HTMLParser):
    """What of a page is read by people."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        told = [name for name in TOLD if name in given]
        if tag == "input" and given.get("type") in ("submit", "button", "reset"):
            told.append("value")
        if tag == "meta" and given.get("name") in ("description", "application-name", "author"):
            told.append("content")
        self.found += [given[name] for name in told]

    def handle_data(self, data: str) -> None:
        self.found.append(data)


def unsaid(node: nodes.Node) -> Iterator[str]:
    """What looks like words to read, in an expression, and is given to none of the functions that say it."""
    for child in node.iter_child_nodes():
        if isinstance(child, nodes.Call) and isinstance(child.node, nodes.Name) and child.node.name in SAYS:
            continue
        if isinstance(child, nodes.Compare):  # what is only compared is read by nobody
            continue
        if isinstance(child, nodes.Pair):  # what scripts look up is found by the sentence itself
            yield from unsaid(nodes.List([child.value]))
        elif isinstance(child, nodes.Const) and isinstance(child.value, str) and re.match(r"[A-Z][a-z]", child.value):
            if child.value not in ALLOWED:
                yield child.value
        else:
            yield from unsaid(child)

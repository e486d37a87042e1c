"""The page on security names tests and files that there are."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "security.md").read_text()
ROWS = [line.split(" | ") for line in PAGE.splitlines() if line.startswith("| ") and line.count(" | ") == 2]
PLACES = ("webapp", "tests", ".")


def test_each_line_of_the_scoreboard_is_on_the_page_and_has_tests() -> None:
    sources = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    tried = set(re.findall(r"def test_sec_([A-Z]\d+)_", sources)) | set(
        re.findall(r"_sec_[A-Z]\d+_([A-Z]\d+)_", sources)
    )

    named = {mark for row in ROWS for mark in re.findall(r"\b[A-Z]\d+\b", row[2])}

    assert named - tried == set()
    assert tried - named == set()


def test_what_the_page_names_is_there() -> None:
    named = {name for row in ROWS for name in re.findall(r"`([\w/.]+(?:\.py|/))`", " ".join(row))}

    assert {name for name in named if not any((ROOT / place / name).exists() for place in PLACES)} == set()

"""The house stands as docs/architecture.md says. Who may import whom is held by import-linter."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = sorted((ROOT / "webapp").rglob("*.py"))
LONGEST_MODULE = 250
LONGEST_FUNCTION = 40


def functions(path: Path) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef):
            yield node


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_is_one_noun(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST_MODULE
    assert path.stem not in {"data", "info", "utils", "helpers", "manager", "process", "handle"}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_function_does_what_its_first_line_says(path: Path) -> None:
    too_long = [f.name for f in functions(path) if (f.end_lineno or 0) - f.lineno + 1 > LONGEST_FUNCTION]

    assert too_long == []


# What only some need, and costs half a second, is imported where a setting asks for it.
FOR_A_SETTING = ("_storage", "_transcoder", "_topics", "_cloud")
# They run by themselves, and are told only then where their library is.
STANDS_ALONE = "_child.py"


@pytest.mark.parametrize("path", [p for p in MODULES if not p.name.endswith(STANDS_ALONE)], ids=name_of)
def test_imports_stand_at_the_top(path: Path) -> None:
    inside = [f.name for f in functions(path) for node in ast.walk(f) if isinstance(node, ast.Import | ast.ImportFrom)]

    assert inside == (list(FOR_A_SETTING) if name_of(path) == "webapp/__init__.py" else [])


@pytest.mark.parametrize("path", [p for p in MODULES if p.stat().st_size], ids=name_of)
def test_a_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text()))


@pytest.mark.parametrize("path", [p for p in MODULES if p.parent.name == "web"], ids=name_of)
def test_the_web_layer_reads_and_never_writes(path: Path) -> None:
    text = path.read_text()

    for word in ("session.add", "session.commit", "session.delete", "sa.insert", "sa.update", "sa.delete", "writing("):
        assert word not in text


@pytest.mark.parametrize("path", [p for p in MODULES if p.name != "tasks.py"], ids=name_of)
def test_only_tasks_knows_celery(path: Path) -> None:
    assert "import celery" not in path.read_text()
    assert "from celery" not in path.read_text()


def test_no_statement_changes_what_a_file_is_found_by_past_its_model() -> None:
    """Guards models/findable.py: it sees what is set on an object, and nothing that a statement sets."""
    past = [f"{name_of(path)}: {call}" for path in MODULES for call in ast.walk(ast.parse(path.read_text()))
            if isinstance(call, ast.Call) and sets(call) & {"name", "tags", "folded"}]  # fmt: skip

    assert past == []
    assert sets(ast.parse("sa.update(AudioFile).where(x).values({'name': 'b'})", mode="eval").body) == {"name"}
    assert sets(ast.parse("changes.update(AudioFile, [x], tags={})", mode="eval").body) == {"tags"}


def sets(call: ast.AST) -> set[str | None]:
    """The columns of audio_files that an UPDATE or INSERT sets by this call, as far as they are written out."""
    if not isinstance(call, ast.Call) or not re.search(r"\b(update|insert)\(AudioFile\b", ast.unparse(call)):
        return set()
    literals = [node for each in call.args for node in ast.walk(each) if isinstance(node, ast.Dict)]
    keys = {key.value for each in literals for key in each.keys if isinstance(key, ast.Constant)}
    return {keyword.arg for keyword in call.keywords} | {key for key in keys if isinstance(key, str)}


# What several modules do together has no module's name.
ACROSS = {"addresses", "busy_database", "cut_polls", "limits"}


def test_every_test_of_a_module_has_the_modules_place() -> None:
    known = {path.relative_to(ROOT / "webapp").with_suffix("") for path in MODULES}
    for room in ("services", "adapters", "models", "web"):
        for path in (ROOT / "tests" / room).glob("test_*.py"):
            name = path.stem.removeprefix("test_")
            is_known = any(each.parts[0] == room and name in (each.name, *each.parts) for each in known)
            assert is_known or name in ACROSS, path.name


def test_what_the_threat_model_names_is_there() -> None:
    """Each id has a test, and each path a file: a defence that is taken out must be taken out of the page, too."""
    page = (ROOT / "docs" / "security.md").read_text()
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| ") and "`" in line]
    tested = set(
        re.findall(r"def test_sec_([A-Z]\d+)_", "\n".join(map(Path.read_text, (ROOT / "tests").rglob("*.py"))))
    )

    for *_, where, tests in rows:
        assert set(re.findall(r"\b[A-Z]\d+\b", tests)) <= tested, tests
        for path in re.findall(r"`([a-z_/]+(?:\.py|/))`", where):
            assert (ROOT / "webapp" / path).exists() or (ROOT / path).exists(), path
        for path in re.findall(r"`([a-z_/]+\.py)`", tests):
            assert (ROOT / "tests" / path).exists(), path

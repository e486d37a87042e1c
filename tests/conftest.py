"""What every test can ask for. Only this file leaves tests out, and says so at the end of the run."""

import contextvars
import gc
import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade
from flask_sqlalchemy import SQLAlchemy

from tests import fakes, once
from tests.factories import AudioFileFactory, sign_in, user
from tests.flows.house import House
from tests.servers import BROKER_URL, DATABASE_URL, own_database
from webapp import create_app
from webapp.adapters.letters import NoLetters
from webapp.config import Config
from webapp.db import db
from webapp.models import AudioFile, User
from webapp.ports import Letters
from webapp.services import passwords

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or ""
HTMX = {"HX-Request": "true"}

once.prepare()


def _is_reachable(url: str) -> bool:
    parts = urlsplit(url)
    try:
        with socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 5432), timeout=2):
            return True
    except OSError:
        return False


def _left_out(item: pytest.Item) -> str:
    """Why this machine cannot run the test; nothing if it can."""
    if item.get_closest_marker("browser") and not CHROMIUM:
        return "browser (install chromium)"
    if DATABASE_URL and not _is_reachable(DATABASE_URL):
        return f"PostgreSQL (start one at {urlsplit(DATABASE_URL).hostname}, or set TEST_DATABASE_URL)"
    if BROKER_URL and not _is_reachable(BROKER_URL):
        return f"broker (start one at {BROKER_URL.partition('://')[0]}://…, or set TEST_BROKER_URL)"
    return ""


def _meets_the_servers(item: pytest.Item) -> bool:
    """Whether the test sees the servers at all that this run is told of, in the place of files."""
    if item.get_closest_marker("processes"):
        return True
    return bool(DATABASE_URL) and "database_template" in getattr(item, "fixturenames", ())


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Over other servers only what meets them is run: the rest would show the same again.

    What starts real processes is tried a second time when it fails: on a busy machine one of them may be starved.
    """
    if DATABASE_URL or BROKER_URL:
        same_again = [item for item in items if not _meets_the_servers(item)]
        config.hook.pytest_deselected(items=same_again)
        items[:] = [item for item in items if _meets_the_servers(item)]
    for item in items:
        if item.get_closest_marker("processes"):
            item.add_marker(pytest.mark.flaky(reruns=1))


def pytest_collection_finish() -> None:
    """What was imported stays: nobody has to look at each of its hundreds of thousands of objects again and again."""
    gc.collect()
    gc.freeze()


def pytest_runtest_setup(item: pytest.Item) -> None:
    if reason := _left_out(item):
        leave_out(reason)


def leave_out(reason: str) -> NoReturn:
    """End the test here, with what would let it run; with REQUIRE_ALL=1 that is a failure."""
    if os.environ.get("REQUIRE_ALL") == "1":
        pytest.fail(f"left out: {reason}", pytrace=False)
    pytest.skip(f"left out: {reason}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name each group that was left out and what would let it run, and each test that passed at its second try only."""
    for report in terminalreporter.stats.get("rerun", []):
        terminalreporter.write_line(f"tried a second time: {report.nodeid}")
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = {str(report.longrepr[2]).removeprefix("Skipped: ") for report in skipped if report.longrepr}
    for reason in sorted(reasons):
        terminalreporter.write_line(reason)


@pytest.fixture(autouse=True)
def only_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reaches another machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise AssertionError(f"a test tried to reach {address[0]}")
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(autouse=True)
def databases_are_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever app a test made, the connections to its database are closed when the test ends."""
    make = SQLAlchemy._make_engine
    made: list[sa.Engine] = []

    def remembered(self: SQLAlchemy, *arguments: Any) -> sa.Engine:
        made.append(make(self, *arguments))
        return made[-1]

    monkeypatch.setattr(SQLAlchemy, "_make_engine", remembered)
    yield
    for engine in made:
        engine.dispose()


@pytest.fixture(scope="session")
def database_template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A migrated database: an SQLite file to copy, or the address of a PostgreSQL database to empty."""
    folder = tmp_path_factory.mktemp("database")
    with own_database() as url:
        _migrate(url or f"sqlite:///{folder / 'template.db'}", folder)
        yield url or str(folder / "template.db")


def _migrate(url: str, folder: Path) -> None:
    app = create_app(Config(secret_key="x" * 32, data_dir=folder, database_url=url, broker_url="memory://"))
    with app.app_context():
        upgrade()
        db.engine.dispose()


@pytest.fixture
def database_url(database_template: str, tmp_path: Path) -> str:
    """A database of the test's own, migrated and empty."""
    if not DATABASE_URL:
        shutil.copy(database_template, tmp_path / "tapedeck.db")
        return f"sqlite:///{tmp_path / 'tapedeck.db'}"
    engine = sa.create_engine(database_template)
    with engine.begin() as connection:
        # TRUNCATE would write each table's file anew, which takes longer than most tests.
        for table in reversed(db.metadata.sorted_tables):
            connection.execute(sa.delete(table))
        begin_anew = "SELECT setval(format('%I', sequencename)::regclass, start_value, false) FROM pg_sequences"
        connection.execute(sa.text(begin_anew))
    engine.dispose()
    return database_template


@pytest.fixture
def config(database_url: str, tmp_path: Path) -> Config:
    """Settings for a test. Take another with `dataclasses.replace`."""
    return Config(secret_key="x" * 32, data_dir=tmp_path, database_url=database_url, broker_url="memory://")


@pytest.fixture
def storage() -> fakes.MemoryStorage:
    return fakes.MemoryStorage()


@pytest.fixture
def probe() -> fakes.FakeProbe:
    return fakes.FakeProbe()


@pytest.fixture
def encoder() -> fakes.FakeEncoder:
    return fakes.FakeEncoder()


@pytest.fixture
def tagger() -> fakes.FakeTagger:
    return fakes.FakeTagger()


@pytest.fixture
def workers() -> fakes.FakeWorkers:
    return fakes.FakeWorkers()


@pytest.fixture
def transcoder() -> fakes.FakeTranscoder:
    return fakes.FakeTranscoder()


@pytest.fixture
def letters() -> Letters:
    """None are sent. A test that is about them puts fakes.FakeLetters in this place."""
    return NoLetters()


class Client(FlaskClient):
    """A client each of whose requests has a context of its own; the test then sees what was committed."""

    def open(self, *args: Any, **kwargs: Any) -> Any:
        answer = contextvars.Context().run(super().open, *args, **{"buffered": True, **kwargs})
        db.session.rollback()
        return answer


@pytest.fixture
def app(
    config: Config,
    storage: fakes.MemoryStorage,
    probe: fakes.FakeProbe,
    encoder: fakes.FakeEncoder,
    transcoder: fakes.FakeTranscoder,
    letters: Letters,
    tagger: fakes.FakeTagger,
    workers: fakes.FakeWorkers,
) -> Iterator[Flask]:
    """The app with a real database and the outside in memory; its context is open for the whole test."""
    app = create_app(config, storage=storage, probe=probe, encoder=encoder, transcoder=transcoder, letters=letters)
    app.extensions.update(tagger=tagger, workers=workers)
    app.config["WTF_CSRF_ENABLED"] = False
    app.test_client_class = Client
    with app.app_context():
        yield app
        db.session.remove()


@pytest.fixture
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Passwords that take no time to be checked: for tests that are about how often."""
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    passwords._nobodys.cache_clear()
    yield
    passwords._nobodys.cache_clear()


@pytest.fixture
def alice(app: Flask) -> User:
    """She owns things."""
    return user("alice@example.com")


@pytest.fixture
def bob(app: Flask) -> User:
    """He must not see them."""
    return user("bob@example.com")


@pytest.fixture
def song(alice: User) -> AudioFile:
    """A file of Alice's whose three renditions nobody has begun."""
    return AudioFileFactory(owner=alice)


@pytest.fixture(scope="session")
def shared_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The real processes, as `make run` starts them."""
    with House.opened(tmp_path_factory.mktemp("house") / "instance") as house:
        yield house


@pytest.fixture
def visitor(app: Flask) -> FlaskClient:
    """Nobody in particular."""
    return app.test_client()


@pytest.fixture
def as_alice(app: Flask, alice: User) -> FlaskClient:
    return sign_in(app.test_client(), alice)


@pytest.fixture
def as_bob(app: Flask, bob: User) -> FlaskClient:
    return sign_in(app.test_client(), bob)

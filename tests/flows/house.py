"""The whole of Tapedeck as `make run` starts it, in a folder of its own, and what can be seen of it from outside."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self, TypeVar

import sqlalchemy as sa

from tests import servers
from tests.flows import outside
from tests.flows.visitor import Visitor
from webapp.db import engine_options
from webapp.models import AudioFile, Rendition, Upload
from webapp.news import JobStatus

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 45.0
LOOK_SECONDS = 0.02

T = TypeVar("T")


def wait_for(what: str, look: Callable[[], T | None], seconds: float = PATIENCE_SECONDS) -> T:
    """The first answer that is something. Fails, naming what was waited for, when there is none in time."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s in vain for {what}"
        time.sleep(LOOK_SECONDS)
    return found


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port: int = trial.getsockname()[1]
        return port


class House:
    """A launcher with its web process and worker. The settings are those of the environment."""

    def __init__(self, data_dir: Path, **settings: str) -> None:
        self.data_dir = data_dir.resolve()
        self.port = free_port()
        usual = {"WORKER_CONCURRENCY": "2", "LEASE_SECONDS": "5", "SWEEP_SECONDS": "1"}
        own = {"DATA_DIR": str(self.data_dir), "PORT": str(self.port)}
        self.settings = usual | settings | own
        self.said = self.data_dir.parent / f"{self.data_dir.name}.log"
        self.launcher: subprocess.Popen[bytes] | None = None

    @classmethod
    @contextmanager
    def opened(cls, data_dir: Path, *, by_way_of: Callable[[str], str] = str, **settings: str) -> Iterator[Self]:
        """One that answers, with a database and a queue of its own. Whatever happens, nothing of it is left running."""
        with servers.own_database() as database, outside.broker() as broker:
            house = cls(data_dir, DATABASE_URL=database, BROKER_URL=by_way_of(broker), **settings)
            try:
                house.start()
                yield house
            finally:
                house.end()

    def start(self) -> None:
        """Return when the address has been printed."""
        with self.said.open("wb") as log:
            self.launcher = subprocess.Popen(
                [sys.executable, "-m", "webapp.launch"],
                cwd=ROOT,
                env={"PATH": os.environ["PATH"]} | self.settings,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        wait_for("the address to be printed", lambda: self.address or self.launcher_has_ended)
        assert not self.launcher_has_ended, self.log
        wait_for("the worker's pid", lambda: self.pid("worker"))

    def end(self) -> None:
        """Kill all that was started, and return when it is gone."""
        if self.launcher:
            self.launcher.kill()
            self.launcher.wait()
        for pid in self.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_for("all processes to be gone", lambda: not self.processes())

    @property
    def launcher_has_ended(self) -> bool:
        return self.launcher is not None and self.launcher.poll() is not None

    @property
    def log(self) -> str:
        """All that the processes have said."""
        return self.said.read_text(errors="replace")

    @property
    def address(self) -> str:
        """As it was printed; nothing before that."""
        ready = [line for line in self.log.splitlines() if line.startswith("Tapedeck is ready: ")]
        return ready[-1].removeprefix("Tapedeck is ready: ") if ready else ""

    def visitor(self) -> Visitor:
        """Somebody who has not been here before."""
        return Visitor(self.port)

    def pid(self, name: str) -> int:
        """Of `web` or `worker`, as its pid file has it; 0 if there is none."""
        with suppress(FileNotFoundError):
            return int((self.data_dir / "run" / f"{name}.pid").read_text())
        return 0

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Send `web` or `worker` a signal, and return its pid."""
        pid = self.pid(name)
        os.kill(pid, number)
        return pid

    def processes(self) -> dict[int, list[str]]:
        """Each process of this house, and its words on the command line."""
        found = {int(entry.name): self._words(entry) for entry in Path("/proc").iterdir() if entry.name.isdigit()}
        return {pid: words for pid, words in found.items() if words}

    def ffmpegs(self) -> set[int]:
        """Those that convert something at the moment."""
        inside = f"{self.data_dir}/"
        return {
            pid
            for pid, words in self.processes().items()
            if Path(words[0]).name.startswith("ffmpeg") and any(inside in word for word in words)
        }

    def _words(self, entry: Path) -> list[str]:
        with suppress(OSError):  # it has ended in the meantime
            words = (entry / "cmdline").read_text(errors="replace")
            if f"DATA_DIR={self.data_dir}\0" in (entry / "environ").read_text(errors="replace"):
                return words.split("\0")
            # What runs in the sandbox has no environment, but is told the paths of its files.
            if f"{self.data_dir}/" in words and entry.name != str(os.getpid()):
                return words.split("\0")
        return []

    def ask(self, query: sa.Executable) -> Sequence[Any]:
        """What the database has now."""
        with self._database() as engine, engine.connect() as connection:
            return connection.execute(query).all()

    def forget_uploads(self) -> None:
        """Return when nothing is on its way any more: what earlier visitors have left unfinished is given up."""
        with self._database() as engine, engine.begin() as connection:
            connection.execute(sa.delete(Upload).where(Upload.closed_at.is_(None)))
        wait_for("the room of unfinished uploads to be given back", lambda: not self.half_made())

    @contextmanager
    def locked(self) -> Iterator[Callable[[], object]]:
        """While somebody else writes, who can be told to end it: to all of SQLite, to SNS's messages in PostgreSQL."""
        with self._database() as engine, engine.connect() as connection:
            connection.execution_options(writing=1).begin()
            if engine.dialect.name == "postgresql":
                connection.execute(sa.text("LOCK TABLE sns_messages IN SHARE MODE"))
            yield connection.rollback

    @contextmanager
    def _database(self) -> Iterator[sa.Engine]:
        url = self.settings.get("DATABASE_URL") or f"sqlite:///{self.data_dir / 'tapedeck.db'}"
        engine = sa.create_engine(url, **engine_options(url))
        try:
            yield engine
        finally:
            engine.dispose()

    def stored(self) -> dict[str, int]:
        """The size of each object in the storage."""
        found = (path for top in ("media", "transcoded") for path in (self.data_dir / top).rglob("*"))
        return {path.relative_to(self.data_dir).as_posix(): path.stat().st_size for path in found if path.is_file()}

    def owed(self) -> dict[str, int]:
        """The size of each object that the database says is there."""
        ready = sa.select(Rendition.key, Rendition.size).where(Rendition.status == JobStatus.COMPLETE)
        covers = sa.select(AudioFile.cover_key, AudioFile.cover_size).where(AudioFile.cover_key.is_not(None))
        originals = sa.select(AudioFile.key, AudioFile.size)
        return {key: size for query in (originals, covers, ready) for key, size in self.ask(query)}

    def half_made(self) -> list[str]:
        """What lies where things are made, but for uploads that can go on."""
        unfinished = sa.select(Upload.opened_as).where(Upload.closed_at.is_(None))
        known = {f"{row.opened_as}.upload" for row in self.ask(unfinished)}
        paths = [path for folder in ("incoming", "work") for path in (self.data_dir / folder).iterdir()]
        return [str(path) for path in paths if path.name not in known]

    def settle(self) -> None:
        """Return when nothing half-made lies about; the storage then holds just what the database says."""
        wait_for("all that is half made to be swept", lambda: not self.half_made())
        stored, owed = self.stored(), self.owed()
        assert stored == owed, dict(stored.items() ^ owed.items())

"""Workers that start at once, to be killed by the dozen: what takes Celery a second to load is loaded once and forked.

Each has all that makes a worker: a bench, the threads that tend, watch and sweep, and the sandbox around ffmpeg.
"""

import os
import pickle
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from tests.fakes import FakeEncoder, FakeTagger, MemoryStorage
from webapp import create_app
from webapp.children import end_with
from webapp.config import Config
from webapp.services import claims
from webapp.tasks import Queue

ROOT = Path(__file__).resolve().parents[2]
IDLE_SECONDS = 0.05


class Forge:
    """Makes workers. What they say is in `log`; with `notes` they only note there what they would have made."""

    def __init__(self, process: "subprocess.Popen[str]", log: Path) -> None:
        self._process = process
        self._log = log

    @classmethod
    @contextmanager
    def opened(cls, config: Config, *, notes: Path | None = None) -> Iterator[Self]:
        """One whose workers are all gone at the end."""
        log = config.data_dir / "forge.log"
        with log.open("w") as said, subprocess.Popen(
            [sys.executable, "-m", "tests.flows.forge", pickle.dumps(config).hex(), str(notes or "")],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, text=True,
        ) as process:  # fmt: skip
            try:
                yield cls(process, log)
            finally:
                process.kill()  # its workers die with it, and their ffmpegs with them

    @property
    def log(self) -> str:
        return self._log.read_text()

    def start(self) -> int:
        """Another worker; its process."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        said = self._process.stdout.readline()
        assert said, self.log
        return int(said)


def kill(worker: int) -> set[int]:
    """Kill it the hard way, wherever it is; what it had started."""
    os.kill(worker, signal.SIGSTOP)  # so that it starts nothing while we look
    started = {int(path.name) for path in Path("/proc").glob("[0-9]*") if _parent_of(path) == worker}
    os.kill(worker, signal.SIGKILL)
    return started


def is_alive(pid: int) -> bool:
    return bool(_parent_of(Path(f"/proc/{pid}")))


def _parent_of(process: Path) -> int:
    """0: it is dead."""
    with suppress(OSError):
        state, parent = (process / "stat").read_text().rpartition(")")[2].split()[:2]
        return 0 if state == "Z" else int(parent)
    return 0


class _Anything(MemoryStorage):
    """Whatever it is asked for is there."""

    def _read(self, key: str) -> bytes:
        return b"sound"


class _Noting(FakeEncoder):
    """Notes what is to be made, in a file that all share."""

    def __init__(self, notes: Path) -> None:
        super().__init__()
        self.notes = os.open(notes, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def encode(self, source: Path, *arguments: Any, **more: Any) -> Any:
        os.write(self.notes, f"{source.parent.name}\n".encode())
        return super().encode(source, *arguments, **more)


def _work(queue: Queue) -> None:
    queue.start_threads()
    with queue.app.app_context():
        while True:
            try:
                if not queue.bench.do_next():
                    time.sleep(IDLE_SECONDS)
            except OperationalError:  # as Celery does: the task fails, and the next one begins
                queue.app.logger.exception("work")


def _hurry(connection: Any, _record: object) -> None:
    """Not to wait for the disk: what is tried then is who gets which piece, not what a power cut leaves."""
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous = OFF")


def main(config: Config, notes: str) -> None:
    """Start a worker for each line that comes."""
    fakes: dict[str, Any] = {"storage": _Anything(), "encoder": _Noting(Path(notes))} if notes else {}
    if notes:
        sa.event.listen(sa.Engine, "connect", _hurry)
    app = create_app(config, **fakes)
    if notes:
        app.extensions["tagger"] = FakeTagger()
    queue: Queue = app.extensions["queue"]
    claims.MOST_TRIES = 1000  # many are killed at the same piece, by chance
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # so that the system buries the dead
    end_with(os.getppid())
    for _ in sys.stdin:
        worker = os.fork()
        if not worker:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            end_with(os.getppid())
            threading.current_thread().name = "worker"
            _work(queue)
        sys.stdout.write(f"{worker}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(pickle.loads(bytes.fromhex(sys.argv[1])), sys.argv[2])

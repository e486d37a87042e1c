"""Web and worker come up together, are kept up, and go down together: tried with real processes of a small stand-in."""

import errno
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from webapp import children, launch

pytestmark = pytest.mark.processes

WEBAPP = Path(launch.__file__).parent
SOURCES = ("launch", "server", "stalls", "children", "config", "errors", "words")

PATIENCE_SECONDS = 30.0

STAND_IN = """
import os, sys, time
import click
from celery import Celery
from flask import Flask
from webapp.config import Config

data_dir = Config.from_environment().data_dir
queue = data_dir / "queue"
queue.mkdir(parents=True, exist_ok=True)
folders = {"data_folder_in": str(queue), "data_folder_out": str(queue), "control_folder": str(queue / "control")}

app = Flask(__name__)
celery_app = Celery("stand-in", broker="filesystem://localhost//")
celery_app.conf.broker_transport_options = folders | {"polling_interval": 0.05}
celery_app.conf.worker_enable_remote_control = False
celery_app.conf.worker_hijack_root_logger = False

@app.get("/healthz")
def healthz():
    return str(os.getpid())

@app.get("/slow")
def slow():
    time.sleep(1)
    return "finished"

@celery_app.task(ignore_result=True)
def leave_a_mark(name):
    (data_dir / name).touch()

@app.post("/mark/<name>")
def mark(name):
    leave_a_mark.delay(name)
    return ""

@app.cli.command("prepare")
def prepare():
    if "CANNOT_PREPARE" in os.environ:
        raise click.ClickException("The database is of a newer Tapedeck.")

if "CANNOT_SERVE" in os.environ and "webapp.server" in sys.orig_argv:
    sys.exit("The app cannot be loaded.")
"""


class Tapedeck:
    """A launcher over the stand-in, and what can be seen of it from outside."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data_dir = folder / "instance"
        self.port = free_port()
        self.launchers: list[subprocess.Popen[str]] = []

    def start(self, *names: str, **settings: str) -> subprocess.Popen[str]:
        own = {"DATA_DIR": str(self.data_dir), "PORT": str(self.port), "WORKER_CONCURRENCY": "1"}
        with (self.folder / "stdout").open("w") as stdout, (self.folder / "stderr").open("w") as stderr:
            launcher = subprocess.Popen(
                [sys.executable, "-m", "webapp.launch", *names],
                cwd=self.folder,
                env={"PATH": os.environ["PATH"]} | own | settings,
                stdout=stdout,
                stderr=stderr,
                text=True,
            )
        self.launchers.append(launcher)
        return launcher

    def start_and_wait(self, *names: str, **settings: str) -> subprocess.Popen[str]:
        launcher = self.start(*names, **settings)
        wait_until(lambda: "Ctrl-C" in self.stdout or launcher.poll() is not None)
        assert launcher.poll() is None, self.stderr
        return launcher

    def refuse(self, *names: str, **settings: str) -> str:
        """Start in vain; return the sentence."""
        launcher = self.start(*names, **settings)
        assert launcher.wait(PATIENCE_SECONDS) == 1
        assert "Traceback" not in self.stderr
        return self.stderr

    @property
    def stdout(self) -> str:
        return (self.folder / "stdout").read_text()

    @property
    def stderr(self) -> str:
        return (self.folder / "stderr").read_text()

    def pid(self, name: str) -> int:
        return int((self.data_dir / "run" / f"{name}.pid").read_text())

    def pid_files(self) -> set[str]:
        return {path.name for path in (self.data_dir / "run").glob("*.pid")}

    def ask(self, path: str = "/healthz", method: str = "GET") -> str:
        """The answer, or nothing if there is none."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request(method, path)
            return connection.getresponse().read().decode()
        except (OSError, http.client.HTTPException):
            return ""
        finally:
            connection.close()

    def answers_anew(self, earlier: int) -> bool:
        """Whether another process than the earlier one answers."""
        return self.ask() not in ("", str(earlier))

    def works(self, mark: str) -> None:
        """Return when the worker has done something new."""
        self.ask(f"/mark/{mark}", "POST")
        wait_until((self.data_dir / mark).exists)

    def processes(self) -> set[int]:
        """Every process that was started in the stand-in's folder and is still alive."""
        return {int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit() and self._is_ours(entry)}

    def _is_ours(self, entry: Path) -> bool:
        with suppress(OSError):  # it has ended in the meantime
            return (entry / "cwd").readlink() == self.folder
        return False

    def end(self) -> None:
        """Leave nothing behind, whatever the test has done."""
        for pid in self.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for launcher in self.launchers:
            launcher.kill()
            launcher.wait()
        wait_until(lambda: not self.processes())


@pytest.fixture
def tapedeck(tmp_path: Path) -> Iterator[Tapedeck]:
    (tmp_path / "webapp").mkdir()
    (tmp_path / "webapp" / "__init__.py").touch()
    (tmp_path / "wsgi.py").write_text(STAND_IN)
    for name in SOURCES:
        shutil.copy(WEBAPP / f"{name}.py", tmp_path / "webapp")
    tapedeck = Tapedeck(tmp_path)
    yield tapedeck
    tapedeck.end()


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port: int = trial.getsockname()[1]
        return port


def wait_until(is_so: Callable[[], object], seconds: float = PATIENCE_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"not so within {seconds} s"
        time.sleep(0.01)


def test_one_address_is_printed_and_answers(tapedeck: Tapedeck) -> None:
    tapedeck.start_and_wait()

    assert tapedeck.stdout == f"Tapedeck is ready: http://127.0.0.1:{tapedeck.port}\nStop it with Ctrl-C.\n"
    assert tapedeck.stderr == ""
    assert tapedeck.ask()
    tapedeck.works("mark")


def test_pid_files_name_both(tapedeck: Tapedeck) -> None:
    launcher = tapedeck.start_and_wait()

    assert tapedeck.pid_files() == {"web.pid", "worker.pid"}
    assert {tapedeck.pid("web"), tapedeck.pid("worker"), launcher.pid} < tapedeck.processes()


def test_who_dies_again_and_again_waits_well_below_two_seconds() -> None:
    assert max(children.PAUSE_SECONDS) + children.LOOK_SECONDS < 1.5


@pytest.mark.parametrize("times", [1, 3])
def test_a_killed_web_process_is_back(tapedeck: Tapedeck, times: int) -> None:
    tapedeck.start_and_wait()

    for _ in range(times):
        killed, inner = tapedeck.pid("web"), int(tapedeck.ask())
        os.kill(killed, signal.SIGKILL)
        wait_until(partial(tapedeck.answers_anew, inner))
        assert tapedeck.pid("web") != killed
        assert not {killed, inner} & tapedeck.processes()

    assert tapedeck.stderr.count("The web process was killed by SIGKILL; starting it again.") == times


def test_a_web_process_whose_inside_is_killed_is_back(tapedeck: Tapedeck) -> None:
    tapedeck.start_and_wait()
    inner = int(tapedeck.ask())

    os.kill(inner, signal.SIGKILL)

    wait_until(partial(tapedeck.answers_anew, inner))
    assert "The web process ended with exit code 1; starting it again." in tapedeck.stderr


def test_a_killed_worker_is_back_and_leaves_nothing(tapedeck: Tapedeck) -> None:
    tapedeck.start_and_wait()
    tapedeck.works("before")
    killed = tapedeck.pid("worker")

    os.kill(killed, signal.SIGKILL)

    wait_until(lambda: tapedeck.pid("worker") != killed)
    assert "The worker process was killed by SIGKILL; starting it again." in tapedeck.stderr
    tapedeck.works("after")
    assert len(tapedeck.processes()) == 4


@pytest.mark.parametrize(
    "number", [signal.SIGINT, *(pytest.param(each, marks=pytest.mark.slow) for each in (signal.SIGTERM, signal.SIGHUP))]
)
def test_told_to_stop_it_ends_both_and_itself_cleanly(tapedeck: Tapedeck, number: signal.Signals) -> None:
    launcher = tapedeck.start_and_wait()

    launcher.send_signal(number)

    assert launcher.wait(PATIENCE_SECONDS) == 0
    assert tapedeck.stderr.strip() in ("", "worker: Warm shutdown (MainProcess)")
    assert tapedeck.processes() == set()
    assert tapedeck.pid_files() == set()


def test_a_request_that_is_under_way_is_answered_before_the_end(tapedeck: Tapedeck) -> None:
    launcher = tapedeck.start_and_wait("web")
    asking = http.client.HTTPConnection("127.0.0.1", tapedeck.port, timeout=10)
    asking.request("GET", "/slow")
    time.sleep(0.3)

    launcher.send_signal(signal.SIGTERM)

    assert asking.getresponse().read() == b"finished"
    assert launcher.wait(PATIENCE_SECONDS) == 0


@pytest.mark.slow
def test_a_child_that_will_not_end_is_killed(tapedeck: Tapedeck) -> None:
    launcher = tapedeck.start_and_wait("web")
    os.kill(tapedeck.pid("web"), signal.SIGSTOP)

    launcher.send_signal(signal.SIGTERM)

    assert launcher.wait(PATIENCE_SECONDS) == 0
    wait_until(lambda: not tapedeck.processes(), 1)


def test_nothing_outlives_a_launcher_that_is_killed(tapedeck: Tapedeck) -> None:
    launcher = tapedeck.start_and_wait()

    launcher.kill()
    launcher.wait()

    wait_until(lambda: not tapedeck.processes(), 1)
    tapedeck.start_and_wait()
    assert tapedeck.ask()


def test_a_second_one_on_the_same_folder_is_refused(tapedeck: Tapedeck) -> None:
    tapedeck.start_and_wait()

    assert f"runs already on DATA_DIR={tapedeck.data_dir}" in tapedeck.refuse(PORT=str(free_port()))
    assert tapedeck.ask()
    assert tapedeck.pid_files() == {"web.pid", "worker.pid"}


@pytest.mark.slow
def test_web_and_worker_can_be_started_apart(tapedeck: Tapedeck) -> None:
    web = tapedeck.start_and_wait("web")
    assert tapedeck.pid_files() == {"web.pid"}

    worker = tapedeck.start_and_wait("worker")
    assert tapedeck.pid_files() == {"web.pid", "worker.pid"}
    assert "worker is running" in tapedeck.stdout
    tapedeck.works("mark")

    for launcher in (web, worker):
        launcher.send_signal(signal.SIGINT)
        assert launcher.wait(PATIENCE_SECONDS) == 0
    assert tapedeck.processes() == set()


def test_a_taken_port_is_told_in_a_sentence(tapedeck: Tapedeck) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", tapedeck.port))
        other.listen()

        told = tapedeck.refuse()

    assert told == f"Port {tapedeck.port} is taken. Stop what uses it, or set another: PORT={tapedeck.port + 1}.\n"
    assert tapedeck.pid_files() == set()


def test_a_host_that_is_not_ours_is_told_in_a_sentence(tapedeck: Tapedeck) -> None:
    assert "HOST=192.0.2.1 is not an address of this machine" in tapedeck.refuse(HOST="192.0.2.1")


def test_a_data_folder_that_cannot_be_used_is_told_in_a_sentence(tapedeck: Tapedeck) -> None:
    tapedeck.data_dir.write_text("a file")

    told = tapedeck.refuse(SECRET_KEY="a secret that is set, so that none is kept")

    assert told == f"DATA_DIR={tapedeck.data_dir} cannot be written to: Not a directory.\n"


def test_a_full_disk_is_told_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)

    with pytest.raises(launch.Refusal, match=f"The disk of DATA_DIR={tmp_path} is full"):
        launch._run_folder(tmp_path)


def test_a_wrong_setting_is_told_in_a_sentence(tapedeck: Tapedeck) -> None:
    assert "PORT='eighty'" in tapedeck.refuse(PORT="eighty")


def test_an_unknown_name_is_told(tapedeck: Tapedeck) -> None:
    launcher = tapedeck.start("cron")

    assert launcher.wait(PATIENCE_SECONDS) == 2
    assert tapedeck.stderr == "Use: python -m webapp.launch [web|worker]\n"


def test_a_database_that_cannot_be_prepared_stops_the_start(tapedeck: Tapedeck) -> None:
    told = tapedeck.refuse(CANNOT_PREPARE="1")

    assert told.startswith("Error: The database is of a newer Tapedeck.\nTapedeck was not started")
    assert tapedeck.processes() == set()


@pytest.mark.slow
def test_a_web_process_that_never_answers_is_given_up(tapedeck: Tapedeck) -> None:
    launcher = tapedeck.start(CANNOT_SERVE="1")

    assert launcher.wait(PATIENCE_SECONDS) == 1
    assert "The app cannot be loaded." in tapedeck.stderr
    assert "Tapedeck cannot start: the web process ends before it answers." in tapedeck.stderr
    assert tapedeck.processes() == set()


@pytest.mark.parametrize(("registration", "is_warned"), [("open", True), ("invite", False)])
def test_an_open_door_on_a_public_address_is_warned_of(tapedeck: Tapedeck, registration: str, is_warned: bool) -> None:
    tapedeck.start_and_wait("web", HOST="0.0.0.0", REGISTRATION=registration)

    assert ("whoever reaches this machine can make an account" in tapedeck.stderr) is is_warned
    assert f"http://127.0.0.1:{tapedeck.port}\n" in tapedeck.stdout

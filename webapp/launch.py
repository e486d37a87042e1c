"""Start web and worker, and keep them up."""

import errno
import fcntl
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from webapp.children import LOOK_SECONDS, Child, complain, end_with, say, stop
from webapp.config import WILDCARDS, Config
from webapp.errors import ConfigError

NAMES = ("web", "worker")

# What a first start writes, with room to spare.
ROOM_BYTES = 1024 * 1024
# A web process that was killed a moment ago may still hold the port.
PORT_PATIENCE_SECONDS = 1.0
HEALTH_TIMEOUT_SECONDS = 1.0
# Dying this often before it has answered once is no accident: what it said on stderr is the reason.
HOPELESS_DEATHS = 3

# Celery's warning is about messages that run code; ours say only that there is work. In a container everybody is root.
CELERY_AS_ROOT = "You're running the worker with superuser privileges"


class Refusal(Exception):
    """Nothing can be started. The text is a sentence for whoever tried."""


def main(arguments: Sequence[str]) -> int:
    """Run web and worker, or the one that is named, until told to stop; return the exit code."""
    if len(arguments) > 1 or not set(arguments) <= set(NAMES):
        complain("Use: python -m webapp.launch [web|worker]")
        return 2
    os.umask(0o077)  # what lies in DATA_DIR is nobody else's, whoever made the folder
    try:
        launch(arguments or NAMES)
    except (ConfigError, Refusal) as exc:
        complain(str(exc))
        return 1
    return 0


def launch(names: Sequence[str]) -> None:
    """Start what is named and return when told to stop and all has ended. Raises ConfigError and Refusal."""
    stopping = _listen_for_signals()
    config = Config.from_environment()
    run = _run_folder(config.data_dir)
    with ExitStack() as held:
        for name in names:
            held.enter_context(_only_one(run / f"{name}.lock", config.data_dir))
        if "web" in names:
            _check_port(config)
            _warn_of_strangers(config)
        _prepare(run)
        children: dict[str, Child] = {}
        held.callback(lambda: stop(children.values()))
        for name in names:
            children[name] = Child(name, _command(name, config), run / f"{name}.pid")
        _keep_up(children, config, stopping)
        say("Stopping.")


def _keep_up(children: dict[str, Child], config: Config, stopping: threading.Event) -> None:
    is_ready = False
    while not stopping.wait(LOOK_SECONDS):
        for child in children.values():
            child.tend()
        web = children.get("web")
        if not is_ready:
            is_ready = web is None or _answers(config)
            if is_ready:
                _announce(config, is_web=web is not None)
            elif web and web.quick_deaths >= HOPELESS_DEATHS:
                raise Refusal("Tapedeck cannot start: the web process ends before it answers. Its reason stands above.")


def _announce(config: Config, *, is_web: bool) -> None:
    if is_web:
        say(f"Tapedeck is ready: {_address(config)}")
    else:
        say("Tapedeck's worker is running.")
    say("Stop it with Ctrl-C.")


def _command(name: str, config: Config) -> list[str]:
    if name == "web":
        return [sys.executable, "-m", "webapp.server"]
    python = [sys.executable, "-W", f"ignore:{CELERY_AS_ROOT}"]
    celery = [*python, "-m", "celery", "--quiet", "-A", "wsgi:celery_app", "worker", "--loglevel", "WARNING"]
    # A thread per rendition is enough: ffmpeg works in processes of its own. Workers find each other in the database.
    pool = ["--pool", "threads", "--concurrency", str(config.worker_concurrency)]
    return [*celery, *pool, "--without-gossip", "--without-mingle", "--without-heartbeat"]


def _listen_for_signals() -> threading.Event:
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # Under nohup a closed terminal is not to end us.
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda *_: stopping.set())
    return stopping


def _run_folder(data_dir: Path) -> Path:
    run = data_dir / "run"
    trial = run / f"trial.{os.getpid()}"
    try:
        run.mkdir(parents=True, exist_ok=True)
        try:
            trial.write_bytes(bytes(ROOM_BYTES))
        finally:
            trial.unlink(missing_ok=True)
    except OSError as exc:
        if exc.errno in (errno.ENOSPC, errno.EDQUOT):
            raise Refusal(f"The disk of DATA_DIR={data_dir} is full. Make room on it and start again.") from exc
        raise Refusal(f"DATA_DIR={data_dir} cannot be written to: {exc.strerror}.") from exc
    return run


@contextmanager
def _only_one(path: Path, data_dir: Path) -> Iterator[None]:
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise Refusal(f"Tapedeck runs already on DATA_DIR={data_dir}. Stop it first, or set another.") from exc
        yield


def _check_port(config: Config) -> None:
    deadline = time.monotonic() + PORT_PATIENCE_SECONDS
    while reason := _trouble_with_port(config):
        if time.monotonic() > deadline:
            raise Refusal(reason)
        time.sleep(LOOK_SECONDS)


def _trouble_with_port(config: Config) -> str:
    """Why we cannot listen there, or nothing."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(config.host, config.port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
    except OSError as exc:
        if exc.errno == errno.EADDRINUSE:
            return f"Port {config.port} is taken. Stop what uses it, or set another: PORT={config.port + 1}."
        if exc.errno == errno.EACCES:
            return f"Port {config.port} may not be used by this user. Set one above 1023: PORT=8000."
        return f"HOST={config.host} is not an address of this machine: {exc.strerror}."
    return ""


def _warn_of_strangers(config: Config) -> None:
    if config.is_public and config.registration == "open":
        complain(
            f"Warning: HOST={config.host} and REGISTRATION=open: whoever reaches this machine can make an account. "
            "REGISTRATION=invite or closed prevents it."
        )


def _prepare(run: Path) -> None:
    """Bring the database up to date; one at a time, when web and worker are started apart."""
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "prepare"]
    with (run / "prepare.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = subprocess.run(
            command,
            check=False,
            stdin=subprocess.DEVNULL,
            # Ctrl-C waits until the database is whole.
            start_new_session=True,
            preexec_fn=partial(end_with, os.getpid()),
        )
    if done.returncode:
        raise Refusal("Tapedeck was not started: the database (DATABASE_URL) was not prepared, for the reason above.")


def _address(config: Config) -> str:
    host = WILDCARDS.get(config.host, config.host)
    return f"http://{f'[{host}]' if ':' in host else host}:{config.port}"


def _answers(config: Config) -> bool:
    connection = http.client.HTTPConnection(
        WILDCARDS.get(config.host, config.host), config.port, timeout=HEALTH_TIMEOUT_SECONDS
    )
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

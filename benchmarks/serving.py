"""The web process that `make run` starts, with an app of a benchmark's in it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path

from tests.flows.house import ROOT, free_port, wait_for
from tests.flows.visitor import Visitor


@contextmanager
def serving(target: str, folder: Path) -> Iterator[int]:
    """The port that `module:app` answers at, with its data in this folder, until the end."""
    port = free_port()
    settings = {"DATA_DIR": str(folder), "PORT": str(port), "SECRET_KEY": "x" * 32, "BROKER_URL": "memory://"}
    command = [sys.executable, "-c", f"from webapp.server import main; main({target!r})"]
    web = subprocess.Popen(command, cwd=ROOT, env={"PATH": os.environ["PATH"], **settings})
    try:
        wait_for("the web process to answer", lambda: _answers(port))
        yield port
    finally:
        web.terminate()
        web.wait(20)


def _answers(port: int) -> bool:
    try:
        return Visitor(port).get("/healthz").status == HTTPStatus.OK
    except OSError:
        return False

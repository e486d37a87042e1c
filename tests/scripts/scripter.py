"""Somebody with an account, a folder and a command line."""

import os
import pty
import random
import subprocess
import sys
import uuid
from contextlib import suppress
from pathlib import Path

from tests import sounds
from tests.flows.house import ROOT, House
from tests.flows.visitor import PASSWORD

SCRIPT = ROOT / "scripts" / "tapedeck"
HEADER = 44
ALONE = (sys.executable, "-I", "-S", "-X", "utf8")


def noise(seconds: float) -> bytes:
    """A WAV no two parts of which are alike, and like no other: thirty seconds are a part and a little more."""
    quiet = sounds.silence(seconds)
    return quiet[:HEADER] + random.randbytes(len(quiet) - HEADER)


class Scripter:
    """Runs the script as a program of its own, which finds no installed package and nothing of ours."""

    def __init__(self, house: House, folder: Path) -> None:
        self.folder = folder
        self.address = f"http://127.0.0.1:{house.port}"
        name = f"alice-{uuid.uuid4().hex[:8]}"
        self.email = f"{name}@example.com"
        self.visitor = house.visitor().register(name)
        self.environ = {
            "PATH": os.environ["PATH"],
            "TAPEDECK_EMAIL": self.email,
            "TAPEDECK_PASSWORD": PASSWORD,
        }

    def has(self, name: str, content: bytes) -> Path:
        """Put a file into the folder."""
        (self.folder / name).write_bytes(content)
        return self.folder / name

    def start(self, *arguments: str, **environ: str) -> "subprocess.Popen[str]":
        """Begin it."""
        return subprocess.Popen(
            [*ALONE, str(SCRIPT), *arguments],
            cwd=self.folder,
            env=self.environ | environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, **environ: str) -> "subprocess.CompletedProcess[str]":
        """Let it run to its end."""
        started = self.start(*arguments, **environ)
        with started:
            out, err = started.communicate(timeout=90)
        return subprocess.CompletedProcess(started.args, started.returncode, out, err)

    def run_at_terminal(self, *arguments: str, answers: dict[str, str]) -> tuple[int, str]:
        """The exit status, and what a terminal has shown, of one who is asked and types these answers."""
        ours, theirs = pty.openpty()
        command = [*ALONE, str(SCRIPT), *arguments]
        environ = {"PATH": os.environ["PATH"]}
        with subprocess.Popen(
            command, cwd=self.folder, env=environ, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
        ) as started:
            os.close(theirs)
            shown = b""
            with suppress(OSError):  # how Linux says that the other end is closed
                while piece := os.read(ours, 4096):
                    shown += piece
                    for question in [each for each in answers if shown.endswith(each.encode())]:
                        os.write(ours, f"{answers.pop(question)}\n".encode())
        os.close(ours)
        return started.returncode, shown.decode()

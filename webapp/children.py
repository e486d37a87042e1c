"""A process that is kept up: started, named by a pid file, started again when it dies, and ended with its kin."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>

# One that has run for this long did not die of how it was started.
STEADY_SECONDS = 3
# Between deaths that follow each other at once. It stays well below the two seconds that are promised.
PAUSE_SECONDS = (0, 0.1, 0.3, 0.6, 1.0)
# Requests are answered and renditions given back within this time, or not at all.
GRACE_SECONDS = 10
LOOK_SECONDS = 0.05

_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def end_with(parent: int) -> None:
    """Have the system kill this process when its parent dies, however it dies. Only Linux can do this."""
    if _libc is None:
        return
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before we had asked
        os.kill(os.getpid(), signal.SIGKILL)


def say(text: str) -> None:
    """Tell whoever started us, if they still listen."""
    with suppress(OSError):
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


def complain(text: str) -> None:
    """The same, on stderr."""
    with suppress(OSError):
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()


class Child:
    """One process, in a process group of its own, that is started again when it dies."""

    def __init__(self, name: str, command: Sequence[str], pid_file: Path) -> None:
        self.name = name
        self.command = command
        self.pid_file = pid_file
        self.quick_deaths = 0
        self.start()

    def start(self) -> None:
        """Start it, and name it in its pid file."""
        self.started_at = time.monotonic()
        self.due_at: float | None = None
        self.process = subprocess.Popen(
            self.command,
            stdin=subprocess.DEVNULL,
            # Ctrl-C is for the launcher: a session of its own keeps the terminal's signals away.
            start_new_session=True,
            preexec_fn=partial(end_with, os.getpid()),  # noqa: PLW1509 - the launcher has no threads
        )
        self._write_pid()

    def tend(self) -> None:
        """See whether it lives, and start it again if not, at once or after a short pause."""
        if self.due_at is None and self.process.poll() is not None:
            self._mourn()
        if self.due_at is not None and time.monotonic() >= self.due_at:
            try:
                self.start()
            except OSError as exc:
                self.due_at = time.monotonic() + PAUSE_SECONDS[-1]
                complain(f"The {self.name} process could not be started ({exc.strerror}); trying again.")

    def kill_group(self) -> None:
        """Kill it and whatever it has started."""
        # The group may be gone; on macOS one that is all zombies says that it may not be killed.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def _mourn(self) -> None:
        self.kill_group()
        now = time.monotonic()
        self.quick_deaths = self.quick_deaths + 1 if now - self.started_at < STEADY_SECONDS else 0
        self.due_at = now + PAUSE_SECONDS[min(self.quick_deaths, len(PAUSE_SECONDS) - 1)]
        complain(f"The {self.name} process {_how(self.process.returncode)}; starting it again.")

    def _write_pid(self) -> None:
        draft = self.pid_file.with_suffix(".draft")
        try:
            draft.write_text(f"{self.process.pid}\n")
            draft.replace(self.pid_file)
        except OSError as exc:  # a full disk must not take down what still works
            complain(f"{self.pid_file} could not be written ({exc.strerror}).")


def stop(children: Iterable[Child]) -> None:
    """End them all: asked first, killed with their groups when they have not ended in time."""
    children = list(children)
    for child in children:
        child.process.terminate()
    deadline = time.monotonic() + GRACE_SECONDS
    while time.monotonic() < deadline and any(child.process.poll() is None for child in children):
        time.sleep(LOOK_SECONDS)
    for child in children:
        child.kill_group()
        child.process.wait()
        child.pid_file.unlink(missing_ok=True)


def _how(returncode: int) -> str:
    if returncode < 0:
        return f"was killed by {signal.Signals(-returncode).name}"
    return f"ended with exit code {returncode}"

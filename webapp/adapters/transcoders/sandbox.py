"""Run one program that we do not trust, with few files in reach, no network, and an end that always comes."""

import enum
import os
import selectors
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL, SIGXCPU, SIGXFSZ

from webapp.adapters.transcoders import launcher
from webapp.adapters.transcoders.launcher import landlock_abi

__all__ = ["Box", "Ended", "Ending", "Limits", "SandboxBroken", "landlock_abi", "run"]

GIB = 1 << 30
TICK_SECONDS = 0.1
CHUNK = 1 << 16
LAST_WORDS = 1 << 16

# Where programs and their libraries live. Not /usr as a whole: some keep an application and its data there.
SYSTEM = tuple(
    Path(path)
    for path in (
        *("/bin", "/lib", "/lib32", "/lib64", "/usr/bin", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/local/lib"),
        *("/nix/store", "/etc/ld.so.cache"),
    )
)
DEVICES = (Path("/dev/null"), Path("/dev/zero"), Path("/dev/urandom"))


class SandboxBroken(Exception):
    """The sandbox could not be set up, so the program was not started: trouble of ours, not of the file."""


class Ending(enum.Enum):
    """How a program came to its end."""

    EXITED = enum.auto()
    STOPPED = enum.auto()
    IDLE = enum.auto()
    TOO_LONG = enum.auto()
    TOO_LARGE = enum.auto()
    CRASHED = enum.auto()


@dataclass(frozen=True)
class Limits:
    """What a program may use up. Bytes and seconds."""

    wall_seconds: float
    idle_seconds: float
    file_size: int = 0
    """Of each file that it writes."""
    memory: int = GIB
    """Address space."""
    open_files: int = 64
    niceness: int = 0
    """From 0 to 19: how much it lets others go first."""

    @property
    def cpu_seconds(self) -> int:
        """As long as the clock allows: it ends what the clock would end when many threads are at work."""
        return int(self.wall_seconds) + 1


@dataclass(frozen=True)
class Box:
    """The files within a program's reach, and where it stands."""

    readable: tuple[Path, ...] = ()
    writable: tuple[Path, ...] = ()
    programs: tuple[Path, ...] = ()
    """Readable and executable, on top of the system's libraries and the program itself."""
    folder: Path = Path("/")


@dataclass(frozen=True)
class Ended:
    """What is left of a program."""

    ending: Ending
    code: int
    """Its exit code; negative: the signal that killed it."""
    last_words: str
    """The end of what it wrote to stderr."""


def run(
    command: Sequence[str],
    box: Box,
    limits: Limits,
    *,
    on_output: Callable[[bytes], bool],
    stop: threading.Event | None = None,
) -> Ended:
    """Run the command to its end, whatever that is; no process is left afterwards, whatever is raised.

    Each piece of its output goes to `on_output`, which says whether the program has moved on; one that has not for
    `idle_seconds` is killed. The first word of the command is an absolute path. Raises SandboxBroken.

    The program dies with the thread that calls this.
    """
    with _started(command, box, limits) as process:
        watch = _Watch(process, limits, on_output, stop)
        ending = watch.until_the_end()
        _kill(process)
        status, usage = os.wait4(process.pid, 0)[1:]
        process.returncode = code = os.waitstatus_to_exitcode(status)
    last_words = watch.last_words.decode("utf-8", "replace")
    if code == launcher.SETUP_FAILED and last_words.startswith(launcher.FIRST_WORDS):
        raise SandboxBroken(last_words.strip())
    if ending is Ending.EXITED and code < 0:
        cpu_seconds = usage.ru_utime + usage.ru_stime
        ending = _killed_by(-code, is_out_of_time=cpu_seconds >= limits.cpu_seconds - 1)
    return Ended(ending, code, last_words)


@contextmanager
def _started(command: Sequence[str], box: Box, limits: Limits) -> Iterator[subprocess.Popen[bytes]]:
    """The running program, killed and buried if it is still there at the end."""
    with subprocess.Popen(
        [sys.executable, "-I", "-S", launcher.__file__, *_order(box, limits, Path(command[0])), "--", *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        env={},
    ) as process:
        try:
            yield process
        finally:
            if process.returncode is None:
                _kill(process)


def _order(box: Box, limits: Limits, program: Path) -> Iterator[str]:
    """What the launcher reads."""
    most = {"AS": limits.memory, "FSIZE": limits.file_size, "CPU": limits.cpu_seconds, "NOFILE": limits.open_files}
    home = box.folder
    environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": home, "TMPDIR": home}
    environment["MALLOC_ARENA_MAX"] = "2"  # else each thread of many reserves 64 MB of what all of them may have
    yield from ("--parent", str(os.getpid()), "--folder", str(box.folder), "--nice", str(limits.niceness))
    for option, values in (
        ("--limit", (f"{name}={value}" for name, value in most.items())),
        ("--run", (*SYSTEM, program, *box.programs)),
        ("--read", box.readable),
        ("--write", (*DEVICES, *box.writable)),
        ("--set", (f"{name}={value}" for name, value in environment.items())),
    ):
        for value in values:
            yield from (option, str(value))


def _has_exited(process: subprocess.Popen[bytes]) -> bool:
    """Whether it is dead, without burying it: its number stays its own until then."""
    # Python on macOS has it from 3.13 on. Without, both pipes closed must be enough.
    waitid = getattr(os, "waitid", None)
    return waitid is None or waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill it, if it lives, and what it started."""
    try:
        os.killpg(process.pid, SIGKILL)
    except (ProcessLookupError, PermissionError):
        # macOS says the latter of a group in which all are dead.
        process.kill()


def _killed_by(signal: int, *, is_out_of_time: bool) -> Ending:
    if signal == SIGXFSZ:
        return Ending.TOO_LARGE
    if signal == SIGXCPU or (signal == SIGKILL and is_out_of_time):
        return Ending.TOO_LONG
    return Ending.CRASHED


class _Watch:
    """Reads what a program says, and knows when enough is enough."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        limits: Limits,
        on_output: Callable[[bytes], bool],
        stop: threading.Event | None,
    ) -> None:
        self.process = process
        self.limits = limits
        self.on_output = on_output
        self.stop = stop
        self.last_words = b""
        self.started_at = self.moved_at = time.monotonic()

    def until_the_end(self) -> Ending:
        """Return when the program has exited, or when it is not to go on."""
        with selectors.DefaultSelector() as pipes:
            for pipe in (self.process.stdout, self.process.stderr):
                if pipe:
                    pipes.register(pipe, selectors.EVENT_READ)
            while pipes.get_map():
                for key, _ in pipes.select(TICK_SECONDS):
                    if not self._read(key.fd, is_output=key.fileobj is self.process.stdout):
                        pipes.unregister(key.fileobj)
                if ending := self._has_had_enough():
                    return ending
        return self._until_exit()

    def _until_exit(self) -> Ending:
        """Return likewise, when there is nothing to be read any more."""
        while not _has_exited(self.process):
            if ending := self._has_had_enough():
                return ending
            time.sleep(TICK_SECONDS / 20)
        return Ending.EXITED

    def _read(self, pipe: int, *, is_output: bool) -> bool:
        """Read once; False at the end of the pipe."""
        chunk = os.read(pipe, CHUNK)
        if not is_output:
            self.last_words = (self.last_words + chunk)[-LAST_WORDS:]
        elif chunk and self.on_output(chunk):
            self.moved_at = time.monotonic()
        return bool(chunk)

    def _has_had_enough(self) -> Ending | None:
        now = time.monotonic()
        if self.stop and self.stop.is_set():
            return Ending.STOPPED
        if now - self.started_at > self.limits.wall_seconds:
            return Ending.TOO_LONG
        if now - self.moved_at > self.limits.idle_seconds:
            return Ending.IDLE
        return None

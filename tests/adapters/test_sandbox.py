"""What a program in the sandbox can do, tried for real."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import sounds
from webapp.adapters.probe import python_itself
from webapp.adapters.transcoders import launcher, sandbox
from webapp.adapters.transcoders.binary import bundled
from webapp.adapters.transcoders.sandbox import Box, Ended, Ending, Limits, SandboxBroken

ROOT = Path(__file__).resolve().parents[2]
PYTHON = Path(sys.executable).resolve()
MIB = 1 << 20
QUICK = Limits(wall_seconds=20, idle_seconds=20, file_size=MIB)


@dataclass(frozen=True)
class Said:
    """A program's end, and all that it wrote to stdout."""

    ended: Ended
    output: str


def run(command: list[str], box: Box, limits: Limits = QUICK, stop: threading.Event | None = None) -> Said:
    output = bytearray()

    def listen(piece: bytes) -> bool:
        output.extend(piece)
        return True

    ended = sandbox.run(command, box, limits, on_output=listen, stop=stop)
    return Said(ended, output.decode())


def sh(script: str, folder: Path, limits: Limits = QUICK, stop: threading.Event | None = None) -> Said:
    return run(["/bin/sh", "-c", script], Box(writable=(folder,), folder=folder), limits, stop)


def python(script: str, folder: Path, limits: Limits = QUICK) -> Said:
    box = Box(writable=(folder,), programs=tuple(python_itself()), folder=folder)
    return run([str(PYTHON), "-I", "-S", "-B", "-c", script], box, limits)


@pytest.fixture
def job(tmp_path: Path) -> Path:
    folder = tmp_path / "job"
    folder.mkdir()
    return folder


def test_it_answers_with_the_output_and_the_code(job: Path) -> None:
    said = sh("echo hello; echo oops >&2; exit 3", job)

    assert said.output == "hello\n"
    assert (said.ended.ending, said.ended.code, said.ended.last_words) == (Ending.EXITED, 3, "oops\n")


def test_it_stands_in_its_folder_and_can_write_there(job: Path) -> None:
    sh("echo kept > note", job)

    assert (job / "note").read_text() == "kept\n"


def test_sec_M3_it_cannot_read_a_file_that_it_was_not_given(job: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")

    said = sh(f"cat {secret} /etc/passwd; ls {tmp_path}", job)

    assert said.output == ""
    assert said.ended.last_words.count("Permission denied") == 3


def test_it_can_read_what_it_was_given_and_not_change_it(job: Path, tmp_path: Path) -> None:
    given = tmp_path / "given"
    given.write_text("given")
    box = Box(readable=(given,), writable=(job,), folder=job)

    said = run(["/bin/sh", "-c", f"cat {given}; echo more >> {given}; rm {given}"], box)

    assert said.output == "given"
    assert given.read_text() == "given"


def test_it_cannot_write_outside_its_folder(job: Path, tmp_path: Path) -> None:
    sh(f"echo x > {tmp_path}/outside; ln {job}/../job {tmp_path}/link; mkdir {tmp_path}/folder", job)

    assert list(tmp_path.iterdir()) == [job]


def test_it_cannot_run_what_it_has_written(job: Path) -> None:
    said = sh("cp /bin/echo mine; chmod +x mine; ./mine ran", job)

    assert said.output == ""


def test_it_sees_nothing_of_our_environment(job: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "hidden")

    said = sh("env", job)

    assert "hidden" not in said.output
    assert f"HOME={job}" in said.output
    assert "MALLOC_ARENA_MAX=2" in said.output, "what many threads reserve counts as memory"


def test_it_holds_no_file_of_ours_open(job: Path, tmp_path: Path) -> None:
    with (tmp_path / "ours").open("w") as ours:
        os.set_inheritable(ours.fileno(), True)
        said = python(f"import os; os.fstat({ours.fileno()})", job)

    assert "Bad file descriptor" in said.ended.last_words


CONNECT = "import socket, sys; socket.create_connection(('127.0.0.1', {port}), 5); print('connected')"


@pytest.fixture
def port() -> Iterator[int]:
    """Of somebody who listens on this machine."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.mark.enable_socket
def test_sec_M2_it_cannot_connect_to_anything(job: Path, port: int) -> None:
    script = CONNECT.format(port=port)
    outside = subprocess.run([PYTHON, "-I", "-S", "-c", script], capture_output=True, text=True, check=True)

    inside = python(script, job)

    assert outside.stdout == "connected\n"
    assert inside.output == ""
    assert "PermissionError" in inside.ended.last_words


ALONE = """
import runpy, socket
launcher = runpy.run_path({launcher!r})
launcher["prctl"](launcher["PR_SET_NO_NEW_PRIVS"], 1)
launcher[{lock!r}](*{arguments!r})
"""


@pytest.mark.enable_socket
@pytest.mark.parametrize(("lock", "arguments"), [("restrict_files", [[], ["/"], []]), ("refuse_sockets", [])])
def test_sec_M2_each_of_the_two_locks_on_the_network_holds_alone(
    lock: str, arguments: list[list[str]], port: int
) -> None:
    if lock == "restrict_files" and sandbox.landlock_abi() < 4:
        return  # Landlock of this kernel does not know TCP.
    script = ALONE.format(launcher=launcher.__file__, lock=lock, arguments=arguments) + CONNECT.format(port=port)

    done = subprocess.run([PYTHON, "-I", "-S", "-c", script], capture_output=True, text=True, check=False)

    assert done.stdout == ""
    assert "PermissionError" in done.stderr


@pytest.mark.enable_socket
@pytest.mark.parametrize("kind", ["AF_INET, socket.SOCK_DGRAM", "AF_UNIX, socket.SOCK_STREAM"])
def test_sec_M2_it_cannot_open_a_socket_of_any_other_kind(job: Path, kind: str) -> None:
    said = python(f"import socket; socket.socket(socket.{kind}); print('opened')", job)

    assert said.output == ""
    assert "PermissionError" in said.ended.last_words


def test_it_cannot_signal_us(job: Path) -> None:
    said = sh(f"kill -0 {os.getpid()} && echo reached", job)

    assert said.output == ""


def test_sec_M2_memory_is_limited(job: Path) -> None:
    limits = Limits(wall_seconds=20, idle_seconds=20, memory=256 * MIB)

    said = python("x = bytearray(512 << 20); print('got it')", job, limits)

    assert said.output == ""
    assert "MemoryError" in said.ended.last_words


def test_sec_M2_a_file_can_only_grow_so_large(job: Path) -> None:
    said = sh("while :; do echo 0123456789012345678901234567890123456789; done > big", job)

    assert said.ended.ending is Ending.TOO_LARGE
    assert (job / "big").stat().st_size == MIB


def test_it_can_open_only_so_many_files(job: Path) -> None:
    said = python("import os; print(len([os.open('/dev/null', 0) for _ in range(100)]))", job)

    assert "Too many open files" in said.ended.last_words


def test_a_process_that_uses_too_much_of_the_processor_is_ended(job: Path) -> None:
    class Hurried(Limits):
        cpu_seconds = 1

    began = time.monotonic()

    said = sh("while :; do :; done", job, Hurried(wall_seconds=30, idle_seconds=30))

    assert said.ended.ending is Ending.TOO_LONG
    assert time.monotonic() - began < 20


def test_sec_M6_the_clock_ends_it(job: Path) -> None:
    said = sh("while :; do echo busy; done", job, Limits(wall_seconds=0.5, idle_seconds=20))

    assert said.ended.ending is Ending.TOO_LONG


def test_sec_M6_one_that_sleeps_is_ended(job: Path) -> None:
    said = sh("sleep 60", job, Limits(wall_seconds=20, idle_seconds=0.3))

    assert said.ended.ending is Ending.IDLE


def test_sec_M6_one_that_floods_stderr_is_ended_and_its_last_words_are_few(job: Path) -> None:
    limits = Limits(wall_seconds=20, idle_seconds=0.5)

    said = sh("while :; do echo flood flood flood flood flood >&2; done", job, limits)

    assert said.ended.ending is Ending.IDLE
    assert 0 < len(said.ended.last_words) <= sandbox.LAST_WORDS


def test_sec_M6_one_that_ignores_requests_to_end_is_ended(job: Path) -> None:
    said = sh("trap '' TERM INT HUP; while :; do sleep 1; done", job, Limits(wall_seconds=0.5, idle_seconds=20))

    assert said.ended.ending is Ending.TOO_LONG
    assert said.ended.code == -signal.SIGKILL


def test_sec_M6_one_that_closes_its_pipes_and_stays_is_ended(job: Path) -> None:
    said = sh("exec >&- 2>&-; sleep 60", job, Limits(wall_seconds=0.5, idle_seconds=20))

    assert said.ended.ending is Ending.TOO_LONG


def test_what_it_leaves_behind_is_ended(job: Path) -> None:
    sh("sleep 60 > /dev/null 2>&1 & echo $! > pid", job)

    left = int((job / "pid").read_text())
    assert wait_until(lambda: not is_alive(left))


def test_being_told_to_stop_ends_it_soon(job: Path) -> None:
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    began = time.monotonic()

    said = sh("sleep 60", job, stop=stop)

    assert said.ended.ending is Ending.STOPPED
    assert time.monotonic() - began < 30  # it would sleep for a minute


def test_an_error_of_ours_leaves_no_process_behind(job: Path) -> None:
    def fail(piece: bytes) -> bool:
        raise RuntimeError(piece)

    with pytest.raises(RuntimeError) as error:
        sandbox.run(
            ["/bin/sh", "-c", "echo $$; sleep 60"], Box(folder=job), QUICK, on_output=fail
        )  # fmt: skip

    assert not is_alive(int(error.value.args[0]))


def test_a_program_that_crashes_is_told_from_one_that_is_killed(job: Path) -> None:
    said = sh("kill -SEGV $$", job)

    assert (said.ended.ending, said.ended.code) == (Ending.CRASHED, -signal.SIGSEGV)


def test_a_program_that_is_not_there_is_our_trouble(job: Path) -> None:
    with pytest.raises(SandboxBroken):
        run(["/nowhere/at-all"], Box(folder=job))


PARENT = """
import sys
from pathlib import Path
from webapp.adapters.transcoders import sandbox
from webapp.adapters.transcoders.binary import bundled
from webapp.adapters.transcoders.sandbox import Box, Limits

def listen(piece):
    print(piece.decode(), end="", flush=True)
    return True

source = Path(sys.argv[1])
arguments = ["-nostdin", "-v", "error", "-progress", "pipe:1", "-stream_loop", "-1", "-re", "-i", f"file:{source}"]
sandbox.run(
    [str(bundled()), *arguments, "-f", "null", "-"], Box(readable=(source,)), Limits(60, 60), on_output=listen
)
"""


def test_ffmpeg_dies_with_the_worker(tmp_path: Path) -> None:
    song = sounds.make(tmp_path, "song.wav")
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(song)], stdout=subprocess.PIPE, cwd=ROOT, start_new_session=True
    ) as parent:
        assert parent.stdout
        assert parent.stdout.readline()
        children = children_of(parent.pid)
        assert [Path(f"/proc/{child}/exe").readlink() for child in children] == [bundled().resolve()]

        parent.kill()

    assert wait_until(lambda: not any(map(is_alive, children)))


def children_of(parent: int) -> list[int]:
    tasks = Path(f"/proc/{parent}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


def is_alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def wait_until(is_so: Callable[[], bool], seconds: float = 5) -> bool:
    enough = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > enough:
            return False
        time.sleep(0.02)
    return True

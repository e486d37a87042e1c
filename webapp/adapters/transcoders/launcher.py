"""Lock this process into its sandbox and then become the program: run by path, with the standard library alone.

A fresh interpreter does this because the worker has many threads, and what runs between fork and exec in such a
process may hang for ever. Nothing of `webapp` may be imported here, and nothing that takes long to import: each of our
children waits for this process. `json` alone would take as long as all the rest.

    launcher.py --parent PID --folder PATH --nice N [--limit NAME=N | --run PATH | --read PATH | --write PATH |
                --set NAME=VALUE]… -- COMMAND [ARGUMENT…]
"""

import _signal  # type: ignore[import-not-found]  # what `signal` dresses up, which takes 6 ms
import ctypes
import os
import resource
import struct
import sys
from collections.abc import Iterable

# As in typing, without the time that it takes to import.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SETUP_FAILED = 125
FIRST_WORDS = "sandbox: "
OPTIONS = ("--parent", "--folder", "--nice", "--limit", "--run", "--read", "--write", "--set")

PR_SET_PDEATHSIG = 1
PR_SET_SECCOMP = 22
PR_SET_NO_NEW_PRIVS = 38

# linux/landlock.h. These three calls have the same numbers on every architecture that we meet.
SYS_LANDLOCK_CREATE_RULESET, SYS_LANDLOCK_ADD_RULE, SYS_LANDLOCK_RESTRICT_SELF = 444, 445, 446
LANDLOCK_CREATE_RULESET_VERSION = 1
LANDLOCK_RULE_PATH_BENEATH = 1
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1, 1 << 1, 1 << 2, 1 << 3
REMOVE_FILE, MAKE_REG, TRUNCATE = 1 << 5, 1 << 8, 1 << 14
ON_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE
READ = READ_FILE | READ_DIR
RUN = READ | EXECUTE
CHANGE = READ | WRITE_FILE | REMOVE_FILE | MAKE_REG | TRUNCATE
# How many rights over files each ABI knows: a right that the kernel has not heard of is refused.
FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
BIND_AND_CONNECT_TCP = 0b11
ABSTRACT_SOCKETS_AND_SIGNALS = 0b11

# linux/seccomp.h and linux/filter.h: per machine, its name for the kernel and its number of socket(2).
SOCKET_CALLS = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198), "riscv64": (0xC00000F3, 198)}
SYS_IO_URING_SETUP = 425
X32_CALLS = 0x40000000
LOAD, JUMP_IF_EQUAL, JUMP_IF_AT_LEAST, ANSWER = 0x20, 0x15, 0x35, 0x06
ALLOW, REFUSE = 0x7FFF0000, 0x00050001

on_linux = sys.platform == "linux"
libc = ctypes.CDLL(None, use_errno=True)


def main(words: list[str]) -> None:
    """Follow the order, then run its command in place of this process."""
    order, command = read(words)
    die_with_parent(int(order["--parent"][0]))
    os.chdir(order["--folder"][0])
    os.nice(int(order["--nice"][0]))
    if on_linux:
        prctl(PR_SET_NO_NEW_PRIVS, 1)
        restrict_files(order["--run"], order["--read"], order["--write"])
        refuse_sockets()
    limit({name: int(most) for name, most in pairs(order["--limit"])})
    forget_signals()
    os.execve(command[0], command, dict(pairs(order["--set"])))  # noqa: S606  no shell, on purpose


def read(words: list[str]) -> tuple[dict[str, list[str]], list[str]]:
    """The values of each option, and the command. Raises ValueError for an order that is none."""
    end = words.index("--")
    order: dict[str, list[str]] = {name: [] for name in OPTIONS}
    for name, value in zip(words[0:end:2], words[1:end:2], strict=True):
        if name not in order:
            raise ValueError(f"{name} is no option")
        order[name].append(value)
    return order, words[end + 1 :]


def pairs(values: Iterable[str]) -> Iterable[tuple[str, str]]:
    """Each NAME=VALUE in two."""
    for value in values:
        name, _, rest = value.partition("=")
        yield name, rest


def die_with_parent(parent: int) -> None:
    """Have the kernel kill us when the thread that started us ends, however it ends."""
    if on_linux:
        prctl(PR_SET_PDEATHSIG, _signal.SIGKILL)
    if os.getppid() != parent:
        # It died before the kernel had been told.
        sys.exit(SETUP_FAILED)


def prctl(option: int, value: int, more: "Any" = 0) -> None:
    """The call of that name. Raises OSError."""
    if libc.prctl(option, ctypes.c_ulong(value), more, ctypes.c_ulong(0), ctypes.c_ulong(0)) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {option} was refused")


def syscall(number: int, *arguments: "Any") -> int:
    """A call that the C library has no name for. Raises OSError."""
    result = int(libc.syscall(ctypes.c_long(number), *arguments))
    if result < 0:
        raise OSError(ctypes.get_errno(), f"system call {number} was refused")
    return result


def landlock_abi() -> int:
    """Which Landlock the kernel has; 0: none, or it is switched off."""
    if not on_linux:
        return 0
    try:
        return syscall(SYS_LANDLOCK_CREATE_RULESET, None, ctypes.c_size_t(0), LANDLOCK_CREATE_RULESET_VERSION)
    except OSError:
        return 0


def restrict_files(programs: Iterable[str], readable: Iterable[str], writable: Iterable[str]) -> None:
    """Leave no file but these within reach, and no TCP, as far as the kernel can."""
    abi = landlock_abi()
    if not abi:
        return
    known = (1 << FILE_RIGHTS.get(abi, 16)) - 1
    scope = ABSTRACT_SOCKETS_AND_SIGNALS if abi >= 6 else 0  # noqa: PLR2004
    tcp = BIND_AND_CONNECT_TCP if abi >= 4 else 0  # noqa: PLR2004
    attributes = struct.pack("=QQQ", known, tcp, scope)
    ruleset = syscall(SYS_LANDLOCK_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)
    for paths, rights in ((programs, RUN), (readable, READ), (writable, CHANGE)):
        for path in paths:
            allow(ruleset, path, rights & known)
    syscall(SYS_LANDLOCK_RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)


def allow(ruleset: int, path: str, rights: int) -> None:
    """Let the path, and what is beneath it, be used. One that is not there needs no rule."""
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    if not os.path.isdir(path):  # noqa: PTH112  pathlib would cost a third of the start
        rights &= ON_FILES
    rule = struct.pack("=Qi", rights, place)
    syscall(SYS_LANDLOCK_ADD_RULE, ruleset, LANDLOCK_RULE_PATH_BENEATH, rule, 0)
    os.close(place)


def refuse_sockets() -> None:
    """Make socket(2) fail: Landlock leaves UDP and named Unix sockets open, and older kernels TCP as well.

    Also io_uring, which can open sockets without that call. Needs no rights, unlike a network namespace.
    """
    machine = os.uname().machine
    if machine not in SOCKET_CALLS:
        return
    kernel_name, socket_call = SOCKET_CALLS[machine]
    steps = [
        (LOAD, 0, 0, 4),  # the architecture of the call
        (JUMP_IF_EQUAL, 0, 5, kernel_name),
        (LOAD, 0, 0, 0),  # its number
        (JUMP_IF_AT_LEAST, 3, 0, X32_CALLS),
        (JUMP_IF_EQUAL, 2, 0, socket_call),
        (JUMP_IF_EQUAL, 1, 0, SYS_IO_URING_SETUP),
        (ANSWER, 0, 0, ALLOW),
        (ANSWER, 0, 0, REFUSE),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    program = struct.pack("@HP", len(steps), ctypes.addressof(code))
    prctl(PR_SET_SECCOMP, 2, program)


def limit(limits: dict[str, int]) -> None:
    """Set the limits as far as this system has them, softest and hardest alike."""
    for name, most in {**limits, "CORE": 0}.items():
        kind = getattr(resource, f"RLIMIT_{name}")
        _, hardest = resource.getrlimit(kind)
        value = most if hardest == resource.RLIM_INFINITY else min(most, hardest)
        try:
            resource.setrlimit(kind, (value, value))
        except (OSError, ValueError):
            # macOS knows RLIMIT_AS but does not let it be set.
            if on_linux:
                raise


def forget_signals() -> None:
    """Give back what Python and our parent changed: an ignored SIGXFSZ would outlive exec and break a limit."""
    for number in (_signal.SIGPIPE, _signal.SIGXFSZ, _signal.SIGTERM, _signal.SIGINT):
        _signal.signal(number, _signal.SIG_DFL)
    _signal.pthread_sigmask(_signal.SIG_SETMASK, ())


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (OSError, ValueError, LookupError) as exc:
        sys.stderr.write(f"{FIRST_WORDS}{exc}\n")
        sys.exit(SETUP_FAILED)

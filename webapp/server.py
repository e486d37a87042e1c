"""The web process: granian, whose inner worker runs the app and never outlives it."""

import multiprocessing
import resource
import socket
import sys
from contextlib import suppress
from importlib import import_module
from typing import Any

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels

from webapp.children import end_with
from webapp.config import Config
from webapp.errors import ConfigError
from webapp.stalls import Patience

# An upload or a download holds a thread for as long as it lasts; idle ones end by themselves.
THREADS = 128
# Granian counts a connection that has not sent anything yet, and by itself lets in as many as may queue: 1024.
CONNECTIONS = 8192
# Shorter than the launcher's patience, so that the app is ended by granian and not with it.
GRACE_SECONDS = 8


def load(target: str) -> Any:
    """The app, loaded in the inner worker."""
    # Left alone after a kill -9 of the outer process, it would keep the port and go on answering.
    parent = multiprocessing.parent_process()
    if parent and parent.pid:
        end_with(parent.pid)
    module, name = target.split(":")
    patient = Patience(getattr(import_module(module), name))
    patient.start()
    return patient


def main(target: str = "wsgi:app") -> None:
    """Serve until told to stop. Exits with 1 when the inner worker dies: the launcher starts both again."""
    config = Config.from_environment()
    _allow_connections()
    server = Granian(
        target,
        # Granian takes an address only, no name.
        address=str(socket.getaddrinfo(config.host, config.port, type=socket.SOCK_STREAM)[0][4][0]),
        port=config.port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        websockets=False,
        workers=1,
        blocking_threads=THREADS,
        backpressure=CONNECTIONS,
        workers_kill_timeout=GRACE_SECONDS,
        # Its one warning is about the number of threads, which is what we want.
        log_level=LogLevels.error,
    )
    try:
        server.serve(target_loader=load)
    except RuntimeError as exc:  # granian's, when somebody has taken the port since the launcher looked
        reason = str(exc).splitlines()[0]
        raise ConfigError(f"The web process cannot listen: {reason}.") from exc


def _allow_connections() -> None:
    """Each is an open file, and many systems let a process open 1024 unless it asks for more."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    wanted = CONNECTIONS + 1024 if most == resource.RLIM_INFINITY else min(most, CONNECTIONS + 1024)
    with suppress(OSError, ValueError):
        if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


if __name__ == "__main__":
    try:
        main()
    except (ConfigError, OSError) as error:
        sys.exit(str(error))

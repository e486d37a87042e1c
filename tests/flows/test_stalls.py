"""Who sends or takes nothing does not hold a thread of the web process."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from tests.flows.house import ROOT, free_port, wait_for
from tests.flows.sender import Send, noise
from tests.flows.visitor import Visitor

pytestmark = [pytest.mark.processes, pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts bytes")]

SLOW = 50_000_000
THREE_PARTS = 70
# Much less than the patience with those who stand still, and enough for a machine under load.
PROMPT_SECONDS = 40


@pytest.fixture
def hurried(tmp_path: Path) -> Iterator[Visitor]:
    """Of a web process that waits for nobody longer than some seconds."""
    port = free_port()
    settings = {"DATA_DIR": str(tmp_path), "PORT": str(port), "SECRET_KEY": "x" * 32}
    command = [sys.executable, "-c", "from webapp.server import main; main('tests.flows.hurried:app')"]
    web = subprocess.Popen(command, cwd=ROOT, env={"PATH": os.environ["PATH"], **settings})
    try:
        visitor = Visitor(port)
        wait_for("the web process to answer", lambda: answers(visitor))
        yield visitor
    finally:
        web.terminate()
        web.wait(20)


def answers(visitor: Visitor) -> bool:
    try:
        return visitor.get("/ended").status == 200
    except OSError:
        return False


def line_to(visitor: Visitor, head: str) -> socket.socket:
    line = socket.create_connection(("127.0.0.1", visitor.port), timeout=30)
    line.sendall(f"{head} HTTP/1.1\r\nHost: localhost\r\n".encode())
    return line


# Without Patience in webapp/server.py the first two last until the client ends them.
@pytest.mark.slow
def test_sec_W10_a_body_or_a_download_that_stands_still_is_given_up_and_a_slow_one_is_not(hurried: Visitor) -> None:
    with (
        line_to(hurried, "POST /silent") as silent,
        line_to(hurried, "POST /trickle") as trickle,
        line_to(hurried, "GET /endless") as endless,
        line_to(hurried, "POST /slow") as slow,
    ):
        silent.sendall(b"Content-Length: 1000000\r\n\r\n")
        trickle.sendall(b"Content-Length: 1000001\r\n\r\n")
        endless.sendall(b"\r\n")
        slow.sendall(b"Content-Length: %d\r\n\r\n" % SLOW)
        came = 0

        def are_given_up() -> bool:
            nonlocal came
            with suppress(OSError):  # it has been cut
                trickle.send(b"x")
            if came < SLOW - 20_000:
                came += slow.send(b"y" * 2_000)
            ended = hurried.get("/ended").text
            return ended.count("body:") == 2 and "answer" in ended

        wait_for("all but the slow one to be given up", are_given_up)
        while came < SLOW:
            came += slow.send(b"y" * min(50_000, SLOW - came))
        wait_for("the slow one to arrive", lambda: f"body:{SLOW}" in hurried.get("/ended").text)


# Without webapp/web/seats.py nobody is answered until the lines are closed: there are more of them than threads.
@pytest.mark.slow
def test_sec_W10_two_hundred_uploads_that_stand_still_keep_nobody_from_a_page(
    alice: Visitor, bob: Visitor, send: Send
) -> None:
    sender = send(noise(THREE_PARTS))
    assert sender.begin().status == 201
    with ExitStack() as stack:
        for number in range(200):
            line = stack.enter_context(sender.line(1))
            line.sendall(b"x" * (number % 7))

        begun = time.monotonic()
        for visitor in (alice, bob):
            assert visitor.poll().status in (200, 204)
            assert visitor.get("/files/").status == 200
        assert bob.post("/auth/logout").status == 303
        assert time.monotonic() - begun < PROMPT_SECONDS

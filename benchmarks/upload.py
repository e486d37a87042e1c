"""A big file from a browser into the list, over a copy of the file and over a server that throws it away.

    .venv/bin/python -m benchmarks.upload [MEBIBYTES]

It is sent by the page's own module, and by the plain form of a browser without JavaScript. What is counted is from the
choice of the file to its row in the list, so the server's look into the file is in it. The copy is to the same disk, to
its last byte (fsync). The server that throws away is the same web process with one view more (benchmarks/sink.py), fed
by http.client. All take turns, with other bytes each time: a file that is known would not be kept again.
"""

import http.client
import os
import shutil
import struct
import sys
import tempfile
import threading
import time
import wave
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from random import Random
from typing import Self

from playwright.sync_api import Browser, Page, sync_playwright
from playwright.sync_api import TimeoutError as NotYet

from benchmarks.serving import serving
from tests.browser.conftest import ARGUMENTS
from tests.conftest import CHROMIUM
from tests.flows.house import House, wait_for

MIB = 1024 * 1024
MEBIBYTES, ROUNDS = 1024, 3
# What is loaded at the first upload only is not what an upload costs.
FIRST_MEBIBYTES = 20
HEADER = 44
ROW = "#files li[data-file]"
LOOK_SECONDS = 0.1
BLOCK = 256 * 1024
WATCH_SECONDS = 0.2
PATIENCE_SECONDS = 600


def main(mebibytes: int) -> None:
    """Print the best of several rounds, in each of which all are asked in turn."""
    with (
        tempfile.TemporaryDirectory() as name,
        House.opened(Path(name) / "instance") as house,
        serving("benchmarks.sink:app", Path(name) / "sink") as port,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        module, form = (Sending(browser, house, has_scripts=has_scripts) for has_scripts in (True, False))
        ways: dict[str, Callable[[Path], float]] = {
            "module": module.send, "form": form.send, "copy": copy, "client": partial(pour, port),
        }  # fmt: skip
        first, song = Song(Path(name) / "first.wav", FIRST_MEBIBYTES), Song(Path(name) / "song.wav", mebibytes)
        for send in ways.values():
            send(first.renewed())
        rounds = [{way: send(song.renewed()) for way, send in ways.items()} for _ in range(ROUNDS)]
        browser.close()
    best = {way: min(each[way] for each in rounds) for way in ways}
    print(f"{mebibytes} MiB, best of {ROUNDS}: {', '.join(f'{way} {took:.2f} s' for way, took in best.items())}")
    for way, sending in (("module", module), ("form", form)):
        print(
            f"{way}: over copy {best[way] / best['copy']:.2f}, over client {best[way] / best['client']:.2f}; "
            f"web process grows by {sending.grown / MIB:.0f} MiB at most"
        )
    print(f"largest JavaScript heap of the page: {module.heap / MIB:.1f} MiB")


class Song:
    """A WAV of cheap bytes."""

    def __init__(self, path: Path, mebibytes: int) -> None:
        self.path = path
        self.number = 0
        block = Random(0).randbytes(MIB)
        with wave.open(str(path), "wb") as made:
            made.setnchannels(2)
            made.setsampwidth(2)
            made.setframerate(44100)
            for _ in range(mebibytes):
                made.writeframesraw(block)

    def renewed(self) -> Path:
        """The file with other bytes than before, when the disk has nothing else to do."""
        self.number += 1
        with self.path.open("r+b") as opened:
            opened.seek(HEADER)
            opened.write(struct.pack("<Q", self.number))
        os.sync()
        return self.path


class Sending:
    """Somebody at a browser, with scripts or without."""

    def __init__(self, browser: Browser, house: House, *, has_scripts: bool) -> None:
        self.house = house
        self.has_scripts = has_scripts
        self.visitor = house.visitor().register(f"has-{has_scripts}")
        self.context = browser.new_context(java_script_enabled=has_scripts)
        self.context.set_default_timeout(PATIENCE_SECONDS * 1000)
        cookies = self.visitor.cookies.items()
        self.context.add_cookies([{"name": n, "value": v, "url": house.address} for n, v in cookies])
        self.grown = self.heap = 0

    def send(self, song: Path) -> float:
        """Seconds until the song is in the list. It is deleted then, so that nobody converts it for long."""
        page = self.context.new_page()
        page.goto(f"{self.house.address}/files/")
        with Memory(self.house.pid("web")) as memory:
            begun = time.monotonic()
            page.locator("#audio").set_input_files(song)
            if self.has_scripts:
                self._watch_heap(page)
            else:
                page.get_by_role("button", name="Upload").click()
                page.locator(ROW).wait_for(state="attached")
            took = time.monotonic() - begun
        self.grown = max(self.grown, memory.grown)
        page.close()
        self._clear()
        return took

    def _watch_heap(self, page: Page) -> None:
        """Look at the page's memory until the row is there."""
        devtools = self.context.new_cdp_session(page)
        devtools.send("Performance.enable")
        is_there = False
        while not is_there:
            with suppress(NotYet):
                page.locator(ROW).wait_for(state="attached", timeout=LOOK_SECONDS * 1000)
                is_there = True
            metrics = devtools.send("Performance.getMetrics")["metrics"]
            self.heap = max(self.heap, *(int(each["value"]) for each in metrics if each["name"] == "JSHeapUsedSize"))

    def _clear(self) -> None:
        for row in self.visitor.rows():
            self.visitor.post(f"/files/{row.id}/delete")
        wait_for("it to be deleted", lambda: not any(key.startswith("media/") for key in self.house.stored()))
        wait_for("its work to stop", lambda: not self.house.ffmpegs() and not self.house.half_made())


class Memory:
    """How much a process and its children grow, in bytes. What looks into a file for them is a grandchild."""

    def __init__(self, pid: int) -> None:
        self.pids = [pid, *children_of(pid)]
        self.before = self._now()
        self.grown = 0

    def __enter__(self) -> Self:
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self._watch)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.is_over.set()
        self.thread.join()

    def _watch(self) -> None:
        while not self.is_over.wait(WATCH_SECONDS):
            self.grown = max(self.grown, self._now() - self.before)

    def _now(self) -> int:
        lines = (line for pid in self.pids for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))


def children_of(pid: int) -> list[int]:
    """The processes that it has started."""
    found = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(word) for path in found for word in path.read_text().split()]


def copy(song: Path) -> float:
    """Seconds for a copy beside it, to its last byte."""
    target = song.with_suffix(".copy")
    begun = time.monotonic()
    shutil.copyfile(song, target)
    with target.open("rb") as copied:
        os.fsync(copied.fileno())
    took = time.monotonic() - begun
    target.unlink()
    return took


def pour(port: int, song: Path) -> float:
    """Seconds for a program that sends it to where it is thrown away."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS, blocksize=BLOCK)
    begun = time.monotonic()
    with song.open("rb") as body:
        connection.request("POST", "/sink", body, {"Content-Length": str(song.stat().st_size)})
        assert int(connection.getresponse().read()) == song.stat().st_size
    took = time.monotonic() - begun
    connection.close()
    return took


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else MEBIBYTES)

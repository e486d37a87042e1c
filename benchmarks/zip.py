"""The time to the first byte of an archive of 2 GB, how fast it comes, and what memory the web process takes for it.

    .venv/bin/python -m benchmarks.zip [GIGABYTES]

The same sounds are also fetched one by one, from the same process, and copied by the system; all over the loopback. The
web process is the one that `make run` starts.
"""

import shutil
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

from flask import Flask

from benchmarks.poll import migrated
from benchmarks.serving import serving
from tests.factories import AudioFileFactory, finish
from tests.flows.visitor import Visitor
from webapp import create_app
from webapp.config import Config
from webapp.db import db, writing
from webapp.models import AudioFile, User
from webapp.news import JobStatus

GIGABYTE = 1_000_000_000
PRESETS = ("wav", "flac", "mp4", "wav-24")
PIECE = 1 << 20


def main(gigabytes: int) -> None:
    """Print what was measured."""
    size = gigabytes * GIGABYTE // len(PRESETS)
    with (
        tempfile.TemporaryDirectory() as name,
        migrated(Path(name)),
        serving("wsgi:app", Path(name)) as port,
    ):
        visitor = Visitor(port).register("has-much")
        with inside(Path(name)):
            file = keep(size)
            paths = [Path(name, rendition.key) for rendition in file.ready]
            addresses = [f"/files/{file.id}/renditions/{preset}" for preset in PRESETS]
            archive = f"/files/{file.id}/archive.zip"
        pid = serving_pid(port)
        begun = time.perf_counter()
        for path in paths:
            shutil.copyfile(path, Path(name, "copy"))
        copied = time.perf_counter() - begun
        fetch(port, visitor, addresses[0], pid)  # the first download of a process loads what later ones have
        plain = [fetch(port, visitor, address, pid) for address in addresses]
        before = memory(pid)
        first, seconds, length, most = fetch(port, visitor, archive, pid)
    one_by_one = sum(each[1] for each in plain)
    print(f"archive of {length / GIGABYTE:.2f} GB: first byte after {first * 1000:.0f} ms, all after {seconds:.1f} s")
    print(f"web process: {before / PIECE:.0f} MiB before, at most {most / PIECE:.0f} MiB meanwhile")
    print(f"the same one by one: {one_by_one:.1f} s, so {seconds / one_by_one:.2f} of that")
    print(f"copied by the system, never over a line: {copied:.1f} s, so {seconds / copied:.2f} of that")


@contextmanager
def inside(folder: Path) -> Iterator[Flask]:
    """The app over the same folder, to put things there."""
    app = create_app(Config(secret_key="x" * 32, data_dir=folder, broker_url="memory://"))
    with app.app_context():
        yield app
        db.engine.dispose()


def keep(size: int) -> AudioFile:
    """A file whose renditions are ready, each so long. Their bytes are noise."""
    owner = db.session.query(User).one()
    file = AudioFileFactory(owner=owner, presets=PRESETS, name=f"{uuid.uuid4().hex}.wav")
    finish(file.job, JobStatus.COMPLETE)
    noise = bytes(range(256)) * (PIECE // 256)
    store = inside_storage()
    for rendition in file.renditions:
        store.put(rendition.key, (noise[: min(PIECE, size - at)] for at in range(0, size, PIECE)))
    with writing():
        for rendition in file.renditions:
            rendition.size = size
    return file


def inside_storage() -> "object":
    """That of the app whose context is open."""
    from webapp.extensions import storage

    return storage


def fetch(port: int, visitor: Visitor, address: str, pid: int) -> tuple[float, float, int, int]:
    """Seconds to the first byte and to the last, how many bytes, and the most memory of the process meanwhile."""
    cookie = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    begun = time.perf_counter()
    connection.request("GET", address, headers={"Cookie": cookie})
    answer = connection.getresponse()
    assert answer.status == 200, answer.status  # noqa: PLR2004
    received = len(answer.read(1))
    first, most = time.perf_counter() - begun, memory(pid)
    piece = bytearray(PIECE)
    looked = 0
    while count := answer.readinto(piece):
        received += count
        if received - looked > 50 * PIECE:
            looked, most = received, max(most, memory(pid))
    seconds = time.perf_counter() - begun
    assert received == int(answer.headers["Content-Length"])
    connection.close()
    return first, seconds, received, most

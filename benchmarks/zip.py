"""The time to the first byte of an archive of 2 GB, how fast it comes, and what memory the web process takes for it.

    .venv/bin/python -m benchmarks.zip [GIGABYTES]

The same sounds are also fetched one by one, from the same process, and copied by the system; all over the loopback. The
web process is the one that `make run` starts.
"""

import resource
import shutil
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path

import sqlalchemy as sa
from flask import Flask

from benchmarks.poll import config_of, migrated
from benchmarks.serving import serving
from tests.factories import AudioFileFactory, finish
from tests.flows.visitor import Visitor
from webapp import create_app
from webapp.db import db, writing
from webapp.extensions import storage
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
        migrated(folder := Path(name)),
        serving("wsgi:app", folder) as port,
    ):
        visitor = Visitor(port).register("has-much")
        with inside(folder):
            file = keep(size)
            paths = [folder / rendition.key for rendition in file.ready]
            addresses = [f"/files/{file.id}/renditions/{preset}" for preset in PRESETS]
            archive = f"/files/{file.id}/archive.zip"
        begun = time.perf_counter()
        for path in paths:
            shutil.copyfile(path, folder / "copy")
        copied = time.perf_counter() - begun
        fetch(port, visitor, addresses[0], folder)  # the first download of a process loads what later ones have
        plain = [fetch(port, visitor, address, folder) for address in addresses]
        before = memory(folder)
        first, seconds, length, most = fetch(port, visitor, archive, folder)
    one_by_one = sum(each[1] for each in plain)
    print(f"archive of {length / GIGABYTE:.2f} GB: first byte after {first * 1000:.0f} ms, all after {seconds:.1f} s")
    print(f"web process: {before / PIECE:.0f} MiB before, at most {most / PIECE:.0f} MiB meanwhile")
    print(f"the same one by one: {one_by_one:.1f} s, so {seconds / one_by_one:.2f} of that")
    print(f"copied by the system, never over a line: {copied:.1f} s, so {seconds / copied:.2f} of that")


@contextmanager
def inside(folder: Path) -> Iterator[Flask]:
    """The app over the same folder, to put things there."""
    app = create_app(config_of(folder))
    with app.app_context():
        yield app
        db.engine.dispose()


def keep(size: int) -> AudioFile:
    """A file whose renditions are ready, each so long. Their bytes are noise."""
    owner = db.session.scalars(sa.select(User)).one()
    file = AudioFileFactory(owner=owner, presets=PRESETS, name=f"{uuid.uuid4().hex}.wav")
    finish(file.job, JobStatus.COMPLETE)
    noise = bytes(range(256)) * (PIECE // 256)
    for rendition in file.renditions:
        storage.put(rendition.key, (noise[: min(PIECE, size - at)] for at in range(0, size, PIECE)))
    with writing():
        for rendition in file.renditions:
            rendition.size = size
    return file


def fetch(port: int, visitor: Visitor, address: str, folder: Path) -> tuple[float, float, int, int]:
    """Seconds to the first byte and to the last, how many bytes, and the most memory of the process meanwhile."""
    cookie = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    begun = time.perf_counter()
    connection.request("GET", address, headers={"Cookie": cookie})
    answer = connection.getresponse()
    assert answer.status == 200, answer.status
    received = len(answer.read(1))
    first, most = time.perf_counter() - begun, memory(folder)
    piece = bytearray(PIECE)
    looked = 0
    while count := answer.readinto(piece):
        received += count
        if received - looked > 50 * PIECE:
            looked, most = received, max(most, memory(folder))
    seconds = time.perf_counter() - begun
    assert received == int(answer.headers["Content-Length"])
    connection.close()
    return first, seconds, received, most


def memory(folder: Path) -> int:
    """The bytes that the processes over this folder hold together."""
    found = 0
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if f"DATA_DIR={folder}\0" in (entry / "environ").read_text(errors="replace"):
                found += int((entry / "statm").read_text().split()[1]) * resource.getpagesize()
    return found


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2)

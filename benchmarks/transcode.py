"""From the end of an upload to all three default renditions, over raw ffmpeg on the same machine in the same run.

    .venv/bin/python -m benchmarks.transcode [SECONDS]

Raw is the faster of one ffmpeg process for all formats and one for each, all at once. Ours also looks into the file,
draws its outline, checks what it has made and tells its owner. The runs take turns, one of ours after each raw one,
and the best of each side counts: what else the machine does can only make them slower. What is measured of a file once
it is ready is over before the next run begins.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from itertools import product
from pathlib import Path

import sqlalchemy as sa

from tests import sounds
from tests.flows.house import House, wait_for
from tests.flows.visitor import Row, Visitor
from webapp.adapters.transcoders.binary import bundled
from webapp.config import Config
from webapp.models import Measurement
from webapp.news import JobStatus

RAW = {"wav": [], "flac": [], "mp4": ["-c:a", "aac", "-b:a", "256k"]}
RUNS = 4
# As it is when nobody sets it; tests look for what hangs more often.
SWEEP = str(Config.sweep_seconds)
PATIENCE_SECONDS = 600
# How soon news is seen: the later it comes, the less it matters, and whoever looks takes time from the encoders.
LOOK_SECONDS, LOOK_SHARE = 0.02, 0.01
UNMEASURED = sa.select(Measurement.audio_file_id).where(Measurement.status != JobStatus.COMPLETE)

Raw = Callable[[Path, Path], None]


@dataclass(frozen=True)
class Run:
    """What one run took."""

    first: float
    """Until the first rendition was ready."""
    all: float
    """Until all were."""


def main(seconds: int) -> None:
    """Print the best of each, their ratio and their difference."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        noise = f"anoisesrc=duration={seconds}:colour=pink:sample_rate=44100:amplitude=0.5"
        song = sounds.ffmpeg(folder / "song.wav", "-f", "lavfi", "-i", noise, "-ac", "2")
        raw: dict[Raw, list[float]] = {one_process: [], one_process_each: []}
        ours: list[Run] = []
        with House.opened(folder / "instance", SWEEP_SECONDS=SWEEP) as house:
            for _, way in product(range(RUNS), raw):
                raw[way].append(timed(way, song, folder))
                ours.append(our_run(house, song))
                wait_for("all to be measured", lambda: not house.ask(UNMEASURED), PATIENCE_SECONDS)
    together, apart = map(min, raw.values())
    best, fastest = min(run.all for run in ours), min(together, apart)
    print(f"{seconds} s of WAV to WAV, FLAC and MP4, {len(ours)} runs; load of the machine {os.getloadavg()[0]:.1f}")
    print(f"  raw ffmpeg: one process {together:.2f} s, one for each format {apart:.2f} s")
    first = min(run.first for run in ours)
    print(f"  ours: {best:.2f} s, ratio {best / fastest:.2f}, {best - fastest:+.2f} s; first rendition {first:.2f} s")


def timed(deed: Raw, song: Path, folder: Path) -> float:
    """How many seconds it takes."""
    begun = time.monotonic()
    deed(song, folder)
    return time.monotonic() - begun


def one_process(song: Path, folder: Path) -> None:
    """Have one ffmpeg make all formats."""
    outputs = [word for ending, words in RAW.items() for word in (*words, str(folder / f"raw.{ending}"))]
    subprocess.run([bundled(), "-v", "error", "-nostdin", "-y", "-i", song, *outputs], check=True)


def one_process_each(song: Path, folder: Path) -> None:
    """Have one ffmpeg make each format, all at once."""
    running = [
        subprocess.Popen([bundled(), "-v", "error", "-nostdin", "-y", "-i", song, *words, folder / f"raw.{ending}"])
        for ending, words in RAW.items()
    ]
    codes = [each.wait() for each in running]
    assert not any(codes)


def our_run(house: House, song: Path) -> Run:
    """How long we take, from the answer to the upload on."""
    visitor = house.visitor().register(f"ana-{time.monotonic_ns()}")
    file_id = visitor.keep(song.name, song.read_bytes())
    begun, first = time.monotonic(), 0.0
    for row in news(visitor, file_id):
        passed = time.monotonic() - begun
        if row.renditions and not first:
            first = passed
        if row.status == "complete":
            return Run(first, passed)
        assert row.status in ("submitted", "progressing"), row
        assert passed < PATIENCE_SECONDS
    raise AssertionError("no more news")


def news(visitor: Visitor, file_id: str) -> Iterator[Row]:
    """The file's row, and again whenever a poll of the page that lists it brings it: all that the page itself asks."""
    begun, answer = time.monotonic(), visitor.get("/files/")
    while True:
        yield from (row for row in answer.rows if row.id == file_id)
        address = answer.poll_address
        while (answer := visitor.get(address, HX_Request="true")).status == HTTPStatus.NO_CONTENT:
            time.sleep(max(LOOK_SECONDS, LOOK_SHARE * (time.monotonic() - begun)))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 600)

"""From the end of an upload to all three default renditions, over raw ffmpeg on the same machine in the same run.

    .venv/bin/python -m benchmarks.transcode [SECONDS]

The raw run is one ffmpeg process for each format, all at once; ours also looks into the file, draws its outline, checks
what it has made and tells its owner.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests import sounds
from tests.flows.house import House, wait_for
from webapp.adapters.transcoders.ffmpeg import bundled

RAW = {"wav": [], "flac": [], "mp4": ["-c:a", "aac", "-b:a", "256k"]}
RUNS = 3


def main(seconds: int) -> None:
    """Print the ratio of the best of three runs each."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        noise = f"anoisesrc=duration={seconds}:colour=pink:sample_rate=44100:amplitude=0.5"
        song = sounds.ffmpeg(folder / "song.wav", "-f", "lavfi", "-i", noise, "-ac", "2")
        raw = min(raw_seconds(song, folder) for _ in range(RUNS))
        with House.opened(folder / "instance") as house:
            ours = min(our_seconds(house, song) for _ in range(RUNS))
    print(f"{seconds} s of WAV to WAV, FLAC and MP4: ours {ours:.2f} s, raw ffmpeg {raw:.2f} s, ratio {ours / raw:.2f}")


def raw_seconds(song: Path, folder: Path) -> float:
    """How long ffmpeg alone takes."""
    begun = time.monotonic()
    running = [
        subprocess.Popen([bundled(), "-v", "error", "-nostdin", "-y", "-i", song, *words, folder / f"raw.{ending}"])
        for ending, words in RAW.items()
    ]
    assert all(each.wait() == 0 for each in running)
    return time.monotonic() - begun


def our_seconds(house: House, song: Path) -> float:
    """How long we take, from the answer to the upload on."""
    visitor = house.visitor().register(f"ana-{time.monotonic_ns()}")
    file_id = visitor.keep(song.name, song.read_bytes())
    begun = time.monotonic()
    wait_for("all to be ready", lambda: visitor.has(file_id, "complete"), 600)
    return time.monotonic() - begun


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 600)

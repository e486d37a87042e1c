"""Kill web and worker at random under load, and then look whether anything was lost, doubled or left lying about.

    .venv/bin/python -m tests.chaos [MINUTES]

Uploads that are cut off by a kill are sent again, as a person would; each that was accepted must end, be told of once,
and every rendition must be whole.
"""

import http.client
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import sqlalchemy as sa

from tests import sounds
from tests.flows.house import House, wait_for
from tests.flows.visitor import Visitor
from webapp.adapters.probe import SandboxedProbe
from webapp.models import AudioFile, Notification, Rendition, TranscodeJob
from webapp.news import BUSY

PEOPLE = 3
SONGS = (2.0, 20.0, 90.0)


def main(minutes: float) -> None:
    """Print a summary; fail at the first thing that does not hold."""
    dice = random.Random(int(time.time()))
    accepted: list[str] = []
    kills: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder, House.opened(Path(folder) / "instance") as house:
        people = [house.visitor().register(f"person-{number}") for number in range(PEOPLE)]
        over = threading.Event()
        threads = [threading.Thread(target=upload, args=(person, accepted, over)) for person in people]
        for thread in threads:
            thread.start()
        end = time.monotonic() + minutes * 60
        while time.monotonic() < end:
            time.sleep(dice.uniform(1, 6))
            name = dice.choice(("web", "worker"))
            kill(house, name)
            kills[name] += 1
        over.set()
        for thread in threads:
            thread.join()
        wait_for("all jobs to end", lambda: not busy(house), 600)
        check(house)
        print(f"{dict(kills)} kills in {minutes:g} min, {len(accepted)} files accepted: 0 lost, 0 doubled, 0 corrupt")


def kill(house: House, name: str) -> None:
    """End it the hard way, and return when the launcher has started another."""
    killed = house.kill(name)
    wait_for(f"another {name}", lambda: house.pid(name) not in (0, killed))


def upload(person: Visitor, accepted: list[str], over: threading.Event) -> None:
    """Send one song after the other until it is over."""
    number = 0
    while not over.is_set():
        number += 1
        song = sounds.wav(SONGS[number % len(SONGS)])
        try:
            accepted.append(person.keep(f"{number}.wav", song, "flac", "opus-64"))
        except (OSError, http.client.HTTPException, AssertionError):
            over.wait(0.5)  # nobody is at home; soon somebody will be
        over.wait(2)


def busy(house: House) -> int:
    """How many jobs have not ended."""
    count: int = house.ask(sa.select(sa.func.count()).where(TranscodeJob.status.in_(BUSY)))[0][0]
    return count


def check(house: House) -> None:
    """Each job final and told of once, every rendition whole, nothing left over, the database sound."""
    house.settle()
    jobs = house.ask(sa.select(TranscodeJob.id, TranscodeJob.status))
    told = Counter(row.job_id for row in house.ask(sa.select(Notification.job_id)))
    assert {status for _, status in jobs} <= {"complete"}, Counter(status for _, status in jobs)
    assert all(told[job_id] == 1 for job_id, _ in jobs)
    lengths = sa.select(AudioFile.seconds, Rendition.key).join(AudioFile.renditions)
    for seconds, key in house.ask(lengths):
        found = SandboxedProbe().look(house.data_dir / key).seconds
        assert found is not None
        assert abs(found - seconds) < 0.1, (key, found, seconds)
    if "DATABASE_URL" not in house.settings or not house.settings["DATABASE_URL"]:
        assert house.ask(sa.text("PRAGMA integrity_check"))[0][0] == "ok"


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 10)

"""Workers are killed fifty times at whatever they do, and eight of them share a thousand jobs: each is done once."""

import dataclasses
import random
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from tests import sounds
from tests.factories import AudioFileFactory, user
from tests.fakes import FakeProbe
from tests.flows.forge import Forge, is_alive, kill
from tests.flows.house import wait_for
from tests.servers import DATABASE_URL
from webapp import create_app
from webapp.config import Config
from webapp.db import db, writing
from webapp.models import AudioFile, Notification, Rendition, TranscodeJob, User, Waveform
from webapp.news import BUSY, JobStatus
from webapp.services import originals, sweeps

# On a busy machine all of this takes a while; on two quiet cores each is done in half a minute.
pytestmark = [pytest.mark.processes, pytest.mark.slow, pytest.mark.timeout(900)]

KILLS = 50
LONGEST_PAUSE_SECONDS = 0.6
HANDS = 2
WORKERS, JOBS = 8, 1000
PATIENCE_SECONDS = 800


@pytest.fixture
def config(config: Config) -> Config:
    return dataclasses.replace(config, lease_seconds=5, sweep_seconds=1)


@pytest.fixture
def app(config: Config) -> Iterator[Flask]:
    """The app with a real storage; it takes the sender's word for what a file is."""
    probe = FakeProbe()
    probe.facts = dataclasses.replace(probe.facts, seconds=1.0)
    app = create_app(config, probe=probe)
    with app.app_context():
        yield app
        db.session.remove()


def noise(number: int) -> bytes:
    """A second of it, unlike any other."""
    silence = sounds.silence(1.0)
    return silence[:44] + random.Random(number).randbytes(len(silence) - 44)


def count(*where: sa.ColumnElement[bool]) -> int:
    """How many jobs there are of which this holds."""
    found = db.session.scalar(sa.select(sa.func.count()).select_from(TranscodeJob).where(*where)) or 0
    db.session.rollback()
    return found


def test_sec_R1_fifty_kills_of_workers_lose_nothing_and_double_nothing(
    app: Flask, config: Config, tmp_path: Path
) -> None:
    alice = user("alice@example.com")
    dice, batch, longest = random.Random(1), uuid.uuid4(), 0.0
    with Forge.opened(config) as forge:
        workers = [forge.start() for _ in range(HANDS)]
        for number in range(KILLS):
            originals.receive(alice, f"{number}.wav", [noise(number)], ["flac"], batch=batch)
            time.sleep(dice.uniform(0, LONGEST_PAUSE_SECONDS))
            started = kill(workers.pop(dice.randrange(HANDS)))
            killed_at = time.monotonic()
            workers.append(forge.start())
            wait_for("what it had started to be gone", partial(are_gone, started))
            longest = max(longest, time.monotonic() - killed_at)
        killed_at = time.monotonic()
        wait_for("all jobs to end", lambda: not count(TranscodeJob.status.in_(BUSY)), PATIENCE_SECONDS)
        last = time.monotonic() - killed_at
        print(f"ffmpeg gone after {longest:.2f} s at most, all done {last:.1f} s after the last kill")  # noqa: T201

    assert count(TranscodeJob.status == JobStatus.COMPLETE) == KILLS
    assert Counter(db.session.scalars(sa.select(Notification.kind))) == {"complete": KILLS}
    assert len(set(db.session.scalars(sa.select(Notification.job_id)))) == KILLS
    assert sum(db.session.scalars(sa.select(Rendition.tries))) > KILLS, "no kill has hit anything"
    for file in db.session.scalars(sa.select(AudioFile)):
        (rendition,) = file.renditions
        assert sounds.samples(tmp_path / rendition.key) == sounds.samples(tmp_path / file.key), file.name
    nothing_is_left_over(tmp_path)


def test_sec_R5_eight_workers_run_a_thousand_jobs_once_each(app: Flask, config: Config, tmp_path: Path) -> None:
    """And whoever looks at the list meanwhile is never told that the database is locked."""
    for number in range(4):
        owner = user(f"user-{number}@example.com")
        many_jobs(owner, JOBS // 4)
    notes = tmp_path / "notes"
    # Nobody dies here. On a machine that is overrun a heart may not be written down for seconds: that is another test.
    patient = dataclasses.replace(config, lease_seconds=600)

    with Forge.opened(patient, notes=notes) as forge:
        for _ in range(WORKERS):
            forge.start()
        wait_for("all jobs to end", lambda: not count(TranscodeJob.status.in_(BUSY)), PATIENCE_SECONDS)
        said = forge.log

    assert "database is locked" not in said
    assert count(TranscodeJob.status == JobStatus.COMPLETE) == JOBS
    assert len(db.session.scalars(sa.select(Notification.id)).all()) == JOBS
    runs = Counter(notes.read_text().split())
    assert (len(runs), set(runs.values())) == (JOBS, {1})


def are_gone(processes: set[int]) -> bool:
    return not any(map(is_alive, processes))


def many_jobs(owner: User, number: int) -> None:
    """So many files with one job each, which a worker was told of, and their outlines done."""
    for _ in range(number):
        AudioFileFactory(owner=owner, presets=("wav",))
    with writing():
        db.session.execute(sa.update(Waveform).values(status=JobStatus.COMPLETE))
        db.session.execute(sa.update(TranscodeJob).values(status=JobStatus.SUBMITTED))


def nothing_is_left_over(data_dir: Path) -> None:
    """Fail unless the storage holds just what the rows say, and the database is whole."""
    sweeps.sweep_this_machine()
    assert [path for folder in ("incoming", "work") for path in (data_dir / folder).iterdir()] == []
    stored = {
        path.relative_to(data_dir).as_posix()
        for top in ("media", "transcoded")
        for path in (data_dir / top).rglob("*")
        if path.is_file()
    }
    assert stored == {*db.session.scalars(sa.select(AudioFile.key)), *db.session.scalars(sa.select(Rendition.key))}
    if not DATABASE_URL:
        assert db.session.scalar(sa.text("PRAGMA integrity_check")) == "ok"

"""The idle poll over an empty view of the same app, asked with the same cookie, over HTTP, in the same run.

    .venv/bin/python -m benchmarks.poll [NOTIFICATIONS]

The web process is the one that `make run` starts, with one view more (benchmarks/empty.py). One user has a thousand
notifications and another a million: an idle poll must not be slower for it.
"""

import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from flask_migrate import upgrade

from benchmarks.client import Load, load
from benchmarks.serving import serving
from tests.factories import AudioFileFactory
from tests.flows.visitor import Visitor
from webapp import create_app
from webapp.config import Config
from webapp.db import db, utcnow
from webapp.models import Kind, Notification, TranscodeJob, User
from webapp.news import JobStatus

FEW, MANY = 1_000, 1_000_000
ROUNDS, SECONDS = 10, 1.0
AT_ONCE = 10_000


def main(many: int) -> None:
    """Print the best of several rounds, in each of which all are asked in turn."""
    with (
        tempfile.TemporaryDirectory() as name,
        migrated(Path(name)),
        serving("benchmarks.empty:app", Path(name)) as port,
    ):
        visitors = {count: Visitor(port).register(f"has-{count}") for count in (FEW, many)}
        notify(Path(name), visitors)
        asked = {
            "empty view": ("/empty", visitors[FEW]),
            **{f"idle poll, {count} notifications": (poll_of(visitor), visitor) for count, visitor in visitors.items()},
        }
        rounds = [{what: ask(port, *how) for what, how in asked.items()} for _ in range(ROUNDS)]
    best = {what: max((each[what] for each in rounds), key=lambda found: found.rate) for what in asked}
    empty, few, much = (found.rate for found in best.values())
    for what, found in best.items():
        print(f"{what}: {found.rate:.0f}/s, {found.weight} bytes each, client at work {found.busy:.0%} of the time")
    print(f"idle poll over empty view {few / empty:.2f}; with {many} notifications over {FEW} {much / few:.2f}")


@contextmanager
def migrated(folder: Path) -> Iterator[None]:
    """The database of the web process is there."""
    with create_app(config_of(folder)).app_context():
        upgrade()
        db.engine.dispose()
    yield


def config_of(folder: Path) -> Config:
    """The settings that the web process has too."""
    return Config(secret_key="x" * 32, data_dir=folder, broker_url="memory://")


def notify(folder: Path, visitors: dict[int, Visitor]) -> None:
    """Give each as many notifications as their name says, each of a job of its own."""
    with create_app(config_of(folder)).app_context():
        for count in visitors:
            user = db.session.scalars(User.with_email(f"has-{count}@example.com")).one()
            file = AudioFileFactory(owner=user)
            ids = {"user_id": user.id, "audio_file_id": file.id, "batch": file.batch}
            db.session.rollback()
            with db.engine.connect().execution_options(writing=True) as connection:
                for first in range(2, count + 2, AT_ONCE):
                    add(connection, range(first, min(first + AT_ONCE, count + 2)), ids)
                connection.commit()
        db.engine.dispose()


def add(connection: sa.Connection, attempts: range, ids: dict[str, object]) -> None:
    """A notification of each of these attempts at a file."""
    new = [uuid.uuid4() for _ in attempts]
    job = {"audio_file_id": ids["audio_file_id"], "preset_names": [], "status": JobStatus.COMPLETE, "error": ""}
    jobs = [{"id": job_id, "attempt": n, **job} for job_id, n in zip(new, attempts, strict=True)]
    connection.execute(sa.insert(TranscodeJob), jobs)
    note = {"kind": Kind.COMPLETE, "dismissed_at": utcnow(), **ids}
    connection.execute(sa.insert(Notification), [{"job_id": job_id, **note} for job_id in new])


def poll_of(visitor: Visitor) -> str:
    """What the page of this visitor asks when nothing is new."""
    visitor.poll()
    assert visitor.poll().status == 204
    return visitor.poll_address


def ask(port: int, address: str, visitor: Visitor) -> Load:
    """How fast the address is answered."""
    return load(port, address, visitor.headers()["Cookie"], SECONDS)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else MANY)

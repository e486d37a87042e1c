"""Pages of a list of ten thousand files, searched and sorted, over its first page as it is, in the same run.

    .venv/bin/python -m benchmarks.search [FILES]

Another user has as many. TEST_DATABASE_URL names a PostgreSQL server; without it, it is SQLite in a folder.
"""

import random
import sys
import tempfile
import time
import uuid
from collections.abc import Mapping
from pathlib import Path

from flask_migrate import upgrade

from tests.factories import user
from tests.servers import own_database
from webapp import create_app
from webapp.config import Config
from webapp.db import db, writing
from webapp.models import AudioFile, TranscodeJob, User
from webapp.services import library

FILES = 10_000
ROUNDS = 15
WORDS = (
    "Straße Zoë Süden Regen Ｎacht rain roof piano harbour élan blue train après midi Sinéad Björk voice memo".split()
)
ASKED: Mapping[str, Mapping[str, str]] = {
    "the list": {},
    "sorted by name": {"sort": "name"},
    "one word": {"search": "strasse"},
    "three words": {"search": "zoe strasse regen", "sort": "name"},
    "a word that no file has": {"search": "nowhere"},
    "a hundred words": {"search": " ".join(map(chr, range(0x4E00, 0x4E00 + 100)))},
}


def main(files: int) -> None:
    """Print the median of several rounds, in each of which all are asked in turn."""
    with own_database() as url, tempfile.TemporaryDirectory() as name:
        config = Config(secret_key="x" * 32, data_dir=Path(name), broker_url="memory://", database_url=url)
        with create_app(config).app_context():
            upgrade()
            alice = filled(files)
            rounds = [{what: seconds(alice, how) for what, how in ASKED.items()} for _ in range(ROUNDS)]
            db.session.remove()
            db.engine.dispose()
    times = {what: sorted(each[what] for each in rounds)[ROUNDS // 2] for what in ASKED}
    for what, taken in times.items():
        print(f"{what}: {taken * 1000:.1f} ms, {taken / times['the list']:.2f} of the list")


def filled(files: int) -> int:
    """Two users with so many files; the id of one of them."""
    chance = random.Random(1)
    people = [user(f"{name}@example.com").id for name in ("bob", "alice")]
    for first in range(0, files, 1000):
        with writing():
            for owner_id in people:
                made = [file(owner_id, chance) for _ in range(first, min(first + 1000, files))]
                db.session.add_all(made)
                db.session.flush()
                db.session.add_all(
                    TranscodeJob(audio_file_id=each.id, attempt=1, preset_names=["wav"]) for each in made
                )
    return people[1]


def file(owner_id: int, chance: random.Random) -> AudioFile:
    """One with a name and tags of several words."""
    tags = {each: " ".join(chance.choices(WORDS, k=4)) for each in ("title", "artist", "album", "album_artist")}
    return AudioFile(
        id=uuid.uuid4(), owner_id=owner_id, name=f"{' '.join(chance.choices(WORDS, k=3))}.wav", key=uuid.uuid4().hex,
        size=1000, checksum="", batch=uuid.uuid4(), container="WAV", codec="PCM", sample_rate=44100, channels=2,
        tags={**tags, "genre": "Jazz", "date": "1999", "comment": "x" * 200},
    )  # fmt: skip


def seconds(owner_id: int, how: Mapping[str, str]) -> float:
    """How long one page takes."""
    db.session.rollback()
    db.session.expunge_all()
    owner = db.session.get_one(User, owner_id)
    began = time.perf_counter()
    library.listing(owner, **how)  # type: ignore[arg-type]
    return time.perf_counter() - began


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else FILES)

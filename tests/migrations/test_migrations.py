"""The migrations make just the tables that the models describe, and can be taken back."""

import uuid
from pathlib import Path

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from flask_migrate import downgrade, upgrade

from tests.factories import AudioFileFactory, finish, sign_in
from webapp.db import db, writing
from webapp.models import AudioFile, User

VERSIONS = Path(__file__).parents[2] / "migrations" / "versions"


def differences() -> list[object]:
    with db.engine.connect() as connection:
        return list(compare_metadata(MigrationContext.configure(connection), db.metadata))


def count(table: str) -> int:
    with db.engine.connect() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(sa.table(table))) or 0


def test_the_migrated_database_is_what_the_models_say(app: Flask) -> None:
    assert differences() == []


def test_down_and_up_again(app: Flask) -> None:
    db.session.rollback()
    downgrade(revision="base")
    assert sa.inspect(db.engine).get_table_names() == ["alembic_version"]

    upgrade()

    assert differences() == []


# Without a cascade to be seen: SQLite drops the old table of one that it copies, and all that belongs to its rows.
def test_what_is_there_comes_through_each_step_down_and_up(app: Flask, alice: User) -> None:
    file = AudioFileFactory(owner=alice, presets=("wav",))
    finish(file.job)
    sign_in(app.test_client(), alice)
    tables = ("users", "sign_ins", "audio_files", "transcode_jobs", "renditions", "waveforms", "notifications")
    before = {table: count(table) for table in tables}

    db.session.rollback()
    for revision in ("0011", "0009", "0008", "0007", "0006", "0005"):
        downgrade(revision=revision)
        assert {table: count(table) for table in tables} == before, revision
    upgrade()

    assert {table: count(table) for table in tables} == before
    assert db.session.get_one(AudioFile, file.id, populate_existing=True).renditions[0].is_ready


def test_what_is_there_already_is_found_as_if_it_came_now(app: Flask, alice: User) -> None:
    first = AudioFileFactory(owner=alice, name="Straße.wav", tags={"title": "Für Zoë", "album": "Ｉ", "track": "7"})
    copied = {column.key: getattr(first, column.key) for column in sa.inspect(AudioFile).columns}
    with writing():
        for number in range(1001):  # several batches
            own = {"id": uuid.uuid4(), "key": f"media/{number}", "name": f"{number} Å.wav", "tags": {}}
            db.session.add(AudioFile(**{**copied, **own}))
    before = folded_texts()

    db.session.rollback()
    downgrade(revision="0011")
    upgrade()

    assert folded_texts() == before
    assert before[first.id] == "strasse.wav\nfur zoe\ni"


def folded_texts() -> dict[uuid.UUID, str]:
    with db.engine.connect() as connection:
        return dict(connection.execute(sa.select(AudioFile.id, AudioFile.folded)).all())


def test_a_migration_imports_nothing_of_ours() -> None:
    for path in VERSIONS.glob("*.py"):
        assert "webapp" not in path.read_text(), path.name

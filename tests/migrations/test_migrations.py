"""The migrations make just the tables that the models describe, and can be taken back."""

from pathlib import Path

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from flask_migrate import downgrade, upgrade

from webapp.db import db

VERSIONS = Path(__file__).parents[2] / "migrations" / "versions"


def differences() -> list[object]:
    with db.engine.connect() as connection:
        return list(compare_metadata(MigrationContext.configure(connection), db.metadata))


def test_the_migrated_database_is_what_the_models_say(app: Flask) -> None:
    assert differences() == []


def test_down_and_up_again(app: Flask) -> None:
    db.session.rollback()
    downgrade(revision="base")
    assert sa.inspect(db.engine).get_table_names() == ["alembic_version"]

    upgrade()

    assert differences() == []


def test_a_migration_imports_nothing_of_ours() -> None:
    for path in VERSIONS.glob("*.py"):
        assert "webapp" not in path.read_text(), path.name

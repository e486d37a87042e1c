"""How Alembic reaches the database: through the app's own engine."""

from typing import Any

import sqlalchemy as sa
from alembic import context

from webapp.db import UTCDateTime, db


def render_item(kind: str, item: Any, _context: Any) -> str | bool:
    """Custom types are written as plain ones, so that a migration imports nothing of ours."""
    if kind == "type" and isinstance(item, UTCDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, sa.Enum):
        return f"sa.String(length={item.length})"
    return False


def run() -> None:
    """Bring the database to the revision that was asked for, in one transaction where the database can."""
    with db.engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            render_as_batch=True,
            render_item=render_item,
            # A migration that is cut off leaves nothing half-done: SQLite too can roll DDL back, if told to begin.
            transactional_ddl=True,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()


if context.is_offline_mode():
    raise SystemExit("Migrations run against a database: use `flask db upgrade`.")
run()

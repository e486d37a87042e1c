"""Keep the presets that users put together."""

import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "0011", "0010", None, None

NAMES = {"transcode_jobs": ("preset_names",), "uploads": ("preset_names",), "notifications": ("ready", "failed")}
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Nobody has any yet."""
    op.create_table(
        "own_presets",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("owner_id", NUMBER, nullable=False),
        sa.Column("title", sa.String(length=40), nullable=False),
        sa.Column("recipe_name", sa.String(length=64), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_own_presets_owner_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_own_presets")),
        sa.UniqueConstraint("owner_id", "recipe_name", name=op.f("uq_own_presets_owner_id")),
    )


def downgrade() -> None:
    """What was made with them has no name any more: its rows go, and a sweep removes the objects."""
    op.drop_table("own_presets")
    op.execute("DELETE FROM renditions WHERE preset_name LIKE 'my-%'")
    for table, columns in NAMES.items():
        _leave_out(table, columns)


def _leave_out(name: str, columns: tuple[str, ...]) -> None:
    """Take these presets out of the lists that name some."""
    table = sa.table(name, sa.column("id"), *(sa.column(column, sa.JSON) for column in columns))
    for row in op.get_bind().execute(sa.select(table)).mappings().all():
        kept = {column: [each for each in row[column] if not each.startswith("my-")] for column in columns}
        if any(kept[column] != row[column] for column in columns):
            op.get_bind().execute(sa.update(table).where(table.c.id == row["id"]).values(kept))

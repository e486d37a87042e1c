"""Note of each original that is removed whose it was, and of which file."""

import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "0013", "0012", None, None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Of what was removed before, nobody knows."""
    op.add_column("removals", sa.Column("file_id", sa.Uuid(), nullable=True))
    op.add_column("removals", sa.Column("owner_id", NUMBER, nullable=True))
    op.create_index(op.f("ix_removals_file_id"), "removals", ["file_id"])


def downgrade() -> None:
    """Deleting a file twice is then no error of anybody's."""
    op.drop_index(op.f("ix_removals_file_id"), table_name="removals")
    op.drop_column("removals", "owner_id")
    op.drop_column("removals", "file_id")

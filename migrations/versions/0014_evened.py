"""Note of each rendition whether its original changes its form on the way."""

import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "0014", "0013", None, None


def upgrade() -> None:
    """Before, what did could not be converted."""
    op.add_column("renditions", sa.Column("is_evened", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    """Its page then says of the sound what it would of any other."""
    op.drop_column("renditions", "is_evened")

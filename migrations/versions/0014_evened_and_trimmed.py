"""Note of each rendition whether its original changes its form on the way, and where in it the rendition begins."""

import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "0014", "0013", None, None


def upgrade() -> None:
    """Before, what did could not be converted; and of what was trimmed, nobody knows how much of it in front."""
    op.add_column("renditions", sa.Column("is_evened", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("renditions", sa.Column("begins_at", sa.Double(), nullable=False, server_default="0"))


def downgrade() -> None:
    """Its page then says of the sound what it would of any other."""
    op.drop_column("renditions", "begins_at")
    op.drop_column("renditions", "is_evened")

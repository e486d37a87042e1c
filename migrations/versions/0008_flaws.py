"""Remember of what is ready whether it is all that it should be."""

import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "0008", "0007", None, None


def upgrade() -> None:
    """Of what was made before, nothing is known to be wrong."""
    for table in ("renditions", "notifications"):
        op.add_column(table, sa.Column("flaw", sa.String(length=20), nullable=True))


def downgrade() -> None:
    """What is ready then looks whole."""
    for table in ("notifications", "renditions"):
        op.drop_column(table, "flaw")

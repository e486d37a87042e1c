"""Know when a session was last used, so that one that lies idle can end."""

import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "0006", "0005", None, None


def upgrade() -> None:
    """When those that are there were used is not known: as if all of them were now."""
    used_at = sa.Column("used_at", sa.DateTime(timezone=True), nullable=True)
    op.add_column("sign_ins", used_at)
    op.execute("UPDATE sign_ins SET used_at = CURRENT_TIMESTAMP")
    with op.batch_alter_table("sign_ins") as table:
        table.alter_column("used_at", existing_type=sa.DateTime(timezone=True), nullable=False)


def downgrade() -> None:
    """Sessions end by their age alone again."""
    op.drop_column("sign_ins", "used_at")

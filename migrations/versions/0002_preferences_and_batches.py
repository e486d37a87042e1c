"""Let users choose how they are told and what they see, and tell together what was sent together."""

import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "0002", "0001", None, None

PREFERENCES = {
    "theme": (sa.String(length=5), "auto"),
    "language": (sa.String(length=16), ""),
    "time_zone": (sa.String(length=64), ""),
    "quiet_kinds": (sa.JSON(), "[]"),
    "has_shortcuts": (sa.Boolean(), sa.true()),
    "has_system_notifications": (sa.Boolean(), sa.false()),
    "has_sound": (sa.Boolean(), sa.false()),
}


def upgrade() -> None:
    """Choose for everybody what a new user has."""
    # Column by column: SQLite would copy the table, and dropping the old one would take all that belongs to its users.
    for name, (kind, usual) in PREFERENCES.items():
        op.add_column("users", sa.Column(name, kind, nullable=False, server_default=usual))
    op.create_index("ix_audio_files_batch", "audio_files", ["batch"])
    op.add_column("notifications", sa.Column("batch", sa.Uuid(), nullable=True))
    op.add_column("notifications", sa.Column("ready", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("notifications", sa.Column("failed", sa.JSON(), nullable=False, server_default="[]"))
    op.execute(
        "UPDATE notifications"
        " SET batch = (SELECT batch FROM audio_files WHERE audio_files.id = notifications.audio_file_id)"
    )
    with op.batch_alter_table("notifications") as table:
        table.alter_column("batch", existing_type=sa.Uuid(), nullable=False)
    op.drop_index("ix_notifications_standing", "notifications")
    op.create_index("ix_notifications_standing", "notifications", ["user_id", "dismissed_at", "id"])
    op.create_index("ix_notifications_unread", "notifications", ["user_id", "dismissed_at", "seen_at", "id"])


def downgrade() -> None:
    """Forget what was chosen."""
    op.drop_index("ix_notifications_unread", "notifications")
    op.drop_index("ix_notifications_standing", "notifications")
    op.create_index("ix_notifications_standing", "notifications", ["user_id", "dismissed_at", "seen_at"])
    for name in ("failed", "ready", "batch"):
        op.drop_column("notifications", name)
    op.drop_index("ix_audio_files_batch", "audio_files")
    for name in reversed(PREFERENCES):
        op.drop_column("users", name)

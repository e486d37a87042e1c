"""Remember who was told that a file will be deleted, and for how long that could be read."""

import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "0007", "0006", None, None


def upgrade() -> None:
    """Nobody has been told yet."""
    op.add_column("audio_files", sa.Column("told_at", sa.DateTime(timezone=True), nullable=True))
    seconds = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.add_column("audio_files", sa.Column("stood", seconds, nullable=False, server_default=sa.text("0")))
    op.create_index("ix_audio_files_told_at", "audio_files", ["told_at"])
    op.create_index("ix_transcode_jobs_finished_at", "transcode_jobs", ["finished_at"])


def downgrade() -> None:
    """Whoever was told is told again."""
    op.drop_index("ix_transcode_jobs_finished_at", table_name="transcode_jobs")
    op.drop_index("ix_audio_files_told_at", table_name="audio_files")
    # Column by column: SQLite would copy the table, and dropping the old one would take what belongs to its files.
    for name in ("stood", "told_at"):
        op.drop_column("audio_files", name)

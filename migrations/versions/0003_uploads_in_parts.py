"""Take files in parts, and know equal ones by a checksum that can be had from parts."""

import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "0003", "0002", None, None


def upgrade() -> None:
    """What was kept of earlier files is another kind of hash: it is equal to no checksum, and stays unused."""
    op.execute("ALTER TABLE audio_files RENAME COLUMN sha256 TO checksum")  # SQLite would copy the table
    op.create_index("ix_audio_files_owner_id_size", "audio_files", ["owner_id", "size"])
    op.create_table(
        "uploads",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("touched_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("owner_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("size", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("part_size", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("opened_as", sa.String(length=1024), nullable=False),
        sa.Column("preset_names", sa.JSON(), nullable=False),
        sa.Column("batch", sa.Uuid(), nullable=False),
        sa.Column("is_copy", sa.Boolean(), nullable=False),
        sa.Column("checksum", sa.String(length=64), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=True),
        sa.Column("refusal", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(["file_id"], ["audio_files.id"], name=op.f("fk_uploads_file_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_uploads_owner_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uploads")),
        sa.UniqueConstraint("key", name=op.f("uq_uploads_key")),
    )
    op.create_index("ix_uploads_owner_id_closed_at", "uploads", ["owner_id", "closed_at"])
    op.create_index("ix_uploads_touched_at", "uploads", ["touched_at"])
    op.create_index("ix_uploads_file_id", "uploads", ["file_id"])


def downgrade() -> None:
    """Unfinished uploads are lost. Remove what they left, DATA_DIR/incoming/*.upload, by hand: older code does not."""
    op.drop_table("uploads")
    op.drop_index("ix_audio_files_owner_id_size", "audio_files")
    op.execute("ALTER TABLE audio_files RENAME COLUMN checksum TO sha256")

"""Keep the tags and the cover of a file, and know which renditions have them."""

import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "0009", "0008", None, None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Renditions that are there already have no tags, and get them when their file's are changed."""
    # Column by column: SQLite would copy the table, and dropping the old one would take what belongs to its files.
    op.add_column("audio_files", sa.Column("tags_version", NUMBER, nullable=False, server_default="0"))
    op.add_column("audio_files", sa.Column("tags_read_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("audio_files", sa.Column("cover_key", sa.String(length=255), nullable=True))
    op.add_column("audio_files", sa.Column("cover_size", NUMBER, nullable=True))
    op.add_column("audio_files", sa.Column("cover_refusal", sa.String(), nullable=False, server_default=""))
    op.create_index("ix_audio_files_cover_key", "audio_files", ["cover_key"], unique=True)
    op.add_column("renditions", sa.Column("tags_version", NUMBER, nullable=True))
    op.add_column("renditions", sa.Column("is_untold", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "taggings",
        sa.Column("audio_file_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("tries", NUMBER, nullable=False),
        sa.Column("beat", NUMBER, nullable=False),
        sa.Column("token", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(
            ["audio_file_id"],
            ["audio_files.id"],
            name=op.f("fk_taggings_audio_file_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("audio_file_id", name=op.f("pk_taggings")),
        sa.UniqueConstraint("token", name=op.f("uq_taggings_token")),
    )
    op.create_index("ix_taggings_status", "taggings", ["status"])


def downgrade() -> None:
    """Covers become objects that belong to nothing, and a sweep removes them."""
    op.drop_table("taggings")
    op.drop_column("renditions", "is_untold")
    op.drop_column("renditions", "tags_version")
    op.drop_index("ix_audio_files_cover_key", "audio_files")
    for name in ("cover_refusal", "cover_size", "cover_key", "tags_read_at", "tags_version"):
        op.drop_column("audio_files", name)

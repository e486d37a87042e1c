"""Keep how loud each version of a sound is, and a picture of the original's spectrum."""

import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "0010", "0009", None, None


def upgrade() -> None:
    """Of files that are there already nothing is known until more is made of them."""
    op.create_table(
        "measurements",
        sa.Column("audio_file_id", sa.Uuid(), nullable=False),
        sa.Column("found", sa.JSON(), nullable=False),
        sa.Column("spectrum", sa.LargeBinary(), nullable=True),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("tries", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("beat", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("token", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(
            ["audio_file_id"],
            ["audio_files.id"],
            name=op.f("fk_measurements_audio_file_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("audio_file_id", name=op.f("pk_measurements")),
        sa.UniqueConstraint("token", name=op.f("uq_measurements_token")),
    )
    op.create_index(op.f("ix_measurements_status"), "measurements", ["status"])


def downgrade() -> None:
    """It can be measured again."""
    op.drop_table("measurements")

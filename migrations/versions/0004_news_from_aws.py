"""Take news of jobs from Amazon SNS, each message once, and remember when a job outside was last heard of."""

import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "0004", "0003", None, None


def upgrade() -> None:
    """Jobs from before have no stage and were never heard of."""
    op.add_column("transcode_jobs", sa.Column("stage", sa.String(length=20), nullable=True))
    op.add_column("transcode_jobs", sa.Column("heard_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_transcode_jobs_external_id", "transcode_jobs", ["external_id"])
    op.create_table(
        "sns_messages",
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sns_messages")),
    )
    op.create_index("ix_sns_messages_received_at", "sns_messages", ["received_at"])
    op.create_table(
        "sns_topics",
        sa.Column("arn", sa.String(length=320), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expected_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("arn", name=op.f("pk_sns_topics")),
    )


def downgrade() -> None:
    """Messages that come again are then acted on again, which changes nothing that has ended."""
    op.drop_table("sns_topics")
    op.drop_table("sns_messages")
    op.drop_index("ix_transcode_jobs_external_id", "transcode_jobs")
    op.drop_column("transcode_jobs", "heard_at")
    op.drop_column("transcode_jobs", "stage")

"""What Amazon SNS has sent us: each message counts once, and a topic is confirmed once."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from webapp.db import Base, utcnow


class SnsMessage(Base):
    """A message that has been acted on. Its primary key refuses the repeat."""

    __tablename__ = "sns_messages"

    id: Mapped[str] = mapped_column(sa.String(128), primary_key=True)
    received_at: Mapped[datetime] = mapped_column(default=utcnow, index=True)


class SnsTopic(Base):
    """A topic whose subscription has been confirmed, or may be again for a while."""

    __tablename__ = "sns_topics"

    arn: Mapped[str] = mapped_column(sa.String(320), primary_key=True)
    confirmed_at: Mapped[datetime | None]
    expected_until: Mapped[datetime | None]

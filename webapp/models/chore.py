"""What is done now and then by one process among many."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from webapp.db import Base


class Chore(Base):
    """When something was last done."""

    __tablename__ = "chores"

    name: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    done_at: Mapped[datetime]

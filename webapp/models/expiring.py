"""What makes a row one that is not kept for ever."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column


class Expiring:
    """Its owner is told before it goes."""

    told_at: Mapped[datetime | None] = mapped_column(index=True)
    """When the owner was told that it will be deleted."""
    stood: Mapped[int] = mapped_column(default=0, server_default=sa.text("0"))
    """Seconds for which that could be read since: a clock that jumps makes them no more."""
    renewed_at: Mapped[datetime | None]
    """When the owner last sent the same bytes again: its days began anew."""

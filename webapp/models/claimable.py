"""What makes a row a piece of work."""

from collections.abc import Collection
from typing import ClassVar

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from webapp.news import WAITING, JobStatus


class Claimable:
    """A piece of work that one worker at a time claims.

    The heartbeat is a counter, not a time: a clock that jumps or differs cannot take work away.
    """

    waits_as: ClassVar[Collection[JobStatus]] = WAITING
    """The statuses in which a worker may take it."""

    status: Mapped[JobStatus] = mapped_column(default=JobStatus.CREATED, index=True)
    tries: Mapped[int] = mapped_column(default=0)
    beat: Mapped[int] = mapped_column(default=0)
    token: Mapped[str | None] = mapped_column(sa.String(32), unique=True)
    """Of the try that is under way; None when nobody holds the piece."""

"""How loud the versions of a sound are, and a picture of its spectrum."""

import uuid
from functools import cache
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, deferred, mapped_column, relationship

from webapp.db import Base
from webapp.models.audio import AudioFile
from webapp.models.claimable import Claimable
from webapp.news import WAITING

if TYPE_CHECKING:
    from collections.abc import Mapping

ORIGINAL = "original"


class Measurement(Claimable, Base):
    """Made by a worker when nothing else is to be done, one version at a time."""

    __tablename__ = "measurements"

    audio_file_id: Mapped[uuid.UUID] = mapped_column(
        sa.ForeignKey("audio_files.id", ondelete="CASCADE"), primary_key=True
    )
    found: Mapped[dict[str, dict[str, float]]] = mapped_column(sa.JSON, default=dict)
    """By preset, and `original`: loudness in LUFS, range in LU, peak in dBTP; empty where it could not be measured."""
    spectrum: Mapped[bytes | None] = deferred(mapped_column(sa.LargeBinary))
    """Of the original: a PNG, time from left to right, frequencies from below up to half the rate."""

    audio_file: Mapped[AudioFile] = relationship(back_populates="measurement")

    @classmethod
    @cache
    def next(cls) -> "sa.Select[uuid.UUID, int]":
        """A waiting measurement and its owner, the shortest file's first."""
        return (
            sa.select(cls.audio_file_id, AudioFile.owner_id)
            .join(cls.audio_file)
            .where(cls.status.in_(WAITING))
            .order_by(sa.func.coalesce(AudioFile.seconds, 0), AudioFile.created_at)
            .limit(1)
        )

    @property
    def versions(self) -> "Mapping[str, dict[str, float]]":
        """What was found, of the versions of which something was."""
        return {name: each for name, each in self.found.items() if each}

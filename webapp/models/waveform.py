"""The outline of a sound, as the page draws it."""

import uuid
from functools import cache

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.db import Base
from webapp.models.audio import AudioFile
from webapp.models.claimable import Claimable
from webapp.news import WAITING


class Waveform(Claimable, Base):
    """The outline of the original, made by a worker before the renditions."""

    __tablename__ = "waveforms"

    audio_file_id: Mapped[uuid.UUID] = mapped_column(
        sa.ForeignKey("audio_files.id", ondelete="CASCADE"), primary_key=True
    )
    bars: Mapped[bytes | None]

    audio_file: Mapped[AudioFile] = relationship(back_populates="waveform")

    @classmethod
    @cache
    def next(cls) -> "sa.Select[uuid.UUID, int]":
        """A waiting outline and its owner, the shortest file's first."""
        return (
            sa.select(cls.audio_file_id, AudioFile.owner_id)
            .join(cls.audio_file)
            .where(cls.status.in_(WAITING))
            .order_by(AudioFile.seconds, AudioFile.created_at)
            .limit(1)
        )

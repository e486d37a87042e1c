"""The outline of a sound, as the page draws it."""

import uuid
from functools import cache

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.db import Base
from webapp.models.audio import AudioFile, Rendition
from webapp.models.claimable import Claimable
from webapp.models.user import User
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
    def next(cls, *, is_ours: bool) -> "sa.Select[uuid.UUID, int, int]":
        """The file of the waiting outline that comes next, its owner and the turn: users take turns, short before long.

        Where our own workers convert, only of files of which no rendition waits: the others' are done with theirs.
        """
        rendition = sa.exists().where(Rendition.audio_file_id == cls.audio_file_id, Rendition.status.in_(WAITING))
        return (
            sa.select(cls.audio_file_id.label("file_id"), AudioFile.owner_id, User.turn)
            .join(cls.audio_file)
            .join(AudioFile.owner)
            .where(cls.status.in_(WAITING), *([~rendition] if is_ours else ()))
            .order_by(User.turn, sa.func.coalesce(AudioFile.seconds, 0), AudioFile.created_at)
            .limit(1)
        )

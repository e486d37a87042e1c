"""What is to be done for the tags of a file."""

import uuid
from collections.abc import Collection
from functools import cache

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from webapp.db import Base
from webapp.models.audio import AudioFile, Rendition
from webapp.models.claimable import Claimable
from webapp.models.user import User
from webapp.news import BUSY, JobStatus


class Tagging(Claimable, Base):
    """The work of giving a file's renditions the tags that it has now."""

    __tablename__ = "taggings"

    waits_as = (JobStatus.SUBMITTED,)
    """One that is only created is put off until a sweep asks for it: there was no room the last time."""

    audio_file_id: Mapped[uuid.UUID] = mapped_column(
        sa.ForeignKey("audio_files.id", ondelete="CASCADE"), primary_key=True
    )

    @classmethod
    @cache
    def next(cls) -> "sa.Select[uuid.UUID, int, int]":
        """The file of the waiting one that comes next, its owner and the turn: users take turns, small before large."""
        return (
            sa.select(cls.audio_file_id.label("file_id"), AudioFile.owner_id, User.turn)
            .join(AudioFile, AudioFile.id == cls.audio_file_id)
            .join(AudioFile.owner)
            .where(cls.status.in_(cls.waits_as))
            .order_by(User.turn, AudioFile.size, AudioFile.created_at)
            .limit(1)
        )

    @classmethod
    def unsettled(cls, file_ids: Collection[uuid.UUID]) -> sa.Select[uuid.UUID]:
        """Those of the files whose renditions get other tags at the moment, or were left in the midst of it."""
        return sa.select(cls.audio_file_id).where(cls.audio_file_id.in_(file_ids), cls.status != JobStatus.COMPLETE)

    @classmethod
    def behind(cls, file_id: uuid.UUID, but: Collection[int] = ()) -> sa.Select[Rendition]:
        """The file's renditions, but these, that are made and have not the tags that it has now, the untold first."""
        has_older = sa.or_(Rendition.tags_version.is_(None), Rendition.tags_version < AudioFile.tags_version)
        is_made = sa.or_(
            sa.and_(Rendition.status == JobStatus.COMPLETE, has_older),
            sa.and_(Rendition.status.in_(BUSY), Rendition.is_untold),
        )
        return (
            sa.select(Rendition)
            .join(AudioFile, AudioFile.id == Rendition.audio_file_id)
            .where(Rendition.audio_file_id == file_id, is_made, Rendition.id.not_in(but))
            .order_by(Rendition.is_untold.desc(), Rendition.id)
        )

"""What a user calls a recipe of their own."""

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from webapp.db import Base, pk
from webapp.models.user import User
from webapp.presets import Preset, find

LONGEST_TITLE = 40


class OwnPreset(Base):
    """A title for a recipe. Renditions know the recipe alone, so it can change and go."""

    __tablename__ = "own_presets"

    id: Mapped[pk]
    owner_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"))
    title: Mapped[str] = mapped_column(sa.String(LONGEST_TITLE))
    recipe_name: Mapped[str] = mapped_column(sa.String(64))
    is_default: Mapped[bool] = mapped_column(default=False)
    """Whether the upload form begins with it."""

    __table_args__ = (sa.UniqueConstraint("owner_id", "recipe_name"),)

    @classmethod
    def of(cls, user: User) -> "sa.Select[OwnPreset]":
        """The user's, by their titles."""
        return sa.select(cls).where(cls.owner_id == user.id).order_by(sa.func.lower(cls.title), cls.id)

    @property
    def preset(self) -> Preset:
        """How it encodes."""
        return find(self.recipe_name)

"""What files and renditions know of tags."""

import zlib
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column


class Tagged:
    """A file with tags and a cover."""

    tags: Mapped[dict[str, str]] = mapped_column(sa.JSON, default=dict)
    """By the names in `tags.TAGS`, as far as they are known."""
    tags_version: Mapped[int] = mapped_column(default=0)
    """One more with each change of the tags or the cover."""
    tags_read_at: Mapped[datetime | None]
    """When a worker looked for tags and a cover in all of the original; the first look saw a line of each tag."""
    cover_key: Mapped[str | None] = mapped_column(sa.String(255), unique=True, index=True)
    cover_size: Mapped[int | None]
    cover_refusal: Mapped[str] = mapped_column(default="")
    """Why the original's cover was left out, in the user's words."""

    @property
    def cover_mark(self) -> str:
        """Says in short which cover it is."""
        return f"{zlib.crc32((self.cover_key or '').encode()):x}"


class Dressed:
    """A rendition that has the tags of its file."""

    tags_version: Mapped[int | None]
    """That of the file's tags which is in it; None: nobody has written any, or UNTAGGED: they could not be."""
    is_untold: Mapped[bool] = mapped_column(default=False)
    """Whether a transcoder outside has made it, and it is ready as soon as a worker has written its tags."""

"""What makes a row one that is found by words."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, validates

from webapp.folding import folded
from webapp.models.tagged import Tagged

LONGEST_FOLDED = 4000
# Tags by which people look for a sound. A track is a number, and comments are written by programs.
SOUGHT = ("title", "artist", "album", "album_artist", "date", "genre")
# By code point everywhere. PostgreSQL would sort by its own language, and compare more slowly.
_TEXT = sa.String(LONGEST_FOLDED).with_variant(sa.String(LONGEST_FOLDED, collation="C"), "postgresql")


class Findable(Tagged):
    """It has a name and tags, whose words it is found by."""

    name: Mapped[str] = mapped_column(sa.String(255))
    folded: Mapped[str] = mapped_column(_TEXT, deferred=True)
    """The name and the tags without case and accents, one a line; the name first, so that this sorts by name."""

    @validates("name", "tags")
    def _fold(self, attribute: str, value: Any) -> Any:
        """Keep `folded` in step, whoever sets one of them; no statement goes past this, see test_architecture.py."""
        name = value if attribute == "name" else self.name
        tags = value if attribute == "tags" else self.tags
        self.folded = _folded(name or "", tags or {})
        return value

    @property
    def song(self) -> str:
        """Artist and title as the tags tell them, for whoever wonders why it was found; empty if the name says it."""
        told = " – ".join(filter(None, (self.tags.get("artist"), self.tags.get("title"))))
        return "" if folded(told) in folded(self.name) else told

    @classmethod
    def having(cls, words: str) -> list[sa.ColumnElement[bool]]:
        """That all of the words, or parts of words, are in its name and tags, in any order."""
        sought = dict.fromkeys(folded(words).split())
        if words.strip() and not sought:  # accents alone
            return [sa.false()]
        return [cls.folded.contains(word, autoescape=True) for word in sought]


def _folded(name: str, tags: Mapping[str, str]) -> str:
    texts = (name, *(tags[each] for each in SOUGHT if tags.get(each)))
    return "\n".join(folded(text) for text in texts)[:LONGEST_FOLDED]

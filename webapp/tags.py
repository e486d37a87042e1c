"""Tags and covers in our words, and the port that reads and writes them."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

# What is kept of the tags of a sound, in the order in which it is shown.
TAGS = ("title", "artist", "album", "album_artist", "track", "date", "genre", "comment")


@dataclass(frozen=True)
class Picture:
    """A cover that we take: a JPEG or a PNG of bearable size."""

    content: bytes
    media_type: str
    width: int
    height: int

    @property
    def extension(self) -> str:
        """The ending of its name."""
        return "png" if self.media_type == "image/png" else "jpg"


@dataclass(frozen=True)
class Found:
    """The tags of a file, by the names in TAGS, and its cover."""

    tags: Mapping[str, str]
    cover: Picture | None = None
    refusal: str = ""
    """Why the cover that there is cannot be taken, for the user."""


class Tagger(Protocol):
    """Reads and writes tags and covers on this machine, without trusting the file."""

    def read(self, path: Path, *, stop: threading.Event) -> Found:
        """What a file of any kind has. Raises TagsFailed, or Stopped soon after `stop` is set."""

    def write(
        self, source: Path, target: Path, tags: Mapping[str, str], cover: Picture | None, *, stop: threading.Event
    ) -> None:
        """Make the target, in a workspace, a copy of a rendition with just these tags and this cover.

        The sound is not touched. Raises TagsFailed if they cannot be written, StorageFull, or Stopped soon after `stop`
        is set; the target may be left behind half-written then.
        """

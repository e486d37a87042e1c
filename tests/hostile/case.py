"""One file that a stranger might send, and what must come of it."""

import enum
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

NEIGHBOUR, NEIGHBOURS_FILM = "neighbour.mp3", "neighbour.m4a"
HERE = "@HERE@"
"""Stands in the bytes for the folder that the file lies in."""


class End(enum.Enum):
    """What may come of it."""

    READY = "ready"
    MARKED = "ready with a mark"
    REFUSED = "refused"


@dataclass(frozen=True)
class Case:
    """`make` gives the bytes; `seconds`, how long the sound must be if it is ready."""

    name: str
    filename: str
    make: Callable[[], bytes]
    ends: frozenset[End]
    seconds: float | None = None
    is_heavy: bool = False
    """Whether converting it keeps a core busy for long, unless a limit ends it."""

    @cached_property
    def content(self) -> bytes:
        """Its bytes."""
        return self.make()

    def written_to(self, folder: Path) -> Path:
        """A file of them."""
        path = folder / self.filename
        path.write_bytes(self.content.replace(HERE.encode(), str(folder).encode()))
        return path

    def __str__(self) -> str:
        return self.name


def ready(name: str, filename: str, make: Callable[[], bytes], seconds: float, *, is_heavy: bool = False) -> Case:
    """An odd one that is a sound all the same."""
    return Case(name, filename, make, frozenset({End.READY}), seconds, is_heavy)


def marked(name: str, filename: str, make: Callable[[], bytes]) -> Case:
    """One of which a part is missing."""
    return Case(name, filename, make, frozenset({End.MARKED}))


def refused(name: str, filename: str, make: Callable[[], bytes] | bytes, *, is_heavy: bool = False) -> Case:
    """One of which nothing is made."""
    return Case(name, filename, make if callable(make) else lambda: make, frozenset({End.REFUSED}), None, is_heavy)

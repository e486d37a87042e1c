"""Objects, and the port to where they are kept: originals and renditions, by key."""

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class Part:
    """One part of an object on its way in."""

    number: int
    size: int
    etag: str
    """The storage's own mark of this content; another content has another one."""
    sha256: str = ""
    """In hexadecimal; empty if the storage does not know it."""


class Storage(Protocol):
    """Where originals and renditions are kept, by key. Raises StorageUnavailable when it does not answer."""

    origin: str
    """Where browsers are sent for objects and put parts, as https://host, if that is not us."""

    def put(self, key: str, chunks: Iterable[bytes]) -> int:
        """Keep the bytes under the key and return how many there were.

        All or nothing: whatever is raised, by the chunks too, nothing is kept. Raises StorageFull.
        """

    def arriving(self, key: str) -> AbstractContextManager[None]:
        """To be held from before the object is put until it is known to the database.

        If the process dies meanwhile, `abandoned` names the key.
        """

    def abandoned(self) -> Iterator[str]:
        """The keys of objects whose taker died on the way, each until it has been taken from this iterator."""

    def put_file(self, key: str, path: Path, stop: threading.Event | None = None) -> None:
        """Move a finished file from the workspace into place, at once and durably. Raises StorageFull.

        Where it goes over a line, raises Stopped soon after `stop` is set.
        """

    def begin(self, key: str, size: int, part_size: int) -> AbstractContextManager[str]:
        """Open an object of so many bytes, which comes in parts, in any order; the context is the name of this upload.

        Room for all of it is set aside, as far as the storage can; raises StorageFull. Kept if the context ends well.
        """

    def addresses(self, key: str, upload: str, sizes: Mapping[int, int]) -> Mapping[int, str]:
        """Where a browser may put these parts, by number, if they do not have to come to us; else nothing."""

    def put_part(self, key: str, upload: str, number: int, chunks: Iterable[bytes]) -> Part:
        """Keep one part, from number 1; again is no error, the last one counts. Raises StorageFull, ObjectMissing.

        Each part but the last has the size given at the beginning. A longer one raises TooLarge, or, with a storage
        that does not remember that size, lets `complete` raise ObjectMissing.
        """

    def parts(self, key: str, upload: str) -> list[Part]:
        """The parts that are wholly here, by number. Raises ObjectMissing if the upload is not open."""

    def complete(self, key: str, upload: str, parts: Sequence[Part]) -> int:
        """Make the object of its parts and return its size.

        Raises ObjectMissing if the upload is not open, has a gap, or does not consist of just these parts.
        """

    def abort(self, key: str, upload: str) -> None:
        """Forget an upload and give its space back. Doing it twice is no error."""

    def uploads(self) -> Iterator[tuple[str, str]]:
        """The key and name of every upload that is open. One whose context has not ended yet is not among them."""

    def size(self, key: str) -> int:
        """Bytes. Raises ObjectMissing."""

    def delete(self, key: str) -> None:
        """Remove the object. Doing it twice is no error."""

    def locate(self, key: str, *, filename: str, media_type: str, inline: bool = False) -> Path | str:
        """Where the bytes are: a file that we serve, or an address for the user's browser. Raises ObjectMissing."""

    def read(self, key: str) -> Iterator[bytes]:
        """The object's bytes, little by little, all of one version. Raises ObjectMissing when the first are asked for.

        What it holds open is let go of when the iterator is closed.
        """

    def on_disk(self, key: str, stop: threading.Event | None = None) -> AbstractContextManager[Path]:
        """The object as a readable file, for as long as the context is open. Raises ObjectMissing.

        Where it comes over a line, raises Stopped soon after `stop` is set.
        """

    def glimpses(self, key: str) -> Iterator[AbstractContextManager[Path]]:
        """The object as a readable file with enough in it to see what it is. Raises ObjectMissing.

        Where all of it would have to come over a line: first with zeros between its ends, then with less of them.
        """

    def workspace(self) -> AbstractContextManager[Path]:
        """An empty folder to make one thing in; it is gone, with all that is in it, when the context ends."""

    def keys(self) -> Iterator[tuple[str, float]]:
        """Every object, with its age in seconds."""

    def is_own(self, key: str) -> bool:
        """Whether the object came by us. What others have put in the same place is not ours to remove."""

    def sweep(self) -> int:
        """Remove what dead processes left behind half-made, and return how many such things there were."""

    def free_bytes(self) -> int | None:
        """How much can still be kept; None: no limit is known."""

    def check(self) -> None:
        """Return if the storage can be used now. Raises StorageUnavailable."""

"""The mark by which equal files are known: a SHA-256 of the SHA-256s of a file's parts, S3's "composite checksum".

It can be had from the parts in whatever order they come, by a storage that never shows us the bytes, and by a browser,
which can only hash what it holds in memory.
"""

import hashlib
from collections.abc import Iterable

# The least that S3 takes; what a lost connection costs.
PART_SIZE = 5 * 1024 * 1024


class Checksum:
    """Of bytes that come in order."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._part = hashlib.sha256()
        self._room = PART_SIZE

    def update(self, chunk: bytes) -> None:
        """Take what comes next."""
        view = memoryview(chunk)
        while view:
            self._part.update(view[: self._room])
            taken = min(self._room, len(view))
            view, self._room = view[taken:], self._room - taken
            if not self._room:
                self._parts.append(self._part.hexdigest())
                self._part, self._room = hashlib.sha256(), PART_SIZE

    def hexdigest(self) -> str:
        """Of all that has come."""
        rest = [self._part.hexdigest()] if self._room < PART_SIZE else []
        return of_parts([*self._parts, *rest])


def of_parts(digests: Iterable[str]) -> str:
    """That of a file whose parts have these SHA-256s, in hexadecimal; empty if one is not known."""
    known = list(digests)
    return hashlib.sha256(bytes.fromhex("".join(known))).hexdigest() if all(known) else ""

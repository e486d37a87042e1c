"""An object that comes in parts, each written at its own place in one file, so that nothing is copied at the end."""

import hashlib
import json
import os
import re
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from webapp.adapters.storage import files
from webapp.errors import ObjectMissing, StorageUnavailable, TooLarge
from webapp.objects import Part

OPEN = ".upload"
"""How the folder of an open upload ends; one without it is a leftover."""


@dataclass(frozen=True)
class OpenUpload:
    """A folder with the bytes as far as they have come, and a note for each part that is wholly here."""

    folder: Path
    key: str
    part_size: int

    @classmethod
    @contextmanager
    def begin(cls, incoming: Path, key: str, size: int, part_size: int) -> Iterator[str]:
        """Open an upload, with room for all of it, and give its name; it is kept if the context ends well."""
        with files.new_folder(incoming) as draft:
            try:
                with files.in_our_words():
                    with (draft / "bytes").open("wb") as whole:
                        files.reserve(whole.fileno(), size)
                    (draft / "about").write_text(json.dumps({"key": key, "part_size": part_size}))
                    files.sync(draft / "about")
                    files.sync(draft)
                yield draft.name
                with files.in_our_words():
                    draft.rename(draft.with_suffix(OPEN))
                    files.sync(incoming)
            finally:
                files.discard(draft)

    @classmethod
    def every(cls, incoming: Path) -> Iterator[tuple[str, str]]:
        """The key and name of each open upload."""
        for folder in incoming.glob(f"*{OPEN}"):
            with suppress(FileNotFoundError):  # closed since it was listed
                yield json.loads((folder / "about").read_text())["key"], folder.stem

    @classmethod
    def find(cls, incoming: Path, key: str, name: str) -> Self:
        """The open upload of that name for that key. Raises ObjectMissing."""
        # Names are ours, but one that climbs out of the folder must never be followed.
        if not re.fullmatch("[0-9a-f]{32}", name):
            raise ObjectMissing
        folder = incoming / f"{name}{OPEN}"
        with files.in_our_words(missing=ObjectMissing):
            about = json.loads((folder / "about").read_text())
        if about["key"] != key:
            raise ObjectMissing
        return cls(folder, key, about["part_size"])

    def put(self, number: int, chunks: Iterable[bytes]) -> Part:
        """Keep one part. Raises TooLarge; StorageUnavailable if somebody has begun to send the same part anew."""
        if number < 1:
            raise ValueError(number)
        size, digest = 0, hashlib.sha256()
        with _Claim(self, number) as claim:
            for chunk in chunks:
                if size + len(chunk) > self.part_size:
                    raise TooLarge
                claim.write(chunk, size)
                digest.update(chunk)
                size += len(chunk)
            return claim.settle(Part(number, size, etag=digest.hexdigest(), sha256=digest.hexdigest()))

    def parts(self) -> list[Part]:
        """The parts that are wholly here, by number. Raises ObjectMissing if the upload has been closed."""
        with files.in_our_words(missing=ObjectMissing):
            numbers = sorted(int(path.name) for path in self.folder.iterdir() if path.name.isdigit())
            notes = [(number, (self.folder / str(number)).read_text().split()) for number in numbers]
        return [Part(number, int(note[0]), etag=note[1], sha256=note[1]) for number, note in notes if note]

    def complete(self, parts: Sequence[Part], target: Path, top: Path) -> int:
        """Make the object of these parts, close the upload and return the object's size."""
        with files.in_our_words(missing=ObjectMissing), files.locked(self.folder):
            if self.parts() != list(parts):
                raise ObjectMissing
            size = self._size_of(parts)
            whole = self.folder / "bytes"
            # Whoever died between the move and the closing left an object that is complete.
            if whole.exists() or not (target.is_file() and target.stat().st_size == size):
                os.truncate(whole, size)
                files.place(whole, target, top)
            self._close()
        return size

    def abort(self) -> None:
        """Close the upload and give its space back."""
        with files.in_our_words(missing=ObjectMissing), files.locked(self.folder):
            self._close()

    def _size_of(self, parts: Sequence[Part]) -> int:
        if not parts or [part.number for part in parts] != list(range(1, len(parts) + 1)):
            raise ObjectMissing
        *full, last = parts
        if any(part.size != self.part_size for part in full):
            raise ObjectMissing
        return len(full) * self.part_size + last.size

    def _close(self) -> None:
        leftover = self.folder.rename(self.folder.with_suffix(""))
        files.discard(leftover)


class _Claim:
    """The right to write one part. Whoever claims it anew takes it away: the earlier connection is most likely dead.

    The note of a part that is being written is empty, and which file the note is says whose the claim is.
    """

    def __init__(self, upload: OpenUpload, number: int) -> None:
        self.upload = upload
        self.number = number
        self.note = upload.folder / str(number)
        self.offset = (number - 1) * upload.part_size

    def __enter__(self) -> Self:
        draft = self.note.with_name(secrets.token_hex(8) + ".claim")
        with files.in_our_words(missing=ObjectMissing), files.locked(self.upload.folder), ExitStack() as opened:
            self.bytes = os.open(self.upload.folder / "bytes", os.O_WRONLY)
            opened.callback(os.close, self.bytes)
            self.mine = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
            opened.callback(os.close, self.mine)
            self._take(draft)
            self.opened = opened.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.opened.close()

    def _take(self, draft: Path) -> None:
        is_repeated = self.note.exists()
        draft.replace(self.note)
        if is_repeated:
            # After a power cut the old note must not stand beside bytes of which some are new.
            files.sync(self.upload.folder)

    def write(self, chunk: bytes, position: int) -> None:
        """Write a piece of the part."""
        # The lock keeps a new claim, and the completion, from coming between the question and the writing.
        with files.in_our_words(missing=ObjectMissing), files.locked(self.upload.folder):
            self._check()
            files.write_at(self.bytes, chunk, self.offset + position)

    def settle(self, part: Part) -> Part:
        """Make the part count."""
        with files.in_our_words(missing=ObjectMissing):
            os.fsync(self.bytes)
            with files.locked(self.upload.folder):
                self._check()
                files.write_note(self.note, f"{part.size} {part.etag}\n")
        return part

    def _check(self) -> None:
        if not os.path.samestat(os.fstat(self.mine), self.note.stat()):
            raise StorageUnavailable

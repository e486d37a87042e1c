"""Keep objects as files in a folder of this machine."""

import os
import shutil
import stat
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from webapp.adapters.storage import files
from webapp.adapters.storage.parts import OPEN, OpenUpload
from webapp.errors import ObjectMissing, StorageFull, StorageUnavailable
from webapp.ports import Part

# The folder also holds the database, the secret and the queue: a key leads nowhere but here.
TOPS = ("media", "transcoded")

# Of a note that names the key of an object on its way in.
ARRIVING = ".arriving"

# The database lies on the same disk, and its log must be able to grow while the last upload that fits comes in.
RESERVE_BYTES = 64 * 1024 * 1024


class LocalStorage:
    """Objects at root/<key>; what is half-made in root/incoming and root/work, so that a rename puts it in place."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.incoming = root / "incoming"
        self.work = root / "work"
        with files.in_our_words():
            for folder in (self.incoming, self.work, *(root / top for top in TOPS)):
                folder.mkdir(parents=True, exist_ok=True)

    def put(self, key: str, chunks: Iterable[bytes]) -> int:
        target, top = self._place_of(key)
        size = 0
        with files.new_file(self.incoming) as (fd, path):
            for chunk in chunks:
                with files.in_our_words():
                    files.write_at(fd, chunk, size)
                size += len(chunk)
            with files.in_our_words():
                files.place(path, target, top)
        return size

    @contextmanager
    def arriving(self, key: str) -> Iterator[None]:
        with files.new_file(self.incoming, ending=ARRIVING) as (fd, _):
            with files.in_our_words():
                files.write_at(fd, key.encode(), 0)
            yield

    def abandoned(self) -> Iterator[str]:
        with files.in_our_words():
            notes = files.abandoned(self.incoming, ARRIVING)
        for note in notes:
            # One that says nothing was made by a process that had not put anything yet.
            if key := note.read_text():
                yield key
            note.unlink(missing_ok=True)

    def put_file(self, key: str, path: Path) -> None:
        with files.in_our_words():
            files.place(path, *self._place_of(key))

    @contextmanager
    def begin(self, key: str, size: int, part_size: int) -> Iterator[str]:
        self._place_of(key)
        if size > self.free_bytes():
            raise StorageFull
        with OpenUpload.begin(self.incoming, key, size, part_size) as upload:
            # Two that begin together both saw room for themselves.
            if not self.free_bytes():
                raise StorageFull
            yield upload

    def addresses(self, key: str, upload: str, sizes: Mapping[int, int]) -> Mapping[int, str]:
        return {}

    def put_part(self, key: str, upload: str, number: int, chunks: Iterable[bytes]) -> Part:
        return OpenUpload.find(self.incoming, key, upload).put(number, chunks)

    def parts(self, key: str, upload: str) -> list[Part]:
        return OpenUpload.find(self.incoming, key, upload).parts()

    def complete(self, key: str, upload: str, parts: Sequence[Part]) -> int:
        return OpenUpload.find(self.incoming, key, upload).complete(parts, *self._place_of(key))

    def abort(self, key: str, upload: str) -> None:
        with suppress(ObjectMissing):
            OpenUpload.find(self.incoming, key, upload).abort()

    def uploads(self) -> Iterator[tuple[str, str]]:
        with files.in_our_words():
            yield from list(OpenUpload.every(self.incoming))

    def size(self, key: str) -> int:
        path, _ = self._place_of(key)
        with files.in_our_words(missing=ObjectMissing):
            found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise ObjectMissing
        return found.st_size

    def delete(self, key: str) -> None:
        with files.in_our_words():
            files.remove(*self._place_of(key))

    def locate(self, key: str, *, filename: str, media_type: str, inline: bool = False) -> Path:
        self.size(key)
        return self._place_of(key)[0]

    @contextmanager
    def on_disk(self, key: str) -> Iterator[Path]:
        self.size(key)
        yield self._place_of(key)[0]

    @contextmanager
    def workspace(self) -> Iterator[Path]:
        with files.new_folder(self.work) as folder:
            try:
                yield folder
            finally:
                files.discard(folder)

    def keys(self) -> Iterator[tuple[str, float]]:
        now = time.time()
        for top in TOPS:
            for folder, _, names in os.walk(self.root / top):
                for name in names:
                    path = Path(folder, name)
                    with suppress(FileNotFoundError):  # deleted since it was listed
                        yield path.relative_to(self.root).as_posix(), max(0.0, now - path.stat().st_mtime)

    def sweep(self) -> int:
        # An open upload has an owner who completes or aborts it, and what is abandoned is asked for.
        with files.in_our_words():
            return files.sweep(self.incoming, keep=(OPEN, ARRIVING)) + files.sweep(self.work)

    def free_bytes(self) -> int:
        with files.in_our_words():
            return max(0, shutil.disk_usage(self.root).free - RESERVE_BYTES)

    def check(self) -> None:
        try:
            with files.new_file(self.incoming) as (fd, _), files.in_our_words():
                files.write_at(fd, b"?", 0)
        except StorageFull as exc:
            raise StorageUnavailable from exc

    def _place_of(self, key: str) -> tuple[Path, Path]:
        """Where the object lies, and the topmost folder above it."""
        names = key.split("/")
        # Keys are ours, but a key that climbs out of its folder must never be followed.
        if len(names) == 1 or names[0] not in TOPS or {"", ".", ".."} & set(names) or "\0" in key:
            raise ValueError(key)
        return self.root.joinpath(*names), self.root / names[0]

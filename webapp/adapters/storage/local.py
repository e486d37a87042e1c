"""Keep objects as files in a folder of this machine."""

import os
import shutil
import stat
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from webapp.adapters.storage import files, keys
from webapp.adapters.storage.parts import OPEN, OpenUpload
from webapp.adapters.storage.workshop import Workshop
from webapp.errors import ObjectMissing, StorageFull, StorageUnavailable
from webapp.objects import Part

# The database lies on the same disk, and its log must be able to grow while the last upload that fits comes in.
RESERVE_BYTES = 64 * 1024 * 1024
# So much of an object that is read is in memory at a time.
CHUNK_BYTES = 256 * 1024


class LocalStorage:
    """Objects at root/<key>; what is half-made in root/incoming and root/work, so that a rename puts it in place."""

    origin = ""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.workshop = Workshop(root)
        self.incoming = self.workshop.incoming
        with files.in_our_words():
            for top in keys.TOPS:
                (root / top).mkdir(parents=True, exist_ok=True)

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

    def arriving(self, key: str) -> AbstractContextManager[None]:
        return self.workshop.arriving(key)

    def abandoned(self) -> Iterator[str]:
        return self.workshop.abandoned()

    def put_file(self, key: str, path: Path, stop: threading.Event | None = None) -> None:
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

    def read(self, key: str) -> Iterator[bytes]:
        with files.in_our_words(missing=ObjectMissing):
            file = self._place_of(key)[0].open("rb", buffering=0)
        with file:
            while True:
                with files.in_our_words():
                    chunk = file.read(CHUNK_BYTES)
                if not chunk:
                    return
                yield chunk

    @contextmanager
    def on_disk(self, key: str, stop: threading.Event | None = None) -> Iterator[Path]:
        self.size(key)
        yield self._place_of(key)[0]

    def glimpses(self, key: str) -> Iterator[AbstractContextManager[Path]]:
        yield self.on_disk(key)

    def workspace(self) -> AbstractContextManager[Path]:
        return self.workshop.folder()

    def keys(self) -> Iterator[tuple[str, float]]:
        now = time.time()
        for top in keys.TOPS:
            for folder, _, names in os.walk(self.root / top):
                for name in names:
                    path = Path(folder, name)
                    with suppress(FileNotFoundError):  # deleted since it was listed
                        yield path.relative_to(self.root).as_posix(), max(0.0, now - path.stat().st_mtime)

    def is_own(self, key: str) -> bool:
        return True

    def sweep(self) -> int:
        return self.workshop.sweep(keep=(OPEN,))  # an open upload has an owner who completes or aborts it

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
        # The folder also holds the database, the secret and the queue: a key must never lead there.
        keys.check(key)
        return self.root / key, self.root / key.partition("/")[0]

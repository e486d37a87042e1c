"""Objects in a private bucket of Amazon S3. Browsers put parts there and fetch from there by signed addresses."""

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from itertools import chain
from pathlib import Path

from webapp.adapters.storage import files, keys
from webapp.adapters.storage.bucket import Bucket, clock_of
from webapp.adapters.storage.s3_uploads import MARK, PUT_CHECKSUM, S3Uploads, about
from webapp.adapters.storage.workshop import Workshop
from webapp.errors import ObjectMissing, Stopped, StorageUnavailable
from webapp.filenames import disposition
from webapp.objects import Part

MEBIBYTE = 1024 * 1024
# So much of an object is held in memory at a time. Ten thousand of these, the most of S3, are 84 GB.
PIECE_BYTES = 8 * MEBIBYTE
# Of each end of an object: most files say at the beginning what they are; MP4s with big pictures, late.
ENDS = (MEBIBYTE, 16 * MEBIBYTE, 128 * MEBIBYTE)
# Of a note that names an upload which this machine makes.
PUTTING = ".putting"


class S3Storage:
    """Objects in a bucket by their keys; what is half-made on this machine is below root, as with `LocalStorage`.

    A 404 for an object is only told by S3 to who may list the bucket: without s3:ListBucket, what is missing looks
    like a storage that does not answer.
    """

    def __init__(self, bucket: str, region: str, root: Path) -> None:
        self.bucket = Bucket(bucket, region)
        self.origin = self.bucket.origin
        self.workshop = Workshop(root)
        self.multipart = S3Uploads(self.bucket, self.workshop.work)

    def put(self, key: str, chunks: Iterable[bytes]) -> int:
        keys.check(key)
        pieces = _pieces(chunks)
        first = next(pieces)
        if len(first) < PIECE_BYTES:
            self.bucket.ask("put_object", missing=StorageUnavailable, Key=key, Body=first, **about(key))
            return len(first)
        with self.multipart.begin(key, ChecksumAlgorithm=PUT_CHECKSUM) as upload, self._noted(key, upload):
            return self.multipart.put(key, upload, chain([first], pieces))

    def arriving(self, key: str) -> AbstractContextManager[None]:
        return self.workshop.arriving(key)

    def abandoned(self) -> Iterator[str]:
        return self.workshop.abandoned()

    def put_file(self, key: str, path: Path, stop: threading.Event | None = None) -> None:
        self.put(key, _until(stop, _read(path)))
        path.unlink()

    @contextmanager
    def begin(self, key: str, size: int, part_size: int) -> Iterator[str]:
        with self.multipart.begin(key) as upload:
            yield upload

    def addresses(self, key: str, upload: str, sizes: Mapping[int, int]) -> Mapping[int, str]:
        return self.multipart.addresses(key, upload, sizes)

    def put_part(self, key: str, upload: str, number: int, chunks: Iterable[bytes]) -> Part:
        return self.multipart.put_part(key, upload, number, chunks)

    def parts(self, key: str, upload: str) -> list[Part]:
        return self.multipart.parts(key, upload)

    def complete(self, key: str, upload: str, parts: Sequence[Part]) -> int:
        return self.multipart.complete(key, upload, parts)

    def abort(self, key: str, upload: str) -> None:
        self.multipart.abort(key, upload)

    def uploads(self) -> Iterator[tuple[str, str]]:
        return self.multipart.every()

    def size(self, key: str) -> int:
        keys.check(key)
        return int(self.bucket.ask("head_object", Key=key)["ContentLength"])

    def delete(self, key: str) -> None:
        keys.check(key)
        self.bucket.ask("delete_object", missing=StorageUnavailable, Key=key)

    def locate(self, key: str, *, filename: str, media_type: str, inline: bool = False) -> str:
        self.size(key)
        answered_with = {
            "ResponseContentDisposition": disposition(filename, inline=inline),
            "ResponseContentType": media_type,
        }
        return self.bucket.sign("get_object", Key=key, **answered_with)

    def read(self, key: str) -> Iterator[bytes]:
        yield from self.bucket.read(key, 0, self.size(key))

    @contextmanager
    def on_disk(self, key: str, stop: threading.Event | None = None) -> Iterator[Path]:
        size = self.size(key)
        with self.workspace() as folder:
            yield self._fetched(key, folder, size, [(0, size)], stop)

    def glimpses(self, key: str) -> Iterator[AbstractContextManager[Path]]:
        size = self.size(key)
        for end in ENDS:
            yield self._glimpse(key, size, end)
            if size <= 2 * end:
                return

    def workspace(self) -> AbstractContextManager[Path]:
        return self.workshop.folder()

    def keys(self) -> Iterator[tuple[str, float]]:
        for top in keys.TOPS:
            for page in self.bucket.pages("list_objects_v2", Prefix=f"{top}/"):
                now = clock_of(page)
                for each in page.get("Contents", ()):
                    # Amazon's console makes objects called `media/`, to show them as folders.
                    if keys.is_ours(each["Key"]):
                        yield each["Key"], max(0.0, (now - each["LastModified"]).total_seconds())

    def is_own(self, key: str) -> bool:
        """What MediaConvert makes is made for us; what lies in media/ without our word came without the app."""
        with suppress(ObjectMissing):
            is_ours = self.bucket.ask("head_object", Key=key)["Metadata"].items() >= MARK.items()
            return is_ours or not key.startswith("media/")
        return False

    def sweep(self) -> int:
        with files.in_our_words():
            notes = files.abandoned(self.workshop.incoming, PUTTING)
        for note in notes:
            upload, _, key = files.read_note(note).partition("\n")
            if key:
                self.abort(key, upload)
            note.unlink(missing_ok=True)
        return len(notes) + self.workshop.sweep(keep=(PUTTING,))

    def free_bytes(self) -> None:
        return None

    def check(self) -> None:
        self.bucket.ask("head_bucket", missing=StorageUnavailable)

    @contextmanager
    def _noted(self, key: str, upload: str) -> Iterator[None]:
        """A note by which the upload is aborted if this process dies."""
        with files.new_file(self.workshop.incoming, ending=PUTTING) as (fd, _):
            with files.in_our_words():
                files.write_at(fd, f"{upload}\n{key}".encode(), 0)
            yield

    @contextmanager
    def _glimpse(self, key: str, size: int, end: int) -> Iterator[Path]:
        spans = [(0, size)] if size <= 2 * end else [(0, end), (size - end, size)]
        with self.workspace() as folder:
            yield self._fetched(key, folder, size, spans)

    def _fetched(
        self, key: str, folder: Path, size: int, spans: Iterable[tuple[int, int]], stop: threading.Event | None = None
    ) -> Path:
        """A file of the object's size, with these stretches of it and nothing in between."""
        path = folder / key.rpartition("/")[2]
        with files.in_our_words(), path.open("wb") as file:
            file.truncate(size)
            for first, end in spans:
                file.seek(first)
                for chunk in _until(stop, self.bucket.read(key, first, end)):
                    file.write(chunk)
        return path


def _pieces(chunks: Iterable[bytes]) -> Iterator[bytearray]:
    """The same bytes in pieces that are full, but for the last. There is at least one, if an empty one."""
    gathered = bytearray()
    for chunk in chunks:
        gathered += chunk
        while len(gathered) > PIECE_BYTES:
            piece = gathered[:PIECE_BYTES]
            del gathered[:PIECE_BYTES]
            yield piece
    yield gathered


def _until(stop: threading.Event | None, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same chunks; raises Stopped instead of the next one when the event is set."""
    for chunk in chunks:
        if stop and stop.is_set():
            raise Stopped
        yield chunk


def _read(path: Path) -> Iterator[bytes]:
    with files.in_our_words(), path.open("rb") as file:
        while chunk := file.read(MEBIBYTE):
            yield chunk

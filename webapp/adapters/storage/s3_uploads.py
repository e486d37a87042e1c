"""Objects of a bucket that come in parts, which browsers put there themselves: S3's multipart uploads."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Any

from webapp.adapters.storage import files, keys
from webapp.adapters.storage.bucket import Bucket, clock_of
from webapp.errors import ObjectMissing, StorageUnavailable, TooLarge
from webapp.objects import Part
from webapp.presets import PRESETS

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
MOST_PARTS = 10_000
LONGEST_PART = 5 * 1024**3
# Between the beginning in S3 and the end of the context lies one commit.
HALF_BEGUN_SECONDS = 600.0
# What waits here to be passed on lies on the disk beyond this.
IN_MEMORY_BYTES = 1024 * 1024
# S3 checks each part of what we put ourselves. It also tells such uploads from those of browsers in a list.
PUT_CHECKSUM = "SHA256"

# Of what we put ourselves. The Lambda leaves it alone, and the sweep what is without it.
MARK = {"by": "tapedeck"}
_MEDIA_TYPES = {preset.extension: preset.media_type for preset in PRESETS.values()}


def about(key: str) -> dict[str, Any]:
    """What is kept with an object: its type by the key's ending, and that we put it, for who watches the bucket."""
    media_type = _MEDIA_TYPES.get(key.rpartition(".")[2], "application/octet-stream")
    return {"ContentType": media_type, "Metadata": MARK}


class S3Uploads:
    """The open uploads of a bucket. Methods with a name of the port's keep its promises."""

    def __init__(self, bucket: Bucket, folder: Path) -> None:
        self.bucket = bucket
        self.folder = folder

    @contextmanager
    def begin(self, key: str, **words: Any) -> Iterator[str]:
        """Open an upload and give its name; it is kept if the context ends well."""
        keys.check(key)
        answer = self.bucket.ask("create_multipart_upload", missing=StorageUnavailable, Key=key, **about(key), **words)
        upload: str = answer["UploadId"]
        try:
            yield upload
        except BaseException:
            with suppress(StorageUnavailable):  # what is raised already says what went wrong
                self.abort(key, upload)
            raise

    def put(self, key: str, upload: str, pieces: Iterable[bytes | bytearray]) -> int:
        """Make the object of pieces that we have, one at a time, and return its size. Raises TooLarge."""
        size, done = 0, []
        for number, piece in enumerate(pieces, 1):
            if number > MOST_PARTS:
                raise TooLarge
            answer = self._upload(
                key, upload, number, piece, missing=StorageUnavailable, ChecksumAlgorithm=PUT_CHECKSUM
            )
            done.append({name: answer[name] for name in ("ETag", "ChecksumSHA256")} | {"PartNumber": number})
            size += len(piece)
        self._complete(key, upload, done, missing=StorageUnavailable)
        return size

    def addresses(self, key: str, upload: str, sizes: Mapping[int, int]) -> Mapping[int, str]:
        """See `ports.Storage`. A part of another length than is said here is refused by S3: it is signed."""
        return {
            number: self.bucket.sign("upload_part", Key=key, UploadId=upload, PartNumber=number, ContentLength=size)
            for number, size in sizes.items()
        }

    def put_part(self, key: str, upload: str, number: int, chunks: Iterable[bytes]) -> Part:
        """See `ports.Storage`. S3 wants to know the length beforehand, so the part is gathered first."""
        if number < 1:
            raise ValueError(number)
        size = 0
        with SpooledTemporaryFile(max_size=IN_MEMORY_BYTES, dir=str(self.folder)) as part:
            for chunk in chunks:
                size += len(chunk)
                if size > LONGEST_PART:
                    raise TooLarge
                with files.in_our_words():
                    part.write(chunk)
            part.seek(0)
            answer = self._upload(key, upload, number, part, ContentLength=size)
        return Part(number, size, etag=_bare(answer["ETag"]))

    def parts(self, key: str, upload: str) -> list[Part]:
        """See `ports.Storage`."""
        pages = self.bucket.pages("list_parts", Key=key, UploadId=upload)
        found = [part for page in pages for part in page.get("Parts", ())]
        return [Part(part["PartNumber"], part["Size"], etag=_bare(part["ETag"])) for part in found]

    def complete(self, key: str, upload: str, parts: Sequence[Part]) -> int:
        """See `ports.Storage`."""
        if not _is_whole(parts) or self.parts(key, upload) != list(parts):
            raise ObjectMissing
        self._complete(key, upload, [{"PartNumber": part.number, "ETag": f'"{part.etag}"'} for part in parts])
        return sum(part.size for part in parts)

    def abort(self, key: str, upload: str) -> None:
        """See `ports.Storage`."""
        with suppress(ObjectMissing):
            self.bucket.ask("abort_multipart_upload", Key=key, UploadId=upload)

    def every(self) -> Iterator[tuple[str, str]]:
        """The uploads of browsers. Those that we put ourselves have an owner, who ends them: see `S3Storage.sweep`."""
        for top in keys.TOPS:
            for page in self.bucket.pages("list_multipart_uploads", Prefix=f"{top}/"):
                now = clock_of(page)
                for each in page.get("Uploads", ()):
                    age = (now - each["Initiated"]).total_seconds()
                    if each.get("ChecksumAlgorithm") != PUT_CHECKSUM and age > HALF_BEGUN_SECONDS:
                        yield each["Key"], each["UploadId"]

    def _upload(self, key: str, upload: str, number: int, body: Any, **words: Any) -> Any:
        return self.bucket.ask("upload_part", Key=key, UploadId=upload, PartNumber=number, Body=body, **words)

    def _complete(self, key: str, upload: str, parts: Sequence[Mapping[str, Any]], **words: Any) -> None:
        named = {"Parts": list(parts)}
        self.bucket.ask("complete_multipart_upload", Key=key, UploadId=upload, MultipartUpload=named, **words)


def _is_whole(parts: Sequence[Part]) -> bool:
    """Whether nothing is missing in between, as far as it can be seen: all but the last are equally long."""
    if not parts or [part.number for part in parts] != list(range(1, len(parts) + 1)):
        return False
    first = parts[0].size
    return all(part.size == first for part in parts[:-1]) and parts[-1].size <= first


def _bare(etag: str) -> str:
    return etag.strip('"')

"""What S3 does that no other storage does, over HTTP; and the app with its files in S3."""

import hashlib
import io
import multiprocessing
import os
import random
import signal
import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa
import urllib3
from botocore.response import StreamingBody
from flask import Flask
from flask.testing import FlaskClient

from tests.doubles import aws
from webapp.adapters import aws as clients
from webapp.adapters.storage import bucket, s3_uploads
from webapp.adapters.storage import s3 as s3_storage
from webapp.adapters.storage.s3 import S3Storage
from webapp.db import db
from webapp.errors import ObjectMissing, PartsMissing, Stopped, StorageUnavailable, TooLarge
from webapp.models import AudioFile, User
from webapp.objects import Part
from webapp.services import completion, library, sweeps, uploads

KEY = "media/1/8b1d/original.wav"
MEBIBYTE = 1024 * 1024
PART_SIZE = 5 * MEBIBYTE
BYTES = random.Random(1).randbytes(20 * MEBIBYTE)


@pytest.fixture
def storage(s3: S3Storage) -> S3Storage:
    """In the place of the one in memory, for the app too."""
    return s3


@pytest.fixture
def outside(aws_address: str) -> Any:
    """A client of our own, to look into the bucket."""
    return aws.client(aws_address)


@pytest.fixture
def no_answer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, aws_address: str) -> S3Storage:
    """A storage whose S3 is down."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
    monkeypatch.setattr(clients, "TRIES", 1)
    return S3Storage(aws.BUCKET, aws.REGION, tmp_path)


@pytest.fixture
def asked(storage: S3Storage) -> list[tuple[str, Any]]:
    """Each call that is made from now on: its name, and its Range if it has one."""
    calls: list[tuple[str, Any]] = []

    def note(model: Any, params: Any, **_: Any) -> None:
        calls.append((model.name, params["headers"].get("Range")))

    storage.bucket.client.meta.events.register("before-call.s3", note)
    return calls


def chunks(size: int, each: int = 100_000) -> Iterator[bytes]:
    whole = BYTES[:size]
    return (whole[at : at + each] for at in range(0, size, each))


def content(storage: S3Storage, key: str = KEY) -> bytes:
    with storage.on_disk(key) as path:
        return path.read_bytes()


def open_uploads(outside: Any) -> list[str]:
    return [each["Key"] for each in outside.list_multipart_uploads(Bucket=aws.BUCKET).get("Uploads", ())]


def put(address: str, body: bytes) -> str:
    """Send a part as a browser does, and return its ETag."""
    answer = urllib3.request("PUT", address, body=body, headers={"Content-Length": str(len(body))})
    assert answer.status == 200, answer.data
    return answer.headers["ETag"].strip('"')


# Where browsers are sent


@pytest.mark.parametrize(
    ("region", "bucket", "origin"),
    [
        ("eu-west-1", "songs", "https://songs.s3.eu-west-1.amazonaws.com"),
        ("us-east-1", "songs", "https://songs.s3.us-east-1.amazonaws.com"),
        ("cn-north-1", "songs", "https://songs.s3.cn-north-1.amazonaws.com.cn"),
        ("eu-west-1", "my.songs", "https://s3.eu-west-1.amazonaws.com"),
    ],
)
def test_browsers_are_sent_to_the_origin_that_is_told(
    monkeypatch: pytest.MonkeyPatch, aws_address: str, tmp_path: Path, region: str, bucket: str, origin: str
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3")
    storage = S3Storage(bucket, region, tmp_path)

    address = storage.addresses(KEY, "name", {1: 5})[1]

    assert storage.origin == origin
    assert address.startswith(f"{origin}/")
    assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in address


def test_an_endpoint_of_ones_own_is_the_origin(storage: S3Storage, aws_address: str) -> None:
    assert storage.origin == aws_address
    assert storage.addresses(KEY, "name", {1: 5})[1].startswith(f"{aws_address}/{aws.BUCKET}/{KEY}?")


def test_an_address_for_a_part_holds_an_hour_and_for_one_length(storage: S3Storage) -> None:
    address = storage.addresses(KEY, "name", {7: 5})[7]

    asked = parse_qs(urlsplit(address).query)
    assert asked["X-Amz-Expires"] == ["3600"]
    assert asked["X-Amz-SignedHeaders"] == ["content-length;host"]
    assert asked["partNumber"] == ["7"]


def test_an_object_is_located_by_an_address_that_names_it(storage: S3Storage) -> None:
    storage.put(KEY, [b"sound"])

    address = storage.locate(KEY, filename='Ü "1".wav', media_type="audio/wav")
    answer = urllib3.request("GET", address)

    assert answer.data == b"sound"
    assert answer.headers["Content-Type"] == "audio/wav"
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    assert "filename*=UTF-8''%C3%9C%20%221%22.wav" in answer.headers["Content-Disposition"]
    assert parse_qs(urlsplit(address).query)["X-Amz-Expires"] == ["3600"]


# Whole objects


@pytest.mark.parametrize(
    "size",
    [0, 1, 8 * MEBIBYTE - 1, 8 * MEBIBYTE, 8 * MEBIBYTE + 1, 20 * MEBIBYTE],
)
def test_objects_of_all_sizes_are_kept_as_they_came(storage: S3Storage, outside: Any, size: int) -> None:
    assert storage.put(KEY, chunks(size)) == size

    assert content(storage) == BYTES[:size]
    assert open_uploads(outside) == []
    kept = outside.head_object(Bucket=aws.BUCKET, Key=KEY)
    assert kept["Metadata"] == {"by": "tapedeck"}
    assert kept["ContentType"] == "audio/wav"


def test_what_browsers_put_is_marked_as_ours_too(storage: S3Storage, outside: Any) -> None:
    with storage.begin(KEY, 3, PART_SIZE) as upload:
        pass
    put(storage.addresses(KEY, upload, {1: 3})[1], b"abc")
    storage.complete(KEY, upload, storage.parts(KEY, upload))

    assert outside.head_object(Bucket=aws.BUCKET, Key=KEY)["Metadata"] == {"by": "tapedeck"}


@pytest.mark.parametrize("error", [ConnectionResetError, KeyboardInterrupt])
def test_a_long_object_that_is_cut_off_leaves_nothing(
    storage: S3Storage, outside: Any, error: type[BaseException]
) -> None:
    def cut_off() -> Iterator[bytes]:
        yield from chunks(18 * MEBIBYTE)
        assert open_uploads(outside) == [KEY]
        raise error

    with pytest.raises(error):
        storage.put(KEY, cut_off())

    assert open_uploads(outside) == []
    assert list(storage.keys()) == []
    assert list(storage.workshop.incoming.iterdir()) == []


def test_an_object_of_more_parts_than_s3_takes_is_too_large(
    storage: S3Storage, outside: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3_uploads, "MOST_PARTS", 1)

    with pytest.raises(TooLarge):
        storage.put(KEY, chunks(17 * MEBIBYTE))

    assert open_uploads(outside) == []


def _put_for_ever(root: Path, said: Any) -> None:
    def some() -> Iterator[bytes]:
        yield from chunks(18 * MEBIBYTE)
        said.set()
        signal.pause()

    S3Storage(aws.BUCKET, aws.REGION, root).put(KEY, some())


def test_a_long_object_whose_taker_died_is_aborted_by_the_sweep_and_a_live_one_is_not(
    storage: S3Storage, outside: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3_uploads, "HALF_BEGUN_SECONDS", -1.0)
    context = multiprocessing.get_context("spawn")
    said = context.Event()
    putter = context.Process(target=_put_for_ever, args=[tmp_path, said])
    putter.start()
    try:
        assert said.wait(60)
        assert storage.sweep() == 0
        assert list(storage.uploads()) == []
        assert open_uploads(outside) == [KEY]
    finally:
        os.kill(putter.pid or 0, signal.SIGKILL)
        putter.join()

    assert storage.sweep() == 1
    assert open_uploads(outside) == []
    assert list(storage.workshop.incoming.iterdir()) == []


def test_only_what_can_be_an_object_of_ours_is_listed(storage: S3Storage, outside: Any) -> None:
    for key in ("media/", "media/1/", "other/1", "mediaeval/1", "media/1/x.wav", "transcoded/1/y.flac"):
        outside.put_object(Bucket=aws.BUCKET, Key=key, Body=b"")

    assert set(dict(storage.keys())) == {"media/1/x.wav", "transcoded/1/y.flac"}


@pytest.mark.parametrize("key", ["../secret", "media/../secret", "/media/1", "media", "", "static/app.css", "media//1"])
def test_a_key_of_something_else_is_refused(storage: S3Storage, tmp_path: Path, key: str) -> None:
    deeds: list[Callable[[], object]] = [
        lambda: storage.put(key, [b"x"]),
        lambda: storage.put_file(key, tmp_path / "x"),
        lambda: storage.begin(key, 10, PART_SIZE).__enter__(),
        lambda: storage.size(key),
        lambda: storage.delete(key),
        lambda: storage.locate(key, filename="x", media_type="audio/wav"),
    ]
    for deed in deeds:
        with pytest.raises(ValueError, match=r"^"):
            deed()


# Glimpses


def test_of_a_small_object_all_is_seen_at_once(storage: S3Storage, asked: list[tuple[str, Any]]) -> None:
    storage.put(KEY, chunks(2 * MEBIBYTE))
    asked.clear()

    seen = []
    for glimpse in storage.glimpses(KEY):
        with glimpse as path:
            seen.append(path.read_bytes())

    assert seen == [BYTES[: 2 * MEBIBYTE]]
    assert asked == [("HeadObject", None), ("GetObject", f"bytes=0-{2 * MEBIBYTE - 1}")]


def test_of_a_big_object_its_ends_are_seen_and_then_more_of_them(
    storage: S3Storage, asked: list[tuple[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3_storage, "ENDS", (1000, 5000, 20_000, 80_000))
    size = 30_000
    storage.put(KEY, chunks(size))
    asked.clear()

    seen = []
    for glimpse in storage.glimpses(KEY):
        with glimpse as path:
            seen.append(path.read_bytes())

    whole = BYTES[:size]
    assert seen == [
        whole[:1000] + bytes(28_000) + whole[-1000:],
        whole[:5000] + bytes(20_000) + whole[-5000:],
        whole,
    ]
    assert [span for _, span in asked] == [
        None, "bytes=0-999", "bytes=29000-29999", "bytes=0-4999", "bytes=25000-29999", "bytes=0-29999",
    ]  # fmt: skip


def test_a_glimpse_takes_no_room_for_what_is_not_fetched(storage: S3Storage) -> None:
    storage.put(KEY, chunks(20 * MEBIBYTE))

    with next(storage.glimpses(KEY)) as path:
        assert path.stat().st_size == 20 * MEBIBYTE
        assert path.stat().st_blocks * 512 < 3 * MEBIBYTE

    assert list(storage.workshop.work.iterdir()) == []


def test_of_what_is_missing_there_is_no_glimpse(storage: S3Storage) -> None:
    with pytest.raises(ObjectMissing):
        next(storage.glimpses(KEY))


# A line that is cut, and work that is stopped


def cut_lines(storage: S3Storage, times: int, after: int, meanwhile: Callable[[], object] = lambda: None) -> None:
    """Have the next answers with an object end too early, each after so many bytes."""
    left = iter(range(times))

    def cut(parsed: dict[str, Any], **_: Any) -> None:
        if "Body" in parsed and next(left, None) is not None:
            with parsed["Body"] as whole:
                parsed["Body"] = StreamingBody(io.BytesIO(whole.read(after)), parsed["ContentLength"])
            meanwhile()

    storage.bucket.client.meta.events.register("after-call.s3.GetObject", cut)


def test_a_cut_line_is_taken_up_again_where_it_was(storage: S3Storage, asked: list[tuple[str, Any]]) -> None:
    storage.put(KEY, chunks(30_000))
    cut_lines(storage, bucket.MOST_GETS - 1, 10_000)
    asked.clear()

    assert content(storage) == BYTES[:30_000]

    assert [span for _, span in asked] == [None, "bytes=0-29999", "bytes=10000-29999", "bytes=20000-29999"]


def test_a_line_that_is_cut_each_time_is_a_storage_that_does_not_answer(
    storage: S3Storage, asked: list[tuple[str, Any]]
) -> None:
    storage.put(KEY, chunks(30_000))
    cut_lines(storage, 100, 1000)
    asked.clear()

    with pytest.raises(StorageUnavailable):
        content(storage)

    assert len(asked) == 1 + bucket.MOST_GETS
    assert list(storage.workshop.work.iterdir()) == []


def test_two_versions_of_an_object_are_not_mixed(storage: S3Storage, outside: Any) -> None:
    storage.put(KEY, chunks(30_000))
    other = bytes(30_000)
    cut_lines(storage, 1, 1000, lambda: outside.put_object(Bucket=aws.BUCKET, Key=KEY, Body=other))

    with pytest.raises(StorageUnavailable):
        content(storage)

    assert content(storage) == other


def test_a_fetch_is_stopped_between_two_chunks(storage: S3Storage) -> None:
    storage.put(KEY, chunks(20 * MEBIBYTE))
    stop = threading.Event()
    storage.bucket.client.meta.events.register("after-call.s3.GetObject", lambda **_: stop.set())

    with pytest.raises(Stopped), storage.on_disk(KEY, stop):
        pass

    assert list(storage.workshop.work.iterdir()) == []


def test_what_is_put_is_stopped_between_two_pieces_and_nothing_is_kept(
    storage: S3Storage, outside: Any, asked: list[tuple[str, Any]]
) -> None:
    stop = threading.Event()
    storage.bucket.client.meta.events.register("after-call.s3.UploadPart", lambda **_: stop.set())
    with storage.workspace() as folder:
        (folder / "out").write_bytes(BYTES)

        with pytest.raises(Stopped):
            storage.put_file(KEY, folder / "out", stop)

    assert [name for name, _ in asked].count("UploadPart") == 1
    assert open_uploads(outside) == []
    assert list(storage.keys()) == []


def test_two_sweeps_at_once_do_not_stumble_over_each_others_notes(storage: S3Storage) -> None:
    for name in "ab":
        (storage.workshop.incoming / f"{name}.putting").write_text(f"{name}\n{KEY}")
    others = iter([storage.sweep])
    events = storage.bucket.client.meta.events
    events.register("after-call.s3.AbortMultipartUpload", lambda **_: next(others, int)())

    assert storage.sweep() == 2

    assert list(storage.workshop.incoming.iterdir()) == []


# Objects in parts


def test_parts_that_browsers_put_make_one_object(storage: S3Storage) -> None:
    with storage.begin(KEY, 11 * MEBIBYTE, PART_SIZE) as upload:
        pass
    sizes = {1: PART_SIZE, 2: PART_SIZE, 3: MEBIBYTE}
    addresses = storage.addresses(KEY, upload, sizes)

    etags = {n: put(addresses[n], BYTES[(n - 1) * PART_SIZE :][: sizes[n]]) for n in (3, 1, 2)}

    assert storage.parts(KEY, upload) == [Part(n, sizes[n], etag=etags[n]) for n in (1, 2, 3)]
    assert storage.complete(KEY, upload, storage.parts(KEY, upload)) == 11 * MEBIBYTE
    assert content(storage) == BYTES[: 11 * MEBIBYTE]


def test_parts_that_come_to_us_are_passed_on(storage: S3Storage) -> None:
    with storage.begin(KEY, 6 * MEBIBYTE, PART_SIZE) as upload:
        pass

    part = storage.put_part(KEY, upload, 1, chunks(PART_SIZE))

    assert part == Part(1, PART_SIZE, etag=hashlib.md5(BYTES[:PART_SIZE]).hexdigest())
    assert storage.parts(KEY, upload) == [part]
    assert list(storage.workshop.work.iterdir()) == []


def test_a_part_that_is_too_short_in_the_middle_completes_nothing(storage: S3Storage) -> None:
    with storage.begin(KEY, 6 * MEBIBYTE, PART_SIZE) as upload:
        pass
    storage.put_part(KEY, upload, 1, [b"short"])
    storage.put_part(KEY, upload, 2, [b"short"])

    with pytest.raises(ObjectMissing):  # S3 itself says EntityTooSmall
        storage.complete(KEY, upload, storage.parts(KEY, upload))
    assert len(storage.parts(KEY, upload)) == 2


def test_parts_of_different_lengths_complete_nothing(storage: S3Storage, short_parts: int) -> None:
    with storage.begin(KEY, 10, short_parts) as upload:
        pass
    for number, part in enumerate((b"aaaa", b"too long"), 1):
        storage.put_part(KEY, upload, number, [part])

    with pytest.raises(ObjectMissing):
        storage.complete(KEY, upload, storage.parts(KEY, upload))


def test_a_part_that_nobody_named_completes_nothing(storage: S3Storage, short_parts: int) -> None:
    with storage.begin(KEY, 10, short_parts) as upload:
        pass
    seen = [storage.put_part(KEY, upload, 1, [b"aaaa"])]
    storage.put_part(KEY, upload, 2, [b"bb"])

    with pytest.raises(ObjectMissing):
        storage.complete(KEY, upload, seen)


def test_a_part_longer_than_s3_takes_is_too_large(storage: S3Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_uploads, "LONGEST_PART", 10)
    with storage.begin(KEY, 10, PART_SIZE) as upload:
        pass

    with pytest.raises(TooLarge):
        storage.put_part(KEY, upload, 1, [b"eleven", b"bytes"])
    assert storage.parts(KEY, upload) == []


def test_more_parts_than_one_answer_lists_are_all_listed(storage: S3Storage, short_parts: int) -> None:
    with storage.begin(KEY, 10, short_parts) as upload:
        pass
    for number in range(1, 6):
        storage.put_part(KEY, upload, number, [b"aaaa"])
    two_at_a_time = {"MaxParts": 2}
    events = storage.bucket.client.meta.events
    events.register("provide-client-params.s3.ListParts", lambda params, **_: params | two_at_a_time)

    assert [part.number for part in storage.parts(KEY, upload)] == [1, 2, 3, 4, 5]
    assert storage.complete(KEY, upload, storage.parts(KEY, upload)) == 20


@pytest.mark.parametrize(("minutes", "is_listed"), [(9, False), (11, True)])
def test_an_upload_is_listed_when_its_beginning_must_have_ended(
    storage: S3Storage, minutes: int, is_listed: bool
) -> None:
    with storage.begin(KEY, 10, PART_SIZE) as upload:
        pass

    def later(parsed: dict[str, Any], **_: Any) -> None:
        for each in parsed.get("Uploads", ()):
            each["Initiated"] -= timedelta(minutes=minutes)

    storage.bucket.client.meta.events.register("after-call.s3.ListMultipartUploads", later)

    assert list(storage.uploads()) == ([(KEY, upload)] if is_listed else [])


# When S3 is away


def test_a_storage_that_does_not_answer_is_told_as_such(no_answer: S3Storage, tmp_path: Path) -> None:
    (tmp_path / "made").write_bytes(b"sound")
    deeds: list[Callable[[], object]] = [
        no_answer.check,
        lambda: no_answer.put(KEY, [b"x"]),
        lambda: no_answer.put(KEY, chunks(9 * MEBIBYTE)),
        lambda: no_answer.put_file(KEY, tmp_path / "made"),
        lambda: no_answer.begin(KEY, 10, PART_SIZE).__enter__(),
        lambda: no_answer.put_part(KEY, "name", 1, [b"x"]),
        lambda: no_answer.parts(KEY, "name"),
        lambda: no_answer.abort(KEY, "name"),
        lambda: list(no_answer.uploads()),
        lambda: no_answer.size(KEY),
        lambda: no_answer.delete(KEY),
        lambda: no_answer.locate(KEY, filename="x", media_type="audio/wav"),
        lambda: list(no_answer.keys()),
        lambda: next(no_answer.glimpses(KEY)),
    ]
    for deed in deeds:
        with pytest.raises(StorageUnavailable):
            deed()
    assert (tmp_path / "made").exists()


def test_a_bucket_that_is_not_there_is_no_object_that_is_missing(aws_address: str, tmp_path: Path) -> None:
    storage = S3Storage("somebody-elses", aws.REGION, tmp_path)

    with pytest.raises(StorageUnavailable):
        storage.check()
    with pytest.raises(StorageUnavailable):
        storage.parts(KEY, "name")
    with pytest.raises(StorageUnavailable):
        storage.put(KEY, [b"x"])


def test_without_credentials_the_storage_does_not_answer(
    storage: S3Storage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    with pytest.raises(StorageUnavailable):
        S3Storage(aws.BUCKET, aws.REGION, tmp_path).addresses(KEY, "name", {1: 1})


# The app with its files in S3


def test_a_file_that_comes_by_the_form_is_kept_in_s3(as_alice: FlaskClient, storage: S3Storage, outside: Any) -> None:
    form = (
        b'--x\r\nContent-Disposition: form-data; name="presets"\r\n\r\nmp3-320\r\n'
        b'--x\r\nContent-Disposition: form-data; name="audio"; filename="song.wav"\r\n\r\n%b\r\n--x--\r\n'
    )

    answer = as_alice.post(
        "/files/", data=form % BYTES[: 12 * MEBIBYTE], content_type="multipart/form-data; boundary=x"
    )

    assert answer.status_code == 303
    file = db.session.scalars(sa.select(AudioFile)).one()
    assert content(storage, file.key) == BYTES[: 12 * MEBIBYTE]
    download = as_alice.get(f"/files/{file.id}/original")
    assert download.status_code == 302
    assert download.location.startswith(f"{storage.origin}/")


def test_a_file_that_browsers_put_in_parts_becomes_a_file(app: Flask, alice: User, storage: S3Storage) -> None:
    whole = BYTES[: 11 * MEBIBYTE]
    upload, _ = uploads.begin(alice, "song.wav", len(whole), ["mp3-320"])
    addresses = uploads.addresses(upload, 1)
    assert sorted(addresses) == [1, 2, 3]
    for number, address in addresses.items():
        put(address, whole[(number - 1) * PART_SIZE : number * PART_SIZE])
    assert uploads.have(upload) == [1, 2, 3]

    file, is_new = completion.complete(alice, upload.id)

    assert is_new
    assert file.size == len(whole)
    assert content(storage, file.key) == whole
    assert completion.complete(alice, file.id) == (file, False)


def test_a_part_of_another_length_is_missing(app: Flask, alice: User, storage: S3Storage) -> None:
    upload, _ = uploads.begin(alice, "song.wav", 6 * MEBIBYTE, ["mp3-320"])
    addresses = uploads.addresses(upload, 1)
    put(addresses[1], BYTES[:PART_SIZE])
    put(addresses[2], b"short")  # S3 itself refuses it, for the length is signed; moto looks at no signature

    with pytest.raises(PartsMissing) as told:
        completion.complete(alice, upload.id)

    assert told.value.missing == [2]
    put(addresses[2], BYTES[PART_SIZE : 6 * MEBIBYTE])
    assert completion.complete(alice, upload.id)[1]


def test_parts_may_come_to_us_all_the_same(app: Flask, alice: User, storage: S3Storage) -> None:
    upload, _ = uploads.begin(alice, "song.wav", PART_SIZE + 3, ["mp3-320"])

    uploads.put_part(alice, upload.id, 1, chunks(PART_SIZE), length=None)
    with pytest.raises(TooLarge):
        uploads.put_part(alice, upload.id, 2, [b"four"], length=None)
    uploads.put_part(alice, upload.id, 2, [b"end"], length=3)

    file, _ = completion.complete(alice, upload.id)
    assert content(storage, file.key) == BYTES[:PART_SIZE] + b"end"


def test_an_upload_that_was_completed_in_s3_before_somebody_was_killed_becomes_a_file(
    app: Flask, alice: User, storage: S3Storage
) -> None:
    upload, _ = uploads.begin(alice, "song.wav", 3, ["mp3-320"])
    uploads.put_part(alice, upload.id, 1, [b"abc"], length=3)
    storage.complete(upload.key, upload.opened_as, storage.parts(upload.key, upload.opened_as))

    file, is_new = completion.complete(alice, upload.id)

    assert is_new
    assert content(storage, file.key) == b"abc"


def test_what_came_without_the_app_is_told_from_what_it_put_and_from_what_is_made_of_it(
    storage: S3Storage, outside: Any
) -> None:
    storage.put(KEY, [b"sound"])
    for key in ("media/1/recorder/x.wav", "transcoded/1/8b1d/wav.wav"):
        outside.put_object(Bucket=aws.BUCKET, Key=key, Body=b"sound")

    assert [storage.is_own(key) for key in (KEY, "transcoded/1/8b1d/wav.wav")] == [True, True]
    assert not storage.is_own("media/1/recorder/x.wav")
    assert not storage.is_own("media/1/recorder/gone.wav")


def test_an_upload_that_no_row_knows_is_swept(
    app: Flask, storage: S3Storage, outside: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3_uploads, "HALF_BEGUN_SECONDS", -1.0)
    with storage.begin(library.original_key(1, uuid.uuid4(), "song.wav"), 10, PART_SIZE):
        pass

    assert sweeps.sweep_storage() == 1
    assert open_uploads(outside) == []

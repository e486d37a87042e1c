"""Uploads in parts: begun with room for all, resumed, forgotten."""

import hashlib
import threading
import uuid
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.factories import AudioFileFactory
from tests.fakes import MemoryStorage
from tests.services.test_originals import limit
from webapp.db import db, utcnow, writing
from webapp.errors import Conflict, CutOff, EmptyFile, NotFound, StorageFull, TooLarge
from webapp.models import Upload, User
from webapp.models.upload import KEPT
from webapp.services import allowance, checksum, completion, jobs, library, originals, sweeps, uploads

PART = checksum.PART_SIZE
SIZE = 2 * PART + 100


def begin(user: User, size: int = SIZE, name: str = "song.wav", fingerprint: str = "it", **given: object) -> Upload:
    return uploads.begin(user, name, size, ["wav", "flac"], fingerprint=fingerprint, **given)[0]  # type: ignore[arg-type]


def send(user: User, upload_id: uuid.UUID, *numbers: int) -> None:
    """Parts that are whole."""
    for number in numbers:
        size = uploads.find(user, upload_id).size_of(number)
        uploads.put_part(user, upload_id, number, [b"x" * size], length=size)


def age(upload_id: uuid.UUID, by: timedelta) -> None:
    with writing():
        db.session.execute(sa.update(Upload).where(Upload.id == upload_id).values(touched_at=utcnow() - by))


def test_it_knows_its_parts_and_takes_the_room_of_all_of_them(alice: User, storage: MemoryStorage) -> None:
    storage.free = SIZE + 1000

    upload = begin(alice)

    assert (upload.count, upload.part_size, upload.size_of(1), upload.size_of(3)) == (3, PART, PART, 100)
    assert upload.key.startswith(f"media/{alice.id}/{upload.id}/")
    assert storage.free == 1000
    assert library.bytes_used(alice.id) == SIZE


def test_a_file_that_is_too_big_for_ten_thousand_parts_has_bigger_ones(alice: User, app: Flask) -> None:
    size = 100 * 1024**3
    limit(app, max_upload_bytes=size, user_quota_bytes=size)

    upload = begin(alice, size)

    assert upload.count <= 10_000
    assert upload.part_size % (1024 * 1024) == 0


def test_the_same_file_chosen_again_goes_on_where_it_stopped(alice: User) -> None:
    first = begin(alice)
    send(alice, first.id, 2)

    again, is_new = uploads.begin(alice, "song.wav", SIZE, ["opus-64"], fingerprint="it")

    assert (again.id, is_new) == (first.id, False)
    assert uploads.have(again) == [2]
    assert again.preset_names == ["opus-64"]


def test_to_go_on_is_a_sign_of_life(alice: User) -> None:
    upload_id = begin(alice).id
    age(upload_id, KEPT - timedelta(hours=1))

    begin(alice)

    assert uploads.find(alice, upload_id).expires_at > utcnow() + timedelta(days=1)


@pytest.mark.parametrize(
    ("fingerprint", "change"), [("it", {"fingerprint": "other"}), ("it", {"size": SIZE - 1}), ("", {})]
)
def test_another_file_is_another_upload(alice: User, fingerprint: str, change: dict[str, Any]) -> None:
    first = begin(alice, fingerprint=fingerprint)

    assert begin(alice, **{"fingerprint": fingerprint} | change).id != first.id


def test_bobs_file_of_the_same_name_is_bobs(alice: User, bob: User) -> None:
    hers, his = begin(alice).id, begin(bob).id

    assert hers != his
    with pytest.raises(NotFound):
        uploads.put_part(bob, hers, 1, [], length=None)
    with pytest.raises(NotFound):
        uploads.discard(bob, hers)


def test_what_the_storage_has_lost_is_begun_anew(alice: User, storage: MemoryStorage) -> None:
    first_id = begin(alice).id
    storage.open.clear()

    with pytest.raises(NotFound):
        send(alice, first_id, 1)
    again, is_new = uploads.begin(alice, "song.wav", SIZE, ["wav"], fingerprint="it")

    assert is_new
    assert again.id != first_id
    assert library.bytes_used(alice.id) == SIZE


def test_what_cannot_end_does_not_begin(alice: User, app: Flask, storage: MemoryStorage) -> None:
    with pytest.raises(EmptyFile):
        begin(alice, 0)
    limit(app, max_upload_bytes=SIZE - 1)
    with pytest.raises(TooLarge, match="bigger than 10 MB"):
        begin(alice)
    limit(app, max_upload_bytes=SIZE, user_quota_bytes=SIZE + 5)
    AudioFileFactory(owner=alice, size=6)
    with pytest.raises(TooLarge, match="not enough room left in your account"):
        begin(alice)
    limit(app, user_quota_bytes=2 * SIZE)
    storage.free = SIZE - 1
    with pytest.raises(StorageFull):
        begin(alice)
    assert storage.open == {}


def test_two_that_begin_cannot_both_have_the_last_room(alice: User, app: Flask) -> None:
    limit(app, user_quota_bytes=SIZE + 5)
    begin(alice)

    with pytest.raises(TooLarge):
        begin(alice, fingerprint="other")


def test_sec_W10_nobody_holds_uploads_without_end(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allowance, "MOST_UPLOADS", 2)
    begin(alice, 1, fingerprint="a")
    begin(alice, 1, fingerprint="b")

    with pytest.raises(TooLarge, match="2 unfinished uploads"):
        begin(alice, 1, fingerprint="c")


def test_two_tabs_that_choose_the_same_file_at_once_share_an_upload(app: Flask, alice: User) -> None:
    owner_id, begun = alice.id, []
    db.session.rollback()
    gate = threading.Barrier(2)

    def choose() -> None:
        with app.app_context():
            user = db.session.get_one(User, owner_id)
            gate.wait()
            begun.append(begin(user).id)

    tabs = [threading.Thread(target=choose) for _ in range(2)]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join()

    assert len(set(begun)) == 1
    assert library.bytes_used(owner_id) == SIZE


@pytest.mark.parametrize(
    ("number", "sent", "announced", "error"),
    [
        (1, PART - 1, None, CutOff),
        (1, PART - 1, PART - 1, CutOff),
        (1, PART + 1, None, TooLarge),
        (1, 0, PART + 1, TooLarge),
        (1, PART - 1, PART, CutOff),
        (3, 99, None, CutOff),
        (3, 101, None, TooLarge),
        (0, 1, None, NotFound),
        (4, 1, None, NotFound),
    ],
)
def test_a_part_of_another_length_than_it_must_have_is_none(
    alice: User, number: int, sent: int, announced: int | None, error: type[Exception]
) -> None:
    upload = begin(alice)

    with pytest.raises(error):
        uploads.put_part(alice, upload.id, number, [b"x" * sent], length=announced)

    assert uploads.have(uploads.find(alice, upload.id)) == []


def test_the_mark_of_a_part_is_told(alice: User) -> None:
    upload = begin(alice, 3)

    part = uploads.put_part(alice, upload.id, 1, [b"a", b"bc"], length=3)

    assert part.etag == hashlib.sha256(b"abc").hexdigest()


def test_a_discarded_upload_gives_its_room_back(alice: User, storage: MemoryStorage) -> None:
    storage.free = 2 * SIZE
    upload_id = begin(alice).id
    send(alice, upload_id, 1)

    uploads.discard(alice, upload_id)

    assert (storage.open, storage.free, library.bytes_used(alice.id)) == ({}, 2 * SIZE, 0)
    with pytest.raises(NotFound):
        send(alice, upload_id, 2)


def test_a_finished_upload_takes_no_part_and_cannot_be_discarded(alice: User, storage: MemoryStorage) -> None:
    upload_id = begin(alice).id
    send(alice, upload_id, 1, 2, 3)
    file, _ = completion.complete(alice, upload_id)

    with pytest.raises(Conflict):
        send(alice, upload_id, 1)
    uploads.discard(alice, upload_id)

    assert library.find(alice, file.id).size == SIZE
    assert file.key in storage.objects


@pytest.mark.parametrize("dies_in", ["submit", "look"])
def test_a_part_that_comes_while_the_upload_is_completed_is_told_so(
    alice: User, storage: MemoryStorage, monkeypatch: pytest.MonkeyPatch, dies_in: str
) -> None:
    upload_id, put_part = begin(alice).id, storage.put_part
    send(alice, upload_id, 1, 2, 3)

    def die(*_: object) -> None:
        raise SystemExit

    def late(key: str, upload: str, number: int, chunks: Iterable[bytes]) -> object:
        with pytest.raises(SystemExit):
            completion.complete(alice, upload_id)
        return put_part(key, upload, number, chunks)

    monkeypatch.setattr(jobs if dies_in == "submit" else originals, dies_in, die)
    monkeypatch.setattr(storage, "put_part", late)
    with pytest.raises(Conflict, match="complete"):
        send(alice, upload_id, 1)


def test_the_unfinished_are_listed_with_what_has_come(alice: User, bob: User) -> None:
    begin(bob)
    older, newer = begin(alice, fingerprint="a"), begin(alice, fingerprint="b")
    send(alice, older.id, 1, 3)

    assert [(upload.id, came) for upload, came in uploads.unfinished(alice).items()] == [
        (newer.id, 0),
        (older.id, PART + 100),
    ]


def test_an_upload_for_which_nothing_comes_expires_and_one_that_lives_does_not(
    alice: User, storage: MemoryStorage
) -> None:
    storage.free = 5 * SIZE
    dead, alive = begin(alice, fingerprint="dead").id, begin(alice, fingerprint="alive").id
    age(dead, KEPT + timedelta(hours=1))
    age(alive, KEPT + timedelta(hours=1))
    send(alice, alive, 1)

    assert sweeps.sweep_if_due(lambda _: None)

    with pytest.raises(NotFound):
        uploads.find(alice, dead)
    assert uploads.have(uploads.find(alice, alive)) == [1]
    assert storage.free == 4 * SIZE


def test_what_no_row_knows_is_given_back_by_the_sweep(alice: User, storage: MemoryStorage) -> None:
    known = begin(alice)
    with storage.begin(library.original_key(alice.id, uuid.uuid4(), "song.wav"), 10, 5):
        pass

    assert sweeps.sweep_this_machine() == 1

    assert [opened.key for opened in storage.open.values()] == [known.key]
    assert uploads.have(known) == []


def test_a_row_whose_upload_was_never_opened_does_not_hold_its_room(alice: User, storage: MemoryStorage) -> None:
    lost, young, alive = (begin(alice, fingerprint=name).id for name in ("lost", "young", "alive"))
    for upload_id in (lost, young):
        storage.open.pop(uploads.find(alice, upload_id).opened_as)
    for upload_id in (lost, alive):
        age(upload_id, sweeps.HALF_BEGUN + timedelta(minutes=1))

    assert sweeps.sweep_this_machine() == 1

    assert {upload.id for upload in db.session.scalars(Upload.of(alice))} == {young, alive}
    assert library.bytes_used(alice.id) == 2 * SIZE


def test_a_row_whose_object_is_whole_waits_for_its_completion(alice: User) -> None:
    upload_id = begin(alice).id
    send(alice, upload_id, 1, 2, 3)
    completion._put_together(uploads.find(alice, upload_id))
    age(upload_id, sweeps.HALF_BEGUN + timedelta(minutes=1))

    assert sweeps.sweep_this_machine() == 0

    assert completion.complete(alice, upload_id)[1]


def test_browsers_may_put_parts_elsewhere_a_hundred_at_a_time(alice: User, storage: MemoryStorage, app: Flask) -> None:
    limit(app, max_upload_bytes=250 * PART)
    upload = begin(alice, 249 * PART + 7)
    assert uploads.addresses(upload, 1) == {}

    storage.elsewhere = "https://bucket.example"

    assert list(uploads.addresses(upload, 1)) == list(range(1, 101))
    last = uploads.addresses(upload, 201)
    assert list(last) == list(range(201, 251))
    assert last[250] == f"https://bucket.example/{upload.key}/250?size=7"


def test_no_transaction_is_open_while_the_storage_is_asked(alice: User, storage: MemoryStorage) -> None:
    lost, here = begin(alice, fingerprint="lost").id, begin(alice).id
    storage.open.pop(uploads.find(alice, lost).opened_as)
    was_open: list[bool] = []
    storage.on_call = lambda: was_open.append(db.session().in_transaction())

    uploads.unfinished(alice)
    uploads.have(uploads.find(alice, here))
    with pytest.raises(NotFound):
        send(alice, lost, 1)
    uploads.forget_if_lost(lost)
    begin(alice)

    assert was_open
    assert not any(was_open)


def test_an_upload_that_goes_while_the_storage_is_asked_can_still_be_told_of(
    alice: User, storage: MemoryStorage
) -> None:
    upload = uploads.find(alice, begin(alice).id)
    listed = uploads.find(alice, begin(alice, fingerprint="other").id)

    def vanish() -> None:
        with writing():
            db.session.execute(sa.delete(Upload).execution_options(synchronize_session=False))

    storage.on_call = vanish

    assert list(uploads.unfinished(alice)) == [listed, upload]
    assert uploads.have(upload) == []
    assert [upload.name, listed.name] == ["song.wav", "song.wav"]
    assert uploads.addresses(upload, 1) == {}

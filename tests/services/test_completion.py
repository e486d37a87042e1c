"""An upload becomes one file, whoever completes it how often and whoever dies meanwhile."""

import threading
import uuid
from pathlib import Path

import pytest
from flask import Flask

from tests.factories import AudioFileFactory
from tests.fakes import FakeProbe, FakeTranscoder, MemoryStorage
from tests.services.test_uploads import SIZE, begin, send
from webapp.db import db
from webapp.errors import Conflict, NotAudio, NotFound, PartsMissing, Unavailable
from webapp.models import AudioFile, Upload, User
from webapp.news import JobStatus
from webapp.services import checksum, completion, jobs, library, originals, sweeps, uploads


def sent(user: User, fingerprint: str = "it", **given: object) -> uuid.UUID:
    """An upload all of whose parts are here."""
    upload = begin(user, fingerprint=fingerprint, **given)  # type: ignore[arg-type]
    send(user, upload.id, *range(1, upload.count + 1))
    return upload.id


def test_it_becomes_the_file_of_the_same_id_with_its_formats_and_batch(
    alice: User, storage: MemoryStorage, transcoder: FakeTranscoder
) -> None:
    batch = uuid.uuid4()
    upload_id = sent(alice, batch=batch)

    file, is_new = completion.complete(alice, upload_id)

    assert (file.id, is_new, file.batch, file.name) == (upload_id, True, batch, "song.wav")
    assert storage.objects[file.key] == b"x" * SIZE
    assert file.checksum == checksum.of_parts(part_marks())
    assert file.status is JobStatus.SUBMITTED
    assert list(transcoder.submitted[0].outputs) == ["wav", "flac"]
    assert library.bytes_used(alice.id) == SIZE


def part_marks() -> list[str]:
    made = checksum.Checksum()
    made.update(b"x" * SIZE)
    return [*made._parts, made._part.hexdigest()]


def test_again_gives_the_same_file(alice: User) -> None:
    upload_id = sent(alice)
    first, _ = completion.complete(alice, upload_id)

    assert completion.complete(alice, upload_id) == (first, False)
    assert library.find(alice, first.id).job.attempt == 1


def test_parts_that_are_missing_are_named_and_can_still_come(alice: User) -> None:
    upload_id = begin(alice).id
    send(alice, upload_id, 2)

    with pytest.raises(PartsMissing) as caught:
        completion.complete(alice, upload_id)

    assert caught.value.missing == [1, 3]
    send(alice, upload_id, 3, 1)
    assert completion.complete(alice, upload_id)[1]


def test_what_is_not_audio_is_refused_each_time_and_leaves_nothing(alice: User, storage: MemoryStorage) -> None:
    upload_id = begin(alice, 9).id
    uploads.put_part(alice, upload_id, 1, [b"not audio"], length=9)

    for _ in range(2):
        with pytest.raises(NotAudio, match="not audio that we can read"):
            completion.complete(alice, upload_id)

    assert (storage.objects, storage.open, library.bytes_used(alice.id)) == ({}, {}, 0)


def test_an_upload_for_whose_look_there_was_no_time_can_be_completed_later(
    alice: User, probe: FakeProbe, monkeypatch: pytest.MonkeyPatch
) -> None:
    def has_no_time(_: Path) -> None:
        raise Unavailable

    upload_id = sent(alice)
    monkeypatch.setattr(probe, "look", has_no_time)
    with pytest.raises(Unavailable):
        completion.complete(alice, upload_id)
    monkeypatch.undo()
    assert uploads.find(alice, upload_id).is_open

    file, is_new = completion.complete(alice, upload_id)

    assert (file.id, is_new) == (upload_id, True)


def test_another_tab_that_completes_too_gets_the_same_file(app: Flask, alice: User, storage: MemoryStorage) -> None:
    upload_id, owner_id, made = sent(alice), alice.id, []
    db.session.rollback()
    gate = threading.Barrier(4)

    def complete() -> None:
        with app.app_context():
            user = db.session.get_one(User, owner_id)
            gate.wait()
            made.append(completion.complete(user, upload_id)[0].id)

    tabs = [threading.Thread(target=complete) for _ in range(4)]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join()

    assert made == [upload_id] * 4
    assert len(storage.objects) == 1
    assert library.listing(alice).total == 1


def test_a_look_that_fails_does_not_touch_the_file_that_another_tab_has_made_meanwhile(
    alice: User, storage: MemoryStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload_id, look = sent(alice), originals.look

    def too_late(key: str, size: int) -> object:
        monkeypatch.setattr(originals, "look", look)
        completion.complete(alice, upload_id)
        raise NotAudio

    monkeypatch.setattr(originals, "look", too_late)
    file, is_new = completion.complete(alice, upload_id)

    assert (file.id, is_new) == (upload_id, False)
    assert storage.objects[file.key] == b"x" * SIZE


def test_parts_that_another_tab_puts_together_meanwhile_are_known_by_their_checksum(
    alice: User, storage: MemoryStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = originals.receive(alice, "first.wav", [b"x" * SIZE], ("wav",), batch=uuid.uuid4())
    upload_id, parts = sent(alice), storage.parts

    def other_tab(key: str, upload: str) -> object:
        monkeypatch.setattr(storage, "parts", parts)
        completion._put_together(uploads.find(alice, upload_id))
        return parts(key, upload)

    monkeypatch.setattr(storage, "parts", other_tab)

    assert completion.complete(alice, upload_id) == (first, False)
    assert list(storage.objects) == [first.key]


def test_a_checksum_that_comes_late_is_not_noted_on_a_closed_upload(
    alice: User, storage: MemoryStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload_id, parts = sent(alice), storage.parts

    def outrun(key: str, upload: str) -> object:
        monkeypatch.setattr(storage, "parts", parts)
        seen = parts(key, upload)
        uploads.put_part(alice, upload_id, 3, [b"y" * 100], length=100)
        completion.complete(alice, upload_id)
        return seen

    monkeypatch.setattr(storage, "parts", outrun)
    file, is_new = completion.complete(alice, upload_id)

    assert not is_new
    assert uploads.find(alice, upload_id).checksum == file.checksum


def test_a_part_that_is_sent_anew_at_the_last_moment_is_never_mixed_in(
    alice: User, storage: MemoryStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload_id = sent(alice)
    complete = storage.complete

    def late(key: str, upload: str, parts: object) -> int:
        monkeypatch.setattr(storage, "complete", complete)
        storage.put_part(key, upload, 3, [b"y" * 100])
        return complete(key, upload, parts)  # type: ignore[arg-type]

    monkeypatch.setattr(storage, "complete", late)
    with pytest.raises(Conflict):
        completion.complete(alice, upload_id)

    file, _ = completion.complete(alice, upload_id)
    assert storage.objects[file.key].endswith(b"xy" + b"y" * 99)


@pytest.mark.parametrize("dies_in", ["look", "add"])
def test_whoever_dies_between_the_parts_and_the_commit_leaves_an_upload_that_can_be_completed(
    alice: User, storage: MemoryStorage, monkeypatch: pytest.MonkeyPatch, dies_in: str
) -> None:
    upload_id = sent(alice)

    def die(*_: object) -> None:
        raise SystemExit

    monkeypatch.setattr(originals, dies_in, die)
    with pytest.raises(SystemExit):
        completion.complete(alice, upload_id)
    monkeypatch.undo()
    assert sweeps.sweep_this_machine() == 0
    again, is_new = uploads.begin(alice, "song.wav", SIZE, ["wav", "flac"], fingerprint="it")
    assert (again.id, is_new, uploads.have(again)) == (upload_id, False, [1, 2, 3])

    file, is_new = completion.complete(alice, upload_id)

    assert is_new
    assert file.checksum == checksum.of_parts(part_marks())
    assert storage.objects[file.key] == b"x" * SIZE


def test_one_that_is_discarded_while_it_is_looked_into_leaves_nothing(
    alice: User, storage: MemoryStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload_id, look = sent(alice), originals.look

    def meanwhile(key: str, size: int) -> object:
        facts = look(key, size)
        uploads.discard(alice, upload_id)
        return facts

    monkeypatch.setattr(originals, "look", meanwhile)
    with pytest.raises(NotFound):
        completion.complete(alice, upload_id)

    assert (storage.objects, library.listing(alice).total, library.bytes_used(alice.id)) == ({}, 0, 0)


def test_a_file_that_is_here_already_is_not_kept_twice_and_gets_the_formats_that_it_lacks(
    alice: User, storage: MemoryStorage, transcoder: FakeTranscoder
) -> None:
    first = originals.receive(alice, "first.wav", [b"x" * SIZE], ("wav",), batch=uuid.uuid4())

    file, is_new = completion.complete(alice, sent(alice))

    assert (file.id, is_new) == (first.id, False)
    assert list(storage.objects) == [first.key]
    assert library.bytes_used(alice.id) == SIZE
    assert [list(spec.outputs) for spec in transcoder.submitted] == [["wav"], ["flac"]]


def test_the_formats_that_a_file_lacks_are_noted_before_anybody_can_die(
    alice: User, transcoder: FakeTranscoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = originals.receive(alice, "first.wav", [b"x" * SIZE], ("wav",), batch=uuid.uuid4())
    upload_id = sent(alice)

    def die(*_: object) -> None:
        raise SystemExit

    for deed in ("submit", "more"):
        monkeypatch.setattr(jobs, deed, die)
    with pytest.raises(SystemExit):
        completion.complete(alice, upload_id)
    monkeypatch.undo()

    assert completion.complete(alice, upload_id) == (first, False)
    assert library.find(alice, first.id).job.preset_names == ["flac"]


def test_another_users_equal_file_is_nobodys_business(alice: User, bob: User) -> None:
    completion.complete(bob, sent(bob))

    assert completion.complete(alice, sent(alice))[1]


def test_a_file_of_the_same_size_is_another_file(alice: User) -> None:
    AudioFileFactory(owner=alice, size=SIZE)

    assert completion.complete(alice, sent(alice))[1]


def test_a_copy_that_is_wanted_is_made(alice: User) -> None:
    completion.complete(alice, sent(alice))

    assert completion.complete(alice, sent(alice, "copy", is_copy=True))[1]
    assert library.listing(alice).total == 2


def test_two_uploads_of_the_same_bytes_make_one_file(app: Flask, alice: User, storage: MemoryStorage) -> None:
    ids, owner_id, made = [sent(alice, "a"), sent(alice, "b")], alice.id, []
    db.session.rollback()
    gate = threading.Barrier(2)

    def complete(upload_id: uuid.UUID) -> None:
        with app.app_context():
            user = db.session.get_one(User, owner_id)
            gate.wait()
            made.append(completion.complete(user, upload_id)[0].id)

    threads = [threading.Thread(target=complete, args=[upload_id]) for upload_id in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(made)) == 1
    assert len(storage.objects) == 1


def test_with_the_file_its_upload_is_forgotten(alice: User) -> None:
    upload_id = sent(alice)
    file, _ = completion.complete(alice, upload_id)

    library.delete(alice, file.id)

    assert db.session.get(Upload, upload_id) is None
    assert db.session.get(AudioFile, upload_id) is None
    with pytest.raises(NotFound):
        completion.complete(alice, upload_id)


def test_no_transaction_is_open_while_the_storage_puts_it_together(alice: User, storage: MemoryStorage) -> None:
    upload_id = sent(alice)
    was_open: list[bool] = []
    storage.on_call = lambda: was_open.append(db.session().in_transaction())

    completion.complete(alice, upload_id)

    assert len(was_open) >= 3
    assert not any(was_open)

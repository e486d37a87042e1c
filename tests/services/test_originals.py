"""Uploads: all or nothing, measured as they pass, and looked at before they are anybody's."""

import dataclasses
import hashlib
import threading
import uuid
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import OperationalError

from tests.fakes import FakeProbe, FakeTranscoder, MemoryStorage
from webapp.config import Config
from webapp.db import db
from webapp.errors import CutOff, EmptyFile, NotAudio, StorageFull, TooLarge, Unavailable
from webapp.models import AudioFile, User
from webapp.news import JobStatus
from webapp.services import library, originals

SOUND = b"RIFF" + b"sound" * 200
# Of one part.
CHECKSUM = hashlib.sha256(hashlib.sha256(SOUND).digest()).hexdigest()


def receive(user: User, content: bytes = SOUND, name: str = "song.wav", **given: object) -> AudioFile:
    chunks = [content[i : i + 100] for i in range(0, len(content), 100)]
    return originals.receive(user, name, chunks, ("wav", "flac"), **{"batch": uuid.uuid4(), **given})  # type: ignore[arg-type]


def count(model: type[AudioFile]) -> int:
    db.session.rollback()  # what other threads have committed is seen by a new transaction
    return db.session.scalar(sa.select(sa.func.count()).select_from(model)) or 0


def limit(app: Flask, **changed: int) -> None:
    app.extensions["settings"] = dataclasses.replace(app.extensions["settings"], **changed)


def test_what_is_received_is_kept_whole_and_its_job_begun(
    alice: User, storage: MemoryStorage, transcoder: FakeTranscoder
) -> None:
    file = receive(alice)

    assert storage.objects == {file.key: SOUND}
    assert (file.size, file.checksum) == (len(SOUND), CHECKSUM)
    assert file.status is JobStatus.SUBMITTED
    assert list(transcoder.submitted[0].outputs) == ["wav", "flac"]


def test_the_clients_name_is_shown_but_is_no_part_of_the_key(alice: User) -> None:
    file = receive(alice, name="../../etc/pass wd<b>.MP3")

    assert file.name == "pass wd<b>.MP3"
    assert file.key.startswith(f"media/{alice.id}/{file.id}/")
    assert file.key.endswith(".mp3")
    assert "pass" not in file.key


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("C:\\music\\a.wav", "a.wav"),
        ("a\nb\x00c.wav", "a b c.wav"),
        ("", "Untitled"),
        ("…/", "Untitled"),
        ("ø" * 300 + ".wav", "ø" * 255),
        ("\u202egnp.wav", "gnp.wav"),
        ("-rf.wav", "-rf.wav"),
    ],
)
def test_names_are_made_fit_to_be_shown(name: str, shown: str) -> None:
    assert library.clean_name(name) == shown


@pytest.mark.parametrize(
    ("content", "error"), [(b"", EmptyFile), (b"not audio at all", NotAudio), (b"x" * 2000, TooLarge)]
)
def test_what_is_refused_leaves_nothing_behind(
    app: Flask, alice: User, storage: MemoryStorage, content: bytes, error: type[Exception]
) -> None:
    limit(app, max_upload_bytes=1500)

    with pytest.raises(error):
        receive(alice, content)

    assert storage.objects == {}
    assert count(AudioFile) == 0


def test_a_file_for_whose_look_there_was_no_time_may_come_again(
    alice: User, storage: MemoryStorage, probe: FakeProbe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "look", _has_no_time)
    with pytest.raises(Unavailable):
        receive(alice)
    monkeypatch.undo()
    assert storage.objects == {}

    assert receive(alice).status is not JobStatus.ERROR


def _has_no_time(_: Path) -> None:
    raise Unavailable


def test_a_file_of_just_the_most_bytes_is_taken(app: Flask, alice: User) -> None:
    limit(app, max_upload_bytes=len(SOUND), user_quota_bytes=len(SOUND))

    assert receive(alice).size == len(SOUND)


def test_over_the_quota_is_refused_and_the_first_file_stays(app: Flask, alice: User, storage: MemoryStorage) -> None:
    limit(app, user_quota_bytes=len(SOUND) + 10)
    file = receive(alice)

    with pytest.raises(TooLarge, match="not enough room left in your account"):
        receive(alice)

    assert list(storage.objects) == [file.key]


def test_two_that_arrive_together_cannot_both_take_the_last_room(app: Flask, alice: User) -> None:
    limit(app, user_quota_bytes=len(SOUND) + 10)
    user_id, both_are_here = alice.id, threading.Barrier(2)
    errors: list[Exception] = []

    def chunks() -> Iterator[bytes]:
        yield SOUND
        both_are_here.wait(10)

    def send() -> None:
        with app.app_context():
            try:
                user = db.session.get_one(User, user_id)
                originals.receive(user, "a.wav", chunks(), ("wav",), batch=uuid.uuid4())
            except TooLarge as exc:
                errors.append(exc)

    threads = [threading.Thread(target=send) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(errors) == 1
    assert count(AudioFile) == 1


def test_sec_R6_a_full_disk_keeps_nothing_and_passes(alice: User, storage: MemoryStorage) -> None:
    storage.free = 300
    with pytest.raises(StorageFull):
        receive(alice)
    assert storage.objects == {}

    storage.free = None

    assert receive(alice).size == len(SOUND)


def test_the_last_room_of_the_disk_is_not_taken(
    alice: User, storage: MemoryStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "free_bytes", lambda: 300)

    with pytest.raises(StorageFull):
        receive(alice)

    assert storage.objects == {}


def test_what_is_cut_off_is_not_kept(alice: User, storage: MemoryStorage) -> None:
    def chunks() -> Iterator[bytes]:
        yield SOUND
        raise CutOff

    with pytest.raises(CutOff):
        originals.receive(alice, "song.wav", chunks(), ("wav",), batch=uuid.uuid4())

    assert storage.objects == {}
    assert count(AudioFile) == 0


def test_sec_R7_the_same_once_gives_the_same_file(alice: User, storage: MemoryStorage) -> None:
    first = receive(alice, once="one")
    second = receive(alice, once="one")

    assert first.id == second.id
    assert len(storage.objects) == 1


def test_sec_R7_a_double_click_that_arrives_together_makes_one_file(
    app: Flask, alice: User, storage: MemoryStorage
) -> None:
    user_id, both_are_here = alice.id, threading.Barrier(2)
    made: list[uuid.UUID] = []

    def chunks() -> Iterator[bytes]:
        yield SOUND
        both_are_here.wait(10)

    def send() -> None:
        with app.app_context():
            user = db.session.get_one(User, user_id)
            made.append(originals.receive(user, "a.wav", chunks(), ("wav",), batch=uuid.uuid4(), once="1").id)

    threads = [threading.Thread(target=send) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(made) == 2
    assert len(set(made)) == 1
    assert len(storage.objects) == 1


def test_another_file_from_a_page_that_was_left_open_is_another_file(alice: User) -> None:
    first = receive(alice, once="one")

    second = receive(alice, SOUND + b"and more", once="one")

    assert second.id != first.id
    assert second.size == len(SOUND) + 8


def test_equal_bytes_sent_twice_make_two_files(alice: User) -> None:
    assert receive(alice).id != receive(alice).id


def test_a_line_to_the_database_that_is_cut_in_the_commit_takes_no_object_from_a_file(
    alice: User, storage: MemoryStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = originals._commit

    def cut(*given: Any) -> None:
        commit(*given)
        raise OperationalError("COMMIT", {}, Exception("the line is cut"), connection_invalidated=True)

    monkeypatch.setattr(originals, "_commit", cut)

    with pytest.raises(OperationalError):
        receive(alice)

    db.session.rollback()
    file = db.session.scalars(sa.select(AudioFile)).one()
    assert list(storage.objects) == [file.key]


def test_a_file_is_accepted_while_the_queue_is_down(alice: User, transcoder: FakeTranscoder) -> None:
    transcoder.is_down = True

    assert receive(alice).status is JobStatus.CREATED


def test_deleting_removes_the_objects_and_another_cannot(alice: User, bob: User, storage: MemoryStorage) -> None:
    file = receive(alice)
    file_id = file.id

    library.delete(bob, file_id)
    assert len(storage.objects) == 1
    library.delete(alice, file_id)
    library.delete(alice, file_id)

    assert storage.objects == {}
    assert count(AudioFile) == 0


def test_room_comes_back_with_deleting(app: Flask, alice: User, config: Config) -> None:
    limit(app, user_quota_bytes=len(SOUND))
    file = receive(alice)
    assert library.bytes_used(alice.id) == len(SOUND)

    library.delete(alice, file.id)

    assert receive(alice).size == len(SOUND)


def test_a_file_that_shows_what_it_is_only_when_more_of_it_is_seen_is_taken(
    alice: User, storage: MemoryStorage, probe: FakeProbe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ends").write_bytes(b"not audio, as far as its ends can tell")
    (tmp_path / "whole").write_bytes(SOUND)
    seen = iter([nullcontext(tmp_path / "ends"), nullcontext(tmp_path / "whole")])
    monkeypatch.setattr(storage, "glimpses", lambda key: seen)

    assert receive(alice).codec == probe.facts.codec
    assert next(seen, None) is None

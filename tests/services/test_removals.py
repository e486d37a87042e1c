"""Originals whose files were deleted go, if not at once, then later."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.fakes import MemoryStorage
from webapp.db import db, utcnow, writing
from webapp.errors import StorageUnavailable
from webapp.models import AudioFile, Removal, User
from webapp.services import library, removals


@pytest.fixture
def left(alice: User, song: AudioFile, storage: MemoryStorage) -> str:
    """The key of an original that could not be deleted with its file."""
    key = song.key
    storage.put(key, [b"sound"])
    storage.foreign = {key}
    storage.is_down = True
    with pytest.raises(StorageUnavailable):
        library.delete(alice, song.id)
    storage.is_down = False
    return key


def remembered() -> int:
    db.session.rollback()
    return db.session.scalar(sa.select(sa.func.count()).select_from(Removal)) or 0


def age(**ago: float) -> None:
    with writing():
        db.session.execute(sa.update(Removal).values(removed_at=utcnow() - timedelta(**ago)))


def test_what_could_not_be_deleted_is_deleted_later_and_once(left: str, storage: MemoryStorage) -> None:
    assert removals.finish() == 1
    storage.put(left, [b"another"])

    assert removals.finish() == 0

    assert list(storage.objects) == [left]


def test_what_was_deleted_at_once_is_not_deleted_again(alice: User, song: AudioFile, storage: MemoryStorage) -> None:
    key = song.key
    library.delete(alice, song.id)
    storage.put(key, [b"another"])

    assert removals.finish() == 0

    assert list(storage.objects) == [key]


def test_while_the_storage_is_down_nothing_is_lost(left: str, storage: MemoryStorage) -> None:
    storage.is_down = True
    age(days=31)

    assert removals.finish() == 0

    storage.is_down = False
    assert removals.finish() == 1
    assert storage.objects == {}


def test_it_is_remembered_for_a_month(alice: User, song: AudioFile) -> None:
    library.delete(alice, song.id)
    age(days=29)
    removals.finish()
    assert remembered() == 1

    age(days=31)
    removals.finish()

    assert remembered() == 0


def test_a_deletion_that_is_rolled_back_removes_nothing(
    alice: User, song: AudioFile, storage: MemoryStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def made(*args: object, **more: object) -> int:
        raise RuntimeError

    storage.put(song.key, [b"sound"])
    monkeypatch.setattr("webapp.services.library.changes.made", made)
    with pytest.raises(RuntimeError):
        library.delete(alice, song.id)

    assert removals.finish() == 0

    assert remembered() == 0
    assert len(storage.objects) == 1

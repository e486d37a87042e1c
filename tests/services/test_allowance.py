"""What one user may have at once (W10): refused in words, in a race too, and nothing is lost by it.

Each of the races fails without the check in the transaction that holds the owner's lock: in `originals._commit`,
`uploads._open` and `jobs._try_again`.
"""

import threading
import uuid
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.factories import AudioFileFactory, finish
from tests.fakes import FakeTranscoder, MemoryStorage
from webapp.db import db
from webapp.errors import AppError, TooLarge, TooMuchWaiting
from webapp.models import AudioFile, Rendition, Upload, User
from webapp.news import JobStatus
from webapp.services import allowance, completion, jobs, originals, selection, uploads

SOUND = b"sound" * 2
PRESETS = ("wav", "flac")


def race(app: Flask, who: User, *deeds: Callable[[User], object]) -> list[str]:
    """Do all of it at once, and return what each was refused for, or an empty text."""
    owner_id, told = who.id, []
    db.session.rollback()

    def do(deed: Callable[[User], object]) -> None:
        with app.app_context():
            try:
                deed(db.session.get_one(User, owner_id))
                told.append("")
            except AppError as exc:
                told.append(type(exc).__name__)

    threads = [threading.Thread(target=do, args=[deed]) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(told)


def sending(together: threading.Barrier) -> Callable[[User], object]:
    """A file of which the first byte has come when the first bytes of all have."""

    def chunks() -> Iterator[bytes]:
        together.wait()
        yield SOUND

    return lambda user: originals.receive(user, "song.wav", chunks(), PRESETS, batch=uuid.uuid4())


def count(of: type[AudioFile | Rendition | Upload]) -> int:
    db.session.rollback()
    return db.session.scalar(sa.select(sa.func.count()).select_from(of)) or 0


def begin(user: User) -> Upload:
    return uploads.begin(user, "song.wav", len(SOUND), PRESETS, is_copy=True)[0]


def test_sec_W10_of_two_that_send_the_last_file_at_once_one_is_refused(
    app: Flask, alice: User, storage: MemoryStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(allowance, "MOST_FILES", 1)
    together = threading.Barrier(2)

    assert race(app, alice, sending(together), sending(together)) == ["", "TooLarge"]

    assert (count(AudioFile), len(storage.objects)) == (1, 1)
    with pytest.raises(TooLarge, match=r"You have 1 files, the most that an account may have\."):
        originals.receive(alice, "song.wav", [SOUND], PRESETS, batch=uuid.uuid4())


def test_sec_W10_what_waits_is_limited_for_those_who_send_at_once_too(
    app: Flask, alice: User, storage: MemoryStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(allowance, "MOST_WAITING", 3)
    together = threading.Barrier(2)

    assert race(app, alice, sending(together), sending(together)) == ["", "TooMuchWaiting"]

    assert (count(Rendition), len(storage.objects)) == (2, 1)


def test_sec_W10_of_those_who_begin_at_once_no_more_get_room_than_may(
    app: Flask, alice: User, storage: MemoryStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(allowance, "MOST_UPLOADS", 2)
    together = threading.Barrier(4)
    # Whoever asks for room has been looked at once before.
    storage.on_call = lambda: threading.current_thread() is threading.main_thread() or together.wait()

    assert race(app, alice, *[begin] * 4) == ["", "", "TooLarge", "TooLarge"]

    assert (count(Upload), len(storage.open)) == (2, 2)


def test_sec_W10_who_could_begin_can_complete(
    alice: User, storage: MemoryStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(allowance, "MOST_FILES", 2)
    monkeypatch.setattr(allowance, "MOST_WAITING", 4)
    begun = [begin(alice).id, begin(alice).id]
    with pytest.raises(TooLarge, match="2 files"):
        begin(alice)

    for upload_id in begun:
        uploads.put_part(alice, upload_id, 1, [SOUND], length=len(SOUND))
        completion.complete(alice, upload_id)

    assert (count(AudioFile), count(Rendition)) == (2, 4)
    monkeypatch.setattr(allowance, "MOST_FILES", 100)
    with pytest.raises(TooMuchWaiting, match="waiting already"):
        begin(alice)


def test_sec_W10_more_formats_and_retries_are_limited_and_change_nothing_then(
    app: Flask, alice: User, monkeypatch: pytest.MonkeyPatch, transcoder: FakeTranscoder
) -> None:
    failed, ready = (AudioFileFactory(owner=alice, presets=PRESETS) for _ in range(2))
    finish(failed.job, JobStatus.ERROR)
    finish(ready.job)
    failed_id, ready_id = failed.id, ready.id
    monkeypatch.setattr(allowance, "MOST_WAITING", 2)

    def more(user: User) -> None:
        jobs.more(user, ready_id, ["ogg-q6"])

    assert race(app, alice, more, lambda user: jobs.retry(user, failed_id)) == ["", "TooMuchWaiting"]
    with pytest.raises(TooMuchWaiting):
        jobs.more(alice, ready_id, ["aiff", "alac"])
    monkeypatch.setattr(allowance, "MOST_WAITING", 0)
    db.session.rollback()
    jobs.more(alice, ready_id, ["wav"])  # it is there already: nothing is asked for
    if selection.of(alice, [failed_id])[0].unready:
        with pytest.raises(TooMuchWaiting):
            selection.do("retry", alice, [failed_id])

    assert len(transcoder.submitted) == 1

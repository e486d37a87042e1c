"""Files that came to the storage without us become their owner's, with the job that converts them."""

import uuid
from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.factories import rendition, told
from tests.fakes import FakeTranscoder, MemoryStorage
from webapp.db import db, utcnow, writing
from webapp.errors import StorageUnavailable, TranscoderUnavailable, Unavailable
from webapp.models import AudioFile, Kind, TranscodeJob, User
from webapp.news import JobStatus, Report, Result
from webapp.ports import Facts
from webapp.services import adoptions, claims, library, originals, outside, sweeps

ID = "1671476818694-phptj0"
PROGRESSING, COMPLETE, ERROR = JobStatus.PROGRESSING, JobStatus.COMPLETE, JobStatus.ERROR


@pytest.fixture
def key(alice: User, storage: MemoryStorage) -> str:
    """A sound that somebody has put into the bucket."""
    name = f"media/{alice.id}/band/My Song #1.wav"
    storage.objects[name] = b"sound"
    return name


def keys(key: str, *names: str) -> list[str]:
    """Where the Lambda lets the renditions be put."""
    file_id = uuid.uuid5(uuid.NAMESPACE_URL, key)
    return [f"transcoded/{key.split('/')[1]}/{file_id}/{name}" for name in names]


def files() -> list[AudioFile]:
    db.session.rollback()
    return list(db.session.scalars(sa.select(AudioFile)))


def test_a_finished_one_is_a_file_with_what_was_made(alice: User, key: str, storage: MemoryStorage) -> None:
    made = keys(key, "wav.wav", "opus-64.opus")
    storage.objects |= dict.fromkeys(made, b"1234")

    assert outside.hear(Report(ID, COMPLETE, source=key, results={k: Result(COMPLETE, 9.0) for k in made}))

    (file,) = files()
    assert (file.owner_id, file.name, file.size, file.checksum) == (alice.id, "My Song #1.wav", 5, "")
    assert file.id == uuid.uuid5(uuid.NAMESPACE_URL, key)
    assert [(r.preset_name, r.key, r.status, r.seconds) for r in file.in_order] == [
        ("wav", made[0], COMPLETE, 9.0),
        ("opus-64", made[1], COMPLETE, 9.0),
    ]
    assert (file.job.external_id, file.status) == (ID, COMPLETE)
    assert [note.kind for note in told(alice)] == [Kind.COMPLETE]


def test_one_that_has_just_begun_is_shown_and_ends_later(alice: User, key: str, storage: MemoryStorage) -> None:
    assert outside.hear(Report(ID, PROGRESSING, source=key, stage="probing"))
    (file,) = files()
    assert (file.status, file.job.stage) == (PROGRESSING, "probing")
    storage.objects |= dict.fromkeys(keys(key, "wav.wav", "flac.flac", "mp4.mp4"), b"1234")

    assert outside.hear(Report(ID, COMPLETE, source=key))
    assert not outside.hear(Report(ID, COMPLETE, source=key))

    assert [file.status for file in files()] == [COMPLETE]
    assert len(told(alice)) == 1


def test_which_formats_are_being_made_is_asked(key: str, transcoder: FakeTranscoder) -> None:
    transcoder.says[ID] = Report(ID, PROGRESSING, results={keys(key, "aiff.aiff")[0]: Result(PROGRESSING)})

    outside.hear(Report(ID, PROGRESSING, source=key))

    assert [r.preset_name for r in files()[0].renditions] == ["aiff"]


def test_a_number_in_the_key_is_the_files(alice: User, storage: MemoryStorage) -> None:
    number = uuid.uuid4()
    storage.objects[f"media/{alice.id}/{number}/a.wav"] = b"sound"

    outside.hear(Report(ID, PROGRESSING, source=f"media/{alice.id}/{number}/a.wav"))

    assert [file.id for file in files()] == [number]


def test_a_failure_is_told_too(alice: User, key: str) -> None:
    outside.hear(Report(ID, ERROR, source=key, error="There is no sound in this file."))

    assert [(note.kind, note.text) for note in told(alice)] == [(Kind.ERROR, "There is no sound in this file.")]


def test_neither_our_workers_nor_the_sweep_begin_what_is_being_made(key: str, transcoder: FakeTranscoder) -> None:
    outside.gather(Report(ID, PROGRESSING, source=key))
    with writing():
        db.session.execute(sa.update(TranscodeJob).values(created_at=utcnow() - timedelta(minutes=1)))

    outline = claims.take()
    sweeps.sweep_jobs(lambda count: None)

    assert outline is not None
    assert outline.preset is None
    assert claims.take() is None
    assert transcoder.submitted == []


@pytest.mark.parametrize(
    "source",
    [
        "media/{user}9/a.wav",
        "media/0{user}/a.wav",
        "media/-1/a.wav",
        "media/x/a.wav",
        "media/99999999999999999999/a.wav",
        "media/{user}/",
        "media/{user}",
        "transcoded/{user}/a.wav",
        "media/{user}/gone.wav",
        "media/{user}/a\0.wav",
        "media/{user}/" + "x" * 250,
        "media/{user}/empty.wav",
        "media/{user}/text.wav",
        "../media/{user}/a.wav",
        "media/{user}/../a.wav",
        "media/{user}/./a.wav",
        "media/{user}//a.wav",
        "media/{user}/.",
        "media/{user}/..",
        "",
    ],
)
def test_what_is_no_sound_of_a_user_is_left(alice: User, storage: MemoryStorage, source: str) -> None:
    source = source.format(user=alice.id)
    storage.objects |= dict.fromkeys((source, f"media/{alice.id}/a.wav"), b"sound")  # `put` takes no such keys
    storage.objects.pop(f"media/{alice.id}/gone.wav", None)
    storage.objects[f"media/{alice.id}/empty.wav"] = b""
    storage.objects[f"media/{alice.id}/text.wav"] = b"not audio"

    assert not outside.hear(Report(ID, COMPLETE, source=source))

    assert files() == []


def test_a_file_that_is_here_already_is_left_as_it_is(alice: User, song: AudioFile, storage: MemoryStorage) -> None:
    storage.objects[song.key] = b"sound"

    assert not outside.hear(Report(ID, COMPLETE, source=song.key))

    assert [file.status for file in files()] == [JobStatus.CREATED]


def test_nobody_gets_into_anothers_file(alice: User, bob: User, song: AudioFile, storage: MemoryStorage) -> None:
    source = f"media/{bob.id}/{song.id}/a.wav"
    storage.objects[source] = b"sound"

    assert not outside.hear(Report(ID, COMPLETE, source=source))

    assert [file.owner_id for file in files()] == [alice.id]


def test_one_that_was_deleted_here_does_not_come_back(alice: User, key: str) -> None:
    outside.hear(Report(ID, PROGRESSING, source=key))
    library.delete(alice, files()[0].id)

    assert not outside.hear(Report(ID, COMPLETE, source=key))

    assert files() == []


def test_one_that_is_being_deleted_does_not_come_back_in_the_meantime(
    alice: User, key: str, transcoder: FakeTranscoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = []

    def cancel(external_id: str | None) -> None:
        heard.append(outside.hear(Report(ID, ERROR, source=key)))

    outside.hear(Report(ID, PROGRESSING, source=key))
    monkeypatch.setattr(transcoder, "cancel", cancel)

    library.delete(alice, files()[0].id)

    assert heard == [False]
    assert files() == []


def test_one_whose_object_could_not_be_deleted_does_not_come_back(
    alice: User, key: str, storage: MemoryStorage
) -> None:
    outside.hear(Report(ID, PROGRESSING, source=key))
    storage.is_down = True
    with pytest.raises(StorageUnavailable):
        library.delete(alice, files()[0].id)
    storage.is_down = False

    assert not outside.hear(Report(ID, COMPLETE, source=key))
    assert not outside.hear(Report("1-twin", COMPLETE, source=key))

    assert files() == []


def test_one_that_is_deleted_while_a_second_message_of_it_is_taken_in_does_not_come_back(
    alice: User, key: str, storage: MemoryStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second message's thread is in another process, and has looked into the object already."""
    look = originals.look

    def look_for_long(key: str, size: int) -> Facts:
        found = look(key, size)
        monkeypatch.setattr(originals, "look", look)
        adoptions._under_way.clear()
        outside.hear(Report(ID, PROGRESSING, source=key))
        library.delete(alice, files()[0].id)
        adoptions._under_way.add(key)
        return found

    monkeypatch.setattr(originals, "look", look_for_long)

    assert not outside.hear(Report(ID, PROGRESSING, source=key))

    assert files() == []


def test_what_is_put_anew_after_it_was_deleted_is_another_file(alice: User, key: str, storage: MemoryStorage) -> None:
    outside.hear(Report(ID, PROGRESSING, source=key))
    library.delete(alice, files()[0].id)
    storage.objects[key] = b"new sound"

    assert not outside.hear(Report(ID, COMPLETE, source=key))
    assert outside.hear(Report("1671476818695-second", PROGRESSING, source=key))

    assert [file.size for file in files()] == [len(b"new sound")]


def test_a_file_is_taken_in_once_at_a_time(key: str, storage: MemoryStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    size, refused = storage.size, []

    def size_after_a_while(key: str) -> int:
        with pytest.raises(Unavailable) as again:
            outside.hear(Report(ID, PROGRESSING, source=key))
        refused.append(again.type)
        return size(key)

    monkeypatch.setattr(storage, "size", size_after_a_while)
    assert outside.hear(Report(ID, PROGRESSING, source=key))

    assert refused == [Unavailable]


def test_canceled_before_it_was_known_is_nothing(key: str) -> None:
    assert not outside.hear(Report(ID, JobStatus.CANCELED, source=key))

    assert files() == []


def test_trouble_of_ours_lets_the_news_come_again(key: str, storage: MemoryStorage, transcoder: FakeTranscoder) -> None:
    storage.is_down = True
    with pytest.raises(StorageUnavailable):
        outside.hear(Report(ID, PROGRESSING, source=key))
    storage.is_down, transcoder.is_down = False, True
    with pytest.raises(TranscoderUnavailable):
        outside.hear(Report(ID, PROGRESSING, source=key))
    transcoder.is_down = False

    assert outside.hear(Report(ID, PROGRESSING, source=key))


def test_what_is_made_has_its_size_and_its_length(key: str, storage: MemoryStorage) -> None:
    made = keys(key, "wav.wav")
    storage.objects |= dict.fromkeys(made, b"1234")
    outside.hear(Report(ID, COMPLETE, source=key, results={made[0]: Result(COMPLETE)}))

    made_of = rendition(files()[0], "wav")

    assert (made_of.size, made_of.seconds) == (4, 10.0)

"""Download all: what is in it, what it is called, and what is said of the rest."""

import io
import zipfile
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from tests.factories import AudioFileFactory, finish, rendition
from tests.fakes import MemoryStorage
from webapp.db import db, writing
from webapp.models import AudioFile, Tagging, User
from webapp.news import JobStatus
from webapp.services.zipping import Broken

TAGS = {"artist": "Ana Ölberg", "title": "Interview: AC/DC?"}


def keep(storage: MemoryStorage, file: AudioFile, *presets: str) -> None:
    """These renditions are ready, with ten bytes each."""
    finish(file.job, JobStatus.COMPLETE, *presets)
    for preset in presets:
        storage.put(rendition(file, preset).key, [f"{preset:.<10}".encode()])


def opened(body: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_all_that_is_ready_of_a_file_is_named_after_its_tags(
    as_alice: FlaskClient, alice: User, storage: MemoryStorage
) -> None:
    file = AudioFileFactory(owner=alice, presets=("flac", "mp3-320", "mp3-192"))
    keep(storage, file, "flac", "mp3-320", "mp3-192")
    with writing():
        file.tags = TAGS

    answer = as_alice.get(f"/files/{file.id}/archive.zip")

    assert (answer.status_code, answer.mimetype) == (200, "application/zip")
    assert answer.content_length == len(answer.data)
    assert "Ana%20%C3%96lberg%20-%20Interview_%20AC_DC_.zip" in answer.headers["Content-Disposition"]
    stem = "Ana Ölberg - Interview_ AC_DC_"
    assert opened(answer.data) == {
        f"{stem}.flac": b"flac......",
        f"{stem} (MP3 320).mp3": b"mp3-320...",
        f"{stem} (MP3 192).mp3": b"mp3-192...",
    }


# A worker was killed between the object and its row, three times.
def test_what_was_left_in_the_midst_of_getting_tags_is_as_long_as_it_is(
    as_alice: FlaskClient, alice: User, storage: MemoryStorage
) -> None:
    file = AudioFileFactory(owner=alice, presets=("wav",))
    keep(storage, file, "wav")
    storage.put(rendition(file, "wav").key, [b"longer, with tags"])
    with writing():
        db.session.add(Tagging(audio_file_id=file.id, status=JobStatus.ERROR))

    answer = as_alice.get(f"/files/{file.id}/archive.zip")

    assert opened(answer.data) == {"song.wav": b"longer, with tags"}


def test_what_is_missing_is_said_in_the_archive_and_nothing_ready_is_404(
    as_alice: FlaskClient, alice: User, storage: MemoryStorage
) -> None:
    file = AudioFileFactory(owner=alice, presets=("wav", "flac", "mp4"))
    assert as_alice.get(f"/files/{file.id}/archive.zip").status_code == 404
    keep(storage, file, "wav")
    finish(file.job, JobStatus.ERROR, "flac", error="It is damaged.")

    found = opened(as_alice.get(f"/files/{file.id}/archive.zip").data)

    assert list(found) == ["song.wav", "What is missing.txt"]
    said = found["What is missing.txt"].decode().splitlines()
    assert said[2:] == ["song.wav: FLAC: Failed", "song.wav: MP4: Queued"]


def test_a_selection_has_a_folder_for_each_format_and_only_what_is_ones_own(
    as_alice: FlaskClient, alice: User, bob: User, storage: MemoryStorage
) -> None:
    mine = [AudioFileFactory(owner=alice, presets=("wav", "flac")) for _ in range(2)]
    theirs = AudioFileFactory(owner=bob, presets=("wav",))
    for file in mine:
        keep(storage, file, "wav", "flac")
    keep(storage, theirs, "wav")

    sent = as_alice.post("/files/selected", data={"deed": "download", "files": [f.id for f in (*mine, theirs)]})
    found = opened(as_alice.get(sent.headers["Location"]).data)

    assert sorted(found) == ["FLAC/song (2).flac", "FLAC/song.flac", "WAV/song (2).wav", "WAV/song.wav"]
    assert as_alice.get(f"/files/archive.zip?files={theirs.id}&files=nonsense").status_code == 404
    assert as_alice.get(f"/files/{theirs.id}/archive.zip").status_code == 404


def test_more_files_than_an_address_can_name_come_at_once(
    as_alice: FlaskClient, alice: User, storage: MemoryStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webapp.web.selected.MOST_IN_ADDRESS", 1)
    files = [AudioFileFactory(owner=alice, presets=("wav",)) for _ in range(2)]
    for file in files:
        keep(storage, file, "wav")

    answer = as_alice.post("/files/selected", data={"deed": "download", "files": [file.id for file in files]})

    assert sorted(opened(answer.data)) == ["song (2).wav", "song.wav"]


def test_a_rendition_that_goes_meanwhile_breaks_the_download(
    as_alice: FlaskClient, alice: User, storage: MemoryStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = AudioFileFactory(owner=alice, presets=("wav", "flac"))
    keep(storage, file, "wav", "flac")
    read = storage.read

    def cut(key: str) -> Iterator[bytes]:
        yield next(read(key))

    monkeypatch.setattr(storage, "read", cut)

    with pytest.raises(Broken):
        as_alice.get(f"/files/{file.id}/archive.zip")


def test_a_storage_that_does_not_answer_is_told_as_such(
    as_alice: FlaskClient, alice: User, storage: MemoryStorage
) -> None:
    file = AudioFileFactory(owner=alice, presets=("wav",))
    keep(storage, file, "wav")
    storage.is_down = True

    assert as_alice.get(f"/files/{file.id}/archive.zip").status_code == 503

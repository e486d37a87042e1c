"""The list, one file and its downloads."""

import uuid

import pytest
from flask.testing import FlaskClient

from tests.conftest import HTMX
from tests.factories import AudioFileFactory, finish, rendition, told
from tests.fakes import MemoryStorage
from webapp.db import db
from webapp.models import AudioFile, User
from webapp.ports import JobEvent, JobStatus
from webapp.services import jobs, library
from webapp.web.files import disposition


def names(client: FlaskClient, address: str) -> list[str]:
    page = client.get(address).text
    return [part.partition("</a>")[0].rpartition(">")[2] for part in page.split("<h3>")[1:]]


@pytest.fixture
def three(alice: User) -> None:
    for name, size in (("Berta.wav", 300), ("anton.wav", 100), ("Cäsar 100%.flac", 200)):
        AudioFileFactory(owner=alice, name=name, size=size, seconds=float(size))


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", ["Cäsar 100%.flac", "anton.wav", "Berta.wav"]),
        ("?sort=oldest", ["Berta.wav", "anton.wav", "Cäsar 100%.flac"]),
        ("?sort=name", ["anton.wav", "Berta.wav", "Cäsar 100%.flac"]),
        ("?sort=size", ["Berta.wav", "Cäsar 100%.flac", "anton.wav"]),
        ("?sort=length", ["Berta.wav", "Cäsar 100%.flac", "anton.wav"]),
        ("?sort=nonsense&page=-5", ["Cäsar 100%.flac", "anton.wav", "Berta.wav"]),
        ("?q=WAV", ["anton.wav", "Berta.wav"]),
        ("?q=wav+bert", ["Berta.wav"]),
        ("?q=100%25", ["Cäsar 100%.flac"]),
        ("?q=_", []),
        ("?q=CÄSAR", ["Cäsar 100%.flac"]),
        ("?q=wav%00bert", ["Berta.wav"]),
        ("?page=99", ["Cäsar 100%.flac", "anton.wav", "Berta.wav"]),
    ],
)
def test_the_list_is_searched_sorted_and_paged_by_its_address(
    as_alice: FlaskClient, query: str, shown: list[str]
) -> None:
    assert names(as_alice, f"/files/{query}") == shown


def test_a_long_list_has_pages(as_alice: FlaskClient, alice: User) -> None:
    for number in range(library.PAGE_SIZE + 3):
        AudioFileFactory(owner=alice, name=f"{number:03}.wav")

    assert len(names(as_alice, "/files/")) == library.PAGE_SIZE
    assert names(as_alice, "/files/?page=2&sort=name") == ["025.wav", "026.wav", "027.wav"]
    assert 'href="/files/?q=wav&amp;sort=name&amp;page=2"' in as_alice.get("/files/?sort=name&q=wav").text


def test_a_row_carries_the_marks(as_alice: FlaskClient, song: AudioFile) -> None:
    page = as_alice.get("/files/").text
    assert f'data-file="{song.id}" data-status="created"' in page
    assert "data-progress" not in page
    assert "data-rendition=" not in page

    jobs.record(JobEvent(song.job.id, JobStatus.PROGRESSING, "mp4", percent=60.0))
    finish(song.job, JobStatus.COMPLETE, "flac")

    page = as_alice.get("/files/").text
    assert f'data-file="{song.id}" data-status="progressing" data-progress="53"' in page
    assert f'data-rendition="flac" href="/files/{song.id}/renditions/flac"' in page
    assert 'data-rendition="mp4"' not in page


def test_a_files_page_carries_the_marks(as_alice: FlaskClient, song: AudioFile) -> None:
    finish(song.job, JobStatus.COMPLETE, "wav", "flac")
    finish(song.job, JobStatus.ERROR, "mp4", error="The sound <ends>.")

    page = as_alice.get(f"/files/{song.id}").text

    assert f'data-file="{song.id}" data-status="partial"' in page
    assert page.count('data-rendition-status="complete"') == 2
    assert page.count('data-rendition-status="error"') == 1
    assert "The sound &lt;ends&gt;." in page
    assert page.count("data-rendition=") == 2


def test_opening_a_file_sees_what_was_told_of_it(as_alice: FlaskClient, alice: User, song: AudioFile) -> None:
    finish(song.job)
    assert 'data-unread="1"' in as_alice.get("/files/").text

    page = as_alice.get(f"/files/{song.id}").text

    assert 'data-unread="0"' in page
    assert "data-seen" in page
    assert told(alice)[0].seen_at


def test_names_are_escaped_and_never_code(as_alice: FlaskClient, alice: User) -> None:
    file = AudioFileFactory(owner=alice, name="<script>alert(1)</script>\"'{{7*7}} hx-get=/")

    for address in ("/files/", f"/files/{file.id}", f"/files/{file.id}/delete"):
        page = as_alice.get(address).text
        assert "<script>alert" not in page
        assert "1234000" not in page


def test_a_rendition_is_downloaded_under_the_originals_name(
    as_alice: FlaskClient, alice: User, storage: MemoryStorage
) -> None:
    file = AudioFileFactory(owner=alice, name="Größe – Ølberg.v2.wav")
    finish(file.job)
    storage.put(rendition(file, "flac").key, [b"0123456789"])

    answer = as_alice.get(f"/files/{file.id}/renditions/flac")

    assert (answer.status_code, answer.data) == (200, b"0123456789")
    assert answer.headers["Content-Length"] == "10"
    assert answer.headers["Content-Type"] == "audio/flac"
    assert answer.headers["Content-Disposition"] == (
        'attachment; filename="Gr__e _ _lberg.v2.flac"; '
        "filename*=UTF-8''Gr%C3%B6%C3%9Fe%20%E2%80%93%20%C3%98lberg.v2.flac"
    )
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("name", "rendition_name", "original_name"),
    [
        ("song.wav", "song.flac", "song.wav"),
        ("Interview Dr. Smith", "Interview Dr. Smith.flac", "Interview Dr. Smith.wav"),
        ("Episode 1.5", "Episode 1.5.flac", "Episode 1.5.wav"),
        ("Bach/Mozart.MP3", "Bach_Mozart.flac", "Bach_Mozart.MP3"),
        (".wav", ".wav.flac", ".wav.wav"),
    ],
)
def test_downloads_have_the_files_name_whole(
    as_alice: FlaskClient, alice: User, storage: MemoryStorage, name: str, rendition_name: str, original_name: str
) -> None:
    file = AudioFileFactory(owner=alice, name=name)
    finish(file.job)
    for key in (file.key, rendition(file, "flac").key):
        storage.put(key, [b"sound"])

    for address, expected in (("renditions/flac", rendition_name), ("original", original_name)):
        header = as_alice.get(f"/files/{file.id}/{address}").headers["Content-Disposition"]
        assert f'filename="{expected}"' in header


@pytest.mark.parametrize(
    ("asked", "status", "content"),
    [
        ("bytes=2-4", 206, b"234"),
        ("bytes=7-", 206, b"789"),
        ("bytes=-2", 206, b"89"),
        ("bytes=50-", 416, None),
        ("nonsense", 200, b"0123456789"),
        ("items=0-1", 200, b"0123456789"),
        ("bytes=0-1,3-4", 200, b"0123456789"),
    ],
)
def test_a_part_of_a_rendition_can_be_had(
    as_alice: FlaskClient, song: AudioFile, storage: MemoryStorage, asked: str, status: int, content: bytes | None
) -> None:
    finish(song.job)
    storage.put(rendition(song, "wav").key, [b"0123456789"])

    answer = as_alice.get(f"/files/{song.id}/renditions/wav?inline=1", headers={"Range": asked})

    assert answer.status_code == status
    assert content is None or answer.data == content
    assert status != 206 or answer.headers["Content-Disposition"].startswith("inline")


@pytest.mark.parametrize(
    "name",
    ['a"b\\c.wav', "-rf.wav", "%s%n.wav", "a;b.wav", "$(reboot).wav", "\u202egnp.wav", "x" * 250 + ".wav", "a\r\nb: c"],
)
def test_the_name_in_the_header_is_safe_whatever_it_is(name: str) -> None:
    header = disposition(name, inline=False)

    assert header.isascii()
    assert "\r" not in header
    assert "\n" not in header
    assert header.count('"') == 2


def test_what_is_not_ready_cannot_be_downloaded(as_alice: FlaskClient, song: AudioFile) -> None:
    assert as_alice.get(f"/files/{song.id}/renditions/wav").status_code == 404
    assert as_alice.get(f"/files/{song.id}/renditions/8-track").status_code == 404


def test_the_original_is_downloaded_as_it_was(as_alice: FlaskClient, song: AudioFile, storage: MemoryStorage) -> None:
    storage.put(song.key, [b"sound"])

    answer = as_alice.get(f"/files/{song.id}/original")

    assert answer.data == b"sound"
    assert 'filename="song.wav"' in answer.headers["Content-Disposition"]


def test_deeds_answer_with_the_row_for_htmx_and_303_without(as_alice: FlaskClient, song: AudioFile) -> None:
    for deed in ("cancel", "cancel", "retry", "retry"):
        plain = as_alice.post(f"/files/{song.id}/{deed}")
        assert (plain.status_code, plain.location) == (303, f"/files/{song.id}")
        row = as_alice.post(f"/files/{song.id}/{deed}", headers=HTMX)
        assert row.status_code == 200
        assert f'data-file="{song.id}"' in row.text
        assert row.headers["HX-Trigger"] == "poll-now"


def test_a_file_gets_another_name(as_alice: FlaskClient, song: AudioFile) -> None:
    assert as_alice.post(f"/files/{song.id}/rename", data={"name": " Take  two.wav "}).status_code == 303
    assert names(as_alice, "/files/") == ["Take two.wav"]

    assert as_alice.post(f"/files/{song.id}/rename", data={"name": "a\x00b\r\nc"}).status_code == 303
    assert names(as_alice, "/files/") == ["a b c"]

    assert as_alice.post(f"/files/{song.id}/rename", data={"name": " "}).status_code == 422
    assert as_alice.post(f"/files/{song.id}/rename", data={"name": "x" * 256}).status_code == 422


def test_more_formats_are_asked_for(as_alice: FlaskClient, song: AudioFile) -> None:
    assert as_alice.post(f"/files/{song.id}/jobs", data={"presets": ["alac", "aiff"]}).status_code == 303
    assert as_alice.post(f"/files/{song.id}/jobs", data={"presets": "8-track"}).status_code == 422

    db.session.refresh(song)
    assert song.job.preset_names == ["alac", "aiff"]


def test_one_rendition_is_removed(as_alice: FlaskClient, song: AudioFile) -> None:
    for _ in range(2):
        assert as_alice.post(f"/files/{song.id}/renditions/wav/delete").status_code == 303

    assert [each.preset_name for each in library.find(song.owner, song.id).in_order] == ["flac", "mp4"]


def test_deleting_asks_first_and_twice_is_no_error(as_alice: FlaskClient, song: AudioFile) -> None:
    page, address = f"/files/{song.id}", f"/files/{song.id}/delete"
    assert "cannot be undone" in as_alice.get(address).text

    for headers, status in ((HTMX, 200), ({}, 303)):
        assert as_alice.post(address, headers=headers).status_code == status

    assert as_alice.get(page).status_code == 404


def test_deleting_takes_the_alert_along(as_alice: FlaskClient, alice: User, song: AudioFile) -> None:
    finish(song.job)

    as_alice.post(f"/files/{song.id}/delete")

    assert told(alice) == []
    assert 'data-unread="0"' in as_alice.get("/files/").text


def test_an_id_that_is_none_is_not_there(as_alice: FlaskClient) -> None:
    for address in (f"/files/{uuid.uuid4()}", "/files/1", "/files/../secret", "/files/%00"):
        assert as_alice.get(address).status_code == 404

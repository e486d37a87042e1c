"""The list, one file and its downloads."""

import uuid
from datetime import timedelta
from unittest.mock import ANY
from urllib.parse import unquote

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import HTMX
from tests.factories import AudioFileFactory, finish, rendition, told
from tests.fakes import MemoryStorage
from webapp.db import db
from webapp.filenames import disposition
from webapp.models import AudioFile, User, audio
from webapp.news import JobEvent, JobStatus
from webapp.presets import PRESETS
from webapp.services import jobs, library


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
        ("?q=caesar", []),
        ("?q=casar+%EF%BC%91%EF%BC%90%EF%BC%90", ["Cäsar 100%.flac"]),
        ("?q=a%25r", []),
        ("?q=ant_n", []),
        ("?q=%5C", []),
        ("?page=99", ["Cäsar 100%.flac", "anton.wav", "Berta.wav"]),
    ],
)
def test_the_list_is_searched_sorted_and_paged_by_its_address(
    as_alice: FlaskClient, query: str, shown: list[str]
) -> None:
    assert names(as_alice, f"/files/{query}") == shown


def test_a_row_tells_which_song_it_was_found_for(as_alice: FlaskClient, alice: User) -> None:
    AudioFileFactory(owner=alice, name="01.wav", tags={"artist": "<i>Zoë", "title": "Straße"})

    assert names(as_alice, "/files/?q=strasse+zoe") == ["01.wav"]
    assert '<p class="small song">&lt;i&gt;Zoë – Straße</p>' in as_alice.get("/files/?q=strasse+zoe").text
    assert "No file of yours has “&lt;b&gt;” in its name or tags." in as_alice.get("/files/?q=<b>").text


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


def test_a_row_folds_many_formats_and_keeps_each(as_alice: FlaskClient, alice: User) -> None:
    finish(AudioFileFactory(owner=alice, presets=tuple(PRESETS)).job)

    page = as_alice.get("/files/").text

    shown, folded = page.split("<details id=", 1)
    assert (shown.count("data-rendition="), folded.count("data-rendition=")) == (5, len(PRESETS) - 5)
    assert f">+{len(PRESETS) - 5}<" in folded


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


def test_sec_W9_a_download_is_an_attachment_in_whole_and_in_part(
    as_alice: FlaskClient, song: AudioFile, storage: MemoryStorage
) -> None:
    """Guards `files._download`: its disposition, and the line that leaves out a Range of several parts."""
    finish(song.job)
    storage.put(rendition(song, "wav").key, [b"0123456789"])
    address, whole = f"/files/{song.id}/renditions/wav", b"0123456789"

    for asked, status, content, which in (
        (None, 200, whole, None),
        ("bytes=0-0", 206, b"0", "bytes 0-0/10"),
        ("bytes=2-4", 206, b"234", "bytes 2-4/10"),
        ("bytes=7-", 206, b"789", "bytes 7-9/10"),
        ("bytes=7-99999999999999999999", 206, b"789", "bytes 7-9/10"),
        ("bytes=-2", 206, b"89", "bytes 8-9/10"),
        ("bytes=-99", 206, whole, "bytes 0-9/10"),
        ("bytes=10-", 416, None, "bytes */10"),
        ("bytes=99-100", 416, None, "bytes */10"),
        ("bytes=0-1,3-4", 200, whole, None),
        ("bytes=0-1," * 5000 + "3-4", 200, whole, None),
        ("bytes=4-2", 200, whole, None),
        ("bytes=a-b", 200, whole, None),
        ("bytes=--1", 200, whole, None),
        ("bytes=", 200, whole, None),
        ("items=0-1", 200, whole, None),
    ):
        answer = as_alice.get(address, headers={"Range": asked} if asked else {})
        assert (answer.status_code, str(asked)[:40]) == (status, str(asked)[:40])
        assert answer.headers.get("Content-Range") == which, asked
        if content is not None:
            assert answer.data == content
            assert answer.headers["Content-Length"] == str(len(content))
            assert answer.headers["Content-Disposition"].startswith("attachment; "), asked
            assert answer.headers["Accept-Ranges"] == "bytes"
    stale = as_alice.get(address, headers={"Range": "bytes=2-4", "If-Range": '"another"'})
    assert (stale.status_code, stale.data) == (200, whole)


def test_sec_W9_no_address_leads_out_of_the_storage(
    as_alice: FlaskClient, song: AudioFile, storage: MemoryStorage
) -> None:
    """Guards that a key is the server's and a name of a preset is looked up, never joined to a path."""
    finish(song.job)
    storage.put(rendition(song, "wav").key, [b"sound"])
    storage.put(song.key, [b"sound"])

    for trick in (
        f"/files/{song.id}/renditions/..%2f..%2fsecret",
        f"/files/{song.id}/renditions/../original/../../../../etc/passwd",
        f"/files/{song.id}/renditions/wav%00.flac",
        f"/files/{song.id}/renditions/wav%2f..%2fwav",
        f"/files/{song.id}/renditions/WAV",
        f"/files/{song.id}/renditions/wav.wav",
        f"/files/{song.id}/original/../../secret",
        f"/files/{song.id}%00/original",
        f"/files/..%2f{song.id}/original",
        f"/files/{{{song.id}}}/original",
        f"/files/{song.id.hex}/original",
        f"/{song.key}",
        f"/files/{song.key}",
        "/static/../wsgi.py",
        "/static/..%2f..%2fwsgi.py",
        "/static/%2e%2e/wsgi.py",
        "/static//etc/passwd",
        "/static/vendor/../../webapp/config.py",
        "/static/vendor/vendor.json",
        "/static/app.css%00.js",
        "/instance/secret",
        "/.env",
        "/.git/config",
    ):
        answer = as_alice.get(trick, follow_redirects=False)
        assert answer.status_code in (404, 308), trick
        assert answer.status_code == 404 or as_alice.get(answer.location).status_code == 404, trick


def test_sec_W9_a_name_comes_back_as_it_was_sent(as_alice: FlaskClient, storage: MemoryStorage) -> None:
    """Guards `library.clean_name` and `filenames.disposition` together."""
    for sent, kept in (
        ('Say "yes"; no=1.wav', 'Say "yes"; no=1.wav'),
        ("Füße – 日本.wav", "Füße – 日本.wav"),
        ("../../../etc/passwd.wav", "passwd.wav"),
        ("C:\\fakepath\\song.wav", "song.wav"),
        ("-rf --no-preserve-root.wav", "-rf --no-preserve-root.wav"),
        ("é" * 300, "é" * 255),
    ):
        upload = as_alice.post("/uploads", json={"name": sent, "size": 4}).get_json()["id"]
        as_alice.put(f"/uploads/{upload}/parts/1", data=f"{len(sent):4}".encode())  # another file each time
        as_alice.post(f"/uploads/{upload}/complete")
        header = as_alice.get(f"/files/{upload}/original").headers["Content-Disposition"]
        assert unquote(header.partition("filename*=UTF-8''")[2]) == kept


def test_what_is_not_ready_cannot_be_downloaded(as_alice: FlaskClient, song: AudioFile) -> None:
    assert as_alice.get(f"/files/{song.id}/renditions/wav").status_code == 404
    assert as_alice.get(f"/files/{song.id}/renditions/8-track").status_code == 404


def test_the_original_is_downloaded_as_it_was(as_alice: FlaskClient, song: AudioFile, storage: MemoryStorage) -> None:
    storage.put(song.key, [b"sound"])

    answer = as_alice.get(f"/files/{song.id}/original")

    assert answer.data == b"sound"
    assert 'filename="song.wav"' in answer.headers["Content-Disposition"]


def test_no_transaction_is_open_while_the_storage_is_asked_for_a_download(
    as_alice: FlaskClient, song: AudioFile, storage: MemoryStorage
) -> None:
    finish(song.job, JobStatus.COMPLETE, "flac")
    addresses = [f"/files/{song.id}/original", f"/files/{song.id}/renditions/flac"]
    for key in (song.key, rendition(song, "flac").key):
        storage.put(key, [b"sound"])
    was_open: list[bool] = []
    storage.on_call = lambda: was_open.append(db.session().in_transaction())

    assert [as_alice.get(address).status_code for address in addresses] == [200, 200]

    assert was_open == [False, False]


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


def test_removing_a_rendition_asks_first_and_says_that_it_can_come_again(
    as_alice: FlaskClient, song: AudioFile
) -> None:
    page, address = f"/files/{song.id}", f"/files/{song.id}/renditions/wav/delete"
    finish(song.job)
    assert f'href="{address}"' in as_alice.get(page).text

    asked = as_alice.get(address).text
    fragment = as_alice.get(address, headers=HTMX).text

    for question in (asked, fragment):
        assert "Remove WAV?" in question
        assert "made anew from the original" in question
        assert f'action="{address}"' in question
    assert "<html" in asked
    assert "<html" not in fragment
    assert "wav" in {each.preset_name for each in library.find(song.owner, song.id).renditions}

    assert as_alice.post(address).location == page
    assert "WAV is removed." in as_alice.get(page).text
    assert as_alice.get(address).status_code == 404


def test_only_who_opens_a_page_has_seen_it(as_alice: FlaskClient, song: AudioFile) -> None:
    finish(song.job)

    as_alice.head(f"/files/{song.id}")
    assert 'data-unread="1"' in as_alice.get("/files/").text

    as_alice.get(f"/files/{song.id}")
    assert 'data-unread="0"' in as_alice.get("/files/").text


def test_deleting_asks_first_and_twice_is_no_error(as_alice: FlaskClient, song: AudioFile) -> None:
    page, address = f"/files/{song.id}", f"/files/{song.id}/delete"
    assert "cannot be undone" in as_alice.get(address).text

    for headers, status in ((HTMX, 200), ({}, 303)):
        assert as_alice.post(address, headers=headers).status_code == status

    assert as_alice.get(page).status_code == 404


def test_deleting_what_is_anothers_is_as_if_it_were_not_there(
    as_alice: FlaskClient, as_bob: FlaskClient, song: AudioFile
) -> None:
    """Before it is deleted, afterwards, and with an id that nobody has."""
    address, nobodys = f"/files/{song.id}/delete", f"/files/{uuid.uuid4()}/delete"

    def refusals() -> list[int]:
        return [as_bob.post(each, headers=headers).status_code for each in (address, nobodys) for headers in ({}, HTMX)]

    assert refusals() == [404] * 4
    assert as_alice.post(address).status_code == 303
    assert refusals() == [404] * 4


def test_deleting_takes_the_alert_along(as_alice: FlaskClient, alice: User, song: AudioFile) -> None:
    finish(song.job)

    as_alice.post(f"/files/{song.id}/delete")

    assert told(alice) == []
    assert 'data-unread="0"' in as_alice.get("/files/").text


def test_an_id_that_is_none_is_not_there(as_alice: FlaskClient) -> None:
    for address in (f"/files/{uuid.uuid4()}", "/files/1", "/files/../secret", "/files/%00"):
        assert as_alice.get(address).status_code == 404


def test_the_row_tells_its_place_in_the_queue(as_alice: FlaskClient, alice: User) -> None:
    for seconds in (300.0, 5.0, 100.0):
        AudioFileFactory(owner=alice, seconds=seconds)

    page = as_alice.get("/files/").text

    assert [words for words in ("Queued, next", "Queued, 1 ahead", "Queued, 2 ahead") if words in page] == [
        "Queued, next",
        "Queued, 1 ahead",
        "Queued, 2 ahead",
    ]


def test_deeds_tell_the_place_too(as_alice: FlaskClient, song: AudioFile) -> None:
    finish(song.job, JobStatus.ERROR, error="no")

    assert "Queued, next" in as_alice.post(f"/files/{song.id}/retry", headers=HTMX).text
    assert "Queued, next" in as_alice.get(f"/files/{song.id}").text


def test_what_runs_tells_how_long_it_still_takes(
    as_alice: FlaskClient, song: AudioFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs.record(JobEvent(song.job.id, JobStatus.PROGRESSING, "mp4", percent=50.0))
    begun = song.job.started_at
    assert begun

    def pages(seconds: float) -> list[str]:
        """The list and the file, so long after its beginning, whatever the pages themselves take."""
        monkeypatch.setattr(audio, "utcnow", lambda: begun + timedelta(seconds=seconds))
        return [as_alice.get(address).text for address in ("/files/", f"/files/{song.id}")]

    assert not any(" left<" in page for page in pages(4.9))
    assert all("about 2 min left" in page for page in pages(60))


def test_a_refused_name_is_told_in_place_and_kept(as_alice: FlaskClient, song: AudioFile) -> None:
    address, name = f"/files/{song.id}/rename", "x" * 256

    for headers in ({}, HTMX | {"HX-Target": "renaming"}):
        answer = as_alice.post(address, data={"name": name}, headers=headers)
        assert answer.status_code == 422
        assert f'value="{name}"' in answer.text
        assert 'aria-invalid="true" aria-describedby="name-why"' in answer.text
        assert "from 1 to 255 characters" in answer.text
        assert ("<html" in answer.text) is not bool(headers)

    assert as_alice.post(address, data={"name": ""}, headers={"Accept": "application/json"}).json == {
        "error": "Refused",
        "message": "A name has from 1 to 255 characters.",
        "request_id": ANY,
    }
    assert as_alice.post(address, data={"name": ""}, headers=HTMX).status_code == 422


def test_the_files_page_gets_the_piece_that_it_asks_for(as_alice: FlaskClient, song: AudioFile) -> None:
    finish(song.job)
    renamed = as_alice.post(
        f"/files/{song.id}/rename", data={"name": "Ana.wav"}, headers=HTMX | {"HX-Target": "renaming"}
    )
    more = as_alice.post(f"/files/{song.id}/jobs", data={"presets": "alac"}, headers=HTMX | {"HX-Target": "more"})

    assert ">Ana.wav</h1>" in renamed.text
    assert "Ana.wav · Tapedeck</title>" in renamed.text
    assert 'value="alac"' not in more.text
    assert 'value="aiff"' in more.text


def select(client: FlaskClient, deed: str, *files: object, **also: str) -> str:
    answer = client.post("/files/selected", data={"deed": deed, "files": [str(f) for f in files], **also})
    return client.get(answer.location).text if answer.status_code == 303 else answer.text


def test_several_files_are_retried_and_canceled(as_alice: FlaskClient, alice: User, song: AudioFile) -> None:
    failed = AudioFileFactory(owner=alice)
    finish(failed.job, JobStatus.ERROR, error="no")

    assert "1 file is being made again." in select(as_alice, "retry", song.id, failed.id)
    assert "2 files are canceled." in select(as_alice, "cancel", song.id, failed.id)
    assert "There is nothing to cancel." in select(as_alice, "cancel", song.id, failed.id)


def test_the_selection_answers_htmx_with_words(as_alice: FlaskClient, song: AudioFile) -> None:
    answer = as_alice.post("/files/selected", data={"deed": "cancel", "files": [str(song.id)]}, headers=HTMX)

    assert answer.status_code == 200
    assert "1 file is canceled." in answer.text
    assert answer.headers["HX-Trigger"] == "poll-now"


def test_deleting_several_says_first_what_it_means(as_alice: FlaskClient, alice: User, song: AudioFile) -> None:
    other = AudioFileFactory(owner=alice, name="<b>Anton.wav")
    finish(song.job)

    page = select(as_alice, "delete", song.id, other.id)

    assert "Delete 2 files?" in page
    assert "&lt;b&gt;Anton.wav" in page
    assert "6 renditions. What is still being made is stopped." in page
    assert "1 alert, in your inbox too" in page
    assert "This cannot be undone." in page
    assert library.listing(alice).total == 2

    assert "2 files are deleted." in select(as_alice, "delete", song.id, other.id, confirmed="1")
    assert library.listing(alice).total == 0


def test_of_a_selection_others_and_absent_files_are_left_out(
    as_bob: FlaskClient, bob: User, alice: User, song: AudioFile
) -> None:
    mine = AudioFileFactory(owner=bob, name="mine.wav")

    page = select(as_bob, "delete", song.id, mine.id, uuid.uuid4(), "nonsense")
    assert "mine.wav" in page
    assert "song.wav" not in page
    assert "mine.wav is deleted." in select(as_bob, "delete", song.id, mine.id, "nonsense", confirmed="1")
    assert "There is nothing to delete." in select(as_bob, "delete", song.id)

    assert library.find(alice, song.id)


def test_a_selection_has_an_end_and_needs_a_deed(as_alice: FlaskClient, visitor: FlaskClient) -> None:
    many = [str(uuid.uuid4()) for _ in range(1001)]

    assert as_alice.post("/files/selected", data={"deed": "retry", "files": many}).status_code == 422
    assert as_alice.post("/files/selected", data={"deed": "sing"}).status_code == 400
    assert visitor.post("/files/selected", data={"deed": "retry"}).status_code == 401


def test_after_deleting_it_is_said_and_the_list_has_the_focus(as_alice: FlaskClient, song: AudioFile) -> None:
    as_alice.post(f"/files/{song.id}/delete")

    page = as_alice.get("/files/").text
    assert "song.wav is deleted." in page
    assert 'id="list-title" tabindex="-1" autofocus' in page
    assert "autofocus" not in as_alice.get("/files/").text


def test_the_page_of_deleting_says_what_goes(as_alice: FlaskClient, song: AudioFile) -> None:
    finish(song.job)

    page = as_alice.get(f"/files/{song.id}/delete").text

    assert "3 renditions" in page
    assert "1 alert, in your inbox too" in page
    assert "is stopped" not in page


def test_the_list_tells_what_is_used_of_the_quota(as_alice: FlaskClient, alice: User, app: Flask) -> None:
    AudioFileFactory(owner=alice, size=1_200_000_000)
    page = as_alice.get("/files/").text
    assert "1.2 GB of 21 GB used" in page
    assert f'data-left="{20 * 1024**3 - 1_200_000_000}"' in page
    assert 'class="warn"' not in page

    AudioFileFactory(owner=alice, size=20 * 10**9)

    assert '<strong class="warn">275 MB left</strong>' in as_alice.get("/files/").text


def test_empty_lists_say_what_to_do(as_alice: FlaskClient) -> None:
    assert "No files yet" in as_alice.get("/files/").text
    page = as_alice.get("/files/?q=<b>").text
    assert "“&lt;b&gt;”" in page
    assert "Show all files" in page


def test_each_cell_of_the_renditions_has_its_label_and_role(as_alice: FlaskClient, song: AudioFile) -> None:
    finish(song.job)

    page = as_alice.get(f"/files/{song.id}").text.partition('id="renditions"')[2].partition("</section>")[0]

    for label in ("Format", "State", "Codec", "Bit rate", "Length", "Size"):
        assert page.count(f'role="cell" data-label="{label}"') == 3
    assert page.count('role="row"') == 4

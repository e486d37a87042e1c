"""The journey of somebody whose browser has no JavaScript, by forms and marks alone, against the real processes."""

import re

import pytest

from tests.flows.house import House, wait_for
from tests.flows.visitor import Visitor

pytestmark = pytest.mark.processes


def test_a_song_is_uploaded_converted_told_of_downloaded_and_put_away(alice: Visitor, long_song: bytes) -> None:
    answer = alice.upload("song.flac", long_song)
    assert (answer.status, answer.headers["Location"]) == (303, "/files/")
    file_id = alice.rows()[0].id

    seen = []
    while (row := alice.row(file_id)) and row.status in ("created", "submitted", "progressing"):
        seen.append(row.progress or 0)
    assert seen == sorted(seen)
    assert len(set(seen)) > 3

    assert row
    assert row.status == "complete"
    assert set(row.renditions) == {"wav", "flac", "mp4"}
    for preset, href in row.renditions.items():
        download = alice.get(href)
        assert download.status == 200
        assert f'filename="song.{preset}"' in download.headers["Content-Disposition"]
        assert len(download.body) == int(download.headers["Content-Length"]) > 0
    (note,) = alice.alerts()
    assert (note.file, note.kind, alice.unread()) == (file_id, "complete", 1)
    assert alice.post(f"/notifications/{note.id}/dismiss").status == 303
    assert alice.alerts() == []
    assert alice.unread() == 0
    assert alice.inbox() == [note]


def test_what_is_kept_can_be_read_by_no_other_user_of_the_machine(house: House, alice: Visitor, song: bytes) -> None:
    """Guards the umask in wsgi.py and launch.py: the folder may be one that was made by somebody else."""
    file_id = alice.keep("song.wav", song, "wav")
    wait_for("the song to be ready", lambda: alice.has(file_id, "complete"))

    modes = {path: path.stat().st_mode & 0o077 for path in house.data_dir.rglob("*")}
    assert len(modes) > 10
    assert {str(path): oct(mode) for path, mode in modes.items() if mode} == {}


def test_an_open_page_is_told_by_its_poll(alice: Visitor, song: bytes) -> None:
    alice.poll()
    file_id = alice.keep("song.wav", song)

    told = wait_for("an alert", lambda: re.findall(r'data-notification="\d+" data-file="([^"]+)"', alice.poll().text))

    assert told == [file_id]
    assert alice.poll().status == 204


def test_another_user_sees_nothing_of_it(house: House, alice: Visitor, bob: Visitor, song: bytes) -> None:
    file_id = alice.keep("song.wav", song)
    wait_for("the song to be ready", lambda: alice.has(file_id, "complete"))

    assert bob.rows() == []
    assert bob.inbox() == []
    assert bob.unread() == 0
    for path in ("", "/original", "/renditions/wav", "/renditions/mp4"):
        assert bob.get(f"/files/{file_id}{path}").status == 404
    assert house.stored() == house.owed()


def test_a_form_that_is_out_of_date_is_refused_with_a_number_to_tell(alice: Visitor) -> None:
    alice.token = "of another session"

    answer = alice.post("/account/preferences")

    assert answer.status == 400
    assert f"<code>{answer.headers['X-Request-ID']}</code>" in answer.text

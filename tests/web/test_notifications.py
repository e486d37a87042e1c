"""The poller, the inbox and what is done with a notification."""

import re

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from tests.conftest import HTMX
from tests.factories import AudioFileFactory, finish, standing, told
from webapp.db import db
from webapp.models import AudioFile, User
from webapp.ports import JobEvent, JobStatus
from webapp.services import jobs


def version_of(text: str) -> str:
    found = re.search(r"/alerts/poll\?v=(\d+)", text)
    assert found
    return found[1]


def poll(client: FlaskClient, version: str, query: str = "") -> tuple[int, str]:
    answer = client.get(f"/alerts/poll?v={version}{query}", headers=HTMX)
    return answer.status_code, answer.text


def test_every_page_holds_one_poller_and_no_row_polls(as_alice: FlaskClient, song: AudioFile) -> None:
    for address in (
        "/files/",
        f"/files/{song.id}",
        "/notifications/",
        "/account/",
        f"/files/{song.id}/delete",
        "/nowhere",
    ):
        page = as_alice.get(address).text
        assert page.count("data-poll") == 1
        assert page.count("hx-trigger=") == 1


def test_when_nothing_is_new_a_poll_says_nothing(as_alice: FlaskClient, song: AudioFile) -> None:
    version = version_of(as_alice.get("/files/").text)

    assert poll(as_alice, version) == (204, "")


def test_an_idle_poll_is_one_query(as_alice: FlaskClient, song: AudioFile) -> None:
    version = version_of(as_alice.get("/files/").text)
    statements: list[str] = []

    @sa.event.listens_for(db.engine, "before_cursor_execute")
    def count(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    poll(as_alice, version)

    asked = [statement for statement in statements if not statement.startswith("BEGIN")]
    assert len(asked) == 1
    assert "password_hash" not in asked[0]


def test_news_brings_the_alert_the_bell_the_title_and_a_new_poller(as_alice: FlaskClient, song: AudioFile) -> None:
    version = version_of(as_alice.get("/account/").text)
    finish(song.job)

    status, text = poll(as_alice, version, "&on=account")

    assert status == 200
    assert f'data-file="{song.id}" data-kind="complete"' in text
    assert 'data-unread="1"' in text
    assert "<title>(1) Account · Tapedeck</title>" in text
    assert "Ready: song.wav." in text
    assert poll(as_alice, version_of(text)) == (204, "")


def test_progress_brings_the_row_and_leaves_the_alerts_alone(as_alice: FlaskClient, song: AudioFile) -> None:
    other = AudioFileFactory(owner=song.owner)
    version = version_of(as_alice.get("/files/").text)
    jobs.record(JobEvent(song.job.id, JobStatus.PROGRESSING, "wav", percent=50.0))

    _, text = poll(as_alice, version, "&on=files")

    assert f'id="file-{song.id}"' in text
    assert str(other.id) not in text
    assert 'id="alerts"' not in text


def test_a_file_that_comes_or_goes_brings_the_list(as_alice: FlaskClient, alice: User, song: AudioFile) -> None:
    version = version_of(as_alice.get("/files/").text)
    new = AudioFileFactory(owner=alice, name="new.wav")

    _, text = poll(as_alice, version, "&on=files")

    assert 'id="listing" hx-swap-oob' in text
    assert f'id="file-{new.id}"' in text


def test_a_search_is_kept_by_its_poller(as_alice: FlaskClient, alice: User, song: AudioFile) -> None:
    page = as_alice.get("/files/?q=other&sort=name").text
    query = re.search(r"/alerts/poll\?v=\d+([^\"]*)", page)
    assert query
    jobs.record(JobEvent(song.job.id, JobStatus.PROGRESSING, "wav", percent=50.0))

    _, text = poll(as_alice, "1", query[1].replace("&amp;", "&"))

    assert str(song.id) not in text


def test_a_files_page_gets_its_pieces_and_never_the_player(as_alice: FlaskClient, song: AudioFile) -> None:
    version = version_of(as_alice.get(f"/files/{song.id}").text)
    jobs.record(JobEvent(song.job.id, JobStatus.PROGRESSING, "wav", percent=50.0))

    _, text = poll(as_alice, version, f"&on=file&file_id={song.id}")

    assert 'data-status="progressing" data-progress="16"' in text
    assert 'id="renditions"' in text
    assert "<audio" not in text


@pytest.mark.parametrize(
    "query", ["", "&on=file&file_id=nonsense", "&on=file&file_id=00000000-0000-4000-8000-000000000000", "&on=nonsense"]
)
@pytest.mark.parametrize("version", ["", "0", "-1", "nonsense", "99999999999999999999"])
def test_a_poll_of_nonsense_is_answered(as_alice: FlaskClient, song: AudioFile, version: str, query: str) -> None:
    assert poll(as_alice, version, query)[0] == 200


def test_the_pace_follows_what_is_waited_for(as_alice: FlaskClient, song: AudioFile) -> None:
    assert "every 1000ms" in as_alice.get("/account/").text

    for preset in ("wav", "flac", "mp4"):
        jobs.record(JobEvent(song.job.id, JobStatus.PROGRESSING, preset, percent=95.0))
    assert "every 500ms" in as_alice.get("/account/").text

    finish(song.job)
    assert "every 15000ms" in as_alice.get("/account/").text


def test_a_change_of_pace_is_news(as_alice: FlaskClient, alice: User) -> None:
    version = version_of(as_alice.get("/account/").text)
    AudioFileFactory(owner=alice)

    status, text = poll(as_alice, version)

    assert status == 200
    assert "every 1000ms" in text


def test_bob_hears_nothing_of_alices_files(as_alice: FlaskClient, as_bob: FlaskClient, song: AudioFile) -> None:
    version = version_of(as_bob.get("/files/").text)

    finish(song.job)

    assert poll(as_bob, version) == (204, "")
    assert str(song.id) not in as_bob.get("/files/").text
    assert 'data-unread="0"' in as_bob.get("/notifications/").text


def test_after_the_session_has_ended_a_poll_leads_to_the_sign_in(visitor: FlaskClient) -> None:
    answer = visitor.get("/alerts/poll?v=1", headers={**HTMX, "Referer": "http://localhost/files/?q=a"})

    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == "/auth/login?next=/files/?q%3Da"
    assert answer.text == ""


def test_dismissed_is_dismissed_on_every_page(as_alice: FlaskClient, alice: User, song: AudioFile) -> None:
    finish(song.job)
    note = told(alice)[0]
    assert f'id="alert-{note.id}"' in as_alice.get("/files/").text

    answer = as_alice.post(f"/notifications/{note.id}/dismiss", headers={"Referer": "http://localhost/files/?q=a"})
    again = as_alice.post(f"/notifications/{note.id}/dismiss")

    assert (answer.status_code, answer.location) == (303, "/files/?q=a")
    assert (again.status_code, again.location) == (303, "/notifications/")
    assert f'id="alert-{note.id}"' not in as_alice.get("/files/").text
    assert f'data-notification="{note.id}"' in as_alice.get("/notifications/").text


def test_another_page_is_told_of_the_dismissal(as_alice: FlaskClient, alice: User, song: AudioFile) -> None:
    finish(song.job)
    other_tab = version_of(as_alice.get("/files/").text)

    fragment = as_alice.post(f"/notifications/{told(alice)[0].id}/dismiss?on=account", headers=HTMX).text

    assert "<title>Account · Tapedeck</title>" in fragment
    assert 'data-unread="0"' in fragment
    assert "data-notification" not in poll(as_alice, other_tab)[1]


def test_a_dismissal_brings_what_the_page_has_not_seen_yet(as_alice: FlaskClient, alice: User, song: AudioFile) -> None:
    finish(song.job)
    other = AudioFileFactory(owner=alice, name="other.wav")
    page = as_alice.get("/files/").text
    address = page.partition('hx-post="/notifications/')[2].partition('"')[0].replace("&amp;", "&")
    finish(other.job)

    fragment = as_alice.post(f"/notifications/{address}", headers=HTMX).text

    assert f'id="file-{other.id}"' in fragment
    assert "Ready: other.wav." in fragment


@pytest.mark.parametrize("number", [10**30, 2**63])
def test_a_number_that_no_notification_can_have_is_not_there(as_alice: FlaskClient, number: int) -> None:
    assert as_alice.post(f"/notifications/{number}/dismiss").status_code == 404
    assert as_alice.post("/notifications/dismiss", data={"ids": [number]}).status_code == 404
    assert as_alice.post("/notifications/dismiss", data={"ids": [1] * 2000}).status_code == 400


def test_several_are_dismissed_and_restored_at_once(as_alice: FlaskClient, alice: User) -> None:
    for _ in range(3):
        finish(AudioFileFactory(owner=alice).job)
    ids = [note.id for note in told(alice)]

    as_alice.post("/notifications/dismiss", data={"ids": ids[:2]})
    assert [note.id for note in standing(alice)] == ids[2:]
    as_alice.post("/notifications/restore", data={"ids": ids[:2]})
    assert [note.id for note in standing(alice)] == ids

    assert as_alice.post("/notifications/dismiss", data={"ids": "x"}).status_code == 400


def test_at_most_five_cards_stand_on_a_page(as_alice: FlaskClient, alice: User) -> None:
    for _ in range(7):
        finish(AudioFileFactory(owner=alice).job)

    page = as_alice.get("/account/").text

    assert page.count('class="alert ') == 5
    assert "and 2 more" in page
    assert 'data-unread="7"' in page


def test_the_inbox_holds_all_that_was_ever_told(as_alice: FlaskClient, alice: User, song: AudioFile) -> None:
    finish(song.job)
    failed = AudioFileFactory(owner=alice, name="broken.wav")
    finish(failed.job, JobStatus.ERROR, error="There is no sound in this file.")
    as_alice.post(f"/notifications/{told(alice)[0].id}/dismiss")

    def shown(query: str) -> list[str]:
        page = as_alice.get(f"/notifications/{query}").text.partition('class="files inbox"')[2].partition("</ul>")[0]
        return re.findall(r'data-kind="(\w+)"', page)

    assert shown("") == ["error", "complete"]
    assert shown("?filter=unread") == ["error"]
    assert shown("?filter=failed") == ["error"]
    assert shown("?filter=nonsense&page=7") == ["error", "complete"]


def test_an_empty_inbox_says_what_will_be_there(as_alice: FlaskClient) -> None:
    assert "told here" in as_alice.get("/notifications/").text
    assert "Nothing has failed." in as_alice.get("/notifications/?filter=failed").text

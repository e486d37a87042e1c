"""The poller, the inbox and what is done with a notification."""

import re
import uuid
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from tests.conftest import HTMX
from tests.factories import AudioFileFactory, finish, standing, told
from webapp.db import db, peek, writing
from webapp.models import AudioFile, User
from webapp.news import Flaw, JobEvent, JobStatus
from webapp.services import jobs
from webapp.web import cards, live


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


def test_an_idle_poll_is_one_query(as_alice: FlaskClient, song: AudioFile, monkeypatch: pytest.MonkeyPatch) -> None:
    version = version_of(as_alice.get("/files/").text)
    statements: list[str] = []

    @sa.event.listens_for(db.engine, "before_cursor_execute")
    def count(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    def peek_and_count(statement: object, values: dict[str, object]) -> object:
        statements.append(str(statement))
        return peek(statement, values)  # type: ignore[arg-type]

    monkeypatch.setattr("webapp.web.notifications.peek", peek_and_count)
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
    finish(other.job)
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


def test_sec_M7_what_is_not_whole_says_so_wherever_it_is_told(as_alice: FlaskClient, song: AudioFile) -> None:
    version = version_of(as_alice.get("/account/").text)
    finish(song.job, flaw=Flaw.INCOMPLETE)

    _, alert = poll(as_alice, version, "&on=account")
    row, page, inbox = (as_alice.get(address).text for address in ("/files/", f"/files/{song.id}", "/notifications/"))

    assert alert.count("is cut short or damaged") == 2, "to be seen, and to be heard"
    assert "is cut short or damaged" in inbox
    assert "Cut short or damaged" in row
    assert "is cut short or damaged" in page
    for text in (alert, row, page, inbox):
        assert 'data-flaw="incomplete"' in text
    assert page.count("Cut short or damaged") == len(song.renditions)


def test_sec_M7_what_is_not_whole_is_named_in_the_alert_of_a_batch(as_alice: FlaskClient, alice: User) -> None:
    batch = uuid.uuid4()
    for name, flaw in (("whole.wav", None), ("cut.wav", Flaw.INCOMPLETE)):
        finish(AudioFileFactory(owner=alice, name=name, batch=batch).job, flaw=flaw)

    alerts = as_alice.get("/account/").text.partition("data-batch=")[2]

    unfolded = alerts.partition("<details")[0]
    assert "cut.wav" in unfolded
    assert "is cut short or damaged" in unfolded
    assert "whole.wav" not in unfolded
    assert "Retry" not in unfolded


def test_a_files_page_gets_its_pieces_and_never_the_player(as_alice: FlaskClient, song: AudioFile) -> None:
    version = version_of(as_alice.get(f"/files/{song.id}").text)
    jobs.record(JobEvent(song.job.id, JobStatus.PROGRESSING, "wav", percent=50.0))

    _, text = poll(as_alice, version, f"&on=file&file_id={song.id}")

    assert 'data-status="progressing" data-progress="16"' in text
    assert 'id="renditions"' in text
    assert "<audio" not in text


def test_the_page_of_a_file_that_is_deleted_leads_to_the_list_which_says_why(
    as_alice: FlaskClient, song: AudioFile
) -> None:
    address = f"/alerts/poll?v=0&on=file&file_id={song.id}"
    as_alice.post(f"/files/{song.id}/delete", headers=HTMX)

    assert as_alice.get(address, headers=HTMX).headers["HX-Redirect"] == "/files/"

    assert "The file whose page was open has been deleted." in as_alice.get("/files/").text
    assert "has been deleted." not in as_alice.get("/files/").text


@pytest.mark.parametrize(
    "query", ["", "&on=file&file_id=nonsense", "&on=file&file_id=00000000-0000-4000-8000-000000000000", "&on=nonsense"]
)
@pytest.mark.parametrize("version", ["", "0", "-1", "nonsense", "99999999999999999999"])
def test_a_poll_of_nonsense_is_answered(as_alice: FlaskClient, song: AudioFile, version: str, query: str) -> None:
    assert poll(as_alice, version, query)[0] == 200


def test_the_pace_follows_what_is_waited_for(
    as_alice: FlaskClient, song: AudioFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "every 500ms" in as_alice.get("/account/").text  # it is new, and may be short
    monkeypatch.setattr(live, "NEW", timedelta(0))
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
    assert "every 500ms" in text


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


def test_sec_R9_dismissed_is_dismissed_on_every_page(as_alice: FlaskClient, alice: User, song: AudioFile) -> None:
    finish(song.job)
    note = told(alice)[0]
    assert f'id="alert-{note.id}"' in as_alice.get("/files/").text

    answer = as_alice.post(f"/notifications/{note.id}/dismiss", headers={"Referer": "http://localhost/files/?q=a"})
    again = as_alice.post(f"/notifications/{note.id}/dismiss")

    assert (answer.status_code, answer.location) == (303, "/files/?q=a")
    assert (again.status_code, again.location) == (303, "/notifications/")
    assert f'id="alert-{note.id}"' not in as_alice.get("/files/").text
    assert f'data-notification="{note.id}"' in as_alice.get("/notifications/").text


def test_sec_R9_another_page_is_told_of_the_dismissal(as_alice: FlaskClient, alice: User, song: AudioFile) -> None:
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
        page = as_alice.get(f"/notifications/{query}").text.partition('id="inbox"')[2].partition('id="alert-region"')[0]
        return re.findall(r'data-kind="(\w+)"', page)

    assert shown("") == ["error", "complete"]
    assert shown("?filter=unread") == ["error"]
    assert shown("?filter=failed") == ["error"]
    assert shown("?filter=nonsense&page=7") == ["error", "complete"]


def test_an_empty_inbox_says_what_will_be_there(as_alice: FlaskClient) -> None:
    assert "you are told here" in as_alice.get("/notifications/").text
    assert "Nothing has failed." in as_alice.get("/notifications/?filter=failed").text


def test_what_was_sent_together_is_one_alert_whose_dismissal_takes_all(as_alice: FlaskClient, alice: User) -> None:
    batch = uuid.uuid4()
    files = [AudioFileFactory(owner=alice, name=f"take {n}.wav", batch=batch) for n in range(12)]
    for file in files[:10]:
        finish(file.job)
    finish(files[10].job, JobStatus.ERROR, error="There is no sound in this file.")

    page = as_alice.get("/account/").text

    assert len(alerts_in(page)) == 1
    assert f'data-batch="{batch}"' in page
    assert "10 of 12 files ready, 1 failed" in page
    assert "There is no sound in this file." in page
    assert page.count("data-notification=") == 11
    ids = re.findall(r'name="ids" value="(\d+)"', page)
    assert as_alice.post("/notifications/dismiss", data={"ids": ids}).status_code == 303
    assert alerts_in(as_alice.get("/account/").text) == []


def test_a_batch_is_ones_own_though_another_user_gives_it_the_same_number(
    as_alice: FlaskClient, alice: User, bob: User
) -> None:
    batch = uuid.uuid4()
    finish(AudioFileFactory(owner=alice, batch=batch).job)
    finish(AudioFileFactory(owner=bob, batch=batch, name="secret.wav").job)

    page = as_alice.get("/account/").text

    assert "data-batch" not in page
    assert "secret.wav" not in page


def test_five_alerts_stand_on_a_page_unread_before_seen_and_the_rest_is_counted(
    as_alice: FlaskClient, alice: User
) -> None:
    files = [AudioFileFactory(owner=alice, name=f"{n}.wav") for n in range(7)]
    for file in files:
        finish(file.job)
    for file in files[3:]:
        as_alice.get(f"/files/{file.id}")

    page = as_alice.get("/account/").text

    shown = re.findall(r'class="alert[^>]*data-file="([^"]+)"[^>]*?( data-seen)?>', page)
    assert [(file, bool(seen)) for file, seen in shown] == [
        (str(files[n].id), n >= 3) for n in (2, 1, 0, 6, 5)
    ]  # fmt: skip
    assert "and 2 more in the inbox" in page
    assert 'data-unread="3"' in page


def test_a_dismissal_can_be_undone_where_it_was_made(as_alice: FlaskClient, alice: User, song: AudioFile) -> None:
    finish(song.job)
    note = standing(alice)[0]

    answer = as_alice.post(f"/notifications/{note.id}/dismiss?v=1", headers=HTMX).text

    assert 'id="undo"' in answer
    assert f'name="ids" value="{note.id}"' in answer
    assert standing(alice) == []
    answer = as_alice.post("/notifications/restore?v=1", data={"ids": [note.id]}, headers=HTMX).text
    assert standing(alice) == [note]
    assert re.search(r'id="undo"[^>]*></div>', answer)


def test_without_javascript_the_next_page_offers_to_undo_once(
    as_alice: FlaskClient, alice: User, song: AudioFile
) -> None:
    finish(song.job)
    note = standing(alice)[0]

    as_alice.post(f"/notifications/{note.id}/dismiss")

    assert f'<input type="hidden" name="ids" value="{note.id}">' in as_alice.get("/account/").text
    assert "data-undo" not in as_alice.get("/account/").text


def test_news_that_comes_while_something_can_be_undone_leaves_the_offer(
    as_alice: FlaskClient, alice: User, song: AudioFile
) -> None:
    version = version_of(as_alice.get("/account/").text)
    finish(song.job)

    assert 'id="undo"' not in poll(as_alice, version)[1]


def test_a_page_of_somebody_who_has_gone_shows_nothing_of_who_came(as_bob: FlaskClient, alice: User) -> None:
    answer = as_bob.get(f"/alerts/poll?v=0&u={alice.id}", headers=HTMX)

    assert (answer.headers["HX-Refresh"], answer.text) == ("true", "")


def test_what_is_to_be_quiet_goes_straight_to_the_inbox(as_alice: FlaskClient, alice: User, song: AudioFile) -> None:
    with writing():
        alice.quiet_kinds = ["complete"]

    finish(song.job)

    assert standing(alice) == []
    assert "Restore: song.wav" in as_alice.get("/notifications/").text


def test_the_inbox_tells_of_each_thing_once_and_is_kept_true(
    as_alice: FlaskClient, alice: User, song: AudioFile
) -> None:
    finish(song.job)
    page = as_alice.get("/notifications/").text
    assert page.count(f'data-file="{song.id}"') == 1
    assert "Today" in page

    other = AudioFileFactory(owner=alice)
    finish(other.job)
    news = poll(as_alice, version_of(page), "&on=inbox")[1]

    assert f'data-file="{other.id}"' in news.partition('id="inbox"')[2]
    assert alerts_in(news) == []
    # In a list that leaves it out, a card tells of it.
    assert len(alerts_in(poll(as_alice, version_of(page), "&on=inbox&filter=failed")[1])) == 2


def test_many_alerts_are_told_by_how_many_they_are(as_alice: FlaskClient, alice: User) -> None:
    version = version_of(as_alice.get("/files/").text)
    for _ in range(4):
        finish(AudioFileFactory(owner=alice).job)

    spoken = poll(as_alice, version)[1].partition('id="status-line"')[2].partition("</p>")[0]

    assert "4 files ready." in spoken
    assert spoken.count("data-told") == 1


def test_however_much_stands_a_page_looks_at_a_part_of_it(
    as_alice: FlaskClient, alice: User, song: AudioFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cards, "MOST_NOTES", 3)
    first = AudioFileFactory(owner=alice, name="unread.wav")
    finish(first.job)
    others = [AudioFileFactory(owner=alice) for _ in range(4)]
    for file in others:
        finish(file.job)
        as_alice.get(f"/files/{file.id}")

    page = as_alice.get("/account/").text

    assert "unread.wav" in page
    assert len(alerts_in(page)) == 4
    assert "and 1 more in the inbox" in page


def alerts_in(page: str) -> list[str]:
    return re.findall(r'<div class="alert (?!undo)', page)


def test_a_place_in_the_queue_moves_with_the_work_of_others(as_alice: FlaskClient, bob: User, song: AudioFile) -> None:
    others = AudioFileFactory(owner=bob, seconds=1.0)
    page = as_alice.get("/files/").text
    assert "Queued, 1 ahead" in page
    address = re.search(r'hx-get="(/alerts/poll[^"]+)"', page)
    assert address
    asked = address[1].replace("&amp;", "&")
    assert as_alice.get(asked, headers=HTMX).status_code == 204

    finish(others.job)

    news = as_alice.get(asked, headers=HTMX)
    assert f'id="file-{song.id}"' in news.text
    assert "Queued, next" in news.text
    assert "alert" not in news.text.replace("/alerts/poll", "")


def test_what_has_gone_with_its_file_does_not_keep_the_others(as_alice: FlaskClient, alice: User) -> None:
    files = [AudioFileFactory(owner=alice) for _ in range(2)]
    for file in files:
        finish(file.job)
    ids = [note.id for note in told(alice)]
    as_alice.post(f"/files/{files[0].id}/delete")

    assert as_alice.post("/notifications/dismiss", data={"ids": ids}).status_code == 303

    assert standing(alice) == []
    assert as_alice.post("/notifications/dismiss", data={"ids": ids[:1]}).status_code == 404


def test_sec_R9_dismissing_again_is_no_news(as_alice: FlaskClient, alice: User, song: AudioFile) -> None:
    finish(song.job)
    note = standing(alice)[0]
    as_alice.post(f"/notifications/{note.id}/dismiss")
    version = version_of(as_alice.get("/account/").text)

    as_alice.post(f"/notifications/{note.id}/dismiss")

    assert poll(as_alice, version)[0] == 204


def test_the_alert_of_a_failure_that_is_removed_goes_from_open_pages(
    as_alice: FlaskClient, alice: User, song: AudioFile
) -> None:
    finish(song.job, JobStatus.COMPLETE, "wav", "flac")
    finish(song.job, JobStatus.ERROR, "mp4", error="There is no sound in this file.")
    version = version_of(as_alice.get("/account/").text)

    as_alice.post(f"/files/{song.id}/renditions/mp4/delete")

    news = poll(as_alice, version)[1]
    assert 'data-unread="0"' in news
    assert alerts_in(news) == []


def test_a_batch_counts_up_to_all_only_while_some_are_being_made(as_alice: FlaskClient, alice: User) -> None:
    batch = uuid.uuid4()
    files = [AudioFileFactory(owner=alice, batch=batch) for _ in range(3)]
    finish(files[0].job)
    assert "1 of 3 files ready" in as_alice.get("/account/").text
    for file in files[1:]:
        finish(file.job)

    as_alice.post("/notifications/dismiss", data={"ids": [note.id for note in standing(alice)[:2]]})

    assert "1 file ready" in as_alice.get("/account/").text


def test_after_a_form_that_was_refused_one_comes_back_to_a_page(
    as_alice: FlaskClient, alice: User, song: AudioFile
) -> None:
    finish(song.job)
    came_from = {"Referer": "http://localhost/account/password"}

    answer = as_alice.post(f"/notifications/{standing(alice)[0].id}/dismiss", headers=came_from)

    assert as_alice.get(answer.headers["Location"]).status_code == 200

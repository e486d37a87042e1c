"""One's own account: what one sees of it, and what one prefers."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.factories import AudioFileFactory
from webapp.models import User
from webapp.services import preferences
from webapp.web import account

CHOSEN: dict[str, Any] = {
    "theme": "auto",
    "time_zone": "",
    "alerts": ["complete", "partial", "error"],
    "shortcuts": "y",
}


def save(client: FlaskClient, **chosen: Any) -> Any:
    return client.post("/account/preferences", data=CHOSEN | chosen)


def root_of(page: str) -> str:
    """The element that scripts and styles read the preferences from."""
    return page.partition("<html")[2].partition(">")[0]


def test_the_room_that_is_left_is_told(alice: User, as_alice: FlaskClient) -> None:
    AudioFileFactory(owner=alice, size=1_500_000_000)

    assert "1.5 GB of 21 GB used, 20 GB left." in as_alice.get("/account/").text


def test_nothing_calls_but_alerts_until_somebody_wants_it(as_alice: FlaskClient) -> None:
    root = root_of(as_alice.get("/files/").text)

    assert 'data-theme="auto"' in root
    assert "data-shortcuts" in root
    assert "data-sound" not in root
    assert "data-system-notifications" not in root


def test_what_is_chosen_shows_on_every_page(as_alice: FlaskClient, as_bob: FlaskClient) -> None:
    answer = save(as_alice, theme="dark", sound="y", system_notifications="y", shortcuts="")

    assert (answer.status_code, answer.location) == (303, "/account/")
    assert "Saved." in as_alice.get("/account/").text
    root = root_of(as_alice.get("/files/").text)
    assert 'data-theme="dark"' in root
    assert "data-sound" in root
    assert "data-system-notifications" in root
    assert 'data-theme="auto"' in root_of(as_bob.get("/files/").text)


def test_a_check_box_that_is_not_sent_is_off(alice: User, as_alice: FlaskClient) -> None:
    as_alice.post("/account/preferences", data={"theme": "light"})

    assert "data-shortcuts" not in root_of(as_alice.get("/files/").text)
    assert alice.quiet_kinds == ["complete", "partial", "error"]
    assert 'value="complete" >' in as_alice.get("/account/").text


def test_saving_twice_is_as_once(alice: User, as_alice: FlaskClient) -> None:
    assert [save(as_alice, theme="dark").status_code for _ in range(2)] == [303, 303]
    assert alice.theme == "dark"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"theme": "pink"}, "Choose one of these."),
        ({"theme": ""}, "Choose one of these."),
        ({"alerts": ["expiring"]}, "Choose one of these."),
        ({"language": "tlh"}, "Choose one of these."),
        ({"time_zone": "Mars/Olympus"}, "This time zone is not known here."),
    ],
)
def test_what_is_not_there_is_refused_in_words_and_the_rest_is_kept_on_the_form(
    alice: User, as_alice: FlaskClient, wrong: dict[str, Any], words: str
) -> None:
    answer = save(as_alice, **{"sound": "y", **wrong})

    assert answer.status_code == 422
    assert words in answer.text or "language" in wrong  # which is not on the page while there is but one
    assert "Please look at what is marked below." in answer.text
    assert 'checked id="sound"' in answer.text
    assert (alice.theme, alice.time_zone, alice.has_sound) == ("auto", "", False)


def test_the_password_form_does_not_forget_what_is_preferred(as_alice: FlaskClient) -> None:
    save(as_alice, theme="dark")

    answer = as_alice.post("/account/password", data={"current": "", "password": ""})

    assert answer.status_code == 422
    assert 'value="dark" required checked' in answer.text


def test_times_are_told_in_the_zone_that_is_chosen(as_alice: FlaskClient) -> None:
    save(as_alice, time_zone="Asia/Kathmandu")

    page = as_alice.get("/account/").text

    assert '<option value="Asia/Kathmandu" selected>' in page
    assert "+05:45" in page


def test_the_zone_of_the_browser_is_named(as_alice: FlaskClient) -> None:
    as_alice.set_cookie("zone", "America/New_York")
    assert "As this browser has it (America/New York)" in as_alice.get("/account/").text

    as_alice.set_cookie("zone", "<script>")
    assert "As this browser has it</option>" in as_alice.get("/account/").text


def test_a_zone_that_is_not_among_the_regions_stays_chosen(as_alice: FlaskClient) -> None:
    save(as_alice, time_zone="Japan")

    assert "<option selected>Japan</option>" in as_alice.get("/account/").text


def test_zones_are_grouped_by_region_and_odd_ones_left_out() -> None:
    regions = account.zones_by_region()

    names = [name for places in regions.values() for name, _ in places]
    assert ("America/Argentina/Buenos_Aires", "Argentina: Buenos Aires") in regions["America"]
    assert set(names) <= preferences.zones()
    assert not {"localtime", "posixrules", "Factory", "EST5EDT"} & set(names)
    assert len(names) > 300

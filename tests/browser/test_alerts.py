"""Alerts and the inbox, as a user meets them: ux L1 to L8, I1 to I3, A3, A5, E2 and X3."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests import sounds
from tests.browser.conftest import Enter, Visit
from tests.flows.house import House, wait_for
from tests.flows.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.processes]

SHORT = sounds.wav(1.0)

# A headless browser shows nobody a notification, and is never out of sight.
STAND_INS = """() => {
    window.called = [];
    window.Notification = class extends EventTarget {
        static permission = "granted";
        constructor(title, options) { super(); window.called.push(options.body); }
        close() {}
    };
    const { start } = OscillatorNode.prototype;
    OscillatorNode.prototype.start = function (...when) {
        if (!window.called.includes("sound")) window.called.push("sound");
        return start.apply(this, when);
    };
    window.hide = () => {
        Object.defineProperty(document, "hidden", {value: true, configurable: true});
        document.dispatchEvent(new Event("visibilitychange"));
    };
}"""

# What is left of it to be seen and pressed when it has the focus, in the order in which Tab goes through the page.
# Whether all cards are in sight, or the lower edge of what scrolls, where its bar is, can be pointed at.
HELD = """() => {
  const stack = document.querySelector(".stack"), box = stack.getBoundingClientRect();
  const at = document.elementFromPoint(box.left + box.width / 2, box.bottom - 4);
  return stack.scrollWidth <= stack.clientWidth || at === stack;
}"""
COVERED = """async () => {
    const all = [...document.querySelectorAll("main a[href], main button, main input:not([type=hidden], [type=file])")];
    const covered = [];
    for (const each of all.filter((each) => each.checkVisibility({visibilityProperty: true}))) {
        each.focus();
        await new Promise(requestAnimationFrame);
        const box = each.getBoundingClientRect();
        const top = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
        if (top?.closest(".alerts")) covered.push(each.id || each.outerHTML.slice(0, 80));
    }
    return covered;
}"""


def test_ux_L1_an_alert_appears_on_any_page_without_a_reload(
    enter: Enter, alice: Visitor, complaints: list[str]
) -> None:
    pages = [enter(alice, path) for path in ("/account/", "/notifications/?filter=failed", "/files/?q=nothing")]
    for page in pages:
        page.evaluate("() => { window.isStill = true }")

    file_id = alice.keep("song.wav", SHORT, "wav")
    poll_now(pages)

    for page in pages:
        expect(alert(page, file_id)).to_be_visible()
        assert page.evaluate("() => [window.isStill, typeof window.jQuery]") == [True, "undefined"]
    assert complaints == []


def test_ux_L2_an_alert_names_the_file_the_outcome_and_leads_there(
    enter: Enter, alice: Visitor, complaints: list[str]
) -> None:
    file_id = ready(alice, "song.wav", "wav", "flac")
    page = enter(alice, "/account/")

    expect(alert(page, file_id)).to_contain_text("Ready: song.wav")
    expect(alert(page, file_id)).to_contain_text("WAV and FLAC")
    expect(alert(page, file_id).locator("svg")).to_have_count(2)
    alert(page, file_id).get_by_role("link", name="song.wav").click()

    expect(page).to_have_url(re.compile(f"/files/{file_id}$"))
    assert complaints == []


def test_ux_L3_a_dismissal_lasts_and_is_seen_in_a_second_tab(
    enter: Enter, alice: Visitor, complaints: list[str]
) -> None:
    file_id = ready(alice, "song.wav")
    page = enter(alice, "/account/")
    second = page.context.new_page()
    second.goto(page.url)
    elsewhere = enter(alice, "/files/")

    dismiss(page, file_id)

    expect(alert(page, file_id)).to_have_count(0)
    expect(alert(second, file_id)).to_have_count(0)
    poll_now([elsewhere])
    expect(alert(elsewhere, file_id)).to_have_count(0)
    page.reload()
    expect(page.locator("#bell")).to_have_attribute("data-unread", "0")
    expect(alert(page, file_id)).to_have_count(0)
    assert complaints == []


def test_ux_L4_undo_brings_an_alert_back_to_its_place(enter: Enter, alice: Visitor, complaints: list[str]) -> None:
    files = [ready(alice, f"{name}.wav") for name in "abc"]
    page = enter(alice, "/account/")
    before = page.locator("#alerts [data-notification]").evaluate_all("all => all.map(each => each.dataset.file)")
    assert before == files[::-1]

    dismiss(page, files[1])
    agree(page, 2)
    undo, cards = page.locator("#undo").bounding_box(), page.locator("#alerts .more").bounding_box()
    assert undo
    assert cards
    assert undo["y"] + undo["height"] < cards["y"]  # above all of them
    page.get_by_role("button", name="Undo").click()

    expect(alert(page, files[1])).to_be_visible()
    agree(page, 3)
    after = page.locator("#alerts [data-notification]").evaluate_all("all => all.map(each => each.dataset.file)")
    assert after == before
    expect(page.get_by_role("button", name="Undo")).to_have_count(0)
    page.wait_for_function("() => document.activeElement !== document.body")
    assert complaints == []


def test_ux_L4_the_offer_to_undo_goes_after_ten_seconds_unless_somebody_is_about_to_take_it(
    enter: Enter, alice: Visitor
) -> None:
    file_id = ready(alice, "song.wav")
    page = enter(alice, "/account/")
    page.clock.install()
    page.reload()

    dismiss(page, file_id)
    undo = page.get_by_role("button", name="Undo")
    expect(undo).to_be_visible()
    low, viewport = page.locator("#undo").bounding_box(), page.viewport_size
    assert low
    assert viewport
    assert low["y"] + low["height"] == viewport["height"] - 20  # no card stands below it
    page.clock.fast_forward(8000)
    expect(undo).to_be_visible()
    undo.focus()
    page.clock.fast_forward(5000)
    expect(undo).to_be_visible()
    page.locator("h1").click()
    page.clock.fast_forward(3000)

    expect(undo).to_have_count(0)


@pytest.mark.parametrize(("width", "height"), [(320, 256), (360, 640), (800, 640), (1280, 640), (1920, 640)])
def test_no_card_lies_over_what_has_the_focus(enter: Enter, alice: Visitor, width: int, height: int) -> None:
    for name in "abcd":
        ready(alice, f"A song with a rather long name, {name}.wav", "wav")
    page = enter(alice, viewport={"width": width, "height": height}, has_touch=width < 600)
    expect(page.locator("#alerts .alert")).to_have_count(4)
    page.emulate_media(reduced_motion="reduce")

    assert page.evaluate(COVERED) == []


@pytest.mark.parametrize("width", [360, 720, 1020, 1280])
def test_where_not_all_cards_have_room_a_mouse_can_take_hold_of_their_scrollbar(
    enter: Enter, alice: Visitor, width: int
) -> None:
    for name in "abcd":
        ready(alice, f"{name}.wav", "wav")
    page = enter(alice, viewport={"width": width, "height": 640})
    expect(page.locator("#alerts .alert")).to_have_count(4)

    assert page.evaluate(HELD) is True


@pytest.mark.slow
def test_ux_L5_dismiss_all_takes_what_is_listed_and_can_be_undone(
    enter: Enter, alice: Visitor, complaints: list[str]
) -> None:
    files = [ready(alice, f"{n}.wav", "wav") for n in range(7)]
    page = enter(alice, "/account/")
    expect(page.locator("#alerts")).to_contain_text("and 2 more in the inbox")

    page.get_by_role("button", name="Dismiss 5").click()

    # What was not listed stands now.
    expect(page.locator("#alerts [data-notification]")).to_have_count(2)
    for file_id in files[:2]:
        expect(alert(page, file_id)).to_be_visible()
    agree(page, 2)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#bell")).to_have_attribute("data-unread", "7")
    expect(page.locator("#alerts [data-notification]")).to_have_count(5)
    assert complaints == []


def test_ux_L6_title_bell_and_alerts_agree_at_every_moment(enter: Enter, alice: Visitor, complaints: list[str]) -> None:
    page = enter(alice, "/account/")
    agree(page, 0)
    files = [alice.keep(f"{n}.wav", SHORT, "wav") for n in range(3)]
    poll_now([page])
    agree(page, 3)

    dismiss(page, files[0])
    agree(page, 2)
    alert(page, files[1]).get_by_role("link").click()
    agree(page, 1)
    expect(alert(page, files[1])).to_have_attribute("data-seen", "")
    page.get_by_role("link", name=re.compile("^Inbox")).click()
    expect(page.locator("#bell")).to_have_attribute("data-unread", "1")
    expect(page).to_have_title(re.compile(r"^\(1\) "))
    assert complaints == []


def test_ux_L7_a_failure_says_why_stays_and_can_be_retried_from_there(
    enter: Enter, alice: Visitor, complaints: list[str]
) -> None:
    file_id = alice.keep("broken.wav", sounds.damaged(), "wav")
    wait_for("it to fail", lambda: alice.has(file_id, "error"))
    page = enter(alice, "/account/")
    page.clock.install()
    page.reload()

    page.clock.fast_forward(3_600_000)
    expect(alert(page, file_id)).to_contain_text("The file is damaged or cut short")
    expect(alert(page, file_id)).to_have_attribute("data-kind", "error")
    page.get_by_role("button", name="Retry: broken.wav").press("Enter")

    expect(page.locator("#alerts [data-notification]")).to_have_count(0)
    page.wait_for_function("() => document.activeElement !== document.body")
    poll_now([page])
    wait_for("it to fail again", lambda: len(alice.inbox(file_id)) == 2)
    page.clock.fast_forward(2000)
    expect(alert(page, file_id)).to_be_visible()
    assert complaints == []


@pytest.mark.slow
def test_ux_L8_a_batch_of_twelve_is_one_alert(enter: Enter, alice: Visitor, complaints: list[str]) -> None:
    page = enter(alice, "/account/")
    files = alice.keep_together({f"take {n}.wav": SHORT for n in range(12)}, "wav")
    poll_now([page])

    card = page.locator("#alerts [data-batch]")
    expect(card).to_contain_text("12 files ready")
    expect(page.locator("#alerts .alert")).to_have_count(1)
    agree(page, 12)
    card.locator("summary").click()
    expect(card.get_by_role("link", name="take 7.wav")).to_have_attribute("href", f"/files/{files['take 7.wav']}")
    card.get_by_role("button", name="Dismiss: 12 files ready").click()

    agree(page, 0)
    page.wait_for_function("() => document.activeElement.id === 'alert-region'")
    page.get_by_role("button", name="Undo").click()
    agree(page, 12)
    assert complaints == []


def test_ux_I1_the_inbox_is_paged_by_day_and_filtered_by_its_address(
    enter: Enter, alice: Visitor, complaints: list[str]
) -> None:
    ready(alice, "good.wav")
    failed = alice.keep("broken.wav", sounds.damaged(), "wav")
    wait_for("it to fail", lambda: alice.has(failed, "error"))
    page = enter(alice, "/notifications/")

    expect(page.get_by_role("heading", name="Today")).to_be_visible()
    names = page.locator("#inbox [data-notification] a").all_inner_texts()
    assert names == ["broken.wav", "good.wav"]
    page.get_by_role("link", name="Failed", exact=True).click()
    expect(page).to_have_url(re.compile(r"filter=failed$"))
    expect(page.locator("#inbox [data-notification]")).to_have_count(1)
    page.go_back()
    expect(page.locator("#inbox [data-notification]")).to_have_count(2)
    assert complaints == []


def test_ux_I2_what_is_dismissed_can_be_restored_and_what_is_opened_is_seen(
    enter: Enter, alice: Visitor, complaints: list[str]
) -> None:
    file_id = ready(alice, "song.wav")
    page = enter(alice, "/notifications/")
    note = page.locator(f"#inbox [data-file='{file_id}']")
    expect(note).to_contain_text("unread")

    note.get_by_role("button", name="Dismiss: song.wav").press("Enter")
    expect(note).to_contain_text("dismissed")
    page.wait_for_function("() => document.activeElement.textContent === 'Restore'")
    note.get_by_role("button", name="Restore: song.wav").press("Enter")
    expect(note).to_contain_text("unread")
    note.get_by_role("link").click()
    page.go_back()

    expect(page.locator(f"#inbox [data-file='{file_id}']")).to_contain_text("seen")
    expect(page.locator(f"#inbox [data-file='{file_id}']")).to_have_attribute("data-seen", "")
    assert complaints == []


def test_ux_I3_an_empty_inbox_helps(enter: Enter, alice: Visitor) -> None:
    page = enter(alice, "/notifications/")

    expect(page.locator("#inbox")).to_contain_text("When a file is ready")
    page.get_by_role("link", name="Upload a file").click()

    expect(page.get_by_role("heading", name="Files", exact=True)).to_be_visible()


def test_ux_A3_when_the_session_has_ended_the_next_poll_leads_to_the_sign_in_page(enter: Enter, alice: Visitor) -> None:
    page = enter(alice, "/files/?q=song")
    alice.get("/account/")
    alice.post("/auth/logout")

    poll_now([page])

    expect(page).to_have_url(re.compile(r"/auth/login\?next=%2Ffiles%2F%3Fq%3Dsong$|/auth/login\?next=/files/\?q"))
    expect(page.locator("h1")).to_have_count(1)
    page.locator("#email").fill("nobody@example.com")


def test_ux_A5_another_user_sees_nothing_of_it(enter: Enter, alice: Visitor, bob: Visitor, house: House) -> None:
    page = enter(bob, "/account/")
    file_id = ready(alice, "secret song.wav")
    poll_now([page])

    for path in ("/files/", "/notifications/", "/account/"):
        page.goto(house.address.rstrip("/") + path)
        assert "secret" not in page.content()
        agree(page, 0)
    answer = page.goto(f"{house.address.rstrip('/')}/files/{file_id}")
    assert answer
    assert answer.status == 404


def test_ux_A5_a_page_of_alices_goes_when_bob_signs_in_beside_it(
    enter: Enter, alice: Visitor, bob: Visitor, house: House
) -> None:
    ready(alice, "secret song.wav")
    page = enter(alice, "/account/")
    expect(page.locator("#alerts")).to_contain_text("secret song.wav")

    cookies = [{"name": name, "value": value, "url": house.address} for name, value in bob.cookies.items()]
    page.context.add_cookies(cookies)  # type: ignore[arg-type]
    poll_now([page])

    expect(page.locator("#alerts")).not_to_contain_text("secret song.wav")
    assert page.locator("meta[name='user']").count() == 1


def test_ux_A4_signing_out_in_one_tab_clears_the_others_at_once(enter: Enter, alice: Visitor) -> None:
    ready(alice, "secret song.wav")
    page = enter(alice, "/account/")
    other = page.context.new_page()
    other.goto(page.url)

    page.get_by_role("button", name="Sign out").click()

    expect(other).to_have_url(re.compile("/auth/login"), timeout=5000)
    assert "secret" not in other.content()


def test_ux_E2_a_lost_server_is_told_once_and_the_page_stays(enter: Enter, alice: Visitor) -> None:
    file_id = ready(alice, "song.wav")
    page = enter(alice, "/account/")
    banner = page.locator("#connection-lost")
    page.route("**/alerts/poll*", lambda route: route.fulfill(status=500, body="broken"))

    poll_now([page])
    expect(banner).to_be_hidden()
    poll_now([page])
    expect(banner).to_be_visible()
    expect(alert(page, file_id)).to_be_visible()
    page.unroute("**/alerts/poll*")
    page.route("**/alerts/poll*", lambda route: route.abort())
    poll_now([page])
    expect(banner).to_have_count(1)
    page.unroute("**/alerts/poll*")
    poll_now([page])

    expect(banner).to_be_hidden()
    expect(alert(page, file_id)).to_be_visible()


def test_ux_X3_each_new_alert_is_spoken_once_and_idle_polls_say_nothing(enter: Enter, alice: Visitor) -> None:
    page = enter(alice, "/account/")
    page.evaluate(
        """() => {
            window.spoken = [];
            const line = document.querySelector("[role=status]#status-line");
            new MutationObserver(() => window.spoken.push(line.textContent.trim()))
                .observe(line, {childList: true, subtree: true, characterData: true});
        }"""
    )
    first = alice.keep("one.wav", SHORT, "wav")
    poll_now([page])
    expect(alert(page, first)).to_be_visible()
    second = alice.keep("two.wav", SHORT, "wav")
    poll_now([page])
    expect(alert(page, second)).to_be_visible()
    for _ in range(3):
        poll_now([page])

    assert page.evaluate("() => window.spoken") == ["Ready: one.wav.", "Ready: two.wav."]
    assert page.locator("#alerts [aria-live], #alerts [role=alert]").count() == 0


@pytest.mark.slow
def test_ux_S2_the_system_and_a_sound_tell_of_news_only_when_the_page_is_out_of_sight(
    enter: Enter, alice: Visitor, song: Path, complaints: list[str]
) -> None:
    alice.get("/account/")
    chosen = {"theme": "auto", "alerts": "complete", "system_notifications": "y", "sound": "y"}
    assert alice.post("/account/preferences", **chosen).status == 303
    page = enter(alice, "/account/", permissions=["notifications"])
    page.evaluate(STAND_INS)
    page.clock.install()

    seen = alice.keep("seen.wav", SHORT, "wav")
    poll_now([page])
    expect(alert(page, seen)).to_be_visible()
    assert page.evaluate("() => window.called") == []
    alice.keep("long.wav", song.read_bytes(), "mp4", "m4a-256", "m4a-128")
    poll_now([page])  # something is being made: it goes on asking, though seldom
    page.evaluate("() => window.hide()")
    ready(alice, "unseen.wav")
    page.clock.fast_forward(16_000)

    page.wait_for_function("() => window.called.length >= 2")
    assert page.evaluate("() => window.called") == ["Ready: unseen.wav.", "sound"]
    assert complaints == []


@pytest.mark.slow
def test_a_page_goes_on_when_somebody_has_signed_in_anew_in_another_tab(
    visit: Visit, email: str, house: House, complaints: list[str]
) -> None:
    visitor = house.visitor().register(email.partition("@")[0])
    file_id = ready(visitor, "song.wav")
    page = visit()
    sign_in(page, email)
    page.get_by_role("link", name="Account").click()
    expect(alert(page, file_id)).to_be_visible()
    other = page.context.new_page()
    other.route("**/app*.js*", lambda route: route.abort())  # it cannot tell the first one of its token
    other.goto(page.url)
    page.context.clear_cookies()
    other.goto(house.address)
    sign_in(other, email)

    dismiss(page, file_id)

    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    expect(alert(page, file_id)).to_have_count(0)
    assert [each for each in complaints if "400" not in each and "ERR_FAILED" not in each] == []


def ready(who: Visitor, name: str, *presets: str) -> str:
    """The id of a new file of theirs that is ready."""
    file_id = who.keep(name, SHORT, *(presets or ("wav",)))
    wait_for(f"{name} to be ready", lambda: who.has(file_id, "complete"))
    return file_id


def sign_in(page: Page, email: str) -> None:
    page.locator("#email").fill(email)
    page.locator("#password").fill("a long enough password")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Files", exact=True)).to_be_visible()


def alert(page: Page, file_id: str) -> Locator:
    return page.locator(f"#alerts [data-notification][data-file='{file_id}']")


def dismiss(page: Page, file_id: str) -> None:
    alert(page, file_id).get_by_role("button", name=re.compile("^Dismiss")).click()


def poll_now(pages: Sequence[Page]) -> None:
    """As another tab asks when something was done there."""
    for page in pages:
        page.evaluate("() => window.htmx.trigger(document.body, 'poll-now')")
        page.wait_for_function("() => !document.querySelector('#poller.htmx-request')")


def agree(page: Page, unread: int) -> None:
    """Bell, title and the alerts that are not seen tell of the same number."""
    expect(page.locator("#bell")).to_have_attribute("data-unread", str(unread))
    expect(page).to_have_title(re.compile(rf"^\({unread}\) " if unread else "^[^(]"))
    expect(page.locator("#alerts [data-notification]:not([data-seen])")).to_have_count(unread)

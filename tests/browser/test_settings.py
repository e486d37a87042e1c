"""Signing in and out, what one prefers, error pages and shortcuts, in a browser."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NoReturn

import pytest
import sqlalchemy as sa
from flask import Flask
from playwright.sync_api import Page, Route, expect

from tests import sounds
from tests.browser.conftest import PATIENCE_MILLISECONDS, Enter, Visit
from tests.factories import sign_in, user
from tests.flows.house import House
from tests.flows.visitor import PASSWORD, Visitor
from webapp.errors import AppError, BadRequest, Conflict, Forbidden, NotSignedIn, TooLarge, TooMany, Unavailable
from webapp.models import AudioFile, User

pytestmark = [pytest.mark.browser, pytest.mark.processes]

expect.set_options(timeout=PATIENCE_MILLISECONDS)

# Less, and Chromium itself makes one of two; more, and the answer to the first is there.
BETWEEN_CLICKS = 30
DARK_PAPER, LIGHT_PAPER = "rgb(21, 19, 16)", "rgb(250, 247, 242)"
# Kept from the beginning: what was asked for, and how the page looked before anything of ours ran.
ASKED = """
window.asked = 0;
Object.defineProperty(Notification, "permission", {get: () => "default"});
Notification.requestPermission = async () => { window.asked += 1; return "ANSWER"; };
"""
FIRST_LOOK = """
document.addEventListener("DOMContentLoaded", () => {
  window.firstLook = getComputedStyle(document.body).backgroundColor;
});
"""


@pytest.fixture
def ana(house: House, email: str) -> Visitor:
    """She has an account with that address, and the usual password."""
    return house.visitor().register(email.removesuffix("@example.com"))


def errors_of_ours(complaints: Sequence[str]) -> list[str]:
    """Complaints but for those of a page that is an error, which the browser tells too."""
    return [said for said in complaints if not said.startswith("Failed to load resource: the server responded with a")]


def tab_to(page: Page, element: str) -> None:
    """As somebody without a mouse does it."""
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.locator(f"{element}:focus").count():
            return
    raise AssertionError(f"{element} cannot be reached")


def fill_in(page: Page, email: str, password: str = PASSWORD) -> None:
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(password)


@pytest.mark.parametrize("has_javascript", [True, False], ids=["", "without JavaScript"])
def test_ux_A1_signing_in_takes_a_keyboard_and_no_javascript(
    visit: Visit, ana: Visitor, email: str, complaints: list[str], has_javascript: bool
) -> None:
    page = visit(java_script_enabled=has_javascript)
    expect(page.locator("#email")).to_have_attribute("autocomplete", "username")
    expect(page.locator("#password")).to_have_attribute("autocomplete", "current-password")
    expect(page.get_by_role("button", name="Show password")).to_have_count(1 if has_javascript else 0)

    tab_to(page, "#email")
    page.keyboard.type(email)
    tab_to(page, "#password")
    page.keyboard.type(PASSWORD)
    tab_to(page, "#remember")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="Files", exact=True)).to_be_visible()
    assert complaints == []


def test_ux_A1_a_password_can_be_looked_at_and_is_one_again_when_it_is_sent(
    visit: Visit, ana: Visitor, email: str
) -> None:
    page = visit()
    fill_in(page, email, "a guess of somebody")
    show = page.get_by_role("button", name="Show password")
    expect(show).to_have_attribute("aria-pressed", "false")

    show.press("Enter")

    expect(show).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#password")).to_have_attribute("type", "text")
    page.evaluate("""() => document.querySelector("form").addEventListener("submit", (event) => {
        setTimeout(() => { window.name = document.getElementById("password").type });
    })""")
    page.locator("#password").press("Enter")
    expect(page.locator("#form-error")).to_be_visible()
    assert page.evaluate("() => window.name") == "password"


def test_ux_A2_a_wrong_password_is_told_in_one_place_with_the_focus(
    visit: Visit, ana: Visitor, email: str, complaints: list[str]
) -> None:
    page = visit()
    said = []
    for address in (email, f"nobody-{email}"):
        fill_in(page, address, "a guess of somebody")
        with page.expect_response("**/auth/login") as caught:
            page.get_by_role("button", name="Sign in").click()
        assert caught.value.status == 422
        summary = page.locator("#form-error")
        expect(summary).to_be_focused()
        expect(page.locator("#email")).to_have_value(address)
        expect(page.locator("#password")).to_have_value("")
        for field in ("#email", "#password"):
            expect(page.locator(field)).to_have_attribute("aria-invalid", "true")
            expect(page.locator(field)).to_have_accessible_description(summary.inner_text())
        said.append(summary.inner_text())
    assert said[0] == said[1]
    assert errors_of_ours(complaints) == []


@pytest.mark.slow
def test_ux_A2_who_tried_too_often_is_told_how_long_to_wait_on_the_form(
    visit: Visit, house: House, ana: Visitor, email: str
) -> None:
    guesser = house.visitor()
    guesser.get("/auth/login")
    for _ in range(10):
        assert guesser.post("/auth/login", email=email, password="a guess of somebody").status == 422
    page = visit()

    fill_in(page, email)
    page.get_by_role("button", name="Sign in").click()

    expect(page.locator("#form-error")).to_contain_text("Please try again in 15 minutes.")
    expect(page.locator("#email")).to_have_value(email)


def test_ux_A2_a_form_that_was_open_for_too_long_is_sent_again_with_one_click(
    visit: Visit, ana: Visitor, email: str
) -> None:
    page = visit()
    page.context.clear_cookies()
    fill_in(page, email)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#form-error")).to_contain_text("Please try again.")
    expect(page.locator("#email")).to_have_value(email)

    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_role("heading", name="Files", exact=True)).to_be_visible()


def test_ux_A4_after_signing_out_back_shows_nothing_and_nothing_is_kept(
    enter: Enter, ana: Visitor, email: str, complaints: list[str]
) -> None:
    ana.keep("a private song.wav", sounds.wav(1.0))
    page = enter(ana)
    expect(page.get_by_role("link", name="a private song.wav", exact=True)).to_be_visible()
    page.get_by_role("link", name="Account").click()
    expect(page.get_by_text(email)).to_be_visible()

    page.get_by_role("button", name="Sign out").click()

    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    for _ in range(2):
        page.go_back()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        assert email not in page.content()
        assert "a private song" not in page.content()
    kept = page.evaluate("() => [...Object.values(localStorage), ...Object.values(sessionStorage)].join()")
    assert "<" not in kept
    assert complaints == []


def save(page: Page) -> None:
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#messages")).to_contain_text("Saved.")


@pytest.mark.parametrize("has_javascript", [True, False], ids=["", "without JavaScript"])
def test_ux_S1_a_theme_holds_from_the_first_look(
    enter: Enter, ana: Visitor, complaints: list[str], has_javascript: bool
) -> None:
    page = enter(ana, "/account/", color_scheme="light", java_script_enabled=has_javascript)
    expect(page.locator("body")).to_have_css("background-color", LIGHT_PAPER)
    page.get_by_label("Dark").check()
    save(page)
    expect(page.get_by_label("Dark")).to_be_checked()
    expect(page.locator("body")).to_have_css("background-color", DARK_PAPER)

    page.context.add_init_script(FIRST_LOOK)
    for path in ("/files/", "/account/", "/nowhere"):
        answer = page.goto(path if path.startswith("http") else f"http://{page.url.split('/')[2]}{path}")
        assert answer
        assert 'data-theme="dark"' in answer.text()
        expect(page.locator("body")).to_have_css("background-color", DARK_PAPER)
        if has_javascript:
            assert page.evaluate("() => window.firstLook") == DARK_PAPER
    assert errors_of_ours(complaints) == []


def test_ux_S1_as_the_system_follows_it(enter: Enter, ana: Visitor) -> None:
    page = enter(ana, "/account/", color_scheme="dark")
    expect(page.locator("body")).to_have_css("background-color", DARK_PAPER)

    page.emulate_media(color_scheme="light")

    expect(page.locator("body")).to_have_css("background-color", LIGHT_PAPER)


@pytest.mark.parametrize(
    "has_javascript", [True, pytest.param(False, marks=pytest.mark.slow)], ids=["", "without JavaScript"]
)
def test_ux_S2_zone_and_kinds_are_kept(enter: Enter, ana: Visitor, has_javascript: bool) -> None:
    page = enter(ana, "/account/", java_script_enabled=has_javascript)
    page.get_by_label("Time zone").select_option("Asia/Kathmandu")
    page.get_by_label("Ready", exact=True).uncheck()
    page.get_by_label("A sound").check()
    save(page)

    page.reload()

    expect(page.get_by_label("Time zone")).to_have_value("Asia/Kathmandu")
    expect(page.locator("#time_zone-hint")).to_contain_text("+05:45")
    expect(page.get_by_label("Ready", exact=True)).not_to_be_checked()
    expect(page.get_by_label("Partly ready")).to_be_checked()
    expect(page.locator("html")).to_have_attribute("data-sound", "")
    file_id = ana.keep("quiet.wav", sounds.wav(1.0))
    page.goto(page.url.replace("/account/", f"/files/{file_id}"))
    expect(page.locator("#head")).to_have_attribute("data-status", "complete")
    assert [note.file for note in ana.inbox()] == [file_id]
    assert ana.unread() == 0


def test_ux_S2_notifications_are_off_until_switched_on_and_asked_for_on_that_click_only(
    enter: Enter, ana: Visitor, complaints: list[str]
) -> None:
    page = enter(ana, "/account/")
    page.context.add_init_script(ASKED.replace("ANSWER", "granted"))
    page.reload()
    box = page.get_by_label("System notifications")
    expect(box).not_to_be_checked()
    expect(page.locator("html")).not_to_have_attribute("data-system-notifications", "")
    assert page.evaluate("() => window.asked") == 0

    box.check()
    page.wait_for_function("() => window.asked === 1")
    expect(box).to_be_checked()
    save(page)

    expect(box).to_be_checked()
    expect(page.locator("html")).to_have_attribute("data-system-notifications", "")
    assert page.evaluate("() => window.asked") == 0
    assert complaints == []


def test_ux_S2_a_browser_that_has_allowed_it_asks_no_more(enter: Enter, ana: Visitor, house: House) -> None:
    page = enter(ana, "/account/")
    page.context.grant_permissions(["notifications"], origin=house.address)
    page.reload()

    page.get_by_label("System notifications").check()
    save(page)

    expect(page.get_by_label("System notifications")).to_be_checked()
    expect(page.locator("#system_notifications-why")).to_be_empty()


@pytest.mark.parametrize("answer", ["denied", "default"])
def test_ux_S2_what_the_browser_does_not_allow_is_off_again_and_told(enter: Enter, ana: Visitor, answer: str) -> None:
    page = enter(ana, "/account/")
    page.context.add_init_script(ASKED.replace("ANSWER", answer))
    page.reload()

    page.get_by_label("System notifications").click()

    expect(page.locator("#system_notifications-why")).to_contain_text("allow")
    expect(page.get_by_label("System notifications")).not_to_be_checked()


def test_ux_S2_a_browser_without_notifications_says_so(enter: Enter, ana: Visitor) -> None:
    page = enter(ana, "/account/")
    page.context.add_init_script("delete window.Notification")
    page.reload()

    page.get_by_label("System notifications").click()

    expect(page.locator("#system_notifications-why")).to_have_text("This browser has no system notifications.")
    expect(page.get_by_label("System notifications")).not_to_be_checked()


def test_ux_S3_shortcuts_lead_about_and_are_listed(enter: Enter, ana: Visitor, complaints: list[str]) -> None:
    page = enter(ana)
    keys = page.get_by_role("dialog", name="Keyboard shortcuts")
    page.get_by_role("link", name="Inbox").focus()

    page.keyboard.press("?")
    expect(keys).to_be_visible()
    expect(keys.get_by_role("button", name="Close")).to_be_focused()
    expect(keys).to_contain_text("Dismiss the newest alert")
    page.keyboard.press("g")
    page.keyboard.press("i")
    page.keyboard.press("Escape")
    expect(keys).to_be_hidden()
    expect(page.get_by_role("link", name="Inbox")).to_be_focused()

    for key, heading in (("i", "Inbox"), ("a", "Account"), ("f", "Files")):
        page.keyboard.press("g")
        page.keyboard.press(key)
        expect(page.get_by_role("heading", name=heading, exact=True, level=1)).to_be_visible()
    page.get_by_role("link", name="Account").click()
    expect(page.get_by_role("heading", name="Account", exact=True)).to_be_visible()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("gi?j/")
    expect(page.get_by_role("searchbox")).to_have_value("gi?j/")
    expect(keys).to_be_hidden()
    page.get_by_role("heading", name="Files", exact=True).click()
    page.evaluate("() => document.getElementById('audio').addEventListener('click', () => { window.hasChosen = true })")
    page.keyboard.press("u")
    page.wait_for_function("() => window.hasChosen")
    assert complaints == []


def test_ux_S3_j_and_k_move_between_rows_and_e_and_z_dismiss_and_undo(
    enter: Enter, ana: Visitor, complaints: list[str]
) -> None:
    ids = [ana.keep(name, sounds.wav(1.0), "wav") for name in ("one.wav", "two.wav")]
    page = enter(ana)
    for file_id in ids:
        expect(page.locator(f"#alerts [data-file='{file_id}']")).to_be_visible()
    names = [page.get_by_role("main").get_by_role("link", name=name, exact=True) for name in ("two.wav", "one.wav")]

    for key, row in (("j", 0), ("j", 1), ("j", 1), ("k", 0), ("k", 0)):
        page.keyboard.press(key)
        expect(names[row]).to_be_focused()
    page.keyboard.press("Alt+j")
    expect(names[0]).to_be_focused()
    page.keyboard.press("e")
    expect(page.locator(f"#alerts [data-file='{ids[1]}']")).to_have_count(0)
    expect(page.locator(f"#alerts [data-file='{ids[0]}']")).to_have_count(1)
    page.keyboard.press("z")
    expect(page.locator(f"#alerts [data-file='{ids[1]}']")).to_be_visible()
    names[0].focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/files/{ids[1]}$"))
    expect(page.get_by_role("button", name="Keyboard shortcuts")).to_be_visible()  # from then on they work
    page.keyboard.press("g")
    page.keyboard.press("i")
    expect(page.get_by_role("heading", name="Inbox", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("j")
    expect(page.locator(".note").first.get_by_role("link")).to_be_focused()
    assert complaints == []


def test_ux_S3_single_keys_can_be_switched_off(enter: Enter, ana: Visitor) -> None:
    page = enter(ana, "/account/")
    page.get_by_label("Single-key shortcuts").uncheck()
    save(page)
    keys = page.get_by_role("dialog", name="Keyboard shortcuts")

    for key in ("?", "g", "i"):
        page.keyboard.press(key)
    page.get_by_role("button", name="Keyboard shortcuts").press("Enter")

    expect(keys).to_be_visible()
    expect(keys).to_contain_text("They are switched off.")
    page.keyboard.press("Enter")
    expect(keys).to_be_hidden()
    expect(page.get_by_role("button", name="Keyboard shortcuts")).to_be_focused()
    expect(page).to_have_url(re.compile("/account/$"))


def see_error_page(page: Page, status: int, way: str) -> None:
    """It is styled, has the number of the request and a way on, and nothing of the inside."""
    expect(page.locator("main .back")).to_have_text(str(status))
    expect(page.locator("main code")).to_have_text(re.compile("^[0-9a-f]{16}$"))
    expect(page.get_by_role("main").get_by_role("link", name=way)).to_be_visible()
    expect(page.locator("main .btn").first).to_have_css("border-radius", "8px")
    assert "Traceback" not in page.content()


def test_ux_E1_pages_of_errors_have_a_way_on(enter: Enter, ana: Visitor, complaints: list[str]) -> None:
    page = enter(ana, "/nowhere")
    see_error_page(page, 404, "Go to your files")
    page.goto(page.url.replace("/nowhere", "/account/preferences"))
    see_error_page(page, 405, "Go to your files")

    page.get_by_role("link", name="Account").click()
    page.locator("#preferences [name=csrf_token]").evaluate("(field) => { field.value = 'of another time' }")
    page.get_by_role("button", name="Save", exact=True).click()
    see_error_page(page, 400, "Back to where you were")
    page.get_by_role("link", name="Back to where you were").click()
    expect(page.get_by_role("heading", name="Account", exact=True)).to_be_visible()

    page.locator("#current").evaluate("(field) => { field.value = 'x'.repeat(2_000_000) }")
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_role("button", name="Change the password").click()
    see_error_page(page, 413, "Back to where you were")
    page.get_by_role("link", name="Back to where you were").click()
    expect(page.get_by_role("heading", name="Account", exact=True)).to_be_visible()
    assert errors_of_ours(complaints) == []


@pytest.mark.parametrize(
    ("error", "status", "way"),
    [
        (BadRequest(), 400, "Go to your files"),
        (NotSignedIn(), 401, "Sign in"),
        (Forbidden(), 403, "Go to your files"),
        (Conflict(), 409, "Go to your files"),
        (TooLarge(), 413, "Look at your account"),
        (TooMany(retry_after=60), 429, "Go to your files"),
        (RuntimeError("Traceback"), 500, "Go to the start page"),
        (Unavailable(), 503, "Go to the start page"),
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, Exception) else "",
)
def test_ux_E1_pages_of_errors_that_are_hard_to_come_by(
    app: Flask, visit: Visit, house: House, error: Exception, status: int, way: str, complaints: list[str]
) -> None:
    def refuse() -> NoReturn:
        raise error

    def serve(route: Route) -> None:
        path = route.request.url.removeprefix(house.address)
        with app.app_context():
            answer = client.open(path, method="POST" if path == "/refuse" else "GET")
        route.fulfill(status=answer.status_code, headers=dict(answer.headers), body=answer.data)

    app.post("/refuse")(refuse)
    client = sign_in(app.test_client(), user("alice@example.com"))
    page = visit()
    page.route("**/*", serve)

    answer = page.goto(f"{house.address}/refuse")

    assert answer
    assert answer.status == status
    see_error_page(page, status, way)
    assert not isinstance(error, AppError) or error.message.partition(".")[0] in page.content()
    assert errors_of_ours(complaints) == []


def test_ux_E1_an_error_in_place_takes_that_of_an_older_one_and_can_be_put_away(enter: Enter, ana: Visitor) -> None:
    file_id = ana.keep("song.wav", sounds.wav(1.0), "wav")
    page = enter(ana)
    alert = page.locator(f"#alerts [data-file='{file_id}']")
    expect(alert).to_be_visible()
    page.route("**/notifications/*/dismiss*", lambda route: route.fulfill(status=404, body=fragment(ana)))
    message = page.locator("#messages .message")

    for _ in range(2):
        alert.get_by_role("button", name=re.compile("^Dismiss")).click()
        expect(message).to_have_count(1)
        expect(message).to_contain_text("There is nothing here.")
    expect(page.locator("#messages")).to_have_attribute("role", "status")
    page.get_by_role("button", name="Close this message").press("Enter")

    expect(message).to_have_count(0)
    expect(page.locator("#content")).to_be_focused()
    expect(alert).to_be_visible()


def fragment(who: Visitor) -> bytes:
    """What htmx gets for a thing that is not there."""
    return who.get("/nowhere", HX_Request="true").body


def posts_of(page: Page) -> list[str]:
    """The addresses that forms are sent to, from now on."""
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    return sent


@pytest.mark.parametrize("has_javascript", [True, False], ids=["", "without JavaScript"])
def test_ux_E3_a_double_click_makes_one_account(visit: Visit, house: House, email: str, has_javascript: bool) -> None:
    page = visit(java_script_enabled=has_javascript)
    page.get_by_role("link", name="Create an account").click()
    fill_in(page, email)
    sent = posts_of(page)

    page.get_by_role("button", name="Create the account").dblclick(delay=BETWEEN_CLICKS)

    expect(page.get_by_role("heading", name="Files", exact=True)).to_be_visible()
    assert house.ask(sa.select(sa.func.count()).where(User.email == email)) == [(1,)]
    assert len(sent) == 1 or not has_javascript


def test_ux_E3_a_double_click_saves_once(enter: Enter, ana: Visitor, complaints: list[str]) -> None:
    page = enter(ana, "/account/")
    page.get_by_label("Dark").check()
    sent = posts_of(page)

    page.get_by_role("button", name="Save", exact=True).dblclick(delay=BETWEEN_CLICKS)

    expect(page.locator("#messages .message")).to_have_count(1)
    expect(page.get_by_label("Dark")).to_be_checked()
    assert len(sent) == 1
    assert complaints == []


def test_ux_E3_a_double_click_renames_once(enter: Enter, house: House, ana: Visitor, complaints: list[str]) -> None:
    file_id = ana.keep("song.wav", sounds.wav(1.0), "wav")
    page = enter(ana, f"/files/{file_id}")
    page.get_by_text("Rename…").click()
    page.get_by_label("Name").fill("another song.wav")
    sent = posts_of(page)

    page.get_by_role("button", name="Rename", exact=True).dblclick(delay=BETWEEN_CLICKS)

    expect(page.get_by_role("heading", level=1)).to_contain_text("another song.wav")
    assert [url for url in sent if url.endswith("/rename")] == sent[:1]
    names = house.ask(sa.select(AudioFile.id, AudioFile.name))
    assert [name for each, name in names if str(each) == file_id] == ["another song.wav"]
    assert complaints == []


def test_ux_E3_a_form_that_one_comes_back_to_can_be_sent_again(enter: Enter, ana: Visitor) -> None:
    page = enter(ana, "/account/")
    sent = posts_of(page)
    button = page.get_by_role("button", name="Save", exact=True)
    guard = "() => { document.addEventListener('submit', (event) => event.preventDefault()) }"
    page.evaluate(guard)  # after ours: the page stays, as if the answer took long
    button.click()
    expect(button).to_have_attribute("aria-disabled", "true")

    page.evaluate("() => dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")

    expect(button).not_to_have_attribute("aria-disabled", "true")
    button.click()
    expect(button).to_have_attribute("aria-disabled", "true")
    assert sent == []


def test_ux_T1_times_are_in_utc_for_programs_and_in_the_readers_zone_for_people(
    enter: Enter, ana: Visitor, complaints: list[str]
) -> None:
    page = enter(ana, "/account/", timezone_id="America/New_York")
    expect(page.locator("#time_zone option").first).to_have_text(re.compile("As this browser has it"))
    page.reload()
    expect(page.locator("#time_zone option").first).to_contain_text("(America/New York)")
    page.get_by_label("Time zone").select_option("Asia/Kathmandu")
    save(page)
    ana.keep("song.wav", sounds.wav(1.0), "wav")

    page.get_by_role("link", name="Files").click()

    time = page.locator("main time").first
    stamp = datetime.fromisoformat(time.get_attribute("datetime") or "")
    assert stamp.utcoffset() == timedelta(0)
    there = stamp + timedelta(hours=5, minutes=45)
    expect(time).to_have_attribute("title", re.compile(rf"{there:%H:%M}.*\+05:45"))
    assert complaints == []


def test_ux_T1_what_was_just_now_grows_older(enter: Enter, ana: Visitor, complaints: list[str]) -> None:
    ana.keep("song.wav", sounds.wav(1.0), "wav")
    page = enter(ana, "/account/")
    page.clock.install()
    page.get_by_role("link", name="Files").click()
    time = page.locator("main time").first
    expect(time).to_have_text("just now")

    page.clock.fast_forward("05:00")
    expect(time).to_have_text("5 minutes ago")
    page.clock.fast_forward("02:00:00")
    expect(time).to_have_text("2 hours ago")
    assert complaints == []

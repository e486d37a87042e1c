"""The list of files, a file's page and the upload form in a browser: ux F1 to F4, P1, P2, M1, M2 and N1."""

import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from playwright.sync_api import Locator, Page, expect

from tests import sounds
from tests.browser.conftest import PATIENCE_MILLISECONDS, Enter, Visit
from tests.flows.house import House, wait_for
from tests.flows.visitor import PASSWORD, Visitor
from webapp.models import TranscodeJob

pytestmark = [pytest.mark.browser, pytest.mark.processes]

expect.set_options(timeout=PATIENCE_MILLISECONDS)

SHORT = sounds.wav(0.5)
LONG_SECONDS = 900
PIXEL = {"viewport": {"width": 412, "height": 839}, "device_scale_factor": 2.6, "is_mobile": True, "has_touch": True}
IPHONE = {"viewport": {"width": 390, "height": 664}, "device_scale_factor": 3, "is_mobile": True, "has_touch": True}
NAMES = {
    "emoji": "🎙 Gespräch mit Ana 👩🏽‍💻.wav",
    "rtl": "مقابلة مع آنا.wav",
    "long": "x" * 251 + ".wav",
    "script": "<script>alert(1)</script>.wav",
}
# What the rows say of how far they are, each time that it changes, and after how many milliseconds.
SAYINGS = """
window.said = [];
new MutationObserver(() => {
  const now = document.querySelector("li.file .standing")?.innerText.replace(/\\s+/g, " ").trim();
  if (now && window.said.at(-1)?.[0] !== now) window.said.push([now, performance.now()]);
}).observe(document, {subtree: true, childList: true, attributes: true, characterData: true});
"""


@pytest.fixture(scope="session")
def long_song(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """It keeps an AAC encoder busy for much longer than five seconds."""
    source = f"sine=frequency=440:sample_rate=44100:duration={LONG_SECONDS}"
    path = tmp_path_factory.mktemp("songs") / "long.flac"
    return sounds.ffmpeg(path, "-f", "lavfi", "-i", source, "-ac", "2").read_bytes()


@pytest.fixture
def busy(house: House, bob: Visitor, long_song: bytes) -> Iterator[str]:
    """A file of Bob's that keeps both workers busy until he cancels it."""
    file_id = bob.keep("long.flac", long_song, "mp4", "m4a-256", "m4a-128")
    wait_for("both workers to be busy", lambda: len(house.ffmpegs()) > 1)
    yield file_id
    bob.post(f"/files/{file_id}/cancel")


def ready(who: Visitor, name: str, *presets: str) -> str:
    """The id of a new file of theirs that is ready."""
    file_id = who.keep(name, SHORT, *(presets or ("wav",)))
    wait_for(f"{name} to be ready", lambda: who.has(file_id, "complete"))
    return file_id


def names(page: Page) -> list[str]:
    return page.locator("li.file h3").all_inner_texts()


def place(page: Page, file_id: str) -> list[float]:
    """Where its row is on the page and how big, wherever that is scrolled to."""
    box = "({x, y, width, height}) => [x, y + scrollY, width, height]"
    found: list[float] = row(page, file_id).evaluate(f"each => ({box})(each.getBoundingClientRect())")
    return [round(each, 1) for each in found]


def row(page: Page, file_id: str) -> Locator:
    return page.locator(f"#file-{file_id}")


def is_too_wide(page: Page) -> bool:
    return bool(page.evaluate("() => document.documentElement.scrollWidth > document.documentElement.clientWidth"))


# --- F1 to F4


@pytest.mark.slow
@pytest.mark.parametrize("has_scripts", [True, False])
def test_ux_F1_search_sort_and_page_are_in_the_address_and_back_restores_them(
    enter: Enter, alice: Visitor, complaints: list[str], has_scripts: bool
) -> None:
    alice.keep_together({f"take {number:02}.wav": SHORT for number in range(26)} | {"other.wav": SHORT}, "wav")
    page = enter(alice, java_script_enabled=has_scripts)

    page.get_by_label("Search names and tags").fill("take")
    page.get_by_role("button", name="Search").click()
    expect(page).to_have_url(re.compile(r"\?q=take&sort=newest$"))
    page.get_by_label("Sort by").select_option("name")
    if not has_scripts:
        page.get_by_role("button", name="Search").click()
    expect(page).to_have_url(re.compile(r"\?q=take&sort=name$"))
    page.get_by_role("link", name="Next").click()
    expect(page).to_have_url(re.compile(r"\?q=take&sort=name&page=2$"))
    assert names(page) == ["take 25.wav"]

    page.go_back()
    assert names(page)[:2] == ["take 00.wav", "take 01.wav"]
    expect(page.get_by_label("Sort by")).to_have_value("name")
    page.go_back()
    expect(page.get_by_label("Search names and tags")).to_have_value("take")
    expect(page.get_by_label("Sort by")).to_have_value("newest")
    page.go_back()
    expect(page.get_by_label("Search names and tags")).to_have_value("")
    assert "other.wav" in names(page)
    assert complaints == []


def test_ux_F2_a_files_page_tells_the_facts_and_every_rendition(
    enter: Enter, alice: Visitor, complaints: list[str]
) -> None:
    file_id = ready(alice, "song.wav", "flac", "mp4")
    page = enter(alice, f"/files/{file_id}")

    for fact in ("WAV", "44.1 kHz, 16 bit", "stereo", "0:01", "88 kB"):
        expect(page.locator(".facts")).to_contain_text(fact)
    table = page.get_by_role("table", name="Renditions")
    expect(table.get_by_role("columnheader")).to_have_text(
        ["Format", "State", "Codec", "Bit rate", "Length", "Size", "Actions"]
    )
    told = [" ".join(text.split()) for text in table.locator("tbody tr").all_inner_texts()]
    kept = "the original's samples, unchanged"
    assert re.fullmatch(
        rf"FLAC lossless Ready FLAC 44.1 kHz {kept} \d+ kbit/s 0:01 [\d.]+ kB Download Remove…", told[0]
    )
    assert re.fullmatch(r"MP4 AAC 256 kbit/s Ready AAC 44.1 kHz \d+ kbit/s 0:01 [\d.]+ kB Download Remove…", told[1])

    page.set_viewport_size({"width": 360, "height": 800})
    assert not is_too_wide(page)
    expect(table.get_by_role("row")).to_have_count(3)  # cards, but still a table to those who hear it
    expect(page.get_by_role("cell", name="Ready", exact=True).first).to_be_visible()
    label = page.locator("td[data-label='Codec']").first.evaluate("td => getComputedStyle(td, '::before').content")
    assert label.startswith('"Codec"')
    assert complaints == []


def test_a_rendition_goes_and_comes_on_the_page_itself(enter: Enter, alice: Visitor, complaints: list[str]) -> None:
    file_id = ready(alice, "song.wav", "wav", "flac")
    page = enter(alice, f"/files/{file_id}")
    page.evaluate("() => { window.isStill = true }")

    asking = page.get_by_role("dialog", name="Remove WAV?")
    page.get_by_role("link", name="Remove WAV").click()
    expect(asking).to_contain_text("You can have it made anew from the original.")
    expect(asking.get_by_role("button", name="Keep it")).to_be_focused()
    page.keyboard.press("Enter")
    expect(asking).to_be_hidden()
    expect(page.get_by_role("link", name="Remove WAV")).to_be_focused()
    expect(page.locator("[data-rendition-status]")).to_have_count(2)

    page.keyboard.press("Enter")
    asking.get_by_role("button", name="Remove").click()
    expect(asking).to_be_hidden()
    expect(page.locator("[data-rendition-status]")).to_have_count(1)
    expect(page.locator("#renditions-title")).to_be_focused()

    page.get_by_text("Make another format").click()
    page.get_by_label("MP3 V0 variable bit rate, best quality").check()
    page.get_by_label("WAV PCM 16 bit").check()
    page.get_by_role("button", name="Make these").click()
    expect(page.locator("#more summary")).to_be_focused()
    expect(page.locator("[data-rendition-status='complete']")).to_have_count(3)
    expect(page.locator("#more input[value='wav']")).to_have_count(0)
    assert page.evaluate("() => window.isStill")
    assert complaints == []


def test_removing_a_rendition_is_asked_on_a_page_of_its_own_without_javascript(enter: Enter, alice: Visitor) -> None:
    page = enter(alice, f"/files/{ready(alice, 'song.wav', 'wav', 'flac')}", java_script_enabled=False)

    page.get_by_role("link", name="Remove WAV").click()
    page.get_by_role("link", name="Keep it").click()
    expect(page.locator("[data-rendition-status]")).to_have_count(2)
    page.get_by_role("link", name="Remove WAV").click()
    expect(page.get_by_role("heading", name="Remove WAV?")).to_be_visible()
    page.get_by_role("button", name="Remove").click()

    expect(page.locator("#messages")).to_have_text("WAV is removed.")
    expect(page.locator("[data-rendition-status]")).to_have_count(1)


def test_a_name_is_changed_in_place_and_a_refused_one_is_kept(
    enter: Enter, alice: Visitor, complaints: list[str]
) -> None:
    page = enter(alice, f"/files/{ready(alice, 'song.wav')}")
    page.evaluate("() => { window.isStill = true }")
    name = page.get_by_label("Name", exact=True)

    page.get_by_text("Rename…").click()
    name.fill("   ")
    page.get_by_role("button", name="Rename").click()
    expect(page.get_by_text("A name has from 1 to 255 characters.")).to_be_visible()
    expect(name).to_have_attribute("aria-invalid", "true")
    expect(name).to_have_value("   ")
    expect(name).to_be_focused()
    assert not any("422" not in complaint for complaint in complaints)

    name.fill("Ana.wav")
    name.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Ana.wav")
    expect(page).to_have_title(re.compile("Ana.wav · Tapedeck$"))
    expect(page.locator("#renaming summary")).to_be_focused()
    expect(name).not_to_be_visible()
    assert page.evaluate("() => window.isStill")


def test_ux_F3_deleting_asks_says_that_it_is_for_good_and_leaves_the_focus_at_the_list(
    enter: Enter, alice: Visitor, complaints: list[str]
) -> None:
    kept, gone = ready(alice, "kept.wav"), ready(alice, "gone.wav")
    page = enter(alice, f"/files/{gone}")

    page.get_by_role("link", name="Delete…").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Delete this file?")
    expect(page.get_by_text("This cannot be undone.")).to_be_visible()
    page.get_by_role("link", name="Keep it").click()
    page.get_by_role("link", name="Delete…").click()
    page.get_by_role("button", name="Delete").click()

    expect(page.get_by_text("gone.wav is deleted.")).to_be_visible()
    expect(page.locator("#list-title")).to_be_focused()
    expect(row(page, gone)).to_have_count(0)
    expect(row(page, kept)).to_be_visible()
    assert complaints == []


def test_ux_F3_several_are_selected_by_keyboard_and_deleted(
    enter: Enter, alice: Visitor, complaints: list[str]
) -> None:
    files = [ready(alice, f"{name}.wav") for name in "abc"]
    page = enter(alice)
    toolbar = page.get_by_role("form", name="Selected files")
    expect(toolbar).not_to_be_visible()
    places = [place(page, each) for each in files]

    row(page, files[0]).click(position={"x": 300, "y": 4})  # beside all that does something
    expect(toolbar).not_to_be_visible()
    page.get_by_role("checkbox", name="Select a.wav").focus()
    page.keyboard.press("Space")
    page.get_by_role("checkbox", name="Select c.wav").check()
    expect(toolbar).to_contain_text("2 selected")
    assert [place(page, each) for each in files] == places

    toolbar.get_by_role("button", name="Select all").click()
    expect(toolbar).to_contain_text("3 selected")
    toolbar.get_by_role("button", name="Select none").click()
    expect(toolbar).not_to_be_visible()
    expect(page.locator("#list-title")).to_be_focused()

    for name in "ac":
        page.get_by_role("checkbox", name=f"Select {name}.wav").check()
    toolbar.get_by_role("button", name="Delete…").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Delete 2 files?")
    page.get_by_role("button", name="Delete").click()

    expect(page.get_by_text("2 files are deleted.")).to_be_visible()
    assert names(page) == ["b.wav"]
    assert complaints == []


def test_a_download_leaves_the_other_deeds_free(enter: Enter, alice: Visitor, complaints: list[str]) -> None:
    ready(alice, "a.wav")
    page = enter(alice)
    page.get_by_role("checkbox", name="Select a.wav").check()
    toolbar = page.get_by_role("form", name="Selected files")

    with page.expect_download():
        toolbar.get_by_role("button", name="Download").click()
    expect(toolbar.locator("[aria-disabled]")).to_have_count(0, timeout=2000)
    toolbar.get_by_role("button", name="Delete…").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Delete this file?", timeout=2000)
    assert complaints == []


def test_what_is_selected_stays_so_when_a_poll_brings_the_row_anew(
    enter: Enter, alice: Visitor, busy: str, complaints: list[str]
) -> None:
    waiting = alice.keep("waiting.wav", SHORT, "wav")
    page = enter(alice)
    page.get_by_role("checkbox", name="Select waiting.wav").check()

    page.locator("#selected-cancel").click()
    expect(page.get_by_text("1 file is canceled.")).to_be_visible()
    expect(row(page, waiting)).to_have_attribute("data-status", "canceled")
    expect(page.locator("#list-title")).to_be_focused()
    expect(page.get_by_role("checkbox", name="Select waiting.wav")).not_to_be_checked()

    page.get_by_role("checkbox", name="Select waiting.wav").check()
    page.evaluate("(id) => { document.getElementById(id).dataset.isOld = '' }", f"file-{waiting}")
    alice.post(f"/files/{waiting}/retry")
    page.evaluate("() => htmx.trigger(document.body, 'poll-now')")
    expect(page.locator(f"#file-{waiting}[data-is-old]")).to_have_count(0)
    expect(page.get_by_role("checkbox", name="Select waiting.wav")).to_be_checked()
    expect(page.locator("#selected-count")).to_have_text("1 selected")
    assert complaints == []


@pytest.mark.parametrize(
    "kind", ["long", *(pytest.param(each, marks=pytest.mark.slow) for each in NAMES if each != "long")]
)
def test_ux_F4_any_name_is_shown_whole_and_is_only_a_name(
    enter: Enter, alice: Visitor, complaints: list[str], kind: str
) -> None:
    name = NAMES[kind]
    file_id = ready(alice, "song.wav")
    alice.post(f"/files/{file_id}/rename", name=name)
    page = enter(alice, viewport={"width": 320, "height": 640})
    page.on("dialog", lambda dialog: complaints.append(dialog.message))

    assert names(page) == [name]
    for address in ("/files/", f"/files/{file_id}", f"/files/{file_id}/delete", "/notifications/"):
        page.goto(page.url.partition("/files")[0].partition("/notifications")[0] + address)
        expect(page.get_by_text(name).first).to_be_visible()
        assert not is_too_wide(page), address
    assert complaints == []


# --- P1 and P2


@pytest.mark.slow
def test_ux_P1_a_row_goes_from_queued_to_ready_without_a_reload(
    enter: Enter, alice: Visitor, bob: Visitor, busy: str, song: Path, complaints: list[str]
) -> None:
    page = enter(alice)
    page.context.add_init_script(SAYINGS)
    page.reload()
    page.locator("#audio").set_input_files(song)
    expect(page.locator("li.file .standing")).to_contain_text("Queued, next")
    # Not by a locator: a poll may take the row away between finding and measuring it.
    height = page.evaluate("() => document.querySelector('li.file').offsetHeight")

    bob.post(f"/files/{busy}/cancel")
    expect(page.locator("li.file")).to_have_attribute("data-status", "complete")

    said = [words.split(",")[0].split()[0] for words, _ in page.evaluate("() => window.said")]
    assert list(dict.fromkeys(said)) == ["Queued", "Transcoding", "Ready"]
    assert page.evaluate("() => document.querySelector('li.file').offsetHeight") == height > 0
    assert complaints == []


@pytest.mark.slow
def test_ux_P2_percent_never_falls_and_the_time_left_is_told_only_after_five_seconds(
    enter: Enter, house: House, alice: Visitor, long_song: bytes, complaints: list[str]
) -> None:
    file_id = alice.keep("long.flac", long_song, "mp4", "m4a-256", "m4a-128")
    page = enter(alice)
    page.context.add_init_script(SAYINGS)
    page.reload()

    expect(page.locator("li.file .left")).to_have_text(re.compile("left$"))
    left_at = page.evaluate("() => performance.timeOrigin + window.said.find(([words]) => words.includes('left'))[1]")
    (begun,) = house.ask(sa.select(TranscodeJob.started_at).where(TranscodeJob.audio_file_id == uuid.UUID(file_id)))[0]
    assert left_at / 1000 - begun.timestamp() > 4.9
    for _ in range(2):
        before = row(page, file_id).get_attribute("data-progress")
        expect(row(page, file_id)).not_to_have_attribute("data-progress", before or "")
    row(page, file_id).get_by_role("button", name="Cancel").click()
    expect(row(page, file_id)).to_have_attribute("data-status", "canceled")

    seen = [percent for _, percent in page.evaluate("() => window.witness.progress")]
    assert seen == sorted(seen)
    assert len(set(seen)) >= 3
    assert complaints == []


# --- The form


def test_more_formats_open_and_close_without_moving_the_page(
    enter: Enter, alice: Visitor, complaints: list[str]
) -> None:
    page = enter(alice)
    others = page.get_by_text("More formats…")
    before = [page.locator(each).bounding_box() for each in ("#others summary", "#list-title")]

    others.click()
    expect(page.get_by_text("variable bit rate, best quality")).to_be_visible()
    assert [page.locator(each).bounding_box() for each in ("#others summary", "#list-title")] == before
    page.keyboard.press("Escape")

    expect(page.get_by_text("variable bit rate, best quality")).not_to_be_visible()
    expect(page.locator("#others summary")).to_be_focused()
    assert complaints == []


# --- M1, M2 and N1


@pytest.mark.parametrize(
    "phone", [pytest.param(PIXEL, id="Pixel 7"), pytest.param(IPHONE, id="iPhone", marks=pytest.mark.slow)]
)
def test_ux_M1_on_a_phone_nothing_is_wider_than_the_screen_and_what_matters_is_in_reach(
    enter: Enter, alice: Visitor, complaints: list[str], phone: dict[str, Any]
) -> None:
    file_id = ready(alice, "song.wav", "wav", "flac", "mp4")
    page = enter(alice, **phone)
    height = phone["viewport"]["height"]

    assert not is_too_wide(page)
    expect(page.locator("#upload")).to_be_in_viewport()
    waiting = alice.keep("waiting.wav", SHORT, "wav", "flac", "mp4")
    alice.post(f"/files/{waiting}/cancel")
    page.reload()
    heights = page.locator("li.file").evaluate_all("rows => rows.map(row => row.offsetHeight)")
    assert len(heights) == 2
    assert heights[0] == heights[1]  # with a deed and without
    box, side = row(page, file_id).locator(".what").bounding_box(), row(page, file_id).locator(".side").bounding_box()
    assert box
    assert side
    assert side["y"] >= box["y"] + box["height"]  # a card: one below the other
    page.goto(f"{page.url}{file_id}")
    assert not is_too_wide(page)
    player = page.get_by_role("region", name="Player").bounding_box()
    assert player
    assert player["y"] + player["height"] < height
    assert page.locator("#renditions tr").last.evaluate("row => getComputedStyle(row).display") == "block"
    assert complaints == []


def test_ux_M2_a_phone_offers_files_and_does_not_zoom(enter: Enter, alice: Visitor, complaints: list[str]) -> None:
    file_id = ready(alice, "song.wav")
    page = enter(alice, **PIXEL)
    assert page.locator("#audio").get_attribute("capture") is None

    for address in ("", file_id):
        if address:
            page.goto(page.url + address)
            page.get_by_text("Rename…").click()
        sizes = page.locator("input:not([type=hidden]):visible, select:visible").evaluate_all(
            "all => all.map(each => parseFloat(getComputedStyle(each).fontSize))"
        )
        assert sizes
        assert min(sizes) >= 16
        small = page.locator("main button:visible, main .pick:visible, main summary:visible").evaluate_all(
            "all => all.map(e => [e.id || e.innerText, e.getBoundingClientRect()]).filter(([, b]) => b.height < 24)"
        )
        assert small == []
    assert complaints == []


@pytest.mark.slow
def test_ux_N1_the_whole_tour_without_javascript(
    visit: Visit, house: House, email: str, tmp_path: Path, complaints: list[str]
) -> None:
    house.visitor().register(email.removesuffix("@example.com"))
    page = visit(java_script_enabled=False)
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()

    page.locator("#audio").set_input_files([sounds.make(tmp_path, f"{name}.wav") for name in "ab"])
    page.get_by_role("button", name="Upload").click()
    expect(page.locator("li.file[data-status='complete']")).to_have_count(2)  # the busy page reloads itself
    expect(page.get_by_text("With the selected files:")).to_be_visible()

    page.get_by_role("link", name="a.wav", exact=True).first.click()
    source = page.locator("audio source").first.get_attribute("src")
    for headers, status in (({}, 200), ({"Range": "bytes=0-9"}, 206)):
        assert page.context.request.get(f"{house.address.rstrip('/')}{source}", headers=headers).status == status
    with page.expect_download() as caught:
        page.locator("[data-rendition='flac']").click()
    assert caught.value.suggested_filename == "a.flac"

    alerts = page.locator("#alerts [data-notification]")
    expect(alerts).to_have_count(2)
    page.get_by_role("button", name=re.compile("^Dismiss")).first.click()
    expect(alerts).not_to_have_count(2)
    page.get_by_role("button", name="Undo").click()
    expect(alerts).to_have_count(2)
    page.get_by_role("button", name=re.compile("^Dismiss")).first.click()
    page.get_by_role("link", name=re.compile("^Inbox")).click()
    page.get_by_role("button", name=re.compile("^Restore")).first.click()

    page.get_by_role("link", name="Account").click()
    page.get_by_label("Dark").check()
    page.get_by_role("button", name="Save").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")

    page.get_by_role("link", name="Files", exact=True).click()
    page.get_by_role("checkbox", name="Select b.wav").check()
    page.get_by_role("button", name="Delete…").click()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("b.wav is deleted.")).to_be_visible()
    expect(page.locator("li.file")).to_have_count(1)
    assert complaints == []

"""Tags and the cover on a file's page in a browser: shown, changed, and in what is downloaded."""

import io
import re
from pathlib import Path

import mutagen
import pytest
from axe_playwright_python.sync_playwright import Axe
from mutagen.flac import FLAC
from mutagen.id3 import APIC, COMM, ID3, TALB, TIT2, TPE1
from playwright.sync_api import FilePayload, Page, expect

from tests import pictures, sounds
from tests.browser.conftest import PATIENCE_MILLISECONDS, Enter
from tests.flows.house import wait_for
from tests.flows.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.slow]

expect.set_options(timeout=PATIENCE_MILLISECONDS)

COVER = pictures.png(300, 300)
OTHER = FilePayload(name="other.png", mimeType="image/png", buffer=pictures.png(200, 200))
BOMB = FilePayload(name="bomb.png", mimeType="image/png", buffer=pictures.png(12_000, 12_000))


@pytest.fixture
def song(tmp_path: Path) -> bytes:
    path = sounds.make(tmp_path, "song.mp3", seconds=1)
    id3 = ID3()
    for frame in (
        *(TIT2(3, ["Für Elise"]), TPE1(3, ["Ludwig <b>van</b> Beethoven"]), TALB(3, ["Bagatellen"])),
        *(COMM(3, "deu", "", ["first line\nsecond line"]), APIC(3, "image/png", 3, "", COVER)),
    ):
        id3.add(frame)
    id3.save(path)
    return path.read_bytes()


def in_flac(who: Visitor, file_id: str) -> FLAC:
    return FLAC(io.BytesIO(who.get(f"/files/{file_id}/renditions/flac").body))


def loads_the_cover(page: Page) -> bool:
    return bool(page.evaluate("() => document.querySelector('img.cover')?.naturalWidth"))


def test_tags_and_cover_are_shown_changed_and_carried_over(
    enter: Enter, alice: Visitor, song: bytes, complaints: list[str]
) -> None:
    file_id = alice.keep("song.mp3", song, "flac", "mp4")
    wait_for("it to be ready", lambda: alice.has(file_id, "complete"))
    page = enter(alice, f"/files/{file_id}")

    expect(page.get_by_role("img", name="Cover of Bagatellen")).to_be_visible()
    wait_for("the cover", lambda: loads_the_cover(page))
    expect(page.locator("#tags")).to_contain_text("Ludwig <b>van</b> Beethoven")
    assert in_flac(alice, file_id).pictures[0].data == COVER
    assert mutagen.File(io.BytesIO(alice.get(f"/files/{file_id}/renditions/mp4").body))["\xa9cmt"] == [
        "first line\nsecond line"
    ]

    page.get_by_text("Edit tags and cover…").click()
    page.get_by_label("Title").fill("Für Ana 🎹")
    page.get_by_label("Another cover").set_input_files(BOMB)
    page.get_by_role("button", name="Save tags").click()
    expect(page.get_by_role("alert").filter(has_text="at most 10,000 pixels")).to_be_visible()
    expect(page.get_by_label("Title")).to_have_value("Für Ana 🎹")
    assert Axe().run(page, context="#tagging").response["violations"] == []

    page.locator("#tag-cover").set_input_files(OTHER)
    page.get_by_role("button", name="Save tags").click()
    expect(page.locator("#tags")).to_contain_text("Für Ana 🎹")
    expect(page.get_by_label("Title")).to_be_hidden()
    expect(page.get_by_text("Edit tags and cover…")).to_be_focused()
    expect(page.get_by_text("Saved.")).to_be_visible()
    assert Axe().run(page).response["violations"] == []

    wait_for("the new tags", lambda: in_flac(alice, file_id)["title"] == ["Für Ana 🎹"])
    assert in_flac(alice, file_id).pictures[0].data == OTHER["buffer"]
    assert [said for said in complaints if not re.search("422", said)] == []


def test_tags_are_changed_without_javascript(enter: Enter, alice: Visitor, song: bytes) -> None:
    file_id = alice.keep("song.mp3", song, "flac")
    page = enter(alice, f"/files/{file_id}", java_script_enabled=False)

    page.get_by_text("Edit tags and cover…").click()
    page.get_by_label("Title").fill("Without")
    page.locator("#tag-cover").set_input_files(OTHER)
    page.get_by_role("button", name="Save tags").click()

    expect(page.get_by_text("The tags are changed.")).to_be_visible()
    expect(page.locator("#tags")).to_contain_text("Without")
    wait_for("the new tags", lambda: alice.has(file_id, "complete") and in_flac(alice, file_id)["title"] == ["Without"])

"""A preset of one's own, from the page of codecs to the file that was made with it, without JavaScript."""

from playwright.sync_api import expect

from tests import sounds
from tests.browser.conftest import Enter
from tests.flows.house import wait_for
from tests.flows.visitor import Visitor

# In how many lines each of them stands.
LINES = """all => all.map(each => {
  const range = document.createRange();
  range.selectNodeContents(each);
  return [each.innerText, new Set([...range.getClientRects()].map(({top}) => top)).size];
}).filter(([text, lines]) => text && lines !== 1)"""


def test_a_preset_is_put_together_and_a_file_is_made_with_it(
    enter: Enter, alice: Visitor, complaints: list[str]
) -> None:
    page = enter(alice, "/account/presets", java_script_enabled=False)
    page.get_by_role("link", name="MP3").click()
    page.get_by_label("Name").fill("Podcast")
    page.get_by_label("Quality").select_option(label="128 kbit/s")
    page.get_by_label("Loudness").select_option("-16")
    page.get_by_label("Trim silence").check()
    page.get_by_role("button", name="Save the preset").click()
    page.get_by_role("button", name="Make default: Podcast").click()

    page.goto(page.url.replace("/account/presets", "/files/"))
    expect(page.get_by_label("Podcast")).to_be_checked()
    expect(page.get_by_label("WAV", exact=True)).not_to_be_checked()
    page.locator("#audio").set_input_files({"name": "talk.wav", "mimeType": "audio/wav", "buffer": sounds.wav(1.0)})
    page.get_by_role("button", name="Upload", exact=True).click()
    page.get_by_role("link", name="talk.wav").first.click()
    file_id = page.url.rpartition("/")[2]
    wait_for("it to be ready", lambda: alice.has(file_id, "complete"))
    page.reload()

    row = page.get_by_role("row").filter(has=page.get_by_role("link", name="Download Podcast"))
    expect(row).to_contain_text("MP3, 128 kbit/s, \N{MINUS SIGN}16 LUFS, silence trimmed")
    for width in (1280, 800, 721):
        page.set_viewport_size({"width": width, "height": 800})
        short = page.locator("#renditions :is(th:not(:last-child), td.num, .state, .chip)")
        assert short.evaluate_all(LINES) == []

    page.goto(page.url.replace(f"/files/{file_id}", "/account/presets"))
    page.get_by_role("link", name="Delete… Podcast").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.locator("main")).to_contain_text("What was made with it stays.")
    expect(page.get_by_text("You have none yet.")).to_be_visible()
    assert complaints == []

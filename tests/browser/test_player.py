"""Listening and downloading on a file's page in a browser: ux Y1 to Y5, D1 and D2."""

import gzip
import io
import random
import re
import uuid
import zipfile
from http.client import HTTPConnection, IncompleteRead
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests import sounds
from tests.browser.conftest import PATIENCE_MILLISECONDS, Enter
from tests.flows.house import House, wait_for
from tests.flows.visitor import Visitor
from webapp.adapters.transcoders.outline import Outline
from webapp.web.filters import outline

pytestmark = [pytest.mark.browser, pytest.mark.processes]

expect.set_options(timeout=PATIENCE_MILLISECONDS)

NAME = "Ana & Söhne.wav"
SECONDS = 100.0
# How far the sound comes in two and a half seconds, whatever time the clock that measures them takes.
GAIN = """() => {
  const audio = document.querySelector("audio");
  const [from, began] = [audio.currentTime, performance.now()];
  const count = (done) => () => done((2500 * (audio.currentTime - from)) / (performance.now() - began));
  return { gained: new Promise((done) => setTimeout(count(done), 2500)) };
}"""
TIME = "() => document.querySelector('audio').currentTime"


@pytest.fixture(scope="module")
def sound() -> bytes:
    """It is long enough to be somewhere in it."""
    return sounds.wav(SECONDS, channels=1, rate=8000)


@pytest.fixture(scope="module")
def singer(shared_house: House) -> Visitor:
    """What she has is only looked at."""
    return shared_house.visitor().register(f"singer-{uuid.uuid4().hex[:8]}")


@pytest.fixture(scope="module")
def song(singer: Visitor, sound: bytes) -> str:
    """A file of hers that is ready in two formats, its outline too."""
    return ready(singer, NAME, sound)


@pytest.fixture
def page(enter: Enter, singer: Visitor, song: str) -> Page:
    """The file's page, with its sound ready to be played."""
    return opened(enter, singer, song)


def ready(who: Visitor, name: str, sound: bytes, *presets: str) -> str:
    file_id = who.keep(name, sound, *(presets or ("wav", "flac")))
    wait_for("it to be ready", lambda: who.has(file_id, "complete"))
    wait_for("its outline", lambda: 'id="bars"' in who.get(f"/files/{file_id}").text)
    return file_id


def opened(enter: Enter, who: Visitor, file_id: str) -> Page:
    page = enter(who, f"/files/{file_id}")
    wait_until(page, "audio.readyState >= 1")
    return page


def wait_until(page: Page, what: str) -> None:
    page.wait_for_function(f"() => {{ const audio = document.querySelector('audio'); return {what} }}")


def now(page: Page) -> float:
    return float(page.evaluate(TIME))


def slider(page: Page) -> Locator:
    return page.get_by_role("slider", name="Seek")


def test_ux_Y1_the_wave_is_there_without_javascript_and_native_controls_play(
    enter: Enter, singer: Visitor, song: str, complaints: list[str]
) -> None:
    page = enter(singer, f"/files/{song}", java_script_enabled=False)

    wave = page.locator("#wave svg").bounding_box()
    assert wave
    assert wave["height"] > 50
    assert re.match(r"M1 [\d.]+v", page.locator("#bars").get_attribute("d") or "")
    expect(page.locator("audio[controls]")).to_be_visible()
    expect(page.locator("#play")).not_to_be_visible()
    expect(slider(page)).not_to_be_visible()
    expect(page.locator("#tools")).not_to_be_visible()
    # Each version is a link to something that a browser plays.
    for link in page.locator("#versions a").all():
        answer = page.context.request.get(page.url.partition("/files")[0] + (link.get_attribute("href") or ""))
        assert answer.headers["content-type"].startswith("audio/")
        assert answer.headers["content-disposition"].startswith("inline")
    assert complaints == []


def test_ux_Y2_keys_and_clicks_on_the_wave_seek(page: Page, complaints: list[str]) -> None:
    seek = slider(page)
    expect(seek).to_have_attribute("aria-valuetext", "0 s of 1 min 40 s")
    seek.focus()
    keys = {"ArrowRight": 5, "ArrowUp": 10, "ArrowLeft": 5, "PageUp": 30, "PageDown": 5, "End": 100, "Home": 0}
    for key, second in keys.items():
        page.keyboard.press(key)
        wait_until(page, f"Math.abs(audio.currentTime - {second}) < 0.2 && !audio.seeking")
    page.keyboard.press("Space")
    wait_until(page, "!audio.paused && audio.currentTime > 0.2")
    page.keyboard.press("Space")
    wait_until(page, "audio.paused")

    box = page.locator("#wave").bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] * 0.64, box["y"] + box["height"] / 2)
    wait_until(page, "Math.abs(audio.currentTime - 64) < 1")
    expect(seek).to_have_attribute("aria-valuetext", re.compile(r"^1 min [345] s of 1 min 40 s$"))
    played = float(page.locator("#played").get_attribute("width") or 0)
    assert abs(played / 480 - 0.64) < 0.02
    assert complaints == []


def test_one_player_is_there_with_its_volume_and_speed(page: Page, complaints: list[str]) -> None:
    expect(page.locator("audio")).not_to_be_visible()
    volume, mute, speed = (
        page.get_by_role("slider", name="Volume"),
        page.get_by_role("button", name="Mute"),
        page.get_by_label("Speed"),
    )
    expect(volume).to_have_attribute("aria-valuetext", "100%")
    volume.focus()
    for _ in range(4):
        page.keyboard.press("ArrowLeft")
    wait_until(page, "Math.abs(audio.volume - 0.8) < 0.01")
    expect(volume).to_have_attribute("aria-valuetext", "80%")

    mute.press("Space")
    wait_until(page, "audio.muted && audio.paused")
    expect(mute).to_have_attribute("aria-pressed", "true")
    expect(volume).to_have_value("0")
    mute.press("Enter")
    wait_until(page, "!audio.muted")
    expect(volume).to_have_value("0.8")
    volume.press("Home")
    expect(mute).to_have_attribute("aria-pressed", "true")
    mute.click()
    wait_until(page, "Math.abs(audio.volume - 0.8) < 0.01")  # as loud as it was
    drag(page, volume, 0.8, -0.1)
    wait_until(page, "audio.volume === 0")
    mute.click()
    wait_until(page, "Math.abs(audio.volume - 0.8) < 0.01")  # and not as on the way to nothing

    expect(speed.locator("option")).to_have_text(["0.5×", "0.75×", "1×", "1.25×", "1.5×", "2×"])
    speed.select_option("2")
    page.get_by_role("link", name="FLAC", exact=True).click()
    wait_until(page, "audio.readyState >= 2 && audio.playbackRate === 2")
    assert complaints == []


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("is_touched", [True, False])
def test_without_its_script_the_browsers_controls_stand_in_the_same_place(
    enter: Enter, singer: Visitor, song: str, width: int, *, is_touched: bool
) -> None:
    page = enter(singer, f"/files/{song}", viewport={"width": width, "height": 740}, has_touch=is_touched)
    expect(page.locator("#tools")).to_be_visible()
    ours = page.locator("#versions").bounding_box()

    page.route("**/player*.js", lambda route: route.abort())
    page.reload()
    expect(page.locator("audio")).to_be_visible()
    theirs = page.locator("#versions").bounding_box()
    assert ours
    assert theirs
    assert abs(theirs["y"] - ours["y"]) <= 1


def test_ux_Y2_on_a_short_file_the_keys_go_less_far_and_a_page_still_further(enter: Enter, alice: Visitor) -> None:
    page = opened(enter, alice, ready(alice, "short.wav", sounds.wav(20.0)))
    slider(page).focus()
    for key, second in {"ArrowRight": 1, "PageUp": 6, "PageDown": 1, "ArrowLeft": 0}.items():
        page.keyboard.press(key)
        wait_until(page, f"Math.abs(audio.currentTime - {second}) < 0.2 && !audio.seeking")


def test_ux_Y2_a_link_leads_to_a_moment(page: Page, complaints: list[str]) -> None:
    page.goto(f"{page.url}#t=1:04")
    wait_until(page, "Math.abs(audio.currentTime - 64) < 0.5")
    page.get_by_role("button", name="Copy link to this moment").click()
    expect(page.locator("#player-said")).to_contain_text("1:04")
    assert complaints == []


def test_ux_Y3_it_plays_on_while_the_page_polls_and_is_made_anew(
    enter: Enter, alice: Visitor, sound: bytes, complaints: list[str]
) -> None:
    song = ready(alice, NAME, sound)
    page = opened(enter, alice, song)
    page.get_by_role("button", name="Play", exact=True).click()
    wait_until(page, "audio.currentTime > 0.3")
    page.evaluate(
        "() => { document.querySelector('audio').isSame = document.getElementById('wave').dataset.old = '1' }"
    )
    gained = []
    for name in ("Once.wav", "Twice.wav", "Thrice.wav"):  # a busy machine may hold up anything once
        measuring = page.evaluate_handle(GAIN)
        alice.post(f"/files/{song}/rename", name=name)  # news of the file, for which its pieces are made anew
        page.evaluate("() => htmx.trigger(document.body, 'poll-now')")
        expect(page.get_by_role("heading", level=1)).to_have_text(name)
        gained.append(measuring.evaluate("({gained}) => gained"))
        if gained[-1] >= 2.3:
            break

    assert max(gained) >= 2.3, gained
    assert page.locator("#wave[data-old]").count() == 0
    assert page.evaluate("() => document.querySelector('audio').isSame")
    assert float(page.locator("#played").get_attribute("width") or 0) > 0
    assert complaints == []


def test_ux_Y4_another_version_goes_on_at_the_same_moment_and_seeking_gives_206(
    page: Page, complaints: list[str]
) -> None:
    statuses: list[int] = []
    page.on("response", lambda r: statuses.append(r.status) if "inline=1" in r.url else None)
    flac, original = (
        page.get_by_role("link", name="FLAC", exact=True),
        page.get_by_role("link", name="Original", exact=True),
    )
    expect(original).to_have_attribute("aria-current", "true")
    slider(page).fill("40")

    flac.click()  # paused: it stays so
    expect(flac).to_have_attribute("aria-current", "true")
    expect(original).not_to_have_attribute("aria-current", "true")
    wait_until(page, "audio.readyState >= 2 && audio.currentSrc.includes('/flac')")
    assert abs(now(page) - 40) < 0.5
    assert page.evaluate("() => document.querySelector('audio').paused")

    page.get_by_role("button", name="Play", exact=True).click()
    wait_until(page, "audio.currentTime > 40.3")
    before = now(page)
    original.click()
    wait_until(page, "audio.readyState >= 2 && audio.currentSrc.includes('/original') && !audio.seeking")
    assert before - 0.5 <= now(page) < before + 30
    wait_until(page, f"!audio.paused && audio.currentTime > {before}")
    assert set(statuses) <= {200, 206}
    assert 206 in statuses
    assert complaints == []


def test_a_version_without_the_silence_in_front_goes_on_at_the_same_moment_of_the_sound(
    enter: Enter, alice: Visitor, tmp_path: Path, complaints: list[str]
) -> None:
    alice.post("/account/presets/new/flac", title="Trimmed", trims="y")
    talk = sounds.make(tmp_path, "talk.wav", "-af", "adelay=2s:all=1", seconds=6.0).read_bytes()
    page = opened(enter, alice, ready(alice, "talk.wav", talk, "my-flac-trim"))
    slider(page).fill("5")

    page.get_by_role("link", name="Trimmed", exact=True).click()
    wait_until(page, "audio.readyState >= 2 && audio.currentSrc.includes('/my-flac-trim')")
    assert abs(now(page) - 3) < 0.1
    page.get_by_role("link", name="Original", exact=True).click()
    wait_until(page, "audio.readyState >= 2 && audio.currentSrc.includes('/original')")

    assert abs(now(page) - 5) < 0.1
    assert complaints == []


def test_ux_S3_brackets_lead_from_version_to_version_while_it_plays(page: Page, complaints: list[str]) -> None:
    original, flac, wav = (page.get_by_role("link", name=name, exact=True) for name in ("Original", "FLAC", "WAV"))
    heard = page.locator("#heard")
    expect(page.get_by_role("button", name="Keyboard shortcuts")).to_be_visible()  # from then on they work
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Hear the next version")
    page.keyboard.press("]")  # what stands before the page has the keys
    page.keyboard.press("Escape")
    expect(original).to_have_attribute("aria-current", "true")

    seek = slider(page)
    seek.fill("40")
    seek.press("Space")
    for key, version, name in (("]", flac, "FLAC"), ("]", wav, "WAV"), ("]", original, "Original"), ("[", wav, "WAV")):
        seek.press(key)
        expect(version).to_have_attribute("aria-current", "true")
        expect(heard).to_have_text(f"Now you hear: {name}")
    wait_until(page, "!audio.paused && audio.currentTime > 40.1 && audio.currentSrc.includes('/wav')")
    expect(seek).to_be_focused()
    seek.press("Control+]")
    expect(wav).to_have_attribute("aria-current", "true")
    seek.dispatch_event("keydown", {"key": "[", "ctrlKey": True, "altKey": True, "modifierAltGraph": True})
    expect(flac).to_have_attribute("aria-current", "true")
    seek.dispatch_event("keydown", {"key": "]", "altKey": True})
    expect(wav).to_have_attribute("aria-current", "true")
    seek.press("[")
    expect(flac).to_have_attribute("aria-current", "true")

    page.get_by_text("Rename…").click()
    page.get_by_label("Name", exact=True).press("]")
    expect(page.get_by_label("Name", exact=True)).to_have_value(re.compile(r"\]"))
    expect(flac).to_have_attribute("aria-current", "true")
    assert complaints == []


def test_ux_S3_brackets_are_no_shortcuts_for_those_who_have_switched_them_off(enter: Enter, alice: Visitor) -> None:
    file_id = ready(alice, "short.wav", sounds.wav(2.0))
    alice.post("/account/preferences", theme="auto")
    page = opened(enter, alice, file_id)
    expect(page.get_by_role("button", name="Keyboard shortcuts")).to_be_visible()
    slider(page).press("]")
    slider(page).press("[")
    expect(page.get_by_role("link", name="Original", exact=True)).to_have_attribute("aria-current", "true")
    expect(page.locator("#heard")).to_be_empty()


def test_ux_Y4_the_best_rendition_plays_when_the_browser_cannot_play_the_original(
    enter: Enter, alice: Visitor, tmp_path: Path, complaints: list[str]
) -> None:
    file_id = alice.keep("song.au", sounds.make(tmp_path, "song.au").read_bytes(), "opus-64", "flac")
    wait_for("it to be ready", lambda: alice.has(file_id, "complete"))
    page = enter(alice, f"/files/{file_id}")

    wait_until(page, "audio.readyState >= 1 && audio.currentSrc.includes('/flac')")
    expect(page.get_by_role("link", name="FLAC", exact=True)).to_have_attribute("aria-current", "true")
    expect(page.get_by_role("link", name="Original", exact=True)).to_have_count(0)
    assert complaints == []


def test_ux_Y5_the_wave_follows_light_and_dark(page: Page) -> None:
    colours = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        colours.append(page.evaluate("() => getComputedStyle(document.querySelector('#wave .all')).stroke"))
    assert len(set(colours)) == 2


def test_ux_Y5_the_peaks_of_an_hour_weigh_little() -> None:
    rate, drawn = 1000, Outline()
    for _ in range(60):  # the outline thins itself out: its size is the same for any rate
        drawn.add(random.Random(1).randbytes(2 * rate * 60))
    worst = bytes(random.Random(2).choices(range(101), k=400))

    for bars in (drawn.finish(rate).bars, worst):
        assert len(gzip.compress(outline(bars, 160, 96).encode())) <= 5000


def test_loudness_and_spectrum_come_to_the_open_page(page: Page, complaints: list[str]) -> None:
    table = page.get_by_role("table", name="Side by side")
    expect(table.get_by_role("row", name="Original")).to_contain_text("LUFS")
    expect(table.get_by_role("row", name="FLAC")).to_contain_text("dBTP")
    picture = page.get_by_role("img", name=re.compile("^Spectrum of the original"))
    expect(picture).to_be_visible()
    assert picture.evaluate("img => img.decode().then(() => [img.naturalWidth, img.naturalHeight])") == [640, 160]
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("() => document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert complaints == []


def test_ux_D1_a_rendition_is_a_real_link_with_its_format_size_name_and_type(
    page: Page, singer: Visitor, song: str
) -> None:
    row = page.locator("tr", has=page.locator("[data-rendition='flac']"))
    expect(row).to_contain_text(re.compile(r"[\d.]+ [kM]B"))
    with page.expect_download() as caught:
        row.get_by_role("link", name="Download FLAC").click()
    assert caught.value.suggested_filename == "Ana & Söhne.flac"

    whole = singer.get(f"/files/{song}/renditions/flac")
    rest = singer.get(f"/files/{song}/renditions/flac", Range="bytes=100-")
    assert (whole.status, whole.headers["Content-Type"]) == (200, "audio/flac")
    assert int(whole.headers["Content-Length"]) == caught.value.path().stat().st_size
    assert (rest.status, rest.headers["Content-Range"].partition("-")[0]) == (206, "bytes 100")


def test_ux_D2_all_of_it_comes_as_one_archive(page: Page, singer: Visitor, song: str, complaints: list[str]) -> None:
    with page.expect_download() as caught:
        page.get_by_role("link", name=re.compile(r"^Download all \([\d.]+ [kM]B\)$")).click()
    assert caught.value.suggested_filename == "Ana & Söhne.zip"
    with zipfile.ZipFile(caught.value.path()) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["Ana & Söhne.wav", "Ana & Söhne.flac"]
        assert archive.read("Ana & Söhne.flac")[:4] == b"fLaC"

    other = singer.keep("Other.wav", sounds.wav(0.5), "wav")
    wait_for("it to be ready", lambda: singer.has(other, "complete"))
    page.goto(page.url.partition(song)[0])
    page.locator("input[name='files']").first.check()
    page.get_by_role("button", name="Select all").click()
    with page.expect_download() as caught:
        page.locator("#selected-download").click()
    with zipfile.ZipFile(caught.value.path()) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["WAV/Ana & Söhne.wav", "FLAC/Ana & Söhne.flac", "WAV/Other.wav"]
    assert complaints == []


def test_ux_D2_an_archive_that_cannot_be_finished_ends_in_an_error(house: House, alice: Visitor) -> None:
    song = ready(alice, "song.wav", sounds.wav(0.5))
    gone = next(key for key in house.stored() if song in key and key.endswith("flac.flac"))
    (house.data_dir / gone).unlink()

    connection = HTTPConnection("127.0.0.1", house.port, timeout=60)
    connection.request("GET", f"/files/{song}/archive.zip", headers=alice.headers())
    with pytest.raises((IncompleteRead, ConnectionError)) as caught:  # before its head has been sent, or after that
        connection.getresponse().read()
    connection.close()
    alice.post(f"/files/{song}/delete")  # others count what is stored in this house
    if isinstance(caught.value, IncompleteRead):
        assert not zipfile.is_zipfile(io.BytesIO(caught.value.partial))


def drag(page: Page, slider: Locator, start: float, end: float) -> None:
    """Take the slider at one part of its width and let go of it at another."""
    box = slider.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * start, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * end, box["y"] + box["height"] / 2, steps=20)
    page.mouse.up()

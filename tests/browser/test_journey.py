"""The journey that all of this is for: from an address on the terminal to a song in other formats, in a browser."""

import re
from datetime import UTC
from pathlib import Path

import av
import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect

from tests.browser.conftest import PATIENCE_MILLISECONDS, SONG_SECONDS, Visit
from tests.flows.house import House
from webapp.models import TranscodeJob

pytestmark = [pytest.mark.browser, pytest.mark.processes]

PASSWORD = "a long enough password"
# Promised is a second. A machine that runs other tests at the same time may take longer.
ALERT_SECONDS = 3.0

expect.set_options(timeout=PATIENCE_MILLISECONDS)


def test_a_song_is_dropped_converted_told_of_played_and_downloaded(
    visit: Visit, house: House, email: str, song: Path, tmp_path: Path, complaints: list[str]
) -> None:
    page = visit()
    make_account(page, email)
    agree(page, 0)

    page.locator("#audio").set_input_files(song)
    first = the_file(page, song.name)
    see_it_progress_and_end(page, first)
    agree(page, 1)
    page.get_by_role("button", name=re.compile("^Dismiss: song.wav")).click()
    agree(page, 0)

    second_song = tmp_path / "second song.wav"
    second_song.write_bytes(song.read_bytes()[:-4] + b"\1\0\1\0")  # the same file would be known
    drop(page, second_song)
    second = the_file(page, second_song.name)
    page.get_by_role("link", name="Account").click()
    agree(page, 0)
    alert = page.locator(f"#alerts [data-file='{second}']")
    expect(alert).to_contain_text("Ready: second song.wav")
    agree(page, 1)
    print(f"told after {told_after(page, house, second):.2f} s")  # noqa: T201 - a figure worth seeing
    assert told_after(page, house, second) < ALERT_SECONDS

    alert.get_by_role("link").click()
    expect(page).to_have_url(re.compile(f"/files/{second}$"))
    expect(page.locator("#head")).to_have_attribute("data-status", "complete")
    agree(page, 0)
    play(page)
    seek(page)
    for preset, codec in {"wav": "pcm_s16le", "flac": "flac", "mp4": "aac"}.items():
        assert codec_of(download(page, preset, tmp_path, f"second song.{preset}")) == codec

    expect(alert).to_be_visible()
    alert.get_by_role("button", name=re.compile("^Dismiss")).click()
    expect(alert).to_have_count(0)
    page.reload()
    expect(page.locator("#head")).to_have_attribute("data-status", "complete")
    expect(alert).to_have_count(0)
    agree(page, 0)

    see_nothing_of_it(visit(), second)
    assert complaints == []


@pytest.mark.slow
def test_the_same_without_javascript(
    visit: Visit, email: str, song: Path, tmp_path: Path, complaints: list[str]
) -> None:
    page = visit(java_script_enabled=False)
    make_account(page, email)

    page.locator("#audio").set_input_files(song)
    page.get_by_role("button", name="Upload").click()
    file_id = the_file(page, song.name)
    # The busy page reloads itself.
    expect(page.locator(f"li[data-file='{file_id}']")).to_have_attribute("data-status", "complete")
    agree(page, 1)
    for preset, codec in {"wav": "pcm_s16le", "flac": "flac", "mp4": "aac"}.items():
        assert codec_of(download(page, preset, tmp_path, f"song.{preset}")) == codec

    page.get_by_role("button", name=re.compile("^Dismiss")).click()
    expect(page.locator("#alerts [data-notification]")).to_have_count(0)
    page.reload()
    expect(page.locator("#alerts [data-notification]")).to_have_count(0)
    agree(page, 0)
    page.get_by_role("link", name=re.compile("^Inbox")).click()
    page.get_by_role("button", name="Restore: song.wav").click()
    # The list shows it, so no alert does; on any other page one does.
    expect(page.locator("#bell")).to_have_attribute("data-unread", "1")
    page.get_by_role("link", name="Account").click()
    agree(page, 1)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert complaints == []


def make_account(page: Page, email: str) -> None:
    page.get_by_role("link", name="Create an account").click()
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create the account").click()
    expect(page.get_by_role("heading", name="Files", exact=True)).to_be_visible()


def the_file(page: Page, name: str) -> str:
    """The id of the file with this name, as soon as the list has it."""
    row = page.locator("li[data-file]").filter(has=page.get_by_role("link", name=name, exact=True))
    expect(row).to_have_count(1)
    return row.get_attribute("data-file") or ""


def see_it_progress_and_end(page: Page, file_id: str) -> None:
    expect(page.locator(f"li[data-file='{file_id}']")).to_have_attribute("data-status", "complete")
    seen = [percent for each, percent in page.evaluate("() => window.witness.progress") if each == file_id]
    assert seen == sorted(seen)
    assert len(set(seen)) >= 3, seen
    assert 0 <= seen[0] <= seen[-1] <= 100
    expect(page.locator(f"li[data-file='{file_id}'][data-progress]")).to_have_count(0)


def drop(page: Page, path: Path) -> None:
    """As from the desktop: what a script could make up does not fill a file input."""
    box = page.locator("#upload").bounding_box()
    assert box
    devtools = page.context.new_cdp_session(page)
    where = {"x": box["x"] + box["width"] / 2, "y": box["y"] + 20}
    what = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        devtools.send("Input.dispatchDragEvent", {"type": kind, **where, "data": what})


def agree(page: Page, unread: int) -> None:
    """Bell, title and the alerts that are not seen tell of the same number."""
    expect(page.locator("#bell")).to_have_attribute("data-unread", str(unread))
    expect(page).to_have_title(re.compile(rf"^\({unread}\) " if unread else "^[^(]"))
    expect(page.locator("#alerts [data-notification]:not([data-seen])")).to_have_count(unread)


def told_after(page: Page, house: House, file_id: str) -> float:
    """Seconds from the end of the job to the alert."""
    told = page.evaluate("(file) => window.witness.told[file]", file_id) / 1000
    jobs = house.ask(sa.select(TranscodeJob.audio_file_id, TranscodeJob.finished_at))
    ended = next(job.finished_at for job in jobs if str(job.audio_file_id) == file_id)
    return float(told - ended.astimezone(UTC).timestamp())


def play(page: Page, *, beyond: float = 0) -> None:
    page.evaluate("() => document.querySelector('audio').play()")
    page.wait_for_function("(second) => document.querySelector('audio').currentTime > second + 0.5", arg=beyond)


def seek(page: Page) -> None:
    """Far into a file that is too big to be loaded at once, which takes a request for the rest of it."""
    ranges: list[str] = []
    page.on("response", lambda r: ranges.append(r.headers["content-range"]) if r.status == 206 else None)
    source = page.locator("audio source[type='audio/wav']").first.get_attribute("src")
    page.evaluate("(src) => { document.querySelector('audio').src = src }", source)
    page.evaluate("() => { document.querySelector('audio').currentTime = 80 }")
    play(page, beyond=80)
    page.evaluate("() => document.querySelector('audio').pause()")
    assert any(not each.startswith("bytes 0-") for each in ranges)


def download(page: Page, preset: str, folder: Path, name: str) -> Path:
    with page.expect_download() as caught:
        page.locator(f"[data-rendition='{preset}']").first.click()
    assert caught.value.suggested_filename == name
    caught.value.save_as(folder / name)
    return folder / name


def codec_of(path: Path) -> str:
    """What the file is encoded with, when all of it can be decoded."""
    with av.open(path) as container:
        length = sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0))
        assert abs(length - SONG_SECONDS) < 1
        return container.streams.audio[0].codec_context.name


def see_nothing_of_it(page: Page, file_id: str) -> None:
    make_account(page, f"bob-{file_id[:8]}@example.com")
    expect(page.locator("[data-file]")).to_have_count(0)
    agree(page, 0)
    for path in ("", "/original", "/renditions/wav", "/renditions/mp4"):
        assert page.context.request.get(f"{page.url.rstrip('/')}/{file_id}{path}").status == 404

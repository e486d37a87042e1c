"""Files on their way up in a browser: ux U1 to U8."""

import hashlib
import os
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Dialog, Locator, Page, Request, Route, expect

from tests import sounds
from tests.browser.conftest import PATIENCE_MILLISECONDS, Enter
from tests.browser.test_access import faults
from tests.browser.test_journey import drop
from tests.flows.house import House, wait_for
from tests.flows.sender import Sender
from tests.flows.visitor import PASSWORD, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.processes]

expect.set_options(timeout=PATIENCE_MILLISECONDS)

PART = 5 * 1024 * 1024
# What the bars have shown, and what a screen reader was told.
BARS = """
window.bars = []; window.lines = []; window.heard = [];
const note = (list, value) => list.at(-1) !== value && list.push(value);
new MutationObserver(() => {
  const bar = document.querySelector("#uploads progress:not([hidden])");
  if (bar) note(window.bars, bar.value);
  note(window.lines, document.querySelector("#uploads .said")?.textContent ?? "");
  const told = document.getElementById("sending-said")?.textContent;
  if (told) note(window.heard, told);
}).observe(document, {subtree: true, childList: true, attributes: true, characterData: true});
"""


@pytest.fixture(scope="session")
def noise(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty megabytes no part of which is like another."""
    return make_noise(tmp_path_factory.mktemp("noise") / "noise.wav", 20_000_000)


def make_noise(path: Path, size: int) -> Path:
    head = sounds.silence(0)[:-8] + b"data" + size.to_bytes(4, "little")
    path.write_bytes(head + os.urandom(size))
    return path


class Line:
    """The network of a page, as slow or dead as it is wanted."""

    def __init__(self, page: Page) -> None:
        self.devtools = page.context.new_cdp_session(page)
        self.devtools.send("Network.enable")
        self.sent: list[Request] = []
        page.on("request", lambda request: self.sent.append(request) if request.method != "GET" else None)

    def set(self, *, rate: int = -1, is_cut: bool = False) -> None:
        """`rate`: bytes a second, upwards."""
        conditions = {"offline": is_cut, "latency": 2, "downloadThroughput": -1, "uploadThroughput": rate}
        self.devtools.send("Network.emulateNetworkConditions", conditions)

    @property
    def parts(self) -> list[str]:
        """The parts that have been sent, or begun to be."""
        return [request.url.rpartition("/")[2] for request in self.sent if request.method == "PUT"]


def row(page: Page, name: str) -> Locator:
    return page.locator(".upload").filter(has=page.get_by_text(name, exact=True))


def in_list(page: Page, name: str) -> Locator:
    return page.locator("li.file").filter(has=page.get_by_role("link", name=name, exact=True))


def press(where: Locator, what: str) -> None:
    where.get_by_role("button", name=re.compile(f"^{what}")).click()


def id_of(page: Page, name: str) -> str:
    return in_list(page, name).get_attribute("data-file") or ""


def is_the_same(who: Visitor, file_id: str, path: Path) -> bool:
    kept = who.get(f"/files/{file_id}/original").body
    who.post(f"/files/{file_id}/cancel")  # nobody waits for its formats
    return hashlib.sha256(kept).digest() == hashlib.sha256(path.read_bytes()).digest()


def percent(row: Locator) -> int:
    return int(float(row.locator("progress").get_attribute("value") or 0))


def wait_until_up(row: Locator, least: int) -> None:
    wait_for(f"{least} % to be up", lambda: percent(row) >= least)


# --- U1 to U3


@pytest.mark.slow
def test_ux_U1_each_of_several_files_has_its_own_row_progress_and_cancel(
    enter: Enter, alice: Visitor, tmp_path: Path, complaints: list[str]
) -> None:
    files = [make_noise(tmp_path / f"{name}.wav", 4_000_000) for name in "abc"]
    page = enter(alice)
    Line(page).set(rate=3_000_000)

    page.locator("#audio").set_input_files(files)
    expect(page.locator(".upload .name")).to_have_text(["a.wav", "b.wav", "c.wav"])
    expect(page.locator(".upload progress")).to_have_count(3)
    expect(page.locator("#whole-said")).to_contain_text("of 3 files")
    press(row(page, "b.wav"), "Cancel")
    expect(row(page, "b.wav")).to_have_count(0)

    for name in ("a.wav", "c.wav"):
        expect(in_list(page, name)).to_have_count(1)
    expect(page.locator(".upload")).to_have_count(0)
    expect(page.locator("#queue")).to_be_hidden()
    expect(in_list(page, "b.wav")).to_have_count(0)
    # What was chosen together is told together.
    expect(page.locator("#alerts [data-batch] [data-notification]")).to_have_count(2)
    assert complaints == []


def test_ux_U2_a_drop_works_with_javascript_and_the_zone_is_lit(
    enter: Enter, alice: Visitor, tmp_path: Path, complaints: list[str]
) -> None:
    song = sounds.make(tmp_path, "song.wav")
    page = enter(alice)
    page.evaluate(
        """() => new MutationObserver(() => { window.wasLit ||= document.querySelector("#upload.over") !== null })
             .observe(document.querySelector("#upload"), {attributes: true})"""
    )

    drop(page, song)
    expect(in_list(page, "song.wav")).to_have_count(1)

    assert page.evaluate("() => window.wasLit")
    expect(page.locator("#upload")).not_to_have_class(re.compile("over"))
    assert complaints == []


def test_tab_comes_to_the_files_the_folder_and_the_formats_as_they_stand(enter: Enter, alice: Visitor) -> None:
    page = enter(alice)
    page.locator("#content").focus()

    for each in ("#audio", "#choose-folder", "[name='presets'][value='wav']"):
        page.keyboard.press("Tab")
        expect(page.locator(each)).to_be_focused()


def test_what_is_chosen_before_the_script_is_there_goes_up_too(enter: Enter, alice: Visitor, tmp_path: Path) -> None:
    page = enter(alice, "/account/")
    delayed: list[Route] = []

    def delay(route: Route) -> None:
        delayed.append(route)

    page.route("**/static/upload.*.js", delay)
    page.goto(page.url.replace("/account/", "/files/"), wait_until="commit")
    page.locator("#audio").set_input_files(sounds.make(tmp_path, "song.wav"))
    wait_for("the script to be asked for", lambda: bool(page.evaluate("true") and delayed))

    delayed[0].continue_()

    expect(in_list(page, "song.wav")).to_have_count(1)


@pytest.mark.slow
def test_ux_U2_a_drop_works_without_javascript(enter: Enter, alice: Visitor, tmp_path: Path) -> None:
    song = sounds.make(tmp_path, "song.wav")
    page = enter(alice, java_script_enabled=False)
    box = page.locator("#audio").bounding_box()
    assert box
    devtools = page.context.new_cdp_session(page)
    where = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    what = {"items": [], "files": [str(song)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        devtools.send("Input.dispatchDragEvent", {"type": kind, **where, "data": what})
    page.get_by_role("button", name="Upload").click()

    expect(in_list(page, "song.wav")).to_have_count(1)


@pytest.mark.slow
def test_a_folder_is_dropped_anywhere_and_what_is_no_sound_in_it_is_left_out(
    enter: Enter, alice: Visitor, tmp_path: Path, complaints: list[str]
) -> None:
    inner = tmp_path / "album" / "side b"
    inner.mkdir(parents=True)
    sounds.make(inner.parent, "one.wav")
    sounds.make(inner, "two.wav", hertz=300)
    (inner / "cover.jpg").write_bytes(b"\xff\xd8\xff")
    (inner / ".hidden").write_bytes(b"x")
    page = enter(alice)
    devtools = page.context.new_cdp_session(page)
    what = {"items": [], "files": [str(inner.parent)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        devtools.send("Input.dispatchDragEvent", {"type": kind, "x": 60, "y": 500, "data": what})

    for name in ("one.wav", "two.wav"):
        expect(in_list(page, name)).to_have_count(1)
    expect(page.locator("#left-out")).to_have_text("Left out, because they are no sound: 2")
    expect(page.locator(".upload")).to_have_count(0)
    assert complaints == []


@pytest.mark.slow
def test_what_is_pasted_goes_up(enter: Enter, alice: Visitor, complaints: list[str]) -> None:
    page = enter(alice)

    page.evaluate(
        """(bytes) => {
          const pasted = new DataTransfer();
          pasted.items.add(new File([new Uint8Array(bytes)], "pasted.wav", {type: "audio/wav"}));
          document.body.dispatchEvent(new ClipboardEvent("paste", {clipboardData: pasted, bubbles: true}));
        }""",
        list(sounds.wav(0.2)),
    )

    expect(in_list(page, "pasted.wav")).to_have_count(1)
    assert complaints == []


@pytest.mark.slow
def test_ux_U3_the_bar_moves_and_never_backwards_and_says_percent_rate_and_time_left(
    enter: Enter, alice: Visitor, noise: Path, complaints: list[str]
) -> None:
    page = enter(alice)
    page.evaluate(BARS)
    Line(page).set(rate=4_000_000)

    page.locator("#audio").set_input_files(noise)
    expect(in_list(page, "noise.wav")).to_have_count(1)

    bars, lines, heard = page.evaluate("() => [window.bars, window.lines, window.heard]")
    assert len(set(bars)) >= 5
    assert bars == sorted(bars)
    assert any(re.fullmatch(r"\d+ % · [\d.]+ MB/s · \d+ s left", line) for line in lines), lines
    assert "Checking…" in lines
    assert heard[0] == "Uploading noise.wav."
    assert heard[1:-1] == ["25 % uploaded.", "50 % uploaded.", "75 % uploaded."]
    assert heard[-1] == "noise.wav is uploaded. You can close the page; an alert will wait for you."
    assert is_the_same(alice, id_of(page, "noise.wav"), noise)
    assert complaints == []


# --- U4 and U5: what was cut goes on


@pytest.mark.slow
def test_ux_U4_after_a_reload_the_same_file_goes_on_where_it_stopped(
    enter: Enter, alice: Visitor, noise: Path, complaints: list[str]
) -> None:
    page = enter(alice)
    line = Line(page)
    line.set(rate=6_000_000)
    for name in ("FLAC", "MP4"):
        page.get_by_label(name, exact=True).uncheck()
    page.locator("#audio").set_input_files(noise)
    wait_until_up(row(page, "noise.wav"), 85)  # three of four parts, or all but the last bytes of them

    page.once("dialog", lambda dialog: dialog.accept())
    page.reload()
    line.set()
    expect(row(page, "noise.wav")).to_contain_text(re.compile("Unfinished: .* of 20 MB are up"))
    line.sent.clear()
    page.locator("#audio").set_input_files(noise)
    expect(in_list(page, "noise.wav")).to_have_count(1)

    assert 0 < len(line.parts) < 4
    # The formats are those that were marked when it began.
    expect(in_list(page, "noise.wav").locator(".chip")).to_have_text([re.compile("^WAV")])
    assert is_the_same(alice, id_of(page, "noise.wav"), noise)
    assert complaints == []


def test_ux_U4_another_file_than_the_one_that_is_to_go_on_is_not_sent(
    enter: Enter, alice: Visitor, tmp_path: Path, complaints: list[str]
) -> None:
    song, other = tmp_path / "song.wav", tmp_path / "other.wav"
    song.write_bytes(sounds.wav(2))
    other.write_bytes(sounds.wav(1))
    Sender(alice, song.read_bytes()).begin()
    page = enter(alice)
    offer = row(page, "song.wav")

    for chosen in (other, song):
        with page.expect_file_chooser() as chooser:
            offer.get_by_role("button", name="Continue: song.wav").click()
        chooser.value.set_files(chosen)
        if chosen == other:
            expect(offer).to_contain_text("That is another file. To go on, choose song.wav again.")

    expect(in_list(page, "song.wav")).to_have_count(1)
    expect(in_list(page, "other.wav")).to_have_count(0)
    assert complaints == []


@pytest.mark.slow
def test_ux_U5_without_a_connection_it_waits_and_goes_on_by_itself(enter: Enter, alice: Visitor, noise: Path) -> None:
    page = enter(alice)
    line = Line(page)
    line.set(rate=6_000_000)
    page.locator("#audio").set_input_files(noise)
    wait_until_up(row(page, "noise.wav"), 30)

    line.set(is_cut=True)
    expect(row(page, "noise.wav").locator(".said")).to_have_text(re.compile(r"^Waiting for connection · \d+ %$"))
    page.wait_for_timeout(5000)
    before = len(line.sent)
    page.wait_for_timeout(500)
    line.set()

    expect(in_list(page, "noise.wav")).to_have_count(1)
    assert before < 60  # it asks now and then, not all the time
    assert is_the_same(alice, id_of(page, "noise.wav"), noise)


@pytest.mark.slow
def test_a_web_process_that_is_killed_meanwhile_is_waited_for(
    enter: Enter, house: House, alice: Visitor, noise: Path
) -> None:
    page = enter(alice)
    Line(page).set(rate=6_000_000)
    page.locator("#audio").set_input_files(noise)
    wait_until_up(row(page, "noise.wav"), 40)

    house.kill("web")

    expect(in_list(page, "noise.wav")).to_have_count(1)
    assert is_the_same(alice, id_of(page, "noise.wav"), noise)


@pytest.mark.slow
def test_it_is_paused_and_resumed(enter: Enter, alice: Visitor, noise: Path, complaints: list[str]) -> None:
    page = enter(alice)
    line = Line(page)
    line.set(rate=6_000_000)
    page.locator("#audio").set_input_files(noise)
    wait_until_up(row(page, "noise.wav"), 20)

    press(row(page, "noise.wav"), "Pause")
    expect(row(page, "noise.wav").locator(".said")).to_have_text(re.compile(r"^Paused at \d+ %$"))
    stood = len(line.sent)
    page.wait_for_timeout(1500)
    assert len(line.sent) == stood
    line.set()
    press(row(page, "noise.wav"), "Resume")

    expect(in_list(page, "noise.wav")).to_have_count(1)
    assert is_the_same(alice, id_of(page, "noise.wav"), noise)
    assert complaints == []


@pytest.mark.slow
def test_whoever_is_signed_out_meanwhile_signs_in_in_another_tab_and_it_goes_on(
    enter: Enter, house: House, email: str, noise: Path
) -> None:
    who = house.visitor().register(email.partition("@")[0])
    page = enter(who)
    line = Line(page)
    line.set(rate=3_000_000)
    page.locator("#audio").set_input_files(noise)
    wait_until_up(row(page, "noise.wav"), 30)

    page.context.clear_cookies()  # as if the session had ended
    expect(page.locator("#signed-out")).to_be_visible()
    with page.context.expect_page() as opened:
        page.get_by_role("link", name=re.compile("^Sign in again")).click()
    line.set()
    tab = opened.value
    tab.get_by_label("E-mail").fill(email)
    tab.get_by_label("Password").fill(PASSWORD)
    tab.get_by_role("button", name="Sign in").click()
    expect(tab.get_by_role("heading", name="Files", exact=True)).to_be_visible()

    expect(page.locator("#signed-out")).to_be_hidden()
    expect(in_list(page, "noise.wav")).to_have_count(1)
    who.cookies |= {each["name"]: each["value"] for each in page.context.cookies()}
    assert is_the_same(who, id_of(page, "noise.wav"), noise)


@pytest.mark.slow
def test_a_file_that_changes_while_it_goes_up_is_given_up_and_never_mixed(
    enter: Enter, alice: Visitor, tmp_path: Path
) -> None:
    song = make_noise(tmp_path / "changing.wav", 20_000_000)
    page = enter(alice)
    Line(page).set(rate=3_000_000)
    page.locator("#audio").set_input_files(song)
    wait_until_up(row(page, song.name), 20)

    make_noise(song, 20_000_000)

    expect(row(page, song.name).locator(".said")).to_have_text(re.compile("^This file cannot be read any more"))
    expect(page.locator("li.file")).to_have_count(0)


# --- U6


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_ux_U6_a_file_of_one_and_a_half_gigabytes_takes_no_memory(
    enter: Enter, house: House, alice: Visitor, tmp_path: Path
) -> None:
    size = 1_500_000_000
    path = tmp_path / "long.wav"
    path.write_bytes(sounds.silence(0)[:-8] + b"data" + size.to_bytes(4, "little"))
    os.truncate(path, path.stat().st_size + size)
    page = enter(alice)
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.enable")
    before = memory_of(house)
    heap, grown = 0.0, 0

    page.locator("#audio").set_input_files(path)
    while in_list(page, "long.wav").count() == 0:
        measured = devtools.send("Performance.getMetrics")["metrics"]
        heap = max(heap, next(each["value"] for each in measured if each["name"] == "JSHeapUsedSize"))
        grown = max(grown, memory_of(house) - before)
        page.wait_for_timeout(200)
    alice.post(f"/files/{id_of(page, 'long.wav')}/delete")

    print(f"heap {heap / 1e6:.1f} MB, the web process grew by {grown / 1e6:.1f} MB")  # noqa: T201 - figures worth seeing
    assert heap < 50e6
    assert grown < 64e6


def memory_of(house: House) -> int:
    """Bytes that the web process and its children hold of their own."""
    total = 0
    for pid, command in house.processes().items():
        if any("webapp.server" in word for word in command) or pid == house.pid("web"):
            status = Path(f"/proc/{pid}/status").read_text()
            total += int(status.partition("RssAnon:")[2].split()[0]) * 1024
    return total


# --- U7 and U8


def test_ux_U7_what_cannot_be_kept_is_refused_before_it_is_sent_and_the_others_go_on(
    enter: Enter, alice: Visitor, tmp_path: Path, complaints: list[str]
) -> None:
    page = enter(alice)
    line = Line(page)
    (tmp_path / "nothing.wav").touch()
    (tmp_path / "notes.txt").write_text("no sound")
    (tmp_path / "huge.wav").touch()
    os.truncate(tmp_path / "huge.wav", 5 * 1024**3)
    song = sounds.make(tmp_path, "song.wav")

    wrong = [tmp_path / name for name in ("notes.txt", "nothing.wav", "huge.wav")]
    page.locator("#audio").set_input_files([*wrong, song])
    expect(in_list(page, "song.wav")).to_have_count(1)

    expect(page.locator(".upload .said")).to_have_text(
        ["This is not audio that we can read.", "This file is empty.", re.compile("^This file is bigger than 4.3 GB")]
    )
    assert len([request for request in line.sent if request.url.endswith("/uploads")]) == 1
    press(row(page, "notes.txt"), "Dismiss")
    expect(row(page, "notes.txt")).to_have_count(0)
    assert complaints == []


def test_what_the_server_refuses_is_told_in_its_row(enter: Enter, alice: Visitor, tmp_path: Path) -> None:
    page = enter(alice)
    (tmp_path / "song.wav").write_text("it only says that it is one")

    page.locator("#audio").set_input_files(tmp_path / "song.wav")

    expect(row(page, "song.wav").locator(".said")).to_have_text("This is not audio that we can read.")
    expect(row(page, "song.wav").get_by_role("button", name="Try again")).to_be_hidden()


@pytest.mark.slow
def test_without_a_format_nothing_goes_up(enter: Enter, alice: Visitor, tmp_path: Path) -> None:
    page = enter(alice)
    line = Line(page)
    for name in ("WAV", "FLAC", "MP4"):
        page.get_by_label(name, exact=True).uncheck()

    page.locator("#audio").set_input_files(sounds.make(tmp_path, "song.wav"))

    expect(page.locator("#formats-why")).to_have_text("Choose at least one format.")
    assert line.sent == []


@pytest.mark.slow
def test_ux_U8_cancel_gives_the_room_back_and_leaving_warns_only_meanwhile(
    enter: Enter, house: House, alice: Visitor, noise: Path, complaints: list[str]
) -> None:
    page = enter(alice)
    warned: list[str] = []

    def stay(dialog: Dialog) -> None:
        warned.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    others = arriving(house)
    page.locator("h1").click()  # browsers ask only whoever has done something
    Line(page).set(rate=1_000_000)
    page.locator("#audio").set_input_files(noise)
    wait_until_up(row(page, "noise.wav"), 5)
    assert len(arriving(house)) == len(others) + 1

    page.evaluate("() => { location.href = '/account/' }")
    page.wait_for_timeout(1000)
    assert warned == ["beforeunload"]
    press(row(page, "noise.wav"), "Cancel")
    expect(row(page, "noise.wav")).to_have_count(0)
    wait_for("the room to be given back", lambda: arriving(house) == others)
    page.goto(f"{house.address.rstrip('/')}/account/")

    assert warned == ["beforeunload"]
    assert alice.rows() == []
    assert complaints == []


def arriving(house: House) -> set[Path]:
    """The uploads that are open."""
    return set((house.data_dir / "incoming").glob("*.upload"))


# --- What is here already, what was left, and another tab


def test_a_file_that_is_here_already_is_offered_and_sent_only_to_whoever_insists(
    enter: Enter, alice: Visitor, tmp_path: Path, complaints: list[str]
) -> None:
    song = sounds.make(tmp_path, "song.wav")
    first = alice.keep("first.wav", song.read_bytes(), "wav")
    page = enter(alice)
    line = Line(page)

    page.locator("#audio").set_input_files(song)
    expect(row(page, "song.wav")).to_contain_text("Already here: first.wav")
    assert line.parts == []
    expect(row(page, "song.wav").get_by_role("link")).to_have_attribute("href", f"/files/{first}")
    press(row(page, "song.wav"), "Upload anyway")

    expect(in_list(page, "song.wav")).to_have_count(1)
    expect(page.locator("li.file")).to_have_count(2)
    assert complaints == []


@pytest.mark.slow
def test_an_unfinished_upload_is_offered_until_it_is_discarded(
    enter: Enter, house: House, alice: Visitor, noise: Path, complaints: list[str]
) -> None:
    others = arriving(house)
    page = enter(alice)
    Line(page).set(rate=1_000_000)
    page.locator("#audio").set_input_files(noise)
    wait_until_up(row(page, "noise.wav"), 2)
    page.close(run_before_unload=False)
    page = enter(alice)

    expect(row(page, "noise.wav")).to_contain_text("Kept until")
    press(row(page, "noise.wav"), "Discard")
    expect(row(page, "noise.wav")).to_have_count(0)
    expect(page.locator("#queue")).to_be_hidden()
    wait_for("the room to be given back", lambda: arriving(house) == others)
    page.reload()
    expect(page.locator(".upload")).to_have_count(0)
    assert complaints == []


@pytest.mark.slow
def test_two_tabs_with_the_same_file_make_one(enter: Enter, alice: Visitor, noise: Path, complaints: list[str]) -> None:
    first = enter(alice)
    Line(first).set(rate=4_000_000)
    first.locator("#audio").set_input_files(noise)
    wait_until_up(row(first, "noise.wav"), 10)
    second = first.context.new_page()
    second.goto(first.url)

    expect(row(second, "noise.wav")).to_contain_text("It goes up in another tab.")
    second.locator("#audio").set_input_files(noise)
    for page in (first, second):
        expect(in_list(page, "noise.wav")).to_have_count(1)
        expect(page.locator(".upload")).to_have_count(0)

    assert len(alice.rows()) == 1
    assert is_the_same(alice, id_of(first, "noise.wav"), noise)


@pytest.mark.slow
def test_what_goes_up_under_a_search_is_told_with_a_way_to_it(
    enter: Enter, alice: Visitor, tmp_path: Path, complaints: list[str]
) -> None:
    page = enter(alice, "/files/?q=nothing+like+it")

    page.locator("#audio").set_input_files(sounds.make(tmp_path, "song.wav"))
    expect(row(page, "song.wav")).to_contain_text("Uploaded song.wav")
    expect(page.locator("li.file")).to_have_count(0)
    row(page, "song.wav").get_by_role("link").click()

    expect(page.locator("#title")).to_have_text("song.wav")
    assert complaints == []


@pytest.mark.slow
def test_after_a_cancel_by_keyboard_the_focus_goes_to_the_next_row_and_then_to_the_list(
    enter: Enter, alice: Visitor, tmp_path: Path, complaints: list[str]
) -> None:
    files = [make_noise(tmp_path / f"{name}.wav", 6_000_000) for name in "ab"]
    page = enter(alice)
    Line(page).set(rate=500_000)
    page.locator("#audio").set_input_files(files)
    expect(page.locator(".upload")).to_have_count(2)

    row(page, "a.wav").get_by_role("button", name="Cancel").focus()
    page.keyboard.press("Enter")
    expect(row(page, "b.wav").get_by_role("button", name="Pause")).to_be_focused()
    row(page, "b.wav").get_by_role("button", name="Cancel").focus()
    page.keyboard.press("Enter")

    expect(page.locator("#list-title")).to_be_focused()
    assert complaints == []


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 320])
def test_ux_X1_axe_finds_nothing_in_the_rows_of_what_goes_up(
    enter: Enter, alice: Visitor, noise: Path, tmp_path: Path, theme: Any, width: int
) -> None:
    song = sounds.make(tmp_path, "song.wav")
    alice.keep("first.wav", song.read_bytes(), "wav")
    (tmp_path / "notes.txt").write_text("no sound")
    left = make_noise(tmp_path / "left unfinished.wav", 6_000_000)
    size: Any = {"width": width, "height": 700}
    page = enter(alice, viewport=size, color_scheme=theme, reduced_motion="reduce")
    Line(page).set(rate=500_000)
    page.locator("#audio").set_input_files(left)
    wait_until_up(row(page, left.name), 1)
    page.close(run_before_unload=False)
    page = enter(alice, viewport=size, color_scheme=theme, reduced_motion="reduce")
    line = Line(page)
    line.set(rate=500_000)

    page.locator("#audio").set_input_files([tmp_path / "notes.txt", song, noise])
    expect(row(page, "song.wav")).to_contain_text("Already here")
    wait_until_up(row(page, "noise.wav"), 1)
    assert faults(page) == []
    line.set(is_cut=True)
    expect(row(page, "noise.wav")).to_contain_text("Waiting for connection")
    assert faults(page) == []

    assert page.evaluate("() => document.documentElement.scrollWidth") <= width

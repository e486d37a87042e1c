"""Whatever somebody calls their files, no browser takes it for anything but a name."""

import re
import uuid
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests import sounds
from tests.browser.conftest import PATIENCE_MILLISECONDS, Enter
from tests.flows.house import House, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.processes]

expect.set_options(timeout=PATIENCE_MILLISECONDS)

# Each would leave a trace if it were more than text: in `fired`, as an element with the id, or as a request.
MARKUP = (
    "<img id=evil src=/evil onerror=\"fired.push('img')\">",
    "<script id=evil>fired.push('script')</script>",
    "\"><svg id=evil onload=fired.push('svg')>",
    "' autofocus onfocus='fired.push(1)' x='",
    "<a id=evil hx-get='/evil' hx-trigger='load' hx-target='body'>x</a>",
    '" hx-get="/evil" hx-trigger="load, every 1s" data-x="',
    "<b id=evil hx-on:click=fired.push(2) hx-vals='js:{a: fired.push(3)}'>b</b>",
    "</title><meta id=evil http-equiv=refresh content='0;url=/evil'>",
    "{{ 7 * 7 }}{% raw %}${fired.push(4)}<%= 49 %>",
    "javascript:fired.push(5)//",
)  # fmt: skip
# What a name may be when it comes by the form: without folders, and as a browser writes a quote.
BY_FORM = MARKUP[8] + "<i id=evil hx-get='evil' hx-trigger=load>.wav"
LOOK = """() => {
  const evil = "#evil, [onerror], [onload], [onfocus], [hx-get='/evil'], [hx-get='evil'], [data-x], script:not([src])";
  const names = [...document.querySelectorAll("*")].flatMap((element) => element.getAttributeNames());
  return {
    fired: window.fired,
    evil: document.querySelectorAll(evil).length,
    inline: names.filter((name) => /^(on|hx-on|style$)/.test(name)),
  };
}"""


def test_sec_W6_markup_in_names_tags_errors_and_news_is_text(
    house: House, enter: Enter, tmp_path: Path, complaints: list[str]
) -> None:
    """Guards Jinja's autoescape, `textContent` in the scripts, and behind both the CSP and htmx's allowEval."""
    carol = house.visitor().register(f"o'{{{{7*7}}}}&lt;hx-get=evil{uuid.uuid4().hex[:8]}".replace(";", ""))
    tagged = sounds.make(
        tmp_path, "song.flac", "-metadata", f"title={MARKUP[0]}", "-metadata", f"artist={MARKUP[4]}", "-metadata",
        f"album={MARKUP[1]}", seconds=0.5,
    )  # fmt: skip
    good = carol.keep(BY_FORM, tagged.read_bytes(), "wav")
    bad = carol.keep("broken.wav", sounds.damaged(), "wav")
    files = carol.keep_together({f"{number}.wav": sounds.wav(0.2, hertz=200 + number) for number in range(8)}, "wav")
    for file_id, name in zip([bad, *files.values()], [*MARKUP[:8], MARKUP[9]], strict=True):
        assert carol.post(f"/files/{file_id}/rename", name=name).status == 303
    wait_for("all news", lambda: len(carol.inbox()) == 10)

    page = enter(carol, "/auth/login")
    asked: list[str] = []
    page.context.add_init_script("window.fired = []; window.alert = (said) => window.fired.push(said);")
    page.on("request", lambda request: asked.append(request.url))
    name = quote(MARKUP[0], safe="")
    paths = [
        "/files/",
        f"/files/?q={name}",
        f"/files/{good}",
        f"/files/{bad}",
        f"/files/{bad}/delete",
        "/notifications/",
    ]
    paths += [f"/files/selected?files={bad}&files={good}", "/account/", f"/notifications/?filter={name}"]
    for path in paths:
        page.goto(house.address.rstrip("/") + path, wait_until="load")
        is_clean(page, path)
    page.goto(f"{house.address}/files/{bad}")
    expect(page.locator("h1")).to_contain_text(MARKUP[0])
    page.goto(f"{house.address}/files/{good}")
    for tag in (MARKUP[0], MARKUP[1], MARKUP[4], BY_FORM.removesuffix(".wav")):
        expect(page.locator("main")).to_contain_text(tag)

    rename_in_place(page, MARKUP[2])
    send_what_is_no_sound(page, house, tmp_path / "<img id=evil src=evil onerror=fired.push(6)>.wav")
    assert [url for url in asked if urlsplit(url).path.endswith("evil")] == []
    assert [said for said in complaints if "422" not in said] == []


def is_clean(page: Page, where: str) -> None:
    assert page.evaluate(LOOK) == {"fired": [], "evil": 0, "inline": []}, where


def rename_in_place(page: Page, name: str) -> None:
    """By htmx: the new name comes with the answer, on the page, in its title and in the alert."""
    page.locator("#renaming summary").click()
    page.locator("#renaming input[name=name]").fill(name)
    page.locator("#renaming button").first.click()
    expect(page.locator("h1")).to_contain_text(name)
    expect(page).to_have_title(re.compile(re.escape(name)))
    is_clean(page, "renamed")


def send_what_is_no_sound(page: Page, house: House, path: Path) -> None:
    """By the script that sends in parts: the row and what is said are made in the browser."""
    path.write_bytes(b"this is no sound at all" * 10)
    page.goto(f"{house.address}/files/")
    page.locator("#audio").set_input_files(path)
    expect(page.get_by_text("not audio that we can read").first).to_be_visible()
    expect(page.get_by_text(path.name).first).to_be_visible()
    is_clean(page, "refused")

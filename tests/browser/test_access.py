"""Pages that anybody can use: ux X1, X2 and X4. X3, what is spoken, is among the alerts."""

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests import sounds
from tests.browser.conftest import Enter, Visit
from tests.flows.house import House, wait_for
from tests.flows.visitor import Visitor
from webapp.presets import PRESETS

pytestmark = [pytest.mark.browser, pytest.mark.processes]

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
SIZES = {"wide": (1280, 800), "phone": (360, 740)}
THEMES = ("light", "dark")
# The others are looked at in the long run.
A_SAMPLE = (("busy", "dark", "phone"),)
NARROW = {"width": 320, "height": 640}

# The state in which somebody's pages are, and the pages that are worth a look in it.
STATES = {
    "nobody": ("/auth/login", "/auth/register", "/auth/login?next=/files/"),
    "empty": (
        *("/files/", "/files/?q=nothing", "/notifications/", "/notifications/?filter=failed"),
        *("/account/", "/account/sessions", "/account/delete", "/nowhere"),
        *("/account/presets", "/account/presets/new/flac"),
    ),
    "full": (
        *("/files/", "/files/{ready}", "/files/{failed}", "/files/{ready}/delete", "/notifications/"),
        *("/notifications/?filter=failed", "/account/"),
    ),
    "busy": ("/files/", "/files/{busy}"),
}  # fmt: skip


@pytest.fixture(scope="session")
def people(shared_house: House, song: Path) -> Iterator[dict[str, tuple[Visitor, dict[str, str]]]]:
    """Somebody for each state, and the ids of their files."""
    empty, full, busy = (shared_house.visitor().register(f"access-{name}") for name in ("empty", "full", "busy"))
    batch = full.keep_together({f"take {n}.wav": sounds.wav(1.0) for n in range(3)}, "wav")
    ready = full.keep("Größe und Länge – Ølberg.wav", sounds.wav(1.0))
    failed = full.keep("broken.wav", sounds.damaged())
    wait_for("all to be ready", lambda: all(full.has(each, "complete") for each in (ready, *batch.values())))
    wait_for("one to fail", lambda: full.has(failed, "error"))
    under_way = busy.keep("long.wav", song.read_bytes(), *PRESETS)
    yield {
        "nobody": (shared_house.visitor(), {}),
        "empty": (empty, {}),
        "full": (full, {"ready": ready, "failed": failed}),
        "busy": (busy, {"busy": under_way}),
    }
    busy.post(f"/files/{under_way}/delete")


@pytest.mark.parametrize(
    ("state", "theme", "size"),
    [
        pytest.param(*each, marks=[] if each in A_SAMPLE else [pytest.mark.slow])
        for each in itertools.product(STATES, THEMES, SIZES)
    ],
)
def test_ux_X1_axe_finds_nothing(
    enter: Enter, people: Any, house: House, state: str, theme: str, size: str, complaints: list[str]
) -> None:
    who, ids = people[state]
    width, height = SIZES[size]
    # What has only just appeared is faint for a moment.
    options = {"color_scheme": theme, "reduced_motion": "reduce"}
    page = enter(who, "/", viewport={"width": width, "height": height}, **options)

    found = {}
    for path in STATES[state]:
        page.goto(house.address.rstrip("/") + path.format(**ids))
        if found_here := faults(page):
            found[path] = found_here
    assert found == {}


def test_ux_X1_axe_does_find_what_is_wrong(enter: Enter, alice: Visitor) -> None:
    page = enter(alice)
    page.evaluate(
        """() => {
            const faults = "<img src='/static/icon.svg'><button></button>";
            document.querySelector("main").insertAdjacentHTML("beforeend", faults);
            document.documentElement.removeAttribute("lang");
        }"""
    )

    assert {fault.partition(":")[0] for fault in faults(page)} >= {"image-alt", "button-name", "html-has-lang"}


@pytest.mark.slow
def test_ux_X2_everything_is_done_by_keyboard_and_the_focus_is_always_seen(
    visit: Visit, house: House, email: str, complaints: list[str]
) -> None:
    page = visit()
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    go_to(page, "Create an account")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/auth/register"))
    tab_until(page, "#email")
    page.keyboard.type(email)
    tab_until(page, "#password")
    page.keyboard.type("a long enough password")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Files", exact=True)).to_be_visible()

    # What opens from here is the system's, and no business of the page.
    tab_until(page, "#audio")
    page.locator("#audio").set_input_files(
        files={"name": "song.wav", "mimeType": "audio/wav", "buffer": sounds.wav(1.0)}
    )
    dismissal = page.locator("#alerts .x")
    expect(dismissal).to_have_count(1)
    tab_until(page, "#alerts .x", most=60)
    page.keyboard.press("Enter")
    expect(page.locator("#alerts .x")).to_have_count(0)
    page.wait_for_function("() => document.activeElement.id === 'alert-region'")
    tab_until(page, "#undo-dismissal")
    page.keyboard.press("Enter")
    expect(page.locator("#alerts .x")).to_be_focused()
    page.goto(house.address)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()
    assert complaints == []


@pytest.mark.parametrize(
    "state", ["full", *(pytest.param(each, marks=pytest.mark.slow) for each in STATES if each != "full")]
)
@pytest.mark.parametrize("has_scripts", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_ux_X4_nothing_is_wider_than_320_pixels(
    enter: Enter, people: Any, house: House, state: str, has_scripts: bool
) -> None:
    who, ids = people[state]
    page = enter(who, "/", viewport=NARROW, java_script_enabled=has_scripts)

    for path in STATES[state]:
        page.goto(house.address.rstrip("/") + path.format(**ids))
        assert page.evaluate("() => document.documentElement.scrollWidth") <= NARROW["width"], path


@pytest.mark.slow
@pytest.mark.parametrize(("has_touch", "least"), [pytest.param(False, 24, marks=pytest.mark.slow), (True, 44)])
def test_ux_X4_what_is_pressed_is_big_enough(
    enter: Enter, people: Any, house: House, has_touch: bool, least: int
) -> None:
    options = {"has_touch": True, "is_mobile": True} if has_touch else {}
    small: dict[str, list[str]] = {}
    for state, paths in STATES.items():
        who, ids = people[state]
        page = enter(who, "/", viewport={"width": 390, "height": 800}, **options)
        for path in paths:
            page.goto(house.address.rstrip("/") + path.format(**ids))
            if found := too_small(page, least):
                small[path] = found
    assert small == {}, small


def test_ux_X4_forced_colours_and_reduced_motion_are_honoured(enter: Enter, people: Any) -> None:
    who, _ = people["full"]
    page = enter(who, "/files/", forced_colors="active", reduced_motion="reduce")

    assert page.evaluate("() => document.getAnimations().length") == 0
    assert page.evaluate("() => getComputedStyle(document.querySelector('.alert')).animationName") == "none"
    # What is chosen and what is done is told apart by more than colours that are not there.
    stroke = page.evaluate("() => getComputedStyle(document.querySelector('.wave path')).stroke")
    assert stroke != "none"
    border = page.evaluate("() => getComputedStyle(document.querySelector('.alert')).borderTopStyle")
    assert border == "solid"


def faults(page: Page) -> list[str]:
    """What axe finds wrong with the page, and where."""
    found = Axe().run(page, options=RULES).response["violations"]
    return [
        f"{each['id']}: {node['target']} {node.get('failureSummary', '')}" for each in found for node in each["nodes"]
    ]


def go_to(page: Page, link: str) -> None:
    for _ in range(30):
        page.keyboard.press("Tab")
        assert_focus_is_seen(page)
        if page.evaluate("() => document.activeElement.textContent.trim()") == link:
            return
    pytest.fail(f"{link} is not reached by Tab")


def tab_until(page: Page, selector: str, most: int = 40) -> None:
    for _ in range(most):
        if page.evaluate("(it) => document.activeElement.matches(it)", selector):
            return
        page.keyboard.press("Tab")
        assert_focus_is_seen(page)
    pytest.fail(f"{selector} is not reached by Tab")


def assert_focus_is_seen(page: Page) -> None:
    """The element with the focus, or what stands for it, has an outline or looks like nothing else."""
    seen = page.evaluate(
        """() => {
            const outlined = (each) => each && getComputedStyle(each).outlineStyle !== "none"
                && parseFloat(getComputedStyle(each).outlineWidth) > 0;
            const it = document.activeElement;
            return it === document.body || outlined(it) || outlined(it.closest(".pill, .drop, .pick, label"))
                || outlined(it.parentElement) || it.matches("audio");
        }"""
    )
    assert seen, page.evaluate("() => document.activeElement.outerHTML.slice(0, 200)")


def too_small(page: Page, least: int) -> list[str]:
    """Controls with less room than that (WCAG 2.2, 2.5.8: links within a sentence are let off)."""
    found: list[str] = page.evaluate(
        """(least) => [...document.querySelectorAll("button, a, input, select, summary")].filter((each) => {
            const box = each.getBoundingClientRect();
            const isSeen = box.width && each.checkVisibility({opacityProperty: true});
            if (!isSeen || each.closest(".hidden, .skip") || each.matches(".catch")) return false;
            const label = each.labels?.[0]?.getBoundingClientRect();
            const inText = each.matches("a") && getComputedStyle(each).display === "inline";
            return !inText && Math.max(box.height, label?.height ?? 0) < least - 0.5;
        }).map((each) => `${each.outerHTML.slice(0, 120)} ${each.getBoundingClientRect().height}`)""",
        least,
    )
    return found

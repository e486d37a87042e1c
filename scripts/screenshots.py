"""Pictures of every page in every state, light and dark, on a phone and on a desk.

    .venv/bin/python -m scripts.screenshots [FOLDER] [README'S PICTURE]

Whoever is on them has got into that state as anybody could: over HTTP, with real sounds. FOLDER/index.html shows all.
"""

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from html import escape
from itertools import product
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Error, FilePayload, Page, sync_playwright

from scripts import states
from scripts.states import SHORT, Cast
from tests.browser.conftest import ARGUMENTS
from tests.conftest import CHROMIUM
from tests.flows.house import House
from tests.flows.sender import noise

THEMES = ("light", "dark")
SIZES = {360: 740, 1280: 800}
PATIENCE_MILLISECONDS = 15_000
STYLE = "body{font:14px sans-serif;margin:2em}div{display:flex;gap:1em;align-items:start}img{border:1px solid #999}"
README_SIZE = {"width": 1100, "height": 760}

Act = Callable[[Page], object]


@dataclass(frozen=True)
class Shot:
    """One page in one state."""

    name: str
    path: str
    """With the names of Cast.files in braces."""
    who: str = ""
    """One of Cast.people; nobody: a visitor."""
    act: Act | None = None
    """What is done on the page before it is taken."""
    is_whole: bool = True
    """The whole page, or what a screen shows of it."""


def refused(page: Page) -> None:
    """A wrong password."""
    page.get_by_label("E-mail").fill("nobody@example.com")
    page.get_by_label("Password", exact=True).fill("not the password")
    page.locator("main form").get_by_role("button", name="Sign in").click()
    page.locator("main [aria-invalid], main .bad, main .why").first.wait_for()


def too_often(page: Page) -> None:
    """So many wrong passwords that it has to wait."""
    for _ in range(15):
        page.get_by_label("E-mail").fill("often@example.com")
        page.get_by_label("Password", exact=True).fill("not the password")
        page.locator("main form").get_by_role("button", name="Sign in").click()
        page.wait_for_load_state()
        if not page.get_by_label("E-mail").count():
            return


def send(**fields: str) -> Act:
    """A form to the page's own address, as it is sent by somebody who makes up fields."""

    def act(page: Page) -> None:
        with page.expect_navigation():
            page.evaluate(
                """(fields) => {
                  const form = document.body.appendChild(document.createElement("form"));
                  form.method = "post";
                  form.hidden = true;
                  const token = document.querySelector("meta[name='csrf-token']").content;
                  for (const [name, value] of Object.entries({csrf_token: token, ...fields}))
                    Object.assign(form.appendChild(document.createElement("textarea")), {name, value});
                  form.submit();
                }""",
                fields,
            )

    return act


def press(key: str) -> Act:
    """A single key."""
    return lambda page: page.keyboard.press(key)


def open_all(page: Page) -> None:
    """What is folded in, folded out."""
    page.evaluate("() => { for (const each of document.querySelectorAll('main details')) each.open = true }")


def pick(page: Page) -> None:
    """The first two of the list."""
    for box in page.locator("li.file .pick input").all()[:2]:
        box.check()


def dismiss(page: Page) -> None:
    """The newest alert."""
    page.locator("#alerts").locator(".x").first.click()
    page.locator("[data-undo]").first.wait_for()


def go_up(page: Page) -> None:
    """Several files: no sound, one that is here already, and a long one on a slow line."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("Network.enable")
    slow = {"offline": False, "latency": 5, "downloadThroughput": -1, "uploadThroughput": 1_000_000}
    devtools.send("Network.emulateNetworkConditions", slow)
    for left in page.get_by_role("button", name="Discard: Tape 12.wav").all():  # by the picture before
        left.click()
    sounds: tuple[FilePayload, ...] = (
        {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"no sound"},
        {"name": "mix.wav", "mimeType": "audio/wav", "buffer": SHORT},
        {"name": "Tape 12.wav", "mimeType": "audio/wav", "buffer": noise(90)},
    )
    page.locator("#audio").set_input_files(sounds)
    page.locator(".upload .said", has_text=" left").wait_for()


# What will not wait comes first.
SHOTS = (
    Shot("files-busy", "/files/", "busy"),
    Shot("file-busy", "/files/{busy}", "busy"),
    Shot("file-queued", "/files/{queued}", "busy"),
    Shot("delete-busy", "/files/{busy}/delete", "busy"),
    Shot("sign-in", "/auth/login"),
    Shot("sign-in-refused", "/auth/login", act=refused),
    Shot("register", "/auth/register"),
    Shot("register-refused", "/auth/register", act=send(email="not an address", password="short")),
    Shot("files-empty", "/files/", "new"),
    Shot("files-formats", "/files/", "new", act=open_all),
    Shot("inbox-empty", "/notifications/", "new"),
    Shot("files-uploads", "/files/", "uploads", act=go_up),
    Shot("files-one", "/files/", "one"),
    Shot("alert-one", "/account/", "one", is_whole=False),
    Shot("files-many", "/files/", "many"),
    Shot("files-many-screen", "/files/", "many", is_whole=False),
    Shot("files-page-2", "/files/?page=2", "many"),
    Shot("files-selected", "/files/", "many", act=pick),
    Shot("files-searched", "/files/?q=take", "many"),
    Shot("files-searched-empty", "/files/?q=nothing+like+it", "many"),
    Shot("alerts-more", "/account/", "many", is_whole=False),
    Shot("alerts-undo", "/account/", "undo", act=dismiss, is_whole=False),
    Shot("alert-batch", "/account/", "batch", is_whole=False),
    Shot("alert-failure", "/account/", "failed", is_whole=False),
    Shot("files-failed", "/files/", "failed"),
    Shot("file-failed", "/files/{failed}", "failed", act=open_all),
    Shot("file-ready", "/files/{ready}", "one"),
    Shot("file-formats", "/files/{ready}", "one", act=open_all),
    Shot("file-canceled", "/files/{canceled}", "canceled"),
    Shot("file-long-name", "/files/{named}", "named"),
    Shot("files-long-names", "/files/", "named"),
    Shot("delete", "/files/{ready}/delete", "one"),
    Shot("inbox", "/notifications/", "many"),
    Shot("inbox-unread", "/notifications/?filter=unread", "many"),
    Shot("inbox-failed", "/notifications/?filter=failed", "failed"),
    Shot("inbox-failed-none", "/notifications/?filter=failed", "one"),
    Shot("account", "/account/", "one"),
    Shot("account-sessions", "/account/sessions", "one"),
    Shot("account-delete", "/account/delete", "one"),
    Shot("keys", "/files/", "one", act=press("?"), is_whole=False),
    Shot("error-400", "/auth/login", act=send(csrf_token="made up")),
    Shot("error-403", "{closed}/auth/register"),
    Shot("error-404", "/nowhere", "one"),
    Shot("error-413", "/auth/login", act=send(email="x" * 2_000_000)),
    Shot("error-429", "/auth/login", act=too_often),
)


def main(folder: Path, picture: Path | None) -> None:
    """Take all, and say which could not be taken."""
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        house = stack.enter_context(House.opened(place / "instance", WORKER_CONCURRENCY="1"))
        closed = stack.enter_context(House.opened(place / "closed", REGISTRATION="closed"))
        browser = stack.enter_context(sync_playwright()).chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        cast = states.made(house, place)
        cast.files["closed"] = closed.address
        if picture:
            picture_of_the_readme(browser, cast, picture)
        missing = [name for shot in SHOTS for name in taken(browser, cast, shot, folder)]
        browser.close()
    (folder / "index.html").write_text(contact_sheet(folder))
    print(f"{len(list(folder.glob('*.png')))} pictures: {folder / 'index.html'}")
    if missing:
        sys.exit("Not taken: " + ", ".join(missing))


def taken(browser: Browser, cast: Cast, shot: Shot, folder: Path) -> Iterator[str]:
    """Take it in each theme and size. Yields the names of those that did not come about."""
    for theme, (width, height) in product(THEMES, SIZES.items()):
        name = f"{shot.name}_{theme}_{width}"
        look = {"color_scheme": theme, "viewport": {"width": width, "height": height}, "has_touch": width < 600}
        try:
            take(browser, cast, shot, folder / f"{name}.png", look)
        except (Error, AssertionError) as exc:
            print(f"{name}: {str(exc).splitlines()[0]}")
            yield name


def take(browser: Browser, cast: Cast, shot: Shot, target: Path, look: dict[str, Any]) -> None:
    """Go there, do what there is to do, and look."""
    context = browser.new_context(**look)
    try:
        context.set_default_timeout(PATIENCE_MILLISECONDS)
        context.add_cookies(cast.cookies_of(shot.who))
        page = context.new_page()
        path = shot.path.format(**cast.files)
        page.goto(path if path.startswith("http") else cast.address + path)
        page.wait_for_load_state("networkidle")
        if shot.act:
            shot.act(page)
            page.wait_for_timeout(300)
        page.screenshot(path=target, full_page=shot.is_whole)
    finally:
        context.close()


def picture_of_the_readme(browser: Browser, cast: Cast, target: Path) -> None:
    """The list while a song is under way and an alert stands."""
    shot = Shot("readme", "/files/", "readme", is_whole=False)
    take(browser, cast, shot, target, {"viewport": README_SIZE, "color_scheme": "light"})


def contact_sheet(folder: Path) -> str:
    """All pictures on one page, each state in a row."""
    rows = []
    for shot in SHOTS:
        names = [f"{shot.name}_{theme}_{width}.png" for theme, width in product(THEMES, SIZES)]
        pictures = (
            f'<a href="{name}"><img src="{name}" alt="{name}" loading="lazy" width="{width}"></a>'
            for name, width in ((name, 180 if "_360" in name else 480) for name in names)
            if (folder / name).exists()
        )
        rows.append(f"<h2>{escape(shot.name)} <small>{escape(shot.path)}</small></h2><div>{''.join(pictures)}</div>")
    return f"<!DOCTYPE html><meta charset=utf-8><title>Screenshots</title><style>{STYLE}</style>{''.join(rows)}"


if __name__ == "__main__":
    main(
        Path(sys.argv[1] if len(sys.argv) > 1 else "build/screenshots"),
        Path(sys.argv[2]) if len(sys.argv) > 2 else None,
    )

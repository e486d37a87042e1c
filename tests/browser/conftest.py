"""Chromium, and a house for it to visit."""

import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests import sounds
from tests.conftest import CHROMIUM
from tests.flows.house import House
from tests.flows.visitor import Visitor

ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required"),
)
PATIENCE_MILLISECONDS = 30_000
SONG_SECONDS = 150

# Kept in the page from its beginning: what the page shows is gone before a test could look.
WITNESS = """
window.witness = {progress: [], told: {}};
const look = () => {
  for (const row of document.querySelectorAll("[data-file][data-progress]"))
    window.witness.progress.push([row.dataset.file, Number(row.dataset.progress)]);
  for (const alert of document.querySelectorAll("#alerts [data-notification]"))
    window.witness.told[alert.dataset.file] ??= Date.now();
};
new MutationObserver(look).observe(document, {subtree: true, childList: true, attributes: true});
document.addEventListener("securitypolicyviolation", (event) => console.error(`CSP: ${event.blockedURI}`));
"""

Visit = Callable[..., Page]
Enter = Callable[..., Page]


@pytest.fixture
def house(shared_house: House) -> House:
    """Tests share it, each with people of its own."""
    return shared_house


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser has complained of on any page: errors on the console, broken rules of the CSP, exceptions."""
    return []


@pytest.fixture
def visit(browser: Browser, house: House, complaints: list[str]) -> Iterator[Visit]:
    """Opens the printed address, or another, in a browser of its own, whose complaints are kept."""
    contexts: list[BrowserContext] = []

    def visit(address: str = "", cookies: Mapping[str, str] = MappingProxyType({}), **options: Any) -> Page:
        context = browser.new_context(**options)
        context.add_cookies([{"name": n, "value": v, "url": house.address} for n, v in cookies.items()])
        context.set_default_timeout(PATIENCE_MILLISECONDS)
        context.add_init_script(WITNESS)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address or house.address)
        return page

    yield visit
    for context in contexts:
        context.close()


@pytest.fixture
def enter(visit: Visit, house: House) -> Enter:
    """Opens a page as somebody who is signed in already."""

    def enter(who: Visitor, path: str = "/files/", **options: Any) -> Page:
        return visit(house.address.rstrip("/") + path, who.cookies, **options)

    return enter


@pytest.fixture
def alice(house: House) -> Visitor:
    """She has an account, and nothing in it."""
    return house.visitor().register(f"alice-{uuid.uuid4().hex[:8]}")


@pytest.fixture
def bob(house: House) -> Visitor:
    return house.visitor().register(f"bob-{uuid.uuid4().hex[:8]}")


@pytest.fixture
def email() -> str:
    """Nobody's yet."""
    return f"{uuid.uuid4().hex[:12]}@example.com"


@pytest.fixture(scope="session")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pure tone is hard work for an AAC encoder, so that its progress can be seen."""
    source = f"sine=frequency=440:sample_rate=44100:duration={SONG_SECONDS}"
    return sounds.ffmpeg(tmp_path_factory.mktemp("songs") / "song.wav", "-f", "lavfi", "-i", source, "-ac", "2")

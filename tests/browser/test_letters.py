"""Letters with the real processes: a visitor makes an account, forgets the password, moves, and leaves."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import WITNESS
from tests.browser.test_access import faults
from tests.doubles.smtp import MailServer
from tests.flows.house import House, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.slow]

WIDTH = 320
PASSWORD, ANOTHER = "a tape in the rain", "another tape in the rain"


@pytest.fixture
def post() -> Iterator[MailServer]:
    with MailServer.opened() as server:
        yield server


@pytest.fixture
def house(tmp_path: Path, post: MailServer) -> Iterator[House]:
    """One that sends letters."""
    smtp = f"smtp://127.0.0.1:{post.port}"
    with House.opened(tmp_path / "instance", SMTP_URL=smtp, MAIL_FROM="tapes@tapes.example") as house:
        yield house


class Somebody:
    """Somebody in a browser who looks at each page with axe, and reads their mail."""

    def __init__(self, page: Page, house: House, post: MailServer) -> None:
        self.page, self.house, self.post = page, house, post
        self.read = 0

    def go(self, path: str) -> None:
        self.page.goto(self.house.address.rstrip("/") + path)
        self.look()

    def look(self) -> None:
        assert faults(self.page) == [], self.page.url
        assert self.page.evaluate("() => document.documentElement.scrollWidth") <= WIDTH, self.page.url

    def press(self, name: str) -> None:
        self.page.locator("main").get_by_role("button", name=name, exact=True).click()

    def link(self, recipient: str, subject: str) -> str:
        """The path of the link in the next letter with this subject."""
        letter = wait_for(
            f"a letter: {subject}",
            lambda: next((each for each in self.post.letters[self.read :] if each["Subject"] == subject), None),
        )
        self.read = self.post.letters.index(letter) + 1
        assert letter["To"] == recipient
        found = re.search(r"http://\S+", letter.get_content())
        assert found
        return urlsplit(found.group()).path


def test_accounts_by_letter_from_the_first_visit_to_the_last(browser: Browser, house: House, post: MailServer) -> None:
    complaints: list[str] = []
    context = browser.new_context(
        viewport={"width": WIDTH, "height": 640}, color_scheme="dark", reduced_motion="reduce"
    )
    context.add_init_script(WITNESS)
    page = context.new_page()
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    ana = Somebody(page, house, post)

    ana.go("/auth/register")
    page.get_by_label("E-mail address").fill("ana@example.com")
    ana.press("Send me the link")
    expect(page.get_by_role("heading", name="Look into your mail")).to_be_visible()
    ana.look()
    ana.go(ana.link("ana@example.com", "Your account at Tapedeck"))
    page.get_by_label("New password").fill(PASSWORD)
    ana.press("Create the account")
    expect(page.get_by_role("heading", name="Files", exact=True)).to_be_visible()

    ana.go("/account/address")
    page.get_by_label("New e-mail address").fill("ana@new.example.com")
    page.get_by_label("Current password").fill(PASSWORD)
    ana.press("Send me the link")
    expect(page.get_by_text("It becomes ana@new.example.com")).to_be_visible()
    ana.look()
    ana.go(ana.link("ana@new.example.com", "Confirm your address"))
    ana.press("Use this address")
    expect(page.get_by_text("Signed in as ana@new.example.com")).to_be_visible()
    ana.go("/account/sessions")
    expect(page.get_by_text("This one, now")).to_be_visible()

    context.clear_cookies()
    ana.go("/auth/login")
    page.get_by_role("link", name="Forgot your password?").click()
    page.get_by_label("E-mail address").fill("ana@new.example.com")
    ana.look()
    ana.press("Send me the link")
    ana.go(ana.link("ana@new.example.com", "A new password for Tapedeck"))
    page.get_by_label("New password").fill("short")
    ana.press("Change the password")
    expect(page.get_by_text("Use at least 12 characters.")).to_be_visible()
    ana.look()
    page.get_by_label("New password").fill(ANOTHER)
    ana.press("Change the password")
    expect(page.get_by_text("Your password is changed.")).to_be_visible()
    ana.link("ana@new.example.com", "Your password was changed")

    ana.go("/account/delete")
    page.get_by_label("Password", exact=True).fill(ANOTHER)
    ana.press("Delete the account")
    expect(page.get_by_text("Your account is deleted.")).to_be_visible()
    context.close()
    # The form that was refused has the status 422, which browsers note.
    assert [each for each in complaints if "422" not in each] == []
    assert "/auth/reset/" not in house.log

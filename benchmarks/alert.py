"""From the end of a job to the alert in a browser, on another page than the list.

    .venv/bin/python -m benchmarks.alert [SONGS]

Short songs are dropped one after the other on the list in one tab; the other tab shows the account. What is counted is
from the moment that the database has as the end of the job, by the same clock, to the alert being in the page.
"""

import statistics
import sys
import tempfile
from datetime import UTC
from pathlib import Path

import sqlalchemy as sa
from playwright.sync_api import Page, sync_playwright

from tests import sounds
from tests.browser.conftest import ARGUMENTS, WITNESS
from tests.conftest import CHROMIUM
from tests.flows.house import House
from webapp.models import AudioFile, TranscodeJob

SONGS = 24


def main(count: int) -> None:
    """Print the median and the worst."""
    with (
        tempfile.TemporaryDirectory() as name,
        House.opened(Path(name) / "instance") as house,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        context = browser.new_context()
        visitor = house.visitor().register("ana")
        context.add_cookies([{"name": n, "value": v, "url": house.address} for n, v in visitor.cookies.items()])
        context.add_init_script(WITNESS)
        files, elsewhere = context.new_page(), context.new_page()
        files.goto(f"{house.address}/files/")
        elsewhere.goto(f"{house.address}/account/")
        songs = [Path(name) / f"song {number}.wav" for number in range(count)]
        took = sorted(told_after(song, house, files, elsewhere, 1 + number % 5) for number, song in enumerate(songs))
        browser.close()
    slow = statistics.quantiles(took, n=20)[-1]
    print(f"{count} alerts: median {statistics.median(took):.2f} s, 95 % within {slow:.2f} s, worst {took[-1]:.2f} s")


def told_after(song: Path, house: House, files: Page, elsewhere: Page, seconds: int) -> float:
    """Seconds until the other page tells of this song."""
    song.write_bytes(sounds.wav(float(seconds)))
    files.locator("#audio").set_input_files(song)
    # Only what is seen is asked for, and only one tab is in front.
    alert = elsewhere.locator("#alerts [data-notification]").filter(has_text=song.name)
    alert.wait_for(state="attached", timeout=60_000)
    ended = house.ask(
        sa.select(AudioFile.id, TranscodeJob.finished_at).join(TranscodeJob).where(AudioFile.name == song.name)
    )[0]
    told = elsewhere.evaluate("(file) => window.witness.told[file]", str(ended.id)) / 1000
    return float(told - ended.finished_at.astimezone(UTC).timestamp())


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else SONGS)

"""The same journey on AWS: the bytes go between browser and bucket, and SNS brings the news."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import av
import pytest
from playwright.sync_api import Page, Request, expect

from tests import sounds
from tests.browser.conftest import PATIENCE_MILLISECONDS, Visit
from tests.browser.test_journey import agree, make_account, the_file
from tests.browser.test_uploads import Line, make_noise, wait_until_up
from tests.flows.cloud import Cloud
from tests.flows.house import House

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.slow]

expect.set_options(timeout=PATIENCE_MILLISECONDS)

NOISE_BYTES = 12_000_000
FORM_BYTES = 1 << 16
RATE = 4_000_000


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with Cloud.opened(tmp_path_factory.mktemp("cloud")) as cloud:
        yield cloud


@pytest.fixture
def house(cloud: Cloud) -> House:
    return cloud.house


@pytest.fixture
def big_song(tmp_path: Path) -> Path:
    """Of three parts."""
    return make_noise(tmp_path / "big song.wav", NOISE_BYTES)


def test_ux_U9_a_song_goes_to_the_bucket_is_converted_told_of_and_fetched_from_there(
    visit: Visit, cloud: Cloud, house: House, email: str, big_song: Path, tmp_path: Path, complaints: list[str]
) -> None:
    page = visit()
    sent = requests_of(page)
    make_account(page, email)

    page.locator("#audio").set_input_files(big_song)
    file_id = the_file(page, big_song.name)
    job = cloud.job()
    row = page.locator(f"li[data-file='{file_id}']")
    expect(row).to_have_attribute("data-status", "submitted")
    cloud.begin(job)
    expect(row).to_have_attribute("data-status", "progressing")
    expect(row.locator("time[data-since]")).to_have_text(re.compile(r"^\d+:\d\d$"))
    assert row.get_attribute("data-progress") is None
    page.get_by_role("link", name="Account").click()
    cloud.finish(job)

    alert = page.locator(f"#alerts [data-file='{file_id}']")
    expect(alert).to_contain_text("Ready: big song.wav")
    agree(page, 1)
    alert.get_by_role("link").click()
    expect(page.locator("#head")).to_have_attribute("data-status", "complete")
    page.evaluate("() => document.querySelector('audio').play()")
    page.wait_for_function("() => document.querySelector('audio').currentTime > 0.5")
    for preset, codec in {"wav": "pcm_s16le", "flac": "flac", "mp4": "aac"}.items():
        assert codec_of(download(page, preset, tmp_path), codec) > NOISE_BYTES / 176_400 - 1
    alert.get_by_role("button", name=re.compile("^Dismiss")).click()
    expect(alert).to_have_count(0)
    page.reload()
    agree(page, 0)

    (key,) = [key for key in cloud.keys("media") if file_id in key]
    assert cloud.sound(key) == big_song.read_bytes()
    assert no_sound_went_through_us(sent, house)
    assert [urlsplit(each.url).netloc for each in sent if each.method == "PUT"] == [urlsplit(cloud.s3).netloc] * 3
    assert complaints == []


def test_ux_U4_in_the_cloud_the_same_file_goes_on_after_a_reload(
    visit: Visit, cloud: Cloud, email: str, big_song: Path, complaints: list[str]
) -> None:
    page, line = sending(visit(), email, big_song)
    wait_until_up(page.locator(".upload"), 70)  # at least one of three parts

    page.once("dialog", lambda dialog: dialog.accept())
    page.reload()
    expect(page.locator("[data-upload]")).to_contain_text("Unfinished")
    line.sent.clear()
    page.locator("#audio").set_input_files(big_song)

    has_arrived(page, cloud, big_song)
    assert 0 < len(line.parts) < 3
    assert complaints == []


def test_ux_U5_in_the_cloud_a_lost_connection_is_waited_for(
    visit: Visit, cloud: Cloud, email: str, big_song: Path
) -> None:
    page, line = sending(visit(), email, big_song)
    wait_until_up(page.locator(".upload"), 20)

    line.set(is_cut=True)
    expect(page.locator(".upload .said")).to_have_text(re.compile("^Waiting for connection"))
    page.wait_for_timeout(5000)
    line.set()

    has_arrived(page, cloud, big_song)


def test_without_javascript_the_form_goes_through_us_and_the_download_does_not(
    visit: Visit, cloud: Cloud, house: House, email: str, tmp_path: Path, complaints: list[str]
) -> None:
    song = sounds.make(tmp_path, "song.wav")
    page = visit(java_script_enabled=False)
    make_account(page, email)
    page.locator("#audio").set_input_files(song)
    page.get_by_role("button", name="Upload").click()
    the_file(page, song.name)

    cloud.finish(cloud.job())

    agree(page, 1)
    answers: list[tuple[int, str]] = []
    page.on("response", lambda answer: answers.append((answer.status, urlsplit(answer.url).netloc)))
    codec_of(download(page, "flac", tmp_path), "flac")
    assert answers[0] == (302, urlsplit(house.address).netloc)
    assert complaints == []


def sending(page: Page, email: str, song: Path) -> tuple[Page, Line]:
    """The page of somebody new, from which the song goes up slowly."""
    make_account(page, email)
    line = Line(page)
    line.set(rate=RATE)
    page.locator("#audio").set_input_files(song)
    return page, line


def has_arrived(page: Page, cloud: Cloud, song: Path) -> None:
    """Fail unless the bucket has the song, byte for byte, and whoever sent it is told when it is ready."""
    file_id = the_file(page, song.name)
    (key,) = [key for key in cloud.keys("media") if file_id in key]
    assert cloud.sound(key) == song.read_bytes()
    cloud.finish(cloud.job())
    agree(page, 1)


def requests_of(page: Page) -> list[Request]:
    """What the page asks for from now on."""
    sent: list[Request] = []

    def note(request: Request) -> None:
        sent.append(request)

    page.on("request", note)
    return sent


def no_sound_went_through_us(sent: list[Request], house: House) -> bool:
    """U9: of what a browser has sent to us nothing is as long as a piece of sound, and nothing came as sound."""
    ours = [each for each in sent if each.url.startswith(house.address)]
    long = [each.url for each in ours if len(each.post_data_buffer or b"") > FORM_BYTES]
    answers = [answer for each in ours if (answer := each.response())]
    return bool(ours) and not long and not [a.url for a in answers if "audio" in a.headers.get("content-type", "")]


def download(page: Page, preset: str, folder: Path) -> Path:
    with page.expect_download() as caught:
        page.locator(f"[data-rendition='{preset}']").first.click()
    path = folder / f"fetched {caught.value.suggested_filename}"
    assert path.suffix == f".{preset}"
    caught.value.save_as(path)
    return path


def codec_of(path: Path, codec: str) -> float:
    """The seconds of sound that can be decoded from it, if it is encoded with that."""
    with av.open(path) as container:
        assert container.streams.audio[0].codec_context.name == codec
        return sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0))

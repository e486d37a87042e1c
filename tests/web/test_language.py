"""A language is a file, and whoever reads gets numbers, plurals and times of their own."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask, g
from flask.testing import FlaskClient

from tests.factories import AudioFileFactory, finish
from webapp.db import db, writing
from webapp.errors import Refused
from webapp.models import User
from webapp.news import JobStatus
from webapp.web import filters, language, times
from webapp.words import N_

GERMAN = """
msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"

msgid "Files"
msgstr "Dateien"

msgid "Account"
msgstr "Konto"

msgid "Sign in"
msgstr "Anmelden"

msgid "Ready"
msgstr "Fertig"

msgid "There is nothing here."
msgstr "Hier ist nichts."

msgid "{count} byte"
msgid_plural "{count} bytes"
msgstr[0] "{count} Byte"
msgstr[1] "{count} Bytes"

msgid "At most {limit}."
msgstr "Höchstens {limit}."
"""
IN_GERMAN = {"Accept-Language": "de-AT,de;q=0.9,en;q=0.5"}


@pytest.fixture
def german(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """German, of which a few sentences are there."""
    folder = tmp_path / "translations"
    folder.mkdir()
    (folder / "de.po").write_text(GERMAN)
    known = language.languages(folder)
    monkeypatch.setattr(language, "languages", lambda: known)


@contextmanager
def reading(app: Flask, **headers: str) -> Iterator[None]:
    """A request of a reader; what an earlier one was found to read is forgotten."""
    for known in ("reader", "zone"):
        g.pop(known, None)
    with app.test_request_context(headers={k.replace("_", "-"): v for k, v in headers.items()}):
        yield


@pytest.mark.usefixtures("german")
def test_a_second_language_is_a_file() -> None:
    found = language.languages()

    assert list(found) == ["en", "de"]
    assert [each.name for each in found.values()] == ["English", "Deutsch"]


@pytest.mark.usefixtures("german")
@pytest.mark.parametrize(
    ("asked", "tag"),
    [
        ("de", "de"),
        ("de-CH, en;q=0.8", "de"),
        ("en-US, de;q=0.8", "en"),
        ("fr, pl;q=0.5", "en"),
        ("*", "en"),
        ("", "en"),
    ],
)
def test_a_visitor_reads_what_the_browser_asks_for(visitor: FlaskClient, asked: str, tag: str) -> None:
    page = visitor.get("/auth/login", headers={"Accept-Language": asked}).text

    assert f'<html lang="{tag}"' in page
    assert ("Anmelden" in page) == (tag == "de")


@pytest.mark.usefixtures("german")
def test_what_the_user_has_chosen_counts_more(as_alice: FlaskClient, alice: User) -> None:
    chosen = {}
    for tag in ("de", "en", "", "xx"):
        with writing():
            db.session.merge(alice).language = tag
        chosen[tag] = as_alice.get("/files/", headers=IN_GERMAN).text

    assert '<html lang="de"' in chosen["de"]
    assert "Dateien" in chosen["de"]
    assert '<html lang="en"' in chosen["en"]
    # Chosen is nothing, or a language that has gone: as the browser asks.
    assert '<html lang="de"' in chosen[""]
    assert '<html lang="de"' in chosen["xx"]


@pytest.mark.usefixtures("german")
def test_what_is_not_translated_is_said_as_it_stands(visitor: FlaskClient) -> None:
    page = visitor.get("/auth/login", headers=IN_GERMAN).text

    assert "Skip to the content" in page


@pytest.mark.usefixtures("german")
def test_an_error_is_said_in_the_readers_language(as_alice: FlaskClient) -> None:
    assert "Hier ist nichts." in as_alice.get("/nowhere", headers=IN_GERMAN).text
    answer = as_alice.get("/nowhere", headers=IN_GERMAN | {"Accept": "application/json"})
    assert answer.get_json()["message"] == "Hier ist nichts."


@pytest.mark.usefixtures("german")
def test_values_are_put_into_the_translated_sentence(app: Flask) -> None:
    with reading(app, Accept_Language="de"):
        assert language.say(Refused(N_("At most {limit}."), limit="4,3 GB")) == "Höchstens 4,3 GB."


@pytest.mark.usefixtures("german")
def test_the_state_of_a_file_and_its_alert_are_said_in_it(as_alice: FlaskClient, alice: User) -> None:
    finish(AudioFileFactory(owner=alice).job, JobStatus.COMPLETE)

    assert "Fertig" in as_alice.get("/files/", headers=IN_GERMAN).text


@pytest.mark.usefixtures("german")
@pytest.mark.parametrize(
    ("asked", "sizes"),
    [
        ("en", ["0 bytes", "1 byte", "2 bytes", "4.3 GB"]),
        ("de", ["0 Bytes", "1 Byte", "2 Bytes", "4,3 GB"]),
    ],
)
def test_ux_T2_sizes_are_told_as_the_language_does(app: Flask, asked: str, sizes: list[str]) -> None:
    with reading(app, Accept_Language=asked):
        told = [filters.size(count) for count in (0, 1, 2, 4_300_000_000)]

    assert told == sizes


@pytest.mark.usefixtures("german")
def test_ux_T2_numbers_and_lists_are_written_as_the_language_does(app: Flask) -> None:
    with reading(app, Accept_Language="de"):
        assert filters.khz(44_100) == "44,1 kHz"
        assert filters.number(0.75) == "0,75"
        assert filters.listed(["WAV", "FLAC", "MP4"]) == "WAV, FLAC und MP4"
    with reading(app, Accept_Language="en"):
        assert filters.khz(44_100) == "44.1 kHz"
        assert filters.listed(["WAV", "FLAC", "MP4"]) == "WAV, FLAC and MP4"


@pytest.mark.parametrize(("count", "told"), [(0, "0 channels"), (1, "mono"), (2, "stereo"), (3, "3 channels")])
def test_ux_T2_plurals_are_right(app: Flask, count: int, told: str) -> None:
    with reading(app):
        assert filters.channels(count) == told


@pytest.mark.parametrize("count", [0, 1, 2])
def test_ux_T2_the_bell_counts_right(as_alice: FlaskClient, alice: User, count: int) -> None:
    for number in range(count):
        finish(AudioFileFactory(owner=alice, name=f"{number}.wav").job, JobStatus.COMPLETE)
    page = as_alice.get("/account/").text

    assert f'data-unread="{count}"' in page
    assert (f"<title>({count}) " in page) == bool(count)


@pytest.mark.usefixtures("german")
def test_dates_are_told_as_the_language_does(app: Flask) -> None:
    moment = datetime(2024, 3, 9, 21, 5, tzinfo=UTC)
    with reading(app, Accept_Language="de", Cookie="zone=Europe/Berlin"):
        assert times.exact(moment) == "9. März 2024, 22:05 GMT+01:00"
        assert times.ago(moment) == "09.03.2024"
        assert times.day(moment) == "9. März 2024"
    with reading(app, Accept_Language="en"):
        assert times.exact(moment) == "9 March 2024, 21:05 UTC"


@pytest.mark.parametrize("zone", ["Nowhere/Land", "../../etc/passwd", "", "x" * 5000, "Europe", "%00"])
def test_a_time_zone_that_nobody_knows_is_utc(app: Flask, zone: str) -> None:
    with app.test_request_context(headers={"Cookie": f"zone={zone}"}):
        assert str(language.zone()) == "UTC"


def test_the_zone_that_the_user_has_chosen_counts_more_than_the_browsers(as_alice: FlaskClient, alice: User) -> None:
    finish(AudioFileFactory(owner=alice).job, JobStatus.COMPLETE)
    with writing():
        db.session.merge(alice).time_zone = "Asia/Kathmandu"
    as_alice.set_cookie("zone", "Europe/Berlin")

    assert "GMT+05:45" in as_alice.get("/notifications/").text

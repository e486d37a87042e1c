"""Times in the reader's zone, whatever its offset and whenever it changes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask, g

from webapp.db import utcnow
from webapp.web import times

Read = Callable[[datetime], str]


@contextmanager
def reading_in(app: Flask, zone: str) -> Iterator[None]:
    """A request of a browser with this time zone."""
    with app.test_request_context(headers={"Cookie": f"zone={zone}"}):
        g.pop("zone", None)  # the test's own context has seen another reader
        yield


def at(*moment: int) -> datetime:
    return datetime(*moment, tzinfo=UTC)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("zone", "moment", "told"),
    [
        ("Asia/Kathmandu", at(2026, 11, 22, 20, 30), "23 November 2026, 02:15 GMT+05:45"),
        ("Europe/Berlin", at(2026, 7, 1, 12, 0), "1 July 2026, 14:00 GMT+02:00"),
        ("Europe/Berlin", at(2026, 1, 1, 12, 0), "1 January 2026, 13:00 GMT+01:00"),
        ("Europe/Berlin", at(2026, 3, 29, 0, 59), "29 March 2026, 01:59 GMT+01:00"),
        ("Europe/Berlin", at(2026, 3, 29, 1, 0), "29 March 2026, 03:00 GMT+02:00"),
        ("Europe/Berlin", at(2026, 10, 25, 0, 30), "25 October 2026, 02:30 GMT+02:00"),
        ("Europe/Berlin", at(2026, 10, 25, 1, 30), "25 October 2026, 02:30 GMT+01:00"),
        ("Europe/London", at(2026, 1, 1, 12, 0), "1 January 2026, 12:00 UTC"),
        ("Mars/Olympus", at(2026, 1, 1, 12, 0), "1 January 2026, 12:00 UTC"),
        ("", at(2026, 1, 1, 12, 0), "1 January 2026, 12:00 UTC"),
    ],
)
def test_the_exact_time_is_that_of_the_readers_clock(app: Flask, zone: str, moment: datetime, told: str) -> None:
    with reading_in(app, zone):
        assert times.exact(moment) == told


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "just now"),
        (44, "just now"),
        (46, "1 minute ago"),
        (60, "1 minute ago"),
        (125, "2 minutes ago"),
        (3700, "1 hour ago"),
        (2 * 3600, "2 hours ago"),
        (86400, "1 day ago"),
        (6 * 86400, "6 days ago"),
    ],
)
def test_what_is_recent_is_told_by_how_long_ago_it_was(app: Flask, seconds: int, told: str) -> None:
    moment = utcnow() - timedelta(seconds=seconds)

    with reading_in(app, "UTC"):
        assert times.ago(moment) == told
        assert times.is_recent(moment)


def test_what_is_older_than_a_week_is_told_by_its_date(app: Flask) -> None:
    moment = at(2020, 12, 31, 20, 0)

    with reading_in(app, "UTC"):
        assert times.ago(moment) == "31 Dec 2020"
        assert not times.is_recent(moment)
    with reading_in(app, "Asia/Kathmandu"):
        assert times.ago(moment) == "1 Jan 2021"


def test_a_day_ends_at_the_readers_midnight(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(times, "utcnow", lambda: at(2026, 11, 22, 20, 30))
    evening = at(2026, 11, 22, 17, 0)

    with reading_in(app, "UTC"):
        assert times.day(evening) == "Today"
    with reading_in(app, "Asia/Kathmandu"):
        assert times.day(evening) == "Yesterday"
        assert times.day(at(2026, 11, 20, 12, 0)) == "Friday 20 November"
        assert times.day(at(2025, 11, 20, 12, 0)) == "20 Nov 2025"


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(None, ""), (0, "0:00"), (0.2, "0:01"), (59.6, "1:00"), (250, "4:10"), (3723, "1:02:03")],
)
def test_a_duration_is_told_as_players_do(seconds: float | None, told: str) -> None:
    assert times.duration(seconds) == told

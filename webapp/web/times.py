"""How times are told: in the reader's language and time zone."""

from datetime import date, datetime, timedelta

from babel import dates
from flask import Flask

from webapp.db import utcnow
from webapp.web.language import gettext, reader, zone

MINUTE, HOUR, DAY = 60, 3600, 86400
JUST_NOW_SECONDS = 45
# From then on the date tells more.
RECENT_SECONDS = 7 * DAY


def init_app(app: Flask) -> None:
    """Make them known to the templates."""
    app.jinja_env.filters.update(
        duration=duration,
        ago=ago,
        exact=exact,
        day=day,
        date=date_of,
        short_date=short_date,
        is_recent=is_recent,
        left=left,
    )


def duration(seconds: float | None) -> str:
    """4:10, or 1:02:03 from an hour on; nothing for what is not known."""
    if seconds is None:
        return ""
    whole = max(1, round(seconds)) if seconds > 0 else 0
    hours, rest = divmod(whole, HOUR)
    minutes, rest = divmod(rest, MINUTE)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def ago(moment: datetime) -> str:
    """How long ago, in words; the date when that is more than a week. static/app.js says the same as time goes by."""
    seconds = (utcnow() - moment).total_seconds()
    if seconds < JUST_NOW_SECONDS:
        return gettext("just now")
    if seconds >= RECENT_SECONDS:
        return dates.format_date(_local(moment), "medium", locale=reader().locale)
    unit = next(each for each in (DAY, HOUR, MINUTE) if seconds >= each or each == MINUTE)
    whole = timedelta(seconds=-unit * (int(seconds // unit) or 1))
    return dates.format_timedelta(whole, add_direction=True, threshold=1, locale=reader().locale)


def is_recent(moment: datetime) -> bool:
    """Whether it is told by how long ago it was."""
    return (utcnow() - moment).total_seconds() < RECENT_SECONDS


def exact(moment: datetime) -> str:
    """The date and time, for whoever wants to know."""
    local, locale = _local(moment), reader().locale
    day, clock = dates.format_date(local, "long", locale=locale), dates.format_time(local, "short", locale=locale)
    offset = "UTC" if not local.utcoffset() else dates.get_timezone_gmt(local, locale=locale)
    return f"{day}, {clock} {offset}"


def day(moment: datetime) -> str:
    """Today, yesterday, or which day it was."""
    local, today = _local(moment).date(), _local(utcnow()).date()
    if local == today:
        return gettext("Today")
    if local == today - timedelta(days=1):
        return gettext("Yesterday")
    return _dated(local, today)


def date_of(moment: datetime) -> str:
    """The date."""
    return dates.format_date(_local(moment), "long", locale=reader().locale)


def short_date(moment: datetime) -> str:
    """The day and month; the year if it is another."""
    local = _local(moment)
    pattern = "MMMd" if local.year == _local(utcnow()).year else "yMMMd"
    return dates.format_skeleton(pattern, local, locale=reader().locale)


def left(seconds: float) -> str:
    """About how long it will take, no finer than anybody can know."""
    if seconds < 5:  # noqa: PLR2004 - less is over before it is read
        return gettext("a few seconds left")
    if seconds < 50:  # noqa: PLR2004 - from here on in minutes
        return gettext("about {count} s left").format(count=max(5, round(seconds / 5) * 5))
    if seconds < HOUR:
        return gettext("about {count} min left").format(count=max(1, round(seconds / MINUTE)))
    return gettext("about {count} h left").format(count=max(1, round(seconds / HOUR)))


def _local(moment: datetime) -> datetime:
    return moment.astimezone(zone())


def _dated(local: date, today: date) -> str:
    pattern = "EEEEdMMMM" if local.year == today.year else "yMMMMd"
    return dates.format_skeleton(pattern, local, locale=reader().locale)

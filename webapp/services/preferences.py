"""How a user wants pages to look and to call."""

from collections.abc import Collection
from functools import cache
from zoneinfo import available_timezones

from webapp.db import writing
from webapp.errors import Refused
from webapp.models import Kind, User
from webapp.models.user import THEMES
from webapp.services import changes
from webapp.words import N_

# What a user may want as an alert or not. What expires is always told.
CHOOSABLE = (Kind.COMPLETE, Kind.PARTIAL, Kind.ERROR)


@cache
def zones() -> frozenset[str]:
    """The names of time zones that the IANA's database has."""
    return frozenset(available_timezones())


def save(
    user: User,
    *,
    theme: str,
    language: str,
    time_zone: str,
    alerts: Collection[str],
    has_system_notifications: bool,
    has_sound: bool,
    has_shortcuts: bool,
) -> None:
    """Keep what the user prefers. Raises Refused, and keeps nothing, for a theme, time zone or kind that is not there.

    Of the choosable kinds, those that are not among the alerts go straight to the inbox. Which languages there are is
    known to the pages only; one that is gone is as if none were chosen.
    """
    if theme not in THEMES or not set(alerts) <= set(CHOOSABLE):
        raise Refused(N_("Choose one of these."))
    if time_zone and time_zone not in zones():
        raise Refused(N_("This time zone is not known here."))
    user_id = user.id
    with writing():
        changes.lock(user_id)
        others = [kind for kind in user.quiet_kinds if kind not in CHOOSABLE]
        user.theme, user.language, user.time_zone = theme, language, time_zone
        user.quiet_kinds = [*others, *(kind for kind in CHOOSABLE if kind not in alerts)]
        user.has_system_notifications = has_system_notifications
        user.has_sound = has_sound
        user.has_shortcuts = has_shortcuts

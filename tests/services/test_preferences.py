"""What a user prefers is kept whole or not at all."""

from typing import Any

import pytest

from tests.factories import AudioFileFactory, finish, standing, told
from webapp.errors import Refused
from webapp.models import Kind, User
from webapp.services import preferences


def save(user: User, **chosen: Any) -> None:
    usual: dict[str, Any] = {
        "theme": "auto",
        "language": "",
        "time_zone": "",
        "alerts": preferences.CHOOSABLE,
        "has_system_notifications": False,
        "has_sound": False,
        "has_shortcuts": True,
    }
    preferences.save(user, **usual | chosen)


def test_what_is_chosen_is_kept(alice: User, bob: User) -> None:
    save(
        alice,
        theme="dark",
        time_zone="Asia/Kathmandu",
        alerts=["error"],
        has_system_notifications=True,
        has_sound=True,
        has_shortcuts=False,
    )

    assert (alice.theme, alice.time_zone, alice.quiet_kinds) == ("dark", "Asia/Kathmandu", ["complete", "partial"])
    assert (alice.has_system_notifications, alice.has_sound, alice.has_shortcuts) == (True, True, False)
    assert (bob.theme, bob.time_zone, bob.quiet_kinds, bob.has_sound) == ("auto", "", [], False)


def test_twice_is_as_once(alice: User) -> None:
    save(alice, alerts=[])
    save(alice, alerts=[])

    assert alice.quiet_kinds == list(preferences.CHOOSABLE)


def test_what_cannot_be_chosen_stays_as_it_is(alice: User) -> None:
    save(alice, alerts=[])

    assert Kind.EXPIRING not in alice.quiet_kinds


def test_a_kind_that_is_off_goes_straight_to_the_inbox(alice: User) -> None:
    save(alice, alerts=["error"])

    finish(AudioFileFactory(owner=alice).job)

    assert len(told(alice)) == 1
    assert standing(alice) == []


def test_a_kind_that_is_on_stands(alice: User) -> None:
    save(alice, alerts=["complete"])

    finish(AudioFileFactory(owner=alice).job)

    assert len(standing(alice)) == 1


@pytest.mark.parametrize(
    "wrong", [{"theme": "pink"}, {"time_zone": "Mars/Olympus"}, {"time_zone": "../etc"}, {"alerts": ["expiring"]}]
)
def test_what_is_not_there_is_refused_and_nothing_is_kept(alice: User, wrong: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        save(alice, **{"has_sound": True, **wrong})

    assert (alice.theme, alice.time_zone, alice.quiet_kinds, alice.has_sound) == ("auto", "", [], False)

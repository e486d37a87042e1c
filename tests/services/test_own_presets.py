"""Presets of one's own: kept for their owner, and never in the way of what was made with them."""

import pytest

from tests.factories import AudioFileFactory, finish, rendition
from tests.fakes import FakeTranscoder
from webapp.db import db, writing
from webapp.errors import NotFound, Refused, UnknownPreset
from webapp.models import Measurement, OwnPreset, User
from webapp.ports import Measured
from webapp.recipes import Recipe
from webapp.services import claims, library, measurements, own_presets
from webapp.services.own_presets import MOST

QUIET = Recipe(codec="mp3", quality="192k", loudness=-16)
FLAC = Recipe(codec="flac", loudness=-23)


def saved(owner: User, title: str = "Podcast", recipe: Recipe = QUIET) -> OwnPreset:
    own_presets.save(owner, None, title, recipe)
    return next(own for own in own_presets.of(owner) if own.title == title)


def test_it_is_kept_changed_and_removed(alice: User) -> None:
    own = saved(alice)
    own_presets.save(alice, own.id, "Radio", FLAC)
    own_presets.make_default(alice, own.id, is_default=True)

    (changed,) = own_presets.of(alice)
    assert (changed.title, changed.recipe_name, changed.is_default) == ("Radio", "my-flac-23lufs", True)

    own_presets.delete(alice, own.id)
    assert not own_presets.of(alice)


def test_what_cannot_be_is_refused_in_a_sentence(alice: User) -> None:
    saved(alice)
    for title, recipe, why in (
        ("", FLAC, "Name"),
        ("x" * 41, FLAC, "Name"),
        ("PODCAST", FLAC, "another preset of this name"),
        ("Other", QUIET, "does just the same"),
        ("Other", Recipe(codec="mp3", quality="192k", bit_depth=24), "Choose one"),
    ):
        with pytest.raises(Refused, match=why):
            own_presets.save(alice, None, title, recipe)
    assert len(own_presets.of(alice)) == 1


def test_there_is_an_end_to_how_many(alice: User) -> None:
    with writing():
        db.session.add_all(OwnPreset(owner_id=alice.id, title=f"{n}", recipe_name=f"none-{n}") for n in range(MOST))

    with pytest.raises(Refused, match="as many as can be kept"):
        own_presets.save(alice, None, "One more", FLAC)


def test_another_users_is_none(alice: User, bob: User) -> None:
    own = saved(alice)

    with pytest.raises(UnknownPreset):
        library.chosen(bob, [own.recipe_name])
    with pytest.raises(NotFound):
        own_presets.save(bob, own.id, "Mine", FLAC)
    with pytest.raises(NotFound):
        own_presets.delete(bob, own.id)
    with pytest.raises(NotFound):
        own_presets.make_default(bob, own.id, is_default=True)
    assert own_presets.of(alice)[0].title == "Podcast"


def test_they_are_chosen_with_the_others(alice: User) -> None:
    saved(alice)

    assert library.chosen(alice, [QUIET.name, "wav"]) == ("wav", QUIET.name)
    with pytest.raises(UnknownPreset):
        library.chosen(alice, [FLAC.name])


def test_where_another_converts_there_are_none(alice: User, transcoder: FakeTranscoder) -> None:
    saved(alice)
    transcoder.is_ours = False

    assert not own_presets.of(alice)
    with pytest.raises(UnknownPreset):
        library.chosen(alice, [QUIET.name])


def test_what_is_being_made_does_not_care_that_it_is_deleted(alice: User) -> None:
    own = saved(alice)
    file = AudioFileFactory(owner=alice, presets=("wav", QUIET.name))
    own_presets.delete(alice, own.id)

    made = [claim.preset.name for claim in iter(claims.take, None) if claim.preset]

    assert made == ["wav", QUIET.name]
    assert rendition(file, QUIET.name).key.endswith(f"/{QUIET.name}.mp3")
    finish(file.job)
    assert library.rendition(alice, file.id, QUIET.name).preset.loudness == -16


def test_the_originals_loudness_is_not_taken_for_that_of_what_was_made_louder(alice: User) -> None:
    """Guards `is_faithful` in `measurements._same`."""
    file = AudioFileFactory(owner=alice, presets=("flac", FLAC.name, "my-flac-trim", "my-alac-2ch"))
    finish(file.job)
    with writing():
        for each in file.renditions:
            each.sample_rate, each.channels = 44100, 2
        measurement = db.session.get_one(Measurement, file.id)
        measurement.token = "mine"

    measurements.keep(file.id, "mine", "original", Measured(-20.0, 1.0, -3.0, None))

    db.session.expire_all()
    assert set(db.session.get_one(Measurement, file.id).found) == {"original", "flac", "my-alac-2ch"}

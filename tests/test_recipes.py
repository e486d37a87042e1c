"""The names of recipes, and the presets that are made of them."""

from itertools import product

import pytest

from webapp import presets, recipes
from webapp.errors import UnknownPreset
from webapp.recipes import CHANNELS, CODECS, LOUDNESSES, Recipe


def test_a_name_says_all_of_a_recipe_and_fits_into_its_column() -> None:
    found = set()
    for name, codec in CODECS.items():
        rates, depths = (None, *codec.sample_rates[-2:]), (None, *codec.bit_depths)
        for quality, rate, channels, depth, loudness, trims in product(
            codec.qualities or ("",), rates, (None, *CHANNELS), depths, (None, *LOUDNESSES), (False, True)
        ):
            recipe = Recipe(
                codec=name, quality=quality, sample_rate=rate, channels=channels, bit_depth=depth, loudness=loudness,
                trims=trims,
            )  # fmt: skip
            assert recipes.parse(recipe.name) == recipe
            assert len(recipe.name) <= 64
            assert set(recipe.name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
            found.add(recipe.name)
    assert not found & presets.PRESETS.keys()


def test_a_preset_does_what_its_recipe_says() -> None:
    found = presets.find("my-mp3-192k-44100-2ch-16lufs-trim")

    assert (found.extension, found.codec, found.bit_rate, found.quality) == ("mp3", "mp3", 192_000, None)
    assert (found.sample_rates, found.channels, found.loudness, found.trims) == ((44100,), 2, -16, True)
    assert not found.is_faithful
    assert presets.find("my-vorbis-q0").quality == 0
    assert presets.find("my-flac-24bit").is_faithful


@pytest.mark.parametrize(
    "name",
    [
        *("my-mp3", "my-mp3-q3", "my-mp3-192k-24bit", "my-mp3-192k-8000", "my-aac-320k", "my-flac-320k", "my-wav-8bit"),
        *(
            "my-mp3-192k-15lufs",
            "my-mp3-0192k",
            "my-mp3-192k-",
            "MY-MP3-V0",
            "my-tape",
            "my-wav-3ch",
            "my-",
            "../my-wav",
        ),
    ],
)
def test_what_is_no_recipe_is_no_preset(name: str) -> None:
    with pytest.raises(UnknownPreset):
        presets.find(name)

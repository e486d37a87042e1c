"""The pages of presets of one's own, and where those are offered and named."""

import re

import pytest
from flask.testing import FlaskClient

from tests.factories import AudioFileFactory, finish
from tests.fakes import FakeTranscoder
from webapp.db import db, writing
from webapp.models import AudioFile, Measurement, OwnPreset, User
from webapp.recipes import CODECS, Recipe
from webapp.services import own_presets

FORM = {
    "title": "Podcast <i>",
    "quality": "192k",
    "sample_rate": "44100",
    "channels": "1",
    "loudness": "-16",
    "trims": "y",
}
NAME = "my-mp3-192k-44100-1ch-16lufs-trim"


@pytest.fixture
def podcast(alice: User) -> OwnPreset:
    recipe = Recipe(codec="mp3", quality="192k", sample_rate=44100, channels=1, loudness=-16, trims=True)
    own_presets.save(alice, None, FORM["title"], recipe)
    return own_presets.of(alice)[0]


def test_one_is_made_from_a_page_of_links(as_alice: FlaskClient, alice: User) -> None:
    assert 'href="/account/presets"' in as_alice.get("/account/").text
    links = re.findall(r'href="(/account/presets/new/\w+)"', as_alice.get("/account/presets").text)
    assert len(links) == len(CODECS)
    assert all(as_alice.get(link).status_code == 200 for link in links)

    answer = as_alice.post("/account/presets/new/mp3", data=FORM)

    assert (answer.status_code, answer.location) == (303, "/account/presets")
    (own,) = own_presets.of(alice)
    assert (own.title, own.recipe_name) == (FORM["title"], NAME)
    page = as_alice.get("/account/presets").text
    assert "Podcast &lt;i&gt;" in page
    assert "192 kbit/s, 44.1 kHz, mono, \N{MINUS SIGN}16 LUFS, silence trimmed" in page


def test_the_form_offers_what_the_codec_can_do_alone(as_alice: FlaskClient) -> None:
    pages = {codec: as_alice.get(f"/account/presets/new/{codec}").text for codec in ("mp3", "opus", "flac")}

    assert [codec for codec, page in pages.items() if 'name="bit_depth"' in page] == ["flac"]
    assert [codec for codec, page in pages.items() if 'name="quality"' in page] == ["mp3", "opus"]
    assert [codec for codec, page in pages.items() if 'value="44100"' in page] == ["mp3", "flac"]
    assert as_alice.get("/account/presets/new/shellac").status_code == 404


@pytest.mark.parametrize(
    ("codec", "changed", "why"),
    [
        ("mp3", {"quality": "17k"}, "Quality: with MP3"),
        ("mp3", {"quality": ""}, "Quality: with MP3"),
        ("mp3", {"bit_depth": "24"}, "Bit depth: with MP3 there is none"),
        ("opus", {"sample_rate": "44100"}, "Sample rate: with Opus"),
        ("mp3", {"channels": "7"}, "Channels: with MP3"),
        ("mp3", {"loudness": "-3"}, "Loudness: with MP3"),
        ("mp3", {"title": ""}, "Name: give it one."),
        ("mp3", {"title": "x" * 41}, "Name: that is too long."),
    ],
)
def test_what_cannot_be_is_refused_beside_its_field_and_all_is_kept(
    as_alice: FlaskClient, alice: User, codec: str, changed: dict[str, str], why: str
) -> None:
    answer = as_alice.post(f"/account/presets/new/{codec}", data={**FORM, "sample_rate": "48000", **changed})

    assert answer.status_code == 422
    assert why in answer.text
    assert '<option selected value="-16">' in answer.text or "loudness" in changed
    assert "Podcast &lt;i&gt;" in answer.text or "title" in changed
    assert not own_presets.of(alice)


def test_it_is_changed_and_deleted(as_alice: FlaskClient, alice: User, podcast: OwnPreset) -> None:
    address = f"/account/presets/{podcast.id}"
    assert '<option selected value="192k">' in as_alice.get(address).text

    assert as_alice.post(address, data={**FORM, "quality": "v2", "trims": ""}).status_code == 303
    assert [own.recipe_name for own in own_presets.of(alice)] == ["my-mp3-v2-44100-1ch-16lufs"]

    question = as_alice.get(f"{address}/delete").text
    assert "Delete the preset “Podcast &lt;i&gt;”?" in question
    assert own_presets.of(alice), "asking is not doing"
    assert as_alice.post(f"{address}/delete").status_code == 303
    assert as_alice.post(f"{address}/delete").status_code == 404
    assert not own_presets.of(alice)


def test_a_name_that_is_taken_is_said_beside_it(as_alice: FlaskClient, podcast: OwnPreset) -> None:
    answer = as_alice.post("/account/presets/new/mp3", data={**FORM, "quality": "v0"})

    assert answer.status_code == 422
    assert "you have another preset of this name" in answer.text


def checked(page: str) -> list[str]:
    return re.findall(r'name="presets" value="([^"]+)" checked', page)


def test_the_upload_form_offers_it_and_begins_with_it_if_it_is_a_default(
    as_alice: FlaskClient, as_bob: FlaskClient, podcast: OwnPreset
) -> None:
    page = as_alice.get("/files/").text
    assert page.index("More formats") < page.index(f'value="{NAME}"')
    assert checked(page) == ["wav", "flac", "mp4"]

    as_alice.post(f"/account/presets/{podcast.id}/default", data={"default": "yes"})
    page = as_alice.get("/files/").text
    assert checked(page) == [NAME]
    assert page.index(f'value="{NAME}"') < page.index("More formats")

    as_alice.post(f"/account/presets/{podcast.id}/default", data={"default": "no"})
    assert checked(as_alice.get("/files/").text) == ["wav", "flac", "mp4"]
    assert NAME not in as_bob.get("/files/").text


def test_a_file_is_made_with_it_and_told_by_its_name(
    as_alice: FlaskClient, as_bob: FlaskClient, alice: User, bob: User, podcast: OwnPreset
) -> None:
    song, theirs = AudioFileFactory(owner=alice, presets=("wav",)), AudioFileFactory(owner=bob, presets=("wav",))
    assert as_alice.post(f"/files/{song.id}/jobs", data={"presets": NAME}).status_code == 303
    assert as_bob.post(f"/files/{theirs.id}/jobs", data={"presets": NAME}).status_code == 422
    finish(db.session.get_one(AudioFile, song.id, populate_existing=True).job)

    page = as_alice.get(f"/files/{song.id}").text
    assert "<strong>Podcast &lt;i&gt;</strong>" in page
    assert "Podcast &lt;i&gt;" in as_alice.get("/files/").text
    assert "Podcast &lt;i&gt;" in as_alice.get("/notifications/").text

    question = f"/files/{song.id}/renditions/{NAME}/delete"
    assert "Remove Podcast &lt;i&gt;?" in as_alice.get(question).text
    assert "made anew from the original" in as_alice.get(question).text
    as_alice.post(f"/account/presets/{podcast.id}/delete")
    assert "it cannot be made anew" in as_alice.get(question).text
    page = as_alice.get(f"/files/{song.id}").text
    assert "<strong>MP3 (192 kbit/s, 44.1 kHz, mono, \N{MINUS SIGN}16 LUFS, silence trimmed)</strong>" in page


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({}, "made \N{MINUS SIGN}16 LUFS"),
        ({"loudness": -16.3, "peak": -2.0}, "made \N{MINUS SIGN}16 LUFS"),
        ({"loudness": -25.04, "peak": -1.1}, "made \N{MINUS SIGN}25 LUFS and not \N{MINUS SIGN}16 LUFS, as peaks"),
        ({"peak": -40.0}, "as loud as it was"),
    ],
)
def test_the_page_says_whether_it_is_as_loud_as_was_asked(
    as_alice: FlaskClient, alice: User, found: dict[str, float], said: str
) -> None:
    song = AudioFileFactory(owner=alice, presets=("my-flac-16lufs-trim",))
    finish(song.job)
    with writing():
        (made,) = song.renditions
        made.sample_rate, made.channels = 44100, 2
        db.session.get_one(Measurement, song.id).found = {"my-flac-16lufs-trim": found}

    page = as_alice.get(f"/files/{song.id}").text
    assert f"{said}" in page
    assert "silence trimmed" in page
    assert "the original&#39;s samples, unchanged" not in page


def test_where_another_converts_nothing_is_said_of_them(
    as_alice: FlaskClient, podcast: OwnPreset, transcoder: FakeTranscoder
) -> None:
    transcoder.is_ours = False

    for page in ("/files/", "/account/"):
        assert "/account/presets" not in as_alice.get(page).text
    assert as_alice.get("/account/presets").status_code == 404

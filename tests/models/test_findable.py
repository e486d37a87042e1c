"""A file is found by the words of its name and its tags, in whatever way these were set."""

import pytest
from sqlalchemy import select

from tests.factories import AudioFileFactory
from webapp.db import db, writing
from webapp.models import AudioFile, User
from webapp.models.findable import LONGEST_FOLDED
from webapp.ports import Facts
from webapp.presets import PRESETS
from webapp.services import library, tagging


def found(user: User, words: str) -> list[str]:
    db.session.rollback()
    return [file.name for file in library.listing(user, search=words, sort="name").items]


@pytest.mark.parametrize(
    "words",
    ["zoe", "ZOË", "strasse", "sinead", "zoe strasse", "sinead zoe 1999", "jazz one", "take two", "o'conn", "100% o_o"],
)
def test_all_words_are_found_in_any_order_in_name_and_tags(alice: User, words: str) -> None:
    tags = {"title": "Take Two 100%", "artist": "Sinéad O’Connor", "album": "Straße", "album_artist": "o_O \\o/"}
    AudioFileFactory(owner=alice, name="Zoë one.wav", tags={**tags, "date": "1999", "genre": "Jazz"})
    AudioFileFactory(owner=alice, name="other.wav", tags={"title": "Other"})

    assert found(alice, words) == ["Zoë one.wav"]


@pytest.mark.parametrize("words", ["zoe absent", "7/12", "LAME", "1_0", "t%o", "sine\\ad", "twosinead", "%", "_"])
def test_nothing_else_is_found(alice: User, words: str) -> None:
    tags = {"title": "Take Two", "artist": "Sinéad", "track": "7/12", "comment": "Encoded by LAME"}
    AudioFileFactory(owner=alice, name="Zoë 100.wav", tags=tags)

    assert found(alice, words) == []


@pytest.mark.parametrize(("words", "name"), [("100%", "100%.wav"), ("o_o", "o_o.wav"), ("\\o/", "\\o.wav")])
def test_signs_with_a_meaning_for_the_database_are_taken_literally(alice: User, words: str, name: str) -> None:
    for each, title in (("100%.wav", ""), ("1001.wav", ""), ("o_o.wav", ""), ("oao.wav", ""), ("\\o.wav", "\\o/")):
        AudioFileFactory(owner=alice, name=each, tags={"title": title})

    assert found(alice, words) == [name]


def test_others_are_not_found(alice: User, bob: User) -> None:
    AudioFileFactory(owner=bob, tags={"title": "Secret"})

    assert found(alice, "secret") == []


# Each of them sets what it sets in its own way: guards Findable._fold, and whoever comes after them.
def test_whatever_changes_name_or_tags_changes_what_is_found(alice: User) -> None:
    file = AudioFileFactory(owner=alice, name="Bär.wav", tags={"artist": "Ana"})
    assert found(alice, "bar ana")

    library.rename(alice, file.id, "Wölfe.wav")
    assert found(alice, "bar") == []
    assert found(alice, "wolfe ana")

    tagging.edit(alice, file.id, {"artist": "Béla", "album": "Ünten"})
    assert found(alice, "ana") == []
    assert found(alice, "unten wolfe bela")

    with writing():
        for name, value in vars(Facts("WAV", "PCM", 44100, 2, tags={"title": "Zoë"})).items():
            setattr(db.session.get_one(AudioFile, file.id), name, value)
    assert found(alice, "bela") == []
    assert found(alice, "wolfe zoe")


def test_an_object_knows_it_before_the_database_does() -> None:
    assert AudioFile(tags={"title": "Zoë"}, name="Straße").folded == "strasse\nzoe"
    assert AudioFile(name="Straße").folded == "strasse"


def test_it_has_an_end_and_the_name_is_before_it(alice: User) -> None:
    # U+FDFA is folded into eighteen letters.
    AudioFileFactory(owner=alice, name="é" * 251 + ".wav", tags={"title": "\ufdfa" * 500, "genre": "Late"})

    text = db.session.scalar(select(AudioFile.folded))

    assert text is not None
    assert len(text) == LONGEST_FOLDED
    assert text.startswith("e" * 251 + ".wav\n")


def test_names_are_sorted_as_they_are_sought(alice: User) -> None:
    names = ["Zebra", "école", "Ecole 2", "ähnlich", "Ｂ", "b 2", "Äpfel"]
    for name in names:
        AudioFileFactory(owner=alice, name=name, presets=tuple(PRESETS)[:1], tags={"title": name[::-1]})

    assert found(alice, "") == ["ähnlich", "Äpfel", "Ｂ", "b 2", "école", "Ecole 2", "Zebra"]


@pytest.mark.parametrize(
    ("name", "tags", "song"),
    [
        ("01.wav", {"artist": "Zoë", "title": "Straße", "album": "A"}, "Zoë – Straße"),
        ("01.wav", {"title": "Straße"}, "Straße"),
        ("01.wav", {"artist": "Zoë"}, "Zoë"),
        ("01.wav", {"album": "A"}, ""),
        ("ZOE - Strasse.wav", {"artist": "Zoë", "title": "Straße"}, ""),
        ("strasse.wav", {"title": "Straße"}, ""),
        ("01.wav", {}, ""),
    ],
)
def test_the_list_tells_the_song_where_the_name_does_not(name: str, tags: dict[str, str], song: str) -> None:
    assert AudioFile(name=name, tags=tags).song == song

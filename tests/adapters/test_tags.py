"""Tags and covers, in every kind of file that we write, and out of those that we read."""

import base64
import errno
import hashlib
import sys
import threading
from pathlib import Path

import av
import mutagen
import pytest
from mutagen.apev2 import APEv2
from mutagen.asf import ASF
from mutagen.flac import Picture as FlacPicture
from mutagen.id3 import APIC, COMM, ID3, TCON, TDRC, TIT2, TXXX

from tests import pictures, sounds
from webapp.adapters.tags import pictures as looks
from webapp.adapters.tags import writing_child
from webapp.adapters.tags.tagger import SandboxedTagger, _check
from webapp.adapters.transcoders.sandbox import Ended, Ending
from webapp.errors import Refused, Stopped, StorageFull, TagsFailed
from webapp.tags import Picture

tagger = SandboxedTagger()
GOING = threading.Event()
TAGS = {
    "title": "Für Elise – エリーゼのために 🎹",
    "artist": "Людвиг ван Бетховен",
    "album": "مختارات",
    "album_artist": "Various / Verschiedene",
    "track": "3/12",
    "date": "1810-04-27",
    "genre": "Bagatelle; Klavier",
    "comment": "First line\nsecond line\n\nüber alles\u2026",
}
COVER = looks.look(pictures.png(3, 5))
# What each kind that we write is made with; see KINDS of sounds.
WRITTEN = {
    "wav": (),
    "flac": (),
    "mp3": (),
    "m4a": (),
    "mp4": (),
    "alac.m4a": ("-c:a", "alac"),
    "aiff": (),
    "ogg": (),
    "opus": (),
}


def write(source: Path, tags: dict[str, str] = TAGS, cover: Picture | None = COVER) -> Path:
    folder = source.parent / "work"
    folder.mkdir(exist_ok=True)
    target = folder / source.name
    tagger.write(source, target, tags, cover, stop=GOING)
    return target


def sound_of(path: Path) -> str:
    return hashlib.sha256(sounds.samples(path).tobytes()).hexdigest()


@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_written_is_read_again_and_the_sound_is_as_before(tmp_path: Path, name: str) -> None:
    source = sounds.make(tmp_path, f"song.{name}", *WRITTEN[name], seconds=0.5)
    before = source.read_bytes()

    target = write(source)

    found = tagger.read(target, stop=GOING)
    assert found.tags == TAGS
    assert found.cover == COVER
    assert sound_of(target) == sound_of(source)
    assert source.read_bytes() == before


@pytest.mark.parametrize("name", ["wav", "opus"])
def test_writing_again_replaces_all_and_taking_them_away_leaves_none(tmp_path: Path, name: str) -> None:
    source = sounds.make(tmp_path, f"song.{name}", *WRITTEN[name], seconds=0.2)
    first = write(source)
    second = tmp_path / f"second.{name}"
    second.write_bytes(first.read_bytes())

    target = write(second, {"title": "Other", "track": "7"}, looks.look(pictures.jpeg(4, 4)))
    found = tagger.read(target, stop=GOING)
    assert found.tags == {"title": "Other", "track": "7"}
    assert found.cover is not None
    assert found.cover.media_type == "image/jpeg"

    second.write_bytes(target.read_bytes())
    bare = write(second, {}, None)
    found = tagger.read(bare, stop=GOING)
    assert (found.tags, found.cover) == ({}, None)
    assert sound_of(bare) == sound_of(source)


def test_other_programs_find_them_where_they_look(tmp_path: Path) -> None:
    wav = write(sounds.make(tmp_path, "song.wav", seconds=0.2))
    mp3 = write(sounds.make(tmp_path, "song.mp3", seconds=0.2))
    opus = write(sounds.make(tmp_path, "song.opus", seconds=0.2))

    assert ID3(mp3).version == (2, 4, 0)
    picture = FlacPicture(base64.b64decode(mutagen.File(opus)["metadata_block_picture"][0]))
    assert (picture.type, picture.mime, picture.width, picture.height) == (3, "image/png", 3, 5)
    content = wav.read_bytes()
    assert b"INFOINAM" in content
    assert content.index(b"id3 ") > content.index(b"data")
    assert int.from_bytes(content[4:8], "little") == len(content) - 8
    with av.open(str(wav)) as container:
        assert container.metadata["title"] == TAGS["title"]


def test_a_wav_that_ffmpeg_signed_has_one_list_afterwards(tmp_path: Path) -> None:
    source = sounds.make(tmp_path, "song.wav", "-metadata", "title=Old", seconds=0.2)
    assert source.read_bytes().count(b"LIST") == 1

    target = write(source, {"title": "New"}, None)

    assert target.read_bytes().count(b"LIST") == 1
    assert b"JUNK" in target.read_bytes()
    assert tagger.read(target, stop=GOING).tags == {"title": "New"}
    assert sound_of(target) == sound_of(source)


def test_what_has_no_room_for_tags_is_refused(tmp_path: Path) -> None:
    rf64 = sounds.make(tmp_path, "song.rf64", seconds=0.2)
    placeholder = sounds.make(tmp_path, "song.wav", seconds=0.2)
    content = placeholder.read_bytes()
    placeholder.write_bytes(content[:40] + b"\xff\xff\xff\xff" + content[44:])

    for source in (rf64, placeholder):
        with pytest.raises(TagsFailed):
            write(source)


def test_a_wav_that_would_pass_four_gigabytes_is_left_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = sounds.make(tmp_path, "song.wav", seconds=0.2)
    before = path.read_bytes()
    monkeypatch.setattr(writing_child, "LARGEST_RIFF", len(before))

    with pytest.raises(writing_child.CannotHoldError):
        writing_child.write(path, TAGS, {}, b"")

    assert path.read_bytes() == before


def test_tags_that_do_not_fit_a_container_leave_the_others(tmp_path: Path) -> None:
    odd = {"title": "A", "track": "A1", "date": "circa 1970"}

    m4a = write(sounds.make(tmp_path, "song.m4a", seconds=0.2), odd)
    mp3 = write(sounds.make(tmp_path, "song.mp3", seconds=0.2), odd)

    assert tagger.read(m4a, stop=GOING).tags == {"title": "A", "date": "circa 1970"}
    assert tagger.read(mp3, stop=GOING).tags == odd


def test_tags_of_kinds_that_we_only_read(tmp_path: Path) -> None:
    wma = sounds.make(tmp_path, "song.wma", seconds=0.2)
    asf = ASF(wma)
    asf["Title"], asf["WM/AlbumTitle"], asf["WM/TrackNumber"] = "Tïtel", "Album", "4"
    asf.save()
    wv = sounds.make(tmp_path, "song.wv", seconds=0.2)
    ape = APEv2()
    ape["Title"], ape["Track"], ape["Year"] = "Tïtel", "4/9", "1999"
    ape.save(wv)
    aac = sounds.make(tmp_path, "song.aac", seconds=0.2)
    ID3().save(aac)
    id3 = ID3()
    for frame in (
        *(TIT2(3, ["Tïtel"]), TCON(3, ["(17)"]), TDRC(3, ["1999"]), TXXX(3, "x", ["y"])),
        *(COMM(3, "eng", "iTunNORM", ["0"]), COMM(3, "deu", "", ["Hallo"])),
        *(APIC(3, "image/png", 0, "", b"?"), APIC(3, "image/png", 3, "f", COVER.content)),
    ):
        id3.add(frame)
    id3.save(aac)

    assert tagger.read(wma, stop=GOING).tags == {"title": "Tïtel", "album": "Album", "track": "4"}
    assert tagger.read(wv, stop=GOING).tags == {"title": "Tïtel", "track": "4/9", "date": "1999"}
    found = tagger.read(aac, stop=GOING)
    assert found.tags == {"title": "Tïtel", "genre": "Rock", "date": "1999", "comment": "Hallo"}
    assert found.cover == COVER


def test_what_is_kept_in_two_places_is_one_value(tmp_path: Path) -> None:
    wma = sounds.make(tmp_path, "song.wma", "-metadata", "artist=Ana", seconds=0.2)

    assert [str(each) for each in ASF(wma)["Author"]] == ["Ana", "Ana"]
    assert tagger.read(wma, stop=GOING).tags == {"artist": "Ana"}


def test_what_has_no_tags_or_is_nothing_has_none(tmp_path: Path) -> None:
    nothing = tmp_path / "nothing.mp3"
    nothing.write_bytes(b"\0" * 1000)

    for path in (
        sounds.make(tmp_path, "song.flac", seconds=0.2),
        sounds.make(tmp_path, "song.mka", seconds=0.2),
        nothing,
    ):
        found = tagger.read(path, stop=GOING)
        assert found.cover is None
        assert "title" not in found.tags


def test_huge_tags_and_covers_end_in_words(tmp_path: Path) -> None:
    source = sounds.make(tmp_path, "song.mp3", seconds=0.2)
    id3 = ID3()
    id3.add(TIT2(3, ["x" * 3_000_000]))
    id3.add(APIC(3, "image/png", 3, "", b"\x89PNG" + bytes(looks.MOST_BYTES)))
    id3.save(source)

    found = tagger.read(source, stop=GOING)

    assert len(found.tags["title"]) < 100_000
    assert (found.cover, found.refusal) == (None, looks.TOO_BIG)


def test_sec_B3_a_cover_bomb_is_left_out(tmp_path: Path) -> None:
    source = sounds.make(tmp_path, "song.mp3", seconds=0.2)
    id3 = ID3()
    id3.add(TIT2(3, ["Bomb"]))
    id3.add(APIC(3, "image/png", 3, "", pictures.png(12_000, 12_000)))
    id3.save(source)

    found = tagger.read(source, stop=GOING)

    assert found.tags == {"title": "Bomb"}
    assert (found.cover, found.refusal) == (None, looks.TOO_WIDE)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (pictures.png(10_001, 1), looks.TOO_WIDE),
        (pictures.jpeg(1, 12_000), looks.TOO_WIDE),
        (pictures.png(padding=looks.MOST_BYTES), looks.TOO_BIG),
        (pictures.png(0, 1), looks.NO_PICTURE),
        (pictures.png()[:20], looks.NO_PICTURE),
        (pictures.jpeg()[:30], looks.NO_PICTURE),
        (b"\xff\xd8" + b"\xff" * 100_000, looks.NO_PICTURE),
        (b"\xff\xd8\xff\xe0\0\0" * 20_000, looks.NO_PICTURE),
        (b"GIF89a" + bytes(100), looks.NO_PICTURE),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", looks.NO_PICTURE),
        (b"", looks.NO_PICTURE),
    ],
)
def test_sec_B3_only_small_jpeg_and_png_are_covers(content: bytes, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        looks.look(content)

    assert refused.value.sentence == reason


def test_a_picture_says_its_size() -> None:
    assert (looks.look(pictures.png(10_000, 3)).width, looks.look(pictures.jpeg(640, 480)).height) == (10_000, 480)
    assert looks.look(pictures.jpeg()).extension == "jpg"


def test_what_reads_tags_reaches_nothing_else_and_stops_when_told(tmp_path: Path) -> None:
    source = sounds.make(tmp_path, "song.mp3", seconds=0.2)
    told = threading.Event()
    told.set()

    with pytest.raises(Stopped):
        tagger.read(source, stop=told)
    with pytest.raises(TagsFailed):
        SandboxedTagger(wall_seconds=0.0).read(source, stop=GOING)


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "full"), OSError(errno.EDQUOT, "full")])
@pytest.mark.parametrize("is_mutagens", [True, False])
def test_a_disk_that_gets_full_on_the_way_is_told_from_a_file_that_takes_no_tags(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, is_mutagens: bool
) -> None:
    def write(*_: object) -> None:
        try:
            raise error
        except OSError:
            if is_mutagens:
                raise mutagen.MutagenError(error)  # noqa: B904 - as mutagen does
            raise

    (tmp_path / "order").write_text('{"tags": {}, "cover": {}}')
    (tmp_path / "cover").write_bytes(b"")
    monkeypatch.setattr(writing_child, "write", write)
    monkeypatch.setattr(sys, "path", [*sys.path])

    with pytest.raises(SystemExit) as ended:
        writing_child.main(str(tmp_path), "", str(tmp_path / "order"), str(tmp_path / "cover"))

    with pytest.raises(StorageFull):
        _check(Ended(Ending.EXITED, int(str(ended.value.code)), ""))


# Without the cut in `_check` of webapp/adapters/tags/tagger.py the log would repeat what stands in the file.
def test_sec_W10_of_what_went_wrong_with_tags_only_the_kind_is_told() -> None:
    words = 'Traceback (most recent call last):\n  File "child.py", line 3\nmutagen.MutagenError: My secret diary\n'

    with pytest.raises(TagsFailed) as raised:
        _check(Ended(Ending.EXITED, 1, words))

    assert raised.value.detail == "EXITED 1 mutagen.MutagenError"

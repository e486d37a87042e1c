"""The page docs/audio.md says what is so."""

from pathlib import Path

import pytest

from scripts import audio_originals, audio_table
from scripts.audio_table import PAGE, Original
from webapp.presets import PRESETS

COLUMNS = ("samples", "depth", "rate", "channels", "length", "tags", "cover")


def said(original: str, preset: str) -> dict[str, str]:
    """What the page says is kept, by column."""
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[0] == original and preset in cells[1].split(", "):
            return dict(zip(COLUMNS, cells[2:], strict=True))
    return {}


def differences(folder: Path, kind: str, *presets: str) -> list[str]:
    """Where the page is wrong about this original."""
    song = Original.of(audio_originals.made(folder, kind))
    found = []
    for preset in presets:
        measured = vars(audio_table.row(song, preset))
        if said(kind, preset) != measured:
            found.append(f"{kind}, {preset}: {measured}")
    return found


def test_each_original_has_a_line_for_each_format() -> None:
    assert [(kind, preset) for kind in audio_originals.ORIGINALS for preset in PRESETS if not said(kind, preset)] == []


@pytest.mark.parametrize(
    ("kind", "preset"), [("WAV, 16 bit", "flac"), ("FLAC, 24 bit, 96 kHz", "wav"), ("AAC in M4A", "mp3-192")]
)
def test_the_page_says_what_is_kept(kind: str, preset: str, tmp_path: Path) -> None:
    assert differences(tmp_path, kind, preset) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "presets"),
    [
        ("WAV, 24 bit, 5.1", ("wav", "flac", "alac", "mp4", "wav-24")),
        ("WAV, 16 bit, mono", ("wav", "mp3-v0", "m4a-128", "alac", "aiff")),
        ("ALAC in M4A", ("wav", "flac", "wav-24", "aiff")),
        ("AIFF", ("wav", "flac", "alac")),
        ("DSF (DSD64)", ("wav", "flac")),
        ("MP3", ("wav", "mp4", "opus-128", "ogg-q6")),
        ("Ogg Opus", ("wav", "mp3-320", "opus-64")),
        ("Ogg Vorbis", ("flac", "mp3-320", "ogg-q6")),
        ("AMR", ("mp4", "opus-64")),
        ("WMA", ("wav", "flac")),
        ("FLAC, 16 bit", ("aiff", "m4a-128", "opus-64", "ogg-q6")),
    ],
)
def test_the_page_says_what_is_kept_of_telling_originals(kind: str, presets: tuple[str, ...], tmp_path: Path) -> None:
    assert differences(tmp_path, kind, *presets) == []


def test_no_tag_and_no_cover_that_others_read_is_lost() -> None:
    lines = [said(kind, preset) for kind in audio_originals.ORIGINALS for preset in PRESETS]

    assert {line["cover"] for line in lines} == {"", "the same"}
    assert {line["tags"] for line in lines} == {"", "2 of 2", "5 of 5", "6 of 6", "7 of 7"}


@pytest.mark.parametrize("preset", ["flac", "mp3-320", "ogg-q6"])
def test_other_decoders_hear_what_the_page_says(preset: str, tmp_path: Path) -> None:
    song = Original.of(audio_originals.made(tmp_path, "WAV, 16 bit"))

    lines = audio_table.second_opinions(song, preset)

    assert len(lines) == 2
    assert all(f"| {line} |" in PAGE.read_text() for line in lines)

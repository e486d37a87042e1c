"""What the page of a file says each rendition has kept of its sound."""

import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.factories import AudioFileFactory
from webapp.adapters.transcoders import command
from webapp.models import AudioFile, User
from webapp.news import Flaw, JobEvent, JobStatus, Output
from webapp.presets import PRESETS
from webapp.services import jobs

SAME = "the original's samples, unchanged"
MP3 = {"container": "MP3", "codec": "MP3", "bit_depth": None}


def made(owner: User, preset: str, **facts: Any) -> AudioFile:
    """A file with one rendition, in the form that ours has."""
    file = AudioFileFactory(owner=owner, presets=(preset,), **facts)
    form = command.shape(PRESETS[preset], file.facts)
    output = Output(10, 10.0, form.sample_rate, form.channels, 1000)
    jobs.record(JobEvent(file.job.id, JobStatus.COMPLETE, preset, output=output))
    return file


@pytest.mark.parametrize(
    ("preset", "facts", "words"),
    [
        ("flac", {}, SAME),
        ("wav-24", {}, SAME),
        ("mp4", {}, None),
        ("flac", MP3, None),
        ("wav", {"bit_depth": 24}, "from 24 to 16 bit, dithered"),
        ("flac", {"bit_depth": 32}, "from 32 to 24 bit"),
        ("wav", {"sample_rate": 96000}, "from 96 kHz to 48 kHz, dithered"),
        ("wav", {"sample_rate": 96000, "bit_depth": 24}, "from 96 kHz to 48 kHz, from 24 to 16 bit, dithered"),
        (
            "mp3-320",
            {"channels": 6, "sample_rate": 96000},
            "5.1 mixed down to stereo, quieter so that nothing clips, from 96 kHz to 48 kHz",
        ),
        ("flac", {"channels": 6}, SAME),
        ("flac", {"channels": 12}, "only the first two of 12 channels"),
    ],
)
def test_a_rendition_says_what_became_of_the_sound(
    as_alice: FlaskClient, alice: User, preset: str, facts: dict[str, Any], words: str | None
) -> None:
    file = made(alice, preset, **facts)

    page = as_alice.get(f"/files/{file.id}").text

    found = re.search(r"data-kept>([^<]*)<", page)
    assert (found and found[1].replace("&#39;", "'")) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(8.0, "2 s of silence trimmed"), (8.76, "1.2 s of silence trimmed"), (9.99, "no silence to trim")],
)
def test_how_much_silence_was_cut_off_is_told(as_alice: FlaskClient, alice: User, seconds: float, words: str) -> None:
    file = AudioFileFactory(owner=alice, presets=("my-flac-trim",), seconds=10.0)
    made = Output(10, seconds, 44100, 2, 1000)
    jobs.record(JobEvent(file.job.id, JobStatus.COMPLETE, "my-flac-trim", output=made))

    assert f"data-kept>{words}<" in as_alice.get(f"/files/{file.id}").text


def test_what_is_missing_of_a_damaged_file_is_not_called_silence(as_alice: FlaskClient, alice: User) -> None:
    file = AudioFileFactory(owner=alice, presets=("my-flac-trim",), seconds=10.0)
    made = Output(10, 7.0, 44100, 2, 1000, Flaw.INCOMPLETE)
    jobs.record(JobEvent(file.job.id, JobStatus.COMPLETE, "my-flac-trim", output=made))

    assert "data-kept>silence trimmed<" in as_alice.get(f"/files/{file.id}").text


def test_of_what_changes_its_form_on_the_way_the_one_form_is_told(as_alice: FlaskClient, alice: User) -> None:
    file = AudioFileFactory(owner=alice, presets=("flac",))
    made = Output(10, 10.0, 44100, 2, 1000, is_evened=True)
    jobs.record(JobEvent(file.job.id, JobStatus.COMPLETE, "flac", output=made))

    page = as_alice.get(f"/files/{file.id}").text

    assert "data-kept>brought to stereo and 44.1 kHz, as its form changes on the way<" in page


def test_what_most_browsers_do_not_play_is_said_to_be_for_downloading(as_alice: FlaskClient, alice: User) -> None:
    pages = {preset: as_alice.get(f"/files/{made(alice, preset).id}").text for preset in ("alac", "aiff", "flac")}

    said = [preset for preset, page in pages.items() if "cannot be played by most browsers" in page]
    assert said == ["alac", "aiff"]


def test_nothing_is_said_of_what_is_not_made_yet(as_alice: FlaskClient, song: AudioFile) -> None:
    assert "data-kept" not in as_alice.get(f"/files/{song.id}").text

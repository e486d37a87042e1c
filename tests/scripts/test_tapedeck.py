"""The client for those who script, as they run it."""

import hashlib
import os
import re
import subprocess
import sys
from email.message import Message
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests import sounds
from tests.flows.house import ROOT, House, free_port, wait_for
from tests.flows.visitor import PASSWORD
from tests.scripts.passage import Passage, Reply
from tests.scripts.scripter import SCRIPT, Scripter, noise
from webapp.adapters.probe import SandboxedProbe
from webapp.models import SignIn, User
from webapp.presets import DEFAULT_PRESETS, PRESETS

pytestmark = [pytest.mark.processes]

spec = spec_from_file_location("tapedeck", SCRIPT, loader=SourceFileLoader("tapedeck", str(SCRIPT)))
assert spec
assert spec.loader
tapedeck = module_from_spec(spec)
spec.loader.exec_module(tapedeck)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def id_of_only_file(scripter: Scripter) -> str:
    (row,) = scripter.visitor.rows()
    return row.id


def test_a_song_is_sent_waited_for_and_fetched(scripter: Scripter, shared_house: House) -> None:
    song = scripter.has("söng.wav", noise(2))
    (scripter.folder / "made").mkdir()

    ended = scripter.run(song.name, scripter.address, "--format", "flac", "--format", "wav", "--to", "made")

    assert (ended.returncode, ended.stdout) == (0, "made/söng.wav\nmade/söng.flac\n"), ended.stderr
    assert ended.stderr == "söng.wav: sending it\nsöng.wav: sent\nsöng.wav: done\n"
    assert {path.name for path in (scripter.folder / "made").iterdir()} == {"söng.wav", "söng.flac"}
    made = scripter.folder / "made" / "söng.flac"
    assert SandboxedProbe().look(made).codec == "FLAC"
    assert sounds.samples(made) == sounds.samples(song)
    original = scripter.visitor.get(f"/files/{id_of_only_file(scripter)}/original")
    assert sha256(original.body) == sha256(song.read_bytes())
    agents = sa.select(SignIn.agent).join(SignIn.user).where(User.email == scripter.email)
    assert "tapedeck" not in [row.agent for row in shared_house.ask(agents)], "it signs out"


@pytest.mark.slow
def test_what_is_there_already_is_not_sent_again_and_nothing_is_written_over(
    scripter: Scripter, passage: Passage
) -> None:
    song = scripter.has("song.wav", sounds.wav(2.0))
    scripter.run("song.wav", scripter.address, "--format", "flac")

    os.utime(song, (1, 1))
    ended = scripter.run("song.wav", passage.address, "--format", "flac", "--format", "opus-64")

    assert (ended.returncode, ended.stdout) == (0, "song (2).flac\nsong.opus\n"), ended.stderr
    assert "song.wav: is there already" in ended.stderr
    assert passage.parts == []
    assert song.read_bytes() == sounds.wav(2.0)
    assert len(scripter.visitor.rows()) == 1
    assert "data-upload=" not in scripter.visitor.get("/files/").text


@pytest.mark.slow
def test_one_that_was_killed_goes_on_where_it_stopped(scripter: Scripter, passage: Passage) -> None:
    song = scripter.has("long.wav", noise(180))
    passage.slowness = 0.2
    first = scripter.start("long.wav", passage.address, "--format", "flac")
    wait_for("some parts to be there", lambda: len(passage.parts) >= 2)
    first.kill()
    first.communicate()
    wait_for("what was on its way to have ended", lambda: not passage.busy)
    here = set(passage.parts)
    assert len(here) < 7
    passage.seen.clear()

    second = scripter.run("long.wav", passage.address, "--format", "flac")

    assert second.returncode == 0, second.stderr
    assert f"long.wav: going on, {len(here)} of 7 parts are there" in second.stderr
    assert passage.parts == sorted({1, 2, 3, 4, 5, 6, 7} - here)
    original = scripter.visitor.get(f"/files/{id_of_only_file(scripter)}/original")
    assert sha256(original.body) == sha256(song.read_bytes())


def test_a_wrong_password_is_one_sentence(scripter: Scripter) -> None:
    scripter.has("song.wav", b"")

    ended = scripter.run("song.wav", scripter.address, TAPEDECK_PASSWORD="wrong")

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "song.wav: The e-mail address or the password is wrong.\n"


def test_what_is_no_sound_is_refused_in_the_words_of_the_server(scripter: Scripter) -> None:
    scripter.has("notes.txt", b"These are only words.")

    ended = scripter.run("notes.txt", scripter.address)

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.endswith("notes.txt: This is not audio that we can read.\n")


@pytest.mark.slow
def test_sec_M7_what_is_not_whole_is_fetched_and_said_to_be_so(scripter: Scripter) -> None:
    sound = sounds.wav(2.0)
    scripter.has("cut.wav", sound[: len(sound) * 99 // 100])

    ended = scripter.run("cut.wav", scripter.address, "--format", "flac")

    assert (ended.returncode, ended.stdout) == (0, "cut.flac\n"), ended.stderr
    assert "cut.wav: is cut short or damaged. What could be read of it was converted." in ended.stderr


@pytest.mark.slow
def test_a_format_that_cannot_be_made_is_named(scripter: Scripter) -> None:
    scripter.has("broken.wav", sounds.damaged())

    ended = scripter.run("broken.wav", scripter.address, "--format", "flac")

    assert (ended.returncode, ended.stdout) == (1, "")
    address = f"{scripter.address}/files/{id_of_only_file(scripter)}"
    assert ended.stderr.endswith(f"broken.wav: could not be made: flac. See {address}\n")


def test_a_server_that_is_not_there_is_told_of_at_once(scripter: Scripter) -> None:
    scripter.has("song.wav", sounds.wav(1.0))
    nowhere = f"http://127.0.0.1:{free_port()}"

    ended = scripter.run("song.wav", nowhere)

    assert ended.returncode == 1
    assert ended.stderr == f"song.wav: {nowhere} does not answer: Connection refused.\n"


@pytest.mark.slow
def test_without_waiting_the_address_of_the_page_is_printed(scripter: Scripter) -> None:
    scripter.has("song.wav", sounds.wav(2.0))

    ended = scripter.run("song.wav", f"{scripter.address}/", "--no-wait")

    assert (ended.returncode, ended.stdout) == (0, f"{scripter.address}/files/{id_of_only_file(scripter)}\n")


@pytest.mark.slow
def test_what_was_sent_can_be_discarded(scripter: Scripter, passage: Passage) -> None:
    scripter.has("long.wav", noise(60))
    passage.slowness = 0.5
    started = scripter.start("long.wav", passage.address)
    wait_for("a part to be there", lambda: passage.parts)
    started.kill()
    started.communicate()
    assert "data-upload=" in scripter.visitor.get("/files/").text

    ended = scripter.run("long.wav", scripter.address, "--discard")

    assert ended.returncode == 0, ended.stderr
    assert "data-upload=" not in scripter.visitor.get("/files/").text


@pytest.mark.slow
def test_at_a_terminal_one_is_asked_and_sees_how_far_it_is(scripter: Scripter) -> None:
    scripter.has("long.wav", noise(60))

    status, shown = scripter.run_at_terminal(
        "long.wav",
        scripter.address,
        "--format",
        "wav",
        answers={"E-mail address: ": scripter.email, "Password: ": PASSWORD},
    )

    assert status == 0, shown
    assert PASSWORD not in shown
    assert re.search(r"long\.wav  [1-9]\d? %  \d+\.\d MB/s  \d+ s left", shown), shown


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["http://tapedeck.example"], "everybody on the way can read the password"),
        (["http://127.evil.example"], "everybody on the way can read the password"),
        (["tapedeck.example"], "an address like http://127.0.0.1:8000"),
        (["https://tapedeck.example", "--to", "song.wav"], "song.wav is no folder"),
        (
            ["https://tapedeck.example", "--format", "flac", "--format", "nonsense"],
            "no format nonsense. There are: wav",
        ),
    ],
)
def test_what_makes_no_sense_is_said_before_anything_is_sent(
    scripter: Scripter, arguments: list[str], sentence: str
) -> None:
    scripter.has("song.wav", b"")

    ended = scripter.run("song.wav", *arguments)

    assert ended.returncode == 2
    assert sentence in ended.stderr


def test_it_knows_each_format_that_there_is() -> None:
    assert set(tapedeck.FORMATS.split()) == set(PRESETS)
    assert list(DEFAULT_PRESETS) == tapedeck.USUAL_FORMATS


def test_formats_that_the_server_does_not_make_are_wrong_usage(scripter: Scripter, passage: Passage) -> None:
    scripter.has("song.wav", b"sound")
    refusal = Reply(422, b'{"error": "UnknownPreset", "message": "One of them is unknown."}')
    passage.instead = lambda _method, path, _body: refusal if path == "/uploads" else None

    ended = scripter.run("song.wav", passage.address, "--format", "alac", "--format", "flac")

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "song.wav: the server does not make all of these formats: alac, flac.\n"


def test_it_can_be_run_by_its_name_and_by_make() -> None:
    environ = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    said = subprocess.run([SCRIPT, "--help"], env=environ, capture_output=True, text=True, check=True)
    made = subprocess.run(["make", "upload"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert "One file at a time" in said.stdout
    assert made.returncode != 0
    assert "make upload FILE=song.wav URL=" in made.stderr


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ("attachment; filename=\"s_ng.flac\"; filename*=UTF-8''s%C3%B6ng.flac", "söng.flac"),
        ('attachment; filename="a b.flac"', "a b.flac"),
        ("attachment; filename*=UTF-8''..%2F..%2Fetc%2Fpasswd", "_.._etc_passwd"),
        ("attachment; filename*=UTF-8''C%3A%5Cx.flac", "C__x.flac"),
        ("attachment; filename*=UTF-8''a%0A%1B%5B2J%C2%85.flac", "a[2J.flac"),
        (f"attachment; filename*=UTF-8''{'%C3%B6' * 200}.flac", "ö" * 100 + ".flac"),
        ("attachment; filename*=UTF-8''..", "usual.flac"),
        ("attachment; filename*=UTF-8''.profile", "profile"),
        ("attachment", "usual.flac"),
    ],
)
def test_a_file_gets_the_name_that_the_answer_tells_if_it_is_safe(disposition: str, name: str) -> None:
    headers = Message()
    headers["Content-Disposition"] = disposition

    assert tapedeck.name_of(headers, "usual.flac") == name


def test_a_page_is_read_by_its_marks() -> None:
    page = tapedeck.Page(
        '<meta content="a&amp;b" name=csrf-token><p data-status=progressing data-progress="7">'
        '<tr data-rendition-status="complete"><a data-rendition="flac" href="/x">data-rendition="wav"</a>'
    )

    assert page.token == "a&b"
    assert page.values("data-rendition") == ["flac"]
    assert page.values("data-status", "data-rendition-status") == ["progressing", "complete"]

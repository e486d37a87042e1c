"""What is measured, when, and what of it is told."""

import threading
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from tests.factories import AudioFileFactory, finish, rendition
from tests.fakes import FakeEncoder, FakeTranscoder, MemoryStorage
from webapp.db import db, writing
from webapp.errors import EncodeFailed, Stopped
from webapp.models import AudioFile, Measurement, Tagging, User, Waveform
from webapp.news import JobStatus
from webapp.services import claims, sweeps
from webapp.services.work import Bench


@pytest.fixture
def song(alice: User, storage: MemoryStorage) -> AudioFile:
    """It is ready in two formats, one of which holds the very samples of the original; nothing is measured."""
    file = AudioFileFactory(owner=alice, presets=("flac", "mp4"))
    finish(file.job)
    with writing():
        db.session.execute(sa.update(Waveform).values(status=JobStatus.COMPLETE))
        for each in file.renditions:
            each.sample_rate, each.channels = 44100, 2
    for key in (file.key, *(each.key for each in file.renditions)):
        storage.put(key, [b"sound"])
    return file


def measurement_of(file: AudioFile) -> Measurement:
    return db.session.scalars(
        sa.select(Measurement).where(Measurement.audio_file_id == file.id).execution_options(populate_existing=True)
    ).one()


def test_each_version_is_measured_on_its_own_and_what_holds_the_same_samples_with_the_original(
    song: AudioFile, encoder: FakeEncoder
) -> None:
    bench = Bench()

    assert bench.do_next()
    assert list(measurement_of(song).found) == ["original", "flac"]
    assert measurement_of(song).status is JobStatus.SUBMITTED
    assert bench.do_next()

    found = measurement_of(song)
    assert found.found["mp4"] == {"loudness": -18.2, "range": 4.5, "peak": -1.4}
    assert (found.status, found.spectrum, found.token) == (JobStatus.COMPLETE, b"a picture", None)
    assert encoder.measured == ["WAV", "MP4"]
    assert not bench.do_next()


def test_a_rendition_of_anybody_goes_before_any_measuring(song: AudioFile, bob: User) -> None:
    AudioFileFactory(owner=bob, presets=("wav",))

    claims_taken = [claims.take() for _ in range(3)]

    kinds = [claim and (claim.measures or (claim.preset.name if claim.preset else "outline")) for claim in claims_taken]
    assert kinds == ["wav", "outline", "original"]


def another_file(song: AudioFile, bob: User) -> None:
    AudioFileFactory(owner=bob, presets=("wav",))


def tags_to_write(song: AudioFile, bob: User) -> None:
    with writing():
        db.session.merge(Tagging(audio_file_id=song.id, status=JobStatus.SUBMITTED))


def an_outline(song: AudioFile, bob: User) -> None:
    with writing():
        db.session.get_one(Waveform, song.id).status = JobStatus.SUBMITTED


@pytest.mark.parametrize("comes", [another_file, tags_to_write, an_outline])
def test_measuring_makes_room_for_whatever_comes_meanwhile(
    song: AudioFile,
    bob: User,
    encoder: FakeEncoder,
    monkeypatch: pytest.MonkeyPatch,
    comes: Callable[[AudioFile, User], None],
) -> None:
    bench = Bench()

    def measure(*_: object, stop: threading.Event, **__: object) -> object:
        bench.tend()
        assert not stop.is_set()
        comes(song, bob)
        bench.tend()
        assert stop.is_set()
        raise Stopped

    monkeypatch.setattr(encoder, "measure", measure)
    assert bench.do_next()

    assert (measurement_of(song).status, measurement_of(song).tries) == (JobStatus.SUBMITTED, 0)
    claim = claims.take()
    assert claim is not None
    assert not claim.measures


def test_what_cannot_be_measured_is_passed_over_and_nothing_is_said(
    song: AudioFile, encoder: FakeEncoder, as_alice: FlaskClient
) -> None:
    encoder.error = EncodeFailed("no")
    bench = Bench()
    while bench.do_next():
        pass

    assert measurement_of(song).status is JobStatus.COMPLETE
    assert set(measurement_of(song).found) == {"original", "flac", "mp4"}
    page = as_alice.get(f"/files/{song.id}").text
    assert "LUFS" not in page
    assert "Spectrum" not in page
    assert as_alice.get(f"/files/{song.id}/spectrum.png").status_code == 404


def test_the_page_tells_what_was_found_and_only_its_owner_sees_the_picture(
    song: AudioFile, as_alice: FlaskClient, as_bob: FlaskClient
) -> None:
    bench = Bench()
    while bench.do_next():
        pass

    page = as_alice.get(f"/files/{song.id}").text

    assert page.count("\N{MINUS SIGN}18.2") == 3
    picture = as_alice.get(f"/files/{song.id}/spectrum.png")
    assert (picture.mimetype, picture.data) == ("image/png", b"a picture")
    assert as_bob.get(f"/files/{song.id}/spectrum.png").status_code == 404


def test_a_format_that_comes_later_is_measured_too(
    song: AudioFile, storage: MemoryStorage, as_alice: FlaskClient
) -> None:
    bench = Bench()
    while bench.do_next():
        pass
    as_alice.post(f"/files/{song.id}/jobs", data={"presets": "opus-64"})
    while bench.do_next():
        pass

    assert rendition(song, "opus-64").is_ready
    assert measurement_of(song).found["opus-64"]["loudness"] == -18.2


def test_what_is_made_outside_is_not_measured_here(alice: User, transcoder: FakeTranscoder) -> None:
    transcoder.is_ours = False
    file = AudioFileFactory(owner=alice)
    finish(file.job)

    assert db.session.get(Measurement, file.id) is None


# Else a worker would begin to measure and make room again, without end, for what it never takes.
def test_what_was_to_be_measured_is_left_when_the_settings_name_another_transcoder(
    song: AudioFile, bob: User, transcoder: FakeTranscoder
) -> None:
    transcoder.is_ours = False
    AudioFileFactory(owner=bob, presets=("wav",))
    with writing():
        db.session.execute(sa.update(Waveform).values(status=JobStatus.COMPLETE))

    assert claims.take() is None
    assert sweeps.sweep_jobs(lambda _: None) == 0
    assert measurement_of(song).status is JobStatus.CREATED

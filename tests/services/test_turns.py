"""Turns: what of a file is done first, what beside it, and what last."""

import pytest

from tests.factories import AudioFileFactory
from webapp.db import db, writing
from webapp.models import AudioFile, User
from webapp.news import JobEvent, JobStatus
from webapp.services import claims, jobs


def take() -> claims.Claim:
    claim = claims.take()
    assert claim is not None
    return claim


def finish(claim: claims.Claim) -> None:
    if claim.job_id and claim.preset:
        jobs.record(JobEvent(claim.job_id, JobStatus.COMPLETE, claim.preset.name, token=claim.token))
        return
    with writing():
        file = db.session.get_one(AudioFile, claim.file_id)
        file.waveform.status, file.waveform.token = JobStatus.COMPLETE, None


def name_of(claim: claims.Claim) -> str:
    return claim.preset.name if claim.preset else "outline"


def one_after_the_other() -> list[str]:
    """What one worker alone does, in its order."""
    names = []
    while claim := claims.take():
        names.append(name_of(claim))
        finish(claim)
    return [name for name in names if not name.startswith("measure")]


@pytest.mark.parametrize(
    ("seconds", "order"),
    [(10.0, ["wav", "outline", "flac", "mp4"]), (None, ["outline", "wav", "flac", "mp4"])],
    ids=["of a known length", "that does not say how long it is"],
)
def test_one_worker_makes_the_shortest_rendition_of_a_file_first(
    alice: User, seconds: float | None, order: list[str]
) -> None:
    AudioFileFactory(owner=alice, seconds=seconds)

    assert one_after_the_other()[:4] == order


def test_beside_the_shortest_the_longest_is_begun_and_then_the_outline(song: AudioFile) -> None:
    shortest, longest = take(), take()
    finish(shortest)

    assert [name_of(each) for each in (shortest, longest, take(), take())] == ["wav", "mp4", "outline", "flac"]
    assert claims.take() is None


def test_beside_an_outline_the_longest_is_begun(alice: User) -> None:
    AudioFileFactory(owner=alice, seconds=None)
    outline, longest = take(), take()
    finish(outline)

    assert [name_of(each) for each in (outline, longest, take(), take())] == ["outline", "mp4", "wav", "flac"]


def test_of_several_files_each_has_its_shortest_before_any_has_an_outline(alice: User) -> None:
    for _ in range(2):
        AudioFileFactory(owner=alice, presets=("wav", "flac"))

    assert one_after_the_other()[:6] == ["wav", "wav", "outline", "flac", "outline", "flac"]


def test_an_outline_waits_for_no_rendition_that_has_failed(alice: User) -> None:
    file = AudioFileFactory(owner=alice, presets=("wav", "flac"))
    jobs.record(JobEvent(file.job.id, JobStatus.ERROR, "wav", error="It broke."))

    assert name_of(take()) == "outline"

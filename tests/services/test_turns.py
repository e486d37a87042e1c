"""Turns: what of a file is done first, what beside it, and what last."""

import uuid

import pytest

from tests.factories import AudioFileFactory, take, user, without_outlines
from tests.fakes import FakeTranscoder
from webapp.db import db, writing
from webapp.models import AudioFile, Rendition, Tagging, User
from webapp.news import JobEvent, JobStatus
from webapp.services import claims, jobs, taggings, turns


def finish(claim: claims.Claim) -> None:
    if claim.job_id and claim.preset:
        jobs.record(JobEvent(claim.job_id, JobStatus.COMPLETE, claim.preset.name, token=claim.token))
        return
    if claim.is_of_tags:
        taggings.finish(claim.token)
        return
    with writing():
        file = db.session.get_one(AudioFile, claim.file_id)
        file.waveform.status, file.waveform.token = JobStatus.COMPLETE, None


def name_of(claim: claims.Claim) -> str:
    if claim.is_of_tags:
        return "tags"
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


# --- Tags: soon for whoever changes them, and at nobody else's cost.


def change_tags(*files: AudioFile) -> None:
    """As an edit does that has something to write."""
    with writing():
        for file in files:
            db.session.merge(Tagging(audio_file_id=file.id, status=JobStatus.SUBMITTED))


def has_tags_to_change(owner: User, *sizes: int) -> list[AudioFile]:
    """Files of these sizes of which everything is made."""
    files = [AudioFileFactory(owner=owner, presets=("wav",), size=size) for size in sizes]
    for file in files:
        jobs.record(JobEvent(file.job.id, JobStatus.COMPLETE, "wav"))
    return files


def test_whoever_changes_tags_without_end_delays_each_conversion_of_another_by_one_piece(
    alice: User, bob: User
) -> None:
    tagged = has_tags_to_change(alice, 1, 2)
    for _ in range(3):
        AudioFileFactory(owner=bob, presets=("wav",))
    without_outlines()

    names = []
    for _ in range(6):
        change_tags(*tagged)
        claim = take()
        names.append(name_of(claim))
        finish(claim)

    assert names == ["tags", "wav"] * 3


def test_whoever_changes_tags_without_end_takes_one_worker_of_several(alice: User, bob: User) -> None:
    change_tags(*has_tags_to_change(alice, 1, 2, 3))
    for _ in range(2):
        AudioFileFactory(owner=bob, presets=("wav",))
    without_outlines()

    assert [name_of(take()) for _ in range(5)] == ["tags", "wav", "tags", "wav", "tags"]


def test_ones_own_tags_come_before_ones_own_conversions(alice: User) -> None:
    (tagged,) = has_tags_to_change(alice, 1)
    AudioFileFactory(owner=alice, presets=("wav", "flac"))
    without_outlines()
    assert name_of(take()) == "wav"

    change_tags(tagged)

    assert [name_of(take()) for _ in range(2)] == ["tags", "flac"]


def test_tags_do_not_wait_for_a_long_conversion_of_ones_own(alice: User, bob: User) -> None:
    """Guards that what is under way does not count: Alice's conversion lasts, and Bob's go on and on."""
    (tagged,) = has_tags_to_change(alice, 1)
    AudioFileFactory(owner=alice, presets=("mp4",))
    without_outlines()
    assert name_of(take()) == "mp4"
    AudioFileFactory(owner=bob, presets=("wav", "flac", "mp4"))
    without_outlines()
    finish(take())

    change_tags(tagged)

    assert name_of(take()) == "tags"


def test_tags_do_not_wait_behind_somebody_who_is_not_served_either(alice: User, bob: User) -> None:
    """Guards that `find` looks at whom it would serve: Carol's long conversion holds back her next one only."""
    carol = user("carol@example.com")
    (tagged,) = has_tags_to_change(alice, 1)
    AudioFileFactory(owner=carol, presets=("mp4", "flac"))
    without_outlines()
    take()
    AudioFileFactory(owner=alice, presets=("wav",))
    without_outlines()
    finish(take())
    for _ in range(3):
        AudioFileFactory(owner=bob, presets=("wav",))
    without_outlines()

    change_tags(tagged)

    finish(take())  # one of Bob's, who has waited longer
    assert name_of(take()) == "tags"


def test_where_others_convert_users_take_turns_with_their_tags(
    alice: User, bob: User, transcoder: FakeTranscoder
) -> None:
    """There a file is told of when its tags are written: small ones of Alice must not hold up Bob's large one."""
    alices, (bobs,) = has_tags_to_change(alice, 1, 2, 3), has_tags_to_change(bob, 1000)
    transcoder.is_ours = False
    change_tags(*alices, bobs)

    assert bobs.id in [take().file_id for _ in range(2)]


def test_the_outline_of_a_file_with_one_format_waits_for_its_users_turn_only(alice: User, bob: User) -> None:
    for _ in range(3):
        AudioFileFactory(owner=alice, presets=("wav", "flac"))
    only = AudioFileFactory(owner=bob, presets=("wav",))

    names = [(claim.file_id == only.id, name_of(claim)) for claim in (take() for _ in range(6))]

    assert names.count((True, "outline")) == 1


def test_a_file_that_is_deleted_while_its_turn_is_found_is_left_to_whoever_claims_it(song: AudioFile) -> None:
    gone = uuid.uuid4()

    assert turns._within_file(1, song.owner_id, gone) == turns.Turn(Rendition, gone, song.owner_id, 1)

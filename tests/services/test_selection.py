"""Deeds with several files at once."""

import uuid

import pytest

from tests.factories import AudioFileFactory, finish
from webapp.errors import Refused
from webapp.models import AudioFile, User
from webapp.news import JobStatus
from webapp.services import library, selection


def test_only_what_failed_and_is_at_rest_is_retried(alice: User) -> None:
    ready, failed, running = (AudioFileFactory(owner=alice, name=name) for name in ("ready", "failed", "running"))
    finish(ready.job)
    finish(failed.job, JobStatus.ERROR, error="no")

    assert selection.do("retry", alice, [ready.id, failed.id, running.id]) == ["failed"]

    assert failed.job.attempt == 2
    assert {ready.job.attempt, running.job.attempt} == {1}


def test_only_what_is_being_made_is_canceled(alice: User) -> None:
    ready, running = (AudioFileFactory(owner=alice, name=name) for name in ("ready", "running"))
    finish(ready.job)

    assert selection.do("cancel", alice, [ready.id, running.id]) == ["running"]

    assert running.status is JobStatus.CANCELED
    assert ready.status is JobStatus.COMPLETE


@pytest.mark.parametrize("deed", selection.DEEDS)
def test_others_and_absent_files_are_left_out(alice: User, bob: User, song: AudioFile, deed: str) -> None:
    assert selection.do(deed, bob, [song.id, uuid.uuid4()]) == []

    assert library.find(alice, song.id).status is JobStatus.CREATED


def test_several_are_deleted(alice: User) -> None:
    files = [AudioFileFactory(owner=alice, name=name) for name in ("b", "a", "c")]

    assert selection.do("delete", alice, [files[0].id, files[1].id]) == ["a", "b"]

    assert [file.name for file in library.listing(alice).items] == ["c"]


def test_there_is_an_end_to_how_many(alice: User) -> None:
    with pytest.raises(Refused):
        selection.do("retry", alice, [uuid.uuid4() for _ in range(selection.MOST_FILES + 1)])

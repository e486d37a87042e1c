"""Files go when their days are over, and never before their owner could read of it for three days."""

import dataclasses
import re
import uuid
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from tests.factories import AudioFileFactory, finish, standing, told
from tests.fakes import MemoryStorage
from webapp.db import db, utcnow, writing
from webapp.models import AudioFile, Kind, TranscodeJob, User
from webapp.services import completion, jobs, library, retention, sweeps, uploads

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# How often a worker of these tests sweeps.
OFTEN = 12 * HOUR


class Clock:
    """The time, as the house knows it."""

    def __init__(self) -> None:
        self.time = utcnow()

    def __call__(self) -> datetime:
        return self.time

    def run(self, time: timedelta) -> None:
        """Let it pass, with a worker that sweeps."""
        end = self.time + time
        while self.time < end:
            self.time += OFTEN
            retention.sweep()


@pytest.fixture
def clock(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Of an app that keeps files for ten days."""
    app.extensions["settings"] = dataclasses.replace(app.extensions["settings"], retention_days=10)
    clock = Clock()
    monkeypatch.setattr(retention, "utcnow", clock)
    monkeypatch.setattr(retention, "LONGEST_STEP", OFTEN)
    retention.sweep()  # a worker has swept before
    return clock


def ended(file: AudioFile, ago: timedelta) -> AudioFile:
    """The file, with all of it done so long ago."""
    finish(file.job)
    with writing():
        done = sa.update(TranscodeJob).where(TranscodeJob.audio_file_id == file.id)
        db.session.execute(done.values(finished_at=utcnow() - ago))
    return file


def warnings(who: User) -> list[AudioFile]:
    db.session.rollback()
    return [note.audio_file for note in told(who) if note.kind is Kind.EXPIRING]


def files() -> int:
    db.session.rollback()
    return db.session.scalar(sa.select(sa.func.count()).select_from(AudioFile)) or 0


def test_a_file_goes_when_its_days_are_over_and_its_owner_was_told(
    alice: User, bob: User, song: AudioFile, clock: Clock, storage: MemoryStorage
) -> None:
    storage.put(ended(song, DAY).key, [b"sound"])
    young = ended(AudioFileFactory(owner=bob), timedelta(0))
    clock.run(5 * DAY)
    assert warnings(alice) == []

    clock.run(1 * DAY + OFTEN)
    assert warnings(alice) == [song]
    assert warnings(bob) == []
    clock.run(2 * DAY)
    assert (files(), len(warnings(alice))) == (2, 1)

    clock.run(1 * DAY)

    assert files() == 1
    assert storage.objects == {}
    assert warnings(bob) == [young]


def test_without_a_setting_nothing_goes_and_what_was_told_is_taken_back(
    app: Flask, alice: User, song: AudioFile, clock: Clock
) -> None:
    ended(song, 400 * DAY)
    clock.run(HOUR)
    assert warnings(alice) == [song]

    app.extensions["settings"] = dataclasses.replace(app.extensions["settings"], retention_days=0)
    clock.run(DAY)

    assert warnings(alice) == []
    assert files() == 1


# Each half fails when `stood` is not asked for in `_is_over`; LONGEST_STEP guards the first.
def test_sec_R8_no_jump_of_the_clock_takes_files_unannounced(alice: User, song: AudioFile, clock: Clock) -> None:
    ended(song, timedelta(0))

    for jump in (365 * DAY, HOUR, 365 * DAY):
        clock.time += jump
        retention.sweep()
    assert warnings(alice) == [song]
    assert files() == 1

    clock.time -= 730 * DAY + HOUR
    retention.sweep()
    assert warnings(alice) == []
    clock.run(8 * DAY)
    assert warnings(alice) == [song]
    clock.run(2 * DAY)
    assert files() == 1


def test_what_is_being_made_or_was_asked_for_again_stays(alice: User, song: AudioFile, clock: Clock) -> None:
    busy = AudioFileFactory(owner=alice)
    with writing():
        db.session.execute(sa.update(TranscodeJob).values(created_at=utcnow() - 400 * DAY))
    ended(song, 400 * DAY)
    clock.run(3 * DAY - OFTEN)
    assert warnings(alice) == [song]

    jobs.more(alice, song.id, ["aiff"])
    # Without `only_if` in `library.delete` this would take what is being made.
    library.delete(alice, song.id, only_if=retention._is_over())
    clock.run(4 * DAY)

    assert files() == 2
    assert warnings(alice) == []
    assert busy.is_busy
    finish(song.job)
    assert retention.kept_until(library.find(alice, song.id)) >= clock() + 3 * DAY  # type: ignore[operator]


SOUND = b"sound of some length"


def sent_again(who: User) -> uuid.UUID:
    """An upload of the same bytes that only has to be completed."""
    upload = uploads.begin(who, "again.wav", len(SOUND), ("wav",), fingerprint=uuid.uuid4().hex)[0]
    uploads.put_part(who, upload.id, 1, [SOUND], length=len(SOUND))
    return upload.id


@pytest.fixture
def sent(alice: User) -> AudioFile:
    """A file of Alice's that came in parts, so that its checksum is known."""
    return completion.complete(alice, sent_again(alice))[0]


# Both ways to be told "Already here": by the checksum before anything is sent, or when all of it was.
@pytest.mark.parametrize("is_sent", [True, False])
def test_who_sends_a_file_again_keeps_it_and_is_not_told_any_more_that_it_goes(
    as_alice: FlaskClient, alice: User, sent: AudioFile, clock: Clock, monkeypatch: pytest.MonkeyPatch, is_sent: bool
) -> None:
    other = ended(AudioFileFactory(owner=alice), 8 * DAY)
    ended(sent, 8 * DAY)
    clock.run(2 * DAY)
    assert sorted(warnings(alice), key=lambda file: file.created_at) == [sent, other]

    if is_sent:
        assert completion.complete(alice, sent_again(alice)) == (sent, False)
    else:
        asked = {"name": "again.wav", "size": len(SOUND), "type": "", "fp": "x", "checksum": sent.checksum}
        assert as_alice.post("/uploads", json=asked).json["known"]["file"] == str(sent.id)  # type: ignore[index]

    assert warnings(alice) == [other]
    assert retention.kept_until(library.find(alice, sent.id)) >= clock() + 10 * DAY  # type: ignore[operator]
    clock.run(6 * DAY)
    assert files() == 1
    assert warnings(alice) == []
    clock.run(2 * DAY)
    assert warnings(alice) == [sent]  # and it goes in its turn
    clock.run(4 * DAY)
    assert files() == 0


def test_who_sends_a_file_again_that_is_not_about_to_go_has_no_alerts_drawn_anew(alice: User, sent: AudioFile) -> None:
    before = alice.alerts_version

    completion.complete(alice, sent_again(alice))

    assert alice.alerts_version == before


def test_a_file_that_is_deleted_just_after_it_was_found_again_is_told_of_all_the_same(
    alice: User, sent: AudioFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another tab that waited for the lock deletes it in the very moment in which the lock is let go."""
    expected, commit = (sent.id, sent.name), db.session.commit

    def commit_and_delete() -> None:
        commit()
        monkeypatch.setattr(db.session, "commit", commit)
        library.delete(alice, expected[0])

    size, mark = sent.size, sent.checksum
    monkeypatch.setattr(db.session, "commit", commit_and_delete)

    assert completion.renew_known(alice, size, mark) == expected


def test_a_checksum_of_nothing_here_or_of_anothers_file_keeps_nothing(
    as_bob: FlaskClient, alice: User, sent: AudioFile, clock: Clock
) -> None:
    ended(sent, 8 * DAY)
    clock.run(DAY)
    asked = {"name": "again.wav", "size": len(SOUND), "type": "", "fp": "x", "checksum": sent.checksum}

    assert "known" not in as_bob.post("/uploads", json=asked).json  # type: ignore[operator]

    assert warnings(alice) == [sent]


def test_what_will_go_has_a_card_apart_from_what_is_ready(
    as_alice: FlaskClient, alice: User, song: AudioFile, clock: Clock
) -> None:
    # Guards cards._grouped: one that warns of what expires does not hide what is ready.
    ended(song, 8 * DAY)
    ended(AudioFileFactory(owner=alice, batch=song.batch), 8 * DAY)
    assert retention.sweep() == 0

    account = as_alice.get("/account/").text

    assert re.findall(r'class="alert (\w+)" id="alert-([\w-]+)"', account) == [
        ("expiring", f"{song.batch}-expiring"),
        ("complete", str(song.batch)),
    ]
    assert ">2 files expire soon<" in account
    assert ">2 files ready<" in account
    assert len(set(re.findall(r' id="[\w-]+"', account))) == len(re.findall(r' id="[\w-]+"', account))


def test_it_is_told_where_the_file_is_shown_and_a_batch_is_told_once(
    as_alice: FlaskClient, alice: User, song: AudioFile, clock: Clock
) -> None:
    ended(song, 6 * DAY)
    for _ in range(2):
        ended(AudioFileFactory(owner=alice, batch=song.batch), 8 * DAY)
    with writing():
        for note in standing(alice):
            note.dismissed_at = utcnow()

    assert sweeps.sweep_if_due(lambda count: None)
    retention.sweep()  # once more

    page = as_alice.get(f"/files/{song.id}").text
    until = retention.kept_until(library.find(alice, song.id)) or clock()
    row = as_alice.get("/files/").text.partition(f'id="file-{song.id}"')[2].partition("</li>")[0]
    for shown in (page, row):
        assert f'<time class="kept" datetime="{until.isoformat()}"' in shown
        assert f">kept until {until.day} {until:%b}" in shown
    assert [note.kind for note in standing(alice)] == [Kind.EXPIRING] * 2
    account = as_alice.get("/account/").text
    assert account.count("data-batch=") == 1
    assert account.count('data-kind="expiring"') == 2
    assert "2 files expire soon" in account
    until = clock() + retention.NOTICE
    warning = f"Kept until {until.day} {until:%B} {until.year}. Download before then what you need."
    assert warning in as_alice.get("/notifications/").text

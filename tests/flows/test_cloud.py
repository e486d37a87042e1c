"""The house on AWS, with what goes wrong there: messages that are lost, come late or meet a locked database."""

import io
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import av
import mutagen
import pytest
from mutagen.id3 import APIC, ID3, TIT2

from tests import pictures, sounds
from tests.flows.cloud import Cloud
from tests.flows.house import wait_for
from tests.flows.test_lost_work import answers
from tests.flows.visitor import Visitor

pytestmark = [pytest.mark.processes, pytest.mark.slow]

IN_THE_MIDST_SECONDS = 1.0


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with Cloud.opened(tmp_path_factory.mktemp("cloud")) as cloud:
        yield cloud


@pytest.fixture
def alice(cloud: Cloud, request: pytest.FixtureRequest) -> Visitor:
    return cloud.house.visitor().register(f"alice-{abs(hash(request.node.name))}")


@pytest.fixture
def silence(cloud: Cloud) -> Iterator[None]:
    """SNS delivers nothing."""
    cloud.is_silent = True
    yield
    cloud.is_silent = False


def test_sec_S9_a_job_of_which_every_message_is_lost_is_found_done(cloud: Cloud, alice: Visitor, silence: None) -> None:
    file_id = alice.keep("song.wav", sounds.wav(2.0))
    job = cloud.job()

    cloud.finish(job)

    wait_for("the sweep to ask", lambda: alice.has(file_id, "complete"))
    assert [note.kind for note in alice.alerts()] == ["complete"]

    cloud.is_silent = False
    assert cloud.tell(cloud.mediaconvert.event(job, "COMPLETE")) == 200
    assert [note.kind for note in alice.alerts()] == ["complete"]


def test_what_is_made_lies_in_the_bucket_and_is_fetched_from_there(cloud: Cloud, alice: Visitor) -> None:
    file_id = alice.keep("song.wav", sounds.wav(2.0), "flac", "mp3-320")
    cloud.finish(cloud.job())

    wait_for("it to be ready", lambda: alice.has(file_id, "complete"))

    assert len([key for key in cloud.keys("transcoded") if file_id in key]) == 2
    answer = alice.get(f"/files/{file_id}/renditions/flac")
    assert answer.status == 302
    assert answer.headers["Location"].startswith(cloud.s3)
    (key,) = [key for key in cloud.keys("transcoded") if key.endswith(f"{file_id}/flac.flac")]
    with av.open(io.BytesIO(cloud.sound(key))) as container:
        assert container.streams.audio[0].codec_context.name == "flac"


def test_what_mediaconvert_made_has_its_tags_before_anybody_is_told(
    cloud: Cloud, alice: Visitor, tmp_path: Path
) -> None:
    song = sounds.make(tmp_path, "song.mp3", seconds=1)
    id3 = ID3()
    id3.add(TIT2(3, ["Für Elise"]))
    id3.add(APIC(3, "image/png", 3, "", pictures.png(30, 30)))
    id3.save(song)

    file_id = alice.keep("song.mp3", song.read_bytes(), "flac", "mp3-320")
    cloud.finish(cloud.job())
    wait_for("it to be ready", lambda: alice.has(file_id, "complete"))

    for name in ("flac.flac", "mp3-320.mp3"):
        (key,) = [key for key in cloud.keys("transcoded") if key.endswith(f"{file_id}/{name}")]
        tagged = mutagen.File(io.BytesIO(cloud.sound(key)), easy=name.endswith("mp3"))
        assert tagged["title"] == ["Für Elise"]
    assert [note.kind for note in alice.alerts()] == ["complete"]
    assert alice.get(f"/files/{file_id}/cover").body == pictures.png(30, 30)


def test_a_file_that_mediaconvert_cannot_read_fails_in_words(cloud: Cloud, alice: Visitor) -> None:
    file_id = alice.keep("song.wav", sounds.wav(2.0), "wav")
    job = cloud.job()

    cloud.tell(cloud.mediaconvert.event(job, "ERROR", errorCode=1030, errorMessage="Unsupported codec"))
    cloud.mediaconvert.jobs[job]["status"] = "ERROR"

    wait_for("it to fail", lambda: alice.has(file_id, "error"))
    assert [note.kind for note in alice.alerts()] == ["error"]
    assert "Unsupported codec" not in alice.get("/files/").text


def test_a_cancel_stops_the_job_there(cloud: Cloud, alice: Visitor) -> None:
    file_id = alice.keep("song.wav", sounds.wav(2.0), "wav")
    job = cloud.job()

    alice.post(f"/files/{file_id}/cancel")

    wait_for("it to be canceled there", lambda: cloud.mediaconvert.jobs[job]["status"] == "CANCELED")
    assert cloud.tell(cloud.mediaconvert.event(job, "CANCELED")) == 200
    assert alice.has(file_id, "canceled")
    assert alice.alerts() == []


def test_a_deleted_file_leaves_nothing_in_the_bucket(cloud: Cloud, alice: Visitor) -> None:
    file_id = alice.keep("song.wav", sounds.wav(2.0), "wav")
    cloud.finish(cloud.job())
    wait_for("it to be ready", lambda: alice.has(file_id, "complete"))

    alice.post(f"/files/{file_id}/delete")

    assert [key for top in ("media", "transcoded") for key in cloud.keys(top) if file_id in key] == []


def test_sec_R2_a_message_during_which_the_web_process_is_killed_is_taken_when_it_comes_again(
    cloud: Cloud, alice: Visitor
) -> None:
    file_id = alice.keep("song.wav", sounds.wav(2.0), "wav")
    event = cloud.mediaconvert.finish(cloud.job())

    with cloud.house.locked() as let_go, ThreadPoolExecutor(1) as thread:  # so that it is held up in the midst of it

        def until_it_is_back() -> None:
            let_go()
            wait_for("it to answer", lambda: answers(alice))

        cloud.sns.between = until_it_is_back
        cloud.sns.attempts.clear()
        delivered = thread.submit(cloud.tell, event)
        time.sleep(IN_THE_MIDST_SECONDS)
        killed = cloud.house.kill("web")
        wait_for("another web process", lambda: cloud.house.pid("web") not in (0, killed))

        assert delivered.result() == 200
    assert cloud.sns.attempts[0] != 200
    assert cloud.tell(event) == 200

    wait_for("it to be ready", lambda: alice.has(file_id, "complete"))
    assert [note.kind for note in alice.inbox(file_id)] == ["complete"]


def test_sec_S10_a_message_that_meets_a_locked_database_is_taken_when_it_comes_again(
    cloud: Cloud, alice: Visitor
) -> None:
    file_id = alice.keep("song.wav", sounds.wav(2.0), "wav")
    job = cloud.job()
    event = cloud.mediaconvert.finish(job)

    with cloud.house.locked() as let_go:
        cloud.sns.between = let_go
        cloud.sns.attempts.clear()
        cloud.tell(event)

    assert cloud.sns.attempts == [503, 200]
    wait_for("it to be ready", lambda: alice.has(file_id, "complete"))
    assert [note.kind for note in alice.alerts()] == ["complete"]

"""Kill web and worker at random under mixed load, and then look whether anything was lost, doubled or left lying about.

    .venv/bin/python -m tests.chaos [MINUTES]

Three people send files by the form and in parts, cancel, retry, delete and download, while now the web process is
killed, now the worker, now everything at once. What is cut off by a kill is tried again or left, as people do. In the
end each job has ended, was told of once, and every rendition is whole.
"""

import hashlib
import http.client
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path

import sqlalchemy as sa

from tests import sounds
from tests.flows.house import House, wait_for
from tests.flows.sender import Sender, noise
from tests.flows.test_lost_work import answers
from tests.flows.visitor import Answer, Visitor
from webapp.models import AudioFile, Notification, Rendition, TranscodeJob, Upload
from webapp.news import BUSY, JobStatus

PEOPLE = 3
SONGS = (2.0, 20.0, 90.0)
PARTS_SECONDS = 70
DEEDS = {"send": 5, "send_in_parts": 2, "send_damaged": 1, "cancel": 2, "retry": 2, "delete": 2, "download": 3}
KILLS = {"web": 4, "worker": 5, "worker, asked to stop": 1, "everything": 1}
LONGEST_END_SECONDS = 900
# A rendition is as long as its file, but for what a codec adds at its ends.
TOLERANCE_SECONDS = 0.1
TOLD = (JobStatus.COMPLETE, JobStatus.PARTIAL, JobStatus.ERROR)


class Caller(Visitor):
    """Counts the troubles of the server's that it is told of."""

    troubles: Counter[int]

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        answer = super().ask(method, path, body, **headers)
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            self.troubles[answer.status] += 1
        return answer


class Person:
    """Somebody who uses all of it, and remembers what was accepted."""

    def __init__(self, house: House, name: str) -> None:
        self.visitor = Caller(house.port)
        self.troubles: Counter[int] = Counter()
        self.visitor.troubles = self.troubles
        self.visitor.register(name)
        self.dice = random.Random(name)
        self.files: dict[str, str] = {}
        """The SHA-256 of each original that was accepted and never asked to be deleted."""
        self.deleted: set[str] = set()
        self.done: Counter[str] = Counter()
        self.wrong: list[str] = []

    def live(self, over: threading.Event) -> None:
        """Do one thing after the other until it is over."""
        while not over.is_set():
            (name,) = self.dice.choices([*DEEDS], [*DEEDS.values()]) if self.files else ("send",)
            deed: Callable[[], None] = getattr(self, name)
            try:
                deed()
                self.done[name] += 1
            except (OSError, http.client.HTTPException, AssertionError) as exc:
                # Nobody is at home; soon somebody will be.
                self.done["refused" if isinstance(exc, AssertionError) else "cut off"] += 1
                over.wait(0.5)
            over.wait(self.dice.uniform(0.1, 1.5))

    def send(self) -> None:
        song = sounds.wav(self.dice.choice(SONGS), hertz=self.dice.choice((220.0, 440.0)))
        self._keep(song, self.visitor.keep("song.wav", song, "flac", "opus-64"))

    def send_damaged(self) -> None:
        song = sounds.damaged()
        self._keep(song, self.visitor.keep("damaged.wav", song, "flac"))

    def send_in_parts(self) -> None:
        """And go on where it was, as often as it is cut off."""
        sender = Sender(self.visitor, noise(PARTS_SECONDS), fingerprint=str(self.dice.random()))
        for _ in range(self.dice.choice((1, 20))):  # some are left unfinished
            with suppress(OSError, http.client.HTTPException, AssertionError):
                sender.begin(presets=["flac"], copy=True)
                assert sender.finish().status < HTTPStatus.BAD_REQUEST
                self._keep(sender.sound, sender.id)
                return
            time.sleep(0.5)

    def cancel(self) -> None:
        self._do("cancel", self.dice.choice([*self.files]))

    def retry(self) -> None:
        self._do("retry", self.dice.choice([*self.files]))

    def delete(self) -> None:
        file_id = self.dice.choice([*self.files])
        self.files.pop(file_id, None)  # whether it is heard or not, nobody counts on it any more
        if self._do("delete", file_id):
            self.deleted.add(file_id)

    def download(self) -> None:
        file_id = self.dice.choice([*self.files])
        answer = self.visitor.get(f"/files/{file_id}/original")
        if answer.status == HTTPStatus.NOT_FOUND:
            self.wrong.append(f"{file_id} is not there")
        elif answer.status == HTTPStatus.OK and hashlib.sha256(answer.body).hexdigest() != self.files[file_id]:
            self.wrong.append(f"{file_id} is not what was sent")

    def _keep(self, song: bytes, file_id: str) -> None:
        self.files[file_id] = hashlib.sha256(song).hexdigest()

    def _do(self, what: str, file_id: str) -> bool:
        return self.visitor.post(f"/files/{file_id}/{what}").status == HTTPStatus.SEE_OTHER


def main(minutes: float) -> None:
    """Print a summary; fail at the first thing that does not hold."""
    dice = random.Random(int(time.time()))
    kills: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder, House.opened(Path(folder) / "instance") as house:
        people = [Person(house, f"person-{number}") for number in range(PEOPLE)]
        over = threading.Event()
        threads = [threading.Thread(target=person.live, args=(over,)) for person in people]
        for thread in threads:
            thread.start()
        end = time.monotonic() + minutes * 60
        while time.monotonic() < end:
            time.sleep(dice.uniform(1, 6))
            (name,) = dice.choices([*KILLS], [*KILLS.values()])
            kill(house, name)
            kills[name] += 1
        over.set()
        for thread in threads:
            thread.join()
        discard_unfinished(house, people)
        given_up = end_all(house, people)
        check(house, people)
        done = sum((person.done for person in people), Counter[str]())
        kept = sum(len(person.files) for person in people)
        ready = len(house.ask(sa.select(Rendition.id).where(Rendition.status == JobStatus.COMPLETE)))
    print(f"{minutes:g} minutes, {kills.total()} kills: {dict(kills)}")
    print(
        f"{done.total()} deeds: {dict(done)}; troubles told: {dict(sum((p.troubles for p in people), Counter[int]()))}"
    )
    print(f"{kept} files kept, {ready} renditions whole, {given_up} jobs given up after three kills and retried")
    print("0 lost, 0 doubled, 0 corrupt, nothing left over")


def kill(house: House, name: str) -> None:
    """End it the hard way, and return when there is another."""
    if name == "everything":
        house.end()
        house.start()
        return
    process = name.partition(",")[0]
    killed = wait_for(f"a {process}", lambda: house.pid(process))
    with suppress(ProcessLookupError):
        os.kill(killed, signal.SIGTERM if "asked" in name else signal.SIGKILL)
    wait_for(f"another {process}", lambda: house.pid(process) not in (0, killed))
    wait_for("the web process to answer", lambda: answers(house.visitor()))


def discard_unfinished(house: House, people: list[Person]) -> None:
    """Give up the uploads that were left, wherever they were left: some are whole but for the last step."""
    for row in house.ask(sa.select(Upload.id).where(Upload.closed_at.is_(None))):
        said = [
            person.visitor.ask("DELETE", f"/uploads/{row.id}", X_CSRFToken=person.visitor.token) for person in people
        ]
        assert HTTPStatus.NO_CONTENT in {answer.status for answer in said}


def end_all(house: House, people: list[Person]) -> int:
    """Return when each job has ended. Those that were hit three times are retried, and how many there were is told."""
    wait_for("all jobs to end", lambda: not busy(house), LONGEST_END_SECONDS)
    hit = sa.select(Rendition.audio_file_id).where(Rendition.error.contains("three times")).distinct()
    given_up = {str(row.audio_file_id) for row in house.ask(hit)}
    for person in people:
        for file_id in given_up & {*person.files}:
            assert person.visitor.post(f"/files/{file_id}/retry").status == HTTPStatus.SEE_OTHER
    wait_for("all jobs to end", lambda: not busy(house), LONGEST_END_SECONDS)
    return len(given_up)


def busy(house: House) -> int:
    """How many jobs have not ended."""
    count: int = house.ask(sa.select(sa.func.count()).where(TranscodeJob.status.in_(BUSY)))[0][0]
    return count


def check(house: House, people: list[Person]) -> None:
    """Nothing that was accepted is lost, each job was told of once, every rendition is whole, nothing is left over."""
    house.settle()
    wait_for("every ffmpeg to be gone", lambda: not house.ffmpegs())
    there = {str(row.id): house.data_dir / row.key for row in house.ask(sa.select(AudioFile.id, AudioFile.key))}
    for person in people:
        assert person.wrong == []
        assert set(person.troubles) <= {HTTPStatus.SERVICE_UNAVAILABLE}, person.troubles
        assert not person.deleted & {*there}, "what was deleted has come back"
        for file_id, checksum in person.files.items():
            assert file_id in there, f"{file_id} is lost"
            assert hashlib.sha256(there[file_id].read_bytes()).hexdigest() == checksum, f"{file_id} is corrupt"
    is_told_once(house)
    are_whole(house)
    if not house.settings.get("DATABASE_URL"):
        assert house.ask(sa.text("PRAGMA integrity_check")) == [("ok",)]
        assert house.ask(sa.text("PRAGMA foreign_key_check")) == []


def is_told_once(house: House) -> None:
    """Each job has ended, and was told of once if its end is one that is told."""
    told = Counter(row.job_id for row in house.ask(sa.select(Notification.job_id)))
    for job in house.ask(sa.select(TranscodeJob.id, TranscodeJob.status)):
        assert job.status not in BUSY, job
        assert told[job.id] == (job.status in TOLD), (job, told[job.id])


def are_whole(house: House) -> None:
    """Every rendition that is ready decodes to its length, and a FLAC to the samples of its original."""
    ready = (
        sa.select(Rendition.key, Rendition.seconds, Rendition.preset_name, AudioFile.key.label("original"))
        .join(AudioFile, AudioFile.id == Rendition.audio_file_id)
        .where(Rendition.status == JobStatus.COMPLETE)
    )
    for row in house.ask(ready):
        path, original = house.data_dir / row.key, house.data_dir / row.original
        assert abs(len(sounds.samples(path, rate=8000, channels=1)) / 8000 - row.seconds) < TOLERANCE_SECONDS, row
        if row.preset_name == "flac":
            assert sounds.samples(path) == sounds.samples(original), row


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 10)

"""What a worker does: claim a piece, make it, send the news, and keep what it holds alive meanwhile."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from webapp.db import db, writing
from webapp.errors import AppError, EncodeFailed, Stopped, StorageFull, StorageUnavailable
from webapp.extensions import encoder, storage
from webapp.models import AudioFile, Waveform
from webapp.models.measurement import ORIGINAL
from webapp.news import UNTAGGED, JobEvent, JobStatus
from webapp.ports import Peaks
from webapp.services import changes, claims, jobs, measurements, renditions, retagging, tagging, taggings

log = logging.getLogger(__name__)

BEAT_SECONDS = 2.0
# How soon a canceled or deleted piece is let go of: "within a second" is what the user is promised.
LOOK_SECONDS = 0.3
# More often would be more writing than anybody can read: a busy page asks once a second.
TELL_SECONDS = 1.0


class Bench:
    """The pieces that this worker holds at the moment. One for each worker process."""

    def __init__(self) -> None:
        self.is_closing = threading.Event()
        self._held: dict[str, threading.Event] = {}
        self._idle_work: set[str] = set()
        """Those of them that make room for whatever somebody waits for."""
        self._lock = threading.Lock()
        self._last_beat = 0.0

    def do_next(self) -> bool:
        """Do the piece whose turn it is; False if there is none, or the worker is closing.

        Also False when the storage does not answer: the piece waits, and is not tried again before somebody is woken.
        An error that is a bug of ours flies: the try is then let go of, and taken over when its lease has run out.
        """
        if self.is_closing.is_set():
            return False
        claim = claims.take()
        if claim is None:
            return False
        with self._holding(claim) as stop:
            try:
                _make(claim, stop)
            except Stopped:
                if self.is_closing.is_set() or claim.measures:
                    claims.give_back(claim.token)
            except AppError as exc:
                if isinstance(exc, StorageUnavailable) and claims.put_off(claim.token):
                    log.warning("file %s: the storage does not answer, will try again", claim.file_id)
                    return False
                _fail(claim, exc)
        return True

    def tend(self) -> None:
        """Beat for what is held, and stop what is not ours any more. To be called every LOOK_SECONDS."""
        with self._lock:
            held = dict(self._held)
        if not held:
            return
        if time.monotonic() - self._last_beat >= BEAT_SECONDS:
            claims.beat(held)
            self._last_beat = time.monotonic()
        for token in held.keys() - claims.held(held):
            held[token].set()
        if self._idle_work & held.keys() and measurements.are_in_the_way():
            for token in self._idle_work & held.keys():
                held[token].set()

    def holds(self, token: str) -> bool:
        """Whether this worker is at work on that try at the moment."""
        with self._lock:
            return token in self._held

    def close(self) -> None:
        """Take nothing more, and stop what is under way so that it is given back."""
        self.is_closing.set()
        with self._lock:
            for stop in self._held.values():
                stop.set()

    @contextmanager
    def _holding(self, claim: claims.Claim) -> Iterator[threading.Event]:
        token, stop = claim.token, threading.Event()
        with self._lock:
            self._held[token] = stop
            if claim.measures:
                self._idle_work.add(token)
        if self.is_closing.is_set():
            stop.set()
        try:
            yield stop
        finally:
            with self._lock:
                del self._held[token]
                self._idle_work.discard(token)


def _make(claim: claims.Claim, stop: threading.Event) -> None:
    if claim.is_of_tags:
        retagging.retag(claim, stop)
        return
    if claim.measures:
        with storage.on_disk(claim.source, stop) as source, storage.workspace() as folder:
            is_original = claim.measures == ORIGINAL
            measured = encoder.measure(source, folder, claim.facts, with_picture=is_original, stop=stop)
        measurements.keep(claim.file_id, claim.token, claim.measures, measured)
        return
    if claim.preset is None:
        with storage.on_disk(claim.source, stop) as source:
            with suppress(StorageFull):  # for a cover; whoever writes tags reads them then
                tagging.read(claim.file_id, source, stop)
            _keep_outline(claim, encoder.peaks(source, claim.facts, stop=stop))
        return
    _tell(claim, JobStatus.PROGRESSING)
    with storage.on_disk(claim.source, stop) as source, storage.workspace() as folder:
        target = folder / f"rendition.{claim.preset.extension}"
        output = encoder.encode(
            source, target, claim.preset, claim.facts, on_progress=_paced(claim), stop=stop
        )  # fmt: skip
        tagged, version = _dressed(claim, source, target, stop)
        output = replace(output, size=tagged.stat().st_size, tags_version=version)
        storage.put_file(claim.target, tagged, stop)
    if not _tell(claim, JobStatus.COMPLETE, output=output) and not renditions.is_wanted(claim.target):
        storage.delete(claim.target)  # its file was deleted, or it was canceled, at the last moment


def _dressed(claim: claims.Claim, source: Path, plain: Path, stop: threading.Event) -> tuple[Path, int]:
    """What was made, with its tags and which they are; without them if there is no room now. They are written later."""
    try:
        tagging.read(claim.file_id, source, stop)
        return tagging.dressed(claim.file_id, plain, stop, folder=plain.parent)
    except StorageFull:
        log.warning("file %s: no room for tags in %s, will try again", claim.file_id, plain.suffix)
        return plain, UNTAGGED


def _fail(claim: claims.Claim, exc: AppError) -> None:
    if claim.is_of_tags and isinstance(exc, StorageFull):
        log.warning("file %s: no room for its tags, will try again", claim.file_id)
        taggings.put_off(claim.token)
        return
    if claim.is_of_tags:
        log.warning("file %s: its tags could not be written: %s", claim.file_id, exc.message)
        with writing():
            taggings.give_up(claim.token)
        return
    if claim.measures:
        log.info("%s: cannot be measured: %s", claim.source, exc.message)
        measurements.keep(claim.file_id, claim.token, claim.measures, None)
        return
    if claim.preset is None:
        _end_outline(claim, JobStatus.ERROR)
        return
    detail = exc.detail if isinstance(exc, EncodeFailed) else ""
    # The encoder's last words may repeat what stands in the file: they are kept with the rendition, for its owner.
    log.warning("job %s: %s failed: %s", claim.job_id, claim.preset.name, exc.message)
    _tell(claim, JobStatus.ERROR, error=exc.message, detail=detail)


def _tell(claim: claims.Claim, status: JobStatus, **news: object) -> bool:
    assert claim.job_id is not None and claim.preset is not None  # noqa: S101, PT018
    return jobs.record(JobEvent(claim.job_id, status, claim.preset.name, token=claim.token, **news))  # type: ignore[arg-type]


def _paced(claim: claims.Claim) -> Callable[[float], None]:
    """Tells of progress, at most so often, and never at the price of the work itself."""
    told = time.monotonic()

    def on_progress(percent: float) -> None:
        nonlocal told
        if time.monotonic() - told < TELL_SECONDS:
            return
        told = time.monotonic()
        try:
            _tell(claim, JobStatus.PROGRESSING, percent=percent)
        except OperationalError as exc:
            log.warning("job %s: progress not told (%s)", claim.job_id, exc.__class__.__name__)

    return on_progress


def _keep_outline(claim: claims.Claim, peaks: Peaks) -> None:
    _end_outline(claim, JobStatus.COMPLETE, bars=peaks.bars, seconds=peaks.seconds)


def _end_outline(
    claim: claims.Claim, status: JobStatus, *, bars: bytes | None = None, seconds: float | None = None
) -> None:
    with writing():
        owner_id = db.session.scalar(sa.select(AudioFile.owner_id).where(AudioFile.id == claim.file_id))
        if owner_id is None:
            return
        changes.lock(owner_id)
        mine = (Waveform.audio_file_id == claim.file_id, Waveform.token == claim.token)
        done = sa.update(Waveform).where(*mine).values(status=status, bars=bars, token=None)
        if db.session.scalar(done.returning(Waveform.audio_file_id)) is None:
            return
        if seconds is not None and not renditions.is_cut_short(claim.facts.seconds, seconds):
            db.session.execute(sa.update(AudioFile).where(AudioFile.id == claim.file_id).values(seconds=seconds))
        changes.made(owner_id, claim.file_id)

"""How loud each version of a sound is: asked for when a job has ended, found when nothing else is to be done."""

import uuid
from dataclasses import dataclass

import sqlalchemy as sa

from webapp.adapters.transcoders import command
from webapp.db import db, writing
from webapp.extensions import transcoder
from webapp.models import AudioFile, Measurement, Rendition, Tagging, Waveform
from webapp.models.measurement import ORIGINAL
from webapp.news import JobStatus
from webapp.ports import Facts, Measured
from webapp.services import changes


@dataclass(frozen=True)
class Version:
    """What is to be measured next, in plain values."""

    name: str
    key: str
    facts: Facts


def want(file_id: uuid.UUID) -> None:
    """Ask, without committing, that what is not measured yet is. Where others convert, workers of ours do not."""
    if not transcoder.is_ours:
        return
    known = db.session.get(Measurement, file_id, populate_existing=True)
    if known is None:
        db.session.add(Measurement(audio_file_id=file_id))
    elif known.status is not JobStatus.PROGRESSING:
        known.status, known.tries = JobStatus.CREATED, 0


def unmeasured(file: AudioFile) -> Version | None:
    """The first version of the file that has not been measured, if there is one."""
    found = file.measurement.found if file.measurement else {}
    if ORIGINAL not in found:
        return Version(ORIGINAL, file.key, file.facts)
    for rendition in file.ready:
        if rendition.preset_name not in found:
            return Version(rendition.preset_name, rendition.key, _facts(rendition))
    return None


def keep(file_id: uuid.UUID, token: str, name: str, measured: Measured | None) -> None:
    """Note what was found of a version, or that nothing was, if this try still stands; what is left waits its turn."""
    with writing():
        owner_id = db.session.scalar(sa.select(AudioFile.owner_id).where(AudioFile.id == file_id))
        if owner_id is None:
            return
        changes.lock(owner_id)
        known = db.session.get(Measurement, file_id, populate_existing=True)
        if known is None or known.token != token:
            return
        file = db.session.get_one(AudioFile, file_id, populate_existing=True)
        known.found = known.found | {each: measured.numbers if measured else {} for each in (name, *_same(file, name))}
        if measured and measured.picture:
            known.spectrum = measured.picture
        known.token, known.tries = None, 0
        known.status = JobStatus.SUBMITTED if unmeasured(file) else JobStatus.COMPLETE
        db.session.flush()
        changes.made(owner_id, file_id)


def are_in_the_way() -> bool:
    """Whether anything waits that somebody waits for: then measuring has to."""
    waiting = (sa.exists().where(piece.status.in_(piece.waits_as)) for piece in (Rendition, Tagging, Waveform))
    found = bool(db.session.scalar(sa.select(sa.or_(*waiting))))
    db.session.rollback()
    return found


def _same(file: AudioFile, name: str) -> list[str]:
    """The renditions that hold the very samples of the original: what is true of it is true of them."""
    if name != ORIGINAL:
        return []
    form = (file.sample_rate, file.channels)
    return [
        r.preset_name
        for r in file.ready
        if r.preset.lossless
        and r.preset.is_faithful
        and file.bit_depth
        and (r.sample_rate, r.channels) == form
        and (command.shape(r.preset, file.facts).bit_depth or 0) >= file.bit_depth
    ]


def _facts(rendition: Rendition) -> Facts:
    preset, file = rendition.preset, rendition.audio_file
    return Facts(
        container=preset.container_name,
        codec=preset.codec,
        sample_rate=rendition.sample_rate or file.sample_rate,
        channels=rendition.channels or file.channels,
        seconds=rendition.seconds,
    )

"""All that is ready of some files as one archive, under names that people would give."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from functools import partial
from itertools import chain

from webapp.db import db, utcnow
from webapp.errors import NotFound
from webapp.extensions import storage
from webapp.filenames import distinct, plain
from webapp.models import AudioFile, Rendition, Tagging
from webapp.news import JobStatus
from webapp.presets import Preset
from webapp.services.zipping import Entry


@dataclass(frozen=True)
class Archive:
    """What is in it, and what of these files is not."""

    name: str
    entries: Sequence[Entry]
    missing: Sequence[tuple[str, str, JobStatus]]
    """For each rendition that is not there: its file's name, its preset, and where it stands."""


def of(files: Sequence[AudioFile], zone: tzinfo, label: Callable[[Preset], str]) -> Archive:
    """The ready renditions of these files, with times as in this zone. Raises NotFound if nothing is ready.

    `label` says what a preset is called.

    No transaction is open afterwards: the storage is asked next, for as long as the download lasts.
    """
    ready = list(chain.from_iterable(file.ready for file in files))
    if not ready:
        raise NotFound
    missing = [
        (file.name, rendition.preset_name, rendition.status)
        for file in files
        for rendition in file.in_order
        if not rendition.is_ready
    ]
    now = utcnow()
    # Of these the database may not know the length that they have now.
    unsettled = set(db.session.scalars(Tagging.unsettled([file.id for file in files])))
    found = [
        (each.key, None if each.audio_file_id in unsettled else each.size, each.finished_at or now) for each in ready
    ]
    names = _names(files, ready, label)
    name = plain(title_of(files[0].tags) or files[0].stem) if len(files) == 1 else "Tapedeck"
    db.session.rollback()
    entries = [
        Entry(name, storage.size(key) if size is None else size, at.astimezone(zone), partial(storage.read, key))
        for name, (key, size, at) in zip(names, found, strict=True)
    ]
    return Archive(name, entries, missing)


def title_of(tags: Mapping[str, str]) -> str:
    """Artist - Title, as far as the tags tell; nothing if they do not even tell the title."""
    artist, title = tags.get("artist", ""), tags.get("title", "")
    return f"{artist} - {title}" if artist and title else title


def _names(files: Sequence[AudioFile], renditions: Iterable[Rendition], label: Callable[[Preset], str]) -> list[str]:
    """A folder for each format if there are several files; else the format is told where the ending does not do so."""
    renditions = list(renditions)
    endings = Counter(rendition.preset.extension for rendition in renditions)
    formats = {rendition.preset_name for rendition in renditions}
    stems = {file.id: title_of(file.tags) or file.stem for file in files}
    names = []
    for rendition in renditions:
        preset, stem = rendition.preset, plain(stems[rendition.audio_file_id])
        if len(files) == 1 and endings[preset.extension] > 1:
            stem = f"{stem} ({plain(label(preset))})"
        folder = f"{plain(label(preset))}/" if len(files) > 1 and len(formats) > 1 else ""
        names.append(f"{folder}{stem}.{preset.extension}")
    return distinct(names)

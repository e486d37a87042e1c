"""Covers: objects beside the originals, one for each file at most."""

import secrets
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from webapp.adapters.tags import pictures
from webapp.errors import ObjectMissing, Refused
from webapp.extensions import storage
from webapp.tags import Picture


def key(owner_id: int, file_id: uuid.UUID, picture: Picture) -> str:
    """Where a cover is kept: a new place for each, so that what is at one never changes."""
    return f"media/{owner_id}/{file_id}/{secrets.token_urlsafe(16)}.{picture.extension}"


@contextmanager
def kept(owner_id: int, file_id: uuid.UUID, picture: Picture | None) -> Iterator[str | None]:
    """The key at which the picture has been put, for a row to know at the end of the context; None for no picture."""
    if picture is None:
        yield None
        return
    place = key(owner_id, file_id, picture)
    with storage.arriving(place):
        storage.put(place, [picture.content])
        try:
            yield place
        except BaseException:
            storage.delete(place)
            raise


def fetch(place: str | None) -> Picture | None:
    """The cover that is kept there. None if there is none any more. Raises StorageUnavailable."""
    if place is None:
        return None
    try:
        with storage.on_disk(place) as path:
            return pictures.look(path.read_bytes())
    except (ObjectMissing, Refused):
        return None

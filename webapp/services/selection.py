"""What is done with several files at once."""

import uuid
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress

from webapp.errors import AppError, NotFound, Refused, TooMuchWaiting, Unavailable
from webapp.models import AudioFile, User
from webapp.services import jobs, library
from webapp.words import N_

MOST_FILES = 1000
DEEDS: Mapping[str, Callable[[User, uuid.UUID], None]] = {
    "retry": jobs.retry,
    "cancel": jobs.cancel,
    "delete": library.delete,
}


def do(deed: str, user: User, file_ids: Collection[uuid.UUID]) -> list[str]:
    """Do it with those of the files with which it can be done, and return their names.

    What is not there, or is another's, is left out. Each file stands alone. Raises Refused for too many at once, and
    Unavailable or TooMuchWaiting if it could be done with none.
    """
    chosen = [(file.id, file.name) for file in of(user, file_ids) if _is_possible(deed, file)]
    done: list[str] = []
    trouble: AppError | None = None
    for file_id, name in chosen:
        try:
            DEEDS[deed](user, file_id)
        except NotFound:  # it has gone in the meantime
            continue
        except (Unavailable, TooMuchWaiting) as exc:
            trouble = exc
        else:
            done.append(name)
    if trouble and not done:
        raise trouble
    return done


def of(user: User, file_ids: Collection[uuid.UUID]) -> list[AudioFile]:
    """Those of the files that are there and are the user's. Raises Refused for too many at once."""
    if len(file_ids) > MOST_FILES:
        raise Refused(N_("That is too much at once. Select at most {count} files."), count=MOST_FILES)
    return list(library.several(user, file_ids))


def ids(texts: Iterable[str]) -> list[uuid.UUID]:
    """The files that are selected; what is no id is left out like what is not there."""
    found = []
    for text in dict.fromkeys(texts):
        with suppress(ValueError):
            found.append(uuid.UUID(text))
    return found


def _is_possible(deed: str, file: AudioFile) -> bool:
    if deed == "retry":
        return bool(file.unready) and not file.is_busy
    return deed != "cancel" or file.is_busy

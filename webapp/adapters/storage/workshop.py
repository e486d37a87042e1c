"""The folder of this machine in which things are made before they are kept, and notes of what is on its way."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from webapp.adapters.storage import files

# Of a note that names the key of an object on its way in.
ARRIVING = ".arriving"


class Workshop:
    """Half-made things in root/work, notes in root/incoming. What a dead process has left there nobody locks."""

    def __init__(self, root: Path) -> None:
        self.incoming = root / "incoming"
        self.work = root / "work"
        with files.in_our_words():
            for folder in (self.incoming, self.work):
                folder.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def arriving(self, key: str) -> Iterator[None]:
        """See `ports.Storage`."""
        with files.new_file(self.incoming, ending=ARRIVING) as (fd, _):
            with files.in_our_words():
                files.write_at(fd, key.encode(), 0)
            yield

    def abandoned(self) -> Iterator[str]:
        """See `ports.Storage`."""
        with files.in_our_words():
            notes = files.abandoned(self.incoming, ARRIVING)
        for note in notes:
            # One that says nothing was made by a process that had not put anything yet, or another sweep has done it.
            if key := files.read_note(note):
                yield key
            note.unlink(missing_ok=True)

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """An empty folder that is gone at the end, with all that is in it."""
        with files.new_folder(self.work) as folder:
            try:
                yield folder
            finally:
                files.discard(folder)

    def sweep(self, *, keep: tuple[str, ...] = ()) -> int:
        """Remove what dead processes left, but for names with these endings, and return how many things there were."""
        with files.in_our_words():
            return files.sweep(self.incoming, keep=(ARRIVING, *keep)) + files.sweep(self.work)

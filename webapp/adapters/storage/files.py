"""What a file system must be asked for so that a file is there wholly or not at all, power cuts included."""

import ctypes
import errno
import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from webapp.errors import AppError, StorageFull, StorageUnavailable

FULL = (errno.ENOSPC, errno.EDQUOT)
# What file systems say that cannot set room aside.
UNABLE = (errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)
_libc = ctypes.CDLL(None, use_errno=True)

# A delete may take the folder away between our making it and our using it. Each try is lost to another delete only.
TRIES = 100


@contextmanager
def in_our_words(*, missing: type[AppError] = StorageUnavailable) -> Iterator[None]:
    """Turn what the system raises into errors of ours. Never to be put around code of the caller's."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as exc:
        raise missing from exc
    except OSError as exc:
        raise (StorageFull if exc.errno in FULL else StorageUnavailable) from exc


@contextmanager
def locked(path: Path, how: int = fcntl.LOCK_EX) -> Iterator[None]:
    """Hold a lock on a file or folder. The system lets go of it when the process dies, however it dies."""
    fd = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(fd, how)
        yield
    finally:
        os.close(fd)


@contextmanager
def new_file(folder: Path, *, ending: str = "") -> Iterator[tuple[int, Path]]:
    """A new file, held by a lock and open for writing. What is still under its name at the end is removed."""
    path = folder / f"{secrets.token_hex(16)}{ending}"
    with in_our_words(), locked(folder, fcntl.LOCK_SH):
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        fcntl.flock(fd, fcntl.LOCK_EX)
    try:
        yield fd, path
    finally:
        path.unlink(missing_ok=True)
        os.close(fd)


@contextmanager
def new_folder(parent: Path) -> Iterator[Path]:
    """A new folder, held by a lock as long as the context is open. It is not removed."""
    folder = parent / secrets.token_hex(16)
    with in_our_words(), locked(parent, fcntl.LOCK_SH):
        folder.mkdir()
        fd = os.open(folder, os.O_RDONLY)
        fcntl.flock(fd, fcntl.LOCK_EX)
    try:
        yield folder
    finally:
        os.close(fd)


def write_at(fd: int, chunk: bytes, offset: int) -> None:
    """Write the whole chunk at its place."""
    view = memoryview(chunk)
    while view:
        written = os.pwrite(fd, view, offset)
        view, offset = view[written:], offset + written


def reserve(fd: int, size: int) -> None:
    """Make the file so long, and its room on the disk its own, as far as the system can (fallocate(2) of Linux).

    Not os.posix_fallocate: where the file system cannot do it, that writes all of the file.
    """
    os.ftruncate(fd, size)
    allocate = getattr(_libc, "fallocate64", None) or getattr(_libc, "fallocate", None)
    if allocate and allocate(fd, 0, ctypes.c_int64(0), ctypes.c_int64(size)):
        number = ctypes.get_errno()
        if number not in UNABLE:
            raise OSError(number, os.strerror(number))


def write_note(path: Path, text: str) -> None:
    """Write a small file that is there wholly or not at all."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    try:
        draft.write_text(text)
        sync(draft)
        draft.replace(path)
        sync(path.parent)
    finally:
        draft.unlink(missing_ok=True)


def read_note(path: Path) -> str:
    """What is in a small file; nothing if another process has removed it meanwhile."""
    with in_our_words(), suppress(FileNotFoundError):
        return path.read_text()
    return ""


def sync(path: Path) -> None:
    """Return when the file, or the list of a folder's names, is on the disk."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def place(source: Path, target: Path, top: Path) -> None:
    """Move a finished file to its name below top, at once and durably. The file's age begins anew."""
    os.utime(source)
    sync(source)
    try:
        _rename(source, target)
    except OSError:
        prune(target.parent, top)
        raise
    try:
        _sync_up(target.parent, top)
    except OSError:
        remove(target, top)
        raise


def _sync_up(folder: Path, top: Path) -> None:
    with suppress(FileNotFoundError):  # the object has been deleted already, and its folders with it
        sync(folder)
    if folder != top:
        _sync_up(folder.parent, top)


def _rename(source: Path, target: Path) -> None:
    for left in reversed(range(TRIES)):
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            source.replace(target)
        except (FileNotFoundError, FileExistsError):
            if not left:
                raise
        else:
            return


def remove(path: Path, top: Path) -> None:
    """Remove a file and the folders below top that it leaves empty. Doing it twice is no error."""
    path.unlink(missing_ok=True)
    prune(path.parent, top)


def prune(folder: Path, top: Path) -> None:
    """Remove the folder and those above it, up to top, as far as they are empty."""
    while folder != top:
        try:
            folder.rmdir()
        except FileNotFoundError:
            pass
        except OSError:
            return
        folder = folder.parent


def sweep(folder: Path, *, keep: tuple[str, ...] = ()) -> int:
    """Remove what nobody holds a lock on, but for names with one of these endings, and return how much that was."""
    # Things are made and locked under a shared lock of the folder: one without a lock has no living owner.
    with locked(folder):
        dead = [path for path in folder.iterdir() if path.suffix not in keep and _is_abandoned(path)]
        for path in dead:
            discard(path)
    return len(dead)


def abandoned(folder: Path, ending: str) -> list[Path]:
    """The files with this ending that nobody holds a lock on."""
    with locked(folder):
        return [path for path in folder.iterdir() if path.suffix == ending and _is_abandoned(path)]


def _is_abandoned(path: Path) -> bool:
    with suppress(FileNotFoundError, BlockingIOError), locked(path, fcntl.LOCK_EX | fcntl.LOCK_NB):
        return True
    return False


def discard(path: Path) -> None:
    """Remove a file, or a folder with all that is in it. What cannot be removed is left for the next sweep."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)

"""Every storage keeps the same promises; the local one keeps them when processes die and disks fill up too.

What only S3 does is in test_s3.
"""

import contextlib
import errno
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from tests import disks
from tests.fakes import MemoryStorage
from webapp.adapters.storage import files, s3_uploads
from webapp.adapters.storage import local as local_storage
from webapp.adapters.storage.local import LocalStorage
from webapp.adapters.storage.s3 import S3Storage
from webapp.errors import ObjectMissing, StorageFull, StorageUnavailable, TooLarge
from webapp.objects import Storage

KEY = "media/1/8b1d/original.wav"
OTHER_KEY = "transcoded/1/8b1d/flac.flac"
PART_SIZE = 4
REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(params=["local", "memory", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "s3":
        request.getfixturevalue("short_parts")
        s3: S3Storage = request.getfixturevalue("s3")
        return s3
    return LocalStorage(tmp_path) if request.param == "local" else MemoryStorage()


@pytest.fixture(params=["local", "memory"])
def own(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    """One that sees the bytes of each part, and knows how long it may be."""
    return LocalStorage(tmp_path) if request.param == "local" else MemoryStorage()


@pytest.fixture
def time_passes(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """To be called for what S3 does not tell at once."""
    return lambda: monkeypatch.setattr(s3_uploads, "HALF_BEGUN_SECONDS", -1.0)


@pytest.fixture
def local(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path)


def content(storage: Storage, key: str) -> bytes:
    with storage.on_disk(key) as path:
        return path.read_bytes()


def keys(storage: Storage) -> set[str]:
    return set(dict(storage.keys()))


def files_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def folders_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_dir()}


def begun(storage: Storage, size: int = 1000, part_size: int = PART_SIZE) -> str:
    """The name of an upload for KEY."""
    with storage.begin(KEY, size, part_size) as upload:
        return upload


def completed(storage: Storage, upload: str) -> int:
    """The size of what the parts that are here make together."""
    return storage.complete(KEY, upload, storage.parts(KEY, upload))


def cut_off(*chunks: bytes) -> Iterator[bytes]:
    yield from chunks
    raise ConnectionResetError(errno.ECONNRESET, "the client went away")


# Whole objects


def test_what_was_put_is_there(storage: Storage) -> None:
    size = storage.put(KEY, [b"one ", b"", b"two"])

    assert size == storage.size(KEY) == 7
    assert content(storage, KEY) == b"one two"
    assert keys(storage) == {KEY}


def test_an_object_of_no_bytes_is_an_object(storage: Storage) -> None:
    assert storage.put(KEY, []) == 0
    assert content(storage, KEY) == b""


def test_putting_again_replaces(storage: Storage) -> None:
    storage.put(KEY, [b"longer than new"])
    storage.put(KEY, [b"new"])

    assert content(storage, KEY) == b"new"


def test_a_cut_off_leaves_nothing_and_is_told_as_it_is(storage: Storage) -> None:
    with pytest.raises(ConnectionResetError):
        storage.put(KEY, cut_off(b"half"))

    assert keys(storage) == set()


def test_a_cut_off_leaves_the_earlier_object_as_it_was(storage: Storage) -> None:
    storage.put(KEY, [b"earlier"])

    with pytest.raises(ConnectionResetError):
        storage.put(KEY, cut_off(b"half"))

    assert content(storage, KEY) == b"earlier"


def test_a_file_of_the_workspace_is_moved_into_place(storage: Storage) -> None:
    with storage.workspace() as folder:
        (folder / "out").write_bytes(b"sound")
        storage.put_file(OTHER_KEY, folder / "out")
        assert not (folder / "out").exists()

    assert content(storage, OTHER_KEY) == b"sound"


def test_a_workspace_is_gone_with_all_that_is_in_it(storage: Storage) -> None:
    with storage.workspace() as folder:
        assert list(folder.iterdir()) == []
        (folder / "deep" / "er").mkdir(parents=True)
        (folder / "deep" / "er" / "out").write_bytes(b"sound")

    assert not folder.exists()


def test_a_workspace_is_gone_after_an_error_too(storage: Storage) -> None:
    with pytest.raises(FileNotFoundError), storage.workspace() as folder:
        (folder / "missing").read_bytes()

    assert not folder.exists()


def test_two_workspaces_are_two(storage: Storage) -> None:
    with storage.workspace() as one, storage.workspace() as other:
        assert one != other


def test_a_deleted_object_is_missing(storage: Storage) -> None:
    storage.put(KEY, [b"x"])
    storage.delete(KEY)

    assert keys(storage) == set()
    with pytest.raises(ObjectMissing):
        storage.size(KEY)
    with pytest.raises(ObjectMissing):
        storage.locate(KEY, filename="x.wav", media_type="audio/wav")
    with pytest.raises(ObjectMissing), storage.on_disk(KEY):
        pass


def test_deleting_twice_is_no_error(storage: Storage) -> None:
    storage.put(KEY, [b"x"])
    storage.delete(KEY)
    storage.delete(KEY)


def test_an_object_is_located_as_a_file(own: Storage) -> None:
    own.put(KEY, [b"sound"])

    found = own.locate(KEY, filename="x.wav", media_type="audio/wav")

    assert Path(found).read_bytes() == b"sound"


def test_a_new_object_has_no_age(storage: Storage) -> None:
    storage.put(KEY, [b"x"])
    storage.put(OTHER_KEY, [b"x"])

    ages = dict(storage.keys())

    assert ages.keys() == {KEY, OTHER_KEY}
    assert all(0 <= age < 60 for age in ages.values())


def test_a_storage_that_works_says_so(storage: Storage) -> None:
    storage.check()

    assert keys(storage) == set()
    assert storage.sweep() == 0


# Objects in parts


def test_parts_in_any_order_make_one_object(storage: Storage) -> None:
    upload = begun(storage)
    storage.put_part(KEY, upload, 3, [b"c"])
    storage.put_part(KEY, upload, 1, [b"aa", b"aa"])
    storage.put_part(KEY, upload, 2, [b"bbbb"])

    assert completed(storage, upload) == 9
    assert content(storage, KEY) == b"aaaabbbbc"
    assert storage.sweep() == 0


def test_an_upload_is_no_object_until_it_is_complete(storage: Storage) -> None:
    upload = begun(storage)
    storage.put_part(KEY, upload, 1, [b"aaaa"])

    assert keys(storage) == set()
    with pytest.raises(ObjectMissing):
        storage.size(KEY)


def test_the_parts_that_are_here_are_listed_by_number(storage: Storage) -> None:
    upload = begun(storage)
    second = storage.put_part(KEY, upload, 2, [b"bb"])
    first = storage.put_part(KEY, upload, 1, [b"aaaa"])

    assert storage.parts(KEY, upload) == [first, second]
    assert (first.size, second.size) == (4, 2)
    assert first.etag != second.etag


def test_a_part_that_comes_twice_counts_once_and_the_last_one_counts(storage: Storage) -> None:
    upload = begun(storage)
    storage.put_part(KEY, upload, 1, [b"wxyz"])
    again = storage.put_part(KEY, upload, 1, [b"ab"])

    assert storage.parts(KEY, upload) == [again]
    assert completed(storage, upload) == 2
    assert content(storage, KEY) == b"ab"


def test_a_part_that_is_too_long_does_not_count_and_spares_its_neighbour(own: Storage) -> None:
    upload = begun(own)
    own.put_part(KEY, upload, 2, [b"bbbb"])

    with pytest.raises(TooLarge):
        own.put_part(KEY, upload, 1, [b"aa", b"aaa"])
    with pytest.raises(TooLarge):
        own.put_part(KEY, upload, 1, [b"aaaaa"])

    assert [part.number for part in own.parts(KEY, upload)] == [2]
    own.put_part(KEY, upload, 1, [b"aaaa"])
    completed(own, upload)
    assert content(own, KEY) == b"aaaabbbb"


def test_a_part_that_was_cut_off_does_not_count(storage: Storage) -> None:
    upload = begun(storage)

    with pytest.raises(ConnectionResetError):
        storage.put_part(KEY, upload, 1, cut_off(b"aa"))

    assert storage.parts(KEY, upload) == []


def test_a_part_that_is_sent_again_and_cut_off_does_not_count_any_more(own: Storage) -> None:
    upload = begun(own)
    own.put_part(KEY, upload, 1, [b"aaaa"])

    with pytest.raises(ConnectionResetError):
        own.put_part(KEY, upload, 1, cut_off(b"xx"))

    assert own.parts(KEY, upload) == []


@pytest.mark.parametrize(
    "parts",
    [{}, {2: b"bbbb"}, {1: b"aaaa", 3: b"c"}, {1: b"aaa", 2: b"bb"}],
    ids=["none", "the first", "one between", "the end of one between"],
)
def test_an_upload_with_a_gap_is_not_completed(storage: Storage, parts: dict[int, bytes]) -> None:
    upload = begun(storage)
    for number, chunk in parts.items():
        storage.put_part(KEY, upload, number, [chunk])

    with pytest.raises(ObjectMissing):
        completed(storage, upload)

    assert keys(storage) == set()
    assert [part.number for part in storage.parts(KEY, upload)] == list(parts)


def test_a_completed_upload_is_closed(storage: Storage) -> None:
    upload = begun(storage)
    storage.put_part(KEY, upload, 1, [b"aaaa"])
    completed(storage, upload)

    with pytest.raises(ObjectMissing):
        completed(storage, upload)
    with pytest.raises(ObjectMissing):
        storage.put_part(KEY, upload, 1, [b"zzzz"])
    storage.abort(KEY, upload)
    assert content(storage, KEY) == b"aaaa"


def test_an_aborted_upload_is_forgotten(storage: Storage) -> None:
    upload = begun(storage)
    storage.put_part(KEY, upload, 1, [b"aaaa"])

    storage.abort(KEY, upload)
    storage.abort(KEY, upload)

    with pytest.raises(ObjectMissing):
        storage.parts(KEY, upload)
    with pytest.raises(ObjectMissing):
        completed(storage, upload)


def test_an_upload_belongs_to_its_key(own: Storage) -> None:
    upload = begun(own)

    own.abort(OTHER_KEY, upload)

    with pytest.raises(ObjectMissing):
        own.put_part(OTHER_KEY, upload, 1, [b"aaaa"])
    assert own.parts(KEY, upload) == []


def test_an_upload_that_is_aborted_while_a_part_comes_takes_no_more(storage: Storage) -> None:
    upload = begun(storage)

    def chunks() -> Iterator[bytes]:
        yield b"aa"
        storage.abort(KEY, upload)
        yield b"aa"

    with pytest.raises(ObjectMissing):
        storage.put_part(KEY, upload, 1, chunks())


def test_an_upload_whose_beginning_failed_is_none(storage: Storage, time_passes: Callable[[], None]) -> None:
    with pytest.raises(ConnectionResetError), storage.begin(KEY, 10, PART_SIZE):
        raise ConnectionResetError

    time_passes()
    assert list(storage.uploads()) == []
    assert storage.sweep() == 0


def test_open_uploads_are_listed_once_their_beginning_has_ended(
    storage: Storage, time_passes: Callable[[], None]
) -> None:
    with storage.begin(KEY, 10, PART_SIZE) as upload:
        assert list(storage.uploads()) == []

    time_passes()
    assert list(storage.uploads()) == [(KEY, upload)]
    storage.abort(KEY, upload)
    assert list(storage.uploads()) == []


def test_an_object_is_made_of_just_the_parts_that_are_named(storage: Storage) -> None:
    upload = begun(storage)
    storage.put_part(KEY, upload, 1, [b"aaaa"])
    seen = storage.parts(KEY, upload)
    storage.put_part(KEY, upload, 1, [b"zzzz"])

    with pytest.raises(ObjectMissing):
        storage.complete(KEY, upload, seen)
    assert completed(storage, upload) == 4


def test_the_sha256_of_a_part_is_told(own: Storage) -> None:
    upload = begun(own)

    part = own.put_part(KEY, upload, 1, [b"aa", b"aa"])

    assert part.sha256 == hashlib.sha256(b"aaaa").hexdigest()


def test_an_open_upload_is_not_swept(storage: Storage) -> None:
    upload = begun(storage)
    storage.put_part(KEY, upload, 1, [b"aa"])

    assert storage.sweep() == 0
    assert completed(storage, upload) == 2


# What only a disk can do


@pytest.mark.parametrize(
    "key",
    [
        "../secret",
        "media/../secret",
        "media/1/../../secret",
        "/etc/passwd",
        "media//etc/passwd",
        "media/./x",
        "media",
        "",
        "secret",
        "run/web.pid",
        "media/\0",
    ],
)
def test_a_key_that_climbs_is_never_followed(tmp_path: Path, key: str) -> None:
    (tmp_path / "secret").write_text("secret")
    local = LocalStorage(tmp_path)

    for deed in (
        lambda: local.put(key, [b"x"]),
        lambda: local.put_file(key, tmp_path / "secret"),
        lambda: local.begin(key, 10, PART_SIZE).__enter__(),
        lambda: local.size(key),
        lambda: local.delete(key),
        lambda: local.locate(key, filename="x", media_type="audio/wav"),
    ):
        with pytest.raises(ValueError, match=r"^"):
            deed()
    assert files_in(tmp_path) == {"secret"}


@pytest.mark.parametrize("name", ["../work", "", "x", "../incoming/" + "0" * 32])
def test_the_name_of_an_upload_is_never_followed_elsewhere(local: LocalStorage, name: str) -> None:
    with pytest.raises(ObjectMissing):
        local.put_part(KEY, name, 1, [b"x"])
    local.abort(KEY, name)


def test_a_part_before_the_first_is_refused(local: LocalStorage) -> None:
    upload = begun(local)

    with pytest.raises(ValueError, match="0"):
        local.put_part(KEY, upload, 0, [b"x"])


def test_deleting_takes_the_empty_folders_away(local: LocalStorage) -> None:
    local.put("media/1/a/x.wav", [b"x"])
    local.put("media/1/b/y.wav", [b"y"])

    local.delete("media/1/a/x.wav")
    assert folders_in(local.root / "media") == {"1", "1/b"}

    local.delete("media/1/b/y.wav")
    assert folders_in(local.root) == {"incoming", "work", "media", "transcoded"}


def test_a_put_that_races_with_deletes_in_its_folder_is_not_lost(local: LocalStorage) -> None:
    rounds = 150
    gone = threading.Event()

    def put_and_delete() -> None:
        while not gone.is_set():
            local.put("media/1/a/x.wav", [b"x"])
            local.delete("media/1/a/x.wav")

    others = [threading.Thread(target=put_and_delete) for _ in range(3)]
    for other in others:
        other.start()
    try:
        for number in range(rounds):
            key = f"media/1/a/{number}.wav"
            local.put(key, [b"kept"])
            assert local.size(key) == 4
            local.delete(key)
    finally:
        gone.set()
        for other in others:
            other.join()
    assert folders_in(local.root / "media") == set()


def test_what_else_lies_in_the_data_folder_is_no_object(local: LocalStorage) -> None:
    (local.root / "tapedeck.db").write_text("database")
    (local.root / "run").mkdir()
    (local.root / "run" / "web.pid").write_text("1")

    assert keys(local) == set()
    assert local.sweep() == 0
    assert files_in(local.root) == {"tapedeck.db", "run/web.pid"}


def test_the_age_of_an_object_begins_when_it_is_in_place(local: LocalStorage) -> None:
    with local.workspace() as folder:
        (folder / "out").write_bytes(b"sound")
        os.utime(folder / "out", (0, 0))
        local.put_file(KEY, folder / "out")

    assert dict(local.keys())[KEY] < 60


def test_completing_moves_and_does_not_copy(local: LocalStorage) -> None:
    upload = begun(local)
    local.put_part(KEY, upload, 1, [b"aaaa"])
    (written,) = local.incoming.glob("*/bytes")
    number = written.stat().st_ino

    completed(local, upload)

    assert local.locate(KEY, filename="", media_type="").stat().st_ino == number


def test_a_completion_that_died_after_the_move_is_brought_to_its_end(local: LocalStorage) -> None:
    upload = begun(local)
    local.put_part(KEY, upload, 1, [b"aa"])
    (written,) = local.incoming.glob("*/bytes")
    target = local.root / KEY
    target.parent.mkdir(parents=True)
    written.rename(target)
    os.truncate(target, 2)

    assert completed(local, upload) == 2
    assert content(local, KEY) == b"aa"
    assert list(local.incoming.iterdir()) == []


def test_a_part_that_is_sent_anew_takes_it_away_from_a_connection_that_hangs(local: LocalStorage) -> None:
    upload = begun(local)

    def hanging() -> Iterator[bytes]:
        yield b"ol"
        local.put_part(KEY, upload, 1, [b"new!"])
        yield b"d!"

    with pytest.raises(StorageUnavailable):
        local.put_part(KEY, upload, 1, hanging())

    assert [part.size for part in local.parts(KEY, upload)] == [4]
    completed(local, upload)
    assert content(local, KEY) == b"new!"


def test_an_object_does_not_change_once_it_is_complete(local: LocalStorage) -> None:
    upload = begun(local)
    local.put_part(KEY, upload, 1, [b"aaaa"])

    def late() -> Iterator[bytes]:
        yield b"zz"
        completed(local, upload)
        yield b"zz"

    with pytest.raises(ObjectMissing):
        local.put_part(KEY, upload, 2, late())
    assert content(local, KEY) == b"aaaa"


def test_many_parts_at_once_make_one_whole(local: LocalStorage) -> None:
    size, count = 10_000, 16
    whole = random.Random(1).randbytes(size * count - 1234)
    upload = begun(local, len(whole), size)

    def send(number: int) -> None:
        part = whole[(number - 1) * size : number * size]
        local.put_part(KEY, upload, number, (part[at : at + 999] for at in range(0, len(part), 999)))

    senders = [threading.Thread(target=send, args=[number]) for number in range(count, 0, -1)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()

    assert completed(local, upload) == len(whole)
    assert content(local, KEY) == whole


def test_a_data_folder_that_is_no_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "instance").write_text("a file")

    with pytest.raises(StorageUnavailable):
        LocalStorage(tmp_path / "instance")


def test_a_folder_that_has_gone_is_told(local: LocalStorage) -> None:
    shutil.rmtree(local.root)

    for deed in (local.check, local.sweep, local.free_bytes, lambda: local.put(KEY, [b"x"])):
        with pytest.raises(StorageUnavailable):
            deed()


def test_room_is_left_for_the_database(local: LocalStorage) -> None:
    free = shutil.disk_usage(local.root).free

    assert local.free_bytes() < free - 60 * 1024 * 1024


# A full disk


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder with room for a mebibyte."""
    with disks.mounted(tmp_path / "small", "1m") as folder:
        yield folder


def two_mebibytes() -> Iterable[bytes]:
    return (b"x" * 65536 for _ in range(32))


def used_bytes(folder: Path) -> int:
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())


def test_a_full_disk_keeps_nothing_of_the_object(small_disk: Path) -> None:
    local = LocalStorage(small_disk)
    local.put(OTHER_KEY, [b"earlier"])

    with pytest.raises(StorageFull):
        local.put(KEY, two_mebibytes())

    assert files_in(small_disk) == {OTHER_KEY}
    local.put(KEY, [b"x" * 500_000])


def test_an_upload_that_has_begun_finds_its_room_when_the_disk_has_been_filled_since(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_storage, "RESERVE_BYTES", 0)
    local = LocalStorage(small_disk)
    upload = begun(local, 600_000, 600_000)
    with pytest.raises(StorageFull):
        local.put(OTHER_KEY, two_mebibytes())

    with pytest.raises(StorageFull):
        begun(local, 600_000)

    local.put_part(KEY, upload, 1, [b"x" * 600_000])
    assert completed(local, upload) == 600_000


def test_an_aborted_upload_gives_its_space_back(small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_storage, "RESERVE_BYTES", 0)
    local = LocalStorage(small_disk)
    upload = begun(local, 900_000, 900_000)
    local.put_part(KEY, upload, 1, [b"x" * 900_000])

    local.abort(KEY, upload)

    assert local.put(KEY, [b"x" * 900_000]) == 900_000


def test_a_small_disk_has_no_room_beside_the_reserve(small_disk: Path) -> None:
    assert LocalStorage(small_disk).free_bytes() == 0


# Processes that die

WRITER = """
import sys
from pathlib import Path
from webapp.adapters.storage import files
from webapp.adapters.storage import local as local_storage
from webapp.adapters.storage.local import LocalStorage

local = LocalStorage(Path(sys.argv[1]))
key, deed = sys.argv[2:]

def chunks():
    yield b"half"
    print("writing", flush=True)
    sys.stdin.read()

if deed == "put":
    local.put(key, chunks())
elif deed == "put_part":
    with local.begin(key, 1000, 8) as upload:
        pass
    local.put_part(key, upload, 1, [b"complete"])
    print(upload, flush=True)
    local.put_part(key, upload, 2, chunks())
elif deed == "arriving":
    with local.arriving(key):
        local.put(key, [b"whole"])
        list(chunks())
else:
    with local.workspace() as folder:
        (folder / "out").write_bytes(b"half")
        list(chunks())
"""


@contextlib.contextmanager
def writer(root: Path, deed: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """Another process that stands in the midst of a deed, and what it has said."""
    command = [sys.executable, "-c", WRITER, str(root), KEY, deed]
    with subprocess.Popen(command, cwd=REPOSITORY, stdin=-1, stdout=-1, text=True) as process:
        try:
            assert process.stdout
            said = []
            while (line := process.stdout.readline().strip()) != "writing":
                assert line, "the writer died by itself"
                said.append(line)
            yield process, said
        finally:
            process.kill()


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()


@pytest.mark.parametrize("deed", ["put", "workspace"])
def test_a_live_writer_is_not_swept_and_a_dead_one_is(local: LocalStorage, deed: str) -> None:
    with writer(local.root, deed) as (process, _):
        assert local.sweep() == 0
        assert files_in(local.root) != set()

        kill(process)
        assert local.sweep() == 1

    assert files_in(local.root) == set()
    assert folders_in(local.root) == {"incoming", "work", "media", "transcoded"}


def test_an_object_whose_taker_died_before_it_was_told_of_is_named(local: LocalStorage) -> None:
    with writer(local.root, "arriving") as (process, _):
        assert list(local.abandoned()) == []

        kill(process)
        assert local.sweep() == 0
        assert list(local.abandoned()) == [KEY]

    assert list(local.abandoned()) == []
    assert list(local.incoming.iterdir()) == []
    assert content(local, KEY) == b"whole"


def test_two_sweeps_at_once_do_not_stumble_over_each_others_notes(local: LocalStorage) -> None:
    for name, key in (("a", KEY), ("b", OTHER_KEY)):
        (local.incoming / f"{name}.arriving").write_text(key)

    slow = local.abandoned()
    first = next(slow)
    fast = list(local.abandoned())

    assert sorted(fast) == sorted([KEY, OTHER_KEY])
    assert [first, *slow] == [first]


def test_an_object_that_is_told_of_is_named_by_nobody(local: LocalStorage) -> None:
    with local.arriving(KEY):
        local.put(KEY, [b"whole"])

    assert list(local.abandoned()) == []
    assert list(local.incoming.iterdir()) == []


def test_a_part_that_died_half_written_does_not_count_and_can_be_sent_again(local: LocalStorage) -> None:
    with writer(local.root, "put_part") as (process, [upload]):
        kill(process)

    assert local.sweep() == 0
    assert [part.number for part in local.parts(KEY, upload)] == [1]
    local.put_part(KEY, upload, 2, [b"ly"])
    completed(local, upload)
    assert content(local, KEY) == b"completely"


def test_what_an_interrupted_beginning_or_abort_left_is_swept(local: LocalStorage) -> None:
    upload = begun(local)
    local.put_part(KEY, upload, 1, [b"aaaa"])
    (folder,) = local.incoming.iterdir()
    folder.rename(folder.with_suffix(""))

    assert local.sweep() == 1
    assert list(local.incoming.iterdir()) == []


def test_nothing_is_made_while_a_sweep_looks(local: LocalStorage) -> None:
    began = threading.Event()

    def put() -> None:
        began.set()
        local.put(KEY, [b"x"])

    putting = threading.Thread(target=put)
    with files.locked(local.incoming):
        putting.start()
        began.wait()
        putting.join(0.1)
        assert list(local.incoming.iterdir()) == []
    putting.join()
    assert local.size(KEY) == 1


# --- Reading


def test_what_is_read_are_the_bytes_and_what_is_missing_is_told(storage: Storage) -> None:
    content = bytes(range(256)) * 9
    storage.put(KEY, [content])

    assert b"".join(storage.read(KEY)) == content
    with pytest.raises(ObjectMissing):
        next(storage.read(OTHER_KEY))


def test_a_download_that_is_given_up_leaves_no_file_open(local: LocalStorage) -> None:
    local.put(KEY, [b"sound"])
    before = open_files()

    reading = local.read(KEY)
    next(reading)
    assert open_files() > before
    reading.close()  # type: ignore[attr-defined]

    assert open_files() == before


def open_files() -> int:
    """How many this process holds open."""
    return len(list(Path("/dev/fd").iterdir()))

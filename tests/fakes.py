"""The outside world in memory. Each fake passes the same tests as the real thing."""

import hashlib
import itertools
import json
import shutil
import tempfile
import threading
import weakref
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from webapp.adapters.storage import keys
from webapp.errors import (
    LettersUnavailable,
    NotAudio,
    ObjectMissing,
    Stopped,
    StorageFull,
    StorageUnavailable,
    TooLarge,
    TranscoderRefused,
    TranscoderUnavailable,
)
from webapp.news import Flaw, Output, Report
from webapp.objects import Part
from webapp.ports import Facts, JobSpec, Measured, Peaks
from webapp.presets import PRESETS, Preset
from webapp.tags import Found, Picture


@dataclass
class OpenUpload:
    """An object that comes in parts."""

    key: str
    size: int
    part_size: int
    parts: dict[int, bytes] = field(default_factory=dict)


class MemoryStorage:
    """What is kept is in `objects`. `ages`, `free`, `is_down` and `elsewhere` (where browsers put parts) may be set.

    `on_call` is called first whenever the storage is asked for something.
    """

    origin = ""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.open: dict[str, OpenUpload] = {}
        self.ages: dict[str, float] = {}
        self.free: int | None = None
        self.elsewhere = ""
        self.is_down = False
        self.on_call: Callable[[], object] = lambda: None
        self.left_behind: list[str] = []
        self.foreign: set[str] = set()
        self._names = itertools.count(1)
        self._folder = Path(tempfile.mkdtemp())
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)

    def put(self, key: str, chunks: Iterable[bytes]) -> int:
        keys.check(key)
        self.check()
        self.objects[key] = self._gathered(chunks)
        return len(self.objects[key])

    @contextmanager
    def arriving(self, key: str) -> Iterator[None]:
        yield

    def abandoned(self) -> Iterator[str]:
        while self.left_behind:
            yield self.left_behind[0]
            self.left_behind.pop(0)

    def put_file(self, key: str, path: Path, stop: threading.Event | None = None) -> None:
        self.put(key, [path.read_bytes()])
        path.unlink()

    @contextmanager
    def begin(self, key: str, size: int, part_size: int) -> Iterator[str]:
        keys.check(key)
        self.check()
        if self.free is not None and size > self.free:
            raise StorageFull
        name = f"upload-{next(self._names)}"
        yield name
        self.open[name] = OpenUpload(key, size, part_size)
        if self.free is not None:
            self.free -= size

    def addresses(self, key: str, upload: str, sizes: Mapping[int, int]) -> Mapping[int, str]:
        return {n: f"{self.elsewhere}/{key}/{n}?size={size}" for n, size in sizes.items()} if self.elsewhere else {}

    def put_part(self, key: str, upload: str, number: int, chunks: Iterable[bytes]) -> Part:
        opened = self._find(key, upload)
        opened.parts.pop(number, None)
        content = self._gathered(chunks, limit=opened.part_size)
        self._find(key, upload).parts[number] = content
        return _part(number, content)

    def parts(self, key: str, upload: str) -> list[Part]:
        return [_part(number, content) for number, content in sorted(self._find(key, upload).parts.items())]

    def complete(self, key: str, upload: str, parts: Sequence[Part]) -> int:
        opened = self._find(key, upload)
        is_gapless = [part.number for part in parts] == list(range(1, len(parts) + 1))
        if not parts or not is_gapless or any(part.size != opened.part_size for part in parts[:-1]):
            raise ObjectMissing
        if self.parts(key, upload) != list(parts):
            raise ObjectMissing
        self.objects[key] = b"".join(content for _, content in sorted(opened.parts.items()))
        if self.open.pop(upload, None) is None:  # somebody else was faster
            raise ObjectMissing
        return len(self.objects[key])

    def abort(self, key: str, upload: str) -> None:
        self.check()
        if upload in self.open and self.open[upload].key == key:
            gone = self.open.pop(upload)
            if self.free is not None:
                self.free += gone.size

    def uploads(self) -> Iterator[tuple[str, str]]:
        self.check()
        yield from [(opened.key, name) for name, opened in self.open.items()]

    def size(self, key: str) -> int:
        return len(self._read(key))

    def delete(self, key: str) -> None:
        keys.check(key)
        self.check()
        self.objects.pop(key, None)

    def locate(self, key: str, *, filename: str, media_type: str, inline: bool = False) -> Path:
        content = self._read(key)
        path = self._folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def read(self, key: str) -> Iterator[bytes]:
        content = self._read(key)
        yield from (content[start : start + 4] for start in range(0, len(content), 4))

    @contextmanager
    def on_disk(self, key: str, stop: threading.Event | None = None) -> Iterator[Path]:
        yield self.locate(key, filename="", media_type="")

    def glimpses(self, key: str) -> Iterator[AbstractContextManager[Path]]:
        yield self.on_disk(key)

    @contextmanager
    def workspace(self) -> Iterator[Path]:
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder)

    def keys(self) -> Iterator[tuple[str, float]]:
        self.check()
        for key in list(self.objects):
            yield key, self.ages.get(key, 0.0)

    def is_own(self, key: str) -> bool:
        self.check()
        return key not in self.foreign

    def sweep(self) -> int:
        return 0

    def free_bytes(self) -> int | None:
        return self.free

    def check(self) -> None:
        self.on_call()
        if self.is_down:
            raise StorageUnavailable

    def _read(self, key: str) -> bytes:
        keys.check(key)
        self.check()
        if key not in self.objects:
            raise ObjectMissing
        return self.objects[key]

    def _find(self, key: str, upload: str) -> OpenUpload:
        self.check()
        if upload not in self.open or self.open[upload].key != key:
            raise ObjectMissing
        return self.open[upload]

    def _gathered(self, chunks: Iterable[bytes], *, limit: int | None = None) -> bytes:
        content = bytearray()
        for chunk in chunks:
            content += chunk
            if limit is not None and len(content) > limit:
                raise TooLarge
            if limit is None and self.free is not None and len(content) > self.free:
                raise StorageFull
        return bytes(content)


def _part(number: int, content: bytes) -> Part:
    digest = hashlib.sha256(content).hexdigest()
    return Part(number, len(content), etag=digest, sha256=digest)


class FakeProbe:
    """Finds the same facts in everything, except in what begins with `not audio`."""

    def __init__(self) -> None:
        self.facts = Facts("WAV", "PCM", 44100, 2, bit_depth=16, bit_rate=1_411_200, seconds=10.0)

    def look(self, path: Path) -> Facts:
        if path.read_bytes().startswith(b"not audio"):
            raise NotAudio
        return self.facts


class FakeEncoder:
    """Writes a few bytes for each rendition. `error` is raised instead, `percents` are told, `waits` holds it up."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.measured: list[str] = []
        self.error: Exception | None = None
        self.percents: tuple[float, ...] = ()
        self.waits = False
        self.decoded_seconds = 12.0
        self.flaw: Flaw | None = None

    def encode(
        self,
        source: Path,
        target: Path,
        preset: Preset,
        facts: Facts,
        *,
        on_progress: Callable[[float], None],
        stop: threading.Event,
    ) -> Output:
        self._obey(stop)
        for percent in self.percents:
            on_progress(percent)
        target.write_bytes(preset.name.encode())
        self.made.append(preset.name)
        size, seconds = len(preset.name), facts.seconds or 0.0
        return Output(size=size, seconds=seconds, sample_rate=44100, channels=2, flaw=self.flaw)

    def peaks(self, source: Path, facts: Facts, *, stop: threading.Event) -> Peaks:
        self._obey(stop)
        return Peaks(bars=bytes(range(100)) * 4, seconds=self.decoded_seconds)

    def measure(
        self, source: Path, folder: Path, facts: Facts, *, with_picture: bool, stop: threading.Event
    ) -> Measured:
        self._obey(stop)
        self.measured.append(facts.container)
        return Measured(-18.2, 4.5, -1.4, b"a picture" if with_picture else None)

    def _obey(self, stop: threading.Event) -> None:
        if self.waits and stop.wait(10):
            raise Stopped
        if self.error:
            raise self.error


class FakeTagger:
    """Finds the same in everything, and writes tags behind the sound. `error` is raised instead of writing."""

    def __init__(self) -> None:
        self.found = Found({})
        self.reads = 0
        self.error: Exception | None = None
        self.on_write: Callable[[], object] = lambda: None

    def read(self, path: Path, *, stop: threading.Event) -> Found:
        self.reads += 1
        return self.found

    def write(
        self, source: Path, target: Path, tags: Mapping[str, str], cover: Picture | None, *, stop: threading.Event
    ) -> None:
        self.on_write()
        if self.error:
            raise self.error
        sound = source.read_bytes().partition(b"|")[0]
        target.write_bytes(sound + b"|" + json.dumps(dict(tags)).encode() + (cover.content if cover else b""))


class FakeWorkers:
    """Nobody works here; `woken` says for how much somebody was to be woken."""

    def __init__(self) -> None:
        self.woken: list[int] = []

    def wake(self, count: int) -> None:
        self.woken.append(count)


class FakeTranscoder:
    """Accepts every job and does none. `is_down`: it accepts none. `says`: what it answers when it is asked."""

    def __init__(self) -> None:
        self.makes: Collection[str] = tuple(PRESETS)
        self.is_ours = True
        self.external_id: str | None = None
        self.refusal: TranscoderRefused | None = None
        self.says: dict[str, Report] = {}
        self.asked: list[str] = []
        self.submitted: list[JobSpec] = []
        self.canceled: list[str | None] = []
        self.is_down = False

    def submit(self, spec: JobSpec) -> str | None:
        if self.is_down:
            raise TranscoderUnavailable
        if self.refusal:
            raise self.refusal
        self.submitted.append(spec)
        return self.external_id

    def cancel(self, external_id: str | None) -> None:
        self.canceled.append(external_id)

    def look(self, external_id: str) -> Report | None:
        if self.is_down:
            raise TranscoderUnavailable
        self.asked.append(external_id)
        return self.says.get(external_id)


@dataclass(frozen=True)
class Sent:
    """A letter that has left."""

    recipient: str
    subject: str
    text: str

    @property
    def link(self) -> str:
        """The path of the link in it."""
        return next(word for word in self.text.split() if "://" in word).partition("://")[2].partition("/")[2]


class FakeLetters:
    """Keeps what was sent in `sent`, unless it `is_down`."""

    are_sent = True

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self.is_down = False

    def send(self, recipient: str, subject: str, text: str) -> None:
        if self.is_down:
            raise LettersUnavailable
        self.sent.append(Sent(recipient, subject, text))

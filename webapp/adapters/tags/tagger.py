"""Read and write tags with mutagen in a locked-in process, and believe nothing that it says without checking."""

import importlib.util
import json
import re
import shutil
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from webapp.adapters.probe import python_itself
from webapp.adapters.storage import files
from webapp.adapters.tags import pictures, writing_child
from webapp.adapters.transcoders import sandbox
from webapp.adapters.transcoders.sandbox import Box, Ended, Ending, Limits
from webapp.errors import Refused, Stopped, StorageFull, TagsFailed
from webapp.tags import TAGS, Found, Picture

READER, WRITER = (Path(__file__).with_name(f"{name}_child.py") for name in ("reading", "writing"))
MOST_WORDS = 1 << 20
MOST_OUTPUT = pictures.MOST_BYTES + MOST_WORDS
# With what the last line of a traceback begins.
_KIND = re.compile(r"([A-Za-z_][\w.]*)(?::|$)")
# As ffmpeg.py has it: the most that a file must be moved to let something in before the sound.
SLOWEST_DISK = 50_000_000


@dataclass(frozen=True)
class SandboxedTagger:
    """Fulfils `tags.Tagger`."""

    wall_seconds: float = 30.0
    memory: int = sandbox.GIB

    def read(self, path: Path, *, stop: threading.Event) -> Found:
        output = bytearray()

        def listen(piece: bytes) -> bool:
            output.extend(piece[: MOST_OUTPUT - len(output)])
            return False

        ended = self._run(
            READER, (path.absolute(), _site(), str(pictures.MOST_BYTES)),
            Box(readable=(path.absolute(),), programs=_programs(READER)), 0, path.stat().st_size, listen, stop,
        )  # fmt: skip
        _check(ended)
        words, _, cover = bytes(output).partition(b"\n")
        return _found(words, cover)

    def write(
        self, source: Path, target: Path, tags: Mapping[str, str], cover: Picture | None, *, stop: threading.Event
    ) -> None:
        folder, size = target.parent, source.stat().st_size
        order, picture = folder / "order.json", folder / "cover"
        about = {"type": cover.media_type, "width": cover.width, "height": cover.height} if cover else {}
        with files.in_our_words():
            shutil.copyfile(source, target)
            order.write_text(json.dumps({"tags": dict(tags), "cover": about}))
            picture.write_bytes(cover.content if cover else b"")
        box = Box(readable=(order, picture), writable=(target,), programs=_programs(WRITER), folder=folder)
        # Base64 makes four of three, and the tags themselves are short.
        room = size + 2 * pictures.MOST_BYTES + MOST_WORDS
        _check(self._run(WRITER, (target, _site(), order, picture), box, room, size, lambda _: False, stop))

    def _run(
        self, child: Path, arguments: tuple[Any, ...], box: Box, file_size: int, size: int, listen: Any,
        stop: threading.Event,
    ) -> Ended:  # fmt: skip
        seconds = self.wall_seconds + size / SLOWEST_DISK
        python = str(Path(sys.executable).resolve())
        return sandbox.run(
            [python, "-I", "-S", "-B", str(child), *map(str, arguments)],
            box,
            Limits(wall_seconds=seconds, idle_seconds=seconds, file_size=file_size, memory=self.memory),
            on_output=listen,
            stop=stop,
        )


def _programs(child: Path) -> tuple[Path, ...]:
    return (child, _site(), *python_itself())


def _site() -> Path:
    """The folder that `import mutagen` would find it in, without importing it here."""
    spec = importlib.util.find_spec("mutagen")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("mutagen is not installed: see requirements.txt")
    return Path(spec.origin).parent.parent


def _check(ended: Ended) -> None:
    if ended.ending is Ending.STOPPED:
        raise Stopped
    if ended.ending is Ending.EXITED and ended.code == writing_child.NO_ROOM:
        raise StorageFull
    if ended.ending is not Ending.EXITED or ended.code:
        # The kind alone: it goes into the log, and what an error says may repeat what stands in the file.
        kind = _KIND.match(ended.last_words.rstrip().rpartition("\n")[2])
        raise TagsFailed(detail=" ".join((ended.ending.name, str(ended.code), *(kind.groups() if kind else ()))))


def _found(words: bytes, cover: bytes) -> Found:
    """What the child has said. Raises TagsFailed for what no honest child would say."""
    try:
        said = json.loads(words)
        tags = {name: str(text) for name, text in dict(said["tags"]).items() if name in TAGS}
        is_large = bool(said["is_large"])
    except (KeyError, TypeError, ValueError) as exc:
        raise TagsFailed from exc
    if is_large:
        return Found(tags, refusal=pictures.TOO_BIG)
    try:
        return Found(tags, pictures.look(cover) if cover else None)
    except Refused as refused:
        return Found(tags, refusal=refused.sentence)

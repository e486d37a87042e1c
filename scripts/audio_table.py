"""The tables in docs/audio.md: what each format keeps of each kind of original, measured.

    .venv/bin/python -m scripts.audio_table

What this writes stands between the marks of the page. `row` measures one line of it, to hold the page against.
"""

import itertools
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from scripts import audio_originals, audio_readings
from scripts.audio_originals import ORIGINALS
from scripts.audio_readings import Heard
from tests.adapters.test_ffmpeg import encode
from webapp.adapters.probe import SandboxedProbe
from webapp.adapters.tags.tagger import SandboxedTagger
from webapp.news import Output
from webapp.ports import Facts
from webapp.presets import PRESETS
from webapp.services import tagging
from webapp.tags import Found

PAGE = Path(__file__).resolve().parents[1] / "docs" / "audio.md"
KEPT, DECODERS = ("<!-- kept -->", "<!-- end of kept -->"), ("<!-- decoders -->", "<!-- end of decoders -->")
HEADS = {KEPT: "original | formats | samples | depth | rate | channels | length | tags | cover"}
HEADS[DECODERS] = "format | decoder | length | samples as ffmpeg hears them"
TAGGER, GOING = SandboxedTagger(), threading.Event()


@dataclass(frozen=True)
class Original:
    """One that everything is made of, with what is in it."""

    path: Path
    facts: Facts
    heard: Heard
    tags: dict[str, str]
    """Those that other readers than ours find."""
    cover: bytes
    found: Found
    """What a worker finds."""

    @classmethod
    def of(cls, path: Path) -> "Original":
        """It, once looked into and listened to."""
        facts, heard, found = SandboxedProbe().look(path), audio_readings.heard(path), TAGGER.read(path, stop=GOING)
        tags = audio_readings.tags_by_ffmpeg(path) | audio_readings.tags(path)
        return cls(path, facts, heard, tags, audio_readings.cover(path), found)


@dataclass(frozen=True)
class Row:
    """What one format keeps of one original, in the table's words."""

    samples: str
    depth: str
    rate: str
    channels: str
    length: str
    tags: str
    cover: str

    @property
    def cells(self) -> str:
        """As the table has them."""
        return " | ".join(vars(self).values())


def row(original: Original, preset: str) -> Row:
    """Make it as a worker does, and measure."""
    output, target = made(original, preset)
    before, after = original.heard, audio_readings.heard(target)
    return Row(
        samples="the same" if before == after else "",
        depth=_change(original.facts.bit_depth, audio_readings.depth(target)) if PRESETS[preset].lossless else "",
        rate=_change(original.facts.sample_rate, output.sample_rate),
        channels=_change(before.channels, after.channels),
        length=_length(before, after),
        tags=_share(original.tags, audio_readings.tags(target)),
        cover=("the same" if original.cover == audio_readings.cover(target) else "no") if original.cover else "",
    )


def made(original: Original, preset: str) -> tuple[Output, Path]:
    """Encoded, and with the tags and the cover of the original if it has any, as `tagging` lets each rendition be."""
    output, plain = encode(original.path, preset, original.facts)
    tags = tagging.clean(original.facts.tags) | tagging.clean(original.found.tags)
    if not tags and not original.found.cover:
        return output, plain
    target = plain.with_name(f"tagged{plain.suffix}")
    TAGGER.write(plain, target, tags, original.found.cover, stop=GOING)
    return output, target


def _change(before: int | None, after: int | None) -> str:
    return str(after) if before in (after, None) else f"{before} → {after}"


def _share(asked: dict[str, str], kept: dict[str, str]) -> str:
    """How many of the tags are there, with the same content, and which are not."""
    lost = [name for name, value in asked.items() if kept.get(name) != value]
    share = f"{len(asked) - len(lost)} of {len(asked)}" if asked else ""
    return f"{share}: no {', '.join(lost)}" if lost else share


def _length(before: Heard, after: Heard) -> str:
    """How many samples more or less than the original's, at the new rate; half a sample cannot be."""
    difference = after.count - before.count * after.rate / before.rate
    return "exact" if abs(difference) < 1 else f"{difference:+.0f}"


def kept() -> list[str]:
    """The first table: formats with equal rows share one."""
    lines = []
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(2) as pool:
        for kind in ORIGINALS:
            song = Original.of(audio_originals.made(Path(name), kind))
            rows = dict(zip(PRESETS, pool.map(row, itertools.repeat(song), PRESETS), strict=True))
            for cells, presets in _grouped({preset: row.cells for preset, row in rows.items()}).items():
                lines.append(f"{kind} | {', '.join(presets)} | {cells}")
            print(kind, file=sys.stderr)
    return lines


def _grouped(cells: dict[str, str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for preset, each in cells.items():
        groups.setdefault(each, []).append(preset)
    return groups


def decoders() -> list[str]:
    """The second table: what other decoders hear in what we make of 16-bit WAV."""
    with tempfile.TemporaryDirectory() as name:
        song = Original.of(audio_originals.made(Path(name), "WAV, 16 bit"))
        return [line for preset in PRESETS for line in second_opinions(song, preset)]


def second_opinions(song: Original, preset: str) -> list[str]:
    """A line for each decoder besides ffmpeg that reads this format."""
    _, target = made(song, preset)
    before, after = song.heard, audio_readings.heard(target)
    lines = []
    for decoder in audio_readings.SECONDS:
        if (heard := audio_readings.heard_by(decoder, target, after.rate)) is not None:
            same = ("yes" if heard.sha256 == after.sha256 else "no") if PRESETS[preset].lossless else ""
            lines.append(f"{preset} | {decoder} | {_length(before, heard)} | {same}")
    return lines or [f"{preset} | none that we know | | "]


def main() -> None:
    """Write both tables into the page."""
    page = PAGE.read_text()
    for marks, lines in ((KEPT, kept()), (DECODERS, decoders())):
        head = HEADS[marks]
        table = [head, " | ".join("---" for _ in head.split(" | ")), *lines]
        before, _, rest = page.partition(marks[0])
        _, _, after = rest.partition(marks[1])
        page = "\n".join([before + marks[0], *(f"| {line} |" for line in table), marks[1] + after])
    PAGE.write_text(page)


if __name__ == "__main__":
    main()

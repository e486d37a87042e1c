"""Find where a sound begins and ends: what is quieter than -60 dBFS before and after it is silence."""

import re
from pathlib import Path

from webapp.adapters.transcoders import command
from webapp.adapters.transcoders.opening import filtered
from webapp.adapters.transcoders.treatment import NONE, Treatment
from webapp.ports import Facts
from webapp.presets import Preset

# dBFS, and by how many pieces of a second it is looked for.
SILENT = -60.0
PIECES = 100
_PIECE = re.compile(rb"frame:\d+\s+pts:(-?\d{1,18})\s.*")
_PEAK = re.compile(rb"lavfi\.astats\.Overall\.Peak_level=(-?\d{1,6}(?:\.\d{1,9})?)")
_LONGEST_LINE = 200


def look(source: Path, preset: Preset, facts: Facts) -> list[str]:
    """The arguments that tell of each hundredth of a second of what would be encoded how high its peak is."""
    form = command.shape(preset, facts)
    steps = [
        "ametadata=mode=delete",
        command.sound_filter(preset, form, facts),
        f"asetnsamples=n={form.sample_rate // PIECES}:p=0",
        "astats=metadata=1:reset=1:measure_perchannel=none:measure_overall=Peak_level",
        "ametadata=mode=print:key=lavfi.astats.Overall.Peak_level:file='pipe\\:1'",
    ]
    heard = ["-nostdin", "-hide_banner", "-v", "error", "-nostats", *filtered(source, facts, ",".join(steps))]
    return [*heard, "-f", "null", "-"]


class Edges:
    """Follows what is told of the pieces, one after the other."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self.size = rate // PIECES
        self.count = 0
        self.first: int | None = None
        self.last = 0
        self._latest = 0
        self._rest = b""

    def read(self, output: bytes) -> bool:
        """Take the next bytes: there are new ones, so it has gone on."""
        *lines, rest = (self._rest + output).split(b"\n")
        self._rest = rest[-_LONGEST_LINE:]
        for line in lines:
            self._take(line.strip())
        return True

    @property
    def seconds(self) -> float:
        """How long all of it is, by what was decoded or, where the sound pauses, by its timestamps."""
        return max(self.count * self.size, self._latest + self.size) / self.rate if self.count else 0.0

    @property
    def treatment(self) -> Treatment:
        """What is to be kept; all of a sound that is nothing but silence."""
        if self.first is None:
            return NONE
        return Treatment(begin=self.first * self.size, end=(self.last + 1) * self.size)

    @property
    def kept_seconds(self) -> float:
        """How long that is."""
        return self.seconds if self.first is None else (self.last + 1 - self.first) * self.size / self.rate

    def _take(self, line: bytes) -> None:
        if found := _PIECE.fullmatch(line):
            self._latest = max(self._latest, int(found[1]))
            self.count += 1
        elif (found := _PEAK.fullmatch(line)) and float(found[1]) > SILENT and self.count:
            self.last = self.count - 1
            self.first = self.last if self.first is None else self.first

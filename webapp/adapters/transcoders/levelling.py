"""Bring a sound to a loudness (EBU R128): listen to it, make it louder or quieter, and listen to what came of it.

Encoders raise peaks, and a limiter takes loudness away: both are known only from the result. So the result is what is
measured, and it is made again with the numbers put right until it holds.
"""

import math
from pathlib import Path

from webapp.adapters.transcoders import command, measure
from webapp.adapters.transcoders.measure import Meter
from webapp.adapters.transcoders.opening import filtered
from webapp.adapters.transcoders.treatment import Treatment
from webapp.ports import Facts, Measured
from webapp.presets import Preset

# dBTP, as EBU R128 has it.
HIGHEST_PEAK = -1.0
# LU. Half a unit is promised.
NEAR = 0.3
# dB by which peaks are held down at most; a sound with higher ones stays quieter than was asked for.
MOST_HELD = 12.0
MOST_GAIN = 60.0
MOST_TRIES = 6
# How far below the highest peak the limiter begins: what is between samples, and what encoders add to it.
_ROOM, _ROOM_LOSSY = 0.2, 1.2
# With a limiter, the sound gets less louder than it is made; and still less if the limiter begins lower.
_STRIDE, _FOR_LOWER = 2.0, 0.5
_LOWEST_CEILING = -12.0


def listen(source: Path, preset: Preset, facts: Facts, treatment: Treatment) -> list[str]:
    """The arguments that measure what would be encoded."""
    form = command.shape(preset, facts)
    return _metered(source, facts, command.sound_filter(preset, form, facts, treatment), form.sample_rate)


def listen_to_result(target: Path, preset: Preset, facts: Facts) -> list[str]:
    """The arguments that measure what was made of a sound like this."""
    form = command.shape(preset, facts)
    container = {"ogg": "Ogg"}.get(preset.container, preset.container.upper())
    made = Facts(container, preset.codec, form.sample_rate, form.channels)
    return _metered(target, made, "anull", form.sample_rate)


def _metered(source: Path, facts: Facts, steps: str, rate: int) -> list[str]:
    # The meter looks ten times a second: without another tenth it would not see the peaks of what is left over.
    graph = f"{steps},apad=pad_len={rate // 10},{measure.METER}"
    heard = ["-nostdin", "-hide_banner", "-v", "error", "-nostats", *filtered(source, facts, graph)]
    return [*heard, "-f", "null", "-"]


class Ear(Meter):
    """Follows the meter's lines. The loudness is that before the tenth of a second that was put behind the sound."""

    def __init__(self) -> None:
        super().__init__()
        self._before: float | None = None

    def note(self, name: str, value: float) -> None:
        if name == "I":
            self._before = self.last.get("I")
        super().note(name, value)

    def finish(self, picture: Path | None = None) -> Measured:
        """What there is to be told of the sound."""
        if self._before is not None:
            self.last["I"] = self._before
        return super().finish(picture)


class Level:
    """How loud one sound is to be made, found by and by."""

    def __init__(self, target: float, heard: Measured, *, is_lossy: bool) -> None:
        self.target = target
        self.gain: float | None = None
        self.ceiling: float | None = None
        self._most = MOST_GAIN
        if heard.loudness is None or heard.peak is None:
            return  # silence, or shorter than the meter's 0.4 s: nobody can say how loud it is
        self._most = min(MOST_GAIN, HIGHEST_PEAK + MOST_HELD - heard.peak)
        self.gain = min(target - heard.loudness, self._most)
        if heard.peak + self.gain > HIGHEST_PEAK:
            self.ceiling = HIGHEST_PEAK - (_ROOM_LOSSY if is_lossy else _ROOM)

    @property
    def is_needed(self) -> bool:
        """Whether there is anything to be done."""
        return self.gain is not None

    def is_reached(self, heard: Measured, *, is_last: bool) -> bool:
        """Whether the result can stay; if not, the next one will be nearer. After the last try peaks alone decide."""
        if self.gain is None or heard.loudness is None or heard.peak is None:
            return True
        error, over = self.target - heard.loudness, heard.peak - HIGHEST_PEAK
        is_near = abs(error) <= NEAR or (error > 0 and self.gain >= self._most)
        if over <= 0 and (is_near or is_last):
            return True
        stride = 1.0 if self.ceiling is None or error < 0 else _STRIDE
        self.gain = min(self.gain + error * stride, self._most)
        if over > 0:
            lower = (HIGHEST_PEAK if self.ceiling is None else self.ceiling) - over - 0.1
            self.ceiling = max(lower, _LOWEST_CEILING)
            self.gain = min(self.gain + (-over if is_last else over * _FOR_LOWER), self._most)
        return False


def is_close(loudness: float, target: float) -> bool:
    """Whether the loudness is as near to what was asked for as is promised."""
    return math.isclose(loudness, target, abs_tol=0.5)

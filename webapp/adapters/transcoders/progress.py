"""Follow how far a conversion is."""

import re
from collections.abc import Callable

_SAMPLES = re.compile(rb"(\d{1,18}) (\d{1,9}) ([1-9]\d{0,6})")


class Progress:
    """Follows what ffmpeg writes for `-progress`, lines of name=value, or what `opening.progress` has it write."""

    def __init__(self, expected: float | None, on_progress: Callable[[float], None]) -> None:
        self.seconds = 0.0
        self.expected = expected
        self.on_progress = on_progress
        self._rest = b""

    def read(self, piece: bytes) -> bool:
        """Take the next bytes; say whether the sound has gone on."""
        *lines, rest = (self._rest + piece).split(b"\n")
        self._rest = rest[-100:]
        before = self.seconds
        for line in lines:
            name, _, value = line.partition(b"=")
            if name == b"out_time_us" and value.strip().isdigit():
                self.seconds = max(self.seconds, int(value) / 1_000_000)
            elif name == b"samples" and (found := _SAMPLES.fullmatch(value.strip())):
                before_it, its, rate = map(int, found.groups())
                self.seconds = max(self.seconds, (before_it + its) / rate)
        if self.seconds == before:
            return False
        if self.expected:
            self.on_progress(min(100.0, 100 * self.seconds / self.expected))
        return True

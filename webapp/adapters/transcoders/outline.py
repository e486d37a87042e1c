"""Draw the outline of a sound while it goes by, in the same small space however long it is."""

from array import array

from webapp.ports import Peaks

BARS = 400
FINEST_WINDOW = 8
MOST_CELLS = 16 * BARS
# What stays below a thousandth of full scale is noise, and is not blown up.
SILENCE = 33


class Outline:
    """Takes 16-bit samples of one channel piece by piece, and keeps the loudest of each window.

    When there are too many windows, two become one: their length follows the sound's.
    """

    def __init__(self) -> None:
        self.samples = 0
        self.window = FINEST_WINDOW
        self.cells: list[int] = []
        self._rest = b""

    def add(self, piece: bytes) -> None:
        """Take the next bytes; they may end in the middle of a sample."""
        piece = self._rest + piece
        width = 2 * self.window
        whole = len(piece) - len(piece) % width
        self._rest = piece[whole:]
        self._take(piece[:whole])
        while len(self.cells) > MOST_CELLS:
            self._halve()

    def finish(self, sample_rate: int) -> Peaks:
        """The bars, the loudest of them 100, once everything has been added."""
        self._take(self._rest[: len(self._rest) // 2 * 2])
        self._rest = b""
        count = len(self.cells)
        if not count:
            return Peaks(bytes(BARS), 0.0)
        # A sound with fewer cells than bars has each of them several times.
        bars = [
            max(self.cells[i * count // BARS : max(i * count // BARS + 1, -(-(i + 1) * count // BARS))])
            for i in range(BARS)
        ]
        loudest = max(*bars, SILENCE)
        return Peaks(bytes(round(100 * bar / loudest) for bar in bars), self.samples / sample_rate)

    def _take(self, piece: bytes) -> None:
        samples = array("h", piece)
        self.samples += len(samples)
        for start in range(0, len(samples), self.window):
            part = samples[start : start + self.window]
            highest, lowest = max(part), min(part)
            self.cells.append(max(highest, -lowest))

    def _halve(self) -> None:
        # Of an odd number the last stays alone and counts as a whole: one in thousands, which no eye can see.
        self.cells = [max(self.cells[i : i + 2]) for i in range(0, len(self.cells), 2)]
        self.window *= 2

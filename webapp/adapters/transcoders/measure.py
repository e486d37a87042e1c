"""Read what ffmpeg's meter says of a sound, as it says it: numbers under names, and nothing that a file could say."""

import math
import re
from pathlib import Path

from webapp.adapters.transcoders.opening import LONGEST_SECONDS, filtered, track
from webapp.ports import Facts, Measured

# EBU R128: what is not even this loud is silence to the meter.
SILENCE = -70.0
PNG = b"\x89PNG\r\n\x1a\n"
MOST_PICTURE_BYTES = 1 << 20
_LINE = re.compile(rb"lavfi\.r128\.(I|LRA|true_peak)=(-?\d{1,6}(?:\.\d{1,9})?)")
_LONGEST_LINE = 200
# What a file says of its frames is forgotten first, so that it cannot speak for the meter.
METER = "ametadata=mode=delete,ebur128=peak=true:metadata=1,ametadata=mode=print:file='pipe\\:1'"
_WIDTH, _HEIGHT = 640, 160
# Of a long sound only so many pieces of so many samples are drawn, evenly: as many as fit into memory.
_PIECES, _PIECE = 1600, 4096


def command(source: Path, facts: Facts, picture: Path | None) -> list[str]:
    """The arguments that send the meter's words to stdout and, if wanted, draw the spectrum into a file."""
    heard = ["-nostdin", "-hide_banner", "-v", "error", "-nostats", "-y"]
    heard += [*filtered(source, facts, METER), "-f", "null", "-"]
    if picture is None:
        return heard
    seconds = min(facts.seconds or LONGEST_SECONDS, LONGEST_SECONDS)
    every = max(1, int(seconds * facts.sample_rate / (_PIECES * _PIECE)))
    pieces = f"aformat=channel_layouts=mono,asetnsamples=n={_PIECE}:p=0,aselect='not(mod(n\\,{every}))',asetpts=N"
    drawn = f"showspectrumpic=s={_WIDTH}x{_HEIGHT}:legend=0:color=fire:saturation=0:drange=110"
    # Sixteen shades of grey are enough for the eye, and a third of the bytes; the page gives them its colour.
    graph = f"{track(facts)}{pieces},{drawn},format=rgb24,normalize,format=gray,lut=y='trunc(val/16)*17'[seen]"
    seen = ["-map", "[seen]", "-frames:v", "1", "-c:v", "png", "-threads", "1", "-f", "image2pipe", f"file:{picture}"]
    return [*heard, "-filter_complex", graph, *seen]


class Meter:
    """Follows the meter's lines; the last of each kind is that of the whole."""

    def __init__(self) -> None:
        self.last: dict[str, float] = {}
        self._rest = b""

    def read(self, piece: bytes) -> bool:
        """Take the next bytes. The meter speaks ten times in each second of sound, so it has gone on."""
        *lines, rest = (self._rest + piece).split(b"\n")
        self._rest = rest[-_LONGEST_LINE:]
        for line in lines:
            if found := _LINE.fullmatch(line.strip()):
                self.note(found[1].decode(), float(found[2]))
        return True

    def note(self, name: str, value: float) -> None:
        """Take one number: that of the sound up to here."""
        self.last[name] = value

    def finish(self, picture: Path | None) -> Measured:
        """What is to be told of it; of silence, nothing. The picture is taken along if it is one."""
        drawn = picture.read_bytes() if picture and picture.is_file() else b""
        loudness, peak = self.last.get("I", SILENCE), self.last.get("true_peak", 0.0)
        is_heard = loudness > SILENCE
        return Measured(
            loudness=loudness if is_heard else None,
            range=self.last.get("LRA") if is_heard else None,
            peak=20 * math.log10(peak) if peak > 0 else None,
            picture=drawn if drawn.startswith(PNG) and len(drawn) <= MOST_PICTURE_BYTES else None,
        )

"""Tell what was read of a whole file from what was read of one that is cut short or damaged.

To ffmpeg all is well with both. What lacks a lot of what it says it has is an error; this is for the rest.
"""

import os
from pathlib import Path

from webapp.adapters.transcoders.lame import Tag
from webapp.adapters.transcoders.opening import DEMUXERS, Evened
from webapp.adapters.transcoders.opening import seconds as seconds_of
from webapp.news import Flaw
from webapp.ports import Facts

# Seconds that may be missing. Of plain samples hardly any; elsewhere a frame or two at the ends belong to nobody.
EXACT, USUAL, LOOSE = 0.02, 0.1, 0.25
EXACT_CODECS = ("PCM", "FLAC", "WavPack", "TTA", "APE", "DSD")
EXACT_FORMATS = ("wav", "w64", "aiff", "caf", "au", "flac", "wv", "tta", "ape", "dsf")
LOOSE_FORMATS = ("mov", "matroska", "asf")
# The length of what is neither is reckoned from an average, in these.
WAVES = ("wav", "w64")

# Nothing in these tells how long they should be, so that damage shows by what the decoder says alone.
UNANNOUNCED = ("aac", "ac3", "eac3", "amr", "ogg", "asf", "matroska")
COMPLAINTS = (
    *("Error submitting packet to decoder", "Error during demuxing"),
    *("incomplete frame", "CRC mismatch", "File ended prematurely"),
)
# What people put behind the last frame of an MP3 is taken for a frame, once.
MP3_COMPLAINTS = 2
# Where the time goes back, something is not in its place.
GOES_BACK = "non monotonically increasing"

# What the decoder says of a FLAC that changes its depth on the way.
NEW_DEPTH = "switching bps mid-stream"

TAIL_BYTES = 1 << 17
OGG_PAGE, OGG_LAST, OGG_HEADER_BYTES = b"OggS", 4, 27
ID3V1_BYTES = 128
MPEG_ROW = 3
# By layer, MPEG-1 before the lower rates of MPEG-2: kbit/s by index.
_LAYER_2 = (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384)
_LAYER_3 = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_LOW = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_RATES = (44100, 48000, 32000)


def find(source: Path, facts: Facts, seconds: float, last_words: str) -> Flaw | None:
    """What is the matter with a file of which so much could be read, and ffmpeg wrote this to stderr."""
    demuxer = DEMUXERS.get(facts.container, "")
    expected = seconds_of(facts)
    is_short = seconds < expected - _tolerance(demuxer, facts.codec, expected)
    is_cut = _breaks_off(source, demuxer) or (isinstance(facts, Evened) and _lacks_bytes(source, demuxer))
    if is_short or is_cut or _complains(demuxer, last_words, facts):
        return Flaw.INCOMPLETE
    return None


def _tolerance(demuxer: str, codec: str, expected: float) -> float:
    if demuxer in EXACT_FORMATS and codec in EXACT_CODECS:
        return EXACT
    if demuxer in WAVES:
        return max(USUAL, expected / 100)
    return LOOSE if demuxer in LOOSE_FORMATS else USUAL


def _complains(demuxer: str, last_words: str, facts: Facts) -> bool:
    is_evened = isinstance(facts, Evened)
    if demuxer == "flac":
        # RFC 9639, 8.2: it has one form. Of another, blocks larger than those announced are not decoded.
        return is_evened or NEW_DEPTH in last_words
    if GOES_BACK in last_words and not is_evened:
        return True
    if demuxer == "mp3":
        return last_words.count(COMPLAINTS[0]) >= MP3_COMPLAINTS
    return demuxer in UNANNOUNCED and any(complaint in last_words for complaint in COMPLAINTS)


def _breaks_off(source: Path, demuxer: str) -> bool:
    """Whether the end of the file is not the end of what is in it."""
    looks = {"ogg": _lacks_last_page, "mp3": _ends_in_a_frame}
    if demuxer not in looks:
        return False
    with source.open("rb") as file:
        file.seek(-min(TAIL_BYTES, file.seek(0, os.SEEK_END)), os.SEEK_END)
        return looks[demuxer](file.read())


def _lacks_bytes(source: Path, demuxer: str) -> bool:
    """Whether the first frame of an MP3 tells of more bytes than there are."""
    tag = Tag.read(source) if demuxer == "mp3" else None
    return tag is not None and tag.bytes_told > source.stat().st_size - tag.place


def _lacks_last_page(tail: bytes) -> bool:
    """Whether the last page of an Ogg file does not say that it is the last one, or is not all there."""
    at = tail.rfind(OGG_PAGE)
    header = tail[at : at + OGG_HEADER_BYTES] if at >= 0 else b""
    if len(header) < OGG_HEADER_BYTES or not header[5] & OGG_LAST:
        return True
    count = header[26]
    lengths = tail[at + OGG_HEADER_BYTES :][:count]
    return len(lengths) < count or at + OGG_HEADER_BYTES + count + sum(lengths) > len(tail)


def _ends_in_a_frame(tail: bytes) -> bool:
    """Whether the last frame of an MP3, or MP2, is longer than what is left of the file."""
    if tail[-ID3V1_BYTES:].startswith(b"TAG"):
        tail = tail[:-ID3V1_BYTES]
    for start in range(min(len(tail), TAIL_BYTES // 2)):
        at, row = start, 0
        while length := _frame_bytes(tail[at : at + 4]):
            at, row = at + length, row + 1
        if row >= MPEG_ROW:
            return at > len(tail)
    return False


def _frame_bytes(header: bytes) -> int:
    """How long the frame is that begins so; 0 if none does."""
    if len(header) < 4 or header[0] != 0xFF or header[1] < 0xE0:  # noqa: PLR2004
        return 0
    version, layer = header[1] >> 3 & 3, 4 - (header[1] >> 1 & 3)
    rate_index, bits_index, padding = header[2] >> 2 & 3, header[2] >> 4, header[2] >> 1 & 1
    if version == 1 or layer not in (2, 3) or rate_index == 3 or bits_index in (0, 15):  # noqa: PLR2004
        return 0
    is_first = version == 3  # noqa: PLR2004
    kbits = ((_LAYER_2 if layer == 2 else _LAYER_3) if is_first else _LOW)[bits_index - 1]  # noqa: PLR2004
    rate = _RATES[rate_index] >> (0 if is_first else 3 - version)
    samples = 576 if layer == 3 and not is_first else 1152  # noqa: PLR2004
    return samples * kbits * 125 // rate + padding

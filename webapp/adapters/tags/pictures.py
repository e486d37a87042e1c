"""What a picture says of itself in its header: nothing of it is decoded."""

import struct

from webapp.errors import Refused
from webapp.tags import Picture
from webapp.words import N_

MOST_BYTES = 10 * 1024**2
MOST_PIXELS = 10_000
"""On each side. A few kilobytes can say more, and whoever opened them would need gigabytes."""
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR"
JPEG = b"\xff\xd8\xff"
# JPEG, ITU-T T.81, B.1.1.3: the frames, which say how large they are, and what has no length.
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
ALONE = frozenset((0x01, *range(0xD0, 0xD9)))
END, SCAN = 0xD9, 0xDA
MOST_SEGMENTS = 5_000

NO_PICTURE = N_("A cover is a JPEG or PNG picture.")
TOO_WIDE = N_("A cover has at most 10,000 pixels on each side.")
TOO_BIG = N_("A cover has at most 10 MB.")


def look(content: bytes) -> Picture:
    """The picture. Raises Refused, with the reason, for what is none, or is too large to be shown to anybody."""
    if len(content) > MOST_BYTES:
        raise Refused(TOO_BIG)
    media_type, size = "", None
    if content.startswith(PNG):
        media_type, size = "image/png", _png_size(content)
    elif content.startswith(JPEG):
        media_type, size = "image/jpeg", _jpeg_size(content)
    if size is None or not all(size):
        raise Refused(NO_PICTURE)
    if max(size) > MOST_PIXELS:
        raise Refused(TOO_WIDE)
    return Picture(content, media_type, *size)


def _png_size(content: bytes) -> tuple[int, int] | None:
    if len(content) < len(PNG) + 8:
        return None
    width, height = struct.unpack_from(">II", content, len(PNG))
    return int(width), int(height)


def _jpeg_size(content: bytes) -> tuple[int, int] | None:
    """As its first frame says; None if there is none before the pixels begin."""
    at = 2
    for _ in range(MOST_SEGMENTS):
        if content[at : at + 1] != b"\xff" or at + 9 > len(content):
            return None
        mark = content[at + 1]
        if mark == 0xFF:  # noqa: PLR2004 - any number of these may stand before a mark
            at += 1
        elif mark in ALONE:
            at += 2
        elif mark in FRAMES:
            height, width = struct.unpack_from(">HH", content, at + 5)
            return int(width), int(height)
        elif mark in (END, SCAN):
            return None
        else:
            at += 2 + int(struct.unpack_from(">H", content, at + 2)[0])
    return None

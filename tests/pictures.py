"""Pictures to test with: their headers are right, and of their pixels there are few or none."""

import struct
import zlib


def png(width: int = 2, height: int = 2, *, padding: int = 0) -> bytes:
    """A picture of one grey; a large one says its size and has no pixels."""
    rows = b"".join(b"\0" + b"\x80" * width for _ in range(height)) if width * height < 1 << 20 else b""
    chunks = (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)), (b"IDAT", zlib.compress(rows))
    body = b"".join(
        _chunk(name, content) for name, content in (*chunks, (b"tEXt", b"a\0" + b"x" * padding), (b"IEND", b""))
    )
    return b"\x89PNG\r\n\x1a\n" + body


def jpeg(width: int = 2, height: int = 2) -> bytes:
    """The head of a picture, with what cameras put before the size."""
    app = b"\xff\xe0" + struct.pack(">H", 16) + b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0"
    thumbnail = b"\xff\xe1" + struct.pack(">H", 102) + b"\xff\xc0" * 50
    frame = b"\xff\xff\xc2" + struct.pack(">HBHHB", 11, 8, height, width, 1) + b"\x01\x11\0"
    return b"\xff\xd8" + app + thumbnail + frame + b"\xff\xda\0\x08\x01\x01\0\0\x3f\0\0\xff\xd9"


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

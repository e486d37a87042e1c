"""Sounds of kinds that ffmpeg reads and cannot write, byte by byte: Speex, Monkey's Audio and AMR-WB.

Their encoders are long, but each knows a frame that says "silence", or takes any bits for a sound.
"""

import random
import struct

FRAME_SECONDS = 0.02


def speex(seconds: float, rate: int = 16000) -> bytes:
    """Silence in Speex, in Ogg. The mode follows from the rate: 8, 16 or 32 kHz."""
    mode = (8000, 16000, 32000).index(rate)
    size = round(rate * FRAME_SECONDS)
    head = struct.pack(
        "<8s20s13i", b"Speex   ", b"1.2.0", 1, 80, rate, mode, 4, 1, -1, size, 0, 1, 0, 0, 0
    )  # fmt: skip
    comment = struct.pack("<I4sI", 4, b"none", 0)
    # Submode 0 of each band, which is silence, and as much of the mark that ends a packet as there is room for.
    frame = (b"\x07", b"\x04\x3f", b"\x04\x47")[mode]
    count = round(seconds / FRAME_SECONDS)
    pages = [_page(0, 0, [head], begins=True), _page(1, 0, [comment])]
    for number, first in enumerate(range(0, count, 200), 2):
        frames = [frame] * min(200, count - first)
        last = first + len(frames)
        pages.append(_page(number, last * size, frames, ends=last == count))
    return b"".join(pages)


def ape(seconds: float, rate: int = 44100, channels: int = 2) -> bytes:
    """Silence in Monkey's Audio, version 3.99, "normal"."""
    blocks = 73728 * 4
    total = round(seconds * rate)
    frames = -(-total // blocks)
    # A checksum whose highest bit says that flags follow, and the flags: both channels are silent.
    frame = struct.pack("<III", 0x80000000, 3, 0)
    head = struct.pack("<HHIIIHHI", 2000, 0, blocks, total - (frames - 1) * blocks, frames, 16, channels, rate)
    begins = 52 + len(head) + 4 * frames
    seek = struct.pack(f"<{frames}I", *(begins + n * len(frame) for n in range(frames)))
    descriptor = struct.pack(
        "<4sHHIIIIIII16s", b"MAC ", 3990, 0, 52, len(head), len(seek), 0, len(frame) * frames, 0, 0, bytes(16)
    )  # fmt: skip
    return descriptor + head + seek + frame * frames


def amr_wb(seconds: float) -> bytes:
    """A noise in AMR-WB, at its lowest rate."""
    chance = random.Random(1)
    frames = (b"\x04" + chance.randbytes(17) for _ in range(round(seconds / FRAME_SECONDS)))
    return b"#!AMR-WB\n" + b"".join(frames)


def _page(number: int, granule: int, packets: list[bytes], *, begins: bool = False, ends: bool = False) -> bytes:
    """One page of Ogg. No packet is longer than 254 bytes."""
    head = struct.pack(
        "<4sBBqIIIB", b"OggS", 0, begins << 1 | ends << 2, granule, 1, number, 0, len(packets)
    )  # fmt: skip
    page = bytearray(head + bytes(map(len, packets)) + b"".join(packets))
    page[22:26] = struct.pack("<I", _checksum(page))
    return bytes(page)


def _checksum(page: bytes | bytearray) -> int:
    crc = 0
    for byte in page:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (0x04C11DB7 if crc & 0x80000000 else 0)) & 0xFFFFFFFF
    return crc

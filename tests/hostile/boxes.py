"""The bytes of containers, written by hand."""

import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence


def _table(polynomial: int, bits: int) -> list[int]:
    top, mask, table = 1 << (bits - 1), (1 << bits) - 1, []
    for byte in range(256):
        value = byte << (bits - 8)
        for _ in range(8):
            value = (value << 1 ^ polynomial if value & top else value << 1) & mask
        table.append(value)
    return table


_CRC8, _CRC16, _CRC32 = _table(0x07, 8), _table(0x8005, 16), _table(0x04C11DB7, 32)


def _crc(table: list[int], bits: int, content: bytes) -> int:
    value, mask = 0, (1 << bits) - 1
    for byte in content:
        value = (value << 8 ^ table[(value >> (bits - 8)) ^ byte]) & mask
    return value


def riff(body: bytes, rate: int, channels: int, depth: int, *, kind: int = 1, size: int | None = None) -> bytes:
    """A WAV; `size` is what it says of its samples if that is not true."""
    block = channels * depth // 8
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, kind, channels, rate, min(rate * block, 0xFFFFFFFF), block, depth)
    said = len(body) if size is None else size
    content = b"WAVE" + form + struct.pack("<4sI", b"data", said) + body
    return struct.pack("<4sI", b"RIFF", min(len(content) - len(body) + said, 0xFFFFFFFF)) + content


def ogg_page(packets: Sequence[bytes], serial: int, number: int, granule: int, flags: int = 0) -> bytes:
    """One page; each packet is shorter than 255 bytes."""
    lengths, body = bytes(map(len, packets)), b"".join(packets)
    head = struct.pack("<4sBBqIII", b"OggS", 0, flags, granule, serial, number, 0)
    return sealed(head + bytes([len(lengths)]) + lengths + body)


def sealed(page: bytes) -> bytes:
    """The page of an Ogg with the checksum that it should have."""
    page = page[:22] + bytes(4) + page[26:]
    return page[:22] + struct.pack("<I", _crc(_CRC32, 32, page)) + page[26:]


def opus_head(serial: int) -> bytes:
    """The first page of an Opus stream."""
    return ogg_page([struct.pack("<8sBBHIhB", b"OpusHead", 1, 2, 0, 48000, 0, 0)], serial, 0, 0, flags=2)


def opus(packets: Iterable[bytes], samples_each: int) -> bytes:
    """An Ogg Opus of these packets, 255 on a page."""
    everything = list(packets)
    tags = ogg_page([struct.pack("<8sI4sI", b"OpusTags", 4, b"none", 0)], 1, 1, 0)
    pages = [everything[at : at + 255] for at in range(0, len(everything), 255)]
    done, made = 0, [opus_head(1), tags]
    for number, page in enumerate(pages, 2):
        done += len(page) * samples_each
        made.append(ogg_page(page, 1, number, done, flags=4 if number == len(pages) + 1 else 0))
    return b"".join(made)


def flac_info(rate: int, channels: int, depth: int, samples: int, block: int = 65535, *, is_last: bool = True) -> bytes:
    """The beginning of a FLAC: its mark and STREAMINFO (RFC 9639, 8.2)."""
    numbers = rate << 44 | (channels - 1) << 41 | (depth - 1) << 36 | samples
    info = struct.pack(">HH6xQ16x", block, block, numbers)
    return b"fLaC" + flac_block(0, info, is_last=is_last)


def flac_block(kind: int, content: bytes, *, is_last: bool = True) -> bytes:
    """A block of metadata."""
    return bytes([kind | (0x80 if is_last else 0)]) + len(content).to_bytes(3, "big") + content


def flac_silence(rate: int, channels: int, frames: int) -> bytes:
    """Silence of 24 bits in as few bytes as FLAC can: each frame 65,535 samples."""
    return flac_info(rate, channels, 24, frames * 65535) + b"".join(_silent_frames(channels, frames))


def _silent_frames(channels: int, frames: int) -> Iterator[bytes]:
    for number in range(frames):
        head = b"\xff\xf8\x70" + bytes([(channels - 1) << 4 | 6 << 1]) + chr(number).encode("utf-8", "surrogatepass")
        head += struct.pack(">H", 65534)
        frame = head + bytes([_crc(_CRC8, 8, head)]) + bytes(4) * channels
        yield frame + struct.pack(">H", _crc(_CRC16, 16, frame))


def box(name: bytes, *content: bytes) -> bytes:
    """A box of an MP4."""
    body = b"".join(content)
    return struct.pack(">I4s", 8 + len(body), name) + body


def mp4(*tracks: bytes, body: bytes = b"", brand: bytes = b"isom") -> bytes:
    """An MP4 of these tracks, whose samples begin at byte 40 (see `track`)."""
    start = box(b"ftyp", brand, bytes(4), brand, b"mp42")
    start += box(b"free", bytes(40 - len(start) - 16)) + struct.pack(">I4s", 8 + len(body), b"mdat") + body
    header = box(b"mvhd", struct.pack(">4xIIII", 0, 0, 1000, 1000), struct.pack(">IHH8x", 0x10000, 0x100, 0), MATRIX,
                 bytes(24), struct.pack(">I", len(tracks) + 1))  # fmt: skip
    return start + box(b"moov", header, *tracks)


MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
IN_ITSELF = box(b"url ", b"\0\0\0\1")


def track(
    number: int, *, samples: int, size: int, ticks: int = 1, kind: bytes = b"sowt", reference: bytes = IN_ITSELF
) -> bytes:
    """A sound track of so many samples in one chunk: 16 bits, one channel, 44,100 ticks a second."""
    sound = box(kind, bytes(6), struct.pack(">H8xHHIHH", 1, 1, 16, 0, 44100, 0))
    table = box(
        b"stbl",
        box(b"stsd", struct.pack(">4xI", 1), sound),
        box(b"stts", struct.pack(">4xIII", 1, samples, ticks)),
        box(b"stsc", struct.pack(">4xIIII", 1, 1, samples, 1)),
        box(b"stsz", struct.pack(">4xII", size, samples)),
        box(b"stco", struct.pack(">4xII", 1, 40)),
    )
    references = box(b"dinf", box(b"dref", struct.pack(">4xI", 1), reference))
    media = box(
        b"mdia",
        box(b"mdhd", struct.pack(">4xIIIIHH", 0, 0, 44100, samples, 0, 0)),
        box(b"hdlr", struct.pack(">8x4s12xx", b"soun")),
        box(b"minf", box(b"smhd", bytes(8)), references, table),
    )
    head = box(b"tkhd", struct.pack(">IIIIII8xHHHH", 7, 0, 0, number, 0, 1000, 0, 0, 0x100, 0), MATRIX, bytes(8))
    return box(b"trak", head, media)


def id3(*frames: tuple[bytes, bytes, int], size: int | None = None) -> bytes:
    """An ID3v2.3 tag of frames: name, content, flags."""
    body = b"".join(struct.pack(">4sIH", name, len(content), flags) + content for name, content, flags in frames)
    said = len(body) if size is None else size
    return b"ID3\3\0\0" + bytes(said >> shift & 0x7F for shift in (21, 14, 7, 0)) + body


def png(side: int) -> bytes:
    """A square of nothing: a few kilobytes that decode to side × side bytes."""
    packer, row = zlib.compressobj(1), bytes(1 + side)
    pixels = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    form = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", form) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")

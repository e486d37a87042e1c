"""Put right what ffmpeg writes of the end of an MP3, so that players end where the sound ends.

The first frame of an MP3 holds no sound: it says how many samples to leave out at both ends (the LAME tag). When the
encoder fills up a whole frame and a little more, as it does at one length in twenty-five, ffmpeg tells of the whole
frame alone, and up to 46 samples of silence would be played.
"""

import struct
from dataclasses import dataclass
from pathlib import Path

_ID3 = 10
# More than any first frame needs.
_FRAME = 2880
# What lies where in the tag, counted from its first letter.
_FLAGS_AT, _FRAMES_AT, _BYTES_AT, _ENDS_AT, _CRC_AT, _TAG = 7, 8, 12, 141, 154, 156
_FRAMES_AND_BYTES = 0b11
# Where the tag begins in its frame: after the side information, whose length follows from version and channels.
_OFFSETS = (13, 21, 36)
# What every decoder adds at the front, and ffmpeg counts as filling at the end.
_DECODER_DELAY = 529
_MPEG_1 = 0b11


@dataclass(frozen=True)
class Tag:
    """What the first frame says."""

    place: int
    """Of the frame, in the file."""
    frame: bytes
    offset: int
    """Of the tag, in the frame."""

    @classmethod
    def read(cls, path: Path) -> "Tag | None":
        """The tag of the file, if it has one."""
        with path.open("rb") as file:
            head = file.read(_ID3)
            sizes = head[6:] if head.startswith(b"ID3") else b""
            place = sum(size << shift for size, shift in zip(sizes, (21, 14, 7, 0), strict=False))
            place += _ID3 if sizes else 0
            file.seek(place)
            frame = file.read(_FRAME)
        for offset in _OFFSETS:
            if frame[offset : offset + 4] in (b"Xing", b"Info") and len(frame) >= offset + _TAG:
                return cls(place, frame, offset)
        return None

    @property
    def frame_size(self) -> int:
        """Samples in a frame."""
        return 1152 if self.frame[1] >> 3 & 0b11 == _MPEG_1 else 576

    @property
    def bytes_told(self) -> int:
        """How long the file is from this frame on, by its own word; 0 if it does not say."""
        says_both = self.frame[self.offset + _FLAGS_AT] & _FRAMES_AND_BYTES == _FRAMES_AND_BYTES
        return int.from_bytes(self.frame[self.offset + _BYTES_AT :][:4], "big") if says_both else 0

    @property
    def ends(self) -> tuple[int, int]:
        """How many samples to leave out at the beginning and at the end."""
        both = int.from_bytes(self.frame[self.offset + _ENDS_AT :][:3], "big")
        return both >> 12, both & 0xFFF

    @property
    def is_unsure(self) -> bool:
        """Whether more may have been filled up than it says: just one whole frame."""
        return self.ends[1] == self.frame_size + _DECODER_DELAY

    def write(self, path: Path, samples: int) -> None:
        """Have the file say that there are so many samples, if its frames do not gainsay it."""
        (frames,) = struct.unpack_from(">I", self.frame, self.offset + _FRAMES_AT)
        delay, said = self.ends
        padding = frames * self.frame_size - delay - samples
        if not said <= padding < said + self.frame_size:
            return
        frame = bytearray(self.frame)
        at, crc_at = self.offset + _ENDS_AT, self.offset + _CRC_AT
        frame[at : at + 3] = (delay << 12 | padding).to_bytes(3, "big")
        frame[crc_at : crc_at + 2] = _crc(frame[:crc_at]).to_bytes(2, "big")
        with path.open("r+b") as file:
            file.seek(self.place)
            file.write(frame)


def _crc(content: bytes | bytearray) -> int:
    """CRC-16 as in ARC."""
    crc = 0
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc

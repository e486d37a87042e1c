"""Look into one file from inside the sandbox: run by path, with the standard library and PyAV alone.

What it says is as trustworthy as the file: whoever reads it checks everything.
"""

import json
import os
import re
import sys
import time
from collections.abc import Iterator
from typing import Any, BinaryIO

SETUP_FAILED = 125
MOST_PACKETS = 64
COUNTING_SECONDS = 5.0
HEAD = 64
LONGEST_PACKET_SECONDS = 60
LONGEST_TAG = 4000
TAGS = ("title", "artist", "album", "album_artist", "track", "date", "year", "genre", "comment")
# Their frames begin with so short a mark that one turns up in any bytes, by chance. A few in a row do not.
UNMARKED = ("mp3", "aac", "ac3", "eac3")
FRAMES_IN_A_ROW = 4
# What these say of their length is a guess by the first bit rate, or of the last of several chained streams.
UNSURE = (*UNMARKED, "amr", "ogg")
XING = re.compile(rb"\xff[\xe0-\xff].{11,38}(?:Xing|Info|VBRI)", re.DOTALL)
LONGEST_FRAME = 2880


class NoAudioError(Exception):
    """It is not audio; the word says why: `strange` or `silent`."""


class Look:
    """One look into an opened file."""

    def __init__(self, av: Any, container: Any, file: BinaryIO, codecs: str) -> None:
        self.av = av
        self.container = container
        self.file = file
        self.codecs = codecs
        self.demuxer: str = container.format.name.split(",")[0]
        self.stream = self._stream()
        self.codec = self.stream.codec_context
        self.frames: list[Any] = []
        self.passed = 0
        self.first_position: int | None = None

    def facts(self) -> dict[str, Any]:
        """What there is to say. Raises NoAudioError."""
        packets = self._packets()
        frame = self._sound(packets)
        return {
            "demuxer": self.demuxer,
            "head": self._bytes(0, HEAD).hex(),
            "brand": self.container.metadata.get("major_brand", ""),
            "codec": self.codec.name,
            "sample_rate": frame.sample_rate,
            "channels": frame.layout.nb_channels,
            "sample_bits": frame.format.bits,
            "extradata": (self.codec.extradata or b"")[:HEAD].hex(),
            "bit_rate": self.codec.bit_rate or self.container.bit_rate or 0,
            "seconds": self._seconds(packets),
            "tags": self._tags(),
        }

    def _stream(self) -> Any:
        if not self.container.streams.audio:
            raise NoAudioError("silent" if len(self.container.streams) else "strange")
        stream = self.container.streams.audio[0]
        codec = stream.codec_context
        if codec is None or codec.name not in self.codecs.split(","):
            raise NoAudioError("strange")
        codec.options = {"codec_whitelist": self.codecs}
        codec.thread_count = 1
        return stream

    def _packets(self) -> Iterator[Any]:
        """The stream's packets, with what has passed kept in mind."""
        for packet in self.container.demux(self.stream):
            if packet.size:
                if self.first_position is None:
                    self.first_position = packet.pos or 0
                # libav 8 wraps around at the end of some Vorbis: no packet is a minute long.
                duration = packet.duration or 0
                self.passed += duration if duration * self.stream.time_base < LONGEST_PACKET_SECONDS else 0
                yield packet

    def _sound(self, packets: Iterator[Any]) -> Any:
        """A decoded frame, once we are sure that it is one. Raises NoAudioError."""
        row, size, end, frame = 0, 0, None, None
        for packet, _ in zip(packets, range(MOST_PACKETS), strict=False):
            frames = self._decoded(packet)
            frame = next((each for each in frames if each.samples), frame)
            follows = end is None or packet.pos == end
            row = row + 1 if frames and follows else 0
            size += packet.size if frames else 0
            end = packet.pos + packet.size if packet.pos is not None else None
            if frame and (self.demuxer not in UNMARKED or row >= FRAMES_IN_A_ROW):
                return frame
        if self.first_position is None:
            raise NoAudioError("strange" if self.demuxer in UNMARKED else "silent")
        if self.demuxer not in UNMARKED:
            # Some decoders answer only when they hear that nothing more comes.
            frame = frame or next((each for each in self._decoded(None) if each.samples), None)
        elif not self._is_most_of_the_file(size):
            frame = None
        if frame is None:
            raise NoAudioError("strange")
        return frame

    def _decoded(self, packet: Any) -> list[Any]:
        try:
            frames = list(self.codec.decode(packet))
        except self.av.FFmpegError:
            return []
        # PyAV 18 frees the channel layout of a frame twice if its order is an unusual one. Kept, it is never freed.
        self.frames += frames
        return frames

    def _is_most_of_the_file(self, size: int) -> bool:
        """Whether the few frames that there are are not found among something else: a very short sound, then."""
        return 2 * size > os.fstat(self.file.fileno()).st_size - (self.first_position or 0)

    def _seconds(self, packets: Iterator[Any]) -> float | None:
        """How long it says to be, counted where it does not say; None if neither can be done."""
        stream = self.stream
        said = float(stream.duration * stream.time_base) if stream.duration else None
        if self.demuxer in UNSURE and not self._has_xing():
            counted = self._counted(packets)
            return counted or (said if self.demuxer == "ogg" else None)
        if said is None and (tag := stream.metadata.get("DURATION")):
            hours, minutes, rest = tag.split(":")
            return int(hours) * 3600 + int(minutes) * 60 + float(rest)
        if said is None and len(self.container.streams) == 1 and self.container.duration:
            return float(self.container.duration / self.av.time_base)
        return said

    def _counted(self, packets: Iterator[Any]) -> float | None:
        enough = time.monotonic() + COUNTING_SECONDS
        try:
            for _ in packets:
                if time.monotonic() > enough:
                    return None
        except self.av.FFmpegError:
            # There is a sound, but not to the end: how much of it can be read, the encoder will see.
            return None
        return float(self.passed * self.stream.time_base)

    def _has_xing(self) -> bool:
        """Whether the frame before the first one with sound tells how many there are."""
        position = self.first_position or 0
        start = max(0, position - LONGEST_FRAME)
        return self.demuxer == "mp3" and XING.search(self._bytes(start, position - start)) is not None

    def _bytes(self, start: int, count: int) -> bytes:
        # Not by the file object, whose place in the file is libav's.
        return os.pread(self.file.fileno(), count, start)

    def _tags(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for name, value in (*self.stream.metadata.items(), *self.container.metadata.items()):
            if name.lower() in TAGS:
                found[name.lower()] = value[:LONGEST_TAG]
        return found


KEPT: list[Look] = []


def answer(av: Any, file: BinaryIO, limits: dict[str, str]) -> dict[str, Any]:
    """The facts, or `refused` with a word."""
    options = {
        "format_whitelist": limits["formats"],
        "codec_whitelist": limits["codecs"],
        "protocol_whitelist": "file",
        "max_streams": limits["max_streams"],
    }
    try:
        # By its bytes alone: a file object has no name whose ending could be believed, and no neighbours.
        container = av.open(file, metadata_errors="replace", container_options=options, buffer_size=1 << 17)
        look = Look(av, container, file, limits["codecs"])
        KEPT.append(look)
        return look.facts()
    except NoAudioError as exc:
        return {"refused": str(exc)}
    except (av.FFmpegError, ValueError):
        return {"refused": "strange"}


def main(path: str, site: str, limits: str) -> None:
    """Write what there is to say to stdout, as JSON."""
    try:
        # The interpreter comes without site-packages, which saves half of its start.
        sys.path.append(site)
        import av  # noqa: PLC0415

        file = open(path, "rb")  # noqa: PTH123, SIM115  pathlib would cost a tenth of the start
    except (ImportError, OSError) as exc:
        sys.stderr.write(f"sandbox: the probe cannot work: {exc}\n")
        sys.exit(SETUP_FAILED)
    sys.stdout.write(json.dumps(answer(av, file, json.loads(limits))))
    sys.stdout.flush()
    # At once, and without tidying up: see `Look._decoded`.
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Write tags and a cover into one file from inside the sandbox: run by path, with mutagen alone.

The file is a rendition of ours, and a copy: when this fails, whoever asked has the file without tags.
"""

import base64
import errno
import io
import json
import os
import re
import struct
import sys
from pathlib import Path
from typing import Any

SETUP_FAILED, NOT_WRITTEN, NO_ROOM = 125, 3, 4
FRONT_COVER = 3
LARGEST_RIFF = (1 << 32) - 1
UTF_8 = 3
TEXTS = {"title": "TIT2", "artist": "TPE1", "album": "TALB", "album_artist": "TPE2", "track": "TRCK", "genre": "TCON"}
# A frame of ID3v2.4 for dates takes no others.
DATE = re.compile(r"\d{4}(-\d\d(-\d\d([T ]\d\d(:\d\d(:\d\d)?)?)?)?)?")
VORBIS = {
    "title": "title",
    "artist": "artist",
    "album": "album",
    "album_artist": "albumartist",
    "date": "date",
    "genre": "genre",
    "comment": "comment",
}
PICTURES = ("metadata_block_picture", "coverart", "coverartmime")
MP4 = {
    "title": "\xa9nam",
    "artist": "\xa9ART",
    "album": "\xa9alb",
    "album_artist": "aART",
    "date": "\xa9day",
    "genre": "\xa9gen",
    "comment": "\xa9cmt",
}
RIFF_INFO = {
    "title": b"INAM",
    "artist": b"IART",
    "album": b"IPRD",
    "track": b"ITRK",
    "date": b"ICRD",
    "genre": b"IGNR",
    "comment": b"ICMT",
}


class CannotHoldError(Exception):
    """The file has no room for tags, or is of no kind that we write."""


def write(path: Path, tags: dict[str, str], cover: dict[str, Any], picture: bytes) -> None:
    """Let the file have just these tags and this cover. Raises CannotHoldError."""
    with path.open("rb") as opened:
        head = opened.read(64)
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        _write_wav(path, _id3_bytes(tags, cover, picture), tags)
    elif head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        from mutagen.aiff import AIFF  # noqa: PLC0415

        file = AIFF(path)
        if file.tags is None:
            file.add_tags()
        _fill_id3(file.tags, tags, cover, picture)
        file.save(v2_version=4)
    elif head[:3] == b"ID3" or head[:2] in (b"\xff\xfb", b"\xff\xfa", b"\xff\xf3", b"\xff\xf2"):
        _write_mp3(path, tags, cover, picture)
    elif head[:4] == b"fLaC" or head[:4] == b"OggS":
        _write_vorbis(path, head, tags, cover, picture)
    elif head[4:8] == b"ftyp":
        _write_mp4(path, tags, cover, picture)
    else:  # RF64 has no place for ID3 that programs would look in
        raise CannotHoldError


def _fill_id3(id3: Any, tags: dict[str, str], cover: dict[str, Any], picture: bytes) -> None:
    import mutagen.id3 as frames  # noqa: PLC0415

    for name in (*TEXTS.values(), "TDRC", "TXXX:DATE", "COMM", "APIC"):
        id3.delall(name)
    for name, frame in TEXTS.items():
        if tags.get(name):
            id3.add(getattr(frames, frame)(encoding=UTF_8, text=tags[name]))
    if date := tags.get("date"):
        is_date = DATE.fullmatch(date)
        id3.add(frames.TDRC(encoding=UTF_8, text=date) if is_date else frames.TXXX(UTF_8, "DATE", [date]))
    if tags.get("comment"):
        id3.add(frames.COMM(encoding=UTF_8, lang="XXX", desc="", text=tags["comment"]))
    if picture:
        id3.add(frames.APIC(encoding=0, mime=cover["type"], type=FRONT_COVER, desc="", data=picture))


def _write_mp3(path: Path, tags: dict[str, str], cover: dict[str, Any], picture: bytes) -> None:
    from mutagen.id3 import ID3, ID3NoHeaderError  # noqa: PLC0415

    try:
        id3 = ID3(path)
    except ID3NoHeaderError:
        id3 = ID3()
    _fill_id3(id3, tags, cover, picture)
    id3.save(path, v1=0, v2_version=4)


def _id3_bytes(tags: dict[str, str], cover: dict[str, Any], picture: bytes) -> bytes:
    from mutagen.id3 import ID3  # noqa: PLC0415

    id3, out = ID3(), io.BytesIO()
    _fill_id3(id3, tags, cover, picture)
    if id3:
        id3.save(out, v2_version=4, padding=lambda _: 0)
    return out.getvalue()


def _write_vorbis(path: Path, head: bytes, tags: dict[str, str], cover: dict[str, Any], picture: bytes) -> None:
    from mutagen.flac import FLAC, Picture  # noqa: PLC0415
    from mutagen.oggflac import OggFLAC  # noqa: PLC0415
    from mutagen.oggopus import OggOpus  # noqa: PLC0415
    from mutagen.oggvorbis import OggVorbis  # noqa: PLC0415

    kinds = {b"fLaC": FLAC, b"Opus": OggOpus, b"\x01vor": OggVorbis, b"\x7fFLA": OggFLAC}
    file = next((kind(path) for mark, kind in kinds.items() if mark in head), None)
    if file is None:
        raise CannotHoldError
    if file.tags is None:
        file.add_tags()
    number, _, count = tags.get("track", "").partition("/")
    wanted = {theirs: tags.get(name) for name, theirs in VORBIS.items()} | {"tracknumber": number, "tracktotal": count}
    for name in (*wanted, *PICTURES):
        if name in file.tags:
            del file.tags[name]
    file.tags.update({name: value for name, value in wanted.items() if value})
    packed = Picture()
    packed.data, packed.mime, packed.type = picture, cover.get("type", ""), FRONT_COVER
    packed.width, packed.height, packed.depth = cover.get("width", 0), cover.get("height", 0), 24
    if isinstance(file, FLAC):
        file.clear_pictures()
    if picture and isinstance(file, FLAC):
        file.add_picture(packed)
    elif picture:
        file.tags["metadata_block_picture"] = base64.b64encode(packed.write()).decode("ascii")
    file.save()


def _write_mp4(path: Path, tags: dict[str, str], cover: dict[str, Any], picture: bytes) -> None:
    from mutagen.mp4 import MP4 as File  # noqa: N811, PLC0415
    from mutagen.mp4 import MP4Cover  # noqa: PLC0415

    file = File(path)
    if file.tags is None:
        file.add_tags()
    for name in (*MP4.values(), "trkn", "covr"):
        file.tags.pop(name, None)
    for name, theirs in MP4.items():
        if tags.get(name):
            file.tags[theirs] = [tags[name]]
    # Two numbers of 16 bits; it holds no others.
    numbers = [part.strip() for part in tags.get("track", "").split("/")]
    if 0 < len(numbers) <= 2 and all(part.isdecimal() and int(part) < 1 << 16 for part in numbers):  # noqa: PLR2004
        file.tags["trkn"] = [(int(numbers[0]), int(numbers[1]) if numbers[1:] else 0)]
    if picture:
        kind = MP4Cover.FORMAT_PNG if cover["type"] == "image/png" else MP4Cover.FORMAT_JPEG
        file.tags["covr"] = [MP4Cover(picture, kind)]
    file.save()


def _write_wav(path: Path, id3: bytes, tags: dict[str, str]) -> None:
    """The sound stays where it is: a list before it becomes a gap, and what follows it is written anew."""
    with path.open("r+b") as file:
        end = _end_of_sound(file)
        info = b"".join(_chunk(RIFF_INFO[name], tags[name].encode() + b"\0") for name in RIFF_INFO if tags.get(name))
        tail = (_chunk(b"LIST", b"INFO" + info) if info else b"") + (_chunk(b"id3 ", id3) if id3 else b"")
        if end + len(tail) - 8 > LARGEST_RIFF:
            raise CannotHoldError
        file.seek(end)
        file.truncate()
        file.write(tail)
        file.seek(4)
        file.write(struct.pack("<I", end + len(tail) - 8))


def _end_of_sound(file: Any) -> int:
    """Where the chunk with the sound ends. Raises CannotHoldError for a file that is not one of ours."""
    size = os.fstat(file.fileno()).st_size
    at = 12
    while at + 8 <= size:
        file.seek(at)
        name, length, kind = struct.unpack("<4sI4s", file.read(12).ljust(12, b"\0"))
        end = at + 8 + length
        if name == b"data":
            if end > size:
                raise CannotHoldError
            if length % 2 and end == size:
                file.seek(end)
                file.write(b"\0")
            return int(end + length % 2)
        if name == b"LIST" and kind == b"INFO":
            file.seek(at)
            file.write(b"JUNK")
        at = end + length % 2
    raise CannotHoldError


def _is_for_room(exc: BaseException | None) -> bool:
    """Whether the disk was full, which mutagen calls an error of its own."""
    while exc is not None:
        if isinstance(exc, OSError) and exc.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        exc = exc.__context__
    return False


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack("<4sI", name, len(content)) + content + b"\0" * (len(content) % 2)


def main(path: str, site: str, order: str, picture: str) -> None:
    """Follow the order, a file of JSON. Exits with NOT_WRITTEN if the file cannot have tags, and with NO_ROOM."""
    try:
        sys.path.append(site)
        import mutagen  # noqa: PLC0415
    except ImportError as exc:
        sys.stderr.write(f"sandbox: tags cannot be written: {exc}\n")
        sys.exit(SETUP_FAILED)
    asked = json.loads(Path(order).read_text())
    try:
        write(Path(path), asked["tags"], asked["cover"], Path(picture).read_bytes())
    except (CannotHoldError, mutagen.MutagenError, OSError) as exc:
        if _is_for_room(exc):
            sys.exit(NO_ROOM)
        sys.stderr.write(f"{type(exc).__name__}: {exc}\n")
        sys.exit(NOT_WRITTEN)
    sys.exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])

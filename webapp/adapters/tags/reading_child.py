"""Read the tags and the cover of one file from inside the sandbox: run by path, with mutagen alone.

It writes one line of JSON to stdout, and after it the bytes of the cover. What it says is as trustworthy as the file.
"""

import base64
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

SETUP_FAILED = 125
LONGEST_TAG = 20_000
FRONT_COVER = 3
# By our names: those of each kind of tags, the first that is there counts.
ID3 = {
    "title": ("TIT2",),
    "artist": ("TPE1",),
    "album": ("TALB",),
    "album_artist": ("TPE2",),
    "track": ("TRCK",),
    "date": ("TDRC", "TDRL", "TXXX:DATE"),
}
VORBIS = {
    "title": ("title",),
    "artist": ("artist",),
    "album": ("album",),
    "album_artist": ("albumartist", "album artist", "album_artist"),
    "date": ("date", "year"),
    "genre": ("genre",),
    "comment": ("comment", "description"),
}
MP4 = {
    "title": ("\xa9nam",),
    "artist": ("\xa9ART",),
    "album": ("\xa9alb",),
    "album_artist": ("aART",),
    "date": ("\xa9day",),
    "genre": ("\xa9gen",),
    "comment": ("\xa9cmt",),
}
ASF = {
    "title": ("Title",),
    "artist": ("Author",),
    "album": ("WM/AlbumTitle",),
    "album_artist": ("WM/AlbumArtist",),
    "track": ("WM/TrackNumber",),
    "date": ("WM/Year",),
    "genre": ("WM/Genre",),
    "comment": ("Description",),
}
APE = {
    "title": ("Title",),
    "artist": ("Artist",),
    "album": ("Album",),
    "album_artist": ("Album Artist", "AlbumArtist"),
    "track": ("Track",),
    "date": ("Year",),
    "genre": ("Genre",),
    "comment": ("Comment",),
}


def read(mutagen: Any, path: str) -> tuple[dict[str, str], bytes]:
    """The tags by our names, and the cover, if there is one."""
    try:
        file = mutagen.File(path)
    except (mutagen.MutagenError, OSError, ValueError):
        file = None
    tags = getattr(file, "tags", None)
    if tags is None:
        return _of_id3(_bare_id3(mutagen, path))
    readers: dict[str, Callable[[Any], tuple[dict[str, str], bytes]]] = {
        "ID3": _of_id3,
        "MP4Tags": _of_mp4,
        "ASFTags": lambda tags: (_texts(tags, ASF), _asf_cover(tags)),
        "APEv2": lambda tags: (_texts(tags, APE), _ape_cover(tags)),
        "VComment": lambda tags: _of_vorbis(tags, getattr(file, "pictures", ())),
    }
    kinds = [each.__name__ for each in type(tags).__mro__]
    reader = next((readers[name] for name in kinds if name in readers), lambda _: ({}, b""))
    return reader(tags)


def _bare_id3(mutagen: Any, path: str) -> Any:
    """What stands before a stream that has no tags of its own kind, such as plain AAC."""
    try:
        return mutagen.id3.ID3(path)
    except (mutagen.MutagenError, OSError, ValueError):
        return {}


def _texts(tags: Any, names: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    found = {}
    for ours, theirs in names.items():
        for name in theirs:
            values = tags.get(name)
            if values is None:
                continue
            values = getattr(values, "text", values)
            several = values if isinstance(values, list | tuple) else [values]
            # WMA may keep the same in two places, and mutagen has both.
            once = dict.fromkeys(str(value).strip() for value in several)
            if text := "; ".join(filter(None, once)):
                found[ours] = text
                break
    return found


def _of_id3(tags: Any) -> tuple[dict[str, str], bytes]:
    found = _texts(tags, ID3)
    if (genre := tags.get("TCON")) is not None:
        # Old ones are numbers of a list.
        found["genre"] = "; ".join(genre.genres)
    comments = [each for name, each in tags.items() if name.startswith("COMM") and not each.desc.startswith("iTun")]
    comments.sort(key=lambda each: each.desc != "")
    if comments:
        found["comment"] = "\n".join(comments[0].text)
    pictures = [(each.type, each.data) for name, each in tags.items() if name.startswith("APIC")]
    return found, _front(pictures)


def _of_mp4(tags: Any) -> tuple[dict[str, str], bytes]:
    found = _texts(tags, MP4)
    for number, count in tags.get("trkn", ())[:1]:
        found["track"] = _track(str(number or ""), str(count or ""))
    covers = tags.get("covr") or [b""]
    return found, bytes(covers[0])


def _of_vorbis(tags: Any, pictures: Any) -> tuple[dict[str, str], bytes]:
    found = _texts(tags, VORBIS)
    one = {name: (tags.get(name) or [""])[0] for name in ("tracknumber", "tracktotal", "totaltracks")}
    found["track"] = _track(one["tracknumber"], one["tracktotal"] or one["totaltracks"])
    listed = [(picture.type, picture.data) for picture in (*pictures, *_packed_pictures(tags))]
    return found, _front(listed)


def _packed_pictures(tags: Any) -> Iterator[Any]:
    from mutagen.flac import Picture, error  # noqa: PLC0415

    for packed in tags.get("metadata_block_picture") or ():
        try:
            yield Picture(base64.b64decode(packed))
        except (error, ValueError, TypeError):
            continue


def _asf_cover(tags: Any) -> bytes:
    """WM/Picture: its kind, its length, its type and its name, each in UTF-16 with two zeros after it; the picture."""
    for each in tags.get("WM/Picture") or ():
        value = bytes(each.value)
        at = 5
        for _ in range(2):
            while value[at : at + 2] not in (b"\0\0", b"\0", b""):
                at += 2
            at += 2
        return value[at:]
    return b""


def _ape_cover(tags: Any) -> bytes:
    value = tags.get("Cover Art (Front)")
    return bytes(value.value).partition(b"\0")[2] if value is not None else b""


def _front(pictures: list[tuple[int, bytes]]) -> bytes:
    """The front of the record, or else whatever picture there is."""
    pictures.sort(key=lambda each: each[0] != FRONT_COVER)
    return pictures[0][1] if pictures else b""


def _track(number: str, count: str) -> str:
    return f"{number}/{count}" if number and count and "/" not in number else number


def main(path: str, site: str, most: str) -> None:
    """Say what there is. A cover of more bytes than `most` is only named."""
    try:
        sys.path.append(site)
        import mutagen  # noqa: PLC0415
        import mutagen.id3  # noqa: PLC0415
    except ImportError as exc:
        sys.stderr.write(f"sandbox: tags cannot be read: {exc}\n")
        sys.exit(SETUP_FAILED)
    tags, cover = read(mutagen, path)
    said = {
        "tags": {name: text[:LONGEST_TAG] for name, text in tags.items() if text},
        "is_large": len(cover) > int(most),
    }
    out = sys.stdout.buffer
    out.write(json.dumps(said).encode() + b"\n")
    if not said["is_large"]:
        out.write(cover)
    out.flush()
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])

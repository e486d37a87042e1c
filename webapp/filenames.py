"""What the names of sounds end with, and the names under which people keep what they download."""

import unicodedata
from collections.abc import Iterable
from urllib.parse import quote

# What we know as the ending of a sound's name.
EXTENSIONS = frozenset(
    "3gp aac ac3 aif aiff amr ape au caf dsf eac3 ec3 flac m4a m4b mka mkv mov mp2 mp3 mp4 oga ogg opus"
    " rf64 snd spx tta w64 wav wave webm wma wv".split()
)
# What Windows takes for devices, whatever their ending, and what it, or macOS, lets be in no name.
_DEVICES = frozenset(["con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in "123456789¹²³")])
_FORBIDDEN = frozenset('<>:"/\\|?*')
# Most file systems take 255 bytes; an ending and a number come after it.
_LONGEST = 180


def stem_of(name: str) -> str:
    """The name without its ending. What follows a dot is not always one."""
    stem, dot, ending = name.rpartition(".")
    return stem if stem and dot and ending.lower() in EXTENSIONS else name


def disposition(filename: str, *, inline: bool) -> str:
    """RFC 6266: the name in ASCII for old clients, and in UTF-8 (RFC 8187) for the others."""
    kind = "inline" if inline else "attachment"
    filename = filename.replace("/", "_").replace("\\", "_")  # clients take them for folders
    plain = "".join(c if " " <= c < "\x7f" and c not in '"\\%/' else "_" for c in filename)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"


def plain(text: str) -> str:
    """The text as the name of a file, without its ending, on any system: never empty, a path, or a device."""
    kept = "".join("_" if c in _FORBIDDEN else c for c in unicodedata.normalize("NFC", text) if c.isprintable())
    kept = " ".join(kept.split()).encode()[:_LONGEST].decode(errors="ignore").strip(" .")
    return f"_{kept}" if not kept or kept.partition(".")[0].rstrip().lower() in _DEVICES else kept


def distinct(names: Iterable[str]) -> list[str]:
    """The same names, each of them once, also for systems that do not tell A from a: "song (2).wav"."""
    taken: set[str] = set()
    found = []
    for name in names:
        stem, dot, ending = name.rpartition(".")
        new, number = name, 1
        while unicodedata.normalize("NFKC", new).casefold() in taken:
            number += 1
            new = f"{stem} ({number}){dot}{ending}"
        taken.add(unicodedata.normalize("NFKC", new).casefold())
        found.append(new)
    return found

"""What the names of sounds end with, and the name under which a browser keeps what it downloads."""

from urllib.parse import quote

# What we know as the ending of a sound's name.
EXTENSIONS = frozenset(
    "3gp aac ac3 aif aiff amr ape au caf dsf eac3 ec3 flac m4a m4b mka mkv mov mp2 mp3 mp4 oga ogg opus"
    " rf64 snd spx tta w64 wav wave webm wma wv".split()
)


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

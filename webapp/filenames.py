"""The name under which a browser keeps what it downloads."""

from urllib.parse import quote


def disposition(filename: str, *, inline: bool) -> str:
    """RFC 6266: the name in ASCII for old clients, and in UTF-8 (RFC 8187) for the others."""
    kind = "inline" if inline else "attachment"
    filename = filename.replace("/", "_").replace("\\", "_")  # clients take them for folders
    plain = "".join(c if " " <= c < "\x7f" and c not in '"\\%/' else "_" for c in filename)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"

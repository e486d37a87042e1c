"""What may stand in a log: that something happened, where and to which thing of ours; never what somebody sent."""

import logging
import re
import traceback
from collections.abc import Iterator

import sqlalchemy.exc

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"

# Of these the database says what is wrong with itself or with our statement, on the first line; on those below, and in
# other errors, it repeats values. PostgreSQL: "DETAIL: Key (email)=(alice@example.com) already exists."
_OF_DATABASE = (sqlalchemy.exc.OperationalError, sqlalchemy.exc.ProgrammingError, sqlalchemy.exc.IntegrityError)

# What libraries write into their messages by themselves. What we log ourselves has none of it.
_HIDDEN = (
    (re.compile(r"(?<=://)[^\s/@'\"]+@"), "…@"),  # who we are, in the address of a server
    (re.compile(r"[^\s@<>()\[\]'\",;:=/]+@[^\s@<>()\[\]'\",;:=/]+"), "…@…"),
    (re.compile(r"(?<=\w)\?[\w.%~-]+=[^\s'\"]*"), "?…"),  # a query may be a signature or a token
    (re.compile(r"\b(media|transcoded)/(\d+)/[^\s'\"?]+"), r"\1/\2/…"),  # others name their objects as they like
)
_CONTROLS = {number: f"\\x{number:02x}" for number in (*range(32), 127) if chr(number) != "\n"}


class Discreet(logging.Formatter):
    """Writes a record down without what its message should not have had."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, and further ones set in: nobody can make what they send look like a line of ours."""
        text = super().format(record)
        for pattern, instead in _HIDDEN:
            text = pattern.sub(instead, text)
        return text.translate(_CONTROLS).replace("\n", "\n    ")

    def formatException(self, ei: object) -> str:  # noqa: N802 - logging's name
        """Whoever logs with `exc_info`, a library perhaps, tells no more of an error than we do."""
        exc = ei[1] if isinstance(ei, tuple) else None
        return trace(exc) if isinstance(exc, BaseException) else ""


def said(exc: BaseException) -> str:
    """What kind of error it is, and what it says if that cannot be anything of a user's."""
    kind = f"{type(exc).__module__}.{type(exc).__qualname__}".removeprefix("builtins.")
    words = ""
    if isinstance(exc, _OF_DATABASE):
        words = str(exc.orig).partition("\n")[0]
    elif isinstance(exc, OSError):
        words = exc.strerror or ""
    return f"{kind}: {words}" if words else kind


def trace(exc: BaseException) -> str:
    """Where an error comes from, what it came from before that, and what may be told of each."""
    told = []
    for each in _chain(exc):
        frames = traceback.StackSummary.extract(traceback.walk_tb(each.__traceback__))
        told += [*frames.format(), said(each)]
    return "\n".join(line.rstrip() for line in told)


def _chain(exc: BaseException) -> Iterator[BaseException]:
    seen: list[BaseException] = []
    found: BaseException | None = exc
    while found is not None and found not in seen:
        seen.append(found)
        found = found.__cause__ or (None if found.__suppress_context__ else found.__context__)
    yield from reversed(seen)

"""Files that strangers might send: each with a name, its bytes, made on the spot, and what must come of it.

hostile.CASES                      # all of them
hostile.named("flac bomb")         # one
case.content                       # its bytes, made once
case.written_to(tmp_path)          # a file with them; it may name `NEIGHBOUR` or `NEIGHBOURS_FILM` beside it
"""

from tests.hostile import bombs, liars, lists, odd, strangers
from tests.hostile.case import NEIGHBOUR, NEIGHBOURS_FILM, Case, End

__all__ = ["CASES", "NEIGHBOUR", "NEIGHBOURS_FILM", "Case", "End", "named"]

CASES = [*lists.CASES, *bombs.CASES, *liars.CASES, *odd.CASES, *strangers.CASES]


def named(name: str) -> Case:
    """The one of that name."""
    return next(case for case in CASES if case.name == name)

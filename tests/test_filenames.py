"""The name under which a browser keeps what it downloads."""

import re
from urllib.parse import unquote

import pytest

from webapp.filenames import disposition

# RFC 6266, 4.1 and RFC 8187, 3.2.1: what may stand in each of the two.
HEADER = re.compile(
    r"""attachment;\ filename="(?P<plain>[\x20\x21\x23-\x5b\x5d-\x7e]*)";
    \ filename\*=UTF-8''(?P<full>[A-Za-z0-9!\#$&+.^_`|~%-]*)""",
    re.VERBOSE,
)


@pytest.mark.parametrize(
    ("name", "plain", "kept"),
    [
        ("song.wav", "song.wav", None),
        ("two words, and more.wav", "two words, and more.wav", None),
        ('a "b" c.wav', "a _b_ c.wav", None),
        ("a;b=c; filename=evil.exe", "a;b=c; filename=evil.exe", None),
        ("it's (live) [1] {2}.wav", "it's (live) [1] {2}.wav", None),
        ("100%25.wav", "100_25.wav", None),
        ("naïve Ørsted.wav", "na_ve _rsted.wav", None),
        ("日本語の歌.flac", "_____.flac", None),
        ("🎵.wav", "_.wav", None),
        ("a\r\nSet-Cookie: x=y.wav", "a__Set-Cookie: x=y.wav", None),
        ("a\0b\x7f\x1b.wav", "a_b__.wav", None),
        ("../../etc/passwd", ".._.._etc_passwd", ".._.._etc_passwd"),
        ("..\\evil.wav", ".._evil.wav", ".._evil.wav"),
        ("é" * 255, "_" * 255, None),
        ("x" * 255, "x" * 255, None),
        ("", "", None),
    ],
)
def test_sec_W9_the_name_is_exact_and_can_be_nothing_else(name: str, plain: str, kept: str | None) -> None:
    """Guards both names of `disposition`: no quote, no line end and no folder gets out of them."""
    found = HEADER.fullmatch(disposition(name, inline=False))

    assert found, disposition(name, inline=False)
    assert found["plain"] == plain
    assert unquote(found["full"], errors="strict") == (name if kept is None else kept)

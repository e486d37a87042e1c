"""Archives are whole, right and as long as was said, also beyond the numbers that plain zip knows."""

import io
import zipfile
from collections.abc import Iterator
from datetime import datetime
from functools import partial

import pytest

from webapp.filenames import distinct, plain
from webapp.services import zipping
from webapp.services.zipping import Broken, Entry

AT = datetime(2026, 11, 29, 10, 30, 42)  # noqa: DTZ001 - as on the reader's clock


def bytes_of(content: bytes) -> Iterator[bytes]:
    yield from (content[start : start + 1000] for start in range(0, len(content), 1000))


def entry(name: str, content: bytes, size: int | None = None) -> Entry:
    return Entry(name, len(content) if size is None else size, AT, partial(bytes_of, content))


def test_an_archive_is_opened_by_another_zip_and_is_as_long_as_was_said() -> None:
    contents = {"Ö – Ж 🎙.flac": bytes(range(256)) * 20, "WAV/leer.wav": b"", "b.mp4": b"x"}
    entries = [entry(name, content) for name, content in contents.items()]

    made = b"".join(zipping.write(entries))

    assert len(made) == zipping.length(entries)
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == contents
        first = archive.infolist()[0]
        assert (first.date_time, first.external_attr >> 16) == (AT.timetuple()[:6], 0o100644)


@pytest.mark.slow
def test_what_does_not_fit_into_32_bits_is_told_by_zip64() -> None:
    zeros = bytes(1 << 20)
    big = Entry("big.wav", 4097 << 20, AT, lambda: iter_of(zeros, 4097))
    entries = [big, entry("after.flac", b"after it")]

    # Four gibibytes are counted, not kept: of their place only the last part is looked at.
    length, tail = 0, b""
    for piece in zipping.write(entries):
        length += len(piece)
        tail = (tail + piece)[-4096:]

    assert length == zipping.length(entries) > 1 << 32
    with zipfile.ZipFile(Shifted(tail, length)) as archive:
        found = {each.filename: (each.file_size, each.header_offset) for each in archive.infolist()}
        assert found["big.wav"] == (4097 << 20, 0)
        assert found["after.flac"][1] > 1 << 32
        assert archive.read("after.flac") == b"after it"


def iter_of(piece: bytes, count: int) -> Iterator[bytes]:
    yield from (piece for _ in range(count))


class Shifted(io.BytesIO):
    """The end of a long file, with all before it left out."""

    def __init__(self, tail: bytes, length: int) -> None:
        super().__init__(tail)
        self.missing = length - len(tail)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self.missing + super().seek(offset - (0 if whence else self.missing), whence)

    def tell(self) -> int:
        return self.missing + super().tell()


@pytest.mark.slow
def test_more_entries_than_16_bits_can_count_are_all_there() -> None:
    entries = [entry(f"{number}", b"") for number in range(65_540)]

    made = b"".join(zipping.write(entries))

    assert len(made) == zipping.length(entries)
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        assert len(archive.namelist()) == 65_540


@pytest.mark.parametrize("content", [b"short", b"longer than it was said"])
def test_an_entry_of_another_length_than_was_said_breaks_the_archive(content: bytes) -> None:
    written: list[bytes] = []

    with pytest.raises(Broken):
        written.extend(zipping.write([entry("a.wav", content, size=10)]))

    assert not zipfile.is_zipfile(io.BytesIO(b"".join(written)))


def test_names_are_safe_on_any_system_and_each_is_there_once() -> None:
    given = ("../../etc/passwd", "CON", "nul.tar", "a:b*c?", "  .hidden. ", "tab\there\x00", "")
    made = [plain(each) for each in (*given, "🎙" * 100, "cafe\u0301")]

    assert made[:5] == [".._.._etc_passwd".strip("."), "_CON", "_nul.tar", "a_b_c_", "hidden"]
    assert made[5:7] == ["tabhere", "_"]
    assert len(made[7].encode()) <= 180
    assert made[8] == "caf\u00e9"
    assert distinct(["a.wav", "A.WAV", "a.wav", "a (2).wav"]) == ["a.wav", "A (2).WAV", "a (3).wav", "a (2) (2).wav"]

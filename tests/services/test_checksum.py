"""The mark of a file is that of its parts, however its bytes came."""

import hashlib
import random

import pytest

from webapp.services import checksum
from webapp.services.checksum import Checksum


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("size", [0, 1, 9, 10, 11, 20, 25, 1000])
def test_bytes_in_any_chunks_have_the_mark_of_their_parts(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checksum, "PART_SIZE", 10)
    content, chance = random.Random(size).randbytes(size), random.Random(1)
    made, at = Checksum(), 0
    while at < size:
        step = chance.randint(1, 25)
        made.update(content[at : at + step])
        at += step

    parts = [digest(content[at : at + 10]) for at in range(0, size, 10)]
    assert made.hexdigest() == checksum.of_parts(parts)
    assert checksum.of_parts(parts) == digest(bytes.fromhex("".join(parts)))


def test_of_parts_that_are_not_known_there_is_none() -> None:
    assert checksum.of_parts([digest(b"a"), ""]) == ""

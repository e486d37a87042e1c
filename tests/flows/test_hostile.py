"""Security, M1, M3 and M9: what strangers send, through the real web process and worker."""

import http.client
import json
import re
from pathlib import Path

import pytest

from tests import hostile, sounds
from tests.flows.house import House, wait_for
from tests.flows.visitor import Visitor
from tests.hostile import Case, End
from tests.hostile.case import HERE
from tests.hostile.test_media import NEIGHBOURS_HERTZ, holds_tone

pytestmark = [pytest.mark.processes, pytest.mark.slow]

LIGHT = [case for case in hostile.CASES if not case.is_heavy]
SHARES = 8
FOUR_GIB = 1 << 32
MOST_GROWTH = 64 << 20
STATUS = {End.READY: "complete", End.MARKED: "complete", End.REFUSED: "error"}


@pytest.mark.parametrize("share", range(SHARES))
def test_sec_M1_M3_whatever_is_sent_the_house_stands(
    share: int, house: House, alice: Visitor, bob: Visitor, tmp_path: Path
) -> None:
    """Each is accepted or refused in words, never with a 5xx; what is accepted ends; and Bob's sound stays his."""
    bobs = bob.keep("bob.mp3", sounds.make(tmp_path, "bob.mp3", hertz=NEIGHBOURS_HERTZ).read_bytes(), "flac")
    (place,) = (house.data_dir / key for key in house.stored() if f"/{bobs}/" in key and key.startswith("media/"))
    kept: dict[str, Case] = {}

    for case in LIGHT[share::SHARES]:
        content = case.content.replace(f"{HERE}/{hostile.NEIGHBOUR}".encode(), str(place).encode())
        answer = alice.upload(case.filename, content, "flac", HX_Request="true")
        assert answer.status in (201, 422), f"{case}: {answer.status}"
        if answer.status == 201:
            kept[next(mark["data-file"] for mark in answer.marks if "data-status" in mark)] = case
        else:
            assert End.REFUSED in case.ends, f"{case}: refused"
            assert 'class="message' in answer.text or "refus" in answer.text
    assert "Landlock is" in house.log, "the worker says at its start whether it is on"
    good = alice.keep("good.wav", sounds.wav(1.0), "flac")

    wait_for("the good one to be ready", lambda: alice.has(good, "complete"))
    for file_id, case in kept.items():
        ends = {STATUS[end] for end in case.ends}
        wait_for(f"{case} to end", lambda: not alice.is_under_way(file_id))  # noqa: B023
        row = alice.row(file_id)
        assert row is not None
        assert row.status in ends, f"{case}: {row.status}"
        if row.status == "complete":
            has_flaw = [
                mark.get("data-flaw") for mark in alice.get(f"/files/{file_id}").marks if is_head(mark, file_id)
            ]
            assert (has_flaw == ["incomplete"]) <= (End.MARKED in case.ends), f"{case}: {has_flaw}"
            assert (has_flaw == [None]) <= (End.READY in case.ends), f"{case}: {has_flaw}"
    for key in house.stored():
        if key.startswith("transcoded/") and any(file_id in key for file_id in kept):
            assert not holds_tone(house.data_dir / key), key


def is_head(mark: dict[str, str], file_id: str) -> bool:
    return mark.get("data-file") == file_id and "data-status" in mark


def memory(house: House) -> int:
    """Bytes that the web process has in the machine's memory."""
    status = Path(f"/proc/{house.pid('web')}/status").read_text()
    return int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0]) * 1024


def test_sec_M9_more_than_four_gib_is_refused_by_its_size_before_a_byte_of_it_has_come(alice: Visitor) -> None:
    wanted = json.dumps({"name": "huge.wav", "size": FOUR_GIB + 1, "type": "audio/wav", "fp": "x", "presets": ["flac"]})

    answer = alice.ask(
        "POST", "/uploads", wanted.encode(), Content_Type="application/json", X_CSRFToken=alice.token
    )  # fmt: skip

    assert answer.status == 413


def test_sec_M9_a_large_file_takes_no_memory(house: House, alice: Visitor) -> None:
    """256 MiB of an RF64 whose header says so go through the form: what is read is not kept in memory."""
    size = 256 << 20
    head = bytearray(sounds.silence(0.1)[:44])
    head[:4], head[4:8], head[40:44] = b"RF64", b"\xff" * 4, b"\xff" * 4
    sizes = b"ds64" + (28).to_bytes(4, "little") + (size + 72).to_bytes(8, "little") + size.to_bytes(8, "little")
    head[12:12] = sizes + (size // 4).to_bytes(8, "little") + bytes(4)
    start, content_type = alice.form("large.wav", bytes(head) + b"@", ("opus-64",))
    before, _, after = start.partition(b"@")
    held = memory(house)
    connection = http.client.HTTPConnection("127.0.0.1", house.port, timeout=100)
    connection.putrequest("POST", "/files/")
    length = str(len(before) + size + len(after))
    for name, value in alice.headers(Content_Type=content_type, Content_Length=length, HX_Request="true").items():
        connection.putheader(name, value)
    connection.endheaders(before)
    piece, most = bytes(1 << 20), 0
    for number in range(size // len(piece)):
        connection.send(piece)
        most = max(most, memory(house)) if number % 16 == 0 else most
    connection.send(after)

    answer = connection.getresponse()

    text = answer.read().decode()
    connection.close()
    assert answer.status == 201, text
    assert max(most, memory(house)) - held < MOST_GROWTH
    file_id = re.findall(r'data-file="([^"]+)"', text)[0]
    alice.get("/files/")
    alice.post(f"/files/{file_id}/delete")

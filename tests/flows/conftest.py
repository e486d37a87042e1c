"""Houses to try things in."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import disks, sounds
from tests.flows.house import House, wait_for
from tests.flows.sender import Send, senders
from tests.flows.visitor import Visitor

DISK_MIB = 256


@pytest.fixture
def house(shared_house: House) -> House:
    """One that answers and has nothing to do. Tests share it, each with people of its own."""
    wait_for("the web process to answer", lambda: _answers(shared_house))
    wait_for("the house to be idle", lambda: not shared_house.ffmpegs())
    shared_house.forget_uploads()
    return shared_house


@pytest.fixture
def alice(house: House) -> Visitor:
    return house.visitor().register(f"alice-{uuid.uuid4().hex[:8]}")


@pytest.fixture
def bob(house: House) -> Visitor:
    return house.visitor().register(f"bob-{uuid.uuid4().hex[:8]}")


@pytest.fixture
def send(alice: Visitor) -> Iterator[Send]:
    """Makes senders of Alice's. In the end nothing is left of what they have sent."""
    with senders(alice) as send:
        yield send


@pytest.fixture(scope="session")
def song() -> bytes:
    """Two seconds, done in no time."""
    return sounds.wav(2.0)


@pytest.fixture(scope="session")
def long_song(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Two minutes in a small file, which are converted to MP4 in some seconds."""
    return sine(tmp_path_factory.mktemp("songs"), 120)


@pytest.fixture(scope="session")
def big_song() -> bytes:
    """Too big for the buffers between us and the storage, and converted in no time."""
    return sounds.silence(30)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, which only root can make."""
    with disks.mounted(tmp_path / "disk", f"{DISK_MIB}m") as folder:
        yield folder


def sine(folder: Path, seconds: int) -> bytes:
    """A tone that lasts, as FLAC: small to send, and a pure tone is hard work for an AAC encoder."""
    source = f"sine=frequency=440:sample_rate=44100:duration={seconds}"
    made = sounds.ffmpeg(folder / f"{seconds}.flac", "-f", "lavfi", "-i", source, "-ac", "2")
    return made.read_bytes()


def _answers(house: House) -> bool:
    try:
        return house.visitor().get("/readyz").status == 200
    except OSError:
        return False

"""Who scripts, and by what way."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flows.house import House, wait_for
from tests.scripts.passage import Passage
from tests.scripts.scripter import Scripter


@pytest.fixture
def scripter(shared_house: House, tmp_path: Path) -> Scripter:
    """One with a new account, in an empty folder."""
    wait_for("the web process to answer", lambda: answers(shared_house))
    return Scripter(shared_house, tmp_path)


@pytest.fixture
def passage(scripter: Scripter, shared_house: House) -> Iterator[Passage]:
    """A way to the house that is like any other until something is changed about it."""
    with Passage.opened(shared_house) as passage:
        yield passage


def answers(house: House) -> bool:
    """Whether it can be used."""
    try:
        return house.visitor().get("/readyz").status == 200
    except OSError:
        return False

"""What the real processes write down, of people whose names are nobody's business."""

import uuid

import pytest

from tests import sounds
from tests.flows.house import House, wait_for
from tests.flows.visitor import PASSWORD

pytestmark = pytest.mark.processes


def test_sec_W10_the_log_of_the_house_names_nobody(house: House) -> None:
    """Guards that web and worker log by `Discreet`, and that granian and Celery keep what is asked to themselves."""
    name, secret = f"carol-{uuid.uuid4().hex[:8]}", uuid.uuid4().hex
    carol = house.visitor().register(name)
    broken = carol.keep(f"diary {secret}.wav", sounds.damaged(), "wav")
    wait_for("the news", lambda: carol.inbox(broken))
    carol.get(f"/files/?q={secret}&token={secret}")
    carol.get(f"/nowhere/{secret}")
    carol.ask("GET", "/files/", Host="a" * 300, Referer=f"http://[{secret}")
    carol.post("/auth/logout")
    carol.get("/auth/login")
    assert carol.post("/auth/login", email=f"{name}@example.com", password=secret).status == 422

    for personal in (name, secret, PASSWORD, carol.token, *carol.cookies.values()):
        assert personal not in house.log

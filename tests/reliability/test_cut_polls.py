"""The line of an open page is cut again and again: it is told of each event once, and in order."""

import re

import pytest
from flask.testing import FlaskClient

from tests.conftest import HTMX
from tests.factories import AudioFileFactory, finish, standing
from webapp.models import User


class Page:
    """An open page as htmx keeps it: it asks with the version of the last answer that has arrived."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        self.told: list[int] = []
        self._take(client.get("/account/").text)

    def poll(self, *, is_cut: bool = False) -> None:
        """Ask; when the line is cut the answer is lost, though it was made."""
        answer = self.client.get(f"/alerts/poll?v={self.version}", headers=HTMX)
        assert answer.status_code in (200, 204)
        if answer.status_code == 200 and not is_cut:
            self._take(answer.text)

    def _take(self, text: str) -> None:
        self.cards = [int(number) for number in re.findall(r'data-notification="(\d+)"', text)]
        self.told += [int(number) for number in re.findall(r'data-told="(\d+)"', text)]
        (self.version,) = set(re.findall(r"/alerts/poll\?v=(\d+)", text))


@pytest.mark.parametrize("cuts", [5, pytest.param(100, marks=pytest.mark.slow)])
def test_sec_R9_of_a_line_that_is_cut_again_and_again_each_event_is_told_once_and_in_order(
    as_alice: FlaskClient, alice: User, cuts: int
) -> None:
    page = Page(as_alice)
    for _ in range(cuts):
        for _ in range(2):
            finish(AudioFileFactory(owner=alice, presets=("wav",)).job)
            page.poll(is_cut=True)
        page.poll()
        page.poll()

        newest = [note.id for note in standing(alice)]
        assert page.cards == list(reversed(newest))[: len(page.cards)]

    assert page.told == newest
    assert len(page.told) == 2 * cuts
    assert len(set(page.told)) == 2 * cuts


def test_sec_R9_two_pages_that_are_cut_at_other_moments_are_both_told_of_all(
    as_alice: FlaskClient, alice: User
) -> None:
    pages = [Page(as_alice), Page(as_alice)]
    for number in range(6):
        finish(AudioFileFactory(owner=alice, presets=("wav",)).job)
        for each, page in enumerate(pages):
            page.poll(is_cut=(number + each) % 2 == 0)
    for page in pages:
        page.poll()

    everything = [note.id for note in standing(alice)]
    assert [page.told for page in pages] == [everything, everything]

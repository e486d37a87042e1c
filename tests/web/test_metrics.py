"""What can be counted is told to this machine, or to whoever knows the token, and to nobody else."""

import dataclasses
import re
from collections.abc import Sequence
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from tests.factories import AudioFileFactory, finish
from tests.fakes import MemoryStorage
from webapp import create_app
from webapp.config import Config
from webapp.db import db
from webapp.models import AudioFile, User
from webapp.news import JobStatus
from webapp.services import sweeps, uploads

TOKEN = "0123456789abcdef-0123456789abcdef"
AWAY, HOME = {"REMOTE_ADDR": "203.0.113.9"}, {"REMOTE_ADDR": "127.0.0.1"}
LINE = re.compile(r'(tapedeck_\w+(?:\{(?:\w+="[^"\\]*",?)+\})?) (-?[0-9.]+)')


def figures(text: str) -> dict[str, float]:
    """As a scraper reads them; every line must be one that it can read."""
    read = [line for line in text.splitlines() if not re.fullmatch(r"# (HELP|TYPE) tapedeck_\w+ .+", line)]
    assert text.endswith("\n")
    return {found[1]: float(found[2]) for line in read if (found := LINE.fullmatch(line)) or pytest.fail(line)}


def test_what_there_is_is_counted(
    visitor: FlaskClient, alice: User, bob: User, song: AudioFile, storage: MemoryStorage
) -> None:
    storage.free = 12345
    finish(AudioFileFactory(owner=bob, presets=("wav", "flac")).job)
    finish(song.job, JobStatus.ERROR, "wav")
    uploads.begin(alice, "x.wav", 100, ["wav"])

    answer = visitor.get("/metrics")
    told = figures(answer.text)

    assert (answer.status_code, answer.content_type) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert told.pop(next(name for name in told if name.startswith("tapedeck_info{version=")), 0) == 1
    assert 0 <= told.pop("tapedeck_oldest_waiting_seconds") < 600
    assert told == {
        **{f'tapedeck_jobs{{status="{status}"}}': 0 for status in JobStatus},
        'tapedeck_jobs{status="created"}': 1,
        'tapedeck_jobs{status="complete"}': 1,
        'tapedeck_renditions_unfinished{status="created"}': 2,
        'tapedeck_renditions_unfinished{status="submitted"}': 0,
        'tapedeck_renditions_unfinished{status="progressing"}': 0,
        "tapedeck_users": 2,
        "tapedeck_files": 2,
        'tapedeck_kept_bytes{what="originals"}': 2000,
        'tapedeck_kept_bytes{what="renditions"}': 20,
        "tapedeck_uploads_unfinished": 1,
        "tapedeck_uploads_reserved_bytes": 100,
        "tapedeck_storage_free_bytes": 12345 - 100,
    }
    sweeps.sweep_if_due(lambda count: None)
    assert 0 <= figures(visitor.get("/metrics").text)["tapedeck_sweep_age_seconds"] < 600


def test_it_takes_few_queries_however_much_there_is(visitor: FlaskClient, alice: User) -> None:
    for _ in range(5):
        finish(AudioFileFactory(owner=alice).job, JobStatus.ERROR)
    visitor.get("/metrics")
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    sa.event.listen(db.engine, "before_cursor_execute", note)
    visitor.get("/metrics")
    sa.event.remove(db.engine, "before_cursor_execute", note)

    assert len(asked) <= 10


CASES: Sequence[tuple[str, dict[str, str], dict[str, str], bool]] = [
    ("", HOME, {}, True),
    ("", {"REMOTE_ADDR": "::1"}, {}, True),
    ("", {"REMOTE_ADDR": "::ffff:127.0.0.1"}, {}, True),
    ("", AWAY, {}, False),
    ("", {"REMOTE_ADDR": ""}, {}, False),
    ("", AWAY, {"X-Forwarded-For": "127.0.0.1"}, False),
    ("", HOME, {"X-Forwarded-For": "127.0.0.1"}, False),
    ("", HOME, {"Forwarded": "for=203.0.113.9"}, False),
    ("", HOME, {"X-Real-IP": "203.0.113.9"}, False),
    ("127.0.0.1", HOME, {"X-Forwarded-For": "203.0.113.9"}, False),
    ("127.0.0.1", HOME, {"X-Forwarded-For": "127.0.0.1, 203.0.113.9"}, False),
    ("127.0.0.1", HOME, {"Forwarded": "for=203.0.113.9"}, False),
    ("127.0.0.1", HOME, {"X-Forwarded-For": "127.0.0.1"}, True),
    ("", AWAY, {"Authorization": f"Bearer {TOKEN}"}, True),
    ("", HOME, {"X-Forwarded-For": "203.0.113.9", "Authorization": f"Bearer {TOKEN}"}, True),
    ("", AWAY, {"Authorization": f"Bearer {TOKEN}x"}, False),
    ("", AWAY, {"Authorization": "Bearer ü"}, False),
    ("", AWAY, {"Authorization": "Bearer"}, False),
    ("", AWAY, {"Authorization": f"Basic {TOKEN}"}, False),
]


# Guards `_is_from_here` and `_knows_token` in webapp/web/metrics.py.
def test_sec_W7_figures_are_for_this_machine_and_for_whoever_knows_the_token(config: Config) -> None:
    visitors = {proxies: visitor_of(config, proxies, metrics_token=TOKEN) for proxies in ("", "127.0.0.1")}
    for proxies, peer, headers, may in CASES:
        answer = visitors[proxies].get("/metrics", headers=headers, environ_overrides=peer)
        assert answer.status_code == (200 if may else 404), (proxies, peer, headers)
        assert ("tapedeck_jobs" in answer.text) is may


def test_sec_W7_without_a_token_none_fits(config: Config) -> None:
    visitor = visitor_of(config, "")
    for given in ("Bearer", "Bearer ", "Bearer None"):
        answer = visitor.get("/metrics", headers={"Authorization": given}, environ_overrides=AWAY)
        assert answer.status_code == 404


def visitor_of(config: Config, trusted_proxies: str, **settings: Any) -> FlaskClient:
    """Nobody in particular, where these proxies are trusted."""
    own = dataclasses.replace(config, trusted_proxies=trusted_proxies, **settings)
    return create_app(own, storage=MemoryStorage()).test_client()

"""What a request sends, however odd: nothing of it is an error of ours, and nothing half-understood is kept.

The same examples each time (`derandomize`), so that a change is judged by what it changes.
"""

import io
import json
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import hypothesis
import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, example, given
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine
from werkzeug.test import TestResponse

from tests.conftest import HTMX
from tests.factories import sign_in, user
from tests.fakes import MemoryStorage
from webapp.db import db
from webapp.models import AudioFile, Upload
from webapp.services import checksum, uploads

SOUND = b"RIFF" + b"sound" * 10
TOKEN = b"<token>"
PART = 16
# On a machine that does other things too.
LONG = (pytest.mark.slow, pytest.mark.timeout(600))


def budget(examples: int, **more: Any) -> Any:
    """So many examples, the same on each machine, however slow it is."""
    return hypothesis.settings(
        max_examples=examples, derandomize=True, deadline=None, database=None,
        suppress_health_check=list(HealthCheck), **more,
    )  # fmt: skip


def file_count() -> int:
    db.session.rollback()
    return db.session.scalar(sa.select(sa.func.count()).select_from(AudioFile)) or 0


# The form.

NAMES = (b"csrf_token", b"presets", b"once", b"audio", b"other", b"", b"audio\0", b"a" * 300, "ü".encode(), b"\xff")
FILENAMES = (
    b"a.wav",
    b"",
    b"../../a.wav",
    b"C:\\a.wav",
    b'a\\"b.wav',
    b"a;b=c",
    "ü\u202e.wav".encode(),
    b"\xff\xfe",
    b"%00%0d",
)
CONTENTS = (
    TOKEN,
    b"wav",
    b"mp7",
    str(uuid.UUID(int=7)).encode(),
    b"no-uuid",
    SOUND,
    b"not audio",
    b"",
    b"\r\n",
    b"--X",
    b"\0" * 99,
)
HEADERS = (
    b"Content-Type: audio/wav",
    b"Content-Type: multipart/mixed; boundary=Y",
    b"Content-Type: text/plain; charset=utf-16",
    b"Content-Transfer-Encoding: base64",
    b"Content-Disposition: form-data; name=presets",
    b"Content-Length: -1",
    b": nothing",
    b"X-Long: " + b"x" * 70_000,
    b" folded",
    b"\xff\xfe: \x00",
)
RIGHT_TYPE = "multipart/form-data; boundary=X"
TYPES = (
    *[RIGHT_TYPE] * 40,
    'multipart/form-data; boundary="X"',
    "multipart/form-data; boundary=Y",
    "multipart/form-data; boundary=",
    "multipart/form-data",
    "multipart/form-data; boundary=" + "X" * 5000,
    "multipart/form-data; boundary=X; boundary=Y",
    "multipart/form-data; boundary=\xff\xfe",
    "multipart/form-data; boundary*=UTF-8''%58",
    "multipart/form-data; boundary*=nonsense''%ff",
    "multipart/form-data; charset=utf-7; boundary=X",
    "multipart/mixed; boundary=X",
    "application/x-www-form-urlencoded",
    "application/json",
    "",
)


def form(*fields: tuple[bytes, bytes]) -> bytes:
    """A body with these fields; the sound is a file's."""
    body = b""
    for name, content in fields:
        tail = b'; filename="a.wav"' if name == b"audio" else b""
        body += b'--X\r\nContent-Disposition: form-data; name="' + name + b'"' + tail + b"\r\n\r\n" + content + b"\r\n"
    return body + b"--X--\r\n"


@st.composite
def parts(draw: st.DrawFn) -> bytes:
    """One part of a form, mostly such as a browser would send."""
    if draw(st.integers(0, 3)):
        name, filename, content = draw(
            st.sampled_from([
                (b"csrf_token", None, TOKEN),
                (b"presets", None, b"wav"),
                (b"once", None, b""),
                (b"audio", b"a.wav", SOUND),
            ])
        )  # fmt: skip
        headers: list[bytes] = []
    else:
        name = draw(st.sampled_from(NAMES) | st.binary(max_size=8))
        filename = draw(st.none() | st.sampled_from(FILENAMES) | st.binary(max_size=8))
        content = draw(st.sampled_from(CONTENTS) | st.binary(max_size=64))
        headers = draw(st.lists(st.sampled_from(HEADERS), max_size=2))
    tail = b"" if filename is None else b'; filename="' + filename + b'"'
    lines = [b'Content-Disposition: form-data; name="' + name + b'"' + tail, *headers]
    return b"\r\n".join((*lines, b"", content))


@st.composite
def forms(draw: st.DrawFn) -> bytes:
    """A body: parts in some order, perhaps spoilt."""
    first = (
        [b'Content-Disposition: form-data; name="csrf_token"\r\n\r\n' + TOKEN]
        if draw(st.sampled_from([True, True, True, False]))
        else []
    )
    body = (
        b"".join(b"--X\r\n" + part + b"\r\n" for part in [*first, *draw(st.lists(parts(), max_size=5))]) + b"--X--\r\n"
    )
    match draw(st.sampled_from(["", "", "", "cut", "bytes", "newlines", "before", "after"])):
        case "cut":
            body = body[: draw(st.integers(0, len(body)))]
        case "bytes":
            at = draw(st.integers(0, len(body)))
            body = body[:at] + draw(st.binary(max_size=8)) + body[at + draw(st.integers(0, 8)) :]
        case "newlines":
            body = body.replace(b"\r\n", b"\n")
        case "before":
            body = draw(st.binary(max_size=99)) + body
        case "after":
            body += draw(st.binary(max_size=99))
    return body


@pytest.mark.parametrize("count", [60, pytest.param(400, marks=LONG)])
def test_sec_W10_no_form_is_an_error_of_ours(
    app: Flask, as_alice: FlaskClient, storage: MemoryStorage, count: int
) -> None:
    """Guards `_guarded` and the limits in webapp/web/multipart.py, and the order in `originals._receive`."""
    app.config["WTF_CSRF_ENABLED"] = True
    token = as_alice.get("/files/").text.partition('name="csrf-token" content="')[2].partition('"')[0].encode()
    seen: dict[int, int] = {}

    @budget(count)
    @example(form((b"audio", SOUND)), RIGHT_TYPE, None, {})
    @example(form((b"audio", SOUND), (b"csrf_token", TOKEN)), RIGHT_TYPE, None, {})
    @example(form((b"csrf_token", TOKEN), (b"presets", b"\xff"), (b"audio", SOUND)), RIGHT_TYPE, None, HTMX)
    @example(form((b"csrf_token", TOKEN), (b"audio", SOUND)), RIGHT_TYPE, None, HTMX)
    @example(form((b"csrf_token", TOKEN), (b"audio", b"not audio")), RIGHT_TYPE, None, HTMX)
    @given(
        forms(), st.sampled_from(TYPES), st.sampled_from([None] * 8 + [0, 7, 100, 10**9]), st.sampled_from([{}, HTMX])
    )
    def send(body: bytes, kind: str, announced: int | None, who: dict[str, str]) -> None:
        body, before = body.replace(TOKEN, token), file_count()
        length = len(body) if announced is None else announced
        environ = {"CONTENT_TYPE": kind, "CONTENT_LENGTH": str(length), "wsgi.input": io.BytesIO(body)}
        answer = as_alice.post("/files/", environ_overrides=environ, headers=who)
        seen[answer.status_code] = seen.get(answer.status_code, 0) + 1
        assert answer.status_code < 500, body
        added = file_count() - before
        assert added == 0 or token in body
        assert len(storage.objects) == before + added
        if answer.status_code >= 400 and answer.status_code != 400:  # 400: the files before a cut have arrived
            assert added == 0

    send()

    assert {201, 400, 422} <= set(seen)


# The protocol of uploads in parts.

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)
FIELDS = {
    "name": st.sampled_from(["a.wav", "", "\0", "\ud800", "x" * 5000, "../a", "\u202e"]),
    "size": st.sampled_from([5, 0, -1, 2**31, 2**63, 2**64, 10**400, 5.0, "5", True]),
    "type": st.just("audio/wav"),
    "fp": st.sampled_from(["", "a", "\ud800", "x" * 99_999]),
    "presets": st.sampled_from([[], ["wav"], ["wav"] * 999, ["mp7"], [None], "wav", {"wav": 1}]),
    "batch": st.sampled_from([None, str(uuid.UUID(int=1)), "x", "{" * 40, 7]),
    "copy": st.booleans(),
    "checksum": st.sampled_from(["", "0" * 64, "A" * 64, "0" * 65, "\u0660" * 64]),
}
ASKED = st.fixed_dictionaries({}, optional={name: JSON | usual for name, usual in FIELDS.items()})
RIGHT = st.fixed_dictionaries(
    {"name": st.just("a.wav"), "size": st.just(5)},
    optional={name: usual for name, usual in FIELDS.items() if name not in ("name", "size")},
)
BODIES = (
    (ASKED | RIGHT | JSON).map(lambda said: json.dumps(said).encode())
    | st.binary(max_size=40)
    | st.sampled_from(
        [
            b"[" * 100_000,
            b'{"a":' * 50_000,
            b'{"size": 1e999}',
            b'{"size": NaN}',
            b'{"name": "\xff"}',
            b"\xef\xbb\xbf{}",
        ]
    )
    | st.just(b'{"name": "a.wav", "size": ' + b"9" * 5000 + b"}")
)
WHICH = st.sampled_from(
    [
        "/parts/1",
        "/parts/0",
        "/parts/99999999999999999999",
        "/parts/-1",
        "/parts/a",
        "/complete",
        "",
        "?from=x",
        "?from=-9",
        f"?from={10**30}",
        "/delete",
    ]
)


@pytest.mark.parametrize("count", [60, pytest.param(400, marks=LONG)])
def test_sec_W10_nothing_that_a_program_says_is_an_error_of_ours(as_alice: FlaskClient, count: int) -> None:
    """Guards `_asked`, `_read` and `_number` in webapp/web/uploads.py."""
    begun = as_alice.post("/uploads", json={"name": "a.wav", "size": 5}).get_json()["id"]
    seen: dict[int, int] = {}

    @budget(count)
    @example(b'{"name": "a.wav", "size": 5}', "application/json", "", "", "POST")
    @example(b'{"name": "a.wav", "size": 0}', "application/json", "", "", "POST")
    @example(b"[" * 100_000, "application/json", "", "", "POST")
    @example(b"[]", "application/json", "", "", "POST")
    @example(b'{"name": {}, "size": 5}', "application/json", "", "", "POST")
    @example(b"", "", str(uuid.UUID(int=5)), "/complete", "POST")
    @given(
        BODIES,
        st.sampled_from(
            [
                *["application/json"] * 6,
                "application/json; charset=utf-16",
                "multipart/form-data; boundary=X",
                "text/plain",
                "",
            ]
        ),
        st.sampled_from(["", "", begun, str(uuid.UUID(int=5)), "x"]),
        WHICH,
        st.sampled_from(["POST", "PUT", "GET", "DELETE", "PATCH"]),
    )
    def say(body: bytes, kind: str, upload: str, which: str, method: str) -> None:
        path, method = (f"/uploads/{upload}{which}", method) if upload else ("/uploads", "POST")
        if (upload == begun and method == "DELETE") or which == "/delete":
            path = f"/uploads/{uuid.UUID(int=6)}"
        answer = as_alice.open(path, method=method, data=body, content_type=kind)
        seen[answer.status_code] = seen.get(answer.status_code, 0) + 1
        assert answer.status_code < 500, (method, path, body[:200])

    say()

    assert {201, 400, 404, 422} <= set(seen)


class Protocol(RuleBasedStateMachine):
    """Uploads as a program may drive them, in any order, beside a model of what must be."""

    client: FlaskClient
    stranger: FlaskClient
    storage: MemoryStorage
    begun = Bundle("begun")
    gone = Bundle("gone")

    @initialize()
    def empty(self) -> None:
        """Nothing of an earlier run is left."""
        for upload in db.session.scalars(sa.select(Upload.id).where(Upload.closed_at.is_(None))).all():
            self.client.delete(f"/uploads/{upload}")
        self.sizes: dict[str, int] = {}
        self.have: dict[str, set[int]] = {}
        self.complete_ones: set[str] = set()
        self.files_before = file_count()

    @rule(target=begun, size=st.integers(1, 3 * PART + 1), is_same=st.booleans())
    def begin(self, size: int, is_same: bool) -> Any:
        """The same file again goes on where it was."""
        said = {"name": "a.wav", "size": size, "fp": "same" if is_same else uuid.uuid4().hex, "copy": True}
        answer = self.client.post("/uploads", json=said)
        told = answer.get_json()
        assert answer.status_code == (200 if told["id"] in self.sizes else 201)
        assert (told["part_size"], told["parts"]) == (PART, -(-size // PART))
        if answer.status_code == 200:
            assert told["have"] == sorted(self.have[told["id"]])
            return multiple()
        self.sizes[told["id"]], self.have[told["id"]] = size, set()
        return told["id"]

    @rule(upload=begun, number=st.integers(1, 4), off=st.sampled_from([0, 0, 0, -1, 1, 40]))
    def put(self, upload: str, number: int, off: int) -> None:
        size = self.sizes[upload]
        count = -(-size // PART)
        right = PART if number < count else size - PART * (count - 1)
        answer = self.client.put(f"/uploads/{upload}/parts/{number}", data=b"x" * max(0, right + off))
        if upload in self.complete_ones:
            assert answer.status_code == 409
        elif number > count:
            assert answer.status_code == 404
        elif off == 0:
            assert (answer.status_code, bool(answer.headers["ETag"])) == (204, True)
            self.have[upload].add(number)
        else:
            assert answer.status_code == (413 if off > 0 else 400)

    @rule(upload=begun, number=st.sampled_from([0, 5, 10**6, 10**30]))
    def put_what_there_is_not(self, upload: str, number: int) -> None:
        answer = self.client.put(f"/uploads/{upload}/parts/{number}", data=b"x")
        assert answer.status_code == (409 if upload in self.complete_ones else 404)

    @rule(upload=begun, first=st.sampled_from([None, 1, 2, -1, 10**20]))
    def look(self, upload: str, first: int | None) -> None:
        answer = self.client.get(f"/uploads/{upload}", query_string={"from": first} if first else {})
        every = range(1, -(-self.sizes[upload] // PART) + 1)
        here = every if upload in self.complete_ones else sorted(self.have[upload])
        assert (answer.status_code, answer.get_json()["have"]) == (200, list(here))

    @rule(upload=begun)
    def complete(self, upload: str) -> None:
        answer = self.client.post(f"/uploads/{upload}/complete")
        missing = sorted(set(range(1, -(-self.sizes[upload] // PART) + 1)) - self.have[upload])
        if missing:
            assert (answer.status_code, answer.get_json()["missing"]) == (409, missing)
        else:
            assert answer.status_code == (200 if upload in self.complete_ones else 201)
            assert answer.get_json()["file"] == upload
            self.complete_ones.add(upload)

    @rule(target=gone, upload=consumes(begun))
    def discard(self, upload: str) -> Any:
        """Of one that has become a file nothing changes."""
        assert self.client.delete(f"/uploads/{upload}").status_code == 204
        if upload in self.complete_ones:
            return multiple()
        del self.sizes[upload]
        return upload

    @rule(upload=gone | begun, deed=st.sampled_from(["get", "put", "complete", "discard"]), is_gone=st.booleans())
    def meddle(self, upload: str, deed: str, is_gone: bool) -> None:
        """What is not there any more, or another's."""
        client = self.client if upload not in self.sizes else self.stranger
        assert self._do(client, upload, deed).status_code == 404

    def _do(self, client: FlaskClient, upload: str, deed: str) -> TestResponse:
        deeds: Mapping[str, Callable[[], TestResponse]] = {
            "get": lambda: client.get(f"/uploads/{upload}"),
            "put": lambda: client.put(f"/uploads/{upload}/parts/1", data=b"x"),
            "complete": lambda: client.post(f"/uploads/{upload}/complete"),
            "discard": lambda: client.delete(f"/uploads/{upload}"),
        }
        return deeds[deed]()

    @invariant()
    def nothing_is_lost_or_left_over(self) -> None:
        """The storage has just what the model has."""
        if hasattr(self, "sizes"):
            assert file_count() - self.files_before == len(self.complete_ones)
            assert len(self.storage.open) == len(self.sizes.keys() - self.complete_ones)


@pytest.mark.parametrize("count", [6, pytest.param(30, marks=LONG)])
def test_sec_W10_uploads_end_as_they_must_in_whatever_order_things_are_done(
    app: Flask, as_alice: FlaskClient, storage: MemoryStorage, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """Guards the order of the checks in services/uploads.py and services/completion.py."""
    monkeypatch.setattr(checksum, "PART_SIZE", PART)
    monkeypatch.setattr(uploads, "MEBIBYTE", PART)
    carol = sign_in(app.test_client(), user("carol@example.com"))

    class Driven(Protocol):
        """With the clients and the storage of this test."""

    Driven.client, Driven.stranger, Driven.storage = as_alice, carol, storage

    run_machine(Driven, settings=budget(count, stateful_step_count=25))

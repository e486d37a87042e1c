"""What may stand in a log, and what may not."""

import io
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse

from tests.fakes import FakeEncoder, MemoryStorage
from webapp import logs, server
from webapp.db import db, writing
from webapp.errors import EncodeFailed, StorageUnavailable
from webapp.models import AudioFile, Notification, User
from webapp.services import outside, sweeps
from webapp.services.work import Bench


def written(message: str, *values: object, exc: BaseException | None = None) -> str:
    """The line, or lines, of such a record."""
    known = (type(exc), exc, exc.__traceback__) if exc else None
    record = logging.LogRecord("a.library", logging.WARNING, __file__, 1, message, values, known)
    return logs.Discreet(logs.FORMAT).format(record)


@pytest.mark.parametrize(
    ("message", "secret"),
    [
        ("cannot write to carol.o'neil+tapes@mail.example.com at once", "example.com"),
        ("Key (email)=(carol@example.com) already exists", "carol"),
        ("no answer of postgresql+psycopg://tapes:hunter2@db.internal/tapes", "hunter2"),
        ("no answer of amqp://tapes:hunter2@mq//", "hunter2"),
        ('Could not connect to "https://b.s3.amazonaws.com/x?X-Amz-Signature=abc&X=1"', "abc"),
        ("GET /auth/reset?token=abc", "abc"),
        ("not authorized on arn:aws:s3:::tapes/media/7/summer/my_demo.wav", "my_demo"),
    ],
)
def test_sec_W10_what_a_library_says_of_somebody_is_left_out(message: str, secret: str) -> None:
    """Guards `_HIDDEN` in webapp/logs.py."""
    assert secret in message
    assert secret not in written(message)
    assert secret not in written("it said: %s", message)


def test_what_says_nothing_of_anybody_is_told_as_it_is() -> None:
    for message in (
        "job 3f2a: now complete",
        "sns: https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0a.pem could not be fetched",
        "is it there? Nobody knows",
        "the sandbox around ffmpeg: Landlock is on",
        "2 @ 44100 Hz",
    ):
        assert written(message).endswith(f"WARNING a.library: {message}")


def test_sec_W10_nobody_can_forge_a_line() -> None:
    """Guards the last line of `Discreet.format`."""
    told = written("sns: message %s", "1\n2026-01-01 00:00:00,000 INFO webapp: all is well\r\x1b[2K\x00")

    assert len(told.splitlines()) == 2
    assert told.splitlines()[1].startswith("    2026")
    assert not set(told) & set("\r\x1b\x00")


def fail(secret: str) -> None:
    try:
        int(secret)
    except ValueError as exc:
        raise KeyError(secret) from exc


def test_sec_W10_an_error_is_told_by_its_kind_and_place() -> None:
    """Guards `said` and `trace`: what an error says may be what somebody has sent."""
    secret = "correct horse battery staple"
    with pytest.raises(KeyError) as caught:
        fail(secret)

    for told in (logs.trace(caught.value), written("failed", exc=caught.value)):
        assert secret not in told
        assert "ValueError" in told
        assert told.index("ValueError") < told.index("KeyError")
        assert "test_logs.py" in told
        assert "int(secret)" in told


def test_sec_W10_what_the_database_repeats_is_left_out(app: Flask) -> None:
    """Guards `_OF_DATABASE`, and `hide_parameters` in webapp/db.py."""
    with pytest.raises(sa.exc.IntegrityError) as caught, writing():
        db.session.add_all([User(email="carol@example.com", password_hash="$argon2$") for _ in range(2)])

    told = logs.trace(caught.value)
    assert "carol" not in told
    assert "argon2" not in told
    assert "unique" in told.lower()


def test_what_helps_to_mend_it_is_told() -> None:
    locked = sa.exc.OperationalError("SELECT 1", {}, Exception("database is locked\nDETAIL: more"))

    assert logs.said(locked) == "sqlalchemy.exc.OperationalError: database is locked"
    assert logs.said(FileNotFoundError(2, "No such file or directory", "/srv/x")).endswith(
        ": No such file or directory"
    )
    assert logs.said(StorageUnavailable()) == "webapp.errors.StorageUnavailable"


EMAIL, PASSWORD, NEW_PASSWORD = "carol.quill@example.com", "violet umbrella lantern", "copper harvest window"
NAMES = ("Grandmother's waltz.wav", "unreadable diary.wav", "Second movement.wav", "renamed lullaby", "wedding.txt")


def token_of(page: str) -> str:
    return page.partition('name="csrf-token" content="')[2].partition('"')[0]


def cookie_of(client: FlaskClient) -> str:
    cookie = client.get_cookie("session")
    assert cookie
    return cookie.value


@pytest.fixture
def heard(caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
    """All that is said meanwhile: by us however unimportant, by libraries what goes to a log."""
    caplog.set_level(logging.INFO)
    caplog.set_level(logging.DEBUG, logger="webapp")
    return lambda: "\n".join((caplog.text, *caplog.messages, *(repr(record.args) for record in caplog.records)))


class Carol:
    """She has a name, a password, and files whose names are nobody's business."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        self.secrets = {EMAIL, PASSWORD, NEW_PASSWORD, *NAMES}

    @property
    def token(self) -> str:
        page = self.client.get("/auth/login")
        token = token_of(self.client.get("/account/").text if page.status_code == 302 else page.text)
        self.secrets |= {token, cookie_of(self.client)}
        return token

    def post(self, path: str, **form: Any) -> TestResponse:
        return self.client.post(path, data={"csrf_token": self.token} | form)

    def arrives(self) -> list[AudioFile]:
        """With a wrong password, a file that is none, one in parts, and a page that is out of date."""
        for path, password in (
            ("register", PASSWORD),
            ("logout", ""),
            ("login", "wrong" + PASSWORD),
            ("login", PASSWORD),
        ):
            self.post(f"/auth/{path}", email=EMAIL, password=password)
        self.post("/files/", audio=[sound(NAMES[0]), sound(NAMES[1]), sound(NAMES[4], b"not audio")])
        self.client.post("/files/", data={"csrf_token": "stale", "audio": sound(NAMES[0])})
        header = {"X-CSRFToken": self.token}
        begun = self.client.post("/uploads", json={"name": NAMES[2], "size": 5, "fp": NAMES[2]}, headers=header)
        address = f"/uploads/{begun.get_json()['id']}"
        self.client.put(f"{address}/parts/1", data=b"sound", headers=header)
        assert self.client.post(f"{address}/complete", headers=header).status_code == 201
        return list(db.session.scalars(sa.select(AudioFile).order_by(AudioFile.created_at)))


def sound(name: str, content: bytes = b"RIFF sound") -> FileStorage:
    return FileStorage(io.BytesIO(content), name)


def fail_telling(*_: object, **__: object) -> None:
    raise RuntimeError(f"{EMAIL} sent {NAMES[0]}")


def work_in_vain(encoder: FakeEncoder, storage: MemoryStorage) -> None:
    bench = Bench()
    assert bench.do_next()
    storage.is_down = True
    assert not bench.do_next()
    storage.is_down = False
    encoder.error = EncodeFailed(detail=f"{NAMES[1]}: Invalid data found")
    while bench.do_next():
        pass


def test_sec_W10_no_secret_and_nothing_personal_is_logged(
    app: Flask,
    visitor: FlaskClient,
    encoder: FakeEncoder,
    storage: MemoryStorage,
    heard: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Over a journey through web, worker and command line, on which all goes wrong that can.

    Guards `_which` in webapp/web/errors.py, and what is left out in services/work.py, services/sweeps.py and tasks.py.
    """
    app.config["WTF_CSRF_ENABLED"] = True
    carol = Carol(visitor)
    file = carol.arrives()[0]
    work_in_vain(encoder, storage)
    storage.is_down = True
    assert visitor.get(f"/files/{file.id}/original?name={NAMES[0]}").status_code == 503
    storage.is_down = False

    for broken, address in ((Notification, "/notifications/"), (AudioFile, f"/files/{file.id}")):
        with monkeypatch.context() as patch:
            patch.setattr(broken, "of", fail_telling)
            assert visitor.get(f"{address}?q={NAMES[0]}&token={PASSWORD}").status_code == 500
    with monkeypatch.context() as patch:
        patch.setattr(outside, "ask_outside", fail_telling)
        sweeps.sweep_if_due(lambda count: None)
        patch.setattr(Bench, "do_next", fail_telling)
        app.extensions["queue"]._work()
    visitor.get(f"/nowhere/{PASSWORD}")
    visitor.post("/transcode-complete/", data=json.dumps({"MessageId": EMAIL}), headers={"x-amz-sns-message-id": EMAIL})
    carol.post(f"/files/{file.id}/rename", name=NAMES[3])
    assert carol.post("/account/password", current=PASSWORD, password=NEW_PASSWORD).status_code == 303
    for command in (["add", EMAIL], ["password", EMAIL], ["disable", EMAIL]):
        app.test_cli_runner().invoke(args=["users", *command], input=f"{NEW_PASSWORD}\n" * 2)

    said = heard()
    for what in (
        "GET /files/<uuid:file_id>/original",
        str(file.id),
        "RuntimeError",
        "StorageUnavailable",
        "work: failed",
    ):
        assert what in said
    for secret in carol.secrets:
        assert secret not in said, secret


def test_each_error_is_found_in_the_log_by_its_number(
    as_alice: FlaskClient, storage: MemoryStorage, song: AudioFile, heard: Callable[[], str]
) -> None:
    """Guards the first word of `_which` and the line of `tell` in webapp/web/errors.py."""
    storage.is_down = True

    answer = as_alice.get(f"/files/{song.id}/original")

    assert answer.status_code == 503
    assert answer.headers["X-Request-ID"] in answer.text
    assert f"request {answer.headers['X-Request-ID']} GET /files/<uuid:file_id>/original {song.id}: " in heard()


def test_sec_W10_the_server_keeps_no_list_of_what_was_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Guards what webapp/server.py asks of granian: an address may hold a token, and who asked is personal."""
    given: dict[str, Any] = {}

    class Server:
        def __init__(self, target: str, **settings: Any) -> None:
            given.update(settings)

        def serve(self, **_: object) -> None:
            given["is_served"] = True

    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setattr(server, "Granian", Server)
    server.main()

    assert given["is_served"]
    assert not given.get("log_access")

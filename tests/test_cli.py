"""The command line."""

import contextlib
import os
import re
import sqlite3
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy.exc import OperationalError

from tests.factories import AudioFileFactory, finish
from webapp import ROOT, create_app
from webapp.config import Config
from webapp.db import db
from webapp.errors import WrongPassword
from webapp.models import AudioFile, User
from webapp.news import JobStatus
from webapp.services import accounts

PASSWORD = "a tape in the rain"


def run(app: Flask, *words: str, typed: str = "") -> tuple[int, str]:
    """The exit code of a command and what it printed."""
    result = app.test_cli_runner().invoke(args=list(words), input=typed)
    db.session.rollback()
    return result.exit_code, result.output


def test_an_account_is_added_and_its_password_asked_for(app: Flask) -> None:
    code, said = run(app, "users", "add", "--admin", "Ana@example.com", typed=f"{PASSWORD}\n{PASSWORD}\n")

    assert (code, PASSWORD in said) == (0, False)
    user = accounts.authenticate("ana@example.com", PASSWORD, address="cli")
    assert user.is_admin


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("users", "add", "ana@example.com", "--password", "short"), "Use at least 12 characters."),
        (("users", "password", "nobody@example.com", "--password", PASSWORD), "There is no account"),
        (("users", "disable", "nobody@example.com"), "There is no account"),
        (("users", "reset", "nobody@example.com"), "There is no account"),
        (("users", "address", "nobody@example.com", "ana@example.com"), "There is no account"),
        (("users", "invite", "ana"), "This is not an e-mail address."),
        (("jobs", "retry", str(uuid.uuid4())), "There is no such file."),
    ],
)
def test_what_cannot_be_done_is_told_in_a_sentence(app: Flask, words: tuple[str, ...], sentence: str) -> None:
    code, said = run(app, *words)

    assert code == 1
    assert sentence in said
    assert "Traceback" not in said


def test_a_password_is_set_and_an_account_switched_off(app: Flask) -> None:
    accounts.add("ana@example.com", PASSWORD)

    assert run(app, "users", "password", "ana@example.com", "--password", "another tape in the rain")[0] == 0
    accounts.authenticate("ana@example.com", "another tape in the rain", address="cli")
    assert run(app, "users", "disable", "ana@example.com")[0] == 0

    with pytest.raises(WrongPassword):
        accounts.authenticate("ana@example.com", "another tape in the rain", address="cli")


@pytest.mark.usefixtures("cheap_passwords")
def test_without_a_mail_server_links_are_printed(app: Flask) -> None:
    accounts.add("ana@example.com", PASSWORD)

    reset, invite = run(app, "users", "reset", "Ana@example.com"), run(app, "users", "invite", "bo@example.com")

    for (code, told), path in ((reset, "reset"), (invite, "register")):
        assert code == 0
        said, _, hint = told.partition("It leads to what HOST and PORT say here.")
        assert hint.endswith("into .env.\n")
        assert re.fullmatch(rf"http://127\.0\.0\.1:8000/auth/{path}/[\w-]{{43}}\n", said)
        answer = app.test_client().post(
            said.strip().partition("8000")[2], data={"password": "another tape in the rain"}
        )
        assert answer.status_code == 303
    for email in ("ana@example.com", "bo@example.com"):
        accounts.authenticate(email, "another tape in the rain", address="cli")
    assert "There is an account" in run(app, "users", "invite", "bo@example.com")[1]


@pytest.mark.usefixtures("cheap_passwords")
def test_an_address_is_changed(app: Flask) -> None:
    for email in ("ana@example.com", "bo@example.com"):
        accounts.add(email, PASSWORD)

    assert run(app, "users", "address", "ana@example.com", "bo@example.com")[0] == 1
    assert run(app, "users", "address", "ana@example.com", "Ana@new.example.com")[0] == 0

    accounts.authenticate("ana@new.example.com", PASSWORD, address="cli")


def test_a_job_is_retried(app: Flask, alice: User, song: AudioFile) -> None:
    finish(song.job, JobStatus.ERROR, error="no")

    assert run(app, "jobs", "retry", str(song.id))[0] == 0

    assert song.job.attempt == 2


def test_sweeps_say_what_they_found(app: Flask, alice: User) -> None:
    AudioFileFactory(owner=alice)

    assert run(app, "jobs", "sweep") == (0, "4 waiting.\n")
    assert run(app, "storage", "sweep") == (0, "0 removed.\n")


@pytest.fixture
def fresh(tmp_path: Path) -> Config:
    """Settings whose SQLite database is not there yet."""
    return Config(secret_key="x" * 32, data_dir=tmp_path / "fresh", broker_url="memory://")


def test_a_new_database_is_made_ready_and_again_is_nothing(fresh: Config) -> None:
    app = create_app(fresh)

    assert run_alone(app, "prepare") == (0, "")
    assert run_alone(app, "prepare") == (0, "")

    with app.app_context():
        assert db.session.scalar(sa.select(sa.func.count()).select_from(User)) == 0


def test_a_newer_database_is_left_alone(fresh: Config) -> None:
    app = create_app(fresh)
    run_alone(app, "prepare")
    set_revision(app, "9999")

    code, said = run_alone(app, "prepare")

    assert code == 1
    assert "newer version" in said
    assert "Traceback" not in said


def set_revision(app: Flask, revision: str) -> None:
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = :it"), {"it": revision})


def test_a_database_that_is_none_is_told(fresh: Config) -> None:
    fresh.data_dir.mkdir()
    (fresh.data_dir / "tapedeck.db").write_bytes(b"this is no database at all" * 100)

    code, said = run_alone(create_app(fresh), "prepare")

    assert code == 1
    assert "The database cannot be made ready" in said
    assert "Traceback" not in said


def test_an_older_database_is_backed_up_before_it_is_migrated(fresh: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    app = create_app(fresh)
    run_alone(app, "prepare")
    with app.app_context():
        accounts.add("ana@example.com", PASSWORD)
    migrated: list[bool] = []
    monkeypatch.setattr("flask_migrate.upgrade", lambda: migrated.append(True))
    head = ScriptDirectory(str(Path(__file__).parents[1] / "migrations")).get_current_head()
    monkeypatch.setattr(ScriptDirectory, "get_current_head", lambda _: "9999")

    code, said = run_alone(app, "prepare")

    path = fresh.data_dir / "backups" / f"tapedeck-{head}.db"
    assert (code, migrated) == (0, [True])
    assert str(path) in said
    with contextlib.closing(sqlite3.connect(path)) as copy:
        assert copy.execute("SELECT email FROM users").fetchall() == [("ana@example.com",)]


def run_alone(app: Flask, *words: str) -> tuple[int, str]:
    """Like `run`, for an app whose context is not open."""
    result = app.test_cli_runner().invoke(args=list(words))
    assert not isinstance(result.exception, OperationalError)
    return result.exit_code, result.output


@pytest.mark.parametrize(
    ("setting", "named"),
    [
        ({"PORT": "http"}, "PORT="),
        ({"STORAGE": "s3", "AWS_REGION": "eu-west-1"}, "AWS_STORAGE_BUCKET_NAME="),
        (
            {
                "STORAGE": "s3",
                "AWS_REGION": "eu-west-1",
                "AWS_STORAGE_BUCKET_NAME": "tapes",
                "AWS_ENDPOINT_URL_S3": "x",
            },
            "AWS_ENDPOINT_URL_S3",
        ),
    ],
)
def test_a_wrong_setting_is_told_in_one_line(tmp_path: Path, setting: dict[str, str], named: str) -> None:
    environment = {"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path), **setting}
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "jobs", "sweep"]

    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    assert ended.returncode == 1
    assert ended.stderr.startswith(named)
    assert len(ended.stderr.splitlines()) == 1

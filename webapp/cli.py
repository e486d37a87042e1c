"""The command line: accounts, jobs, storage, and making the database ready."""

import sqlite3
import uuid
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import click
import flask_migrate
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from flask import Flask, current_app
from flask.cli import AppGroup, with_appcontext
from sqlalchemy.exc import SQLAlchemyError

from webapp.adapters.transcoders.binary import bundled, checked_version
from webapp.adapters.transcoders.sandbox import landlock_abi
from webapp.db import db
from webapp.errors import AppError, ConfigError
from webapp.extensions import settings
from webapp.models import AudioFile
from webapp.services import accounts, jobs, sweeps

T = TypeVar("T")

users = AppGroup("users", help="Accounts.")
jobs_group = AppGroup("jobs", help="Jobs.")
storage_group = AppGroup("storage", help="What is kept.")


def init_app(app: Flask) -> None:
    """Add the commands to `flask`."""
    for group in (users, jobs_group, storage_group):
        app.cli.add_command(group)
    app.cli.add_command(prepare)


@users.command("add")
@click.argument("email")
@click.option("--admin", is_flag=True, help="May look after the service.")
@click.password_option(help="Asked for if it is not given.")
def add_user(email: str, password: str, *, admin: bool) -> None:
    """Make an account, whatever REGISTRATION says."""
    _in_words(lambda: accounts.add(email, password, is_admin=admin))
    click.echo(f"{email} can sign in.")


@users.command("disable")
@click.argument("email")
def disable_user(email: str) -> None:
    """Switch an account off and end its sessions. Its files stay."""
    _in_words(lambda: accounts.disable(email))
    click.echo(f"{email} is switched off.")


@users.command("password")
@click.argument("email")
@click.password_option(help="Asked for if it is not given.")
def set_password(email: str, password: str) -> None:
    """Give an account a new password and end its sessions."""
    _in_words(lambda: accounts.set_password(email, password))
    click.echo(f"{email} has a new password.")


@users.command("reset")
@click.argument("email")
def reset_password(email: str) -> None:
    """Print a link with which the user chooses a new password, within an hour."""
    _print_link(_in_words(lambda: accounts.reset_link(email)))


@users.command("invite")
@click.argument("email")
def invite_user(email: str) -> None:
    """Print a link with which somebody makes an account, within seven days. With SMTP_URL it is sent too."""
    _print_link(_in_words(lambda: accounts.invitation(email)))


@users.command("address")
@click.argument("email")
@click.argument("new")
def set_address(email: str, new: str) -> None:
    """Give an account another address."""
    _in_words(lambda: accounts.set_address(email, new))
    click.echo(f"{email} is {new} now.")


@jobs_group.command("retry")
@click.argument("file_id", type=click.UUID)
def retry_job(file_id: uuid.UUID) -> None:
    """Make again what failed of a file."""
    file = db.session.get(AudioFile, file_id)
    if file is None:
        raise click.ClickException("There is no such file.")
    _in_words(lambda: jobs.retry(file.owner, file_id))
    click.echo("Retried.")


@jobs_group.command("sweep")
def sweep_jobs() -> None:
    """Submit what nobody was asked to do, and wake workers for what waits."""
    waiting = 0

    def sweep() -> None:
        nonlocal waiting
        waiting = sweeps.sweep_jobs(current_app.extensions["queue"].wake)

    _in_words(sweep)
    click.echo(f"{waiting} waiting.")


@storage_group.command("sweep")
def sweep_storage() -> None:
    """Remove what belongs to nothing."""
    click.echo(f"{sweeps.sweep_storage()} removed.")


@click.command("prepare")
@with_appcontext
def prepare() -> None:
    """Look whether all is safe to start, and make the database ready.

    A new database is created, an older one is backed up and brought up to date.
    """
    try:
        checked_version(bundled())
    except ConfigError as exc:
        raise click.ClickException(str(exc)) from exc
    if not landlock_abi():
        click.echo("This system has no Landlock: the sandbox around ffmpeg is weaker. See the README.")
    current_app.extensions["queue"].mend()
    _prepare_database()


def _prepare_database() -> None:
    try:
        with db.engine.connect() as connection:
            present = MigrationContext.configure(connection).get_current_revision()
        scripts = ScriptDirectory.from_config(current_app.extensions["migrate"].migrate.get_config())
        if present == scripts.get_current_head():
            return
        if present:
            scripts.get_revision(present)  # raises CommandError for one that this version does not know
            click.echo(f"The database is older than this version: backed up to {_back_up(present)}, then migrated.")
        flask_migrate.upgrade()
    except CommandError as exc:
        raise click.ClickException("The database was made by a newer version of Tapedeck.") from exc
    except (SQLAlchemyError, OSError) as exc:
        reason = getattr(exc, "orig", None) or exc
        raise click.ClickException(f"The database cannot be made ready: {reason}") from exc


def _back_up(revision: str) -> str:
    """Copy the database beside itself, as it is at this revision. PostgreSQL's is backed up by whoever runs it."""
    if db.engine.dialect.name != "sqlite":
        return "nothing (back PostgreSQL up yourself)"
    path = settings.data_dir / "backups" / f"tapedeck-{revision}.db"
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".part")
    draft.unlink(missing_ok=True)
    with closing(db.engine.raw_connection()) as original, closing(sqlite3.connect(draft)) as copy:
        original.driver_connection.backup(copy)  # type: ignore[union-attr]
    return str(Path(draft.replace(path)))


def _print_link(link: str) -> None:
    click.echo(link)
    if not settings.public_url:
        hint = "It leads to what HOST and PORT say here. If that is not where the server is: put them, or PUBLIC_URL,"
        click.echo(f"{hint} into .env.", err=True)


def _in_words(deed: Callable[[], T]) -> T:
    try:
        return deed()
    except AppError as exc:
        raise click.ClickException(exc.message) from exc

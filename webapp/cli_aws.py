"""The command line of the cloud: topics that tell us, static files elsewhere, and whether all is well there."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

import click
from flask import Flask, current_app
from flask.cli import AppGroup

from webapp.adapters.names import RECEIVER
from webapp.errors import AppError
from webapp.extensions import settings
from webapp.services import sns

if TYPE_CHECKING:  # boto3, which these load, is for those who call one of the commands
    from webapp.adapters.cloud import Cloud, StaticFile

sns_group = AppGroup("sns", help="The topics that tell us of jobs.")
aws_group = AppGroup("aws", help="The cloud.")
assets_group = AppGroup("assets", help="Static files.")


def init_app(app: Flask, cloud: "Callable[[], Cloud]", static: "Callable[[], Iterable[StaticFile]]") -> None:
    """Add the commands to `flask`. The cloud and the static files are asked for by those that need them."""
    app.extensions.update(cloud=cloud, static=static)
    for group in (sns_group, aws_group, assets_group):
        app.cli.add_command(group)


@sns_group.command("subscribe")
@click.option("--url", help="Where SNS reaches the app; PUBLIC_URL if it is not given.")
def subscribe(url: str | None) -> None:
    """Have each topic of SNS_TOPIC_ARN send its messages here.

    The running app confirms what it then is asked. Doing it twice is no error; what is pending is asked for again.
    """
    address = _receiver(url or settings.public_url)
    if not settings.topics:
        raise click.ClickException("SNS_TOPIC_ARN names no topic.")
    for topic in settings.topics:
        with _in_words():
            sns.expect(topic)  # first, because the question may come before the answer
            _cloud().subscribe(topic, address)
        click.echo(f"{topic}: asked to send to {address}")


@sns_group.command("expect")
@click.argument("arn")
def expect(arn: str) -> None:
    """Let a subscription to the topic be confirmed within the next hour."""
    with _in_words():
        sns.expect(arn)
    click.echo(f"{arn}: may be confirmed within the next hour")


@aws_group.command("doctor")
def doctor() -> None:
    """Look whether what the settings name is there, set up as it should be. Exit status 1 if anything is wrong."""
    verdicts = []
    for found in _cloud().examine():
        click.echo(f"{found.subject}: {found.verdict}: {found.words}")
        verdicts.append(found.verdict)
    if "WRONG" in verdicts:
        raise click.exceptions.Exit(1)


@assets_group.command("push")
def push() -> None:
    """Put the static files into the bucket, below static/, under the names by which STATIC_URL is asked for them."""
    if not settings.aws_storage_bucket_name:
        raise click.ClickException("AWS_STORAGE_BUCKET_NAME is not set.")
    files = list(current_app.extensions["static"]())
    sent = 0
    with _in_words():
        for name in _cloud().push(files):
            click.echo(name)
            sent += 1
    click.echo(f"{sent} sent, {len(files) - sent} were there.")


def _receiver(url: str) -> str:
    """The address of the receiver, of the app's own or as it is given."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise click.ClickException("Say where SNS reaches the app: --url https://…, or set PUBLIC_URL")
    return url if parts.path.strip("/") else f"{parts.scheme}://{parts.netloc}{RECEIVER}"


def _cloud() -> "Cloud":
    return cast("Callable[[], Cloud]", current_app.extensions["cloud"])()


@contextmanager
def _in_words() -> Iterator[None]:
    try:
        yield
    except AppError as exc:
        raise click.ClickException(exc.message) from exc

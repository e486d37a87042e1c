"""Tapedeck: audio in, other formats out, and its owner told the moment they are ready."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Flask

from webapp import cli, cli_aws
from webapp.adapters.letters import NoLetters, SmtpLetters
from webapp.adapters.names import Names
from webapp.adapters.probe import SandboxedProbe
from webapp.adapters.storage.local import LocalStorage
from webapp.adapters.tags.tagger import SandboxedTagger
from webapp.adapters.topics import NoTopics
from webapp.adapters.transcoders.ffmpeg import FFmpegEncoder, FFmpegTranscoder
from webapp.config import Config
from webapp.db import db, engine_options, utcnow
from webapp.extensions import csrf, login_manager, migrate
from webapp.logs import FORMAT, Discreet
from webapp.models.sign_in import LONGEST_SIGN_IN
from webapp.objects import Storage
from webapp.ports import Encoder, Letters, Probe, Topics, Transcoder
from webapp.tasks import Queue
from webapp.web import (
    account,
    address,
    archives,
    assets,
    auth,
    compression,
    deletion,
    errors,
    files,
    filters,
    headers,
    health,
    home,
    labels,
    language,
    links,
    live,
    looking,
    metrics,
    notifications,
    originals,
    own_presets,
    place,
    playing,
    proxies,
    seats,
    selected,
    sessions,
    sns,
    sound,
    tags,
    times,
    uploads,
)

if TYPE_CHECKING:
    from webapp.adapters.cloud import Cloud

ROOT = Path(__file__).resolve().parent.parent
# Forms are a few fields of text; the one route that takes files reads its body by itself.
LONGEST_FORM = 1024**2
MOST_FORM_PARTS = 1000
PAGES = (
    *(
        home,
        auth,
        links,
        account,
        address,
        deletion,
        own_presets,
        sessions,
        files,
        archives,
        looking,
        selected,
        originals,
        uploads,
        notifications,
    ),
    *(sns, health, metrics),
)
ROOMS = (
    *(compression, errors, seats, auth, language, times, filters, labels, assets, headers, place, live, proxies),
    *(sound, tags, playing, looking),
)


def create_app(
    config: Config | None = None,
    *,
    storage: Storage | None = None,
    probe: Probe | None = None,
    encoder: Encoder | None = None,
    transcoder: Transcoder | None = None,
    topics: Topics | None = None,
    letters: Letters | None = None,
    clock: Callable[[], datetime] = utcnow,
) -> Flask:
    """The web application, the worker's queue and the command line, joined by these settings (or the environment's).

    A port that is given takes the place of the one that the settings name. By the clock the age of messages is told,
    and whether a certificate is valid.
    """
    config = config or Config.from_environment()
    app = _flask(config)
    queue = Queue(app, config)
    app.extensions.update(
        settings=config,
        queue=queue,
        workers=queue,
        tagger=SandboxedTagger(),
        storage=storage or _storage(config),
        transcoder=transcoder or _transcoder(config, queue),
        topics=topics or _topics(config, clock),
        probe=probe or SandboxedProbe(),
        encoder=encoder or FFmpegEncoder(),
        mail=letters or (SmtpLetters(config.smtp_url, config.mail_from) if config.smtp_url else NoLetters()),
    )
    db.init_app(app)
    migrate.init_app(app, db, directory=str(ROOT / "migrations"))
    login_manager.init_app(app)
    _open_pages(app)
    cli.init_app(app)
    cli_aws.init_app(app, cloud=lambda: _cloud(config), static=lambda: assets.assets().values())
    return app


def _open_pages(app: Flask) -> None:
    for module in PAGES:
        app.register_blueprint(module.bp)
    for room in ROOMS:
        room.init_app(app)
    csrf.init_app(app)  # after the errors, which give each request its number before anything can be refused


def _flask(config: Config) -> Flask:
    _start_log()
    app = Flask(__name__, root_path=str(ROOT), instance_path=str(config.data_dir), static_folder=None)
    app.config.from_mapping(_flask_settings(config))
    return app


def _start_log() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(Discreet(FORMAT))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for name in ("alembic", "botocore"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _storage(config: Config) -> Storage:
    if config.storage == "local":
        return LocalStorage(config.data_dir)
    from webapp.adapters.storage.s3 import S3Storage

    return S3Storage(config.aws_storage_bucket_name, config.aws_region, config.data_dir)


def _transcoder(config: Config, queue: Queue) -> Transcoder:
    if config.transcoder == "ffmpeg":
        return FFmpegTranscoder(queue.enqueue)
    from webapp.adapters.transcoders.mediaconvert import MediaConvertTranscoder

    return MediaConvertTranscoder(
        bucket=config.aws_storage_bucket_name,
        region=config.aws_region,
        role=config.mediaconvert_role_arn,
        queue=config.mediaconvert_queue,
        wake=queue.wake,
    )


def _topics(config: Config, clock: Callable[[], datetime]) -> Topics:
    if not config.topics:
        return NoTopics()
    from webapp.adapters.sns.topics import SnsTopics

    return SnsTopics(config.topics, cert_dir=config.sns_cert_dir, clock=clock)


def _cloud(config: Config) -> "Cloud":
    from webapp.adapters.cloud import Cloud

    uses_mediaconvert = config.transcoder == "mediaconvert"
    return Cloud(
        Names(
            bucket=config.aws_storage_bucket_name,
            region=config.aws_region,
            role=config.mediaconvert_role_arn if uses_mediaconvert else "",
            queue=config.mediaconvert_queue if uses_mediaconvert else "",
            topics=config.topics,
            public_url=config.public_url.rstrip("/"),
        )
    )


def _flask_settings(config: Config) -> dict[str, Any]:
    return {
        "SECRET_KEY": config.secret_key,
        "SQLALCHEMY_DATABASE_URI": config.database,
        "SQLALCHEMY_ENGINE_OPTIONS": engine_options(config.database),
        "MAX_CONTENT_LENGTH": LONGEST_FORM,
        "MAX_FORM_MEMORY_SIZE": LONGEST_FORM,
        "MAX_FORM_PARTS": MOST_FORM_PARTS,
        "SESSION_COOKIE_NAME": "__Host-session" if config.is_https else "session",
        "SESSION_COOKIE_SECURE": config.is_https,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        # A cookie that is sent anew with each answer would make each idle poll heavier.
        "SESSION_REFRESH_EACH_REQUEST": False,
        "PERMANENT_SESSION_LIFETIME": timedelta(seconds=LONGEST_SIGN_IN.total_seconds()),
        # Pages stay open for hours; the token lives as long as the session.
        "WTF_CSRF_TIME_LIMIT": None,
    }

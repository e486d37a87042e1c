"""The settings: one frozen object, read once from the environment and checked before anything starts."""

import ipaddress
import os
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from dotenv import dotenv_values

from webapp.errors import ConfigError

GIB = 1024**3
LONGEST_PASSWORD = 256
SHORTEST_SECRET = 16
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_REGION = re.compile(r"[a-z]{2,4}(-[a-z]+)+-\d")
_TOPIC = re.compile(r"arn:aws(-[a-z]+)*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_.-]{1,256}")
_ROLE = re.compile(r"arn:aws(-[a-z]+)*:iam::\d{12}:role/.+")
# RFC 6750, section 2.1: what can be a bearer token.
_TOKEN = re.compile(rf"[A-Za-z0-9._~+/-]{{{SHORTEST_SECRET},}}=*")
_MAILBOX = re.compile(r"[^\s<>@]+@[^\s<>@]+|[^<>@\r\n]+ <[^\s<>@]+@[^\s<>@]+>")
WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what they are called from this machine
ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, kw_only=True)
class Config:
    """Every setting of the README, by its name in lower case. Raises ConfigError when one is wrong."""

    data_dir: Path = ROOT / "instance"
    host: str = "127.0.0.1"
    port: int = 8000
    secret_key: str = field(default="", repr=False)
    database_url: str = field(default="", repr=False)
    broker_url: str = field(default="", repr=False)
    storage: str = "local"
    aws_storage_bucket_name: str = ""
    aws_region: str = ""
    transcoder: str = "ffmpeg"
    mediaconvert_role_arn: str = ""
    mediaconvert_queue: str = "Default"
    sns_topic_arn: str = ""
    sns_cert_dir: Path | None = None
    static_url: str = ""
    max_upload_bytes: int = 4 * GIB
    user_quota_bytes: int = 20 * GIB
    retention_days: int = 0
    registration: str = "open"
    password_min_length: int = 12
    worker_concurrency: int = os.cpu_count() or 1
    lease_seconds: int = 15
    sweep_seconds: int = 30
    public_url: str = ""
    trusted_proxies: str = ""
    metrics_token: str = field(default="", repr=False)
    smtp_url: str = field(default="", repr=False)
    mail_from: str = ""

    def __post_init__(self) -> None:
        """Refuse what cannot work, naming the setting."""
        _one_of("STORAGE", self.storage, "local", "s3")
        _one_of("TRANSCODER", self.transcoder, "ffmpeg", "mediaconvert")
        _one_of("REGISTRATION", self.registration, "open", "invite", "closed")
        _between("PORT", self.port, 1, 65535)
        _between("PASSWORD_MIN_LENGTH", self.password_min_length, 8, LONGEST_PASSWORD)
        _between("WORKER_CONCURRENCY", self.worker_concurrency, 1, 1024)
        _between("LEASE_SECONDS", self.lease_seconds, 5, 3600)
        _between("SWEEP_SECONDS", self.sweep_seconds, 1, 3600)
        _between("MAX_UPLOAD_BYTES", self.max_upload_bytes, 1, 2**50)
        _between("USER_QUOTA_BYTES", self.user_quota_bytes, 1, 2**60)
        _between("RETENTION_DAYS", self.retention_days, 0, 36_500)
        if len(self.secret_key) < SHORTEST_SECRET:
            raise ConfigError(
                f"SECRET_KEY: use at least {SHORTEST_SECRET} characters, or leave it away and one is made"
            )
        if self.metrics_token and not _TOKEN.fullmatch(self.metrics_token):
            raise ConfigError(f"METRICS_TOKEN: use at least {SHORTEST_SECRET} letters, digits and any of -._~+/=")
        _scheme("DATABASE_URL", self.database_url, "sqlite", "postgresql+psycopg")
        _scheme("BROKER_URL", self.broker_url, "filesystem", "amqp", "amqps", "redis", "rediss", "memory", "sqs")
        _scheme("PUBLIC_URL", self.public_url, "http", "https")
        _scheme("STATIC_URL", self.static_url, "http", "https")
        self._check_aws()
        self._check_mail()
        _networks("TRUSTED_PROXIES", self.trusted_proxies)

    def _check_aws(self) -> None:
        for topic in self.topics:
            _matches("SNS_TOPIC_ARN", topic, _TOPIC, "the ARN of a topic")
        if self.sns_cert_dir and not self.sns_cert_dir.is_dir():
            raise ConfigError(f"SNS_CERT_DIR={str(self.sns_cert_dir)!r} is no folder")
        if self.storage == "s3":
            _matches("AWS_REGION", self.aws_region, _REGION, "the bucket's region, for STORAGE=s3")
            _matches("AWS_STORAGE_BUCKET_NAME", self.aws_storage_bucket_name, _BUCKET, "a bucket, for STORAGE=s3")
        if self.transcoder == "mediaconvert":
            if self.storage != "s3":
                raise ConfigError("TRANSCODER=mediaconvert needs STORAGE=s3: it reads from a bucket and writes to it")
            _matches("MEDIACONVERT_ROLE_ARN", self.mediaconvert_role_arn, _ROLE, "the ARN of the role it takes on")

    def _check_mail(self) -> None:
        if not self.smtp_url:
            return
        _scheme("SMTP_URL", self.smtp_url, "smtp", "smtp+starttls", "smtps")
        if not urlsplit(self.smtp_url).hostname:
            raise ConfigError("SMTP_URL: use smtp://user:password@host:port")
        _matches("MAIL_FROM", self.mail_from, _MAILBOX, "the address that letters come from, for SMTP_URL")
        if not self.public_url and self.host in WILDCARDS:
            raise ConfigError("SMTP_URL needs PUBLIC_URL: letters have links in them, and HOST names no place")

    @property
    def address(self) -> str:
        """Where links from outside lead: PUBLIC_URL, or what HOST and PORT say. Never what a request says."""
        host = WILDCARDS.get(self.host, self.host)
        return self.public_url.rstrip("/") or f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def topics(self) -> tuple[str, ...]:
        """The SNS topics whose messages are taken."""
        return tuple(part.strip() for part in self.sns_topic_arn.split(",") if part.strip())

    @property
    def database(self) -> str:
        """SQLAlchemy's address of the database."""
        return self.database_url or f"sqlite:///{self.data_dir / 'tapedeck.db'}"

    @property
    def broker(self) -> str:
        """Celery's address of the queue."""
        return self.broker_url or "filesystem://localhost//"

    @property
    def is_public(self) -> bool:
        """Whether others than this machine can reach the web process."""
        return self.host not in ("127.0.0.1", "::1", "localhost")

    @property
    def is_https(self) -> bool:
        """Whether browsers come by https, so that cookies can be Secure."""
        return self.public_url.startswith("https://")

    @property
    def proxies(self) -> tuple[str, ...]:
        """The networks whose X-Forwarded-* counts."""
        return tuple(part.strip() for part in self.trusted_proxies.split(",") if part.strip())

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None, **overrides: Any) -> Self:
        """The settings of the environment and, beneath it, of `.env`; a secret is made and kept if there is none."""
        found = dict(environment) if environment is not None else _with_dotenv()
        values: dict[str, Any] = {}
        for each in fields(cls):
            text = found.get(each.name.upper(), "").strip()
            if text:
                values[each.name] = _read(each.name.upper(), text, each.type)
        values |= overrides
        values["data_dir"] = Path(values.get("data_dir", cls.data_dir)).expanduser().resolve()
        if not values.get("secret_key"):
            values["secret_key"] = _kept_secret(values["data_dir"])
        return cls(**values)


def _with_dotenv() -> dict[str, str]:
    beneath = {name: value for name, value in dotenv_values(ROOT / ".env").items() if value is not None}
    for name, value in beneath.items():
        if name.startswith("AWS_"):  # boto3 looks for its own settings by itself
            os.environ.setdefault(name, value)
    return beneath | dict(os.environ)


def _read(name: str, text: str, kind: object) -> Any:
    if kind is int:
        if not re.fullmatch("-?[0-9]+", text.strip()):
            raise ConfigError(f"{name}={text!r}: use a whole number")
        return int(text)
    return Path(text) if kind in (Path, Path | None) else text


def _kept_secret(data_dir: Path) -> str:
    """The secret of earlier starts, so that a restart signs nobody out."""
    path = data_dir / "secret"
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)  # people's sounds and addresses are in it
        if not path.exists():
            _make_secret(path)
        kept = path.read_text().strip()
    except OSError as exc:
        raise ConfigError(f"DATA_DIR={str(data_dir)!r} cannot be used: {exc.strerror}") from exc
    if not kept:
        raise ConfigError(f"The file 'secret' in DATA_DIR={str(data_dir)!r} is empty: remove it, or set SECRET_KEY")
    return kept


def _make_secret(path: Path) -> None:
    """Write it whole or not at all. Of two processes that start together the first wins."""
    draft = path.with_name(f"secret.{os.getpid()}")
    try:
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(48))
        with suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        draft.unlink(missing_ok=True)


def _one_of(name: str, value: str, *allowed: str) -> None:
    if value not in allowed:
        raise ConfigError(f"{name}={value!r}: use {' or '.join(map(repr, allowed))}")


def _between(name: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise ConfigError(f"{name}={value}: use a number from {least} to {most}")


def _matches(name: str, value: str, pattern: re.Pattern[str], what: str) -> None:
    if not pattern.fullmatch(value):
        raise ConfigError(f"{name}={value!r}: use {what}")


def _scheme(name: str, value: str, *allowed: str) -> None:
    parts = urlsplit(value)
    if value and (parts.scheme not in allowed or (parts.scheme.startswith("http") and not parts.hostname)):
        raise ConfigError(f"{name}: use an address that begins with {' or '.join(s + '://' for s in allowed)}")


def _networks(name: str, value: str) -> None:
    for part in filter(None, (part.strip() for part in value.split(","))):
        try:
            ipaddress.ip_network(part)
        except ValueError as exc:
            raise ConfigError(f"{name}: {part!r} is no address or network") from exc

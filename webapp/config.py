"""The settings: one frozen object, read once from the environment and checked before anything starts."""

import ipaddress
import os
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
    transcoder: str = "ffmpeg"
    max_upload_bytes: int = 4 * GIB
    user_quota_bytes: int = 20 * GIB
    registration: str = "open"
    password_min_length: int = 12
    worker_concurrency: int = os.cpu_count() or 1
    lease_seconds: int = 15
    sweep_seconds: int = 30
    public_url: str = ""
    trusted_proxies: str = ""

    def __post_init__(self) -> None:
        """Refuse what cannot work, naming the setting."""
        _one_of("STORAGE", self.storage, "local")
        _one_of("TRANSCODER", self.transcoder, "ffmpeg")
        _one_of("REGISTRATION", self.registration, "open", "invite", "closed")
        _between("PORT", self.port, 1, 65535)
        _between("PASSWORD_MIN_LENGTH", self.password_min_length, 8, LONGEST_PASSWORD)
        _between("WORKER_CONCURRENCY", self.worker_concurrency, 1, 1024)
        _between("LEASE_SECONDS", self.lease_seconds, 5, 3600)
        _between("SWEEP_SECONDS", self.sweep_seconds, 1, 3600)
        _between("MAX_UPLOAD_BYTES", self.max_upload_bytes, 1, 2**50)
        _between("USER_QUOTA_BYTES", self.user_quota_bytes, 1, 2**60)
        if len(self.secret_key) < SHORTEST_SECRET:
            raise ConfigError(
                f"SECRET_KEY: use at least {SHORTEST_SECRET} characters, or leave it away and one is made"
            )
        _scheme("DATABASE_URL", self.database_url, "sqlite", "postgresql+psycopg")
        _scheme("BROKER_URL", self.broker_url, "filesystem", "amqp", "amqps", "redis", "rediss", "memory")
        _scheme("PUBLIC_URL", self.public_url, "http", "https")
        _networks("TRUSTED_PROXIES", self.trusted_proxies)

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
    return beneath | dict(os.environ)


def _read(name: str, text: str, kind: object) -> Any:
    if kind is int:
        try:
            return int(text)
        except ValueError as exc:
            raise ConfigError(f"{name}={text!r}: use a whole number") from exc
    return Path(text) if kind is Path else text


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


def _scheme(name: str, value: str, *allowed: str) -> None:
    if value and urlsplit(value).scheme not in allowed:
        raise ConfigError(f"{name}: use an address that begins with {' or '.join(s + '://' for s in allowed)}")


def _networks(name: str, value: str) -> None:
    for part in filter(None, (part.strip() for part in value.split(","))):
        try:
            ipaddress.ip_network(part)
        except ValueError as exc:
            raise ConfigError(f"{name}: {part!r} is no address or network") from exc

"""Settings: read once, checked before anything starts, each fault named."""

import stat
from pathlib import Path
from typing import Any

import pytest

from webapp.config import GIB, Config
from webapp.errors import ConfigError


def test_without_any_setting_all_is_embedded(tmp_path: Path) -> None:
    config = Config.from_environment({"DATA_DIR": str(tmp_path)})

    assert config.database == f"sqlite:///{tmp_path}/tapedeck.db"
    assert config.broker.startswith("filesystem://")
    assert (config.host, config.port) == ("127.0.0.1", 8000)
    assert (config.max_upload_bytes, config.user_quota_bytes) == (4 * GIB, 20 * GIB)
    assert not config.is_public
    assert not config.is_https


def test_a_secret_is_made_once_and_kept_for_us_alone(tmp_path: Path) -> None:
    first = Config.from_environment({"DATA_DIR": str(tmp_path)})
    second = Config.from_environment({"DATA_DIR": str(tmp_path)})

    assert len(first.secret_key) > 40
    assert first.secret_key == second.secret_key
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    config = Config(
        secret_key="hush" * 8,
        database_url="postgresql+psycopg://u:hush@h/d",
        broker_url="amqp://u:hush@h//",
        smtp_url="smtp://u:hush@h",
        mail_from="a@b",
    )

    assert "hush" not in repr(config)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", "x"),
        ("STORAGE", "tape"),
        ("TRANSCODER", "sox"),
        ("REGISTRATION", "maybe"),
        ("METRICS_TOKEN", "short"),
        ("METRICS_TOKEN", "a token with spaces in it"),
        ("RETENTION_DAYS", "-1"),
        ("PORT", "http"),
        ("PORT", "99999"),
        ("LEASE_SECONDS", "1"),
        ("SWEEP_SECONDS", "0"),
        ("WORKER_CONCURRENCY", "-1"),
        ("PASSWORD_MIN_LENGTH", "3"),
        ("MAX_UPLOAD_BYTES", "4 GiB"),
        ("USER_QUOTA_BYTES", "0"),
        ("DATABASE_URL", "mysql://localhost/x"),
        ("BROKER_URL", "carrier-pigeon://"),
        ("PUBLIC_URL", "tapes.example"),
        ("STATIC_URL", "cdn.example"),
        ("SNS_TOPIC_ARN", "arn:aws:sqs:eu-west-1:123456789012:tapes"),
        ("SNS_CERT_DIR", "/nowhere"),
        ("TRUSTED_PROXIES", "10.0.0.0/8, everybody"),
    ],
)
def test_a_wrong_setting_names_itself(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=name):
        Config.from_environment({"DATA_DIR": str(tmp_path), name: value})


MAIL = {"SMTP_URL": "smtp://mail.example", "MAIL_FROM": "tapes@tapes.example"}


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"SMTP_URL": "http://mail.example"}, "SMTP_URL"),
        ({"SMTP_URL": "smtp://:25"}, "SMTP_URL"),
        ({"MAIL_FROM": ""}, "MAIL_FROM"),
        ({"MAIL_FROM": "tapes@tapes.example\nBcc: all@example.com"}, "MAIL_FROM"),
        ({"HOST": "0.0.0.0"}, "PUBLIC_URL"),
    ],
)
def test_a_setting_that_letters_need_names_itself(tmp_path: Path, changed: dict[str, str], named: str) -> None:
    assert Config.from_environment({"DATA_DIR": str(tmp_path), **MAIL}).smtp_url

    with pytest.raises(ConfigError, match=named):
        Config.from_environment({"DATA_DIR": str(tmp_path), **MAIL, **changed})


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ({}, "http://127.0.0.1:8000"),
        ({"host": "::", "port": 80}, "http://[::1]:80"),
        ({"public_url": "https://tapes.example/"}, "https://tapes.example"),
    ],
)
def test_links_lead_to_where_the_settings_say(given: dict[str, Any], address: str) -> None:
    assert Config(secret_key="x" * 32, **given).address == address


CLOUD = {
    "STORAGE": "s3",
    "AWS_STORAGE_BUCKET_NAME": "tapes",
    "AWS_REGION": "eu-west-1",
    "TRANSCODER": "mediaconvert",
    "MEDIACONVERT_ROLE_ARN": "arn:aws:iam::123456789012:role/tapedeck-mediaconvert",
    "SNS_TOPIC_ARN": "arn:aws:sns:eu-west-1:123456789012:one, arn:aws:sns:eu-west-1:123456789012:two",
}


def test_the_cloud_is_a_few_settings(tmp_path: Path) -> None:
    config = Config.from_environment({"DATA_DIR": str(tmp_path), **CLOUD})

    assert config.topics == ("arn:aws:sns:eu-west-1:123456789012:one", "arn:aws:sns:eu-west-1:123456789012:two")
    assert config.mediaconvert_queue == "Default"


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"AWS_REGION": ""}, "AWS_REGION"),
        ({"AWS_REGION": "Ireland"}, "AWS_REGION"),
        ({"AWS_STORAGE_BUCKET_NAME": ""}, "AWS_STORAGE_BUCKET_NAME"),
        ({"AWS_STORAGE_BUCKET_NAME": "My Bucket"}, "AWS_STORAGE_BUCKET_NAME"),
        ({"STORAGE": "local"}, "TRANSCODER"),
        ({"MEDIACONVERT_ROLE_ARN": "tapedeck"}, "MEDIACONVERT_ROLE_ARN"),
    ],
)
def test_a_setting_that_the_cloud_needs_names_itself(tmp_path: Path, changed: dict[str, str], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        Config.from_environment({"DATA_DIR": str(tmp_path), **CLOUD, **changed})


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(ConfigError, match="DATA_DIR"):
        Config.from_environment({"DATA_DIR": str(tmp_path / "file" / "in")})


@pytest.mark.parametrize(("given", "has"), [({"host": "0.0.0.0"}, True), ({"host": "::1"}, False)])
def test_who_can_reach_us_is_known(given: dict[str, Any], has: bool) -> None:
    assert Config(secret_key="x" * 32, **given).is_public is has


def test_every_setting_is_in_the_readme() -> None:
    readme = (Path(__file__).parent.parent / "README.md").read_text()

    missing = [name.upper() for name in Config.__dataclass_fields__ if f"`{name.upper()}`" not in readme]
    assert missing == []

"""What can be seen of the files in deploy/ without a container or a service manager."""

import importlib.util
import re
from configparser import RawConfigParser
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from webapp.config import Config
from webapp.launch import NAMES

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
# Of ours that have no field of their own yet, or are read by others.
SETTINGS = {field.name.upper() for field in fields(Config)} | {"SMTP_URL", "MAIL_FROM"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return found


@pytest.fixture(scope="module")
def dockerfile() -> list[str]:
    """Its instructions, each on one line."""
    text = (DEPLOY / "Dockerfile").read_text().replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_web_and_worker_can_be_started_and_do_nothing_that_they_need_not(compose: dict[str, Any]) -> None:
    for name in NAMES:
        service = compose["services"][name]
        *python, module, role = service["command"]
        assert (python, role) == (["python", "-m"], name)
        assert importlib.util.find_spec(module)
        assert service["environment"].keys() <= SETTINGS
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert "no-new-privileges:true" in service["security_opt"]
        assert service["tmpfs"]
        assert service["volumes"] == ["data:/data"]
        assert all(compose["services"][needed]["healthcheck"]["test"] for needed in service["depends_on"])
    published = [port for service in compose["services"].values() for port in service.get("ports", ())]
    assert [port.partition(":")[0] for port in published] == ["127.0.0.1"]


def test_no_secret_stands_in_it(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        for name, value in service["environment"].items():
            if "PASS" in name or "URL" in name or "TOKEN" in name:
                assert not re.search(r"//\w+:[^$]", value), name
                assert "${" in value, name


def test_the_image_has_all_that_is_needed_and_no_rights(dockerfile: list[str]) -> None:
    copied = [
        part for line in dockerfile if line.startswith("COPY ") and "--from" not in line for part in line.split()[1:-1]
    ]
    sent = {line[1:] for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines() if line[:1] == "!"}
    user = next(line.split()[1] for line in dockerfile if line.startswith("USER "))

    assert set(copied) == sent
    assert all((ROOT / each).exists() for each in copied)
    assert {"webapp", "templates", "static", "translations", "migrations", "wsgi.py", "pyproject.toml"} <= set(copied)
    assert user not in ("root", "0")
    assert dockerfile.index(f"USER {user}") > max(n for n, line in enumerate(dockerfile) if line.startswith("RUN "))
    health = next(line for line in dockerfile if line.startswith("HEALTHCHECK "))
    compile(re.findall(r'"([^"]*)"', health)[-1], "the health check", "exec")
    assert "/readyz" in health


def test_the_service_has_no_rights_either() -> None:
    unit = RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(DEPLOY / "tapedeck.service")
    service = unit["Service"]

    assert service["ExecStart"].endswith("/python -m webapp.launch")
    assert service["NoNewPrivileges"] == "yes"
    assert service["ProtectSystem"] == "strict"
    assert service["CapabilityBoundingSet"] == ""
    assert "DATA_DIR=/var/lib/" + service["StateDirectory"] in service["Environment"]

"""The ffmpeg that we run, and whether it is new enough."""

import logging
import re
import subprocess
from pathlib import Path

import imageio_ffmpeg

from webapp.errors import ConfigError

log = logging.getLogger(__name__)

SAFE_VERSIONS = {5: (5, 1, 10), 6: (6, 1, 6), 7: (7, 1, 5), 8: (8, 1, 2)}


def bundled() -> Path:
    """The ffmpeg that came with our requirements."""
    return Path(imageio_ffmpeg.get_ffmpeg_exe())


def checked_version(binary: Path) -> str:
    """The version that the program gives itself.

    Raises ConfigError for one with a hole that a sound file can use (CVE-2026-8461), and for none at all.
    """
    try:
        said = subprocess.run([binary, "-version"], capture_output=True, timeout=10, check=True, text=True).stdout
    except (OSError, subprocess.SubprocessError) as exc:
        raise ConfigError(f"ffmpeg at {binary} does not run: {exc}") from exc
    version = said.removeprefix("ffmpeg version ").split(" ", 1)[0]
    numbers = re.match(r"n?(\d+)\.(\d+)(?:\.(\d+))?", version)
    if not numbers:
        log.warning("ffmpeg %s: not a release, so we cannot tell whether it is new enough", version)
        return version
    release = tuple(int(number or 0) for number in numbers.groups())
    if release[0] <= max(SAFE_VERSIONS) and release < SAFE_VERSIONS.get(release[0], (max(SAFE_VERSIONS) + 1,)):
        raise ConfigError(f"ffmpeg {version} has a known hole; use 8.1.2, 7.1.5, 6.1.6, 5.1.10 or newer")
    return version

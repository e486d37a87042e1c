"""What is ours in the cloud, and where things are, by their names alone."""

from collections.abc import Sequence
from dataclasses import dataclass

RECEIVER = "/transcode-complete/"
"""Where the app takes messages of topics."""


@dataclass(frozen=True)
class Names:
    """What is ours in the cloud, as the settings call it. What is empty is not set."""

    bucket: str = ""
    region: str = ""
    role: str = ""
    queue: str = ""
    topics: Sequence[str] = ()
    public_url: str = ""
    """Without a slash at the end."""


def region_of(arn: str) -> str:
    """The region in which the thing of this ARN is."""
    return arn.split(":")[3]

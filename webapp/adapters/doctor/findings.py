"""What a look at one thing in AWS can come to."""

import enum
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from botocore.exceptions import ClientError

from webapp.adapters.aws import code_of

DENIED = ("AccessDenied", "AccessDeniedException", "AuthorizationError", "ForbiddenException", "UnauthorizedOperation")
ENDPOINT = "AWS_ENDPOINT_URL"

Look = tuple[str, Callable[[], str]]
"""What is looked at, and the look: it returns what is well with it, or raises NotTried or Wrong."""


class Verdict(enum.StrEnum):
    """What came of a look."""

    OK = "ok"
    NOT_TRIED = "not tried"
    WRONG = "WRONG"


@dataclass(frozen=True)
class Finding:
    """What a look at one thing has shown."""

    subject: str
    verdict: Verdict
    words: str


class NotTried(Exception):
    """There is nothing to be asked, or we may not ask."""


class Wrong(Exception):
    """It is not as it should be; the text says what to do."""


def is_reached(service: str) -> None:
    """Raises NotTried where others of the services are stood in for, and this one is not: it knows no such keys."""
    if os.environ.get(ENDPOINT) or os.environ.get(f"{ENDPOINT}_{service}"):
        return
    if own := [name for name in os.environ if name.startswith(f"{ENDPOINT}_")]:
        raise NotTried(f"{', '.join(sorted(own))} are set, and {ENDPOINT}_{service} is not")


@contextmanager
def needing(action: str) -> Iterator[None]:
    """To ask this is a right that the app needs: who may not ask is told which."""
    try:
        yield
    except ClientError as exc:
        if code_of(exc) in DENIED:
            raise Wrong(f"these credentials may not do it: allow {action}") from exc
        raise


@contextmanager
def asking(action: str, none: str = "") -> Iterator[None]:
    """To ask this is no right that the app needs: who may not ask is told so, and nothing is wrong by it.

    By the code `none` AWS says that there is no such thing, which is wrong.
    """
    try:
        yield
    except ClientError as exc:
        if code_of(exc) in DENIED:
            raise NotTried(f"these credentials may not ask ({action})") from exc
        if none and code_of(exc) == none:
            raise Wrong("there is none") from exc
        raise

"""Look whether what the settings name is there in AWS, set up as it should be, by making each call that can be made."""

from collections.abc import Callable, Iterator

from botocore.exceptions import NoCredentialsError

from webapp.adapters.aws import reason_of
from webapp.adapters.doctor.bucket import BucketLooks
from webapp.adapters.doctor.findings import Finding, NotTried, Verdict, Wrong
from webapp.adapters.doctor.services import ServiceLooks
from webapp.adapters.names import Names


def examine(names: Names) -> Iterator[Finding]:
    """Look at one thing after the other. Raises nothing: what cannot be looked at is not tried, or wrong."""
    services = ServiceLooks(names)
    is_anonymous = False
    for subject, look in [("credentials", services.credentials), *BucketLooks(names).looks(), *services.looks()]:
        try:
            yield Finding(subject, *verdict_of(look))
        except NoCredentialsError as exc:
            # That is said once; by it, what follows is only not tried.
            verdict = Verdict.NOT_TRIED if is_anonymous else Verdict.WRONG
            yield Finding(subject, verdict, reason_of(exc))
            is_anonymous = True


def verdict_of(look: Callable[[], str]) -> tuple[Verdict, str]:
    """What the look comes to, in words. Raises NoCredentialsError alone."""
    try:
        return Verdict.OK, look()
    except NotTried as exc:
        return Verdict.NOT_TRIED, str(exc)
    except Wrong as exc:
        return Verdict.WRONG, str(exc)
    except NoCredentialsError:
        raise
    except Exception as exc:  # an answer that is none of AWS's can raise anything, and whoever asks wants words
        return Verdict.WRONG, reason_of(exc) or type(exc).__name__

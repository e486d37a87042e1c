"""What stands in the place of SNS where no topic is listened to."""

from collections.abc import Mapping

from webapp.errors import Forbidden
from webapp.news import Message


class NoTopics:
    """Believes nothing."""

    def verify(self, body: bytes, headers: Mapping[str, str]) -> Message:
        raise Forbidden

    def confirm(self, message: Message) -> None:
        """Nothing: there is no such message."""

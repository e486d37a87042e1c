"""What a user can be told: each error has a sentence in their words and the status that goes with it."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import ClassVar

from webapp.words import N_


class AppError(Exception):
    """Something that the user can be told. The message is a full sentence and says what to do if there is anything.

    `sentence` is the message as the catalogue knows it, with `{names}` in the place of the values.
    """

    status: ClassVar[HTTPStatus] = HTTPStatus.INTERNAL_SERVER_ERROR
    message = N_("Something went wrong on our side. Nothing of yours was lost.")

    def __init__(self, sentence: str = "", **values: object) -> None:
        self.sentence = sentence or self.message
        self.values = values
        self.message = self.sentence.format(**values) if values else self.sentence
        super().__init__(self.message)


class ConfigError(Exception):
    """A setting is wrong. Its text names the setting; nothing has been started."""


class NotFound(AppError):
    """There is no such thing, or it belongs to somebody else: we do not say which."""

    status = HTTPStatus.NOT_FOUND
    message = N_("There is nothing here.")


class LinkDead(NotFound):
    """A link from a letter was used, has run out, or never was."""

    message = N_("This link does not work any more: it was used, or it is too old.")


class BadRequest(AppError):
    """The request cannot be read."""

    status = HTTPStatus.BAD_REQUEST
    message = N_("We could not understand that request. Please reload the page and try again.")


class CutOff(BadRequest):
    """Fewer bytes arrived than were announced."""

    message = N_("The upload was cut off before it was complete. Please send again what is not in your list.")


class FormExpired(BadRequest):
    """The CSRF token is missing, or is not of this session."""

    message = N_("This page is out of date. Please reload it and try again.")


class NotSignedIn(AppError):
    """The deed needs a signed-in user."""

    status = HTTPStatus.UNAUTHORIZED
    message = N_("Please sign in to do this.")


class WrongPassword(AppError):
    """The address or the password is wrong: we do not say which."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    message = N_("The e-mail address or the password is wrong.")


class Forbidden(AppError):
    """Nobody may do this here."""

    status = HTTPStatus.FORBIDDEN
    message = N_("This is not allowed here.")


class Conflict(AppError):
    """The thing is not in a state in which this can be done."""

    status = HTTPStatus.CONFLICT
    message = N_("This cannot be done right now. Please reload the page.")


class PartsMissing(Conflict):
    """Not all of an upload is here. Carries the numbers of the parts that are not."""

    message = N_("Some of the file has not arrived yet.")

    def __init__(self, missing: Sequence[int]) -> None:
        super().__init__()
        self.missing = list(missing)


class TooMany(AppError):
    """Tried too often. Carries the seconds until it may be tried again."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    message = N_("Too many attempts. Please wait a few minutes and try again.")

    def __init__(self, sentence: str = "", *, retry_after: int, **values: object) -> None:
        super().__init__(sentence, **values)
        self.retry_after = retry_after


class TooManyTransfers(TooMany):
    """One user or address has too many uploads and downloads under way."""

    message = N_("Too many of your uploads and downloads are under way at once. Please wait until one of them is done.")

    def __init__(self) -> None:
        super().__init__(retry_after=10)


class TooMuchWaiting(TooMany):
    """So much of the user's waits already that more would only wait longer."""

    message = N_("Very many of your conversions are waiting already. Please send more when some of them are done.")

    def __init__(self, sentence: str = "", **values: object) -> None:
        super().__init__(sentence, retry_after=60, **values)


class TooLarge(AppError):
    """The file, or what the user would then have, is over a limit."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    message = N_("This file is too big.")


class FormTooLong(TooLarge):
    """A form of more parts than are taken at once."""

    message = N_("This is more than {count} files and fields at once. Please send the rest of them separately.")


class Refused(AppError):
    """What was sent can be read but not accepted. Retrying it unchanged is pointless."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    message = N_("This cannot be accepted.")


class EmptyFile(Refused):
    """A file of no bytes."""

    message = N_("This file is empty.")


class NotAudio(Refused):
    """Not audio, or not of a format that we read."""

    message = N_("This is not audio that we can read.")


class UnknownPreset(Refused):
    """A preset that we do not have."""

    message = N_("One of the chosen formats is unknown here. Please reload the page and choose again.")


class Unavailable(AppError):
    """Our own trouble, and it will pass."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    message = N_("We cannot do this at the moment. Please try again in a minute.")


class Crowded(Unavailable):
    """Everybody together has too many uploads and downloads under way."""

    message = N_("Very many uploads and downloads are under way here. Please try again in a minute.")
    retry_after = 10


class StorageFull(Unavailable):
    """There is no room left where files are kept."""

    message = N_("There is no room left on the server. Nothing was kept; please try again later.")


class StorageUnavailable(Unavailable):
    """The storage does not answer."""


class ObjectMissing(Unavailable):
    """An object that should be in the storage is not there."""

    message = N_("The file is not in the storage. Please tell whoever runs this service.")


class TranscoderUnavailable(Unavailable):
    """The transcoder, or the queue in front of it, did not accept the job."""


class TranscoderRefused(AppError):
    """The transcoder does not take this job, and would not later. The message is the reason, for the user."""

    message = N_("The converter did not accept this file.")

    def __init__(self, sentence: str = "", *, detail: str = "", **values: object) -> None:
        super().__init__(sentence, **values)
        self.detail = detail


class EncodeFailed(AppError):
    """A rendition could not be made. The message is the reason, for the user; `detail` is the encoder's last words."""

    message = N_("The sound could not be converted.")

    def __init__(self, sentence: str = "", *, detail: str = "", **values: object) -> None:
        super().__init__(sentence, **values)
        self.detail = detail


class LettersUnavailable(Unavailable):
    """The mail server does not take letters now."""


class LetterRefused(Exception):
    """The mail server will never take this letter."""


class TagsFailed(AppError):
    """The tags of a file could not be read or written. The sound is none the worse for it."""

    message = N_("The tags could not be written.")

    def __init__(self, sentence: str = "", *, detail: str = "", **values: object) -> None:
        super().__init__(sentence, **values)
        self.detail = detail


class Stopped(Exception):
    """The work was told to stop before it was done."""

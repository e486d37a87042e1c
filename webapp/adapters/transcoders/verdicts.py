"""What the ending of ffmpeg, and how much it has read, mean for the user."""

import errno
import re
import shutil
from pathlib import Path

from webapp.adapters.transcoders import opening
from webapp.adapters.transcoders.sandbox import Ended, Ending
from webapp.errors import EncodeFailed, Stopped, StorageFull
from webapp.ports import Facts
from webapp.words import N_

NO_ROOM = {256 - errno.ENOSPC, 256 - errno.EDQUOT}
NO_MEMORY = 256 - errno.ENOMEM
NEXT_TO_NOTHING = 1 << 20
_MINUTE = 60
NO_SOUND = N_("There is no sound in this file.")

REASONS = {
    Ending.IDLE: N_("The conversion stood still and was ended. The file is probably damaged."),
    Ending.TOO_LONG: N_("This file takes too long to convert."),
    Ending.TOO_LARGE: N_("The result would be too large."),
    Ending.CRASHED: N_("The converter broke down on this file. The file is probably damaged."),
    Ending.EXITED: N_("The sound could not be converted. The file is probably damaged."),
}


class FormChanged(EncodeFailed):
    """The sound changes its form on the way, and there was nothing to bring it into one."""


def check(ended: Ended, folder: Path | None, paths: tuple[Path, ...]) -> None:
    """Return if all went well. Raises what the ending means for the user; FormChanged, if it can be mended."""
    if ended.ending is Ending.EXITED and ended.code == 0:
        return
    if ended.ending is Ending.STOPPED:
        raise Stopped
    if folder and (ended.code in NO_ROOM or shutil.disk_usage(folder).free < NEXT_TO_NOTHING):
        raise StorageFull
    if opening.CHANGED in ended.last_words:
        raise FormChanged(REASONS[ended.ending], detail=_detail(ended, paths))
    if ended.code == NO_MEMORY:
        raise EncodeFailed(N_("This file takes too much memory to convert."), detail=_detail(ended, paths))
    raise EncodeFailed(REASONS[ended.ending], detail=_detail(ended, paths))


def _detail(ended: Ended, paths: tuple[Path, ...]) -> str:
    """The last lines that ffmpeg wrote, for whoever runs this, without our paths in them."""
    words = ended.last_words
    for path in paths:
        words = words.replace(f"file:{path}", "the file").replace(str(path), "the file")
    return "\n".join(re.sub(r"(?<=@ )0x[0-9a-f]+", "…", words).splitlines()[-3:])[-1000:]


def check_length(seconds: float, facts: Facts, *, is_whole: bool = True) -> None:
    """Return if the sound is whole: to ffmpeg all is well with a file without sound, or with half of it, too.

    What has been trimmed is not.
    """
    if not seconds:
        raise EncodeFailed(NO_SOUND)
    if seconds > opening.LONGEST_SECONDS:
        raise EncodeFailed(N_("This sound is longer than 24 hours, which is more than we convert."))
    expected = opening.seconds(facts) if is_whole else 0.0
    if seconds < expected - max(0.5, expected * 0.02):
        raise EncodeFailed(
            N_("The file is damaged or cut short: only {part} could be read."), part=_part(seconds, expected)
        )


def _part(seconds: float, whole: float) -> str:
    """How much of how much, as finely as it takes to see the difference."""
    if whole < _MINUTE:
        return f"{seconds:.1f} of {whole:.1f} seconds"
    return f"{_clock(seconds)} of {_clock(whole)}"


def _clock(seconds: float) -> str:
    """Minutes and seconds, and hours if there are any."""
    minutes, rest = divmod(int(seconds), _MINUTE)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"

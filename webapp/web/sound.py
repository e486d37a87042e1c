"""Say what a rendition has kept of the original's sound, and what not."""

from flask import Flask

from webapp.adapters.transcoders import command
from webapp.models import AudioFile, Rendition
from webapp.ports import Facts
from webapp.web.filters import channels, khz
from webapp.web.language import gettext

_SINGLE_BITS = 1
_DITHERED_DEPTH = 16


def init_app(app: Flask) -> None:
    """Make it known to the templates."""
    app.jinja_env.globals.update(kept=kept)


def kept(file: AudioFile, rendition: Rendition) -> list[str]:
    """What became of the sound on the way, one thing after the other; nothing is said of what a codec leaves out."""
    if not rendition.is_ready or not rendition.sample_rate or not rendition.channels:
        return []
    facts = file.facts
    # What another's transcoder does with the depth it does not tell.
    depth = command.shape(rendition.preset, facts).bit_depth if not rendition.job.external_id else None
    words = [
        *_channels(facts.channels, rendition.channels),
        *_rate(facts.sample_rate, rendition.sample_rate),
        *_depth(facts, depth),
    ]
    if words and _is_dithered(facts, depth, rendition.sample_rate):
        words.append(gettext("dithered"))
    if not words and depth and _holds_all(facts, depth):
        words.append(gettext("the original's samples, unchanged"))
    return words


def _channels(original: int, made: int) -> list[str]:
    if made >= original:
        return []
    if original > command.NAMED_LAYOUTS:
        return [gettext("only the first two of {original}").format(original=channels(original))]
    return [gettext("{original} mixed down to {made}").format(original=channels(original), made=channels(made))]


def _rate(original: int, made: int) -> list[str]:
    if made == original:
        return []
    return [gettext("from {original} to {made}").format(original=khz(original), made=khz(made))]


def _depth(facts: Facts, made: int | None) -> list[str]:
    if made is None or facts.bit_depth is None or facts.bit_depth <= made:
        return []
    return [gettext("from {original} to {made} bit").format(original=facts.bit_depth, made=made)]


def _is_dithered(facts: Facts, depth: int | None, rate: int) -> bool:
    return depth == _DITHERED_DEPTH and not (_holds_all(facts, depth) and rate == facts.sample_rate)


def _holds_all(facts: Facts, depth: int) -> bool:
    """Whether so many bits are enough for each of the original's samples."""
    return facts.bit_depth is not None and _SINGLE_BITS < facts.bit_depth <= depth

"""Say what a rendition has kept of the original's sound, and what not."""

from flask import Flask

from webapp.adapters.transcoders import command
from webapp.adapters.transcoders.levelling import is_close
from webapp.models import AudioFile, Rendition
from webapp.ports import Facts
from webapp.web.filters import channels, khz, number
from webapp.web.labels import lufs
from webapp.web.language import gettext

_SINGLE_BITS = 1
_DITHERED_DEPTH = 16
_STEREO = 2


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
    words = [*_levelled(file, rendition), *_trimmed(file, rendition)]
    if rendition.is_evened:
        form = {"channels": channels(rendition.channels), "rate": khz(rendition.sample_rate)}
        return [*words, gettext("brought to {channels} and {rate}, as its form changes on the way").format(**form)]
    words += [
        *_channels(facts.channels, rendition.channels, is_ours=not rendition.job.external_id),
        *_rate(facts.sample_rate, rendition.sample_rate),
        *_depth(facts, depth),
    ]
    if words and _is_dithered(facts, depth, rendition):
        words.append(gettext("dithered"))
    if not words and depth and _holds_all(facts, depth):
        words.append(gettext("the original's samples, unchanged"))
    return words


def _levelled(file: AudioFile, rendition: Rendition) -> list[str]:
    """How loud it was made, and whether that is as loud as was asked, once that has been measured."""
    wanted = rendition.preset.loudness
    if wanted is None:
        return []
    found = file.measurement.versions.get(rendition.preset_name) if file.measurement else None
    made = found.get("loudness") if found else wanted
    if made is None:
        return [gettext("as loud as it was: silent, or too short to be measured")]
    if is_close(made, wanted):
        return [gettext("made {loudness}").format(loudness=lufs(wanted))]
    return [
        gettext("made {loudness} and not {wanted}, as peaks would be too high").format(
            loudness=lufs(round(made, 1)), wanted=lufs(wanted)
        )
    ]


def _trimmed(file: AudioFile, rendition: Rendition) -> list[str]:
    """How much silence was cut off, as far as both lengths are known to tell."""
    if not rendition.preset.trims:
        return []
    if not file.seconds or not rendition.seconds or rendition.is_evened or rendition.flaw:
        return [gettext("silence trimmed")]
    cut = round(file.seconds - rendition.seconds, 1)
    if cut <= 0:
        return [gettext("no silence to trim")]
    return [gettext("{seconds} s of silence trimmed").format(seconds=number(cut))]


def _channels(original: int, made: int, *, is_ours: bool) -> list[str]:
    if made == original:
        return []
    if made > original:
        return [gettext("{original} on both sides").format(original=channels(original))]
    if original > command.NAMED_LAYOUTS:
        return [gettext("only the first two of {original}").format(original=channels(original))]
    names = {"original": channels(original), "made": channels(made)}
    if original > _STEREO and is_ours:
        return [gettext("{original} mixed down to {made}, quieter so that nothing clips").format(**names)]
    return [gettext("{original} mixed down to {made}").format(**names)]


def _rate(original: int, made: int) -> list[str]:
    if made == original:
        return []
    return [gettext("from {original} to {made}").format(original=khz(original), made=khz(made))]


def _depth(facts: Facts, made: int | None) -> list[str]:
    if made is None or facts.bit_depth is None or facts.bit_depth <= made:
        return []
    return [gettext("from {original} to {made} bit").format(original=facts.bit_depth, made=made)]


def _is_dithered(facts: Facts, depth: int | None, rendition: Rendition) -> bool:
    is_same = rendition.sample_rate == facts.sample_rate and rendition.preset.loudness is None
    return depth == _DITHERED_DEPTH and not (_holds_all(facts, depth) and is_same)


def _holds_all(facts: Facts, depth: int) -> bool:
    """Whether so many bits are enough for each of the original's samples."""
    return facts.bit_depth is not None and _SINGLE_BITS < facts.bit_depth <= depth

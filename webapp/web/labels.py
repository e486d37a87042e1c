"""What presets are called: the fixed ones by their labels, one's own by their titles, those of old by what they do."""

from collections.abc import Mapping
from datetime import datetime

from flask import Flask, g
from flask_login import current_user

from webapp import presets
from webapp.extensions import transcoder
from webapp.models import Kind, Notification
from webapp.presets import Preset
from webapp.recipes import Recipe
from webapp.services import own_presets
from webapp.web.filters import FLAWS, channels, khz, listed
from webapp.web.language import gettext
from webapp.web.times import date_of


def init_app(app: Flask) -> None:
    """Make them known to the templates."""
    app.jinja_env.filters.update(label=label, note=note, said=said)
    app.jinja_env.globals.update(
        own_presets=lambda: own_presets.of(current_user), has_own_presets=lambda: transcoder.is_ours
    )


def label(preset: Preset | str) -> str:
    """What to call a preset, or that of this name."""
    preset = presets.find(preset) if isinstance(preset, str) else preset
    if preset.recipe is None:
        return preset.label
    return _titles().get(preset.name) or f"{gettext(preset.label)} ({in_words(preset.recipe)})"


def note(preset: Preset) -> str:
    """What there is to know beyond that; of what is called by it already, nothing."""
    if preset.recipe is None:
        return gettext(preset.note)
    return f"{gettext(preset.label)}, {in_words(preset.recipe)}" if preset.name in _titles() else ""


def quality(mark: str) -> str:
    """A bit rate, or a step of an encoder's own scale."""
    number = mark.strip("kvq")
    if mark.endswith("k"):
        return f"{number} kbit/s"
    return gettext("variable, V{step}" if mark[0] == "v" else "quality {step}").format(step=number)


def lufs(loudness: float) -> str:
    """With a minus as it is printed."""
    return f"{loudness:g} LUFS".replace("-", "\N{MINUS SIGN}")


def in_words(recipe: Recipe) -> str:
    """What was chosen in it; what follows the original is not said."""
    words = [
        quality(recipe.quality) if recipe.quality else "",
        khz(recipe.sample_rate) if recipe.sample_rate else "",
        channels(recipe.channels) if recipe.channels else "",
        gettext("{count} bit").format(count=recipe.bit_depth) if recipe.bit_depth else "",
        lufs(recipe.loudness) if recipe.loudness else "",
        gettext("silence trimmed") if recipe.trims else "",
    ]
    return ", ".join(word for word in words if word) or gettext("as the original is")


def said(note: Notification) -> str:
    """What there is to say beyond the kind: what is ready, and what is the matter; until when it is kept."""
    if note.kind is Kind.EXPIRING:
        return gettext("Kept until {date}. Download before then what you need.").format(
            date=date_of(datetime.fromisoformat(note.text))
        )
    ready, failed = (listed([label(name) for name in names]) for names in (note.ready, note.failed))
    why = gettext(note.text)
    if ready and failed:
        return gettext("{ready} ready. {failed}: {why}").format(ready=ready, failed=failed, why=why)
    if note.flaw:
        return gettext("{ready}. {flaw}").format(ready=ready, flaw=gettext(FLAWS[note.flaw]))
    return why or ready


def _titles() -> Mapping[str, str]:
    """The titles of the reader's own, by the names of their recipes: asked for once a request, if at all."""
    if "own_titles" not in g:
        own = own_presets.of(current_user) if current_user.is_authenticated else []
        g.own_titles = {each.recipe_name: each.title for each in own}
    titles: Mapping[str, str] = g.own_titles
    return titles

"""Presets of one's own: the codec is chosen first, then what goes with it."""

from http import HTTPStatus
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required
from flask_wtf import FlaskForm
from wtforms import BooleanField, SelectField, StringField
from wtforms.validators import InputRequired, Length

from webapp.errors import NotFound, Refused
from webapp.extensions import transcoder
from webapp.models import OwnPreset, User
from webapp.models.own_preset import LONGEST_TITLE
from webapp.recipes import CHANNELS, CODECS, LOUDNESSES, Recipe, parse
from webapp.services import own_presets
from webapp.web.errors import on_form, on_page
from webapp.web.filters import channels, khz
from webapp.web.labels import lufs, quality
from webapp.web.language import gettext, say
from webapp.web.place import Place
from webapp.words import N_

bp = Blueprint("own_presets", __name__, url_prefix="/account/presets")


class RecipeForm(FlaskForm):  # type: ignore[misc]
    """What one codec can do. A value that it cannot is refused beside its field."""

    title = StringField(
        N_("Name"),
        [InputRequired(N_("Name: give it one.")), Length(max=LONGEST_TITLE, message=N_("Name: that is too long."))],
    )
    quality = SelectField(N_("Quality"), validate_choice=False)
    sample_rate = SelectField(N_("Sample rate"), validate_choice=False)
    channels = SelectField(N_("Channels"), validate_choice=False)
    bit_depth = SelectField(N_("Bit depth"), validate_choice=False)
    loudness = SelectField(N_("Loudness"), validate_choice=False)
    trims = BooleanField(N_("Trim silence"))

    def __init__(self, codec: str, **given: Any) -> None:
        super().__init__(**given)
        can, keep = CODECS[codec], ("", gettext("As the original"))
        self.codec = codec
        self.quality.choices = [(each, quality(each)) for each in can.qualities]
        self.sample_rate.choices = [keep, *((str(rate), khz(rate)) for rate in can.sample_rates)]
        self.channels.choices = [keep, *((str(count), channels(count)) for count in CHANNELS)]
        depths = [(str(depth), gettext("{count} bit").format(count=depth)) for depth in can.bit_depths]
        self.bit_depth.choices = [keep, *depths] if depths else []
        self.loudness.choices = [keep, *((str(each), lufs(each)) for each in LOUDNESSES)]

    def validate(self, extra_validators: Any = None) -> bool:
        """Whether all of it can be. A field that is not sent is as if nothing were chosen."""
        is_good: bool = super().validate(extra_validators)
        for field in self.selects:
            known = [value for value, _ in field.choices] or [""]
            field.data = field.data or ""
            if field.data not in known:
                why = (
                    gettext("{field}: with {codec} it is one of these.")
                    if field.choices
                    else gettext("{field}: with {codec} there is none to choose.")
                )
                words = why.format(field=gettext(field.label.text), codec=gettext(CODECS[self.codec].label))
                field.errors, is_good = [*field.errors, words], False
        return is_good

    @property
    def selects(self) -> list[SelectField]:
        """The fields with choices."""
        return [self.quality, self.sample_rate, self.channels, self.bit_depth, self.loudness]

    @property
    def recipe(self) -> Recipe:
        """What was chosen."""
        numbers = {
            field.name: int(field.data) if field.data else None
            for field in (self.sample_rate, self.channels, self.bit_depth, self.loudness)
        }
        return Recipe(codec=self.codec, quality=self.quality.data, trims=self.trims.data, **numbers)

    @classmethod
    def of(cls, own: OwnPreset) -> "RecipeForm":
        """The form as it was filled in before."""
        recipe = _recipe(own)
        given = {name: "" if value is None else str(value) for name, value in vars(recipe).items() if name != "codec"}
        return cls(recipe.codec, formdata=None, title=own.title, **given | {"trims": recipe.trims})


@bp.before_request
def _only_ours() -> None:
    """Another's transcoder knows nothing of them."""
    if current_user.is_authenticated and not transcoder.is_ours:
        raise NotFound


@bp.get("")
@login_required
def index() -> ResponseReturnValue:
    """Those that there are, and the codecs of which to make another."""
    place = Place("account", title=gettext(N_("Your presets")))
    return render_template("account/presets.html", presets=own_presets.of(current_user), codecs=CODECS, place=place)


@bp.get("/new/<codec>")
@login_required
def new(codec: str) -> ResponseReturnValue:
    """The form for one of this codec."""
    return _page(RecipeForm(_known(codec), formdata=None))


@bp.post("/new/<codec>")
@login_required
def create(codec: str) -> ResponseReturnValue:
    """Keep it."""
    return _save(RecipeForm(_known(codec)), None)


@bp.get("/<int:own_id>")
@login_required
def edit(own_id: int) -> ResponseReturnValue:
    """The form with what it says now."""
    own = own_presets.find(current_user, own_id)
    return _page(RecipeForm.of(own), own)


@bp.post("/<int:own_id>")
@login_required
def change(own_id: int) -> ResponseReturnValue:
    """Let it say something else. What was made with it stays as it was made."""
    own = own_presets.find(current_user, own_id)
    return _save(RecipeForm(_recipe(own).codec), own)


@bp.get("/<int:own_id>/delete")
@login_required
def confirm_delete(own_id: int) -> ResponseReturnValue:
    """What deleting means, before it is done."""
    own = own_presets.find(current_user, own_id)
    return render_template("account/delete_preset.html", own=own, place=Place("account", title=own.title))


@bp.post("/<int:own_id>/delete")
@login_required
def delete(own_id: int) -> ResponseReturnValue:
    """Remove it."""
    own_presets.delete(_user(), own_id)
    flash(gettext("The preset is deleted. What was made with it stays."))
    return redirect(url_for(".index"), HTTPStatus.SEE_OTHER)


@bp.post("/<int:own_id>/default")
@login_required
def make_default(own_id: int) -> ResponseReturnValue:
    """Let the upload form begin with it, or no more."""
    own_presets.make_default(_user(), own_id, is_default=request.form.get("default") == "yes")
    return redirect(url_for(".index"), HTTPStatus.SEE_OTHER)


def _user() -> User:
    user: User = current_user._get_current_object()  # noqa: SLF001 - Flask-Login's way to the user behind the proxy
    return user


def _known(codec: str) -> str:
    if codec not in CODECS:
        raise NotFound
    return codec


def _recipe(own: OwnPreset) -> Recipe:
    recipe = parse(own.recipe_name)
    if recipe is None:
        raise NotFound
    return recipe


def _save(form: RecipeForm, own: OwnPreset | None) -> ResponseReturnValue:
    if not form.validate():
        return on_form(form, _page(form, own))
    try:
        own_presets.save(_user(), own.id if own else None, form.title.data, form.recipe)
    except Refused as refused:
        form.title.errors = [*form.title.errors, say(refused)]
        return on_page(_page(form, own), refused)
    flash(gettext("Saved."))
    return redirect(url_for(".index"), HTTPStatus.SEE_OTHER)


def _page(form: RecipeForm, own: OwnPreset | None = None) -> str:
    codec = CODECS[form.codec]
    title = gettext("Change a preset") if own else gettext("New preset: {codec}").format(codec=gettext(codec.label))
    return render_template(
        "account/preset.html", form=form, own=own, codec=codec, title=title, place=Place("account", title=title)
    )

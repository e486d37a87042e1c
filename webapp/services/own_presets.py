"""Presets of one's own: put together, changed, removed, and chosen as what the upload form begins with."""

from collections.abc import Sequence

from webapp.db import db, writing
from webapp.errors import NotFound, Refused
from webapp.extensions import transcoder
from webapp.models import OwnPreset, User
from webapp.models.own_preset import LONGEST_TITLE
from webapp.recipes import Recipe
from webapp.services import changes, library
from webapp.words import N_

MOST = 50


def of(user: User) -> Sequence[OwnPreset]:
    """The user's, by their titles. None where another's transcoder converts, which knows nothing of them."""
    return db.session.scalars(OwnPreset.of(user)).all() if transcoder.is_ours else []


def find(user: User, own_id: int) -> OwnPreset:
    """One of the user's. Raises NotFound for one that is missing or another's."""
    found = db.session.get(OwnPreset, own_id)
    if found is None or found.owner_id != user.id:
        raise NotFound
    return found


def save(user: User, own_id: int | None, title: str, recipe: Recipe) -> None:
    """Keep a new one, or change that one. What was made with it stays as it was made.

    Raises Refused for a title or a recipe that cannot be, or that another one has, and NotFound.
    """
    title, user_id = library.one_line(title), user.id
    if not title or len(title) > LONGEST_TITLE:
        raise Refused(N_("Name: it has from 1 to {count} characters."), count=LONGEST_TITLE)
    if not recipe.is_possible:
        raise Refused(N_("Choose one of these."))
    with writing():
        changes.lock(user_id)
        others = [each for each in db.session.scalars(OwnPreset.of(user)) if each.id != own_id]
        if own_id is None and len(others) >= MOST:
            raise Refused(
                N_("You have {count} presets, which is as many as can be kept. Delete one first."), count=MOST
            )
        for other in others:
            if other.title.casefold() == title.casefold():
                raise Refused(N_("Name: you have another preset of this name."))
            if other.recipe_name == recipe.name:
                raise Refused(N_("Your preset {title} does just the same."), title=other.title)
        own = OwnPreset(owner_id=user_id) if own_id is None else find(user, own_id)
        own.title, own.recipe_name = title, recipe.name
        db.session.add(own)


def delete(user: User, own_id: int) -> None:
    """Remove it. What was made with it stays. Raises NotFound."""
    with writing():
        changes.lock(user.id)
        db.session.delete(find(user, own_id))


def make_default(user: User, own_id: int, *, is_default: bool) -> None:
    """Let the upload form begin with it, or no more. Raises NotFound."""
    with writing():
        changes.lock(user.id)
        find(user, own_id).is_default = is_default

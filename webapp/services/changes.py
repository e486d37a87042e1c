"""How open pages learn that something changed: the owner's version moves in the same transaction as the thing."""

import uuid
from collections.abc import Sequence

import sqlalchemy as sa

from webapp.db import Base, db
from webapp.models import AudioFile, User


def lock(owner_id: int) -> None:
    """Let only one transaction at a time write what belongs to this user.

    Taken first by all who write more than one row, so nobody waits for somebody who waits for them. SQLite has one
    writer anyway.
    """
    db.session.execute(sa.select(User.id).where(User.id == owner_id).with_for_update())


def update(table: type[Base], where: Sequence[sa.ColumnElement[bool]], **values: object) -> int:
    """Change these rows, without committing, and return how many there were: the database decides who was first."""
    changed = db.session.execute(
        sa.update(table)
        .where(*where)
        .values(values)
        .returning(sa.literal(1))
        .execution_options(synchronize_session=False)
    ).all()
    db.session.expire_all()
    return len(changed)


def made(owner_id: int, *files: uuid.UUID, listing: bool = False, alerts: bool = False) -> int:
    """Note, without committing, that the owner can see a change, and return the version that it makes.

    Of these files; of which files the list holds; of which alerts stand.
    """
    moved = User.version + 1
    values: dict[str, sa.ColumnElement[int]] = {"version": moved}
    if listing:
        values["listing_version"] = moved
    if alerts:
        values["alerts_version"] = moved
    version = db.session.scalars(
        sa.update(User)
        .where(User.id == owner_id)
        .values(values)
        .returning(User.version)
        .execution_options(synchronize_session=False)
    ).one()
    db.session.execute(
        sa.update(AudioFile)
        .where(AudioFile.id.in_(files))
        .values(version=version)
        .execution_options(synchronize_session=False)
    )
    return version

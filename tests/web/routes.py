"""Every route, and who gets what there. A new one is one line in ROUTES; `test_addresses.py` tries it for everybody."""

import dataclasses
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import sqlalchemy as sa
from flask import Flask

from tests.factories import AudioFileFactory, finish, rendition, told
from tests.fakes import MemoryStorage
from tests.pictures import png
from webapp.adapters.tags.pictures import look
from webapp.db import db, writing
from webapp.models import OwnPreset, SignIn, User
from webapp.news import JobStatus
from webapp.services import tagging, uploads

SAFE = ("GET", "HEAD", "OPTIONS")
# Amazon signs what it sends there, and no browser does: it wants no token.
SIGNED = "POST /transcode-complete/"


@dataclass(frozen=True)
class Route:
    """What is answered by one method of one rule. The sentences of ROUTES are read as `owner=200, stranger=404`."""

    owner: int
    """The status for a signed-in user whose own things the address names, if it names any, with that form."""
    visitor: int | None = None
    """The status for somebody who is not signed in, if the route is for them too; None: they are asked to sign in."""
    stranger: int = 404
    """The status for a signed-in user whom the things do not belong to. What is not there must give the same."""
    form: Mapping[str, Any] | None = None
    json: Any = None
    body: bytes | None = None
    is_for_programs: bool = False
    """Whether a visitor's GET is told in JSON, and not sent to the sign-in form."""

    @property
    def sent(self) -> dict[str, Any]:
        """What goes along with the request."""
        if self.json is not None:
            return {"json": self.json}
        return {"data": self.body if self.body is not None else dict(self.form or {})}


BEGUN = {"name": "other.wav", "size": 5, "type": "audio/wav", "fp": "other", "presets": ["wav"]}

ROUTES: Mapping[str, Route] = {
    "GET /": Route(302, visitor=302),
    "GET /auth/register": Route(302, visitor=200),
    "POST /auth/register": Route(422, visitor=422),
    "GET /auth/login": Route(302, visitor=200),
    "POST /auth/login": Route(422, visitor=422),
    "POST /auth/logout": Route(303, visitor=303),
    # No letters are sent here, and of links nobody knows any.
    "GET /auth/reset": Route(404, visitor=404),
    "POST /auth/reset": Route(404, visitor=404),
    "GET /auth/sent/<any(reset, register):kind>": Route(404, visitor=404),
    "GET /auth/reset/<token>": Route(404, visitor=404),
    "POST /auth/reset/<token>": Route(404, visitor=404),
    "GET /auth/register/<token>": Route(404, visitor=404),
    "POST /auth/register/<token>": Route(404, visitor=404),
    "GET /auth/address/<token>": Route(404, visitor=404),
    "POST /auth/address/<token>": Route(404, visitor=404),
    "GET /account/": Route(200),
    "POST /account/preferences": Route(422),
    "POST /account/password": Route(422),
    "GET /account/address": Route(200),
    "POST /account/address": Route(422),
    "POST /account/address/withdraw": Route(303),
    "GET /account/delete": Route(200),
    "POST /account/delete": Route(422),
    "GET /account/sessions": Route(200),
    "POST /account/sessions/<int:session_id>/end": Route(303),
    "POST /account/sessions/end": Route(303),
    "GET /account/presets": Route(200),
    "GET /account/presets/new/<codec>": Route(200),
    "POST /account/presets/new/<codec>": Route(422),
    "GET /account/presets/<int:own_id>": Route(200),
    "POST /account/presets/<int:own_id>": Route(422),
    "GET /account/presets/<int:own_id>/delete": Route(200),
    "POST /account/presets/<int:own_id>/delete": Route(303),
    "POST /account/presets/<int:own_id>/default": Route(303, form={"default": "yes"}),
    "GET /files/": Route(200),
    "POST /files/": Route(400),
    "GET /files/selected": Route(302),
    "POST /files/selected": Route(303, form={"deed": "retry"}),
    "GET /files/<uuid:file_id>": Route(200),
    "GET /files/<uuid:file_id>/original": Route(200),
    "GET /files/<uuid:file_id>/renditions/<preset>": Route(200),
    "GET /files/<uuid:file_id>/cover": Route(200),
    "GET /files/<uuid:file_id>/archive.zip": Route(200),
    # No file is named there, and none was measured.
    "GET /files/archive.zip": Route(404),
    "GET /files/<uuid:file_id>/spectrum.png": Route(404),
    "POST /files/<uuid:file_id>/tags": Route(303, form={"title": "new"}),
    "POST /files/<uuid:file_id>/jobs": Route(303, form={"presets": "mp3-192"}),
    "POST /files/<uuid:file_id>/retry": Route(303),
    "POST /files/<uuid:file_id>/cancel": Route(303),
    "POST /files/<uuid:file_id>/rename": Route(303, form={"name": "new"}),
    "GET /files/<uuid:file_id>/renditions/<preset>/delete": Route(200),
    "POST /files/<uuid:file_id>/renditions/<preset>/delete": Route(303),
    "GET /files/<uuid:file_id>/delete": Route(200),
    "POST /files/<uuid:file_id>/delete": Route(303),
    "POST /uploads": Route(201, json=BEGUN),
    "GET /uploads/<uuid:upload_id>": Route(200, is_for_programs=True),
    "PUT /uploads/<uuid:upload_id>/parts/<int:number>": Route(204, body=b"sound"),
    "POST /uploads/<uuid:upload_id>/complete": Route(409),
    "DELETE /uploads/<uuid:upload_id>": Route(204),
    # Twice is no error there, so what is not there is none either.
    "POST /uploads/<uuid:upload_id>/delete": Route(303, stranger=303),
    "GET /alerts/poll": Route(200),
    "GET /notifications/": Route(200),
    "POST /notifications/<int:notification_id>/dismiss": Route(303),
    "POST /notifications/<int:notification_id>/restore": Route(303),
    "POST /notifications/dismiss": Route(303),
    "POST /notifications/restore": Route(303),
    SIGNED: Route(403, visitor=403),
    "GET /healthz": Route(200, visitor=200),
    "GET /readyz": Route(200, visitor=200),
    "GET /metrics": Route(200, visitor=200),
    "GET /static/<path:filename>": Route(200, visitor=200),
}


@dataclass(frozen=True)
class Things:
    """What the variable parts of the rules stand for. A rule with a new part needs a field of its name here."""

    file_id: uuid.UUID = field(default_factory=uuid.uuid4)
    upload_id: uuid.UUID = field(default_factory=uuid.uuid4)
    notification_id: int = 987654
    session_id: int = 987654
    own_id: int = 987654
    # What follows is no thing of anybody's, but one of many or a part of a thing.
    preset: str = "wav"
    codec: str = "mp3"
    number: int = 1
    filename: str = "app.css"
    kind: str = "reset"
    token: str = "none"

    @classmethod
    def of(cls, owner: User, storage: MemoryStorage) -> Self:
        """New ones: a file with a format that is ready and one that failed, its notification, a begun upload."""
        file = AudioFileFactory(owner=owner, presets=("wav", "flac"))
        finish(file.job, JobStatus.COMPLETE, "wav")
        finish(file.job, JobStatus.ERROR, "flac", error="no")
        for key in (file.key, rendition(file, "wav").key):
            storage.put(key, [b"ten bytes!"])
        tagging.edit(owner, file.id, {}, cover=look(png()))
        upload, _ = uploads.begin(owner, "next.wav", 5, ["wav"])
        elsewhere = SignIn(user_id=owner.id, token_hash=uuid.uuid4().hex, address="127.0.0.1", agent="test")
        mine = OwnPreset(owner_id=owner.id, title="Mine", recipe_name="my-flac-16lufs")
        with writing():
            db.session.execute(sa.delete(OwnPreset).where(OwnPreset.owner_id == owner.id))
            db.session.add_all([elsewhere, mine])
        return cls(file.id, upload.id, told(owner)[-1].id, elsewhere.id, mine.id)

    def put_into(self, rule: str) -> str:
        """The rule as an address."""
        for name, value in dataclasses.asdict(self).items():
            for kind in ("", "uuid:", "int:", "path:", "any(reset, register):"):
                rule = rule.replace(f"<{kind}{name}>", str(value))
        assert "<" not in rule, (
            f"tests/web/routes.py does not know what to put into {rule!r}: give its class Things a field of that name, "
            "and let Things.of make such a thing."
        )
        return rule


def known(app: Flask) -> Iterator[tuple[str, str, Route]]:
    """Method, rule and what is answered, of all that the app has. Fails for what is not in ROUTES."""
    unknown = sorted(set(names(app)) - set(ROUTES))
    assert not unknown, (
        f"Nobody has said who gets what at {', '.join(unknown)}. Add a line for each to ROUTES in tests/web/routes.py, "
        f'as "{unknown[0]}": Route(200), with the status for its owner, and visitor=… if one need not be signed in, or '
        "form=… if something has to be sent. Then run tests/web/test_addresses.py."
    )
    for name in names(app):
        method, _, rule = name.partition(" ")
        yield method, rule, ROUTES[name]


def names(app: Flask) -> Sequence[str]:
    """All of the app's, as ROUTES names them."""
    rules = list(app.url_map.iter_rules())
    return [
        f"{method} {rule.rule}" for rule in rules for method in sorted(set(rule.methods or ()) - {"HEAD", "OPTIONS"})
    ]


def names_a_thing(rule: str) -> bool:
    """Whether the address leads to something that belongs to somebody."""
    return any(f"{kind}{each}>" in rule for kind in ("<uuid:", "<int:") for each in _belonging())


def _belonging() -> Sequence[str]:
    free = {"preset", "codec", "number", "filename", "kind", "token"}
    return [each.name for each in dataclasses.fields(Things) if each.name not in free]


# When somebody was last here is noted by whatever they ask for.
NOT_COUNTED = {"sign_ins": ("id", "user_id", "token_hash")}


def dump() -> dict[str, list[tuple[Any, ...]]]:
    """All that the database holds."""
    db.session.rollback()
    found = {}
    for table in db.metadata.sorted_tables:
        columns = [table.c[name] for name in NOT_COUNTED[table.name]] if table.name in NOT_COUNTED else list(table.c)
        rows = db.session.execute(sa.select(*columns)).all()
        found[table.name] = sorted(tuple(map(repr, row)) for row in rows)
    db.session.rollback()
    return found

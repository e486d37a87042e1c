"""Every route of the URL map, for everybody: right, and another's thing looks like none."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.conftest import HTMX
from tests.factories import sign_in, user
from tests.fakes import FakeTranscoder, MemoryStorage
from tests.web.routes import ROUTES, SAFE, SIGNED, Route, Things, dump, known, names, names_a_thing
from webapp.db import db, utcnow, writing
from webapp.models import User

State = Callable[[], Any]
TOKEN = re.compile(r'name="csrf-token" content="([^"]+)"')
# What differs with each answer, whoever asks for whatever.
EACH_TIME = re.compile(r'(<code>|"request_id":"|csrf-token" content="|X-CSRFToken": "|csrf_token" value=")[^"<]+')


@pytest.fixture
def things(alice: User, storage: MemoryStorage) -> Things:
    """Alice's."""
    return Things.of(alice, storage)


@pytest.fixture
def state(things: Things, storage: MemoryStorage, transcoder: FakeTranscoder) -> State:
    """Tells of everything that there is, here and outside."""

    def look() -> Any:
        parts = {name: dict(each.parts) for name, each in storage.open.items()}
        return dump(), dict(storage.objects), parts, list(transcoder.submitted), list(transcoder.canceled)

    return look


def ask(client: FlaskClient, method: str, path: str, route: Route, **given: Any) -> TestResponse:
    return client.open(path, method=method, **(route.sent | given))


def test_sec_W1_a_new_route_has_to_be_said_who_gets_what(app: Flask) -> None:
    list(known(app))

    gone = sorted(set(ROUTES) - set(names(app)))
    assert not gone, f"{', '.join(gone)}: the app has no such route any more. Take the line out of tests/web/routes.py."


def test_sec_W1_an_unknown_route_is_told_in_words(app: Flask) -> None:
    app.add_url_rule("/secrets", "secrets", lambda: "all of them")

    with pytest.raises(
        AssertionError, match=r"at GET /secrets\. Add a line for each to ROUTES in tests/web/routes\.py"
    ):
        list(known(app))
    with pytest.raises(AssertionError, match="give its class Things a field of that name"):
        Things().put_into("/secrets/<uuid:secret_id>")


@pytest.mark.parametrize("has_tokens", [True, False])
def test_sec_W1_a_visitor_is_asked_to_sign_in(
    app: Flask, visitor: FlaskClient, things: Things, state: State, *, has_tokens: bool
) -> None:
    """Guards `@login_required` on every route, and `auth._ask_who_it_is`, by which 401 comes before a missing token."""
    app.config["WTF_CSRF_ENABLED"] = has_tokens
    before = state()

    _is_kept_out(app, visitor, things, has_tokens=has_tokens)

    assert state() == before


@pytest.mark.parametrize("is_deleted", [True, False])
def test_sec_W1_whose_account_is_gone_is_a_visitor(
    app: Flask, visitor: FlaskClient, things: Things, *, is_deleted: bool
) -> None:
    """Guards `User.disabled_at` in `SignIn._stands`, and the cascade from users to their sign-ins."""
    carol = user("carol@example.com")
    sign_in(visitor, carol)
    assert visitor.get("/files/").status_code == 200
    if is_deleted:
        with writing():
            db.session.delete(db.session.get(User, carol.id))
    else:
        with writing():  # and the session stays, as if it had begun at the same moment
            carol.disabled_at = utcnow()

    _is_kept_out(app, visitor, things, has_tokens=False)


def _is_kept_out(app: Flask, client: FlaskClient, things: Things, *, has_tokens: bool) -> None:
    for method, rule, route in known(app):
        path, name = things.put_into(rule), f"{method} {rule}"
        if route.visitor is not None:
            wants_token = has_tokens and method not in SAFE and name != SIGNED
            assert (ask(client, method, path, route).status_code, name) == (400 if wants_token else route.visitor, name)
            continue
        answer = ask(client, method, path, route)
        if method == "GET" and not route.is_for_programs:
            assert (answer.status_code, name) == (302, name)
            assert answer.location.startswith("/auth/login?next=/")
        else:
            assert (answer.status_code, name) == (401, name)
        by_htmx = ask(client, method, path, route, headers=HTMX)
        assert (by_htmx.status_code, by_htmx.headers["HX-Redirect"][:12], name) == (401, "/auth/login?", name)
        by_json = ask(client, method, path, route, headers={"Accept": "application/json"})
        assert (by_json.status_code, by_json.get_json()["error"], name) == (401, "NotSignedIn", name)


@pytest.mark.parametrize("headers", [{}, HTMX, {"Accept": "application/json"}])
def test_sec_W1_another_users_thing_looks_like_none(
    app: Flask, as_bob: FlaskClient, things: Things, state: State, headers: dict[str, str]
) -> None:
    """Guards the owner in `AudioFile.of`, `Upload.of` and `notifications._change`, and so each look-up by an id."""
    before, absent = state(), Things()
    asked = [each for each in known(app) if names_a_thing(each[1])]
    assert len(asked) > 15

    for method, rule, route in asked:
        there, nowhere = things.put_into(rule), absent.put_into(rule)
        theirs, none = (ask(as_bob, method, path, route, headers=headers) for path in (there, nowhere))
        usual = 200 if route.stranger == 303 and headers == HTMX else route.stranger
        assert (theirs.status_code, method, rule) == (usual, method, rule)
        assert _looks(theirs, there) == _looks(none, nowhere), rule

    assert state() == before


def _looks(answer: TestResponse, path: str) -> tuple[object, ...]:
    """The answer without its own address, and without what differs each time."""
    each_time = ("X-Request-ID", "Content-Length", "Set-Cookie")
    headers = {name: value for name, value in answer.headers if name not in each_time}
    return answer.status_code, headers, EACH_TIME.sub("", answer.text.replace(path, "…"))


def test_sec_W1_ids_among_others_in_a_form_are_no_way_to_anothers_things(
    as_bob: FlaskClient, things: Things, state: State
) -> None:
    """Guards the owner in `selection.of` and in the services of notifications."""
    before = state()

    for deed in ("retry", "cancel", "delete"):
        as_bob.post("/files/selected", data={"deed": deed, "confirmed": "", "files": [str(things.file_id)]})
    assert as_bob.get(f"/files/selected?files={things.file_id}").status_code == 302
    for deed in ("dismiss", "restore"):
        answer = as_bob.post(f"/notifications/{deed}", data={"ids": [things.notification_id]})
        assert answer.status_code == 404
    poll = as_bob.get(f"/alerts/poll?v=-1&on=file&file_id={things.file_id}", headers=HTMX)
    assert poll.headers["HX-Redirect"] == "/files/"

    assert state() == before


def test_sec_W1_the_owner_gets_everything_with_the_right_token(app: Flask, alice: User, storage: MemoryStorage) -> None:
    """Otherwise the tests of W1 and W4 would pass for another reason."""
    app.config["WTF_CSRF_ENABLED"] = True
    things = Things.of(alice, storage)
    client, headers = _with_token(app, alice)

    for method, rule, route in known(app):
        answer = ask(client, method, things.put_into(rule), route, headers=headers)
        assert (answer.status_code, method, rule) == (route.owner, method, rule)
        if method not in SAFE and names_a_thing(rule):
            things = Things.of(alice, storage)
        elif method not in SAFE:  # it may have ended the session, or all of them
            client, headers = _with_token(app, alice)


def _with_token(app: Flask, who: User) -> tuple[FlaskClient, dict[str, str]]:
    client = sign_in(app.test_client(), who)
    found = TOKEN.search(client.get("/account/").text)
    assert found
    return client, {"X-CSRFToken": found[1]}


def test_sec_W4_no_get_changes_anything(app: Flask, as_alice: FlaskClient, things: Things, state: State) -> None:
    """Nothing but that what was told of a file counts as seen when the file is opened, as the contract has it."""
    as_alice.get(f"/files/{things.file_id}")
    before = state()

    for method, rule, _ in known(app):
        if method == "GET":
            for headers in ({}, HTMX):
                as_alice.get(things.put_into(rule), headers=headers)
            as_alice.head(things.put_into(rule))
            assert (state() == before, rule) == (True, rule)


def test_sec_W4_every_unsafe_route_wants_a_token_of_this_session(
    app: Flask, as_alice: FlaskClient, bob: User, things: Things, state: State
) -> None:
    """Guards `csrf.init_app`, and `tokens.check` in the two routes that read their bodies by themselves."""
    app.config["WTF_CSRF_ENABLED"] = True
    bobs = _with_token(app, bob)[1]["X-CSRFToken"]
    before = state()

    for method, rule, route in known(app):
        name = f"{method} {rule}"
        if method in SAFE or name == SIGNED:
            continue
        path = things.put_into(rule)
        for headers in ({}, {"X-CSRFToken": bobs}, {"X-CSRFToken": "made up"}, HTMX):
            answer = ask(as_alice, method, path, route, headers=headers)
            assert (answer.status_code, name) == (400, name)
        in_form = as_alice.open(path, method=method, data={**(route.form or {}), "csrf_token": bobs})
        assert (in_form.status_code, name) == (400, name)
        assert (state() == before, name) == (True, name)

    assert as_alice.get("/files/").status_code == 200  # the form that signs out neither

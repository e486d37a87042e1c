"""Registering, signing in and signing out."""

from http import HTTPStatus

from flask import Blueprint, Flask, Response, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_user, logout_user

from webapp.db import db
from webapp.errors import AppError, Forbidden, NotSignedIn, Refused, WrongPassword
from webapp.extensions import login_manager, settings
from webapp.models import SignIn, User
from webapp.services import accounts
from webapp.web import htmx
from webapp.web.forms import EmailForm, RegisterForm, SignInForm
from webapp.words import N_

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
bp = Blueprint("auth", __name__, url_prefix="/auth")


def init_app(app: Flask) -> None:
    """Tell Flask-Login how a session token leads to a user, and what to do without one."""
    app.before_request(_ask_who_it_is)
    # The address or browser of a session may change; its token is what counts.
    login_manager.session_protection = None
    login_manager.user_loader(_user_of)
    login_manager.unauthorized_handler(_refuse)


@bp.get("/register")
def register() -> ResponseReturnValue:
    """The form for a new account."""
    if current_user.is_authenticated:
        return redirect(_target())
    if settings.registration != "open":
        raise Forbidden(N_("New accounts are made by the administrator here."))
    return render_template("auth/register.html", form=RegisterForm(formdata=None))


@bp.post("/register")
def create_account() -> ResponseReturnValue:
    """Make the account and sign in."""
    form = RegisterForm()
    if not form.validate():
        return _again("auth/register.html", form)
    try:
        user = accounts.register(form.email.data, form.password.data)
    except Refused as exc:
        field = form.email if isinstance(exc, accounts.AddressTaken) else form.password
        field.errors = [*field.errors, exc.message]
        return _again("auth/register.html", form)
    return begin_session(user, remember=False)


@bp.get("/login")
def login() -> ResponseReturnValue:
    """The sign-in form."""
    if current_user.is_authenticated:
        return redirect(_target())
    return render_template("auth/login.html", form=SignInForm(formdata=None))


@bp.post("/login")
def sign_in() -> ResponseReturnValue:
    """Sign in, if the password is right."""
    form = SignInForm()
    if not form.validate():
        return _again("auth/login.html", form)
    try:
        user = accounts.authenticate(form.email.data, form.password.data, address=request.remote_addr or "")
    except WrongPassword as exc:
        return _again("auth/login.html", form, exc)
    return begin_session(user, remember=form.remember.data)


@bp.post("/logout")
def logout() -> ResponseReturnValue:
    """End the session: whoever has a copy of its cookie has nothing."""
    if current_user.is_authenticated:
        accounts.sign_out(current_user.session_token)
        logout_user()
    session.clear()
    response = redirect(url_for(".login"), HTTPStatus.SEE_OTHER)
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


def begin_session(user: User, *, remember: bool, target: str | None = None) -> ResponseReturnValue:
    """A new session with a new token, whatever the browser had before; 303 to the page that was asked for."""
    token = accounts.sign_in(user, address=request.remote_addr or "", agent=request.user_agent.string)
    user.session_token = token
    session.clear()
    session.permanent = remember
    login_user(user)
    return redirect(target or _target(), HTTPStatus.SEE_OTHER)


def _user_of(token: str) -> User | None:
    sign_in = db.session.scalar(SignIn.valid(token))
    if sign_in is None:
        return None
    sign_in.user.session_token = token
    return sign_in.user


def _ask_who_it_is() -> None:
    """Who is not signed in is told so, and not that the token is missing: to be called before it is looked for."""
    wants_a_user = request.blueprint not in (None, bp.name) and request.method not in SAFE_METHODS
    if wants_a_user and not current_user.is_authenticated:
        raise NotSignedIn


def _refuse() -> Response:
    raise NotSignedIn


def _target() -> str:
    return htmx.safe_path(request.values.get("next")) or url_for("files.index")


def _again(template: str, form: EmailForm, error: AppError | None = None) -> ResponseReturnValue:
    return render_template(template, form=form, error=error), HTTPStatus.UNPROCESSABLE_ENTITY

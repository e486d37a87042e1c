"""Registering, signing in and signing out."""

from http import HTTPStatus

from flask import Blueprint, Flask, Response, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_user, logout_user
from flask_wtf.csrf import CSRFError

from webapp.db import db
from webapp.errors import AppError, FormExpired, NotSignedIn, Refused, TooMany, WrongPassword
from webapp.extensions import login_manager, mail, settings
from webapp.models import LetterKind, SignIn, User
from webapp.services import accounts, confirmations, sign_ins
from webapp.web import htmx
from webapp.web.errors import in_words, mark, on_form, on_page, takes_page, tell
from webapp.web.forms import EmailForm, RegisterForm, SignInForm
from webapp.web.language import reader
from webapp.words import N_

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
bp = Blueprint("auth", __name__, url_prefix="/auth")
# A page asks for news by itself, also while nobody is there.
POLL = "notifications.poll"
# Amazon SNS signs its messages instead.
WITHOUT_USER = (None, bp.name, "links", "sns")


def init_app(app: Flask) -> None:
    """Tell Flask-Login how a session token leads to a user, and what to do without one."""
    app.before_request(_ask_who_it_is)
    app.after_request(_leave_cookies)
    # The address or browser of a session may change; its token is what counts.
    login_manager.session_protection = None
    login_manager.user_loader(_user_of)
    login_manager.unauthorized_handler(_refuse)


@bp.get("/register")
def register() -> ResponseReturnValue:
    """The form for a new account."""
    if current_user.is_authenticated:
        return redirect(_target())
    accounts.check_open()
    return _page("auth/register.html", RegisterForm(formdata=None))


@bp.post("/register")
def create_account() -> ResponseReturnValue:
    """Make the account and sign in. Who sends the form twice has one account, and is in.

    Where letters are sent, one goes to the address, and only that tells whether there is an account.
    """
    if mail.are_sent:
        return ask(LetterKind.REGISTER, "auth/register.html")
    form = RegisterForm()
    if not form.validate():
        return on_form(form, _page("auth/register.html", form))
    try:
        user = accounts.register(form.email.data, form.password.data, address=request.remote_addr or "")
    except TooMany as exc:
        return on_page(_page("auth/register.html", form, exc), exc)
    except Refused as exc:
        mark(form.email if isinstance(exc, accounts.AddressTaken) else form.password, exc)
        return on_page(_page("auth/register.html", form), exc)
    return begin_session(user, remember=False)


@bp.get("/login")
def login() -> ResponseReturnValue:
    """The sign-in form."""
    if current_user.is_authenticated:
        return redirect(_target())
    return _page("auth/login.html", SignInForm(formdata=None))


@bp.post("/login")
def sign_in() -> ResponseReturnValue:
    """Sign in, if the password is right."""
    form = SignInForm()
    if not form.validate():
        return on_form(form, _page("auth/login.html", form))
    try:
        user = accounts.authenticate(form.email.data, form.password.data, address=request.remote_addr or "")
    except (WrongPassword, TooMany) as exc:
        return on_page(_page("auth/login.html", form, exc), exc)
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


@bp.errorhandler(CSRFError)
def _out_of_date(_: CSRFError) -> ResponseReturnValue:
    """The form again, with a token that is good: whoever left the page open for long goes on from here."""
    if not takes_page():
        return tell(FormExpired())
    if current_user.is_authenticated:
        return _out_of_date_for_user()
    if request.endpoint == "auth.logout" and "csrf_token" in request.form:
        # The session that was to end is over. No cookie is touched: anybody can send a form here.
        return redirect(url_for(".login"), HTTPStatus.SEE_OTHER)
    again = FormExpired(N_("This page was open for too long. Please try again."))
    if request.endpoint == "auth.create_account" and settings.registration == "open":
        return _page("auth/register.html", RegisterForm(), again), again.status
    return _page("auth/login.html", SignInForm(), again), again.status


def _out_of_date_for_user() -> ResponseReturnValue:
    if request.endpoint != "auth.logout":
        return tell(FormExpired(N_("You are signed in already.")))
    again = FormExpired(N_("This page was out of date. Please try again."))
    return render_template("auth/logout.html", error=in_words(again)), again.status


def ask(kind: LetterKind, template: str) -> ResponseReturnValue:
    """Let a letter go, if the form is in order; the answer does not depend on who has an account."""
    form = EmailForm()
    if not form.validate():
        return on_form(form, _page(template, form))
    try:
        confirmations.ask(kind, form.email.data, address=request.remote_addr or "", language=reader().tag)
    except TooMany as exc:
        return on_page(_page(template, form, exc), exc)
    return redirect(url_for("links.sent", kind=kind.value), HTTPStatus.SEE_OTHER)


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
    user = sign_in.user
    if request.endpoint != POLL:
        sign_ins.touch(sign_in)
    user.session_token = token
    return user


def _ask_who_it_is() -> None:
    """Who is not signed in is told so, and not that the token is missing: to be called before it is looked for."""
    wants_a_user = request.blueprint not in WITHOUT_USER and request.method not in SAFE_METHODS
    if wants_a_user and not current_user.is_authenticated:
        raise NotSignedIn


def _refuse() -> Response:
    raise NotSignedIn


def _target() -> str:
    return htmx.safe_path(request.values.get("next")) or url_for("files.index")


def _page(template: str, form: EmailForm, error: AppError | None = None) -> str:
    return render_template(
        template,
        form=form,
        error=in_words(error) if error else "",
        registration=settings.registration,
        has_ended=has_ended(),
    )


def has_ended() -> bool:
    """Whether somebody was led here from a page because the session that their browser has is over."""
    is_led = request.method == "GET" and "next" in request.args
    return is_led and "_user_id" in session and not current_user.is_authenticated


def _leave_cookies(response: Response) -> Response:
    """A form that another site sends comes without our cookies: the session that it lacks must not be replaced."""
    if request.method not in SAFE_METHODS and request.headers.get("Sec-Fetch-Site") == "cross-site":
        session.modified = False
    return response

"""The forms of the account pages. What only the database or the settings know is checked by the services."""

from typing import Self

from email_validator import EmailNotValidError, validate_email
from flask_wtf import FlaskForm
from wtforms import BooleanField, EmailField, PasswordField, RadioField, SelectField, SelectMultipleField, StringField
from wtforms.validators import AnyOf, InputRequired, Length, ValidationError

from webapp.config import LONGEST_PASSWORD
from webapp.models import User
from webapp.models.user import THEMES
from webapp.services.preferences import CHOOSABLE, zones
from webapp.web.language import languages
from webapp.words import N_

_password = (InputRequired(N_("Enter the password.")), Length(max=LONGEST_PASSWORD, message=N_("That is too long.")))


class EmailForm(FlaskForm):  # type: ignore[misc]
    """What begins with an address."""

    email = EmailField(N_("E-mail address"), [InputRequired(N_("Enter your e-mail address."))])

    def validate_email(self, field: EmailField) -> None:
        """RFC 5321 and 6531 decide what an address is; whether anybody reads there is not asked."""
        try:
            field.data = validate_email(field.data or "", check_deliverability=False, test_environment=True).normalized
        except EmailNotValidError as exc:
            raise ValidationError(N_("This is not an e-mail address. One looks like name@example.com.")) from exc


class SignInForm(EmailForm):
    """Address and password."""

    password = PasswordField(N_("Password"), _password)
    remember = BooleanField(N_("Stay signed in on this device"))


class RegisterForm(EmailForm):
    """Address and a new password."""

    password = PasswordField(N_("Password"), (InputRequired(N_("Choose a password.")),))


class NewPasswordForm(FlaskForm):  # type: ignore[misc]
    """A new password, of whoever has a link from a letter."""

    password = PasswordField(N_("New password"), (InputRequired(N_("Choose a new password.")),))


class AddressForm(EmailForm):
    """Another address, and the password."""

    email = EmailField(N_("New e-mail address"), [InputRequired(N_("Enter your e-mail address."))])
    current = PasswordField(N_("Current password"), _password)


class DeletionForm(FlaskForm):  # type: ignore[misc]
    """The password, once more."""

    password = PasswordField(N_("Password"), _password)


class PasswordForm(FlaskForm):  # type: ignore[misc]
    """The old password and a new one."""

    current = PasswordField(N_("Current password"), _password)
    password = PasswordField(N_("New password"), (InputRequired(N_("Choose a new password.")),))


class PreferencesForm(FlaskForm):  # type: ignore[misc]
    """How pages look and call. The templates draw the choices, and so name them."""

    theme = RadioField(N_("Theme"), [AnyOf(THEMES, N_("Choose one of these."))], choices=THEMES, validate_choice=False)
    language = SelectField(N_("Language"), choices=(), validate_choice=False)
    time_zone = StringField(N_("Time zone"))
    alerts = SelectMultipleField(N_("Alerts"), choices=CHOOSABLE, validate_choice=False)
    system_notifications = BooleanField(N_("System notifications"))
    sound = BooleanField(N_("A sound"))
    shortcuts = BooleanField(N_("Single-key shortcuts"))

    @classmethod
    def of(cls, user: User) -> Self:
        """The form as the user has filled it in before."""
        form: Self = cls(
            formdata=None,
            theme=user.theme,
            language=user.language,
            time_zone=user.time_zone,
            alerts=[kind for kind in CHOOSABLE if kind not in user.quiet_kinds],
            system_notifications=user.has_system_notifications,
            sound=user.has_sound,
            shortcuts=user.has_shortcuts,
        )
        return form

    def validate_language(self, field: SelectField) -> None:
        """Nothing is as the browser asks, and all there is where there is but one."""
        field.data = field.data or ""
        if field.data and field.data not in languages():
            raise ValidationError(N_("Choose one of these."))

    def validate_time_zone(self, field: StringField) -> None:
        """Nothing is as the browser has it."""
        field.data = field.data or ""
        if field.data and field.data not in zones():
            raise ValidationError(N_("This time zone is not known here."))

    def validate_alerts(self, field: SelectMultipleField) -> None:
        """None is an answer too."""
        field.data = field.data or []
        if not set(field.data) <= set(CHOOSABLE):
            raise ValidationError(N_("Choose one of these."))

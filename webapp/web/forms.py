"""The forms of the account pages. What only the database or the settings know is checked by the services."""

from email_validator import EmailNotValidError, validate_email
from flask_wtf import FlaskForm
from wtforms import BooleanField, EmailField, PasswordField
from wtforms.validators import InputRequired, Length, ValidationError

from webapp.config import LONGEST_PASSWORD
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


class PasswordForm(FlaskForm):  # type: ignore[misc]
    """The old password and a new one."""

    current = PasswordField(N_("Current password"), _password)
    password = PasswordField(N_("New password"), (InputRequired(N_("Choose a new password.")),))

"""Accounts: strong passwords, sessions that really end, and a limit to guessing."""

import dataclasses
import itertools
import time
from contextlib import nullcontext
from datetime import timedelta
from statistics import median

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher, extract_parameters
from flask import Flask

from webapp import create_app
from webapp.config import LONGEST_PASSWORD, Config
from webapp.db import db, utcnow, writing
from webapp.errors import Forbidden, NotFound, TooMany, WrongPassword
from webapp.models import Attempt, SignIn, User
from webapp.services import accounts, passwords, throttle

PASSWORD = "a tape in the rain"
HOME = "192.0.2.1"


@pytest.fixture
def ana(app: Flask, cheap_passwords: None) -> User:
    return accounts.register("Ana@Example.com", PASSWORD, address=HOME)


def is_signed_in(token: str) -> bool:
    return db.session.scalar(SignIn.valid(token)) is not None


def test_an_address_is_kept_in_lower_case(ana: User) -> None:
    assert ana.email == "ana@example.com"
    assert accounts.authenticate("ANA@example.com ", PASSWORD, address=HOME).id == ana.id


def test_an_address_has_one_account(ana: User) -> None:
    with pytest.raises(accounts.AddressTaken):
        accounts.register("ana@EXAMPLE.com", "another tape in the rain", address=HOME)


@pytest.mark.parametrize(
    "password",
    [
        *("short", "x" * 257, "QWERTY123456", "leavemealone", "123456789012", "aaaaaaaaaaaaaa"),
        *("long.address@example.com", "Password123!", "iloveyou 1234", "letmeinletmein", "trustno1trustno1"),
        *("Administrator", "ababababababab", "fedcbafedcba"),
    ],
)
def test_sec_W8_weak_passwords_are_refused(app: Flask, password: str) -> None:
    with pytest.raises(passwords.WeakPassword):
        accounts.register("long.address@example.com", password, address=HOME)


@pytest.mark.parametrize(
    "password", ["x" * 256, "x1y2" * 64, "пароль для кассеты", "  spaces at the ends  ", "pw-123456789"]
)
def test_sec_W8_long_and_foreign_passwords_are_taken_whole(app: Flask, password: str) -> None:
    accounts.register("bo@example.com", password, address=HOME)

    accounts.authenticate("bo@example.com", password, address=HOME)
    with pytest.raises(WrongPassword):
        accounts.authenticate("bo@example.com", password[:-1], address=HOME)


def test_sec_W8_the_hash_is_argon2id_and_costly(app: Flask) -> None:
    # Guards _hasher in services/passwords.py. ASVS 5.0, appendix C: 46 MiB with one pass, or less with more.
    parameters = extract_parameters(passwords.hashed(PASSWORD))

    assert parameters.type.name == "ID"
    assert parameters.memory_cost >= 46 * 1024


def test_sec_W8_a_password_that_is_kept_in_an_older_way_is_kept_anew_at_the_next_sign_in(
    app: Flask, alice: User
) -> None:
    # Guards is_outdated in accounts.authenticate.
    with writing():
        alice.password_hash = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)

    accounts.authenticate(alice.email, PASSWORD, address=HOME)

    assert extract_parameters(alice.password_hash).memory_cost >= 46 * 1024
    accounts.authenticate(alice.email, PASSWORD, address=HOME)


def test_sec_W8_the_usual_limits(app: Flask) -> None:
    assert app.extensions["settings"].password_min_length == 12
    assert LONGEST_PASSWORD >= 64
    long_enough = [each for each in passwords.common() if len(each) >= 12]
    assert len(passwords.common()) >= 3000
    with pytest.raises(passwords.WeakPassword):
        passwords.check(long_enough[0].upper(), "somebody@example.com")


@pytest.mark.parametrize("registration", ["invite", "closed"])
def test_visitors_make_no_accounts_where_they_may_not(app: Flask, registration: str) -> None:
    app.extensions["settings"] = dataclasses.replace(app.extensions["settings"], registration=registration)

    with pytest.raises(Forbidden):
        accounts.register("bo@example.com", PASSWORD, address=HOME)
    assert accounts.add("bo@example.com", PASSWORD).id


def test_sec_W2_the_token_is_kept_only_as_a_hash(ana: User) -> None:
    token = accounts.sign_in(ana, address=HOME, agent="browser")

    kept = db.session.scalars(sa.select(SignIn)).one()
    assert is_signed_in(token)
    assert token not in (kept.token_hash, kept.agent, kept.address)


def test_signing_out_ends_the_session_for_good(ana: User) -> None:
    token = accounts.sign_in(ana, address=HOME, agent="")
    other = accounts.sign_in(ana, address=HOME, agent="")

    accounts.sign_out(token)

    assert not is_signed_in(token)
    assert is_signed_in(other)


def test_a_new_password_ends_every_session(ana: User) -> None:
    token = accounts.sign_in(ana, address=HOME, agent="")

    accounts.change_password(ana, PASSWORD, "another tape in the rain", address=HOME)

    assert not is_signed_in(token)
    accounts.authenticate("ana@example.com", "another tape in the rain", address=HOME)


def test_the_old_password_is_asked_for(ana: User) -> None:
    with pytest.raises(WrongPassword):
        accounts.change_password(ana, "a guess of somebody", "another tape in the rain", address=HOME)


def test_an_account_that_is_switched_off_is_out_at_once(ana: User) -> None:
    token = accounts.sign_in(ana, address=HOME, agent="")

    accounts.disable("ana@example.com")

    assert not is_signed_in(token)
    with pytest.raises(WrongPassword):
        accounts.authenticate("ana@example.com", PASSWORD, address=HOME)


def test_sec_W2_no_session_lasts_for_ever(ana: User) -> None:
    token = accounts.sign_in(ana, address=HOME, agent="")
    with writing():
        db.session.execute(sa.update(SignIn).values(created_at=utcnow() - timedelta(days=181)))

    assert not is_signed_in(token)


def test_nobody_cannot_be_switched_off(app: Flask) -> None:
    with pytest.raises(NotFound):
        accounts.disable("nobody@example.com")


def guess(times: int, *, email: str = "ana@example.com", address: str = HOME) -> None:
    for _ in range(times):
        with pytest.raises(WrongPassword):
            accounts.authenticate(email, "a guess of somebody", address=address)


def test_sec_W3_ten_wrong_passwords_are_enough(ana: User) -> None:
    guess(10)

    with pytest.raises(TooMany) as refused:
        accounts.authenticate("ana@example.com", PASSWORD, address=HOME)

    assert 0 < refused.value.retry_after <= 15 * 60 + 1
    assert accounts.authenticate("ana@example.com", PASSWORD, address="192.0.2.9").id == ana.id


def test_sec_W3_the_right_password_does_not_count(ana: User) -> None:
    for _ in range(12):
        accounts.authenticate("ana@example.com", PASSWORD, address=HOME)

    assert db.session.scalar(sa.select(sa.func.count()).select_from(Attempt)) == 0


def test_sec_W3_a_hundred_wrong_ones_from_an_address_are_enough_whatever_the_accounts(app: Flask) -> None:
    for number in range(throttle.PER_ADDRESS):
        throttle.begin(f"{number}@example.com", HOME)

    with pytest.raises(TooMany):
        throttle.begin("another@example.com", HOME)


def test_sec_W3_all_processes_count_together(ana: User, config: Config) -> None:
    guess(5)
    another = create_app(config)
    with another.app_context():
        guess(5)
        with pytest.raises(TooMany):
            accounts.authenticate("ana@example.com", PASSWORD, address=HOME)
        db.session.remove()

    with pytest.raises(TooMany):
        accounts.authenticate("ana@example.com", PASSWORD, address=HOME)


@pytest.mark.parametrize(
    ("first", "second", "are_one"),
    [
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
    ],
)
def test_sec_W3_an_address_of_ipv6_counts_as_its_network(app: Flask, first: str, second: str, *, are_one: bool) -> None:
    # Guards network_of in services/throttle.py.
    for _ in range(throttle.PER_ACCOUNT):
        throttle.begin("ana@example.com", first)

    with pytest.raises(TooMany) if are_one else nullcontext():
        throttle.begin("ana@example.com", second)


def test_sec_W3_an_unknown_address_takes_as_long_as_a_wrong_password(app: Flask, alice: User) -> None:
    # Guards _nobodys in services/passwords.py: without it, unknown ones are told within a few milliseconds.
    with writing():
        alice.password_hash = passwords.hashed(PASSWORD)
    took: dict[str, list[float]] = {alice.email: [], "nobody@example.com": []}
    passwords.is_right(None, "")  # which is made once
    for number, email in itertools.product(range(3), took):
        begun = time.process_time()
        with pytest.raises(WrongPassword):
            accounts.authenticate(email, "a guess of somebody", address=f"192.0.2.{number}")
        took[email].append(time.process_time() - begun)

    known, unknown = (median(each) for each in took.values())
    assert 0.5 < known / unknown < 2, took


def test_tries_are_forgotten_after_a_while(ana: User) -> None:
    for _ in range(throttle.PER_ACCOUNT):
        throttle.begin("ana@example.com", HOME)
    with writing():
        db.session.execute(sa.update(Attempt).values(at=utcnow() - timedelta(minutes=16)))

    throttle.forget_old()

    assert db.session.scalar(sa.select(sa.func.count()).select_from(Attempt)) == 0
    assert accounts.authenticate("ana@example.com", PASSWORD, address=HOME).id == ana.id

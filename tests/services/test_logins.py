"""Logging in with a name and a password."""

from __future__ import annotations

import datetime

import pytest
from django.contrib.auth import hashers
from django.contrib.auth.models import User
from django.utils import timezone

from groups import errors, models
from groups.services import login_trail, logins

pytestmark = pytest.mark.django_db
HERE = "192.0.2.1"


@pytest.fixture
def olga():
    return User.objects.create_user("olga", password="klabautermann")


@pytest.fixture
def hashed(monkeypatch):
    """Passwords that were hashed: the costly part of a log-in."""
    seen = []
    real = hashers.MD5PasswordHasher.encode

    def encode(self, password, salt):
        seen.append(password)
        return real(self, password, salt)

    monkeypatch.setattr(hashers.MD5PasswordHasher, "encode", encode)
    return seen


def log_in(password, *, name="olga", address=HERE):
    return logins.with_password(name=name, password=password, address=address, way=login_trail.Way.TOKEN)


def basic(password, *, name="olga", address=HERE):
    return logins.with_basic(name=name, password=password, address=address)


def fail(times, *, name="olga", address=HERE):
    for _ in range(times):
        with pytest.raises(errors.NotAuthenticated):
            log_in("wrong", name=name, address=address)


def pass_time(seconds):
    for row in models.LoginAttempt.objects.all():
        models.LoginAttempt.objects.filter(pk=row.pk).update(last_at=row.last_at - datetime.timedelta(seconds=seconds))


def test_the_right_password_is_let_in(olga):
    assert log_in("klabautermann") == olga


@pytest.mark.parametrize("password", ["", "Klabautermann", "klabautermann ", "\0", "\ud800", "x" * 100_000])
def test_a_wrong_password_is_refused(olga, password):
    with pytest.raises(errors.NotAuthenticated):
        log_in(password)


@pytest.mark.parametrize("name", ["", "otto", "OLGA", "olga\0", "\ud800", "x" * 100_000])
def test_an_unknown_name_is_refused_in_the_words_for_a_wrong_password(olga, name):
    with pytest.raises(errors.NotAuthenticated) as unknown:
        log_in("klabautermann", name=name)
    with pytest.raises(errors.NotAuthenticated) as wrong:
        log_in("wrong")

    assert unknown.value.message == wrong.value.message


def test_a_disabled_user_is_refused_in_the_same_words(olga):
    User.objects.update(is_active=False)

    with pytest.raises(errors.NotAuthenticated, match=logins.REFUSAL):
        log_in("klabautermann")


def test_an_unknown_name_costs_as_many_hashes_as_a_wrong_password(olga, hashed):
    fail(1)
    for_wrong = len(hashed)
    hashed.clear()

    fail(1, name="otto")

    assert len(hashed) == for_wrong == 1


def test_after_five_failures_even_the_right_password_is_not_looked_at(olga, hashed):
    fail(5)
    hashed.clear()

    with pytest.raises(errors.TooManyAttempts) as refused:
        log_in("klabautermann")

    assert hashed == []
    assert refused.value.retry_after_seconds == 1


def test_an_unknown_name_has_to_wait_like_a_known_one(olga):
    fail(5, name="otto")

    with pytest.raises(errors.TooManyAttempts):
        log_in("klabautermann", name="otto")


def test_another_spelling_of_a_name_waits_with_it(olga):
    fail(5, name="ｏlga")  # noqa: RUF001  the letter of another alphabet is what is tried

    with pytest.raises(errors.TooManyAttempts):
        log_in("klabautermann")


def test_four_failures_cost_no_wait(olga):
    fail(4)

    assert log_in("klabautermann") == olga


def test_another_name_and_another_address_do_not_wait(olga):
    otto = User.objects.create_user("otto", password="klabautermann")
    fail(5)

    assert log_in("klabautermann", name="otto") == otto
    assert log_in("klabautermann", address="192.0.2.2") == olga


def test_the_wait_grows_with_each_failure_up_to_its_end():
    waits = [logins.wait_seconds(failures) for failures in (0, 4, 5, 6, 7, 13, 14, 1_000_000)]

    assert waits == [0, 0, 1, 2, 4, 256, 300, 300]


def test_who_waited_is_looked_at_and_then_waits_longer(olga):
    fail(5)
    pass_time(1)
    fail(1)
    pass_time(1)

    with pytest.raises(errors.TooManyAttempts):
        log_in("klabautermann")
    pass_time(1)
    assert log_in("klabautermann") == olga


def test_asking_while_waiting_does_not_prolong_the_wait(olga):
    fail(5)
    for _ in range(20):
        with pytest.raises(errors.TooManyAttempts):
            log_in("wrong")
    pass_time(1)

    assert log_in("klabautermann") == olga


def test_a_good_log_in_forgets_the_failures(olga):
    fail(4)
    log_in("klabautermann")
    fail(4)

    assert log_in("klabautermann") == olga


def test_failures_are_forgotten_after_an_hour(olga):
    fail(5)
    pass_time(3601)
    fail(1)

    assert models.LoginAttempt.objects.get().failures == 1


def test_old_failures_of_others_are_removed_a_limited_number_at_a_time(olga):
    old = timezone.now() - datetime.timedelta(hours=2)
    models.LoginAttempt.objects.bulk_create([models.LoginAttempt(key=f"{n}", last_at=old) for n in range(150)])

    fail(1)

    assert models.LoginAttempt.objects.count() == 150 - logins.PURGED_AT_ONCE + 1


def test_neither_name_nor_address_is_kept_with_the_failures(olga):
    fail(1)

    row = models.LoginAttempt.objects.values().get()
    assert "olga" not in str(row)
    assert HERE not in str(row)


def test_a_name_nobody_has_is_not_logged(olga, caplog):
    fail(1, name="my-password-in-the-wrong-field")

    assert "log_in_refused" in caplog.text
    assert "my-password" not in caplog.text


def test_basic_hashes_a_right_password_once(olga, hashed):
    for _ in range(5):
        assert basic("klabautermann") == olga

    assert len(hashed) == 1


def test_basic_sees_a_changed_password_at_once(olga):
    basic("klabautermann")
    olga.set_password("rumpelstilzchen")
    olga.save()

    with pytest.raises(errors.NotAuthenticated):
        basic("klabautermann")
    assert basic("rumpelstilzchen") == olga


def test_basic_sees_a_disabled_user_at_once(olga):
    basic("klabautermann")
    User.objects.update(is_active=False)

    with pytest.raises(errors.NotAuthenticated):
        basic("klabautermann")


def test_basic_does_not_remember_a_wrong_password(olga):
    for _ in range(5):
        with pytest.raises(errors.NotAuthenticated):
            basic("wrong")

    with pytest.raises(errors.TooManyAttempts):
        basic("wrong")


@pytest.mark.parametrize(
    "peer, forwarded_for, said",
    [
        ("203.0.113.9", "", "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "6.6.6.6, 198.51.100.1", "198.51.100.1"),
        ("", "198.51.100.1", "198.51.100.1"),
    ],
)
def test_only_a_proxy_on_this_machine_may_name_another_address(peer, forwarded_for, said):
    assert logins.address_of(peer=peer, forwarded_for=forwarded_for) == said

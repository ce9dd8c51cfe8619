"""Log-ins in the audit trail: who, from where, and never so many that nobody reads them."""

from __future__ import annotations

import datetime

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from groups import errors, models
from groups.services import login_trail, logins
from groups.services.login_trail import GOOD, MOST_REFUSED, REFUSED, Way

pytestmark = pytest.mark.django_db
HERE, THERE = "192.0.2.1", "192.0.2.2"


@pytest.fixture
def olga():
    return User.objects.create_user("olga", password="klabautermann")


def log_in(*, said="klabautermann", name="olga", address=HERE, way=Way.TOKEN):
    return logins.with_password(name=name, password=said, address=address, way=way)


def fail(*, name="olga", address=HERE):
    with pytest.raises(errors.NotAuthenticated):
        log_in(said="my secret", name=name, address=address)


def kept(action):
    return list(models.AuditEntry.objects.filter(action=action).order_by("id"))


def test_a_log_in_is_kept_with_who_and_from_where(olga):
    log_in()

    (entry,) = kept(GOOD)
    assert (entry.user_name, entry.user_id, entry.door, entry.subject_name) == ("olga", str(olga.pk), "api", "olga")
    assert entry.detail == "for a token, from 192.0.2.1"


def test_a_refused_one_is_kept_and_neither_password_nor_unknown_name_is_anywhere(olga):
    fail()
    fail(name="klabautermann")

    known, unknown = kept(REFUSED)
    assert (known.user_name, known.detail) == ("olga", "for a token, from 192.0.2.1")
    assert (unknown.user_name, unknown.detail) == ("", "for a token, from 192.0.2.1, by a name that nobody has")
    said = str(list(models.AuditEntry.objects.values()))
    assert "my secret" not in said
    assert "klabautermann" not in said


def test_a_program_is_kept_once_in_a_while_for_each_way_and_address_and_a_person_each_time(olga):
    for address in (HERE, HERE, THERE):
        log_in(address=address)
    log_in(way=Way.BASIC)
    for _ in range(2):
        log_in(way=Way.CONSOLE)
    assert len(kept(GOOD)) == 5

    models.AuditEntry.objects.update(at=kept(GOOD)[0].at - datetime.timedelta(minutes=16))
    log_in()

    assert len(kept(GOOD)) == 6


def test_under_attack_from_everywhere_a_bounded_number_is_kept_and_the_last_says_so(olga):
    for number in range(MOST_REFUSED + 10):
        fail(address=f"192.0.2.{number}")
        fail(name=f"guess-{number}")

    assert len(kept(REFUSED)) == 2 * MOST_REFUSED
    assert kept(REFUSED)[-1].detail.endswith("the last that is kept within the hour, the log has all")
    log_in(address=THERE)
    assert len(kept(GOOD)) == 1

    models.AuditEntry.objects.update(at=kept(GOOD)[0].at - datetime.timedelta(hours=1, seconds=1))
    fail(address="198.51.100.1")
    assert len(kept(REFUSED)) == 2 * MOST_REFUSED + 1


def test_one_that_has_to_wait_leaves_no_entry(olga):
    for _ in range(logins.FREE_FAILURES):
        fail()

    with pytest.raises(errors.TooManyAttempts):
        log_in()

    assert len(kept(REFUSED)) == logins.FREE_FAILURES
    assert kept(GOOD) == []


def test_the_consoles_log_ins_are_listed_there(olga, client):
    User.objects.create_superuser("boss", password="open sesame")
    for password in ("wrong", "open sesame"):
        client.post(reverse("admin:login"), {"username": "boss", "password": password})
    client.post(reverse("admin:login"), {"username": "nobody", "password": "x"})
    login_trail.keep_refused(None, way=Way.CONSOLE, address="")

    page = client.get(reverse("admin:groups_auditentry_changelist")).content.decode()

    assert [(entry.user_name, entry.door) for entry in (*kept(GOOD), *kept(REFUSED))] == [
        ("boss", "console"),
        ("boss", "console"),
        ("", "console"),
        ("", "console"),
    ]
    assert "at the console, from 127.0.0.1" in page
    assert "nobody known" in page
    assert "an unknown address" in page
    for entry in kept(REFUSED):
        assert client.get(reverse("admin:groups_auditentry_change", args=(entry.pk,))).status_code == 200

"""Tokens."""

from __future__ import annotations

import datetime

import pytest
from django.contrib.auth.models import User
from django.core import serializers
from django.utils import timezone

from groups import callers, errors, models
from groups.queries import access
from groups.services import identity, tokens

pytestmark = pytest.mark.django_db
SYSTEM = callers.system(door="command")


@pytest.fixture
def olga():
    identity.add_project(SYSTEM, name="shop")
    user, _ = identity.add_user(SYSTEM, name="olga", project="shop", role="member", password="klabautermann")
    return access.first(user)


def refused(text: str) -> bool:
    try:
        tokens.find(text)
    except errors.NotAuthenticated:
        return True
    return False


def test_a_token_stands_for_its_user_in_its_project(olga):
    shown = tokens.find(tokens.issue(olga).text)

    assert shown.granted == olga


def test_a_token_is_not_stored_in_clear(olga):
    issued = tokens.issue(olga)

    assert issued.text not in serializers.serialize("json", models.Token.objects.all())


def test_a_token_lasts_as_long_as_the_setting_says(olga, settings):
    row = tokens.issue(olga).row

    assert row.expires_at - row.issued_at == datetime.timedelta(hours=settings.REPLSITE.token_hours)


@pytest.mark.parametrize("text", ["", "unknown", "\0", "\ud800", "x" * 100_000])
def test_an_unknown_token_is_refused(olga, text):
    assert refused(text)


def test_the_stored_hash_is_no_token(olga):
    assert refused(tokens.issue(olga).row.digest)


def test_an_expired_token_is_refused(olga):
    text = tokens.issue(olga, until=timezone.now()).text

    assert refused(text)


def test_a_revoked_token_is_refused_and_others_are_not(olga):
    first, second = tokens.issue(olga).text, tokens.issue(olga).text

    tokens.revoke(first)
    tokens.revoke(first)

    assert refused(first)
    assert not refused(second)


@pytest.mark.parametrize(
    "change",
    [
        lambda: User.objects.update(is_active=False),
        lambda: models.Project.objects.update(enabled=False),
        lambda: models.RoleAssignment.objects.all().delete(),
        lambda: models.Project.objects.all().delete(),
        lambda: User.objects.all().delete(),
    ],
    ids=["user disabled", "project disabled", "role taken", "project removed", "user removed"],
)
def test_a_token_is_refused_at_once_after(olga, change):
    text = tokens.issue(olga).text

    change()

    assert refused(text)


def test_a_token_is_refused_once_the_password_was_changed(olga):
    text = tokens.issue(olga).text

    olga.user.set_password("rumpelstilzchen")
    olga.user.save()

    assert refused(text)


def test_a_changed_role_counts_at_once(olga):
    text = tokens.issue(olga).text

    identity.add_user(SYSTEM, name="olga", project="shop", role="reader")

    assert tokens.find(text).granted.roles == {"reader"}


def test_a_renewed_token_ends_with_the_one_it_came_from(olga):
    old = tokens.issue(olga)

    new = tokens.renew(old.row, olga)
    newest = tokens.renew(new.row, olga)

    assert newest.row.expires_at == old.row.expires_at
    assert newest.row.methods == "token,password"
    assert len({old.row.audit_id, new.row.audit_id, newest.row.audit_id}) == 3


def test_expired_tokens_are_removed_a_limited_number_at_a_time(olga):
    past = timezone.now() - datetime.timedelta(days=1)
    kept = tokens.issue(olga)
    models.Token.objects.bulk_create(
        [
            models.Token(digest=f"{n}", user=olga.user, audit_id=f"{n}", password_mark="", expires_at=past)
            for n in range(150)
        ]
    )

    tokens.issue(olga)

    assert models.Token.objects.filter(expires_at=past).count() == 150 - tokens.PURGED_AT_ONCE
    assert models.Token.objects.filter(pk=kept.row.pk).exists()


def test_looking_at_a_token_takes_one_statement(olga, django_assert_num_queries):
    text = tokens.issue(olga).text

    with django_assert_num_queries(1):
        tokens.find(text)

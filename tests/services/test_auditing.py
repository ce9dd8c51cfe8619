"""What the audit trail keeps: who did what to what, through which door, and never a secret."""

from __future__ import annotations

import datetime

import pytest
from django.utils import timezone

from groups import errors, models, specs
from groups.engine.drills import following
from groups.services import (
    auditing,
    backends,
    drills,
    findings,
    groups,
    identity,
    operations,
    replication,
    tokens,
    types,
)
from tests.support.domain import SECRET, Site


def newest() -> models.AuditEntry:
    return models.AuditEntry.objects.latest("id")


def test_an_accepted_operation_is_kept_with_who_asked_for_it_and_how(site: Site):
    group = site.enabled_group(1)

    operation = replication.failover(site.owner, group_id=group.pk, mode="planned")

    kept = newest()
    assert (kept.user_name, kept.action, kept.subject_name) == ("olga", "failover", group.name)
    assert (kept.door, kept.request_id, kept.operation_id) == ("api", site.owner.request_id, operation.pk)
    assert kept.detail == "mode: planned, target: site-b"


def test_a_refused_request_leaves_nothing_in_it(site: Site):
    group = site.new_group(1)
    before = models.AuditEntry.objects.count()

    for refused in (
        lambda: replication.failover(site.owner, group_id=group.pk),
        lambda: replication.enable(site.reader, group_id=group.pk),
        lambda: backends.remove(site.admin, name="array"),
        lambda: types.delete(site.admin, family=types.GROUP, type_id=site.group_type.pk),
    ):
        with pytest.raises(errors.ReplsiteError):
            refused()

    assert models.AuditEntry.objects.count() == before


def test_a_changed_backend_is_kept_with_the_names_of_what_changed_and_no_value(site: Site):
    backends.change(
        site.admin,
        name="array",
        options={"state": str(site.control.folder), "latency_seconds": "1"},
        targets={"site-c": {"host": "c.example"}, "site-b": {"host": "b.example", "password": "betelgeuse"}},
    )

    kept = newest()
    assert kept.detail == "changed: latency_seconds, order of targets, target site-b"
    trail = str(list(models.AuditEntry.objects.values()))
    assert SECRET not in trail
    assert "betelgeuse" not in trail


def test_types_are_kept_with_their_specs(site: Site):
    row = types.create(site.admin, family=types.VOLUME, name="gold", spec_values={specs.REPLICATION: specs.TRUE})
    types.update(site.admin, family=types.VOLUME, type_id=row.pk, changes={"name": "silver"})
    types.delete_spec(site.admin, family=types.VOLUME, type_id=row.pk, key=specs.REPLICATION)
    types.delete(site.admin, family=types.VOLUME, type_id=row.pk)

    kept = list(models.AuditEntry.objects.filter(subject_id=str(row.pk)).order_by("id").values_list("action", "detail"))
    assert kept == [
        ("type:create", f"{specs.REPLICATION}={specs.TRUE}"),
        ("type:change", "changed: name"),
        ("type:delete-spec", specs.REPLICATION),
        ("type:delete", ""),
    ]


def test_what_is_done_at_once_is_kept_too(site: Site):
    group = site.new_group(1)
    finding = models.Finding.objects.create(
        code="lagging", severity="warning", subject_id=group.pk, group=group, seen_at=timezone.now()
    )
    user, _ = identity.add_user(site.admin, name="nina", project="shop", role="member", password="a long word")
    token = models.Token.objects.create(
        digest="d" * 64, user=user, project=site.project, audit_id="a1", expires_at=timezone.now()
    )
    operation = replication.enable(site.owner, group_id=group.pk)

    operations.cancel(site.colleague, operation_id=operation.pk)
    groups.reset_status(site.admin, group_id=group.pk, status="error", reason="to see")
    replication.reset(site.admin, group_id=group.pk, replication_status="error", reason="swapped")
    until = timezone.now() + datetime.timedelta(hours=1)
    findings.ignore(site.admin, finding_id=finding.pk, until=until, reason="known")
    tokens.take_back(site.admin, audit_id=token.audit_id)

    kept = list(models.AuditEntry.objects.order_by("-id").values_list("user_name", "action")[:6])
    assert kept == [
        ("admin", "token:revoke"),
        ("admin", "finding:ignore"),
        ("admin", "group:reset-replication-status"),
        ("admin", "group:reset-status"),
        ("carl", "operation:cancel"),
        ("olga", "enable-replication"),
    ]


def test_names_are_listed_in_one_order():
    assert auditing.named({"b", "a"}) == "a, b"


def test_whatever_people_do_with_drills_is_kept(site: Site):
    group = site.enabled_group(1)
    plan = drills.create_plan(
        site.owner, name="nightly", groups=[group.pk], webhooks=[f"https://hooks.example/{SECRET}"]
    )
    drills.change_plan(site.owner, plan_id=plan.pk, cron="0 2 * * *", scenario="The site burns down.")
    drills.approve_plan(site.admin, plan_id=plan.pk)
    drills.freeze(site.owner, plan_id=plan.pk, frozen=True)
    drills.freeze_all(site.owner, frozen=False)
    [run] = drills.run_now(site.owner, plan_id=plan.pk, injections=["slow-target"])
    operations.cancel(site.owner, operation_id=run.operation_id)
    following.follow_up()
    drills.attest(site.admin, run_id=run.pk, passed=False, text="It never ran.")
    drills.add_note(site.owner, run_id=run.pk, text="It will.")

    kept = list(models.AuditEntry.objects.order_by("id").values_list("action", "user_name", "subject_name", "detail"))
    assert [each for each in kept if each[0].startswith("drill:")] == [
        ("drill:plan-add", "olga", "nightly", ""),
        ("drill:plan-change", "olga", "nightly", "changed: cron, scenario"),
        ("drill:plan-approve", "admin", "nightly", "version 2"),
        ("drill:plan-freeze", "olga", "nightly", ""),
        ("drill:plan-thaw", "olga", "nightly", ""),
        ("drill:run", "olga", group.name, "broken on purpose: slow-target"),
        ("drill:attest", "admin", group.name, "not passed"),
        ("drill:note", "olga", group.name, ""),
    ]
    assert SECRET not in str(kept)

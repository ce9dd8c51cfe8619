"""Groups in every state for pictures, and many groups for a site failover: made by the services, done by the workers.

Runs inside the site: `manage.py shell --command "from tests.console import scene; scene.build()"`.
"""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

from django.conf import settings

from drivers.fake.control import Control
from groups import callers, models, specs, statuses
from groups.services import attaching, drills, groups, objectives, replication, sites, types, volumes

_SECONDS = 240
_MEMBERS = {
    "webshop": ("orders-data", "orders-log", "carts-data", "carts-log"),
    "ledger": ("books", "journal"),
    "mail": ("spool", "index", "archive"),
    "wiki": ("pages",),
    "billing": ("invoices", "payments"),
}


def build() -> None:
    """Make five groups: two protected, one away, one bare, one whose failover failed."""
    caller = _admin()
    _make_types(caller)
    made = {name: _group(caller, name, members) for name, members in _MEMBERS.items()}
    _await()
    for name in ("webshop", "ledger", "mail", "billing"):
        replication.enable(caller, group_id=made[name].pk)
    _await()
    replication.failover(caller, group_id=made["mail"].pk, mode="planned", reason="maintenance of site A")
    _await()
    _control().add_fault(call="promote", action="fail", group_id=str(made["ledger"].pk), times=4)
    replication.failover(caller, group_id=made["ledger"].pk, mode="planned")
    _await()
    levels = {"rpo_warning_seconds": 20, "rpo_critical_seconds": 30}
    objectives.set_levels(caller, group_id=made["webshop"].pk, levels=levels)
    _rehearse(made["webshop"])
    oldest = models.Volume.objects.filter(group=made["webshop"]).earliest("created_at")
    attaching.attach(caller, volume_id=oldest.pk, host="db-1.example.org", mountpoint="/dev/vdb")
    for volume in models.Volume.objects.filter(group=made["webshop"]):
        _control().write(side="", volume_id=str(volume.pk), offset=0, data=b"x" * 8192)


def _rehearse(group: models.Group) -> None:
    """Drill a group twice: once against an objective that nobody can meet, then well; close the gap."""
    author = dataclasses.replace(_admin(), user_name="olga")
    plan = drills.create_plan(
        author,
        name="Webshop, weekly",
        description="The shop comes back at site B within five minutes.",
        groups=[group.pk],
        cron="30 2 * * 6",
        timezone="Europe/Berlin",
        windows=[{"days": [4, 5], "from": "22:00", "to": "05:00"}],
        blackouts=[{"from": "2026-12-18", "to": "2027-01-06"}],
        checks=[{"kind": "write-order", "name": "orders"}],
        rpo_seconds=120,
        rto_seconds=0.001,
        proof_days=14,
        scenario="Site A is lost with everything in it.",
        emails=["oncall@example.org"],
    )
    failed = _drill(author, plan)
    drills.change_plan(author, plan_id=plan.pk, rto_seconds=300)
    drills.approve_plan(_admin(), plan_id=plan.pk)
    passed = _drill(author, plan)
    drills.attest(_admin(), run_id=failed.pk, passed=False, text="No failover is done in a millisecond.")
    gap = models.DrillGap.objects.get(run=failed)
    note = "The objective is five minutes, and is met."
    drills.change_gap(author, gap_id=gap.pk, status="resolved", owner="olga", note=note, retest=passed.pk)


def _drill(author: callers.Caller, plan: models.DrillPlan) -> models.DrillRun:
    run = drills.run_now(author, plan_id=plan.pk, reason="before the audit")[0]
    end = time.monotonic() + _SECONDS
    while not models.DrillEntry.objects.filter(run=run).exists():
        assert time.monotonic() < end, "the drill has no report"
        time.sleep(0.2)
    return run


def crowd(count: int) -> None:
    """Make many protected groups of one volume each."""
    caller = _admin()
    _make_types(caller)
    made = [_group(caller, f"tenant-{number:02}", ("data",)) for number in range(count)]
    _await()
    for number, group in enumerate(made):
        sites.set_priority(caller, group_id=group.pk, priority=10 * (number // 10 + 1))
        replication.enable(caller, group_id=group.pk)
    _await()


def _group(caller: callers.Caller, name: str, members: tuple[str, ...]) -> models.Group:
    group = groups.create(caller, group_type="replicated", volume_types=["replicable"], name=name)
    _await(group)
    for number, member in enumerate(members):
        volumes.create(caller, size_gib=10 * (number + 1), volume_type="replicable", group_id=group.pk, name=member)
    return group


def _make_types(caller: callers.Caller) -> None:
    if models.GroupType.objects.filter(name="replicated").exists():
        return
    group_specs = {specs.CONSISTENT_GROUP_REPLICATION: specs.TRUE}
    types.create(caller, family=types.GROUP, name="replicated", spec_values=group_specs)
    types.create(caller, family=types.VOLUME, name="replicable", spec_values={specs.REPLICATION: specs.TRUE})


def _admin() -> callers.Caller:
    project = models.Project.objects.get(name="admin")
    roles = callers.implied(callers.ADMIN)
    return callers.Caller(user_id="1", user_name="ada", project_id=project.pk, roles=roles, door="console")


def _control() -> Control:
    return Control(folder=Path(settings.REPLSITE.state_dir) / "fake" / models.Backend.objects.get().name)


def _await(subject: models.Group | None = None) -> None:
    """Wait until the workers have done everything, or everything on one group."""
    rows = models.Operation.objects.filter(state__in=statuses.OPEN)
    end = time.monotonic() + _SECONDS
    while (rows if subject is None else rows.filter(subject_id=subject.pk)).exists():
        assert time.monotonic() < end, "the workers are not done"
        time.sleep(0.2)

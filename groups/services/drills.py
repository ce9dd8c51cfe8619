"""Drills: make and change plans, run one now, freeze, attest, note, follow what was found wanting."""

from __future__ import annotations

import datetime
import re
import urllib.parse
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from groups import callers, clock, drills, errors, ledger, models, notices, sealing
from groups.queries import visible
from groups.services import drill_calendar, drill_starting, policies

TEXTS = (
    "description",
    "objective",
    "scenario",
    "severity",
    "assumptions",
    "exclusions",
    "business_function",
    "criticality",
)
PLAIN = (
    "kind",
    "target",
    "hold_minutes",
    "enabled",
    "cron",
    "timezone",
    "every_days",
    "windows",
    "blackouts",
    "surprise_minutes",
    "missed",
    "grace_minutes",
    "at_once",
    "rpo_seconds",
    "rto_seconds",
    "objectives",
    "must_compare",
    "checks",
    "proof_days",
    "regulatory_tags",
    "observers",
    "emails",
    "retention_years",
)
CHANGEABLE = frozenset({"name", "groups", "backend", "webhooks", *TEXTS, *PLAIN})
"""What a plan says and its author may change."""
_PROGRAM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_LONGEST_CHECK_SECONDS = 3600
_COUNTS = {"at_once": 1, "retention_years": 1, "hold_minutes": 0, "grace_minutes": 0, "surprise_minutes": 0}
"""The least of each number a plan holds."""
_MOST = 1_000_000


def create_plan(caller: callers.Caller, *, name: str, **wanted: Any) -> models.DrillPlan:
    """Make a plan. Raises `InvalidInput` naming what of it cannot be, `Duplicate` for a name that is taken."""
    policies.require(caller, "drill:plan")
    plan = models.DrillPlan(project_id=caller.project_id, created_by=caller.user_name, created_at=clock.now())
    return _write(caller, plan, {"name": name, **wanted}, new=True)


def change_plan(caller: callers.Caller, *, plan_id: object, **wanted: Any) -> models.DrillPlan:
    """Change a plan: it gets a new version, and loses its approval."""
    with transaction.atomic():
        plan = visible.drill_plan(caller, plan_id, lock=True)
        policies.require(caller, "drill:plan")
        plan.version += 1
        plan.approved_by, plan.approved_at = "", None
        return _write(caller, plan, wanted, new=False)


def freeze(caller: callers.Caller, *, plan_id: object, frozen: bool) -> models.DrillPlan:
    """Let nothing of a plan begin from now on, or let it again; what is under way goes on."""
    plan = visible.drill_plan(caller, plan_id)
    policies.require(caller, "drill:plan")
    models.DrillPlan.objects.filter(pk=plan.pk).update(frozen=frozen, updated_at=clock.now())
    return visible.drill_plan(caller, plan_id)


def approve_plan(caller: callers.Caller, *, plan_id: object) -> models.DrillPlan:
    """Approve a plan as it is; its author cannot."""
    with transaction.atomic():
        plan = visible.drill_plan(caller, plan_id, lock=True)
        policies.require(caller, "drill:approve")
        if caller.user_name == plan.created_by:
            raise errors.WrongState("A plan is approved by another person than its author.")
        plan.approved_by, plan.approved_at = caller.user_name, clock.now()
        plan.save(update_fields=["approved_by", "approved_at"])
    return plan


def delete_plan(caller: callers.Caller, *, plan_id: object) -> None:
    """Remove a plan that never ran; one that did is disabled instead, because its reports name it."""
    plan = visible.drill_plan(caller, plan_id)
    policies.require(caller, "drill:plan")
    if plan.runs.exists():
        raise errors.InUse(f"Plan {plan} has runs: disable it, its reports are kept.")
    plan.delete()


def run_now(
    caller: callers.Caller,
    *,
    plan_id: object,
    group_id: object | None = None,
    injections: Sequence[str] = (),
    reason: str = "",
) -> list[models.DrillRun]:
    """Drill a plan's groups, or one of them, at once and whatever the calendar says; return the runs.

    Those beyond the limits wait for their turn. Raises `WrongState` while the plan is frozen.
    """
    plan = visible.drill_plan(caller, plan_id)
    policies.require(caller, "drill:run")
    if plan.frozen:
        raise errors.WrongState(f"Plan {plan} is frozen.", remedy="Lift the freeze first.")
    groups = drill_starting.groups_of(plan)
    if group_id is not None:
        groups = [group for group in groups if str(group.pk) == str(group_id)]
    if not groups:
        raise errors.InvalidInput(f"Plan {plan} has no such group to drill.")
    if unknown := sorted(set(injections) - set(drills.Injection)):
        raise errors.InvalidInput(
            f"'{unknown[0]}' cannot be broken on purpose. Possible: {', '.join(drills.Injection)}."
        )
    now = clock.now()
    runs = [_run_now(caller, plan, group, now, injections, reason) for group in groups]
    return list(models.DrillRun.objects.filter(pk__in=[run.pk for run in runs]).select_related("operation"))


def attest(caller: callers.Caller, *, run_id: object, passed: bool, text: str) -> models.DrillEntry:
    """Attest a drill's report: final from then on. Neither who asked for the drill nor the plan's author can."""
    with transaction.atomic():
        run = visible.drill_run(caller, run_id)
        policies.require(caller, "drill:attest")
        _require_report(run)
        if caller.user_name in {run.requester, run.operation.user_name if run.operation else "", run.plan.created_by}:
            raise errors.WrongState("A drill is attested by another person than who asked for it or planned it.")
        if run.entries.filter(kind=drills.EntryKind.ATTESTATION).exists():
            raise errors.WrongState("The report has been attested; add an addendum instead.")
        body = {
            "run": str(run.pk),
            "passed": passed,
            "text": _said(text),
            "name": caller.user_name,
            "rights": sorted(caller.roles),
            "at": clock.now().isoformat(),
        }
        return ledger.append(run, kind=drills.EntryKind.ATTESTATION, body=body)


def add_note(caller: callers.Caller, *, run_id: object, text: str) -> models.DrillEntry:
    """Add an addendum to a drill's report; the report itself never changes."""
    with transaction.atomic():
        run = visible.drill_run(caller, run_id)
        policies.require(caller, "drill:note")
        _require_report(run)
        body = {"run": str(run.pk), "text": _said(text), "name": caller.user_name, "at": clock.now().isoformat()}
        return ledger.append(run, kind=drills.EntryKind.ADDENDUM, body=body)


def change_gap(caller: callers.Caller, *, gap_id: object, **wanted: Any) -> models.DrillGap:
    """Say who closes a gap, until when, how far it is, and which later drill shows it; each is an addendum too."""
    with transaction.atomic():
        gap = visible.drill_gap(caller, gap_id)
        policies.require(caller, "drill:note")
        if unknown := sorted(set(wanted) - {"status", "owner", "due_on", "note", "retest"}):
            raise errors.InvalidInput(f"'{unknown[0]}' of a gap cannot be changed.")
        if (status := wanted.get("status")) is not None and status not in set(drills.GapStatus):
            raise errors.InvalidInput(f"'{status}' is no status of a gap. Possible: {', '.join(drills.GapStatus)}.")
        if wanted.get("retest"):
            wanted["retest"] = _retest(caller, gap, wanted["retest"])
        for name, value in wanted.items():
            setattr(gap, name, value)
        gap.updated_at = clock.now()
        gap.save()
        body = {
            "run": str(gap.run_id),
            "gap": gap.code,
            **{name: str(getattr(value, "pk", value)) for name, value in wanted.items()},
            "name": caller.user_name,
            "at": clock.now().isoformat(),
        }
        ledger.append(gap.run, kind=drills.EntryKind.ADDENDUM, body=body)
    return gap


def send_test(caller: callers.Caller, *, plan_id: object) -> int:
    """Send a test message to all of a plan's addresses; return how many there are."""
    plan = visible.drill_plan(caller, plan_id)
    policies.require(caller, "drill:plan")
    return notices.tell(
        plan,
        drills.NoticeKind.TEST,
        text=f"{caller.user_name} tests where messages of plan {plan} arrive. It does.",
        key=clock.now().isoformat(),
    )


# What the verbs above share.


def _run_now(
    caller: callers.Caller,
    plan: models.DrillPlan,
    group: models.Group,
    now: datetime.datetime,
    injections: Sequence[str],
    reason: str,
) -> models.DrillRun:
    with transaction.atomic():
        models.Backend.objects.select_for_update().get(pk=group.backend_id)
        run = drill_starting.run_row(
            plan,
            group,
            at=now,
            trigger=drills.Trigger.REQUESTED,
            start_at=now,
            requester=caller.user_name,
            reason=reason[:255],
            injections=injections,
        )
        run.waiting_for = drill_starting.limit_reached(plan, group.backend_id)[:255]
        run.save(force_insert=True)
        if not run.waiting_for:
            drill_starting.begin(caller, run)
    return run


def _write(caller: callers.Caller, plan: models.DrillPlan, wanted: Mapping[str, Any], *, new: bool) -> models.DrillPlan:
    if unknown := sorted(set(wanted) - CHANGEABLE):
        raise errors.InvalidInput(f"A plan has no '{unknown[0]}'. It has: {', '.join(sorted(CHANGEABLE))}.")
    for name in {*TEXTS, *PLAIN} & set(wanted):
        setattr(plan, name, wanted[name])
    if "name" in wanted:
        plan.name = str(wanted["name"]).strip()
    if not plan.name or len(plan.name) > 200:
        raise errors.InvalidInput("Give the plan a name of at most 200 characters.")
    if "webhooks" in wanted:
        plan.webhooks = [_sealed(address) for address in wanted["webhooks"]]
    groups = [visible.group(caller, each) for each in wanted["groups"]] if "groups" in wanted else None
    if "backend" in wanted:
        plan.backend = visible.backend(wanted["backend"]) if wanted["backend"] else None
    _check(plan, groups=groups, new=new)
    plan.updated_at = clock.now()
    try:
        with transaction.atomic():
            plan.save(force_insert=new)
            if groups is not None:
                plan.groups.set(groups)
    except IntegrityError:
        raise errors.Duplicate(f"There is a drill plan '{plan.name}' already.") from None
    return plan


def _check(plan: models.DrillPlan, *, groups: Collection[models.Group] | None, new: bool) -> None:
    """Raise `InvalidInput` for the first thing of a plan that cannot be."""
    _check_words(plan)
    if groups and any(group.project_id != plan.project_id for group in groups):
        raise errors.InvalidInput("A plan and its groups belong to one project.")
    if new and not groups and plan.backend is None:
        raise errors.InvalidInput("Name the groups to drill, or a backend for all of its groups.")
    if groups and plan.backend is not None:
        raise errors.InvalidInput("Name groups or a backend, not both.")
    drill_calendar.check(plan)
    if plan.kind == drills.DrillKind.FULL and plan.checks:
        raise errors.InvalidInput("A full drill has no copy to check: its clients run on the target. Give no checks.")
    plan.checks = [_checked(check) for check in plan.checks]
    for address in plan.emails:
        try:
            validate_email(address)
        except ValidationError:
            raise errors.InvalidInput(f"'{address}' is no e-mail address.") from None


def _check_words(plan: models.DrillPlan) -> None:
    for name, words in (("kind", drills.DrillKind), ("missed", drills.Missed)):
        if getattr(plan, name) not in set(words):
            raise errors.InvalidInput(f"'{getattr(plan, name)}' is no '{name}'. Possible: {', '.join(words)}.")
    for name in _COUNTS:
        value = getattr(plan, name)
        if not isinstance(value, int) or isinstance(value, bool) or not _COUNTS[name] <= value <= _MOST:
            raise errors.InvalidInput(f"'{name}' must be a whole number from {_COUNTS[name]} to {_MOST}.")
    for name in ("rpo_seconds", "rto_seconds"):
        value = getattr(plan, name)
        if value is not None and not (isinstance(value, int | float) and value > 0):
            raise errors.InvalidInput(f"'{name}' must be a number of seconds above 0.")


def _checked(check: Any) -> dict[str, Any]:
    """Return a check with all it may leave out. Raises `InvalidInput`."""
    if not isinstance(check, Mapping) or check.get("kind") not in set(drills.CheckKind):
        raise errors.InvalidInput(f"A check names its kind: {', '.join(drills.CheckKind)}.")
    found = {
        "kind": check["kind"],
        "name": str(check.get("name") or check["kind"])[:48],
        "run": str(check.get("run", "")),
        "blocks": check.get("blocks", 64),
        "timeout_seconds": check.get("timeout_seconds", 60),
        "on_failure": check.get("on_failure", "fail"),
    }
    if unknown := sorted(set(check) - set(found)):
        raise errors.InvalidInput(f"A check has no '{unknown[0]}'.")
    seconds = found["timeout_seconds"]
    if not isinstance(seconds, int | float) or not 0 < seconds <= _LONGEST_CHECK_SECONDS:
        raise errors.InvalidInput(f"A check may take from 1 to {_LONGEST_CHECK_SECONDS} seconds.")
    if found["on_failure"] not in {"fail", "warn"}:
        raise errors.InvalidInput("A check that fails lets the drill 'fail', or 'warn'.")
    if found["kind"] == drills.CheckKind.COMMAND and not _PROGRAM.fullmatch(found["run"]):
        raise errors.InvalidInput("A command is the name of a program in the site's folder of checks, without a path.")
    if found["kind"] == drills.CheckKind.HTTP and not _is_web_address(found["run"]):
        raise errors.InvalidInput("A request needs an address that begins with http:// or https://.")
    if not isinstance(found["blocks"], int) or not 1 <= found["blocks"] <= 65536:
        raise errors.InvalidInput("A test of write order looks at 1 to 65536 blocks.")
    return found


def _sealed(address: object) -> dict[str, object]:
    if not _is_web_address(str(address)):
        raise errors.InvalidInput("A webhook is an address that begins with http:// or https://.")
    return sealing.seal({"url": str(address)}, secret=("url",))


def _is_web_address(text: str) -> bool:
    parts = urllib.parse.urlsplit(text)
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


def _said(text: str) -> str:
    if not text.strip():
        raise errors.InvalidInput("Say something: the text is kept with the report.")
    return text.strip()


def _require_report(run: models.DrillRun) -> None:
    if not run.entries.filter(kind=drills.EntryKind.REPORT).exists():
        raise errors.WrongState("The drill has no report yet: it is written when the drill has ended.")


def _retest(caller: callers.Caller, gap: models.DrillGap, run_id: object) -> models.DrillRun:
    run = visible.drill_run(caller, run_id)
    if run.subject_id != gap.run.subject_id or run.created_at <= gap.run.created_at:
        raise errors.InvalidInput("A gap is tested again by a later drill of the same group.")
    return run

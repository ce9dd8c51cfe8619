"""Drills: make and change plans, run one now, freeze, attest, note, follow what was found wanting."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

from django.db import transaction

from groups import callers, clock, drills, errors, ledger, models, notices
from groups.queries import visible
from groups.services import auditing, drill_starting, drill_writing, policies


def create_plan(caller: callers.Caller, *, name: str, **wanted: Any) -> models.DrillPlan:
    """Make a plan. Raises `InvalidInput` naming what of it cannot be, `Duplicate` for a name that is taken."""
    policies.require(caller, "drill:plan")
    plan = models.DrillPlan(project_id=caller.project_id, created_by=caller.user_name, created_at=clock.now())
    with transaction.atomic():
        drill_writing.write(caller, plan, {"name": name, **wanted}, new=True)
        auditing.note(caller, action="drill:plan-add", subject=plan)
    return plan


def change_plan(caller: callers.Caller, *, plan_id: object, **wanted: Any) -> models.DrillPlan:
    """Change a plan: it gets a new version, and loses its approval."""
    with transaction.atomic():
        plan = visible.drill_plan(caller, plan_id, lock=True)
        policies.require(caller, "drill:plan")
        plan.version += 1
        plan.approved_by, plan.approved_at = "", None
        drill_writing.write(caller, plan, wanted, new=False)
        auditing.note(caller, action="drill:plan-change", subject=plan, detail=f"changed: {auditing.named(wanted)}")
    return plan


def freeze(caller: callers.Caller, *, plan_id: object, frozen: bool) -> models.DrillPlan:
    """Let nothing of a plan begin from now on, or let it again; what is under way goes on."""
    with transaction.atomic():
        plan = visible.drill_plan(caller, plan_id, lock=True)
        policies.require(caller, "drill:plan")
        _freeze(caller, plan, frozen=frozen)
    return plan


def freeze_all(caller: callers.Caller, *, frozen: bool) -> int:
    """Do so for every plan the caller may see; return how many were not so before."""
    with transaction.atomic():
        plans = list(visible.drill_plans(caller).filter(frozen=not frozen).select_for_update(of=("self",)))
        policies.require(caller, "drill:plan")
        for plan in plans:
            _freeze(caller, plan, frozen=frozen)
    return len(plans)


def approve_plan(caller: callers.Caller, *, plan_id: object) -> models.DrillPlan:
    """Approve a plan as it is; its author cannot."""
    with transaction.atomic():
        plan = visible.drill_plan(caller, plan_id, lock=True)
        policies.require(caller, "drill:approve")
        if why_not := why_not_approve(caller, plan):
            raise errors.WrongState(why_not)
        plan.approved_by, plan.approved_at = caller.user_name, clock.now()
        plan.save(update_fields=["approved_by", "approved_at"])
        auditing.note(caller, action="drill:plan-approve", subject=plan, detail=f"version {plan.version}")
    return plan


def delete_plan(caller: callers.Caller, *, plan_id: object) -> None:
    """Remove a plan that never ran; one that did is disabled instead, because its reports name it."""
    with transaction.atomic():
        plan = visible.drill_plan(caller, plan_id, lock=True)
        policies.require(caller, "drill:plan")
        if plan.runs.exists():
            raise errors.InUse(f"Plan {plan} has runs: disable it, its reports are kept.")
        auditing.note(caller, action="drill:plan-remove", subject=plan)
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
    if injections and plan.kind == drills.DrillKind.FULL:
        raise errors.InvalidInput(
            "A full drill moves the group itself, and breaks nothing on purpose. Rehearse that on a test copy."
        )
    now = clock.now()
    runs = [_run_now(caller, plan, group, now, injections, reason) for group in groups]
    return list(models.DrillRun.objects.filter(pk__in=[run.pk for run in runs]).select_related("operation"))


def attest(caller: callers.Caller, *, run_id: object, passed: bool, text: str) -> models.DrillEntry:
    """Attest a drill's report: final from then on. Neither who asked for the drill nor the plan's author can."""
    with transaction.atomic():
        run = visible.drill_run(caller, run_id)
        policies.require(caller, "drill:attest")
        if why_not := why_not_attest(caller, run):
            raise errors.WrongState(why_not)
        body = {
            "run": str(run.pk),
            "passed": passed,
            "text": _said(text),
            "name": caller.user_name,
            "rights": sorted(caller.roles),
            "at": clock.now().isoformat(),
        }
        detail = "passed" if passed else "not passed"
        auditing.note(caller, action="drill:attest", subject=run, name=run.group_name, detail=detail)
        return ledger.append(run, kind=drills.EntryKind.ATTESTATION, body=body)


def add_note(caller: callers.Caller, *, run_id: object, text: str) -> models.DrillEntry:
    """Add an addendum to a drill's report; the report itself never changes."""
    with transaction.atomic():
        run = visible.drill_run(caller, run_id)
        policies.require(caller, "drill:note")
        _require_report(run)
        body = {"run": str(run.pk), "text": _said(text), "name": caller.user_name, "at": clock.now().isoformat()}
        auditing.note(caller, action="drill:note", subject=run, name=run.group_name)
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
        detail = f"changed: {auditing.named(wanted)}"
        auditing.note(caller, action="drill:gap", subject=gap, name=gap.title, detail=detail)
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


# Why a verb is not possible now, for doors that offer it; empty when it is.


def why_not_approve(caller: callers.Caller, plan: models.DrillPlan) -> str:
    """Return why the caller cannot approve a plan as it is now."""
    return "A plan is approved by another person than its author." if caller.user_name == plan.created_by else ""


def why_not_note(run: models.DrillRun) -> str:
    """Return why nothing can be added to a drill's report now."""
    if run.entries.filter(kind=drills.EntryKind.REPORT).exists():
        return ""
    return "The drill has no report yet: it is written when the drill has ended."


def why_not_attest(caller: callers.Caller, run: models.DrillRun) -> str:
    """Return why the caller cannot attest a drill's report now."""
    if why_not := why_not_note(run):
        return why_not
    if caller.user_name in {run.requester, run.operation.user_name if run.operation else "", run.plan.created_by}:
        return "A drill is attested by another person than who asked for it or planned it."
    if run.entries.filter(kind=drills.EntryKind.ATTESTATION).exists():
        return "The report has been attested; add an addendum instead."
    return ""


# What the verbs above share.


def _freeze(caller: callers.Caller, plan: models.DrillPlan, *, frozen: bool) -> None:
    plan.frozen, plan.updated_at = frozen, clock.now()
    plan.save(update_fields=["frozen", "updated_at"])
    auditing.note(caller, action="drill:plan-freeze" if frozen else "drill:plan-thaw", subject=plan)


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
        broken = f"broken on purpose: {auditing.named(injections)}" if injections else ""
        auditing.note(caller, action="drill:run", subject=run, name=str(group), detail=broken)
        if not run.waiting_for:
            drill_starting.begin(caller, run)
    return run


def _said(text: str) -> str:
    if not text.strip():
        raise errors.InvalidInput("Say something: the text is kept with the report.")
    return text.strip()


def _require_report(run: models.DrillRun) -> None:
    if why_not := why_not_note(run):
        raise errors.WrongState(why_not)


def _retest(caller: callers.Caller, gap: models.DrillGap, run_id: object) -> models.DrillRun:
    run = visible.drill_run(caller, run_id)
    if run.subject_id != gap.run.subject_id or run.created_at <= gap.run.created_at:
        raise errors.InvalidInput("A gap is tested again by a later drill of the same group.")
    return run

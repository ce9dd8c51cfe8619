"""Starts the drills that are due. Called by a tick, which may come twice or from two beats at once.

A plan's times become rows first, one for each planned time and group, however many ticks find them.
A row is begun when the calendar, the limits and the group allow it; what keeps it is written beside
it. A time that went by is run once or skipped, as the plan says.
"""

from __future__ import annotations

import datetime
import secrets
import uuid
from collections.abc import Sequence

import structlog
from django.conf import settings
from django.db import models as db, transaction

from groups import callers, clock, drills, errors, models, notices, statuses, transitions
from groups.models.backends import DEFAULT_TARGET
from groups.queries import objectives
from groups.services import drill_calendar, recording, replication
from groups.statuses import Kind, ReplicationStatus

_AT_ONCE = 200

log = structlog.get_logger(__name__)


def start_due(now: datetime.datetime | None = None) -> int:
    """Plan what the calendars name up to now, then begin what may begin; return how many were begun."""
    now = now or clock.now()
    _send_back(now)
    for plan in models.DrillPlan.objects.filter(enabled=True).select_related("backend"):
        plan_times(plan, now=now)
    return _begin_due(now)


def plan_times(plan: models.DrillPlan, *, now: datetime.datetime) -> None:
    """Make a row for each time and group of a plan that has come since the last look."""
    since = plan.planned_until or plan.created_at
    if not (plan.cron or plan.every_days) or since >= now:
        return
    rows = []
    for group in groups_of(plan):
        own = drill_calendar.spread(plan, group.pk, since=since, until=now) if plan.every_days else None
        found = drill_calendar.times(plan, since=since, until=now) if own is None else own
        trigger = drills.Trigger.SCHEDULED if own is None else drills.Trigger.PROOF_DUE
        if plan.surprise_minutes:
            trigger = drills.Trigger.SURPRISE
        rows += [run_row(plan, group, at=at, trigger=trigger, start_at=at + _surprise(plan)) for at in found]
    models.DrillRun.objects.bulk_create(rows, ignore_conflicts=True)
    models.DrillPlan.objects.filter(pk=plan.pk, planned_until=plan.planned_until).update(planned_until=now)


def groups_of(plan: models.DrillPlan) -> Sequence[models.Group]:
    """Return the groups a plan rehearses, those of its backend that are replicated if it names one."""
    if plan.backend_id is None:
        return list(plan.groups.select_related("backend", "group_type").order_by("pk"))
    found = models.Group.objects.filter(
        backend_id=plan.backend_id, project_id=plan.project_id, replication_status=ReplicationStatus.ENABLED
    )
    return list(found.select_related("backend", "group_type").order_by("pk"))


def run_row(
    plan: models.DrillPlan,
    group: models.Group,
    *,
    at: datetime.datetime,
    trigger: drills.Trigger,
    start_at: datetime.datetime,
    requester: str = "",
    reason: str = "",
    injections: Sequence[str] = (),
) -> models.DrillRun:
    """Return the row of a drill that is planned, not yet saved."""
    return models.DrillRun(
        plan=plan,
        group=group,
        subject_id=group.pk,
        group_name=str(group),
        backend_name=group.backend.name,
        project_id=group.project_id,
        kind=plan.kind,
        trigger=trigger,
        planned_at=at,
        start_at=start_at,
        requester=requester or plan.created_by,
        reason=reason,
        injections=list(injections),
    )


def begin(caller: callers.Caller, run: models.DrillRun) -> models.Operation:
    """Begin a drill: write its terms down, and its operation. Runs within a transaction.

    Raises `WrongState` when the group or its backend cannot be drilled now.
    """
    plan, group = run.plan, run.group
    if group is None:
        raise errors.WrongState("The group is gone.")
    _require_drillable(plan, group)
    target = plan.target or _default_target(group)
    members = models.Volume.objects.filter(group=group).count()
    arguments = {**terms_of(plan, group), "run": str(run.pk), "target": target, "injections": list(run.injections)}
    if plan.kind == drills.DrillKind.FULL:
        operation = replication.failover(
            caller,
            group_id=group.pk,
            secondary_backend_id=target,
            mode="planned",
            allow_attached_volume=True,
            compare=plan.must_compare,
            reason=f"drill: {plan}",
        )
    else:
        operation = recording.operation(caller, kind=Kind.DRILL, subject=group, members=members, arguments=arguments)
        # Of the run, and not of the group: a drill is never in the way of an operation.
        operation.group, operation.subject_id, operation.subject_name = None, run.pk, str(group)
        transitions.start_beside(operation, reason=f"{run.trigger}: {plan}")
    models.DrillRun.objects.filter(pk=run.pk).update(
        operation=operation, terms=arguments, waiting_for="", requester=run.requester or caller.user_name
    )
    notices.tell(plan, drills.NoticeKind.STARTED, run=run, text=f"The drill of {group} on {target} has begun.")
    log.info("drill_started", run_id=str(run.pk), plan=plan.name, group_id=str(group.pk))
    return operation


def terms_of(plan: models.DrillPlan, group: models.Group) -> dict[str, object]:
    """Return what a drill of a group is judged by, fixed when it begins."""
    own = plan.objectives.get(str(group.pk), {})
    held = objectives.of(group)
    rpo, rto = plan.rpo_seconds, plan.rto_seconds
    if rpo is None and held.rpo.is_set:
        rpo = held.rpo.critical
    if rto is None and held.rto.is_set:
        rto = held.rto.critical
    return {
        "plan": {"id": str(plan.pk), "name": plan.name, "version": plan.version},
        "checks": plan.checks,
        "must_compare": plan.must_compare,
        "rpo_seconds": own.get("rpo_seconds", rpo),
        "rto_seconds": own.get("rto_seconds", rto),
        "hold_minutes": plan.hold_minutes,
        "objective": plan.objective,
        "scenario": plan.scenario,
        "severity": plan.severity,
        "assumptions": plan.assumptions,
        "exclusions": plan.exclusions,
        "business_function": plan.business_function,
        "criticality": plan.criticality,
        "regulatory_tags": plan.regulatory_tags,
        "observers": plan.observers,
        "emails": plan.emails,
        "calendar": {"cron": plan.cron, "timezone": plan.timezone, "every_days": plan.every_days},
        "retention_years": plan.retention_years,
        "proof_days": plan.proof_days,
        "author": plan.created_by,
        "approved_by": plan.approved_by,
        "approved_at": plan.approved_at.isoformat() if plan.approved_at else None,
    }


def limit_reached(plan: models.DrillPlan, backend_id: uuid.UUID) -> str:
    """Return which limit of drills at once keeps another from beginning on a backend; empty when none does."""
    running = models.DrillRun.objects.filter(group__backend_id=backend_id, operation__state__in=statuses.OPEN)
    found = running.aggregate(all=db.Count("pk"), own=db.Count("pk", filter=db.Q(plan=plan)))
    if found["own"] >= plan.at_once:
        return f"The plan's limit of {plan.at_once} at once on one backend is reached."
    if found["all"] >= settings.REPLSITE.drills_at_once:
        return f"The site's limit of {settings.REPLSITE.drills_at_once} drills at once on one backend is reached."
    return ""


def _send_back(now: datetime.datetime) -> None:
    """Fail back the groups whose full drills have been on their targets as long as planned."""
    there = models.DrillRun.objects.filter(
        kind=drills.DrillKind.FULL,
        verdict="",
        operation__state=statuses.OperationState.SUCCEEDED,
        way_back__isnull=True,
        group__isnull=False,
    )
    for run in there.select_related("operation", "plan"):
        held = datetime.timedelta(minutes=run.terms.get("hold_minutes", 0))
        if run.operation is not None and run.operation.ended_at is not None and now - run.operation.ended_at >= held:
            reason = _way_back(run)
            if reason and reason != run.waiting_for:
                models.DrillRun.objects.filter(pk=run.pk, verdict="").update(waiting_for=reason[:255])


def _way_back(run: models.DrillRun) -> str:
    """Begin a full drill's failback; return what keeps it, or nothing."""
    try:
        with transaction.atomic():
            free = models.DrillRun.objects.select_for_update().filter(pk=run.pk, way_back__isnull=True, verdict="")
            group = models.Group.objects.get(pk=run.subject_id)
            if not free.exists() or group.replication_status != ReplicationStatus.FAILED_OVER:
                # Somebody brought it back, or is about to: the drill ends with what is true then.
                return ""
            back = replication.failover(
                callers.system(door="beat"),
                group_id=run.subject_id,
                secondary_backend_id=DEFAULT_TARGET,
                mode="planned",
                allow_attached_volume=True,
                discard_bytes=0,
                compare=bool(run.terms.get("must_compare")),
                reason=f"drill: {run.plan}, the way back",
            )
            models.DrillRun.objects.filter(pk=run.pk).update(way_back=back, waiting_for="")
    except errors.ReplsiteError as error:
        return error.message
    return ""


def _begin_due(now: datetime.datetime) -> int:
    due = models.DrillRun.objects.filter(verdict="", operation__isnull=True, start_at__lte=now)
    begun = 0
    for run in due.select_related("plan", "group").order_by("start_at", "pk")[:_AT_ONCE]:
        if _was_missed(run, now):
            continue
        reason = drill_calendar.why_not_now(run.plan, now) or _try_to_begin(run)
        begun += not reason
        if reason and reason != run.waiting_for:
            models.DrillRun.objects.filter(pk=run.pk, operation__isnull=True).update(waiting_for=reason[:255])
    return begun


def _try_to_begin(run: models.DrillRun) -> str:
    """Begin a drill if nothing keeps it; return what does."""
    if run.group is None:
        _skip(run, "The group is gone.")
        return ""
    try:
        with transaction.atomic():
            # Who begins a drill on a backend does so alone, or two ticks would both find room for one.
            models.Backend.objects.select_for_update().get(pk=run.group.backend_id)
            free = models.DrillRun.objects.select_for_update().filter(pk=run.pk, operation__isnull=True, verdict="")
            if not free.exists():
                return ""
            if reason := limit_reached(run.plan, run.group.backend_id):
                return reason
            begin(callers.system(door="beat"), run)
    except errors.ReplsiteError as error:
        return error.message
    return ""


def _was_missed(run: models.DrillRun, now: datetime.datetime) -> bool:
    """Skip a drill whose time went by, if the plan says so or a later one of the group waits too."""
    later = models.DrillRun.objects.filter(
        plan=run.plan, subject_id=run.subject_id, planned_at__gt=run.planned_at, start_at__lte=now
    )
    if later.exists():
        _skip(run, "Its time went by, and a later one has come.")
        return True
    late = now - run.start_at > datetime.timedelta(minutes=run.plan.grace_minutes)
    if late and run.plan.missed == drills.Missed.SKIP:
        _skip(run, f"Its time went by. {run.waiting_for}".strip())
        return True
    return False


def _skip(run: models.DrillRun, why: str) -> None:
    skipped = models.DrillRun.objects.filter(pk=run.pk, operation__isnull=True, verdict="").update(
        verdict=drills.Verdict.SKIPPED, why=why, ended_at=clock.now(), waiting_for=""
    )
    if skipped:
        log.warning("drill_skipped", run_id=str(run.pk), why=why)


def _require_drillable(plan: models.DrillPlan, group: models.Group) -> None:
    if group.status != statuses.GroupStatus.AVAILABLE:
        raise errors.WrongState(f"Group {group} is {group.status}, and must be available.")
    if group.replication_status != ReplicationStatus.ENABLED or group.active_backend_id:
        raise errors.WrongState(
            f"The replication of group {group} is {group.replication_status}, and must be enabled on its primary."
        )
    if models.DrillRun.objects.filter(group=group, operation__state__in=statuses.OPEN).exists():
        raise errors.Busy(f"Another drill of group {group} is under way.")
    if plan.kind == drills.DrillKind.TEST_COPY and not replication.can_make_test_copies(group):
        raise errors.WrongState(
            f"The storage of group {group} makes no test copies.", remedy="Rehearse it by a full drill instead."
        )
    known = [each.backend_id for each in group.backend.targets.all()]
    if plan.target and plan.target not in known:
        raise errors.WrongState(
            f"Backend {group.backend} has no target '{plan.target}'. Targets: {', '.join(known) or 'none'}."
        )


def _default_target(group: models.Group) -> str:
    first = group.backend.targets.first()
    if first is None:
        raise errors.WrongState(f"Backend {group.backend} has no replication target, only '{DEFAULT_TARGET}'.")
    return first.backend_id


def _surprise(plan: models.DrillPlan) -> datetime.timedelta:
    return datetime.timedelta(seconds=secrets.randbelow(plan.surprise_minutes * 60 + 1))

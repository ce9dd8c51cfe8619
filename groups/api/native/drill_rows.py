"""How drill plans, drills, gaps and proofs look in our own API, and the shapes of their documents."""

from __future__ import annotations

import datetime
from typing import Any

from groups import clock, drills, findings, models
from groups.api.native import shapes
from groups.api.shapes import ANYTHING, COUNT, ID, TEXT, TEXT_OR_NULL, many, record, word
from groups.queries import proofs
from groups.services import drill_calendar
from groups.services.drill_writing import PLAIN, TEXTS

_FLAG = {"type": "boolean"}
_NUMBER_OR_NULL = {"type": ["number", "null"]}
_PLAN = record(
    {
        "id": ID,
        "name": TEXT,
        "project_id": TEXT,
        **dict.fromkeys(TEXTS, TEXT),
        **dict.fromkeys(PLAIN, ANYTHING),
        "groups": many(ID),
        "backend": TEXT_OR_NULL,
        "webhooks": COUNT,
        "frozen": _FLAG,
        "version": COUNT,
        "author": TEXT,
        "approved": record({"by": TEXT, "at": shapes.TIME_OR_NULL}),
        "next": many(shapes.TIME),
        "keeps_it_now": TEXT,
    },
    title="DrillPlan",
)
PLAN = record({"drill_plan": _PLAN})
PLANS = shapes.paged("drill_plans", _PLAN)
_GAP = record(
    {
        "id": ID,
        "code": TEXT,
        "severity": word(findings.Severity),
        "title": TEXT,
        "detail": TEXT,
        "status": word(drills.GapStatus),
        "owner": TEXT,
        "due_on": TEXT_OR_NULL,
        "note": TEXT,
        "retest": TEXT_OR_NULL,
    },
    title="DrillGap",
)
GAP = record({"drill_gap": _GAP})
_RUN_FIELDS = {
    "id": ID,
    "plan": record({"id": ID, "name": TEXT}),
    "group": record({"id": ID, "name": TEXT}),
    "kind": word(drills.DrillKind),
    "trigger": word(drills.Trigger),
    "planned_at": shapes.TIME,
    "start_at": shapes.TIME,
    "waiting_for": TEXT,
    "operation": TEXT_OR_NULL,
    "injections": many(word(drills.Injection)),
    "requester": TEXT,
    "verdict": TEXT,
    "why": TEXT,
    "ended_at": shapes.TIME_OR_NULL,
    "rpo_seconds": _NUMBER_OR_NULL,
    "rto_seconds": _NUMBER_OR_NULL,
    "verified_seconds": _NUMBER_OR_NULL,
}
_RUN = record(_RUN_FIELDS, title="Drill")
RUN = record({"drill": record({**_RUN_FIELDS, "gaps": many(_GAP), "entries": many(ANYTHING)}, title="DrillWhole")})
RUNS = shapes.paged("drills", _RUN)
STARTED = record({"drills": many(_RUN)})
ENTRY = record({"entry": ANYTHING})
COVERAGE = record({"coverage": ANYTHING, "proofs": many(ANYTHING)})


def plan(row: models.DrillPlan) -> dict[str, Any]:
    """Return a plan; of its webhooks only how many there are, because their addresses are secrets."""
    now = clock.now()
    return {
        "id": str(row.pk),
        "name": row.name,
        "project_id": row.project_id,
        **{name: getattr(row, name) for name in (*TEXTS, *PLAIN)},
        "groups": [str(group.pk) for group in row.groups.all()],
        "backend": row.backend.name if row.backend else None,
        "webhooks": len(row.webhooks),
        "frozen": row.frozen,
        "version": row.version,
        "author": row.created_by,
        "approved": {"by": row.approved_by, "at": _time(row.approved_at)},
        "next": [moment.isoformat() for moment in drill_calendar.next_times(row, now=now)],
        "keeps_it_now": drill_calendar.why_not_now(row, now),
    }


def run(row: models.DrillRun) -> dict[str, Any]:
    """Return a drill: what it is of, how far it is, what came of it."""
    return {
        "id": str(row.pk),
        "plan": {"id": str(row.plan_id), "name": row.plan.name},
        "group": {"id": str(row.subject_id), "name": row.group_name},
        "kind": row.kind,
        "trigger": row.trigger,
        "planned_at": row.planned_at.isoformat(),
        "start_at": row.start_at.isoformat(),
        "waiting_for": row.waiting_for,
        "operation": str(row.operation_id) if row.operation_id else None,
        "injections": row.injections,
        "requester": row.requester,
        "verdict": row.verdict,
        "why": row.why,
        "ended_at": _time(row.ended_at),
        "rpo_seconds": row.rpo_seconds,
        "rto_seconds": row.rto_seconds,
        "verified_seconds": row.verified_seconds,
    }


def gap(row: models.DrillGap) -> dict[str, Any]:
    """Return something a drill found wanting."""
    return {
        "id": str(row.pk),
        "code": row.code,
        "severity": row.severity,
        "title": row.title,
        "detail": row.detail,
        "status": row.status,
        "owner": row.owner,
        "due_on": row.due_on.isoformat() if row.due_on else None,
        "note": row.note,
        "retest": str(row.retest_id) if row.retest_id else None,
    }


def proof(found: proofs.Proof) -> dict[str, Any]:
    """Return what is known of one group's recoverability."""
    return {
        "group": {"id": str(found.group.pk), "name": str(found.group)},
        "holds": found.holds,
        "overdue": found.overdue,
        "drill": str(found.run.pk) if found.run else None,
        "age_seconds": found.age.total_seconds() if found.age else None,
        "expired": found.expired,
        "limit_days": found.limit_days,
        "rpo_seconds": found.run.rpo_seconds if found.run else None,
        "rto_seconds": found.run.rto_seconds if found.run else None,
    }


def _time(moment: datetime.datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None

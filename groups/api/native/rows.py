"""How findings and operations look in our own API."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from groups import callers, findings, models
from groups.models.backends import DEFAULT_TARGET
from groups.queries import possible, protection
from groups.services import policies
from groups.statuses import Kind


def finding(row: models.Finding) -> dict[str, Any]:
    """Return a finding: what differs, since when, how bad, and which verbs mend it."""
    meaning = findings.MEANINGS[findings.Code(row.code)]
    verbs = [*meaning.mendings, findings.Mending.IGNORE] if row.is_open else []
    return {
        "id": str(row.pk),
        "code": row.code,
        "severity": row.severity,
        "title": meaning.title,
        "recorded": row.recorded,
        "actual": row.actual,
        "remedy": meaning.remedy,
        "verbs": [verb.value for verb in verbs],
        "key": row.key,
        "subject": {"id": str(row.subject_id), "name": row.subject_name, "kind": _kind(row)},
        "project_id": row.project_id,
        "found_at": _time(row.created_at),
        "seen_at": _time(row.seen_at),
        "closed_at": _time(row.closed_at),
        "ignored": {"until": _time(row.ignored_until), "by": row.ignored_by, "reason": row.ignore_reason},
    }


def operation(row: models.Operation) -> dict[str, Any]:
    """Return an operation: what was asked for, how far it is, and how it ended."""
    return {
        "id": str(row.pk),
        "kind": row.kind,
        "state": row.state,
        "subject": {"id": str(row.subject_id), "name": row.subject_name},
        "project_id": row.project_id,
        "volumes": row.members,
        "asked_by": row.user_name,
        "request_id": row.request_id,
        "arguments": row.arguments,
        "attempt": row.attempt,
        "failures": row.failures,
        "tried_again_at": _time(row.not_before),
        "cancel_requested_at": _time(row.cancel_requested_at),
        "owner": row.owner,
        "progress": {
            "step": row.step,
            "done": row.progress_done,
            "total": row.progress_total,
            "unit": row.progress_unit,
            "waiting_for": row.waiting_for,
            "at": _time(row.progress_at),
        },
        "created_at": _time(row.created_at),
        "started_at": _time(row.started_at),
        "ended_at": _time(row.ended_at),
        "error": {
            "code": row.error_code,
            "message": row.error,
            "truth": row.truth,
            "remedy": row.remedy,
            "incident": row.incident,
        },
        "result": row.result,
    }


def operation_in_full(row: models.Operation) -> dict[str, Any]:
    """Return an operation with its steps, its events and what can be done with it now."""
    return {
        **operation(row),
        "steps": [_step(each) for each in row.steps.all()],
        "events": [event(values) for values in row.events.order_by("id").values()],
        "verbs": {
            "cancel": _verb(possible.why_not_cancel(row)),
            "retry": _verb(possible.why_not_retry(row)),
        },
    }


def event(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a change of a status: whose, from what to what, why, who and when."""
    return {
        "id": str(values["id"]),
        "at": _time(values["at"]),
        "axis": values["axis"],
        "subject_id": str(values["subject_id"]),
        "group_id": _id(values["group_id"]),
        "project_id": values["project_id"],
        "operation_id": _id(values["operation_id"]),
        "volumes": values["volumes"],
        "old": values["old"],
        "new": values["new"],
        "reason": values["reason"],
        "actor": values["actor"],
    }


def audit(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return one thing that somebody did."""
    return {
        **values,
        "id": str(values["id"]),
        "at": _time(values["at"]),
        "operation_id": _id(values["operation_id"]),
    }


def group(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a group, from what `queries.protection` found: its statuses, its side, how well it is protected."""
    return {
        "id": str(values["id"]),
        "name": values["name"],
        "description": values["description"],
        "project_id": values["project_id"],
        "group_type": values["group_type__name"],
        "backend": values["backend__name"],
        "volumes": values["volume_count"],
        "status": values["status"],
        "replication_status": values["replication_status"],
        "active_backend_id": values["active_backend_id"] or DEFAULT_TARGET,
        "health": values["health"] or None,
        "health_detail": values["health_detail"],
        "consistent_at": _time(values["consistent_at"]),
        "lag_seconds": protection.lag_seconds(values["consistent_at"]),
        "bytes_behind": values["bytes_behind"],
        "observed_at": _time(values["observed_at"]),
        "created_at": _time(values["created_at"]),
        "updated_at": _time(values["updated_at"]),
    }


def group_in_full(values: Mapping[str, Any], *, standing: possible.Standing, caller: callers.Caller) -> dict[str, Any]:
    """Return a group with its targets and its verbs, each with why it is not possible now, if so."""
    verbs = {
        name: _verb(policies.why_not(caller, rule) or possible.why_not(standing, kind))
        for name, rule, kind in _GROUP_VERBS
    }
    reset = policies.why_not(caller, "group:reset_status") or possible.why_not_reset(standing)
    return {
        **group(values),
        "attached_volumes": standing.attached,
        "targets": list(standing.targets),
        "open_operation_id": _id(standing.operation.pk if standing.operation else None),
        "verbs": {**verbs, "reset": _verb(reset)},
    }


_GROUP_VERBS = (
    ("enable", "group:enable_replication", Kind.ENABLE),
    ("disable", "group:disable_replication", Kind.DISABLE),
    ("failover", "group:failover_replication", Kind.FAILOVER),
    ("failback", "group:failover_replication", Kind.FAILBACK),
)


def _verb(why_not: str) -> dict[str, Any]:
    return {"possible": not why_not, "why_not": why_not}


def _id(value: object) -> str | None:
    return None if value is None else str(value)


def _step(row: models.OperationStep) -> dict[str, Any]:
    return {
        "name": row.name,
        "state": row.state,
        "attempt": row.attempt,
        "started_at": _time(row.started_at),
        "ended_at": _time(row.ended_at),
        "error": row.error,
        "result": row.result,
    }


def _kind(row: models.Finding) -> str:
    meaning = findings.Code(row.code)
    if meaning == findings.Code.BACKEND_UNUSABLE:
        return "backend"
    return "operation" if meaning == findings.Code.NO_PROGRESS else "group"


def _time(moment: datetime.datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None

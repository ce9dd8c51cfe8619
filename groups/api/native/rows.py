"""How findings and operations look in our own API."""

from __future__ import annotations

import datetime
from typing import Any

from groups import findings, models


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


def operation(row: models.Operation, *, with_steps: bool = False) -> dict[str, Any]:
    """Return an operation: what was asked for, how far it is, and how it ended."""
    found = {
        "id": str(row.pk),
        "kind": row.kind,
        "state": row.state,
        "subject": {"id": str(row.subject_id), "name": row.subject_name},
        "project_id": row.project_id,
        "volumes": row.members,
        "asked_by": row.user_name,
        "request_id": row.request_id,
        "attempt": row.attempt,
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
    if with_steps:
        found["steps"] = [_step(each) for each in row.steps.all()]
    return found


def _step(row: models.OperationStep) -> dict[str, Any]:
    return {
        "name": row.name,
        "state": row.state,
        "attempt": row.attempt,
        "started_at": _time(row.started_at),
        "ended_at": _time(row.ended_at),
        "error": row.error,
    }


def _kind(row: models.Finding) -> str:
    meaning = findings.Code(row.code)
    if meaning == findings.Code.BACKEND_UNUSABLE:
        return "backend"
    return "operation" if meaning == findings.Code.NO_PROGRESS else "group"


def _time(moment: datetime.datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None

"""Everything about one group or operation as plain values, for programs that read what a page shows."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

from groups import models
from groups.queries import lag, objectives, possible
from groups.statuses import Kind

_OPERATIONS = 20
_SAMPLES = 120
_KINDS = (Kind.ENABLE, Kind.DISABLE, Kind.FAILOVER, Kind.FAILBACK, Kind.DELETE_GROUP)


def of(group: models.Group, *, since: datetime.datetime) -> dict[str, Any]:
    """Return a group with its volumes, sides, lag since a time, newest operations, and what can be done now."""
    standing = possible.standing(group)
    volumes = models.Volume.objects.filter(group=group).order_by("created_at", "id")
    names = ("id", "name", "size_gib", "status", "replication_status")
    operations = models.Operation.objects.filter(subject_id=group.pk)[:_OPERATIONS]
    return {
        "id": group.pk,
        "name": group.name,
        "description": group.description,
        "project_id": group.project_id,
        "backend": group.backend.name,
        "group_type": group.group_type.name,
        "status": group.status,
        "replication_status": group.replication_status,
        "active_backend_id": group.active_backend_id,
        "health": group.health,
        "health_detail": group.health_detail,
        "observed_at": group.observed_at,
        "consistent_at": group.consistent_at,
        "bytes_behind": group.bytes_behind,
        "epoch": group.epoch,
        "created_at": group.created_at,
        "objectives": dataclasses.asdict(objectives.standing(group)),
        "targets": [dataclasses.asdict(loss) for loss in lag.losses(group)],
        "lag": [dataclasses.asdict(point) for point in lag.series(group.pk, since=since, points=_SAMPLES)],
        "why_not": {kind.value: possible.why_not(standing, kind) for kind in _KINDS},
        "volumes": list(volumes.values(*names)),
        "operations": [operation(row) for row in operations],
    }


_OPERATION = (
    "id",
    "kind",
    "state",
    "subject_id",
    "subject_name",
    "arguments",
    "step",
    "attempt",
    "failures",
    "progress_done",
    "progress_total",
    "progress_unit",
    "waiting_for",
    "created_at",
    "started_at",
    "ended_at",
    "error_code",
    "error",
    "truth",
    "remedy",
    "incident",
    "result",
    "user_name",
    "door",
)


def operation(row: models.Operation, *, with_steps: bool = False) -> dict[str, Any]:
    """Return an operation, with its steps when wanted."""
    found = {name: getattr(row, name) for name in _OPERATION}
    if with_steps:
        columns = ("name", "state", "attempt", "started_at", "ended_at", "error", "result")
        found["steps"] = list(row.steps.values(*columns))
    return found

"""How failovers of whole sites look in our own API."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

from groups import models
from groups.queries import sites


def site_failover(row: models.SiteFailover, totals: sites.Totals) -> dict[str, Any]:
    """Return a failover of a whole site: what was asked for, how far it is, how it ended."""
    return {
        "id": str(row.pk),
        "backend": row.backend_name,
        "target": row.wanted,
        "mode": row.mode,
        "concurrency": row.concurrency,
        "in_waves": row.in_waves,
        "allow_attached_volume": row.allow_attached_volume,
        "discard_bytes": row.discard_bytes,
        "reason": row.reason,
        "state": row.state,
        "outcome": row.outcome,
        "totals": dataclasses.asdict(totals),
        "lone_volumes": row.lone_volumes,
        "asked_by": row.user_name,
        "request_id": row.request_id,
        "created_at": _time(row.created_at),
        "cancel_requested_at": _time(row.cancel_requested_at),
        "ended_at": _time(row.ended_at),
    }


def place(row: models.SiteFailoverGroup) -> dict[str, Any]:
    """Return one group of it: its operation, or why it has none."""
    operation = row.operation
    return {
        "id": str(row.subject_id),
        "name": row.subject_name,
        "project_id": row.project_id,
        "priority": row.priority,
        "state": sites.state_of(row),
        "why": row.refusal or (operation.error if operation else ""),
        "operation_id": str(operation.pk) if operation else None,
        "joined_late": row.joined_late,
        "consistent_at": _time(row.consistent_at),
        "bytes_behind": row.bytes_behind,
    }


def outlook(found: sites.Outlook) -> dict[str, Any]:
    """Return a group as a failover would find it."""
    group = found.group
    return {
        "id": str(group.pk),
        "name": group.name,
        "project": {"id": group.project_id, "name": found.project_name},
        "priority": group.failover_priority,
        "status": group.status,
        "replication_status": group.replication_status,
        "active_backend_id": group.active_backend_id or "default",
        "volumes": found.standing.size,
        "size_gib": found.size_gib,
        "health": group.health,
        "consistent_at": _time(group.consistent_at),
        "lag_seconds": found.lag_seconds,
        "bytes_behind": found.bytes_behind,
        "observed_at": _time(group.observed_at),
        "left": found.left,
        "why_not": found.why_not,
    }


def _time(moment: datetime.datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None

"""How what our own API says of whole sites is shaped, for the OpenAPI document."""

from __future__ import annotations

from groups import statuses
from groups.api.describing import Answers
from groups.api.native import shapes
from groups.api.shapes import (
    BOOLEAN,
    COUNT,
    COUNT_OR_NULL,
    ID,
    ID_OR_NULL,
    NUMBER_OR_NULL,
    TEXT,
    TEXT_OR_NULL,
    asked,
    many,
    record,
    word,
)
from groups.services import replication

_COUNTED = (
    "groups",
    "queued",
    "running",
    "done",
    "failed",
    "refused",
    "unprotected",
    "already_there",
    "canceled",
    "gone",
    "late",
    "bytes_at_risk",
    "unknown_risk",
)
_SITE_FAILOVER = record(
    {
        "id": ID,
        "backend": TEXT,
        "target": TEXT,
        "mode": word(replication.MODES),
        "concurrency": COUNT,
        "in_waves": BOOLEAN,
        "allow_attached_volume": BOOLEAN,
        "discard_bytes": COUNT_OR_NULL,
        "reason": TEXT,
        "state": word(statuses.SiteState),
        "outcome": TEXT,
        "totals": record(dict.fromkeys(_COUNTED, COUNT)),
        "lone_volumes": COUNT,
        "asked_by": TEXT,
        "request_id": TEXT,
        "created_at": shapes.TIME_OR_NULL,
        "cancel_requested_at": shapes.TIME_OR_NULL,
        "ended_at": shapes.TIME_OR_NULL,
    },
    title="SiteFailover",
)
_PLACE = record(
    {
        "id": ID,
        "name": TEXT,
        "project_id": TEXT,
        "priority": COUNT,
        "state": TEXT,
        "why": TEXT,
        "operation_id": ID_OR_NULL,
        "joined_late": BOOLEAN,
        "consistent_at": shapes.TIME_OR_NULL,
        "bytes_behind": COUNT_OR_NULL,
    },
    title="SiteFailoverGroup",
)
_OUTLOOK = record(
    {
        "id": ID,
        "name": TEXT_OR_NULL,
        "project": record({"id": TEXT, "name": TEXT}),
        "priority": COUNT,
        "status": word(statuses.GroupStatus),
        "replication_status": word(statuses.ReplicationStatus),
        "active_backend_id": TEXT,
        "volumes": COUNT,
        "size_gib": COUNT,
        "health": TEXT,
        "consistent_at": shapes.TIME_OR_NULL,
        "lag_seconds": NUMBER_OR_NULL,
        "bytes_behind": COUNT_OR_NULL,
        "observed_at": shapes.TIME_OR_NULL,
        "left": TEXT,
        "why_not": TEXT,
    },
    title="GroupOutlook",
)
SITE_FAILOVER = record({"site_failover": _SITE_FAILOVER})
BEGUN: Answers = {202: SITE_FAILOVER}
SITE_FAILOVERS = record({"site_failovers": many(_SITE_FAILOVER), "next": TEXT_OR_NULL})
PLACES = record({"groups": many(_PLACE), "next": TEXT_OR_NULL})
OUTLOOK = record({"backend": TEXT, "target": TEXT, "groups": many(_OUTLOOK)})
PRIORITY = record({"group": record({"id": ID, "failover_priority": COUNT})})
TARGET_QUERY = (asked("target", "Where to; `default` is the primary. The backend's default target when not given."),)
SITE_FAILOVER_QUERY = (*shapes.PAGE, asked("backend"), asked("state", schema=word(statuses.SiteState)))

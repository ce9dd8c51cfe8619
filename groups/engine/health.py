"""Judges what a look at the storage found of a group's replication."""

from __future__ import annotations

import datetime

from drivers import base
from groups import clock, models
from groups.engine import storage, truth
from groups.queries import objectives
from groups.statuses import Health, ReplicationStatus

UNPROTECTED = objectives.UNPROTECTED
_LATE_ROUNDS = 3
"""How many intervals the newest point may be old before a group counts as lagging."""


def newest_point(group: models.Group, facts: base.GroupFacts) -> datetime.datetime | None:
    """Return the newest complete point on a side the group could move to; None when there is none."""
    points = [
        side.consistent_at
        for side in facts.sides
        if side.backend_id != group.active_backend_id and side.consistent_at is not None
    ]
    return datetime.datetime.fromtimestamp(max(points), tz=datetime.UTC) if points else None


def bytes_behind(facts: base.GroupFacts) -> int | None:
    """Return how many bytes the worst side lacks; None when no side can tell."""
    behind = [side.bytes_behind for side in facts.sides if side.bytes_behind is not None]
    return max(behind) if behind else None


def judge(group: models.Group, facts: base.GroupFacts, *, value: base.Group) -> tuple[Health, str]:
    """Return the word for what was found, and what is to be said of it."""
    active = facts.side(group.active_backend_id)
    if not active.reachable:
        return Health.BROKEN, truth.describe(value, facts)
    if facts.active_side != group.active_backend_id or (facts.volumes and not facts.writable):
        return Health.BROKEN, truth.describe(value, facts)
    if group.replication_status != ReplicationStatus.ENABLED:
        return Health.HEALTHY, facts.detail
    unreachable = [side for side in facts.sides if not side.reachable]
    bare = [fact.id for fact in facts.volumes if not fact.protected]
    if bare:
        # A group is as good as its worst member.
        names = storage.names(value.volumes, bare)
        return Health.BROKEN, f"Not protected: {names}; enable replication again. {truth.describe(value, facts)}"
    if unreachable or not facts.replicating:
        return Health.BROKEN, truth.describe(value, facts)
    late = datetime.timedelta(seconds=_LATE_ROUNDS * value.interval_seconds + 1)
    at = newest_point(group, facts)
    if at is None or clock.now() - at > late:
        return Health.LAGGING, truth.describe(value, facts)
    return Health.HEALTHY, facts.detail

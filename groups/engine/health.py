"""Records what a look at the storage found of a group's replication."""

from __future__ import annotations

import datetime

from django.db.models.functions import Greatest

from drivers import base
from groups import clock, models
from groups.engine import storage, truth
from groups.statuses import Health, ReplicationStatus

_LATE_ROUNDS = 3
"""How many intervals the newest point may be old before a group counts as lagging."""


def record(group: models.Group, facts: base.GroupFacts, *, value: base.Group) -> str | None:
    """Write what was seen and return the word for it; None, with nothing written, when the group has changed
    hands since."""
    at = _newest_point(group, facts)
    word, detail = _judge(group, facts, at, value=value)
    written = models.Group.objects.filter(pk=group.pk, epoch=group.epoch).update(
        health=word,
        health_detail=detail,
        consistent_at=at,
        bytes_behind=_bytes_behind(facts),
        observed_at=datetime.datetime.fromtimestamp(facts.observed_at, tz=datetime.UTC),
        # A database restored from a backup may be behind the storage; its epochs must not be.
        epoch=Greatest("epoch", facts.epoch),
    )
    return word if written else None


def record_failure(group: models.Group, problem: str) -> None:
    """Write that replication does not advance, and why."""
    models.Group.objects.filter(pk=group.pk, epoch=group.epoch).update(
        health=Health.BROKEN, health_detail=problem, observed_at=clock.now()
    )


def _newest_point(group: models.Group, facts: base.GroupFacts) -> datetime.datetime | None:
    points = [
        side.consistent_at
        for side in facts.sides
        if side.backend_id != group.active_backend_id and side.consistent_at is not None
    ]
    return datetime.datetime.fromtimestamp(max(points), tz=datetime.UTC) if points else None


def _bytes_behind(facts: base.GroupFacts) -> int | None:
    behind = [side.bytes_behind for side in facts.sides if side.bytes_behind is not None]
    return max(behind) if behind else None


def _judge(
    group: models.Group, facts: base.GroupFacts, at: datetime.datetime | None, *, value: base.Group
) -> tuple[str, str]:
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
    if at is None or clock.now() - at > late:
        return Health.LAGGING, truth.describe(value, facts)
    return Health.HEALTHY, facts.detail

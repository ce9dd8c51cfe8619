"""Writes down what looks at the storage found: of each group, of each of its sides, and its lag over time.

Many groups at once cost as many statements as one.
"""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from collections.abc import Iterable, Mapping, Sequence

from django.db import transaction

from drivers import base
from groups import bulk, clock, models
from groups.engine import health
from groups.statuses import Health

_SIDE_FIELDS = ("reachable", "claims_active", "consistent_at", "bytes_behind", "bytes_unsent", "observed_at")
_BLIND_FIELDS = ("health", "health_detail", "observed_at")
_SEEN_FIELDS = ("consistent_at", "bytes_behind", "epoch")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Look:
    """One look at one group: what was found, or why nothing was."""

    group: models.Group
    """As it was read before the look: what changed hands since is not written over."""
    value: base.Group
    facts: base.GroupFacts | None = None
    problem: str = ""
    makes_point: bool = False
    """Whether the look comes right after a new point was made, so that until then the group was as old as the last."""
    tells_lag: bool = True
    """Whether a failure means that nobody knows the lag now; a failed round says nothing of that."""


def record(looks: Sequence[Look]) -> Mapping[uuid.UUID, Health]:
    """Write what was seen; return the word for each group, but not for those that changed hands since."""
    now = clock.now()
    judged = {look.group.pk: _judged(look, now=now) for look in looks}
    if not judged:
        return {}
    with transaction.atomic():
        held = _write(looks, judged)
        models.SideObservation.objects.bulk_create(
            [row for look in looks if look.group.pk in held for row in _sides(look)],
            update_conflicts=True,
            unique_fields=["group", "backend_id"],
            update_fields=_SIDE_FIELDS,
        )
        samples = [row for look in looks if look.group.pk in held and (row := _sample(look, now=now))]
        models.LagSample.objects.bulk_create(samples, ignore_conflicts=True)
    return {pk: Health(str(judged[pk]["health"])) for pk in held}


def _judged(look: Look, *, now: datetime.datetime) -> dict[str, object]:
    """Return what the group's columns are to say."""
    if look.facts is None:
        return {"health": Health.BROKEN, "health_detail": look.problem, "observed_at": now}
    word, detail = health.judge(look.group, look.facts, value=look.value)
    return {
        "health": word,
        "health_detail": detail,
        "consistent_at": health.newest_point(look.group, look.facts),
        "bytes_behind": health.bytes_behind(look.facts),
        "observed_at": _time(look.facts.observed_at),
    }


def _write(looks: Sequence[Look], judged: Mapping[uuid.UUID, dict[str, object]]) -> set[uuid.UUID]:
    """Write the groups' columns where nothing changed hands since, and hold them until all is written."""
    seen = [look for look in looks if look.facts is not None]
    blind = [look for look in looks if look.facts is None]
    if seen and blind:
        # All in the order of their keys, as one statement takes them.
        list(models.Group.objects.select_for_update().filter(pk__in=judged).order_by("pk").values_list("pk"))
    # Who saw nothing knows nothing of the point: a round may have made a newer one meanwhile.
    return _written(seen, judged, (*_BLIND_FIELDS, *_SEEN_FIELDS)) | _written(blind, judged, _BLIND_FIELDS)


def _written(
    looks: Sequence[Look], judged: Mapping[uuid.UUID, dict[str, object]], fields: Sequence[str]
) -> set[uuid.UUID]:
    changed = [_changed(look, judged[look.group.pk]) for look in looks]
    return bulk.update(changed, fields, still={"epoch": [look.group.epoch for look in looks]})


def _changed(look: Look, changes: Mapping[str, object]) -> models.Group:
    # A database restored from a backup may be behind the storage; its epochs must not be.
    epoch = max(look.group.epoch, look.facts.epoch if look.facts else 0)
    return models.Group(pk=look.group.pk, epoch=epoch, **changes)


def _sides(look: Look) -> Iterable[models.SideObservation]:
    if look.facts is None:
        return
    at = _time(look.facts.observed_at)
    for side in look.facts.sides:
        yield models.SideObservation(
            group_id=look.group.pk,
            backend_id=side.backend_id,
            reachable=side.reachable,
            claims_active=side.claims_active,
            consistent_at=None if side.consistent_at is None else _time(side.consistent_at),
            bytes_behind=side.bytes_behind,
            bytes_unsent=side.bytes_unsent,
            observed_at=at,
        )


def _sample(look: Look, *, now: datetime.datetime) -> models.LagSample | None:
    """Return what is kept of the look over time; nothing of groups that nothing is expected of."""
    if look.group.replication_status in health.UNPROTECTED or (look.facts is None and not look.tells_lag):
        return None
    point = None if look.facts is None else health.newest_point(look.group, look.facts)
    if look.makes_point and point is not None:
        # The worst there was, and what a failover just before would have lost.
        point = min(point, look.group.consistent_at or point)
    return models.LagSample(
        group_id=look.group.pk,
        at=now,
        lag_seconds=None if point is None else max(0.0, (now - point).total_seconds()),
        bytes_behind=None if look.facts is None else health.bytes_behind(look.facts),
        blind=int(point is None),
    )


def _time(unix: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(unix, tz=datetime.UTC)

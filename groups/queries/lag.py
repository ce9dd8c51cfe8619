"""How far copies are behind: over time, for a chart; and now, for each side that a group could move to."""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from collections.abc import Iterable, Mapping, Sequence

from django.db import models as db
from django.db.models.functions import Floor

from groups import clock, models
from groups.queries.measures import Seconds

MOST_POINTS = 500
_LONGEST = datetime.timedelta(days=366)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Point:
    """The worst of one span of time."""

    at: datetime.datetime
    """Where the span begins."""
    lag_seconds: float | None
    """None when no look in it could tell."""
    bytes_behind: int | None
    blind: int
    """How many looks in it could not tell: absent information is bad news."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Loss:
    """What moving a group to one side now, unplanned, would lose, as far as is known."""

    backend_id: str
    reachable: bool
    """Whether it answered at the newest look."""
    point: datetime.datetime | None
    """The complete point the group would be at; None when it holds none, or nobody has looked."""
    age_seconds: float | None
    bytes_behind: int | None
    observed_at: datetime.datetime | None
    observed_seconds: float | None
    """How long ago it was looked at."""

    @property
    def is_possible(self) -> bool:
        """Tell whether there is anything to fail over to, as far as is known."""
        return self.reachable and self.point is not None


def series(
    group_id: uuid.UUID, *, since: datetime.datetime, until: datetime.datetime | None = None, points: int = 200
) -> list[Point]:
    """Return the group's lag from one time to another, in at most so many equal spans; a span without looks is left
    out. One statement."""
    end = until or clock.now()
    begin = max(since, end - _LONGEST)
    width = max((end - begin).total_seconds(), 1.0) / max(1, min(points, MOST_POINTS))
    place = Floor(Seconds("at", db.Value(begin, output_field=db.DateTimeField())) / db.Value(width))
    rows = (
        models.LagSample.objects.filter(group_id=group_id, at__gte=begin, at__lt=end)
        .order_by()
        .annotate(place=place)
        .values("place")
        .annotate(lag=db.Max("lag_seconds"), bytes=db.Max("bytes_behind"), blinds=db.Sum("blind"))
        .order_by("place")
        .values_list("place", "lag", "bytes", "blinds")
    )
    return [
        Point(at=begin + datetime.timedelta(seconds=number * width), lag_seconds=lag, bytes_behind=size, blind=blinds)
        for number, lag, size, blinds in rows
    ]


def losses(group: models.Group) -> list[Loss]:
    """Return for each side the group could move to what that would lose, the best one first."""
    return losses_of([group])[group.pk]


def losses_of(groups: Iterable[models.Group]) -> Mapping[uuid.UUID, list[Loss]]:
    """Return the same for many groups, by id, in two statements."""
    rows = list(groups)
    seen = {
        (row.group_id, row.backend_id): row
        for row in models.SideObservation.objects.filter(group_id__in=[group.pk for group in rows]).order_by()
    }
    targets = _targets({group.backend_id for group in rows})
    now = clock.now()
    return {
        group.pk: sorted(
            (
                _loss(side, seen.get((group.pk, side)), now=now)
                for side in ("", *targets.get(group.backend_id, ()))
                if side != group.active_backend_id
            ),
            key=_worse,
        )
        for group in rows
    }


def _targets(backend_ids: Iterable[uuid.UUID]) -> Mapping[uuid.UUID, Sequence[str]]:
    found: dict[uuid.UUID, list[str]] = {}
    rows = models.ReplicationTarget.objects.filter(primary_id__in=set(backend_ids)).order_by("position", "backend_id")
    for primary_id, backend_id in rows.values_list("primary_id", "backend_id"):
        found.setdefault(primary_id, []).append(backend_id)
    return found


def _loss(side: str, seen: models.SideObservation | None, *, now: datetime.datetime) -> Loss:
    if seen is None:
        return Loss(
            backend_id=side,
            reachable=False,
            point=None,
            age_seconds=None,
            bytes_behind=None,
            observed_at=None,
            observed_seconds=None,
        )
    return Loss(
        backend_id=side,
        reachable=seen.reachable,
        point=seen.consistent_at,
        age_seconds=_ago(now, seen.consistent_at),
        bytes_behind=seen.bytes_behind,
        observed_at=seen.observed_at,
        observed_seconds=_ago(now, seen.observed_at),
    )


def _worse(loss: Loss) -> tuple[bool, float, float]:
    unknown = float("inf")
    age = unknown if loss.age_seconds is None else loss.age_seconds
    return not loss.is_possible, age, unknown if loss.bytes_behind is None else float(loss.bytes_behind)


def _ago(now: datetime.datetime, at: datetime.datetime | None) -> float | None:
    return None if at is None else max(0.0, (now - at).total_seconds())

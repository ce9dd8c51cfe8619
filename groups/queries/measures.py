"""What there is to measure: counts and times over everything, each in one statement."""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from collections.abc import Iterator
from typing import Any

from django.db import models as db
from django.db.models import F
from django.db.models.functions import Greatest

from groups import clock, models
from groups.queries import objectives

DURATIONS = (0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 14400.0)
"""The upper ends of the classes that durations are counted in, in seconds; one more is for what took longer."""


class Seconds(db.Func):
    """The seconds from the second point in time to the first."""

    template = "EXTRACT(EPOCH FROM (%(expressions)s))"
    arg_joiner = " - "
    output_field = db.FloatField()

    def as_sqlite(self, compiler: Any, connection: Any, **options: Any) -> tuple[str, Any]:
        """Use SQLite's own days: Django's way is a call back into Python for each row."""
        template = "((JULIANDAY(%(expressions)s)) * 86400.0)"
        return self.as_sql(compiler, connection, template=template, arg_joiner=") - JULIANDAY(", **options)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Operations:
    """The operations of one kind and state whose duration is of one class."""

    kind: str
    state: str
    duration: int
    """The place of the class among `DURATIONS`; for those that have ended only."""
    count: int
    seconds: float
    """How long they took together, from being accepted to their end."""
    takeovers: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Lag:
    """How far the copies of one protected group are behind."""

    group_id: uuid.UUID
    project_id: str
    seconds: float | None
    bytes: int | None


def operations() -> list[Operations]:
    """Return all operations, counted."""
    took = Greatest(Seconds("ended_at", "created_at"), 0.0, output_field=db.FloatField())
    classes = [db.When(took__lte=end, then=place) for place, end in enumerate(DURATIONS)]
    rows = (
        models.Operation.objects.order_by()
        .annotate(took=took)
        .annotate(duration=db.Case(*classes, default=len(DURATIONS), output_field=db.IntegerField()))
        .values("kind", "state", "duration")
        .annotate(
            count=db.Count("pk"),
            seconds=db.Sum("took", default=0.0),
            takeovers=db.Sum(F("attempt") - 1 - F("failures"), filter=db.Q(attempt__gt=F("failures")), default=0),
        )
    )
    return [Operations(**row) for row in rows]


def lags() -> Iterator[Lag]:
    """Yield what is known of each protected group."""
    now = clock.now()
    rows = models.Group.objects.exclude(replication_status__in=objectives.UNPROTECTED).order_by()
    for row in rows.values_list("pk", "project_id", "consistent_at", "bytes_behind").iterator():
        yield Lag(group_id=row[0], project_id=row[1], seconds=_ago(now, row[2]), bytes=row[3])


def failing_rounds() -> int:
    """Return how many groups' newest round failed."""
    return models.Round.objects.filter(failures__gt=0).count()


def _ago(now: datetime.datetime, at: datetime.datetime | None) -> float | None:
    return None if at is None else max(0.0, (now - at).total_seconds())

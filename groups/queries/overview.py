"""How everything stands, in few statements: for a front page."""

from __future__ import annotations

import datetime
from typing import Any

from django.db import models as db
from django.db.models.functions import Coalesce

from groups import clock, drills, models, statuses
from groups.queries import findings

LATELY = datetime.timedelta(days=7)
DRILLED_LATELY = datetime.timedelta(days=31)


def severity() -> db.Case:
    """Return an expression that sorts groups or volumes by replication status, the worst first."""
    return _rank("replication_status", statuses.SEVERITY)


def replication_counts() -> list[tuple[str, int]]:
    """Return how many groups have which replication status, the worst first."""
    rows = models.Group.objects.order_by().values_list("replication_status").annotate(groups=db.Count("pk"))
    return sorted(rows, key=lambda row: statuses.SEVERITY.index(statuses.ReplicationStatus(row[0])))


def worst_groups(*, limit: int) -> list[models.Group]:
    """Return the groups that most need somebody: by replication status, health, and age of the newest point."""
    health = (statuses.Health.BROKEN, statuses.Health.LAGGING, "", statuses.Health.UNKNOWN)
    rows = models.Group.objects.select_related("backend", "project").annotate(volume_count=volumes_of_group())
    return list(rows.order_by(severity(), _rank("health", health), "consistent_at", "name", "pk")[:limit])


def open_operations(*, limit: int) -> list[models.Operation]:
    """Return the operations that have not ended, the oldest first."""
    return list(models.Operation.objects.filter(state__in=statuses.OPEN).order_by("created_at", "pk")[:limit])


def unanswered_failures(*, limit: int) -> list[models.Operation]:
    """Return what failed lately and was followed by nothing on the same group or volume; drills are listed apart."""
    newer = models.Operation.objects.filter(
        subject_id=db.OuterRef("subject_id"), created_at__gt=db.OuterRef("created_at")
    )
    failed = models.Operation.objects.filter(
        state=statuses.OperationState.FAILED, ended_at__gt=clock.now() - LATELY
    ).exclude(kind=statuses.Kind.DRILL)
    return list(failed.exclude(db.Exists(newer)).order_by("-ended_at", "pk")[:limit])


def findings_for_somebody(*, limit: int) -> tuple[list[models.Finding], int]:
    """Return the findings that call for somebody, the worst first, and how many there are besides."""
    rows = findings.open_rows().select_related("group", "operation", "backend")
    found = list(rows[: limit + 1])
    more = rows.count() - limit if len(found) > limit else 0
    return found[:limit], more


def drills_ahead(*, limit: int) -> list[models.DrillRun]:
    """Return the drills that have not ended, those first that should have begun the longest ago."""
    rows = models.DrillRun.objects.filter(verdict="").select_related("plan", "operation")
    return list(rows.order_by("start_at", "pk")[:limit])


def failed_drills(*, limit: int) -> list[models.DrillRun]:
    """Return the drills that failed lately and that no later one of the same group made good, the newest first."""
    better = models.DrillRun.objects.filter(
        subject_id=db.OuterRef("subject_id"), verdict=drills.Verdict.PASSED, ended_at__gt=db.OuterRef("ended_at")
    )
    failed = models.DrillRun.objects.filter(verdict=drills.Verdict.FAILED, ended_at__gt=clock.now() - DRILLED_LATELY)
    return list(failed.exclude(db.Exists(better)).select_related("plan").order_by("-ended_at", "pk")[:limit])


def backends() -> db.QuerySet[models.Backend]:
    """Return the backends with their targets and how much each holds."""
    return models.Backend.objects.prefetch_related("targets").annotate(
        group_count=_count(models.Group.objects.all(), "backend"),
        volume_count=_count(models.Volume.objects.all(), "backend"),
    )


def volumes_of_group() -> Coalesce:
    """Return an expression for how many volumes a group has."""
    return _count(models.Volume.objects.all(), "group")


def _count(rows: db.QuerySet[Any], owner: str) -> Coalesce:
    # One counting subquery a row: a join would multiply the rows it counts.
    own = rows.filter(**{owner: db.OuterRef("pk")}).order_by().values(owner)
    return Coalesce(db.Subquery(own.annotate(count=db.Count("pk")).values("count")), 0)


def _rank(column: str, words: tuple[str, ...]) -> db.Case:
    whens = [db.When(**{column: word}, then=position) for position, word in enumerate(words)]
    return db.Case(*whens, default=len(words), output_field=db.IntegerField())

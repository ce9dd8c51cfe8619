"""Is everything protected? Every group is in one class, the worst that holds."""

from __future__ import annotations

import dataclasses
import datetime
from enum import StrEnum

from django.conf import settings
from django.db import models as db
from django.db.models.functions import Now

from groups import findings, models
from groups.statuses import GroupStatus, Health, ReplicationStatus

_STALE_LOOKS = 6
_LEAST_STALE_SECONDS = 120.0


class Protection(StrEnum):
    """What would become of a group's data if its site were lost now; the worst first."""

    BROKEN = "broken"
    AT_RISK = "at risk"
    AWAY = "away"
    UNPROTECTED = "not protected"
    CHANGING = "changing"
    PROTECTED = "protected"


MEANINGS: dict[Protection, str] = {
    Protection.BROKEN: "Its replication or a move of it failed; a person has to decide.",
    Protection.AT_RISK: "Replicated, but late, not healthy, or not looked at lately: absent information is bad news.",
    Protection.AWAY: "Runs on a secondary, and has no other copy until it has failed back.",
    Protection.UNPROTECTED: "Not replicated: losing its site loses its data.",
    Protection.CHANGING: "Its protection is being set up or taken down, or it moves.",
    Protection.PROTECTED: "Replicated, healthy, and within its objective.",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class SideHealth:
    """One side of a backend, by the newest looks at all groups on it."""

    backend_id: str
    groups: int
    silent: int
    """Of how many groups it did not answer."""
    observed_at: datetime.datetime


def expression() -> db.Case:
    """Return an expression for the class a group is in."""
    missed = models.Finding.objects.filter(
        subject_id=db.OuterRef("pk"), closed_at__isnull=True, code=findings.Code.OBJECTIVE_MISSED
    )
    healthy = db.Q(health=Health.HEALTHY, observed_at__gte=Now() - datetime.timedelta(seconds=stale_seconds()))
    words = ReplicationStatus
    return db.Case(
        db.When(_in(words.ERROR, words.FAILOVER_ERROR, words.NOT_CAPABLE), then=db.Value(Protection.BROKEN.value)),
        db.When(status__in=(GroupStatus.ERROR, GroupStatus.ERROR_DELETING), then=db.Value(Protection.BROKEN.value)),
        db.When(replication_status=words.FAILED_OVER, then=db.Value(Protection.AWAY.value)),
        db.When(replication_status=words.DISABLED, then=db.Value(Protection.UNPROTECTED.value)),
        db.When(_in(words.ENABLING, words.DISABLING, words.FAILING_OVER), then=db.Value(Protection.CHANGING.value)),
        db.When(~healthy | db.Exists(missed), then=db.Value(Protection.AT_RISK.value)),
        default=db.Value(Protection.PROTECTED.value),
        output_field=db.CharField(),
    )


def counts() -> dict[Protection, int]:
    """Return how many groups are in which class, in one statement; classes without groups are left out."""
    rows = models.Group.objects.order_by().annotate(protection=expression()).values("protection")
    found = {
        Protection(word): count
        for word, count in rows.annotate(groups=db.Count("pk")).values_list("protection", "groups")
    }
    return {word: found[word] for word in Protection if word in found}


def stale_seconds() -> float:
    """Return after how long a look says nothing any more."""
    return max(_LEAST_STALE_SECONDS, _STALE_LOOKS * settings.REPLSITE.observe_seconds)


def sides() -> dict[str, list[SideHealth]]:
    """Return by backend name how its sides answered at the newest looks, in one statement."""
    rows = models.SideObservation.objects.order_by("group__backend__name", "backend_id")
    counted = rows.values("group__backend__name", "backend_id").annotate(
        groups=db.Count("pk"), silent=db.Count("pk", filter=db.Q(reachable=False)), newest=db.Max("observed_at")
    )
    found: dict[str, list[SideHealth]] = {}
    for row in counted:
        side = SideHealth(
            backend_id=row["backend_id"], groups=row["groups"], silent=row["silent"], observed_at=row["newest"]
        )
        found.setdefault(row["group__backend__name"], []).append(side)
    return found


def _in(*words: str) -> db.Q:
    return db.Q(replication_status__in=words)

"""Proof of recoverability: when each group's recovery was last shown, and whether that still holds.

A proof is a drill that passed and compared the data. It expires when what was proven changes: the
members, their sizes and types, the driver, the targets, or the plan it was judged by.
"""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from django.db import models as db

from groups import callers, clock, drills, models
from groups.statuses import ReplicationStatus

YEAR = datetime.timedelta(days=365)
_REPLICATED = (ReplicationStatus.ENABLED, ReplicationStatus.FAILED_OVER)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Proof:
    """What is known of one group's recoverability."""

    group: models.Group
    run: models.DrillRun | None
    """The newest drill that passed and compared; None when there is none."""
    age: datetime.timedelta | None
    expired: str
    """Why it does not hold any more; empty while it does."""
    limit_days: int | None
    """How old it may get, by the strictest of the group's plans."""

    @property
    def holds(self) -> bool:
        """Tell whether the group's recovery is proven as it is now."""
        return self.run is not None and not self.expired

    @property
    def overdue(self) -> bool:
        """Tell whether there should be a younger proof, or one at all."""
        if self.limit_days is None:
            return False
        return not self.holds or self.age is None or self.age > datetime.timedelta(days=self.limit_days)


def of_groups(groups: Sequence[models.Group], *, now: datetime.datetime | None = None) -> list[Proof]:
    """Return each group's proof, in a number of statements that does not depend on how many there are."""
    now = now or clock.now()
    ids = [group.pk for group in groups]
    newest: dict[object, models.DrillRun] = {}
    passed = models.DrillRun.objects.filter(subject_id__in=ids, verdict=drills.Verdict.PASSED).exclude(fingerprint="")
    for run in passed.select_related("plan").order_by("ended_at"):
        newest[run.subject_id] = run
    prints = fingerprints(groups)
    limits = _limits(groups)
    return [_proof(group, newest.get(group.pk), prints[group.pk], limits.get(group.pk), now) for group in groups]


def fingerprints(groups: Sequence[models.Group]) -> Mapping[object, str]:
    """Return a digest of what a proof of each group is about."""
    members: dict[object, list[tuple[str, int, str]]] = defaultdict(list)
    rows = models.Volume.objects.filter(group_id__in=[group.pk for group in groups]).order_by("pk")
    for pk, group_id, size, kind in rows.values_list("pk", "group_id", "size_gib", "volume_type_id"):
        members[group_id].append((str(pk), size, str(kind)))
    backends = {group.backend_id for group in groups}
    targets: dict[object, list[str]] = defaultdict(list)
    for primary, name in (
        models.ReplicationTarget.objects.filter(primary_id__in=backends)
        .order_by("position", "backend_id")
        .values_list("primary_id", "backend_id")
    ):
        targets[primary].append(name)
    kinds = dict(models.Backend.objects.filter(pk__in=backends).values_list("pk", "driver"))
    return {
        group.pk: hashlib.sha256(
            json.dumps(
                [
                    members[group.pk],
                    str(group.group_type_id),
                    str(group.backend_id),
                    kinds[group.backend_id],
                    targets[group.backend_id],
                ]
            ).encode()
        ).hexdigest()
        for group in groups
    }


def visible_groups(caller: callers.Caller) -> list[models.Group]:
    """Return the replicated groups a caller may see."""
    rows = models.Group.objects.filter(replication_status__in=_REPLICATED)
    rows = rows if caller.is_admin else rows.filter(project_id=caller.project_id)
    return list(rows.select_related("backend", "group_type").order_by("name", "pk"))


def coverage(proofs: Collection[Proof], *, now: datetime.datetime | None = None) -> dict[str, object]:
    """Return how many groups were drilled within a year, which never were, and which are overdue."""
    now = now or clock.now()
    drilled = [proof for proof in proofs if proof.run and proof.run.ended_at and now - proof.run.ended_at < YEAR]
    return {
        "groups": len(proofs),
        "drilled_in_12_months": len(drilled),
        "percent": round(100 * len(drilled) / len(proofs), 1) if proofs else 0.0,
        "never": [str(proof.group) for proof in proofs if proof.run is None],
        "expired": [str(proof.group) for proof in proofs if proof.run is not None and proof.expired],
        "overdue": [str(proof.group) for proof in proofs if proof.overdue],
    }


def plans_of(groups: Iterable[models.Group]) -> Mapping[object, list[models.DrillPlan]]:
    """Return the enabled plans that drill each group, by their lists or by their backends."""
    wanted = {group.pk: group for group in groups}
    found: dict[object, list[models.DrillPlan]] = defaultdict(list)
    plans = models.DrillPlan.objects.filter(enabled=True)
    through = models.DrillPlan.groups.through
    known = {plan.pk: plan for plan in plans}
    links = through.objects.filter(group_id__in=list(wanted), drillplan_id__in=list(known))
    for plan_id, group_id in links.values_list("drillplan_id", "group_id"):
        found[group_id].append(known[plan_id])
    for plan in known.values():
        if plan.backend_id is not None:
            for group in wanted.values():
                if (group.backend_id, group.project_id) == (plan.backend_id, plan.project_id):
                    found[group.pk].append(plan)
    return found


def runs(caller: callers.Caller, **conditions: object) -> db.QuerySet[models.DrillRun]:
    """Return the drills a caller may see, newest first."""
    rows = models.DrillRun.objects.filter(**conditions).select_related("plan", "operation", "group")
    return rows if caller.is_admin else rows.filter(project_id=caller.project_id)


def _limits(groups: Sequence[models.Group]) -> Mapping[object, int]:
    limits = {}
    for group_id, plans in plans_of(groups).items():
        days = [each for plan in plans for each in (plan.proof_days, plan.every_days) if each]
        if days:
            limits[group_id] = min(days)
    return limits


def _proof(
    group: models.Group, run: models.DrillRun | None, fingerprint: str, limit: int | None, now: datetime.datetime
) -> Proof:
    if run is None or run.ended_at is None:
        return Proof(group=group, run=None, age=None, expired="", limit_days=limit)
    expired = ""
    if run.fingerprint != fingerprint:
        expired = "Its volumes, their sizes or types, its driver or its targets have changed since."
    elif run.plan.version != run.terms.get("plan", {}).get("version"):
        expired = "The plan it was judged by has changed since."
    return Proof(group=group, run=run, age=now - run.ended_at, expired=expired, limit_days=limit)

"""Which objectives hold for a group, and how it stands against them.

A level is the group's own; where it has none, its type's; where that has none, the site's, which somebody
set at a door or the settings say. Absent
information is bad news: a protected group whose newest point is unknown counts as critical.
"""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from collections.abc import Iterable, Iterator, Mapping

from django.conf import settings
from django.db import models as db

from groups import clock, models, objectives, specs, statuses
from groups.objectives import Levels, Objectives, State

UNPROTECTED = (
    statuses.ReplicationStatus.DISABLED,
    statuses.ReplicationStatus.NOT_CAPABLE,
    statuses.ReplicationStatus.FAILED_OVER,
)
"""What runs on a secondary, or is not replicated, has no copy that could lag."""
NOT_JUDGED = (*UNPROTECTED, statuses.ReplicationStatus.ENABLING, statuses.ReplicationStatus.DISABLING)
"""Nor is there anything to hold against a group whose protection is only being set up, or taken down."""

_WARNING_INTERVALS, _CRITICAL_INTERVALS = 3, 10
"""How many intervals the newest point may be old where nobody set a level."""
_LEEWAY_SECONDS = 1.0
_AT_ONCE = 500


@dataclasses.dataclass(frozen=True, kw_only=True)
class Standing:
    """How one group stands against its objectives."""

    objectives: Objectives
    lag_seconds: float | None
    """How old its newest complete point on a target is; None when there is none known."""
    rpo_state: State | None
    """None for a group that is not protected: there is nothing that could lag."""
    recovery_seconds: float | None
    """How long its last failover took; None when it never was failed over."""
    rto_state: State | None
    """None where there is no objective for it."""

    @property
    def state(self) -> State | None:
        """Return the worse of both; None where there is neither."""
        states = [state for state in (self.rpo_state, self.rto_state) if state is not None]
        return max(states, key=list(State).index, default=None)


def of(group: models.Group) -> Objectives:
    """Return the objectives of one group."""
    return _merged(group, group.group_type.specs, site_levels())


def site_levels() -> Mapping[str, float | None]:
    """Return the levels of the whole site: those set at the console or the API, or else by the settings."""
    row = models.SiteObjectives.objects.order_by().values(*objectives.COLUMNS).first() or {}
    return {
        column: row[column] if row.get(column) is not None else seconds for column, seconds in setting_levels().items()
    }


def setting_levels() -> Mapping[str, float | None]:
    """Return the levels that the site's settings give."""
    return {column: getattr(settings.REPLSITE, column) for column in objectives.COLUMNS}


def type_levels(group_type: models.GroupType) -> Mapping[str, float | None]:
    """Return the levels that a group type sets; a spec that is no good counts as absent."""
    return _typed(group_type.specs)


def standing(group: models.Group) -> Standing:
    """Return how one group stands."""
    return next(standings([group]))


def standings(groups: Iterable[models.Group]) -> Iterator[Standing]:
    """Yield for each group how it stands, in the same order: three statements, and one more for each 500 groups."""
    rows = list(groups)
    type_specs = specs_of_types({row.group_type_id for row in rows})
    recoveries = recovery_seconds([row.pk for row in rows])
    site, now = site_levels(), clock.now()
    for row in rows:
        wanted = _merged(row, type_specs.get(row.group_type_id, {}), site)
        yield _standing(row, wanted, recoveries.get(row.pk), now=now)


def with_set_objectives() -> db.QuerySet[models.Group]:
    """Return the groups whose objectives somebody set, for the group itself, its type or the whole site."""
    rows = models.Group.objects.all()
    if any(seconds is not None for seconds in site_levels().values()):
        return rows
    own = db.Q(*((f"{column}__isnull", False) for column in objectives.COLUMNS), _connector=db.Q.OR)
    typed = models.GroupSpec.objects.filter(key__in=specs.OBJECTIVES.values()).values("group_type_id")
    return rows.filter(own | db.Q(group_type_id__in=typed))


def specs_of_types(group_type_ids: Iterable[uuid.UUID]) -> Mapping[uuid.UUID, Mapping[str, str | None]]:
    """Return the specs of some group types that say something about objectives, in one statement."""
    keys = [specs.INTERVAL, *specs.OBJECTIVES.values()]
    rows = models.GroupSpec.objects.filter(group_type_id__in=set(group_type_ids), key__in=keys).order_by()
    found: dict[uuid.UUID, dict[str, str | None]] = {}
    for type_id, key, value in rows.values_list("group_type_id", "key", "value"):
        found.setdefault(type_id, {})[key] = value
    return found


def recovery_seconds(group_ids: Iterable[uuid.UUID]) -> Mapping[uuid.UUID, float]:
    """Return how long the last failover of each group took, from being asked for to its end."""
    ids, found = list(group_ids), {}
    newest = models.Operation.objects.filter(
        group_id=db.OuterRef("pk"), kind=statuses.Kind.FAILOVER, state=statuses.OperationState.SUCCEEDED
    ).order_by("-created_at", "-id")
    for place in range(0, len(ids), _AT_ONCE):
        rows = models.Group.objects.filter(pk__in=ids[place : place + _AT_ONCE]).order_by()
        last = rows.annotate(operation=db.Subquery(newest.values("pk")[:1])).values("operation")
        operations = models.Operation.objects.filter(pk__in=last).order_by()
        for group_id, began, ended in operations.values_list("group_id", "created_at", "ended_at"):
            if group_id is not None and ended is not None:
                found[group_id] = max(0.0, (ended - began).total_seconds())
    return found


def _standing(group: models.Group, wanted: Objectives, recovery: float | None, *, now: datetime.datetime) -> Standing:
    at = group.consistent_at
    lag = None if at is None else max(0.0, (now - at).total_seconds())
    judged = group.replication_status not in NOT_JUDGED
    return Standing(
        objectives=wanted,
        lag_seconds=lag if judged else None,
        rpo_state=wanted.rpo.state(lag) if judged else None,
        recovery_seconds=recovery,
        rto_state=wanted.rto.state(recovery),
    )


def _typed(type_specs: Mapping[str, str | None]) -> Mapping[str, float | None]:
    try:
        return specs.objective_seconds(type_specs)
    except ValueError:
        return dict.fromkeys(objectives.COLUMNS)


def _merged(group: models.Group, type_specs: Mapping[str, str | None], site: Mapping[str, float | None]) -> Objectives:
    own = {column: getattr(group, column) for column in objectives.COLUMNS}
    sources = (own, _typed(type_specs), site)
    level = {column: _first(column, sources) for column in objectives.COLUMNS}
    rpo = _levels(level["rpo_warning_seconds"], level["rpo_critical_seconds"])
    if rpo is None:
        interval = specs.interval_or_default(type_specs)
        rpo = Levels(
            warning=_WARNING_INTERVALS * interval + _LEEWAY_SECONDS,
            critical=_CRITICAL_INTERVALS * interval + _LEEWAY_SECONDS,
            is_set=False,
        )
    rto = _levels(level["rto_warning_seconds"], level["rto_critical_seconds"])
    return Objectives(rpo=rpo, rto=rto or Levels(is_set=False))


def _first(column: str, sources: Iterable[Mapping[str, float | None]]) -> float | None:
    return next((source[column] for source in sources if source[column] is not None), None)


def _levels(warning: float | None, critical: float | None) -> Levels | None:
    if warning is None and critical is None:
        return None
    # Where they come from different places, the warning must not come after the worse.
    early = warning is None or critical is None or warning <= critical
    return Levels(warning=warning if early else critical, critical=critical)

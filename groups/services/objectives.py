"""Set what a group's failover may cost in data and time."""

from __future__ import annotations

import math

from django.db import transaction

from groups import callers, clock, errors, models, objectives
from groups.objectives import Measure
from groups.queries import visible
from groups.services import policies


def set_levels(
    caller: callers.Caller,
    *,
    group_id: object,
    rpo_warning_seconds: float | None,
    rpo_critical_seconds: float | None,
    rto_warning_seconds: float | None,
    rto_critical_seconds: float | None,
) -> models.Group:
    """Set a group's own levels; None leaves one to the group's type, or else to the site."""
    levels = dict(
        zip(
            objectives.COLUMNS,
            (rpo_warning_seconds, rpo_critical_seconds, rto_warning_seconds, rto_critical_seconds),
            strict=True,
        )
    )
    with transaction.atomic():
        group = visible.group(caller, group_id, lock=True)
        policies.require(caller, "group:set_objectives")
        _check(levels)
        models.Group.objects.filter(pk=group.pk).update(**levels, updated_at=clock.now())
    for column, seconds in levels.items():
        setattr(group, column, seconds)
    return group


def _check(levels: dict[str, float | None]) -> None:
    for column, seconds in levels.items():
        if seconds is not None and not 0 < seconds < math.inf:
            raise errors.InvalidInput(f"{column} must be a number of seconds above 0, not {seconds}.")
    for measure in Measure:
        warning, critical = levels[f"{measure}_warning_seconds"], levels[f"{measure}_critical_seconds"]
        if warning is not None and critical is not None and warning > critical:
            raise errors.InvalidInput(
                f"{measure}_warning_seconds must not be more than {measure}_critical_seconds:"
                f" {warning:g} is more than {critical:g}."
            )

"""Set what a failover may cost in data and time: for the whole site, a type of groups, or one group."""

from __future__ import annotations

import math
from collections.abc import Mapping

from django.db import transaction

from groups import callers, clock, errors, models, objectives, specs
from groups.objectives import Measure
from groups.queries import visible
from groups.services import auditing, policies, types

Wanted = Mapping[str, float | None]
"""Levels by their columns, see `objectives.COLUMNS`; one that is None or absent is left to what is less near."""


def set_levels(caller: callers.Caller, *, group_id: object, levels: Wanted) -> models.Group:
    """Set a group's own levels; one that it has not is its type's, or else the site's."""
    with transaction.atomic():
        group = visible.group(caller, group_id, lock=True)
        policies.require(caller, "group:set_objectives")
        wanted = _checked(levels)
        models.Group.objects.filter(pk=group.pk).update(**wanted, updated_at=clock.now())
        auditing.note(caller, action="group:set-objectives", subject=group, detail=_said(wanted))
    for column, seconds in wanted.items():
        setattr(group, column, seconds)
    return group


def set_type_levels(caller: callers.Caller, *, group_type_id: object, levels: Wanted) -> None:
    """Set a group type's levels, as its specs; they hold for its groups that have none of their own."""
    with transaction.atomic():
        row = types.GROUP.find(caller, group_type_id)
        policies.require(caller, f"{types.GROUP.specs_rule}update")
        wanted = _checked(levels)
        had = row.specs
        named = {specs.OBJECTIVES[column]: seconds for column, seconds in wanted.items()}
        for key in [key for key, seconds in named.items() if seconds is None and key in had]:
            types.delete_spec(caller, family=types.GROUP, type_id=row.pk, key=key)
        changed = {
            key: text
            for key, seconds in named.items()
            if seconds is not None and had.get(key) != (text := f"{seconds:g}")
        }
        if changed:
            types.set_specs(caller, family=types.GROUP, type_id=row.pk, values=changed)


def set_site_levels(caller: callers.Caller, *, levels: Wanted) -> models.SiteObjectives:
    """Set the levels of every group for which neither it nor its type says; one that is absent is the setting's."""
    policies.require(caller, "site:set_objectives")
    wanted = _checked(levels)
    with transaction.atomic():
        row, _ = models.SiteObjectives.objects.update_or_create(
            pk=models.SiteObjectives.ONLY, defaults={**wanted, "updated_at": clock.now()}
        )
        auditing.note(caller, action="site:set-objectives", subject=row, detail=_said(wanted))
    return row


def _checked(levels: Wanted) -> dict[str, float | None]:
    """Return all levels. Raises `InvalidInput` for one that cannot be kept."""
    if unknown := sorted(set(levels) - set(objectives.COLUMNS)):
        raise errors.InvalidInput(f"There is no '{unknown[0]}'. There are: {', '.join(objectives.COLUMNS)}.")
    wanted = {column: levels.get(column) for column in objectives.COLUMNS}
    for column, seconds in wanted.items():
        if seconds is not None and not 0 < seconds < math.inf:
            raise errors.InvalidInput(f"{column} must be a number of seconds above 0, not {seconds}.")
    for measure in Measure:
        warning, critical = wanted[f"{measure}_warning_seconds"], wanted[f"{measure}_critical_seconds"]
        if warning is not None and critical is not None and warning > critical:
            raise errors.InvalidInput(
                f"{measure}_warning_seconds must not be more than {measure}_critical_seconds:"
                f" {warning:g} is more than {critical:g}."
            )
    return wanted


def _said(levels: Wanted) -> str:
    given = (f"{column}={seconds:g}" for column, seconds in levels.items() if seconds is not None)
    return ", ".join(given) or "none of its own"

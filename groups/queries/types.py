"""Volume types and group types as lists show them: two statements, however many there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import models as db
from django.db.models import Q

from groups import callers, models
from groups.queries import filtering, paging, visible

SORT_KEYS: Mapping[str, str] = {
    name: name for name in ("id", "name", "description", "is_public", "created_at", "updated_at")
}
_FILTERS: Mapping[str, filtering.Condition] = {
    "id": filtering.identity("id"),
    "name": filtering.text("name"),
    f"name{filtering.LIKE}": filtering.part("name"),
    "description": filtering.text("description"),
}


def volume_types(
    caller: callers.Caller, *, page: paging.Page, filters: Mapping[str, str], is_public: bool | None
) -> list[models.VolumeType]:
    """Return one page of volume types with their extra specs; `is_public` None means both kinds."""
    rows = visible.volume_types(caller)
    columns = {**_FILTERS, "extra_specs": _with_specs(models.ExtraSpec.objects.all(), owner="volume_type_id")}
    # What a project was given beside the public ones counts as its own.
    asked = {None: Q(), True: visible.open_to(caller.project_id), False: Q(is_public=False)}
    found = rows.filter(asked[is_public])
    found = filtering.matching(found, _known(filters, columns), columns=columns)
    return list(paging.cut(found, page=page, columns=SORT_KEYS, among=rows, noun="Volume type"))


def group_types(
    caller: callers.Caller, *, page: paging.Page, filters: Mapping[str, str], is_public: bool | None
) -> list[models.GroupType]:
    """Return one page of group types with their group specs; `is_public` None means both kinds."""
    rows = visible.group_types(caller)
    columns = {**_FILTERS, "group_specs": _with_specs(models.GroupSpec.objects.all(), owner="group_type_id")}
    found = rows if is_public is None else rows.filter(is_public=is_public)
    found = filtering.matching(found, _known(filters, columns), columns=columns)
    return list(paging.cut(found, page=page, columns=SORT_KEYS, among=rows, noun="Group Type"))


def _known(filters: Mapping[str, str], columns: Mapping[str, filtering.Condition]) -> dict[str, str]:
    """Leave out what nobody knows: clients send things here that are none of a type's columns."""
    return {name: value for name, value in filters.items() if name in columns}


def _with_specs(specs: db.QuerySet[Any], *, owner: str) -> filtering.Condition:
    """Match types that have every spec of a dictionary, each looked for on a row of its own."""

    def condition(value: str) -> Q:
        wanted = filtering.pairs(value, name="specs")
        return Q(*(Q(pk__in=specs.filter(key=key, value=each).values(owner)) for key, each in wanted.items()))

    return condition

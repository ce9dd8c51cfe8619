"""Volume types and group types as lists show them: two statements, however many there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import models as db
from django.db.models import Q

from groups import callers, models
from groups.queries import filtering, paging

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
    return _listed(
        models.VolumeType.objects, caller, page=page, filters=filters, is_public=is_public, specs="extra_specs"
    )


def group_types(
    caller: callers.Caller, *, page: paging.Page, filters: Mapping[str, str], is_public: bool | None
) -> list[models.GroupType]:
    """Return one page of group types with their group specs; `is_public` None means both kinds."""
    return _listed(
        models.GroupType.objects, caller, page=page, filters=filters, is_public=is_public, specs="group_specs"
    )


def _listed(
    everything: db.Manager[Any],
    caller: callers.Caller,
    *,
    page: paging.Page,
    filters: Mapping[str, str],
    is_public: bool | None,
    specs: str,
) -> list[Any]:
    rows = everything.all() if caller.is_admin else everything.filter(is_public=True)
    found = rows if is_public is None else rows.filter(is_public=is_public)
    columns = {**_FILTERS, specs: lambda value: _has_specs(specs, value)}
    found = filtering.matching(found, filters, columns=columns)
    return list(paging.cut(found, page=page, columns=SORT_KEYS, among=rows).prefetch_related(specs))


def _has_specs(relation: str, value: str) -> Q:
    """Match types that have every one of these specs, each looked for on its own row."""
    wanted = filtering.pairs(value, name=relation)
    model: type[db.Model] = models.ExtraSpec if relation == "extra_specs" else models.GroupSpec
    owner = "volume_type_id" if relation == "extra_specs" else "group_type_id"
    matches = (model._default_manager.filter(key=key, value=each) for key, each in wanted.items())  # noqa: SLF001 - documented
    return Q(*(Q(pk__in=rows.values(owner)) for rows in matches))

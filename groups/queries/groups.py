"""Groups as lists and details show them: a fixed number of statements, however many there are."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import models as db

from groups import callers, errors, models
from groups.queries import filtering, hosts, paging

Values = dict[str, Any]

_SHOWN = (
    "id",
    "status",
    "availability_zone",
    "created_at",
    "name",
    "description",
    "group_type_id",
    "replication_status",
    "project_id",
    "source_group_snapshot_id",
    "source_group_id",
)
SORT_KEYS: Mapping[str, str] = {
    **{name: name for name in ("id", "name", "description", "status", "availability_zone", "replication_status")},
    **{name: name for name in ("created_at", "updated_at", "project_id", "user_id")},
    "group_type_id": "group_type_id",
    "host": "backend__name",
}
FILTERS: Mapping[str, filtering.Condition] = {
    "id": filtering.identity("id"),
    "group_type": filtering.identity("group_type_id"),
    "group_type_id": filtering.identity("group_type_id"),
    "host": hosts.condition,
    "created_at": filtering.time("created_at"),
    "updated_at": filtering.time("updated_at"),
    **{
        name: filtering.text(name)
        for name in ("name", "description", "status", "replication_status", "availability_zone")
    },
    **{name: filtering.text(name) for name in ("project_id", "user_id")},
    **{f"{name}{filtering.LIKE}": filtering.part(name) for name in ("name", "description", "status")},
}


def listed(
    caller: callers.Caller,
    *,
    page: paging.Page,
    filters: Mapping[str, str],
    all_projects: bool = False,
    with_volumes: bool = False,
) -> list[Values]:
    """Return one page of groups: those of the caller's project, or of all for an admin who asks."""
    rows = _visible(caller, all_projects=all_projects)
    found = filtering.matching(rows, filters, columns=FILTERS)
    cut = paging.cut(found, page=page, columns=SORT_KEYS, among=rows, noun="Group")
    return _completed(cut.values(*_SHOWN), with_volumes=with_volumes)


def detail(caller: callers.Caller, group_id: uuid.UUID, *, with_volumes: bool = False) -> Values:
    """Return what is shown of one group. Raises `NotFound`."""
    rows = _visible(caller, all_projects=True).filter(pk=group_id).values(*_SHOWN)
    for values in _completed(rows, with_volumes=with_volumes):
        return values
    raise errors.NotFound(f"Group {group_id} could not be found.")


def _visible(caller: callers.Caller, *, all_projects: bool) -> db.QuerySet[models.Group]:
    rows = models.Group.objects.all()
    return rows if caller.is_admin and all_projects else rows.filter(project_id=caller.project_id)


def _completed(rows: Iterable[Values], *, with_volumes: bool) -> list[Values]:
    """Add to each group the ids of its volume types, and of its volumes when wanted."""
    groups = list(rows)
    ids = [values["id"] for values in groups]
    types = _gathered(models.GroupVolumeType.objects.filter(group_id__in=ids).order_by("id"), "volume_type_id")
    members: Mapping[uuid.UUID, list[uuid.UUID]] = {}
    if with_volumes:
        members = _gathered(models.Volume.objects.filter(group_id__in=ids).order_by("created_at", "id"), "id")
    for values in groups:
        values["volume_types"] = types.get(values["id"], [])
        if with_volumes:
            values["volumes"] = members.get(values["id"], [])
    return groups


def _gathered(rows: db.QuerySet[Any], column: str) -> Mapping[uuid.UUID, list[uuid.UUID]]:
    gathered: dict[uuid.UUID, list[uuid.UUID]] = defaultdict(list)
    for group_id, value in rows.values_list("group_id", column):
        gathered[group_id].append(value)
    return gathered

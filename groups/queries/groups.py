"""Groups as lists and details show them: a fixed number of statements, however many there are."""

from __future__ import annotations

import functools
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import models as db

from groups import callers, errors, models
from groups.compiled import Select, slot
from groups.queries import filtering, hosts, paging, visible

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
    "name": filtering.named("name"),
    "group_type": filtering.identity("group_type_id"),
    "group_type_id": filtering.identity("group_type_id"),
    "host": hosts.condition,
    "created_at": filtering.time("created_at"),
    "updated_at": filtering.time("updated_at"),
    **{name: filtering.text(name) for name in ("description", "status", "replication_status", "availability_zone")},
    **{name: filtering.text(name) for name in ("project_id", "user_id")},
    **{f"{name}{filtering.LIKE}": filtering.part(name) for name in ("name", "description", "status")},
}


def _one(*, every: bool) -> db.QuerySet[models.Group, tuple[Any, ...]]:
    rows = models.Group.objects.filter(pk=slot("pk"))
    found = rows if every else rows.filter(project_id=slot("project"))
    return found.order_by("volume_type_links__id").values_list(*_SHOWN, "volume_type_links__volume_type_id")


_DETAIL = {every: Select(functools.partial(_one, every=every)) for every in (True, False)}
"""A group as it is shown, once for each of its volume types; once too if it has none."""
_VOLUMES = Select(
    lambda: models.Volume.objects.filter(group=slot("group")).order_by("created_at", "id").values_list("pk", flat=True)
)


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


def detail(caller: callers.Caller, group_id: object, *, with_volumes: bool = False) -> Values:
    """Return what is shown of one group. Raises `NotFound`."""
    known = visible.parsed_id(group_id)
    found = _DETAIL[caller.is_admin].all(pk=known, project=caller.project_id) if known is not None else []
    if not found:
        raise errors.NotFound(f"Group {group_id} could not be found.")
    values = dict(zip(_SHOWN, found[0][:-1], strict=True))
    values["volume_types"] = [row[-1] for row in found if row[-1] is not None]
    if with_volumes:
        values["volumes"] = _VOLUMES.all(group=known)
    return values


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

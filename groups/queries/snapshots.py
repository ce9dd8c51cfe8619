"""Snapshots, of volumes and of groups, as lists and details show them: one statement, however many there are."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django.db import models as db

from groups import callers, errors, models
from groups.queries import filtering, hosts, paging

Values = dict[str, Any]

_SHOWN = (
    *("id", "status", "size_gib", "created_at", "updated_at", "name", "description", "metadata", "volume_id"),
    *("group_snapshot_id", "user_id", "project_id", "progress"),
)
SORT_KEYS: Mapping[str, str] = {
    **{name: name for name in ("id", "name", "description", "status", "created_at", "updated_at")},
    **{name: name for name in ("project_id", "user_id", "volume_id", "group_snapshot_id")},
    "display_name": "name",
    "size": "size_gib",
    "volume_size": "size_gib",
}
FILTERS: Mapping[str, filtering.Condition] = {
    "id": filtering.identity("id"),
    "volume_id": filtering.identity("volume_id"),
    "group_snapshot_id": filtering.identity("group_snapshot_id"),
    "size": filtering.integer("size_gib"),
    "volume_size": filtering.integer("size_gib"),
    "metadata": filtering.contained("metadata"),
    "availability_zone": filtering.text("volume__availability_zone"),
    "host": hosts.condition,
    "created_at": filtering.time("created_at"),
    "updated_at": filtering.time("updated_at"),
    # What all our snapshots have in common.
    "consumes_quota": filtering.always("true"),
    "display_name": filtering.text("name"),
    **{name: filtering.text(name) for name in ("name", "description", "status", "project_id", "user_id")},
    **{f"{name}{filtering.LIKE}": filtering.part(name) for name in ("name", "description", "status")},
}
_SHOWN_OF_GROUPS = (*("id", "status", "created_at", "name", "description", "group_id", "group_type_id", "project_id"),)
GROUP_SORT_KEYS: Mapping[str, str] = {
    **{name: name for name in ("id", "name", "description", "status", "created_at", "updated_at")},
    **{name: name for name in ("project_id", "user_id", "group_id", "group_type_id")},
}
GROUP_FILTERS: Mapping[str, filtering.Condition] = {
    "id": filtering.identity("id"),
    "group_id": filtering.identity("group_id"),
    "group_type_id": filtering.identity("group_type_id"),
    "host": hosts.condition,
    "created_at": filtering.time("created_at"),
    "updated_at": filtering.time("updated_at"),
    **{name: filtering.text(name) for name in ("name", "description", "status", "project_id", "user_id")},
    **{f"{name}{filtering.LIKE}": filtering.part(name) for name in ("name", "description", "status")},
}


def listed(
    caller: callers.Caller, *, page: paging.Page, filters: Mapping[str, str], all_projects: bool = False
) -> list[Values]:
    """Return one page of snapshots: those of the caller's project, or of all for an admin who asks."""
    rows = _visible(caller, models.Snapshot.objects.all(), all_projects=all_projects)
    found = filtering.matching(rows, filters, columns=FILTERS)
    return list(paging.cut(found, page=page, columns=SORT_KEYS, among=rows, noun="Snapshot").values(*_SHOWN))


def counted(caller: callers.Caller, *, filters: Mapping[str, str], all_projects: bool = False) -> int:
    """Return how many snapshots there are on all pages together."""
    rows = _visible(caller, models.Snapshot.objects.all(), all_projects=all_projects)
    return filtering.matching(rows, filters, columns=FILTERS).count()


def detail(caller: callers.Caller, snapshot_id: uuid.UUID) -> Values:
    """Return what is shown of one snapshot. Raises `NotFound`."""
    rows = _visible(caller, models.Snapshot.objects.filter(pk=snapshot_id), all_projects=True)
    values: Values | None = rows.values(*_SHOWN).first()
    if values is None:
        raise errors.NotFound(f"Snapshot {snapshot_id} could not be found.")
    return values


def listed_of_groups(
    caller: callers.Caller, *, page: paging.Page, filters: Mapping[str, str], all_projects: bool = False
) -> list[Values]:
    """Return one page of group snapshots: those of the caller's project, or of all for an admin who asks."""
    rows = _visible(caller, models.GroupSnapshot.objects.all(), all_projects=all_projects)
    found = filtering.matching(rows, filters, columns=GROUP_FILTERS)
    cut = paging.cut(found, page=page, columns=GROUP_SORT_KEYS, among=rows, noun="GroupSnapshot")
    return list(cut.values(*_SHOWN_OF_GROUPS))


def detail_of_group(caller: callers.Caller, snapshot_id: uuid.UUID) -> Values:
    """Return what is shown of one group snapshot. Raises `NotFound`."""
    rows = _visible(caller, models.GroupSnapshot.objects.filter(pk=snapshot_id), all_projects=True)
    values: Values | None = rows.values(*_SHOWN_OF_GROUPS).first()
    if values is None:
        raise errors.NotFound(f"GroupSnapshot {snapshot_id} could not be found.")
    return values


def _visible(caller: callers.Caller, rows: db.QuerySet[Any], *, all_projects: bool) -> db.QuerySet[Any]:
    return rows if caller.is_admin and all_projects else rows.filter(project_id=caller.project_id)

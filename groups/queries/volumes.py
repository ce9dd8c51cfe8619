"""Volumes as lists and details show them: one statement, however many there are."""

from __future__ import annotations

import dataclasses
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import models as db

from groups import callers, errors, models
from groups.queries import attachments, filtering, hosts, paging

Values = dict[str, Any]

SHOWN = (
    "id",
    "status",
    "size_gib",
    "availability_zone",
    "created_at",
    "updated_at",
    "name",
    "description",
    "volume_type_id",
    "volume_type__name",
    "metadata",
    "user_id",
    "source_snapshot_id",
    "source_volume_id",
    "bootable",
    "replication_status",
    "multiattach",
    "readonly",
    "image_metadata",
    "group_id",
    "project_id",
    "backend__name",
)
SORT_KEYS: Mapping[str, str] = {
    **{name: name for name in ("id", "name", "description", "status", "availability_zone", "replication_status")},
    **{name: name for name in ("created_at", "updated_at", "project_id", "user_id", "bootable")},
    "display_name": "name",
    "size": "size_gib",
    "volume_type_id": "volume_type_id",
    "host": "backend__name",
}
FILTERS: Mapping[str, filtering.Condition] = {
    "id": filtering.identity("id"),
    "name": filtering.named("name"),
    "group_id": filtering.identity("group_id"),
    "volume_type_id": filtering.identity("volume_type_id"),
    "volume_type": filtering.text("volume_type__name"),
    "size": filtering.integer("size_gib"),
    "bootable": filtering.boolean("bootable"),
    "multiattach": filtering.boolean("multiattach"),
    "metadata": filtering.contained("metadata"),
    "host": hosts.condition,
    "created_at": filtering.time("created_at"),
    "updated_at": filtering.time("updated_at"),
    # What all our volumes have in common.
    "migration_status": filtering.always("none"),
    "consumes_quota": filtering.always("true"),
    "display_name": filtering.named("name"),
    **{name: filtering.text(name) for name in ("description", "status", "replication_status", "availability_zone")},
    **{name: filtering.text(name) for name in ("project_id", "user_id")},
    **{f"{name}{filtering.LIKE}": filtering.part(name) for name in ("name", "description", "status")},
}


def listed(
    caller: callers.Caller, *, page: paging.Page, filters: Mapping[str, str], all_projects: bool = False
) -> list[Values]:
    """Return one page of volumes: those of the caller's project, or of all for an admin who asks."""
    rows = _visible(caller, all_projects=all_projects)
    found = filtering.matching(rows, filters, columns=FILTERS)
    return _completed(paging.cut(found, page=page, columns=SORT_KEYS, among=rows, noun="Volume"))


def counted(caller: callers.Caller, *, filters: Mapping[str, str], all_projects: bool = False) -> int:
    """Return how many volumes there are on all pages together."""
    return filtering.matching(_visible(caller, all_projects=all_projects), filters, columns=FILTERS).count()


def detail(caller: callers.Caller, volume_id: uuid.UUID) -> Values:
    """Return what is shown of one volume. Raises `NotFound`."""
    for values in _completed(_visible(caller, all_projects=True).filter(pk=volume_id)):
        return values
    raise errors.NotFound(f"Volume {volume_id} could not be found.")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Summary:
    """What many volumes are together."""

    count: int
    size_gib: int
    metadata: Mapping[str, Sequence[str]]
    """Each key of their metadata with all values it has."""


def summary(caller: callers.Caller, *, filters: Mapping[str, str], all_projects: bool = False) -> Summary:
    """Return what the volumes asked for are together, in two statements."""
    found = filtering.matching(_visible(caller, all_projects=all_projects), filters, columns=FILTERS).order_by()
    totals = found.aggregate(count=db.Count("pk"), size=db.Sum("size_gib"))
    values: dict[str, set[str]] = defaultdict(set)
    for metadata in found.exclude(metadata={}).values_list("metadata", flat=True).distinct():
        for key, value in metadata.items():
            values[key].add(value)
    return Summary(
        count=totals["count"],
        size_gib=totals["size"] or 0,
        metadata={key: sorted(values[key]) for key in sorted(values)},
    )


def _completed(rows: db.QuerySet[models.Volume]) -> list[Values]:
    """Return what is shown of volumes, with the hosts that use each."""
    found: list[Values] = list(rows.values(*SHOWN))
    attached = attachments.of_volumes([values["id"] for values in found], among=rows)
    for values in found:
        values["attachments"] = attached.get(values["id"], [])
    return found


def _visible(caller: callers.Caller, *, all_projects: bool) -> db.QuerySet[models.Volume]:
    rows = models.Volume.objects.all()
    return rows if caller.is_admin and all_projects else rows.filter(project_id=caller.project_id)

"""Attachments as lists show them: a fixed number of statements, however many there are."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from django.db import models as db

from groups import callers, models
from groups.queries import filtering, paging
from groups.statuses import AttachStatus

SORT_KEYS: Mapping[str, str] = {
    **{name: name for name in ("id", "created_at", "attach_status", "volume_id", "attached_at", "mountpoint")},
    "status": "attach_status",
    "instance_id": "instance_id",
    "instance_uuid": "instance_id",
    "attached_host": "host",
    "attach_time": "attached_at",
    "attach_mode": "mode",
}
FILTERS: Mapping[str, filtering.Condition] = {
    "id": filtering.identity("id"),
    "volume_id": filtering.identity("volume_id"),
    "status": filtering.text("attach_status"),
    "attach_status": filtering.text("attach_status"),
    "instance_id": filtering.text("instance_id"),
    "instance_uuid": filtering.text("instance_id"),
    "attached_host": filtering.text("host"),
    "mountpoint": filtering.text("mountpoint"),
    "project_id": filtering.text("project_id"),
}
_FEW = 100
_OF_VOLUMES = ("id", "volume_id", "instance_id", "host", "mountpoint", "attached_at", "mode")


def listed(
    caller: callers.Caller, *, page: paging.Page, filters: Mapping[str, str], all_projects: bool = False
) -> list[models.Attachment]:
    """Return one page of attachments with their volumes, groups and backends."""
    rows = models.Attachment.objects.select_related(
        "volume__group", "volume__backend", "volume__volume_type__qos_specs"
    ).prefetch_related("volume__backend__targets")
    if not (caller.is_admin and all_projects):
        rows = rows.filter(project_id=caller.project_id)
    found = filtering.matching(rows, filters, columns=FILTERS)
    return list(paging.cut(found, page=page, columns=SORT_KEYS, among=rows, noun="Attachment"))


def of_volumes(
    volume_ids: Collection[uuid.UUID], *, among: db.QuerySet[models.Volume]
) -> Mapping[uuid.UUID, list[dict[str, Any]]]:
    """Return what volumes show of the hosts that use them, oldest first, in one statement.

    `among` finds the same volumes: many of them cost a database less to find once more than to be told.
    """
    which: Any = volume_ids if len(volume_ids) <= _FEW else among.values("pk")
    rows = models.Attachment.objects.filter(volume__in=which, attach_status=AttachStatus.ATTACHED)
    found: dict[uuid.UUID, list[dict[str, Any]]] = defaultdict(list)
    for values in rows.order_by("created_at", "id").values(*_OF_VOLUMES):
        found[values["volume_id"]].append(values)
    return found


def attached(volumes: db.QuerySet[models.Volume]) -> db.QuerySet[models.Attachment]:
    """Return the attachments of volumes that a host uses, also where a status was corrected by hand."""
    return models.Attachment.objects.filter(volume__in=volumes, attach_status=AttachStatus.ATTACHED)

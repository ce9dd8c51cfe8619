"""Groups with the side each is on and how well it is protected: one statement, however many there are."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Mapping
from typing import Any

from django.db import models as db
from django.db.models import Q

from groups import callers, clock, errors, models
from groups.models.backends import DEFAULT_TARGET
from groups.queries import filtering, overview, paging

Values = dict[str, Any]

_SHOWN = (
    "id",
    "name",
    "description",
    "project_id",
    "status",
    "replication_status",
    "active_backend_id",
    "backend__name",
    "group_type__name",
    "health",
    "health_detail",
    "consistent_at",
    "bytes_behind",
    "observed_at",
    "created_at",
    "updated_at",
)
_COLUMNS = {"created_at": "created_at", "id": "id"}


def _active(value: str) -> Q:
    return Q(active_backend_id="" if value == DEFAULT_TARGET else value)


FILTERS: Mapping[str, filtering.Condition] = {
    "name": filtering.named("name"),
    **{name: filtering.text(name) for name in ("status", "replication_status", "health", "project_id")},
    "active_backend_id": _active,
    "backend": filtering.text("backend__name"),
    "group_type": filtering.text("group_type__name"),
}


def listed(caller: callers.Caller, *, page: paging.Page, filters: Mapping[str, str]) -> list[Values]:
    """Return one page of the groups a caller may see, newest first. Raises `InvalidInput` for an unknown filter."""
    rows = _visible(caller)
    found = filtering.matching(rows, filtering.known(filters, FILTERS), columns=FILTERS)
    return _values(paging.cut(found, page=page, columns=_COLUMNS, among=rows, noun="Group"))


def detail(caller: callers.Caller, group_id: uuid.UUID) -> Values:
    """Return what is shown of one group. Raises `NotFound`."""
    for values in _values(_visible(caller).filter(pk=group_id)):
        return values
    raise errors.NotFound(f"Group {group_id} could not be found.")


def lag_seconds(consistent_at: datetime.datetime | None) -> float | None:
    """Return how old the newest complete point is; None when there is none."""
    return None if consistent_at is None else max(0.0, (clock.now() - consistent_at).total_seconds())


def _visible(caller: callers.Caller) -> db.QuerySet[models.Group]:
    rows = models.Group.objects.all()
    return rows if caller.is_admin else rows.filter(project_id=caller.project_id)


def _values(rows: db.QuerySet[models.Group]) -> list[Values]:
    return list(rows.annotate(volume_count=overview.volumes_of_group()).values(*_SHOWN, "volume_count"))

"""Events: every change of a status, as the audit of a group, a volume or an operation shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from groups import callers, models
from groups.queries import filtering, paging

Values = dict[str, Any]

_SHOWN = (
    "id",
    "at",
    "axis",
    "subject_id",
    "group_id",
    "project_id",
    "operation_id",
    "volumes",
    "old",
    "new",
    "reason",
    "actor",
)
FILTERS: Mapping[str, filtering.Condition] = {
    "group_id": filtering.identity("group_id"),
    "subject_id": filtering.identity("subject_id"),
    "operation_id": filtering.identity("operation_id"),
    "project_id": filtering.text("project_id"),
    "axis": filtering.text("axis"),
    "new": filtering.text("new"),
    "actor": filtering.text("actor"),
    "since": filtering.since("at"),
    "until": filtering.until("at"),
}


def listed(caller: callers.Caller, *, page: paging.Page, filters: Mapping[str, str]) -> list[Values]:
    """Return one page of the events a caller may see, newest first; also those on what is gone.

    Raises `InvalidInput` for a filter nobody knows or a marker that is none.
    """
    rows = models.Event.objects.all()
    if not caller.is_admin:
        rows = rows.filter(project_id=caller.project_id)
    found = filtering.matching(rows, filtering.known(filters, FILTERS), columns=FILTERS)
    return list(paging.numbered(found, page=page).values(*_SHOWN))

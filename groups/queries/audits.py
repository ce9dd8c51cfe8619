"""Who did what: the entries as lists show them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from groups import models
from groups.queries import filtering, paging

Values = dict[str, Any]

_SHOWN = (
    "id",
    "at",
    "user_id",
    "user_name",
    "door",
    "request_id",
    "project_id",
    "action",
    "subject_kind",
    "subject_id",
    "subject_name",
    "detail",
    "operation_id",
)
FILTERS: Mapping[str, filtering.Condition] = {
    **{name: filtering.text(name) for name in ("action", "user_id", "user_name", "subject_id", "request_id", "door")},
    "project_id": filtering.text("project_id"),
    "operation_id": filtering.identity("operation_id"),
    "since": filtering.since("at"),
    "until": filtering.until("at"),
}


def listed(*, page: paging.Page, filters: Mapping[str, str]) -> list[Values]:
    """Return one page of them, newest first. Raises `InvalidInput` for a filter nobody knows."""
    rows = models.AuditEntry.objects.all()
    found = filtering.matching(rows, filtering.known(filters, FILTERS), columns=FILTERS)
    return list(paging.numbered(found, page=page).values(*_SHOWN))

"""Offers of volumes as lists show them: one statement, however many there are."""

from __future__ import annotations

from collections.abc import Mapping

from groups import callers, models
from groups.queries import filtering, paging

SORT_KEYS: Mapping[str, str] = {
    **{name: name for name in ("id", "created_at", "volume_id", "name")},
    "display_name": "name",
    "no_snapshots": "without_snapshots",
    "source_project_id": "project_id",
}
FILTERS: Mapping[str, filtering.Condition] = {
    "id": filtering.identity("id"),
    "volume_id": filtering.identity("volume_id"),
    "name": filtering.text("name"),
    "display_name": filtering.text("name"),
    "created_at": filtering.time("created_at"),
    "no_snapshots": filtering.boolean("without_snapshots"),
    "project_id": filtering.text("project_id"),
    "source_project_id": filtering.text("project_id"),
    # What all offers have in common: one that was accepted is no more.
    "accepted": filtering.always("false"),
}


def listed(
    caller: callers.Caller, *, page: paging.Page, filters: Mapping[str, str], all_projects: bool = False
) -> list[models.Transfer]:
    """Return one page of offers: those of the caller's project, or of all for an admin who asks."""
    rows = models.Transfer.objects.all()
    if not (caller.is_admin and all_projects):
        rows = rows.filter(project_id=caller.project_id)
    found = filtering.matching(rows, filters, columns=FILTERS)
    return list(paging.cut(found, page=page, columns=SORT_KEYS, among=rows, noun="Transfer"))

"""Operations as lists show them."""

from __future__ import annotations

from collections.abc import Mapping

from groups import callers, errors, models
from groups.queries import filtering, paging

FILTERS: Mapping[str, filtering.Condition] = {
    "subject_id": filtering.identity("subject_id"),
    "kind": filtering.text("kind"),
    "state": filtering.text("state"),
    "project_id": filtering.text("project_id"),
}
_COLUMNS = {"created_at": "created_at", "id": "id"}


def listed(caller: callers.Caller, *, page: paging.Page, filters: Mapping[str, str]) -> list[models.Operation]:
    """Return one page of the operations a caller may see, newest first; also those on what is gone.

    Raises `InvalidInput` for a filter nobody knows.
    """
    if unknown := [name for name in filters if name not in FILTERS]:
        raise errors.InvalidInput(f"There is no filter '{unknown[0]}'. Possible: {', '.join(FILTERS)}.")
    rows = models.Operation.objects.all()
    if not caller.is_admin:
        rows = rows.filter(project_id=caller.project_id)
    found = filtering.matching(rows, filters, columns=FILTERS)
    return list(paging.cut(found, page=page, columns=_COLUMNS, among=rows, noun="Operation"))

"""Operations as lists show them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from django.db.models import Q

from groups import callers, models, statuses
from groups.queries import filtering, paging, visible

OPEN = "open"
"""In place of a state: all that have not ended."""


def _state(value: str) -> Q:
    return Q(state__in=statuses.OPEN) if value == OPEN else Q(state=value)


FILTERS: Mapping[str, filtering.Condition] = {
    "subject_id": filtering.identity("subject_id"),
    "group_id": filtering.identity("group_id"),
    "since": filtering.since("created_at"),
    "until": filtering.until("created_at"),
    "kind": filtering.text("kind"),
    "state": _state,
    "project_id": filtering.text("project_id"),
}
_COLUMNS = {"created_at": "created_at", "id": "id"}


def listed(caller: callers.Caller, *, page: paging.Page, filters: Mapping[str, str]) -> list[models.Operation]:
    """Return one page of the operations a caller may see, newest first; also those on what is gone.

    Raises `InvalidInput` for a filter nobody knows.
    """
    rows = models.Operation.objects.all()
    if not caller.is_admin:
        rows = rows.filter(project_id=caller.project_id)
    found = filtering.matching(rows, filtering.known(filters, FILTERS), columns=FILTERS)
    return list(paging.cut(found, page=page, columns=_COLUMNS, among=rows, noun="Operation"))


def making(caller: callers.Caller, group_id: object) -> uuid.UUID | None:
    """Return the open operation that still makes a group, None where there is none. Raises `NotFound`."""
    group = visible.group(caller, group_id)
    found = models.Operation.objects.filter(group=group, kind=statuses.Kind.CREATE_GROUP, state__in=statuses.OPEN)
    return found.values_list("pk", flat=True).first()


def has_ended(operation_id: uuid.UUID) -> bool:
    """Tell whether an operation has ended, or is no more."""
    return not models.Operation.objects.filter(pk=operation_id, state__in=statuses.OPEN).exists()

"""User messages as lists and details show them."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import models as db

from groups import callers, clock, errors, models
from groups.queries import filtering, paging, visible

FILTERS: Mapping[str, filtering.Condition] = {
    "resource_uuid": filtering.identity("resource_uuid"),
    **{name: filtering.text(name) for name in ("resource_type", "event_id", "request_id", "message_level")},
}
SORT_KEYS: Mapping[str, str] = {name: name for name in (*FILTERS, "id", "created_at")}


def listed(caller: callers.Caller, *, page: paging.Page, filters: Mapping[str, str]) -> list[models.Message]:
    """Return one page of the messages a caller may see, those that have expired left out."""
    rows = _seen_by(caller)
    found = filtering.matching(rows, filters, columns=FILTERS)
    return list(paging.cut(found, page=page, columns=SORT_KEYS, among=rows, noun="Message"))


def one(caller: callers.Caller, message_id: object) -> models.Message:
    """Return a message. Raises `NotFound`."""
    known = visible.parsed_id(message_id)
    found = _seen_by(caller).filter(pk=known).first() if known else None
    if found is None:
        raise errors.NotFound(f"Message {message_id} could not be found.")
    return found


def _seen_by(caller: callers.Caller) -> db.QuerySet[models.Message]:
    rows = models.Message.objects.filter(expires_at__gt=clock.now())
    return rows if caller.is_admin else rows.filter(project_id=caller.project_id)

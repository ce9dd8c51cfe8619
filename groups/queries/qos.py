"""QoS specs as lists show them: one statement, however many there are."""

from __future__ import annotations

from collections.abc import Mapping

from groups import models
from groups.queries import filtering, paging

SORT_KEYS: Mapping[str, str] = {name: name for name in ("id", "name", "consumer", "created_at", "updated_at")}
FILTERS: Mapping[str, filtering.Condition] = {
    "id": filtering.identity("id"),
    "name": filtering.text("name"),
    "consumer": filtering.text("consumer"),
    "created_at": filtering.time("created_at"),
    "updated_at": filtering.time("updated_at"),
}


def listed(*, page: paging.Page, filters: Mapping[str, str]) -> list[models.QosSpecs]:
    """Return one page of QoS specs."""
    rows = models.QosSpecs.objects.all()
    found = filtering.matching(rows, filters, columns=FILTERS)
    return list(paging.cut(found, page=page, columns=SORT_KEYS, among=rows, noun="QoS specs"))

"""Findings as lists show them."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import models as db
from django.db.models.functions import Now

from groups import callers, errors, findings, models
from groups.queries import filtering, paging

FILTERS: Mapping[str, filtering.Condition] = {
    "code": filtering.text("code"),
    "severity": filtering.text("severity"),
    "subject_id": filtering.identity("subject_id"),
    "project_id": filtering.text("project_id"),
}
_STATES = ("open", "ignored", "closed", "all")
_COLUMNS = {"created_at": "created_at", "id": "id"}


def ignored() -> db.Q:
    """Return the condition that somebody asked not to be called by it for now."""
    return db.Q(ignored_until__gt=Now())


def open_rows() -> db.QuerySet[models.Finding]:
    """Return what is there now and calls for somebody, the worst first and the oldest of those first."""
    rows = models.Finding.objects.filter(closed_at__isnull=True).exclude(ignored())
    whens = [db.When(severity=word, then=place) for place, word in enumerate(findings.Severity)]
    return rows.order_by(db.Case(*whens, output_field=db.IntegerField()), "created_at", "id")


def is_open(group: models.Group, code: findings.Code) -> bool:
    """Tell whether this is found of a group now, asked not to be called by it or not."""
    return models.Finding.objects.filter(subject_id=group.pk, code=code, closed_at__isnull=True).exists()


def listed(caller: callers.Caller, *, page: paging.Page, filters: Mapping[str, str]) -> list[models.Finding]:
    """Return one page, newest first; `state` is open (as when not given), ignored, closed or all.

    Raises `InvalidInput` for a filter or state nobody knows.
    """
    wanted = dict(filters)
    state = wanted.pop("state", "open")
    if state not in _STATES:
        raise errors.InvalidInput(f"'{state}' is no state of findings. Possible: {', '.join(_STATES)}.")
    if unknown := [name for name in wanted if name not in FILTERS]:
        known = ", ".join(["state", *FILTERS])
        raise errors.InvalidInput(f"There is no filter '{unknown[0]}'. Possible: {known}.")
    rows = (
        models.Finding.objects.all() if caller.is_admin else models.Finding.objects.filter(project_id=caller.project_id)
    )
    found = filtering.matching(_in_state(rows, state), wanted, columns=FILTERS)
    return list(paging.cut(found, page=page, columns=_COLUMNS, among=rows, noun="Finding"))


def _in_state(rows: db.QuerySet[models.Finding], state: str) -> db.QuerySet[models.Finding]:
    match state:
        case "open":
            return rows.filter(closed_at__isnull=True).exclude(ignored())
        case "ignored":
            return rows.filter(ignored(), closed_at__isnull=True)
        case "closed":
            return rows.filter(closed_at__isnull=False)
        case _:
            return rows

"""Lists of drill plans and drills, as our own API and the console ask for them."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import models as db

from groups import callers, models
from groups.queries import filtering, paging

_PLANS = {"name": filtering.text("name"), "kind": filtering.text("kind"), "id": filtering.identity("pk")}
_RUNS = {
    "plan": filtering.identity("plan_id"),
    "group": filtering.identity("subject_id"),
    "verdict": filtering.text("verdict"),
    "trigger": filtering.text("trigger"),
    "id": filtering.identity("pk"),
}
_SORTED = {"created_at": "created_at", "id": "id"}


def plans(caller: callers.Caller, *, page: paging.Page, filters: Mapping[str, str]) -> db.QuerySet[models.DrillPlan]:
    """Return a page of the plans a caller may see."""
    rows = models.DrillPlan.objects.prefetch_related("groups")
    rows = rows if caller.is_admin else rows.filter(project_id=caller.project_id)
    found = filtering.matching(rows, filters, columns=_PLANS)
    return paging.cut(found, page=page, columns=_SORTED, among=rows, noun="Drill plan")


def runs(caller: callers.Caller, *, page: paging.Page, filters: Mapping[str, str]) -> db.QuerySet[models.DrillRun]:
    """Return a page of the drills a caller may see, newest first."""
    rows = models.DrillRun.objects.select_related("plan", "operation")
    rows = rows if caller.is_admin else rows.filter(project_id=caller.project_id)
    found = filtering.matching(rows, filters, columns=_RUNS)
    return paging.cut(found, page=page, columns=_SORTED, among=rows, noun="Drill")

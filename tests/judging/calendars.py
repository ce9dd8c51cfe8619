"""Holds what a plan's drills did against the plan: by the rows they left, and by a calendar of its own.

It asks nothing of the scheduler: windows, blackouts and days are worked out anew, freezes are read
from the audit trail, and how many ran at once from when each began and ended.
"""

from __future__ import annotations

import datetime
import itertools
import zoneinfo
from collections.abc import Iterable, Iterator, Sequence

from groups import models

Span = tuple[datetime.datetime, datetime.datetime]
_FROZEN, _THAWED = "drill:plan-freeze", "drill:plan-thaw"


def complaints(plan: models.DrillPlan, *, until: datetime.datetime) -> list[str]:
    """Return everything the plan's drills did that the plan does not allow, and each group proven too late."""
    runs = list(plan.runs.filter(operation__isnull=False).select_related("operation", "group").order_by("pk"))
    zone = zoneinfo.ZoneInfo(plan.timezone)
    frozen = list(_frozen(plan, until))
    found = []
    for run in runs:
        begun = run.operation.created_at
        found += [f"{run.group_name} began at {begun}: {why}" for why in _forbidden(plan, begun.astimezone(zone))]
        if any(start <= begun < end for start, end in frozen):
            found.append(f"{run.group_name} began at {begun}, while the plan was frozen")
        if begun < run.start_at:
            found.append(f"{run.group_name} began at {begun}, before its time {run.start_at}")
    return found + _crowds(plan, runs) + _late(plan, runs, until)


def _forbidden(plan: models.DrillPlan, local: datetime.datetime) -> Iterator[str]:
    """Yield what of the plan's calendar forbids a beginning at this local time."""
    for blackout in plan.blackouts:
        first, last = (datetime.date.fromisoformat(blackout[each]) for each in ("from", "to"))
        if first <= local.date() <= last:
            yield f"{local.date()} is blacked out"
    if plan.windows and not any(_within(window, local) for window in plan.windows):
        yield f"{local:%a %H:%M} is in no window"


def _within(window: dict[str, object], local: datetime.datetime) -> bool:
    """Tell whether a window that began today, or yesterday, holds a local time: by minutes since it began."""
    begin, end = (_minutes(str(window[each])) for each in ("from", "to"))
    length = (end - begin) % (24 * 60)
    for days_ago in (0, 1):
        day = local.date() - datetime.timedelta(days=days_ago)
        since = local.hour * 60 + local.minute + days_ago * 24 * 60 - begin
        if day.weekday() in (window.get("days") or range(7)) and 0 <= since < length:
            return True
    return False


def _minutes(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def _frozen(plan: models.DrillPlan, until: datetime.datetime) -> Iterator[Span]:
    """Yield when the plan was frozen, by what people did."""
    entries = models.AuditEntry.objects.filter(subject_id=str(plan.pk), action__in=(_FROZEN, _THAWED)).order_by("id")
    since: datetime.datetime | None = None
    for entry in entries:
        if entry.action == _FROZEN:
            since = since or entry.at
        elif since is not None:
            yield since, entry.at
            since = None
    if since is not None:
        yield since, until


def _crowds(plan: models.DrillPlan, runs: Sequence[models.DrillRun]) -> list[str]:
    """Return when more ran at once on a backend than the plan allows."""
    found = []
    for backend, own in itertools.groupby(sorted(runs, key=lambda run: run.backend_name), lambda run: run.backend_name):
        changes: list[tuple[datetime.datetime, int]] = []
        for run in own:
            changes.append((run.operation.created_at, 1))
            changes += [(run.operation.ended_at, -1)] if run.operation.ended_at else []
        running = 0
        # One that ends at the moment another begins has ended.
        for at, change in sorted(changes):
            running += change
            if running > plan.at_once:
                found.append(f"{running} drills ran at once on {backend} at {at}, and the plan allows {plan.at_once}")
    return found


def _late(plan: models.DrillPlan, runs: Iterable[models.DrillRun], until: datetime.datetime) -> list[str]:
    """Return each group that went longer without a proof than the plan's number of days."""
    if not plan.every_days:
        return []
    limit = datetime.timedelta(days=plan.every_days)
    groups = models.Group.objects.filter(backend=plan.backend) if plan.backend_id else plan.groups.all()
    proven: dict[object, list[datetime.datetime]] = {pk: [] for pk in groups.values_list("pk", flat=True)}
    for run in runs:
        if run.verdict == "passed" and run.ended_at:
            proven.setdefault(run.subject_id, []).append(run.ended_at)
    found = []
    for group, times in proven.items():
        moments = [plan.created_at, *sorted(times), until]
        longest = max(after - before for before, after in itertools.pairwise(moments))
        if longest > limit:
            found.append(f"group {group} went {longest} without a proof, and the plan allows {limit}")
    return found

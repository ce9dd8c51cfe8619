"""When drills are planned and when they may begin: cron, time zones, windows, blackouts, even spreading."""

from __future__ import annotations

import datetime
import hashlib
import re
import zoneinfo
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cronsim import CronSim, CronSimError

from groups import clock, errors, models

SLACK = 0.8
"""Where in the days allowed a group's next proof is planned: the rest is for windows, limits and failures."""
MOST_TIMES = 10
"""How many missed times are kept: of those before nobody learns anything."""
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d|24:00")
_DAY = datetime.timedelta(days=1)


def times(plan: models.DrillPlan, *, since: datetime.datetime, until: datetime.datetime) -> list[datetime.datetime]:
    """Return the newest times that a plan's cron expression names after one moment and up to another."""
    found: list[datetime.datetime] = []
    for moment in CronSim(plan.cron, since.astimezone(_zone(plan))):
        at = moment.astimezone(datetime.UTC)
        if at > until:
            break
        if at > since:
            found.append(at)
            del found[:-MOST_TIMES]
    return found


def next_times(plan: models.DrillPlan, *, now: datetime.datetime, count: int = 5) -> list[datetime.datetime]:
    """Return the next times of a plan; those of a plan without cron are each group's own."""
    if not plan.cron:
        return []
    found: Iterator[datetime.datetime] = CronSim(plan.cron, now.astimezone(_zone(plan)))
    return [moment.astimezone(datetime.UTC) for moment, _ in zip(found, range(count), strict=False)]


def spread(
    plan: models.DrillPlan, subject_id: object, *, since: datetime.datetime, until: datetime.datetime
) -> list[datetime.datetime]:
    """Return the newest of a group's own times between two moments: the same distance apart, each group at another."""
    days = plan.every_days or 1
    cycle = days * SLACK * _DAY
    seed = hashlib.sha256(f"{plan.pk}/{subject_id}".encode()).digest()
    begin = plan.created_at.replace(microsecond=0)
    phase = cycle * (int.from_bytes(seed[:8], "big") / 2**64)
    first = max(0, int((since - begin - phase) / cycle))
    found = []
    for number in range(first, first + MOST_TIMES + 2):
        at = begin + phase + number * cycle
        at = at.replace(microsecond=0)
        if since < at <= until:
            found.append(at)
    return found[-MOST_TIMES:]


def why_not_now(plan: models.DrillPlan, now: datetime.datetime) -> str:
    """Return what of a plan's calendar keeps its drills from beginning now; empty when nothing does."""
    if not plan.enabled:
        return "The plan is disabled."
    if plan.frozen:
        return "The plan is frozen."
    local = now.astimezone(_zone(plan))
    for blackout in plan.blackouts:
        if blackout["from"] <= local.date().isoformat() <= blackout["to"]:
            return f"A blackout lasts until {blackout['to']}."
    if plan.windows and not any(_is_open(window, local) for window in plan.windows):
        return "It is outside the plan's windows."
    return ""


def check(plan: models.DrillPlan) -> None:
    """Raise `InvalidInput` for a calendar that cannot be kept."""
    try:
        zone = _zone(plan)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        raise errors.InvalidInput(
            f"'{plan.timezone}' is no time zone; give one such as Europe/Berlin or UTC."
        ) from None
    if plan.cron and plan.every_days:
        raise errors.InvalidInput("Give a cron expression or a number of days, not both.")
    if plan.every_days == 0:
        raise errors.InvalidInput("Every group can be proven every day at most; give 1 or more days.")
    if plan.cron:
        try:
            next(CronSim(plan.cron, clock.now().astimezone(zone)))
        except (CronSimError, StopIteration):
            raise errors.InvalidInput(
                f"'{plan.cron}' is no cron expression of five fields that ever comes, such as '30 2 * * 6'."
            ) from None
    for window in plan.windows:
        _check_window(window)
    for blackout in plan.blackouts:
        _check_blackout(blackout)


def _check_window(window: object) -> None:
    good = isinstance(window, Mapping) and set(window) <= {"days", "from", "to"} and {"from", "to"} <= set(window)
    if not (
        good
        and all(isinstance(window[each], str) and _CLOCK.fullmatch(window[each]) for each in ("from", "to"))  # type: ignore[index]
        and all(day in range(7) for day in window.get("days", []))  # type: ignore[attr-defined]
        and window["from"] != window["to"]  # type: ignore[index]
    ):
        raise errors.InvalidInput(
            f"{window} is no window such as {{'days': [5, 6], 'from': '22:00', 'to': '05:00'}}; 0 is Monday."
        )


def _check_blackout(blackout: object) -> None:
    try:
        first, last = (datetime.date.fromisoformat(blackout[each]) for each in ("from", "to"))  # type: ignore[index]
        good = first <= last and set(blackout) == {"from", "to"}  # type: ignore[call-overload]
    except (TypeError, KeyError, ValueError):
        good = False
    if not good:
        raise errors.InvalidInput(
            f"{blackout} is no blackout such as {{'from': '2026-12-20', 'to': '2027-01-06'}}, first and last day."
        )


def _is_open(window: Mapping[str, Any], local: datetime.datetime) -> bool:
    """Tell whether a window is open; one that goes past midnight belongs to the day it begins on."""
    days: Sequence[int] = window.get("days") or range(7)
    clock, begin, end = f"{local:%H:%M}", window["from"], window["to"]
    if begin < end:
        return local.weekday() in days and begin <= clock < end
    if clock >= begin:
        return local.weekday() in days
    return clock < end and (local.weekday() - 1) % 7 in days


def _zone(plan: models.DrillPlan) -> zoneinfo.ZoneInfo:
    return zoneinfo.ZoneInfo(plan.timezone)

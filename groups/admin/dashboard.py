"""The front page: is everything protected, what runs, what needs somebody, who works."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path, reverse

from groups import clock, models, queues
from groups.admin import acting, live, shown, sites, watch, words
from groups.objectives import State
from groups.queries import objectives, overview, problems, safety, watching
from groups.queries.safety import Protection
from groups.services import policies

_GROUPS = 12
_OPERATIONS = 20
_FAILURES = 10
_FINDINGS = 8
_DRILLS = 5
_LATE = datetime.timedelta(minutes=5)
"""How long after its time a drill that has not begun is overdue."""
_NOT_SAFE = (Protection.BROKEN, Protection.AT_RISK)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Verdict:
    """The answer to the first question anybody has."""

    tone: words.Tone
    icon: str
    title: str
    text: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Part:
    """One part of the site: a worker's queue, or a tick."""

    name: str
    is_well: bool
    said: str


def front(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add what the front page shows, and only what the user may see."""
    if request.user.has_perm("groups.view_group"):
        context |= _groups()
    if request.user.has_perm("groups.view_finding"):
        context["findings"], context["more_findings"] = overview.findings_for_somebody(limit=_FINDINGS)
    if request.user.has_perm("groups.view_operation"):
        context |= _running()
        context["failures"] = overview.unanswered_failures(limit=_FAILURES)
    if request.user.has_perm("groups.view_drillrun"):
        now = clock.now()
        context["drills"] = [
            (row, row.operation is None and row.start_at < now - _LATE) for row in overview.drills_ahead(limit=_DRILLS)
        ]
        context["failed_drills"] = overview.failed_drills(limit=_DRILLS)
    if request.user.has_perm("groups.view_backend"):
        context["backends"] = _backends(may_fail_over=policies.allows(acting.caller(request), sites.FailOverSite.rule))
        context["parts"] = _parts(watching.standing())
    return context


def urls() -> list[URLPattern]:
    """Return the addresses of the front page's live part, and of the banner."""
    return [path("live/", admin.site.admin_view(running), name="live"), path("watch/", watch.watch, name="watch")]


def running(request: HttpRequest) -> HttpResponse:
    """Return the part of the front page that moves: the open operations."""
    if not request.user.has_perm("groups.view_operation"):
        return live.over()
    context = _running()
    return render(request, "console/running.html", context) if context["operations"] else live.over()


def verdict(counts: dict[Protection, int]) -> Verdict:
    """Return in a sentence whether everything is protected, and if not, how far from it."""
    total = sum(counts.values())
    broken, at_risk, away, bare = (
        counts.get(word, 0) for word in (Protection.BROKEN, Protection.AT_RISK, Protection.AWAY, Protection.UNPROTECTED)
    )
    safe = counts.get(Protection.PROTECTED, 0)
    said = f"{safe} of {total} groups are protected."
    if not total:
        return Verdict(tone="idle", icon="shield", title="There is no group yet.", text="Nothing is protected.")
    if broken:
        return Verdict(tone="bad", icon="gpp_bad", title=f"{_groups_need(broken)} somebody now", text=said)
    if at_risk:
        title = f"{at_risk} group{' is' if at_risk == 1 else 's are'} at risk"
        return Verdict(tone="warning", icon="gpp_maybe", title=title, text=said)
    if away or bare:
        parts = [f"{away} run on a secondary" if away else "", f"{bare} are not replicated" if bare else ""]
        text = f"{said} {' and '.join(part for part in parts if part).capitalize()}."
        return Verdict(tone="warning", icon="shield_question", title="Not every group is protected", text=text)
    return Verdict(tone="good", icon="verified_user", title="Everything is protected", text=said)


def _groups_need(count: int) -> str:
    return "1 group needs" if count == 1 else f"{count} groups need"


def _groups() -> dict[str, Any]:
    counts = safety.counts()
    worst = overview.worst_groups(limit=_GROUPS)
    total = sum(counts.values())
    return {
        "verdict": verdict(counts),
        "counts": [
            {
                "badge": words.protection_badge(word),
                "groups": count,
                "url": shown.listing(models.Group, f"protection={word.name.lower()}"),
            }
            for word, count in counts.items()
        ],
        "groups": list(zip(worst, objectives.standings(worst), strict=True)),
        "more_groups": max(0, total - _GROUPS),
        "groups_url": shown.listing(models.Group),
        "missed": State.CRITICAL,
    }


def _backends(*, may_fail_over: bool) -> list[tuple[models.Backend, list[safety.SideHealth], str]]:
    """Return each backend, how its sides answer, and where its site is failed over if its active side does not."""
    found, seen = [], safety.sides()
    for row in overview.backends():
        sides = seen.get(row.name, [])
        is_silent = any(side.silent for side in sides if side.backend_id == row.active_backend_id)
        offered = may_fail_over and is_silent and any(row.targets.all())
        found.append((row, sides, reverse("admin:groups_backend_failover_site", args=(row.pk,)) if offered else ""))
    return found


def _running() -> dict[str, Any]:
    operations = overview.open_operations(limit=_OPERATIONS)
    return {"operations": operations, "live": reverse("admin:live") if operations else ""}


def _parts(standing: watching.Standing) -> list[Part]:
    """Return how the workers of each queue and the ticks are."""
    parts = []
    for queue in queues.ALL:
        readers = standing.readers(queue)
        waited = standing.waiting_seconds.get(queue, 0.0)
        said = f"{len(readers)} worker{'' if len(readers) == 1 else 's'}"
        said += f", an operation has waited {shown.span(waited)}" if waited else ""
        parts.append(Part(name=f"Queue {queue}", is_well=bool(readers), said=said))
    for tick, every in problems.tick_intervals().items():
        seconds = standing.tick_seconds.get(tick)
        said = "never done" if seconds is None else f"done {shown.span(seconds)} ago, due every {every:g} s"
        is_well = seconds is not None and not problems.is_late(seconds, every=every)
        parts.append(Part(name=f"Tick {tick}", is_well=is_well, said=said))
    return parts

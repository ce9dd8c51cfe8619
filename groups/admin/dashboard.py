"""The front page: is everything protected, what runs, what failed, what is there."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path, reverse

from groups import models, statuses
from groups.admin import live, shown, watch, words
from groups.queries import overview

_GROUPS = 12
_OPERATIONS = 20
_FAILURES = 10
_FINDINGS = 8


def front(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add what the front page shows, and only what the user may see."""
    if request.user.has_perm("groups.view_group"):
        counts = overview.replication_counts()
        context["counts"] = [
            {
                "badge": words.badge(word, statuses.ReplicationStatus),
                "groups": count,
                "url": shown.listing(models.Group, f"replication_status__exact={word}"),
            }
            for word, count in counts
        ]
        context["groups"] = overview.worst_groups(limit=_GROUPS)
        context["more_groups"] = max(0, sum(count for _, count in counts) - _GROUPS)
        context["groups_url"] = shown.listing(models.Group)
    if request.user.has_perm("groups.view_finding"):
        context["findings"], context["more_findings"] = overview.findings_for_somebody(limit=_FINDINGS)
    if request.user.has_perm("groups.view_operation"):
        context |= _running()
        context["failures"] = overview.unanswered_failures(limit=_FAILURES)
    if request.user.has_perm("groups.view_backend"):
        context["backends"] = list(overview.backends())
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


def _running() -> dict[str, Any]:
    operations = overview.open_operations(limit=_OPERATIONS)
    return {"operations": operations, "live": reverse("admin:live") if operations else ""}

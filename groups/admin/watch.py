"""The banner on every page: who does not work who should, what that stops, and how much was found."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from groups import findings, models
from groups.admin import shown
from groups.queries import problems, watching

_OPEN_AND_CRITICAL = "closed_at__isnull=True&severity__exact=critical"


def watch(request: HttpRequest) -> HttpResponse:
    """Return the banner alone for a page that polls it, as a page of its own for anybody else."""
    if "HX-Request" not in request.headers:
        return admin.site.admin_view(_page)(request)
    if not admin.site.has_permission(request):
        # The session has ended: the page stays as it is, and stops polling.
        return HttpResponse(status=286)
    return render(request, "console/banner.html", _found(request))


def _page(request: HttpRequest) -> HttpResponse:
    context = {**admin.site.each_context(request), "title": "Who works, and what was found", **_found(request)}
    return render(request, "console/watch.html", context)


def _found(request: HttpRequest) -> dict[str, object]:
    # Red first: what keeps failovers from being done.
    said = sorted(problems.of(watching.standing()), key=lambda problem: not problem.stops_failovers)
    critical = 0
    if request.user.has_perm("groups.view_finding"):
        counts = watching.open_findings()
        critical = sum(count for (_, severity), count in counts.items() if severity == findings.Severity.CRITICAL)
    return {"problems": said, "critical": critical, "findings_url": shown.listing(models.Finding, _OPEN_AND_CRITICAL)}

"""The console's doors to `groups`, on django-unfold.

Belongs here: lists, pages, forms, and how values look. Not here: rules. Whatever changes
something calls a service, and asks first on a page of its own; what the engine owns is read
only.
"""

from django.contrib import admin

from groups.admin import (
    access,
    attachments,
    audits,
    backends,
    dashboard,
    drill_plans,
    drills,
    findings,
    groups,
    objectives,
    operations,
    results,
    sites,
    snapshots,
    types,
    volumes,
)

admin.site.index_title = "Overview"
admin.site.index_template = "console/front.html"
admin.site.extra_urls = dashboard.urls  # type: ignore[attr-defined]

__all__ = [
    "access",
    "attachments",
    "audits",
    "backends",
    "dashboard",
    "drill_plans",
    "drills",
    "findings",
    "groups",
    "objectives",
    "operations",
    "results",
    "sites",
    "snapshots",
    "types",
    "volumes",
]

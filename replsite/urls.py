"""Which door each address leads to."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path
from django.views import generic

from replsite import health, metrics

handler500 = "groups.admin.failures.page_failed"

urlpatterns = [
    path("healthz", health.live),
    path("healthcheck", health.check),
    path("readyz", health.ready),
    path("metrics", metrics.show),
    path("admin", generic.RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("", include("groups.api.urls")),
]

"""Which view each address of the API leads to."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from groups.api import documents

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("groups.api.identity.urls")),
    path("api/schema/", documents.schema),
    path("api/docs/", documents.page),
    path("api/docs/start.js", documents.script),
    path("api/", include("groups.api.native.urls")),
    path("", include("groups.api.v3.urls")),
]

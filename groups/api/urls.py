"""Which view each address of the API leads to."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("groups.api.identity.urls")),
    path("api/", include("groups.api.native.urls")),
    path("", include("groups.api.v3.urls")),
]

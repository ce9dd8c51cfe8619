"""Which view each address of the API leads to."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views import generic

from groups.api import documents

_PAGE = generic.RedirectView.as_view(url="/api/docs/")

urlpatterns: list[URLPattern | URLResolver] = [
    path("identity", include("groups.api.identity.urls")),
    re_path(r"^api/?\Z", _PAGE),
    re_path(r"^api/schema/?\Z", documents.schema),
    path("api/docs", _PAGE),
    path("api/docs/", documents.page),
    path("api/docs/start.js", documents.script),
    path("api/", include("groups.api.native.urls")),
    path("", include("groups.api.v3.urls")),
]

"""Which address leads where, each with and without a slash at its end."""

from __future__ import annotations

import re

from django.urls import URLPattern, re_path

from groups.api.identity import discovery, projects, resource, tokens


def _at(address: str, view: type[resource.Public]) -> URLPattern:
    pattern = re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", address)
    return re_path(rf"^identity{pattern}/?\Z", view.as_view(address=f"/identity{address}"))


urlpatterns = [
    _at("", discovery.Versions),
    _at("/v3", discovery.Version),
    _at("/v3/auth/tokens", tokens.Tokens),
    _at("/v3/auth/projects", projects.Projects),
    _at("/v3/auth/catalog", projects.Catalog),
    _at("/v3/projects", projects.Projects),
    _at("/v3/projects/{project_id}", projects.Project),
    _at("/v3/users", projects.Users),
    _at("/v3/users/{user_id}", projects.User),
    re_path(r"^identity/", resource.NotRouted.as_view()),
]

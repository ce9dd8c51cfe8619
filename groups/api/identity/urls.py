"""Which address after `/identity` leads where, each with and without a slash at its end."""

from __future__ import annotations

import re

from django.urls import URLPattern, re_path

from groups.api.identity import discovery, projects, resource, roles, services, tokens, users


def _at(address: str, view: type[resource.Public]) -> URLPattern:
    pattern = re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", address)
    return re_path(rf"^{pattern}/?\Z", view.as_view(address=f"/identity{address}"))


urlpatterns = [
    _at("", discovery.Versions),
    _at("/v3", discovery.Version),
    _at("/v3/auth/tokens", tokens.Tokens),
    _at("/v3/auth/projects", projects.OwnProjects),
    _at("/v3/auth/catalog", services.Catalog),
    _at("/v3/auth/domains", services.LogInDomains),
    _at("/v3/auth/system", services.LogInSystem),
    _at("/v3/projects", projects.Projects),
    _at("/v3/projects/{project_id}", projects.Project),
    _at("/v3/projects/{project_id}/users/{user_id}/roles", roles.UserRoles),
    _at("/v3/projects/{project_id}/users/{user_id}/roles/{role_id}", roles.UserRole),
    _at("/v3/users", users.Users),
    _at("/v3/users/{user_id}", users.User),
    _at("/v3/users/{user_id}/password", users.Password),
    _at("/v3/users/{user_id}/projects", users.UserProjects),
    _at("/v3/users/{user_id}/groups", users.UserGroups),
    _at("/v3/roles", roles.Roles),
    _at("/v3/roles/{role_id}", roles.Role),
    _at("/v3/role_assignments", roles.Assignments),
    _at("/v3/domains", services.Domains),
    _at("/v3/domains/{domain_id}", services.Domain),
    _at("/v3/services", services.Services),
    _at("/v3/services/{service_id}", services.Service),
    _at("/v3/endpoints", services.Endpoints),
    _at("/v3/endpoints/{endpoint_id}", services.Endpoint),
    _at("/v3/regions", services.Regions),
    _at("/v3/regions/{region_id}", services.Region),
    re_path(r"^/", resource.NotRouted.as_view()),
]

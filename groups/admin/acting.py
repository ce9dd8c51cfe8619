"""Who acts: the user of the console as the services know callers."""

from __future__ import annotations

import uuid

from django.http import HttpRequest

from groups import callers, models
from groups.queries import access


def caller(request: HttpRequest, *, project_id: str = "") -> callers.Caller:
    """Return the user of a request as a caller in a project.

    A superuser is an admin everywhere; others have their role in the project, and without one
    they may only read.
    """
    user = request.user
    return callers.Caller(
        user_id=str(user.pk),
        user_name=user.get_username(),
        project_id=project_id,
        roles=_roles(request, project_id),
        request_id=f"req-{uuid.uuid4()}",
        door="console",
    )


def projects(request: HttpRequest, *, role: str) -> list[models.Project]:
    """Return the projects a user has a role in, for what is made in one of them; read once a request."""
    # The menu asks several times for each page.
    kept: dict[str, list[models.Project]] = request.__dict__.setdefault("_projects_by_role", {})
    if role not in kept:
        kept[role] = _projects(request, role)
    return kept[role]


def _projects(request: HttpRequest, role: str) -> list[models.Project]:
    rows = models.Project.objects.filter(enabled=True)
    if not request.user.is_superuser:
        # A role that a setting names is implied by an admin's alone.
        enough = {role, callers.ADMIN, *(each for each in callers.ROLES if role in callers.implied(each))}
        mine = models.RoleAssignment.objects.filter(user_id=request.user.pk or 0, role__in=enough)
        rows = rows.filter(pk__in=mine.values("project_id"))
    return list(rows)


def _roles(request: HttpRequest, project_id: str) -> frozenset[str]:
    user = request.user
    if user.is_superuser:
        return callers.implied(callers.ADMIN)
    found = access.roles_in(user, project_id) if user.is_authenticated and project_id else frozenset()
    return found | callers.implied(callers.READER)

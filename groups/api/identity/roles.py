"""Roles, and who has which in which project."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from groups import callers, errors, models
from groups.api import addresses
from groups.api.describing import describe
from groups.api.identity import answers, projects, resource, rows, shapes, users
from groups.services import directory, policies


class Roles(resource.Resource):
    """The roles there are: ours, and those that settings ask for."""

    @describe({200: shapes.ROLES}, query=(shapes.NAME,))
    def get(self, request: Request) -> HttpResponse:
        """List them, all or the one of a name."""
        wanted = request.query_params.get("name")
        found = [role for role in _known() if wanted in (None, role)]
        return resource.listed(request, "roles", [rows.role(role, base=addresses.base(request)) for role in found])

    @describe({}, refusals=(403,))
    def post(self, request: Request) -> HttpResponse:
        """Refuse: a role that no verb asks for would allow nothing."""
        self.require_admin()
        raise errors.Forbidden(
            "Roles are not made here: a role that no verb asks for would allow nothing.",
            remedy="Name the role in a setting, such as REPLSITE_FAILOVER_ROLE.",
        )


class Role(resource.Resource):
    """One of them."""

    @describe({200: shapes.ROLE}, refusals=(404,))
    def get(self, request: Request, role_id: str) -> HttpResponse:
        """Show it."""
        return answers.document({"role": rows.role(_named(role_id), base=addresses.base(request))})


class UserRoles(resource.Resource):
    """The roles a user was given in a project."""

    @describe({200: shapes.ROLES}, refusals=(404,))
    def get(self, request: Request, project_id: str, user_id: str) -> HttpResponse:
        """List them."""
        project, user = projects.project_of(self.asker, project_id), users.user_of(self.asker, user_id)
        given = models.RoleAssignment.objects.filter(project=project, user=user).values_list("role", flat=True)
        return resource.listed(request, "roles", [rows.role(role, base=addresses.base(request)) for role in given])


class UserRole(resource.Resource):
    """One role of a user in a project: given, looked at, taken."""

    @describe({204: None}, refusals=(403, 404))
    def get(self, request: Request, project_id: str, user_id: str, role_id: str) -> HttpResponse:
        """Say that they have it."""
        found = self._found(project_id, user_id, role_id)
        if not models.RoleAssignment.objects.filter(**found).exists():
            raise errors.NotFound(f"User {found['user']} has no role {found['role']} in project {found['project']}.")
        return answers.empty()

    @describe({204: None}, refusals=(403, 404))
    def put(self, request: Request, project_id: str, user_id: str, role_id: str) -> HttpResponse:
        """Give it."""
        directory.grant(self.caller, **self._found(project_id, user_id, role_id))
        return answers.empty()

    @describe({204: None}, refusals=(403, 404))
    def delete(self, request: Request, project_id: str, user_id: str, role_id: str) -> HttpResponse:
        """Take it."""
        directory.withdraw(self.caller, **self._found(project_id, user_id, role_id))
        return answers.empty()

    def _found(self, project_id: str, user_id: str, role_id: str) -> dict[str, Any]:
        project = projects.project_of(self.asker, project_id)
        self.require_admin()
        return {"project": project, "user": users.user_of(self.asker, user_id), "role": _named(role_id)}


class Assignments(resource.Resource):
    """Who has which role where: everybody's for an admin, for others their own."""

    @describe({200: shapes.ASSIGNMENTS}, query=shapes.ASSIGNMENT_QUERY, refusals=(404,))
    def get(self, request: Request) -> HttpResponse:
        """List them."""
        query = request.query_params
        found = models.RoleAssignment.objects.select_related("user", "project").filter(project__deleted_at=None)
        if callers.ADMIN not in self.asker.roles:
            found = found.filter(user=self.asker.user)
        user_id = query.get("user.id")
        if user_id is not None:
            found = found.filter(user__pk=int(user_id)) if user_id.isdecimal() and len(user_id) < 18 else found.none()
        if (project_id := query.get("scope.project.id")) is not None:
            found = found.filter(project_id=project_id)
        if (role_id := query.get("role.id")) is not None:
            found = found.filter(role=_named(role_id))
        with_names = query.get("include_names", "false").lower() not in ("false", "0")
        items = [rows.assignment(row, with_names=with_names, base=addresses.base(request)) for row in found]
        return resource.listed(request, "role_assignments", items)


def _known() -> tuple[str, ...]:
    return (*callers.ROLES, *policies.further_roles())


def _named(role_id: str) -> str:
    for role in _known():
        if rows.role_id(role) == role_id:
            return role
    raise errors.NotFound(f"Could not find role: {role_id}.")

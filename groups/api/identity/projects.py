"""Projects, as far as the asker may see them; for admins also to add, change and take away."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from groups import errors, models
from groups.api import addresses
from groups.api.describing import describe
from groups.api.identity import answers, bodies, resource, rows, shapes
from groups.queries import access
from groups.services import directory, identity


class OwnProjects(resource.Resource):
    """The projects the asker may log in for."""

    @describe({200: shapes.PROJECTS}, query=shapes.NAMED)
    def get(self, request: Request) -> HttpResponse:
        """List them, all or the one of a name."""
        found = resource.asked(request, access.projects(self.asker.user), name="name")
        return resource.listed(request, "projects", [rows.project(row, base=addresses.base(request)) for row in found])


class Projects(resource.Resource):
    """All projects, for an admin; for others the same as above."""

    @describe({200: shapes.PROJECTS}, query=shapes.NAMED_OR_DISABLED)
    def get(self, request: Request) -> HttpResponse:
        """List them, all or the one of a name."""
        found = resource.asked(request, access.known_projects(self.asker), name="name")
        found = resource.enabled(request, found, column="enabled")
        return resource.listed(request, "projects", [rows.project(row, base=addresses.base(request)) for row in found])

    @describe({201: shapes.PROJECT}, body=shapes.NEW_PROJECT, refusals=(403, 409))
    def post(self, request: Request) -> HttpResponse:
        """Add one."""
        self.require_admin()
        wanted = bodies.read(request.body, bodies.NewProjectBody).project
        resource.refuse_other_domain(wanted.domain_id)
        made = identity.add_project(self.caller, name=wanted.name, description=wanted.description or "")
        if not wanted.enabled:
            directory.change_project(self.caller, project=made, enabled=False)
            made.refresh_from_db()
        return answers.document({"project": rows.project(made, base=addresses.base(request))}, status=201)


class Project(resource.Resource):
    """One of them."""

    @describe({200: shapes.PROJECT}, refusals=(404,))
    def get(self, request: Request, project_id: str) -> HttpResponse:
        """Show it."""
        found = project_of(self.asker, project_id)
        return answers.document({"project": rows.project(found, base=addresses.base(request))})

    @describe({200: shapes.PROJECT}, body=shapes.CHANGED_PROJECT, refusals=(403, 404, 409))
    def patch(self, request: Request, project_id: str) -> HttpResponse:
        """Change it."""
        found = project_of(self.asker, project_id)
        self.require_admin()
        changes = bodies.read(request.body, bodies.ChangedProjectBody).project.model_dump(exclude_none=True)
        if changes:
            directory.change_project(self.caller, project=found, **changes)
            found.refresh_from_db()
        return answers.document({"project": rows.project(found, base=addresses.base(request))})

    @describe({204: None}, refusals=(400, 403, 404))
    def delete(self, request: Request, project_id: str) -> HttpResponse:
        """Take it away."""
        found = project_of(self.asker, project_id)
        self.require_admin()
        directory.remove_project(self.caller, project=found)
        return answers.empty()


def project_of(asker: access.Access, project_id: str) -> models.Project:
    """Return a project that the asker may see. Raises `NotFound`."""
    found = access.known_projects(asker).filter(pk=project_id).first() if access.storable(project_id) else None
    if found is None:
        raise errors.NotFound(f"Could not find project: {project_id}.")
    return found

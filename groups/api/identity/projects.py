"""Projects, users and the catalog, as far as the asker may see them."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db import models as db
from django.http import HttpResponse
from rest_framework.request import Request

from groups import errors
from groups.api import addresses
from groups.api.describing import describe
from groups.api.identity import answers, bodies, resource, rows, shapes
from groups.queries import access

_Row = TypeVar("_Row", bound=db.Model)


class Projects(resource.Resource):
    """The projects the asker may log in for."""

    @describe({200: shapes.PROJECTS}, query=shapes.NAMED)
    def get(self, request: Request) -> HttpResponse:
        """List them, all or the one of a name."""
        found = _asked(request, access.projects(self.asker.user), name="name")
        return _listed(request, "projects", [rows.project(row, base=addresses.base(request)) for row in found])


class Project(resource.Resource):
    """One of them."""

    @describe({200: shapes.PROJECT}, refusals=(404,))
    def get(self, request: Request, project_id: str) -> HttpResponse:
        """Show it."""
        found = access.projects(self.asker.user).filter(pk=project_id).first() if access.storable(project_id) else None
        if found is None:
            raise errors.NotFound(f"Could not find project: {project_id}.")
        return answers.document({"project": rows.project(found, base=addresses.base(request))})


class Users(resource.Resource):
    """The users, for an admin; for others only themselves."""

    @describe({200: shapes.USERS}, query=shapes.NAMED)
    def get(self, request: Request) -> HttpResponse:
        """List them, all or the one of a name."""
        found = _asked(request, access.users(self.asker), name="username")
        return _listed(request, "users", [rows.user(row, base=addresses.base(request)) for row in found])


class User(resource.Resource):
    """One of them."""

    @describe({200: shapes.USER}, refusals=(404,))
    def get(self, request: Request, user_id: str) -> HttpResponse:
        """Show it."""
        found = access.users(self.asker).filter(username=access.name_of(user_id)).first()
        if found is None:
            raise errors.NotFound(f"Could not find user: {user_id}.")
        return answers.document({"user": rows.user(found, base=addresses.base(request))})


class Catalog(resource.Resource):
    """Where the services are."""

    @describe({200: shapes.CATALOG})
    def get(self, request: Request) -> HttpResponse:
        """Show it for the asker's project."""
        project = self.asker.project
        return _listed(request, "catalog", rows.catalog(project, base=addresses.base(request)) if project else [])


def _asked(request: Request, found: db.QuerySet[_Row], *, name: str) -> db.QuerySet[_Row]:
    wanted = request.query_params.get("name")
    domain = request.query_params.get("domain_id", bodies.DOMAIN_ID)
    if domain != bodies.DOMAIN_ID or not access.storable(wanted or ""):
        return found.none()
    return found if wanted is None else found.filter(**{name: wanted})


def _listed(request: Request, noun: str, found: list[dict[str, Any]]) -> HttpResponse:
    links = {"self": f"{addresses.base(request)}{request.path}", "next": None, "previous": None}
    return answers.document({noun: found, "links": links})

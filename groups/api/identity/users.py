"""Users: all for an admin, who also adds, changes and takes them away; for others only themselves."""

from __future__ import annotations

from django.contrib.auth.models import User as UserRow
from django.http import HttpResponse
from rest_framework.request import Request

from groups import errors
from groups.api import addresses, authentication
from groups.api.describing import describe
from groups.api.identity import answers, bodies, resource, rows, shapes
from groups.queries import access
from groups.services import directory


class Users(resource.Resource):
    """The users."""

    @describe({200: shapes.USERS}, query=shapes.NAMED_OR_DISABLED)
    def get(self, request: Request) -> HttpResponse:
        """List them, all or the one of a name."""
        found = resource.asked(request, access.users(self.asker), name="username")
        found = resource.enabled(request, found, column="is_active")
        return resource.listed(request, "users", [rows.user(row, base=addresses.base(request)) for row in found])

    @describe({201: shapes.USER}, body=shapes.NEW_USER, refusals=(403, 409))
    def post(self, request: Request) -> HttpResponse:
        """Add one."""
        self.require_admin()
        wanted = bodies.read(request.body, bodies.NewUserBody).user
        resource.refuse_other_domain(wanted.domain_id)
        made = directory.add_user(
            self.caller,
            name=wanted.name,
            password=wanted.password,
            email=wanted.email or "",
            is_active=wanted.enabled,
        )
        return answers.document({"user": rows.user(made, base=addresses.base(request))}, status=201)


class User(resource.Resource):
    """One of them."""

    @describe({200: shapes.USER}, refusals=(404,))
    def get(self, request: Request, user_id: str) -> HttpResponse:
        """Show it."""
        return answers.document({"user": rows.user(user_of(self.asker, user_id), base=addresses.base(request))})

    @describe({200: shapes.USER}, body=shapes.CHANGED_USER, refusals=(403, 404, 409))
    def patch(self, request: Request, user_id: str) -> HttpResponse:
        """Change it."""
        found = user_of(self.asker, user_id)
        self.require_admin()
        wanted = bodies.read(request.body, bodies.ChangedUserBody).user
        columns = {"username": wanted.name, "email": wanted.email, "is_active": wanted.enabled}
        changes = {name: value for name, value in columns.items() if value is not None}
        directory.change_user(self.caller, user=found, password=wanted.password, **changes)
        return answers.document({"user": rows.user(found, base=addresses.base(request))})

    @describe({204: None}, refusals=(403, 404))
    def delete(self, request: Request, user_id: str) -> HttpResponse:
        """Take it away."""
        found = user_of(self.asker, user_id)
        self.require_admin()
        directory.remove_user(self.caller, user=found)
        return answers.empty()


class Password(resource.Resource):
    """A user's own password."""

    @describe({204: None}, body=shapes.NEW_PASSWORD, refusals=(403, 404))
    def post(self, request: Request, user_id: str) -> HttpResponse:
        """Change it for the one that is shown; every token of the user ends."""
        found = user_of(self.asker, user_id)
        if found != self.asker.user:
            raise errors.Forbidden("Only its user changes a password this way.", remedy="An admin sets another one.")
        wanted = bodies.read(request.body, bodies.NewPasswordBody).user
        directory.change_own_password(
            found,
            old=wanted.original_password,
            new=wanted.password,
            address=authentication.address_of(request),
        )
        return answers.empty()


class UserProjects(resource.Resource):
    """The projects a user has a role in."""

    @describe({200: shapes.PROJECTS}, refusals=(404,))
    def get(self, request: Request, user_id: str) -> HttpResponse:
        """List them."""
        found = access.projects(user_of(self.asker, user_id))
        return resource.listed(request, "projects", [rows.project(row, base=addresses.base(request)) for row in found])


class UserGroups(resource.Resource):
    """The groups of users a user is in: there are none."""

    @describe({200: shapes.USER_GROUPS}, refusals=(404,))
    def get(self, request: Request, user_id: str) -> HttpResponse:
        """List none."""
        user_of(self.asker, user_id)
        return resource.listed(request, "groups", [])


def user_of(asker: access.Access, user_id: str) -> UserRow:
    """Return a user that the asker may see. Raises `NotFound`."""
    found = access.users(asker).filter(username=access.name_of(user_id)).first()
    if found is None:
        raise errors.NotFound(f"Could not find user: {user_id}.")
    return found

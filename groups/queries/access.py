"""What a logged-in user may do in which project."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection
from typing import Any

from django.contrib.auth.models import User
from django.db import models as db

from groups import callers, errors, models
from groups.compiled import Select, slot

_PROJECT_ID = re.compile(r"[0-9a-f]{32}")
# What every database can hold as a key.
_LONGEST_USER_ID = 18

_GIVEN = Select(
    lambda: (
        models.RoleAssignment.objects.filter(user_id=slot("user"), project_id=slot("project"))
        .order_by()
        .values_list("role", flat=True)
    )
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Access:
    """A user with the project they chose and their roles in it; without a project there are no roles."""

    user: User
    project: models.Project | None
    roles: frozenset[str]

    def caller(self, *, door: str, request_id: str = "") -> callers.Caller:
        """Return who asks, for the verbs. Raises `Forbidden` without a project."""
        if self.project is None:
            raise errors.Forbidden(
                f"User {self.user.username} is logged in for no project.",
                remedy="Log in for a project you have a role in; an admin can give you one.",
            )
        return callers.Caller(
            user_id=str(self.user.pk),
            user_name=self.user.username,
            project_id=self.project.pk,
            roles=self.roles,
            request_id=request_id,
            door=door,
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Visitor:
    """Somebody whom Keystone knows, with their project and their roles in it."""

    user_id: str
    user_name: str
    project: models.Project | None
    roles: frozenset[str]

    def caller(self, *, door: str, request_id: str = "") -> callers.Caller:
        """Return who asks, for the verbs. Raises `Forbidden` without a project."""
        if self.project is None:
            raise errors.Forbidden(
                f"The token of {self.user_name} is for no project.", remedy="Get a token for a project from Keystone."
            )
        return callers.Caller(
            user_id=self.user_id,
            user_name=self.user_name or self.user_id,
            project_id=self.project.pk,
            roles=self.roles,
            request_id=request_id,
            door=door,
        )


def to(user: User, project: models.Project | None, *, given: Collection[str] | None = None) -> Access:
    """Return a user's access to a project. Raises `NotAuthenticated` when they have none.

    A superuser without a role of their own is admin in every project. `given` are the roles they were given
    there, for who has read them already.
    """
    if not user.is_active:
        raise errors.NotAuthenticated(f"User {user.username} is disabled.", remedy="Have an admin enable it.")
    if project is None:
        return Access(user=user, project=None, roles=frozenset())
    roles = roles_in(user, project.pk, given=given)
    if not roles or not project.enabled:
        raise _refused(user, project.pk)
    return Access(user=user, project=project, roles=roles)


def roles_in(user: User, project_id: str, *, given: Collection[str] | None = None) -> frozenset[str]:
    """Return a user's roles in a project, with those they include; `given` as above."""
    if given is None:
        given = _GIVEN.all(user=user.pk, project=project_id)
    return callers.expanded(given or ([callers.ADMIN] if user.is_superuser else []))


def projects(user: User) -> db.QuerySet[models.Project]:
    """Return the enabled projects a user may choose, by name."""
    rows = models.Project.objects.filter(enabled=True, deleted_at=None).order_by("name")
    return rows if user.is_superuser else rows.filter(role_assignments__user=user).distinct()


def known_projects(asker: Access) -> db.QuerySet[models.Project]:
    """Return the projects the asker may see: all as an admin, else those they may choose."""
    if callers.ADMIN in asker.roles:
        return models.Project.objects.filter(deleted_at=None).order_by("name")
    return projects(asker.user)


def first(user: User) -> Access:
    """Return the access of a user who named no project: to the first that is theirs, else to none."""
    own = models.Project.objects.filter(enabled=True, role_assignments__user=user).order_by("name").first()
    return to(user, own or projects(user).first())


def chosen(user: User, id_or_name: str) -> Access:
    """Return a user's access to the project of an id or name. Raises `NotAuthenticated`."""
    project = _named(id_or_name)
    if project is None or not project.enabled or not roles_in(user, project.pk):
        # One sentence for all, or anybody could find out which projects there are.
        raise _refused(user, id_or_name)
    return to(user, project)


def at_address(user: User, project_id: str | None) -> Access:
    """Return a user's access to the project that an address names, or else to their first one.

    A project that is not theirs is left to the door: its address is wrong, not the password.
    """
    if project_id is None:
        return first(user)
    try:
        return chosen(user, project_id)
    except errors.NotAuthenticated:
        return first(user)


def project(id_or_name: str) -> models.Project:
    """Return a project by its id or name. Raises `NotFound`."""
    found = _named(id_or_name)
    if found is None:
        raise errors.NotFound(f"Project {id_or_name} could not be found.")
    return found


def user(name: str) -> User:
    """Return a user by name. Raises `NotFound`."""
    found = User.objects.filter(username=User.normalize_username(name)).first() if storable(name) else None
    if found is None:
        raise errors.NotFound(f"User {name} could not be found.")
    return found


def storable(text: Any) -> bool:
    """Tell whether a text could be in the database at all, so that asking for it is no error."""
    if not isinstance(text, str) or "\0" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def possible_project_id(text: str) -> bool:
    """Tell whether a project could have this id."""
    return _PROJECT_ID.fullmatch(text) is not None


def users(asker: Access) -> db.QuerySet[User]:
    """Return the users the asker may see: all as an admin, else only themselves."""
    rows = User.objects.order_by("username")
    return rows if callers.ADMIN in asker.roles else rows.filter(pk=asker.user.pk)


def name_of(user_id: str) -> str:
    """Return the name of a user by id, an empty one when there is no such user."""
    if not user_id.isascii() or not user_id.isdigit() or len(user_id) > _LONGEST_USER_ID:
        return ""
    return User.objects.filter(pk=int(user_id)).values_list("username", flat=True).first() or ""


def _refused(user: User, project: str) -> errors.NotAuthenticated:
    return errors.NotAuthenticated(
        f"User {user.username} has no role in project {project}, or it is disabled.",
        remedy="Choose a project with a role for this user, or have an admin give one.",
    )


def _named(id_or_name: str) -> models.Project | None:
    if not storable(id_or_name):
        return None
    # A name may look like an id: the project that has it as its id comes first.
    rows = models.Project.objects.filter(deleted_at=None)
    by_id = rows.filter(pk=id_or_name).first() if _PROJECT_ID.fullmatch(id_or_name) else None
    return by_id or rows.filter(name=id_or_name).first()

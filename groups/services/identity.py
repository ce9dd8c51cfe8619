"""Projects, users and their roles: add them, and set up the first ones."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection

from django.contrib.auth import password_validation
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from groups import callers, errors, models
from groups.queries import access
from groups.services import auditing, policies

_PROJECT_ID = re.compile(r"[0-9a-f]{32}")
_NAME_CHARACTERS = 64


@dataclasses.dataclass(frozen=True, kw_only=True)
class First:
    """The first user and the first project, and which of them had to be made."""

    user: User
    project: models.Project
    user_is_new: bool
    project_is_new: bool


def add_project(caller: callers.Caller, *, name: str, project_id: str = "", description: str = "") -> models.Project:
    """Add a project. Raises `InvalidInput`, or `Duplicate` when its name or id is taken."""
    policies.require(caller, "identity:manage")
    name = checked_project_name(name)
    project_id = checked_project_id(project_id) if project_id else models.projects.new_project_id()
    taken = models.Project.objects.filter(pk=project_id).first() or models.Project.objects.filter(name=name).first()
    if taken is not None:
        raise errors.Duplicate(f"Project {taken.name} already exists, with id {taken.pk}.")
    try:
        with transaction.atomic():
            row = models.Project.objects.create(pk=project_id, name=name, description=description)
            auditing.note(caller, action="project:add", subject=row)
            return row
    except IntegrityError as error:
        raise errors.Duplicate(f"A project {name} or one with id {project_id} was added just now.") from error


def add_user(
    caller: callers.Caller,
    *,
    name: str,
    project: str,
    role: str,
    further_roles: Collection[str] = (),
    password: str | None = None,
) -> tuple[User, bool]:
    """Give a user their roles in a project, adding the user when new; return the user and whether new.

    `role` is reader, member or admin; further ones are those that settings ask for. The roles the user
    had there are replaced. A new user needs a password; that of a known one is not changed here.
    Raises `NotFound` for the project, `InvalidInput`, `Duplicate`.
    """
    policies.require(caller, "identity:manage")
    row = access.project(project)
    roles = _checked_roles(role, further_roles)
    with transaction.atomic():
        user = User.objects.filter(username=User.normalize_username(name)).first()
        if user is not None and password is not None:
            raise errors.Duplicate(
                f"User {name} already exists.",
                remedy="Leave the password out to give this user the role; the password is changed elsewhere.",
            )
        is_new = user is None
        user = user or _new_user(name, password)
        _give(user, row, roles)
        detail = f"roles {auditing.named(roles)} in project {row}"
        auditing.note(caller, action="user:add" if is_new else "user:give-role", subject=user, detail=detail)
    return user, is_new


def set_up(caller: callers.Caller, *, user_name: str, password: str, project_name: str, project_id: str = "") -> First:
    """Make sure that there is an admin with a project; what is there stays as it is.

    The project is the one with `project_id`, or without an id the one with the name. The password
    is for a user who has to be made. Raises `Duplicate` when the project's name has another id.
    """
    policies.require(caller, "identity:manage")
    with transaction.atomic():
        wanted = {"pk": checked_project_id(project_id)} if project_id else {"name": project_name}
        project = models.Project.objects.filter(**wanted).first()
        project_is_new = project is None
        project = project or add_project(caller, name=project_name, project_id=project_id)
        user = User.objects.filter(username=user_name).first()
        user_is_new = user is None
        user = user or _new_user(user_name, password, all_powerful=True)
        models.RoleAssignment.objects.get_or_create(user=user, project=project, role=callers.ADMIN)
        if user_is_new:
            detail = f"role {callers.ADMIN} in project {project}"
            auditing.note(caller, action="user:add", subject=user, detail=detail)
    return First(user=user, project=project, user_is_new=user_is_new, project_is_new=project_is_new)


def weaknesses(*, user_name: str, password: str) -> list[str]:
    """Return what makes a password easy to guess, in sentences."""
    try:
        password_validation.validate_password(password, User(username=user_name))
    except ValidationError as error:
        return list(error.messages)
    return []


def checked_project_id(given: str) -> str:
    """Return a project id in the form it is kept in. Raises `InvalidInput`."""
    project_id = given.replace("-", "").lower()
    if not _PROJECT_ID.fullmatch(project_id):
        raise errors.InvalidInput(f"'{given}' is not a possible project id: it has 32 digits from 0-9 and a-f.")
    return project_id


def _checked_roles(role: str, further: Collection[str]) -> list[str]:
    if role not in callers.ROLES:
        raise errors.InvalidInput(f"There is no role {role}. Roles: {', '.join(callers.ROLES)}.")
    named = policies.further_roles()
    for each in further:
        if each not in named:
            known = ", ".join((*callers.ROLES, *named))
            raise errors.InvalidInput(
                f"No setting asks for a role {each}, so it would allow nothing. Roles: {known}.",
                remedy="Name it in a setting such as REPLSITE_FAILOVER_ROLE first.",
            )
    return [role, *dict.fromkeys(further)]


def _give(user: User, project: models.Project, roles: list[str]) -> None:
    models.RoleAssignment.objects.filter(user=user, project=project).exclude(role__in=roles).delete()
    for role in roles:
        models.RoleAssignment.objects.get_or_create(user=user, project=project, role=role)


def checked_project_name(given: str) -> str:
    """Return a project's name as it is kept. Raises `InvalidInput`."""
    name = given.strip()
    if not name or len(name) > _NAME_CHARACTERS or not name.isprintable():
        raise errors.InvalidInput(f"A project's name has 1 to {_NAME_CHARACTERS} printable characters.")
    return name


def _new_user(name: str, password: str | None, *, all_powerful: bool = False) -> User:
    if not password or not access.storable(password):
        raise errors.InvalidInput(f"User {name} is new and needs a password.")
    user = User(username=User.normalize_username(name), is_staff=all_powerful, is_superuser=all_powerful)
    user.set_password(password)
    try:
        user.clean_fields()
    except ValidationError as error:
        raise errors.InvalidInput(f"'{name}' is not a possible user name: {' '.join(error.messages)}") from error
    user.save(force_insert=True)
    return user

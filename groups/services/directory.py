"""Projects, users and roles once they are there: change them, take them away."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from groups import callers, clock, errors, models
from groups.queries import access
from groups.services import identity, login_trail, logins, policies

_RULE = "identity:manage"


def change_project(caller: callers.Caller, *, project: models.Project, **changes: Any) -> None:
    """Change a project's name, description, or whether it is enabled. Raises `InvalidInput`, `Duplicate`."""
    policies.require(caller, _RULE)
    if "name" in changes:
        changes["name"] = identity.checked_project_name(changes["name"])
    try:
        with transaction.atomic():
            models.Project.objects.filter(pk=project.pk).update(**changes)
    except IntegrityError as error:
        raise errors.Duplicate(f"Project {changes.get('name')} already exists.") from error


def remove_project(caller: callers.Caller, *, project: models.Project) -> None:
    """Take a project away; what is remembered of its work stays. Raises `InUse` while it owns anything."""
    policies.require(caller, _RULE)
    for model, noun in ((models.Group, "groups"), (models.Volume, "volumes")):
        if count := model.objects.filter(project=project).count():
            raise errors.InUse(f"Project {project.name} still owns {count} {noun}.")
    with transaction.atomic():
        models.RoleAssignment.objects.filter(project=project).delete()
        models.Token.objects.filter(project=project).delete()
        try:
            with transaction.atomic():
                project.delete()
        except ProtectedError:
            # Its name is free again; its operations are evidence.
            models.Project.objects.filter(pk=project.pk).update(
                name=_marked(project.name, project.pk), enabled=False, deleted_at=clock.now()
            )


def add_user(caller: callers.Caller, *, name: str, password: str | None, **columns: Any) -> User:
    """Add a user with no role yet; without a password nobody can log in as them. Raises `InvalidInput`, `Duplicate`."""
    policies.require(caller, _RULE)
    user = User(username=User.normalize_username(name), **columns)
    _set_password(user, password)
    _store(user)
    return user


def change_user(caller: callers.Caller, *, user: User, password: str | None = None, **changes: Any) -> None:
    """Change a user's name, password, address, or whether they may log in. Raises `InvalidInput`, `Duplicate`."""
    policies.require(caller, _RULE)
    _refuse_superuser(caller, user)
    for name, value in changes.items():
        setattr(user, name, value)
    if password is not None:
        _set_password(user, password)
    _store(user)


def remove_user(caller: callers.Caller, *, user: User) -> None:
    """Take a user away, with their roles and tokens."""
    policies.require(caller, _RULE)
    _refuse_superuser(caller, user)
    user.delete()


def change_own_password(user: User, *, old: str, new: str, address: str) -> None:
    """Give a user another password for the one they show. Raises `NotAuthenticated` for a wrong one."""
    checked = logins.with_password(name=user.username, password=old, address=address, way=login_trail.Way.PASSWORD)
    if not new:
        raise errors.InvalidInput("The new password is empty.")
    _set_password(checked, new)
    checked.save(update_fields=["password"])


def grant(caller: callers.Caller, *, user: User, project: models.Project, role: str) -> None:
    """Give a user a role in a project; one they have is fine."""
    policies.require(caller, _RULE)
    models.RoleAssignment.objects.get_or_create(user=user, project=project, role=role)


def withdraw(caller: callers.Caller, *, user: User, project: models.Project, role: str) -> None:
    """Take a role from a user. Raises `NotFound` when they have it not."""
    policies.require(caller, _RULE)
    gone, _ = models.RoleAssignment.objects.filter(user=user, project=project, role=role).delete()
    if not gone:
        raise errors.NotFound(f"User {user.username} has no role {role} in project {project.name}.")


def visited_project(*, project_id: str, name: str) -> models.Project:
    """Return the project of somebody whom Keystone knows, made when it is first seen.

    Raises `Forbidden` when it is disabled here, or its id is none that clients could send.
    """
    found = models.Project.objects.filter(pk=project_id).first() or _seen_first(project_id, name)
    if not found.enabled:
        raise errors.Forbidden(f"Project {found.name} is disabled on this site.", remedy="Have an admin enable it.")
    return found


def visiting_roles(named: Collection[str]) -> frozenset[str]:
    """Return the roles that Keystone names, spelled as ours are, with those they include."""
    known = {role.lower(): role for role in (*callers.ROLES, *policies.further_roles())}
    return callers.expanded(known.get(role.lower(), role) for role in named)


def _seen_first(project_id: str, name: str) -> models.Project:
    if not access.possible_project_id(project_id):
        raise errors.Forbidden(
            f"Project {name} has the id '{project_id}', and only ids of 32 digits from 0-9 and a-f can be used here.",
            remedy="Use a project with an id of Keystone's own making.",
        )
    label = name[:64] if access.storable(name) else ""
    if not label or models.Project.objects.filter(name=label).exists():
        label = _marked(label, project_id)
    models.Project.objects.bulk_create(
        [models.Project(pk=project_id, name=label, description="Seen in a token of Keystone's.")],
        # Another request may see it first at the same moment.
        ignore_conflicts=True,
    )
    return models.Project.objects.get(pk=project_id)


def _marked(name: str, project_id: str) -> str:
    """Return a project's name with its id, where the name alone is another one's."""
    return f"{name[:31]}~{project_id}"


def _refuse_superuser(caller: callers.Caller, user: User) -> None:
    # Or whoever is admin of a project could take over the console by another's password.
    if user.is_superuser and caller.door == "api":
        asker = User.objects.filter(username=access.name_of(caller.user_id)).first()
        if asker is None or not asker.is_superuser:
            raise errors.Forbidden(f"User {user.username} is a superuser: only another one may change that.")


def _set_password(user: User, password: str | None) -> None:
    if password is not None and not access.storable(password):
        raise errors.InvalidInput("The password has a character that cannot be stored.")
    user.set_password(password)


def _store(user: User) -> None:
    try:
        user.clean_fields()
    except ValidationError as error:
        raise errors.InvalidInput(f"This cannot be a user: {' '.join(error.messages)}") from error
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError as error:
        raise errors.Duplicate(f"User {user.username} already exists.") from error

"""Volume types with extra specs and group types with group specs: create, update, delete.

The two families differ in words and in what may still be changed while in use, and in nothing
else; `Family` holds those differences.
"""

from __future__ import annotations

import dataclasses
import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from django.db import IntegrityError, transaction

from groups import callers, clock, errors, models, specs
from groups.queries import visible
from groups.services import auditing, default_types, policies

AnyType = models.VolumeType | models.GroupType

_PUBLIC = "Invalid volume type: Type access modification is not applicable to public volume type."
_KEY = re.compile(r"^[a-zA-Z0-9-_:. /]{1,255}$")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Family:
    """What tells volume types and group types apart."""

    model: type[AnyType]
    spec_model: type[models.ExtraSpec | models.GroupSpec]
    owner: str
    """The spec's foreign key."""
    noun: str
    spec_noun: str
    type_rule: str
    specs_rule: str
    find: Callable[[callers.Caller, object], AnyType]
    in_use: Callable[[uuid.UUID], bool]
    specs_frozen_in_use: bool
    delete_in_use: str


VOLUME = Family(
    model=models.VolumeType,
    spec_model=models.ExtraSpec,
    owner="volume_type",
    noun="Volume Type",
    spec_noun="extra specs",
    type_rule="volume_extension:type_",
    specs_rule="volume_extension:types_extra_specs:",
    find=visible.volume_type,
    in_use=lambda pk: (
        models.Volume.objects.filter(volume_type_id=pk).exists()
        or models.GroupVolumeType.objects.filter(volume_type_id=pk).exists()
    ),
    specs_frozen_in_use=True,
    delete_in_use="Target volume type is still in use.",
)
GROUP = Family(
    model=models.GroupType,
    spec_model=models.GroupSpec,
    owner="group_type",
    noun="Group Type",
    spec_noun="specs",
    type_rule="group:group_types:",
    specs_rule="group:group_types_specs:",
    find=visible.group_type,
    in_use=lambda pk: models.Group.objects.filter(group_type_id=pk).exists(),
    specs_frozen_in_use=False,
    delete_in_use="Target group type is still in use. Group Type {id} deletion is not allowed with groups"
    " present with the type.",
)


def create(
    caller: callers.Caller,
    *,
    family: Family,
    name: str,
    description: str | None = None,
    is_public: bool = True,
    spec_values: Mapping[str, str | None] | None = None,
) -> AnyType:
    """Create a type with its specs."""
    policies.require(caller, f"{family.type_rule}create")
    name = _checked_name(name, family=family)
    values = dict(spec_values or {})
    _check_specs(values, family=family)
    try:
        with transaction.atomic():
            row = family.model.objects.create(name=name, description=description, is_public=is_public)
            _write_specs(row, values, family=family)
            auditing.note(caller, action="type:create", subject=row, detail=_specs_said(values))
    except IntegrityError as error:
        raise errors.Duplicate(f"{family.noun} {name} already exists.") from error
    return row


def update(caller: callers.Caller, *, family: Family, type_id: object, changes: Mapping[str, Any]) -> AnyType:
    """Change a type's `name`, `description` or `is_public`."""
    row = family.find(caller, type_id)
    policies.require(caller, f"{family.type_rule}update")
    if not {name for name in changes if changes[name] is not None}:
        raise errors.InvalidInput(f"Specify {family.noun.lower()} name, description or a combination thereof.")
    wanted = {column: changes[column] for column in ("description", "is_public") if column in changes}
    if changes.get("name") is not None:
        wanted["name"] = _checked_name(changes["name"], family=family)
    try:
        with transaction.atomic():
            family.model.objects.filter(pk=row.pk).update(**wanted, updated_at=clock.now())
            changed = [name for name, value in wanted.items() if getattr(row, name) != value]
            if changed:
                detail = f"changed: {auditing.named(changed)}"
                auditing.note(caller, action="type:change", subject=row, detail=detail)
    except IntegrityError as error:
        raise errors.Duplicate(f"{family.noun} {changes['name']} already exists.") from error
    return family.find(caller, type_id)


def delete(caller: callers.Caller, *, family: Family, type_id: object) -> None:
    """Delete a type that nothing uses."""
    row = family.find(caller, type_id)
    policies.require(caller, f"{family.type_rule}delete")
    if isinstance(row, models.VolumeType) and default_types.is_default(row):
        raise errors.InUse(f"The volume type {row.pk} is a default volume type and cannot be deleted.")
    with transaction.atomic():
        if family.in_use(row.pk):
            raise errors.InUse(family.delete_in_use.format(id=row.pk))
        auditing.note(caller, action="type:delete", subject=row)
        row.delete()


def set_specs(
    caller: callers.Caller, *, family: Family, type_id: object, values: Mapping[str, str | None], new: bool = True
) -> None:
    """Add specs to a type or change those it has; the others stay."""
    row = family.find(caller, type_id)
    policies.require(caller, f"{family.specs_rule}{'create' if new else 'update'}")
    _check_specs(values, family=family)
    with transaction.atomic():
        _refuse_frozen(row, family=family)
        _write_specs(row, values, family=family)
        auditing.note(caller, action="type:set-specs", subject=row, detail=_specs_said(values))


def delete_spec(caller: callers.Caller, *, family: Family, type_id: object, key: str) -> None:
    """Remove one spec from a type."""
    row = family.find(caller, type_id)
    policies.require(caller, f"{family.specs_rule}delete")
    with transaction.atomic():
        _refuse_frozen(row, family=family)
        deleted, _ = family.spec_model.objects.filter(**{family.owner: row, "key": key}).delete()
        if not deleted:
            raise errors.NotFound(f"{family.noun} {row.pk} has no {family.spec_noun} with key {key}.")
        auditing.note(caller, action="type:delete-spec", subject=row, detail=key)


def _specs_said(values: Mapping[str, str | None]) -> str:
    return ", ".join(f"{key}={value or ''}" for key, value in sorted(values.items()))


def accesses(caller: callers.Caller, *, type_id: object) -> list[models.VolumeTypeAccess]:
    """Return which projects may use a volume type that is not public."""
    row = visible.volume_type(caller, type_id)
    policies.require(caller, "volume_extension:volume_type_access:get_all_for_type")
    if row.is_public:
        raise errors.NotFound("Access list not available for public volume types.")
    return list(row.accesses.all())


def add_access(caller: callers.Caller, *, type_id: object, project_id: str) -> None:
    """Let a project use a volume type that is not public."""
    row = visible.volume_type(caller, type_id)
    policies.require(caller, "volume_extension:volume_type_access:addProjectAccess")
    if row.is_public:
        raise errors.WrongState(_PUBLIC)
    try:
        with transaction.atomic():
            models.VolumeTypeAccess.objects.create(volume_type=row, project_id=project_id)
            auditing.note(caller, action="type:give-access", subject=row, detail=f"to project {project_id}")
    except IntegrityError as error:
        raise errors.Duplicate(f"Volume type access for {row.pk} / {project_id} combination already exists.") from error


def remove_access(caller: callers.Caller, *, type_id: object, project_id: str) -> None:
    """Let a project no longer use a volume type that is not public; its volumes stay."""
    row = visible.volume_type(caller, type_id)
    policies.require(caller, "volume_extension:volume_type_access:removeProjectAccess")
    if row.is_public:
        raise errors.WrongState(_PUBLIC)
    with transaction.atomic():
        deleted, _ = models.VolumeTypeAccess.objects.filter(volume_type=row, project_id=project_id).delete()
        if not deleted:
            raise errors.NotFound(f"Volume type access not found for {row.pk} / {project_id} combination.")
        auditing.note(caller, action="type:take-access", subject=row, detail=f"from project {project_id}")


def _refuse_frozen(row: AnyType, *, family: Family) -> None:
    if family.specs_frozen_in_use and models.Volume.objects.filter(volume_type_id=row.pk).exists():
        raise errors.InUse("Volume Type is currently in use.")


def _write_specs(row: AnyType, values: Mapping[str, str | None], *, family: Family) -> None:
    rows: list[Any] = [family.spec_model(**{family.owner: row}, key=key, value=value) for key, value in values.items()]
    family.spec_model.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=[family.owner, "key"],
        update_fields=["value"],
    )


def _checked_name(name: str, *, family: Family) -> str:
    name = name.strip()
    if not name:
        raise errors.InvalidInput(f"{family.noun.capitalize()} name can not be empty.")
    if len(name) > 255:
        raise errors.InvalidInput(f"{family.noun} name has {len(name)} characters, more than 255.")
    return name


def _check_specs(values: Mapping[str, str | None], *, family: Family) -> None:
    for key, value in values.items():
        if not _KEY.match(key):
            raise errors.InvalidInput(
                f"'{key}' is not a possible key: up to 255 letters, digits, blanks, and the characters - _ : . /"
            )
        if value is not None and len(value) > 255:
            raise errors.InvalidInput(f"The value of '{key}' has {len(value)} characters, more than 255.")
    if family is GROUP:
        try:
            specs.interval_seconds(values)
            specs.objective_seconds(values)
        except ValueError as error:
            raise errors.InvalidInput(str(error)) from error

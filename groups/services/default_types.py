"""Which volume type a volume gets that names none: its project's own default, or the site's."""

from __future__ import annotations

from django.conf import settings
from django.db import transaction

from groups import callers, errors, models
from groups.queries import visible
from groups.services import auditing, policies

_RULE = "volume_extension:default_"
_LONGEST_ID = 64


def of(caller: callers.Caller) -> models.VolumeType | None:
    """Return the default of the caller's project, or else of the site; None when there is neither."""
    own = models.DefaultVolumeType.objects.filter(project_id=caller.project_id).first()
    if own is not None:
        return visible.volume_type(caller, own.volume_type_id)
    return visible.volume_types(caller).filter(name=settings.REPLSITE.default_volume_type).first()


def set_up() -> None:
    """Make the site's default, where there is no volume type at all: volumes may name none from the first day."""
    name: str = settings.REPLSITE.default_volume_type
    if name and not models.VolumeType.objects.exists():
        models.VolumeType.objects.create(name=name, description="For volumes that name no type.")


def of_groups(caller: callers.Caller) -> models.GroupType | None:
    """Return the site's default group type, which clients show; None when there is none."""
    return visible.group_types(caller).filter(name=settings.REPLSITE.default_group_type).first()


def listed(caller: callers.Caller) -> list[models.DefaultVolumeType]:
    """Return every project's own default."""
    policies.require(caller, f"{_RULE}get_all")
    return list(models.DefaultVolumeType.objects.all())


def get(caller: callers.Caller, *, project_id: str) -> models.DefaultVolumeType:
    """Return a project's own default. Raises `NotFound`."""
    policies.require(caller, f"{_RULE}get")
    found = models.DefaultVolumeType.objects.filter(project_id=project_id).first()
    if found is None:
        raise errors.NotFound(f"Default type for project {project_id} not found.")
    return found


def put(caller: callers.Caller, *, project_id: str, volume_type: str) -> models.DefaultVolumeType:
    """Give a project a default of its own, by id or name of the type."""
    policies.require(caller, f"{_RULE}set_or_update")
    if len(project_id) > _LONGEST_ID:
        raise errors.InvalidInput(f"Invalid input received: a project id has at most {_LONGEST_ID} characters.")
    kind = visible.volume_type_called(caller, volume_type)
    with transaction.atomic():
        row, _ = models.DefaultVolumeType.objects.update_or_create(
            project_id=project_id, defaults={"volume_type_id": kind.pk}
        )
        auditing.note(caller, action="type:set-default", subject=kind, detail=f"of project {project_id}")
    return row


def unset(caller: callers.Caller, *, project_id: str) -> None:
    """Take a project's own default away; one without is fine."""
    policies.require(caller, f"{_RULE}unset")
    with transaction.atomic():
        row = models.DefaultVolumeType.objects.filter(project_id=project_id).select_related("volume_type").first()
        if row is not None:
            auditing.note(
                caller, action="type:unset-default", subject=row.volume_type, detail=f"of project {project_id}"
            )
            row.delete()


def is_default(row: models.VolumeType) -> bool:
    """Tell whether a volume type is the site's default or a project's."""
    own = models.DefaultVolumeType.objects.filter(volume_type_id=row.pk).exists()
    return own or row.name == settings.REPLSITE.default_volume_type

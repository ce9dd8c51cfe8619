"""Volumes: create, rename, delete, reset."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction

from groups import callers, clock, errors, models, specs, statuses, transitions
from groups.queries import visible
from groups.services import auditing, placement, policies, recording
from groups.statuses import Axis, GroupStatus, VolumeStatus

_MAX_GIB = 1024 * 1024


def create(
    caller: callers.Caller,
    *,
    size_gib: int,
    volume_type: str | None = None,
    group_id: object = None,
    name: str | None = None,
    description: str | None = None,
    metadata: Mapping[str, str] | None = None,
    availability_zone: str | None = None,
    multiattach: bool = False,
) -> models.Volume:
    """Create a volume, in a group (and on its backend) or on its own.

    The type is given by id or name. A volume that joins an enabled group is not protected until
    replication is enabled again.
    """
    policies.require(caller, "volume:create")
    if not 1 <= size_gib <= _MAX_GIB:
        raise errors.InvalidInput(f"Invalid input received: size must be from 1 to {_MAX_GIB} GiB, not {size_gib}.")
    zone = recording.checked_zone(availability_zone)
    with transaction.atomic():
        group = visible.group(caller, group_id, lock=True) if group_id else None
        kind = _type_for(caller, group, volume_type)
        backend = group.backend if group else placement.place(group_type=None, volume_types=[kind])
        volume = models.Volume.objects.create(
            project_id=group.project_id if group else caller.project_id,
            user_id=caller.user_id,
            name=recording.checked_text(name, name="name"),
            description=recording.checked_text(description, name="description"),
            availability_zone=zone if availability_zone or not group else group.availability_zone,
            backend=backend,
            group=group,
            volume_type=kind,
            size_gib=size_gib,
            metadata=dict(metadata or {}),
            multiattach=multiattach,
        )
        operation = recording.operation(caller, kind=statuses.Kind.CREATE_VOLUME, subject=volume)
        transitions.start(operation, subject=volume)
    return volume


def update(caller: callers.Caller, *, volume_id: object, changes: Mapping[str, str | None]) -> models.Volume:
    """Change a volume's name or description."""
    volume = visible.volume(caller, volume_id)
    policies.require(caller, "volume:update")
    wanted = {
        column: recording.checked_text(changes[column], name=column)
        for column in ("name", "description")
        if column in changes
    }
    if not wanted:
        raise errors.InvalidInput("Invalid input received: give a name or a description to change.")
    with transaction.atomic():
        models.Volume.objects.filter(pk=volume.pk).update(**wanted, updated_at=clock.now())
        auditing.note(caller, action="volume:rename", subject=volume, detail=f"changed: {auditing.named(wanted)}")
    return visible.volume(caller, volume_id)


def delete(caller: callers.Caller, *, volume_id: object, force: bool = False) -> models.Operation:
    """Delete a volume that is in no group and attached to nothing; `force` ignores its status."""
    with transaction.atomic():
        volume = visible.volume(caller, volume_id, lock=True)
        policies.require(caller, "volume:force_delete" if force else "volume:delete")
        recording.refuse_while_open(volume, what="delete it")
        deletable = statuses.MOVES[statuses.Kind.DELETE_VOLUME].sources
        if volume.group_id is not None or (volume.status not in deletable and not force):
            raise errors.WrongState(
                "Invalid volume: Volume status must be available or error or error_deleting and must not be attached"
                f" or belong to a group. Volume {volume.pk} is {volume.status}"
                + (f" and in group {volume.group_id}." if volume.group_id else ".")
            )
        if force and volume.status not in deletable:
            transitions.reset(
                volume,
                axis=Axis.VOLUME,
                to=VolumeStatus.ERROR,
                reason="deletion by force",
                actor=caller.user_name,
            )
        operation = recording.operation(caller, kind=statuses.Kind.DELETE_VOLUME, subject=volume)
        transitions.start(operation, subject=volume)
    return operation


def reset_status(caller: callers.Caller, *, volume_id: object, status: str, reason: str = "") -> None:
    """Set a volume's own status by hand, for admins; the replication status stays."""
    with transaction.atomic():
        volume = visible.volume(caller, volume_id, lock=True)
        policies.require(caller, "volume_extension:volume_admin_actions:reset_status")
        allowed = sorted(statuses.RESETS[Axis.VOLUME].targets)
        if status.lower() not in allowed:
            raise errors.InvalidInput(f"Invalid input received: '{status}' is not one of {allowed}.")
        recording.refuse_while_open(volume, what="reset its status; cancel the operation first")
        if volume.group is not None:
            recording.refuse_while_open(volume.group, what="reset the status of a volume in it")
        detail = f"to {status.lower()}: {reason or 'reset by an admin'}"
        auditing.note(caller, action="volume:reset-status", subject=volume, detail=detail)
        transitions.reset(
            volume,
            axis=Axis.VOLUME,
            to=status.lower(),
            reason=reason or "reset by an admin",
            actor=caller.user_name,
        )


def _type_for(caller: callers.Caller, group: models.Group | None, volume_type: str | None) -> models.VolumeType:
    if volume_type is None:
        needed = "when creating a volume in a group" if group else "as there is no default volume type"
        raise errors.InvalidInput(f"Invalid input received: volume_type must be provided {needed}.")
    kind = visible.volume_type_called(caller, volume_type)
    if group is None:
        return kind
    if not models.GroupVolumeType.objects.filter(group=group, volume_type=kind).exists():
        raise errors.InvalidInput(
            f"Invalid input received: Invalid volume_type provided: {volume_type}"
            " (requested type must be supported by this group)."
        )
    _check_group_takes_volumes(group)
    return kind


def _check_group_takes_volumes(group: models.Group) -> None:
    recording.refuse_while_open(group, what="create a volume in it")
    if group.status != GroupStatus.AVAILABLE:
        raise errors.WrongState(
            f"Invalid Group: Group {group.pk} status must be ['available'], but current status is: {group.status}."
            " Cannot create a volume in it."
        )
    if specs.is_replicated(group.group_type.specs):
        recording.refuse_unless_open_to_change(group, what="create a volume in it: fail back first.")

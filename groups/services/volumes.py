"""Volumes: create, rename, delete, reset."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction

from groups import callers, clock, errors, models, specs, statuses, transitions
from groups.queries import visible
from groups.queries.quotas import Amount
from groups.services import (
    attaching,
    auditing,
    default_types,
    placement,
    policies,
    quotas,
    recording,
    snapshots,
    sources,
    transfers,
)
from groups.statuses import AttachStatus, Axis, GroupStatus, VolumeStatus

_RETYPABLE = (VolumeStatus.AVAILABLE, VolumeStatus.IN_USE)


def create(
    caller: callers.Caller,
    *,
    size_gib: int | None = None,
    volume_type: str | None = None,
    snapshot_id: object = None,
    source_volume_id: object = None,
    group_id: object = None,
    name: str | None = None,
    description: str | None = None,
    metadata: Mapping[str, str] | None = None,
    availability_zone: str | None = None,
    multiattach: bool = False,
) -> models.Volume:
    """Create a volume, in a group (and on its backend) or on its own.

    The type is given by id or name. A volume that joins an enabled group is not protected until
    replication is enabled again. One made from a snapshot or another volume has that one's type and size unless
    told otherwise, and is on its backend.
    """
    policies.require(caller, "volume:create")
    zone = recording.checked_zone(availability_zone)
    with transaction.atomic():
        group = visible.group(caller, group_id, lock=True) if group_id else None
        source = sources.chosen(caller, snapshot_id=snapshot_id, source_volume_id=source_volume_id)
        size = sources.size_for(source, size_gib)
        kind = _type_for(caller, group, volume_type or (source.volume_type if source else None))
        if group is not None:
            recording.refuse_frozen(group.backend, what="create a volume there")
        backend = sources.backend_for(source, group=group, kind=kind)
        project_id = group.project_id if group else caller.project_id
        # The quota before what any volume may have: as in Cinder, it is what an admin can change.
        quotas.require(project_id, Amount(volumes=1, gigabytes=size, volume_type=kind.name))
        sources.check_size(size)
        volume = models.Volume.objects.create(
            project_id=project_id,
            user_id=caller.user_id,
            name=recording.checked_text(name, name="name"),
            description=recording.checked_text(description, name="description"),
            availability_zone=zone if availability_zone or not group else group.availability_zone,
            backend=backend,
            group=group,
            volume_type=kind,
            size_gib=size,
            metadata=dict(metadata or {}),
            multiattach=multiattach or specs.is_true(kind.specs.get(specs.MULTIATTACH)),
            **sources.columns(source),
        )
        operation = recording.operation(
            caller,
            kind=statuses.Kind.CREATE_VOLUME,
            subject=volume,
            arguments=source.arguments(volume) if source else None,
        )
        transitions.start(operation, subject=volume)
    return volume


def update(
    caller: callers.Caller,
    *,
    volume_id: object,
    changes: Mapping[str, str | None],
    metadata: Mapping[str, str] | None = None,
) -> models.Volume:
    """Change a volume's name or description; `metadata` replaces all that it has."""
    volume = visible.volume(caller, volume_id)
    policies.require(caller, "volume:update")
    wanted: dict[str, object] = {
        column: recording.checked_text(changes[column], name=column)
        for column in ("name", "description")
        if column in changes
    }
    if metadata is not None:
        wanted["metadata"] = dict(metadata)
    if wanted:
        with transaction.atomic():
            models.Volume.objects.filter(pk=volume.pk).update(**wanted, updated_at=clock.now())
            auditing.note(caller, action="volume:rename", subject=volume, detail=f"changed: {auditing.named(wanted)}")
    return visible.volume(caller, volume_id)


def delete(
    caller: callers.Caller, *, volume_id: object, force: bool = False, cascade: bool = False
) -> models.Operation:
    """Delete a volume that is in no group and attached to nothing; `force` ignores its status, and `cascade` deletes
    its snapshots too."""
    with transaction.atomic():
        volume = visible.volume(caller, volume_id, lock=True)
        policies.require(caller, "volume:force_delete" if force else "volume:delete")
        recording.refuse_frozen(volume.backend, what="delete a volume there")
        recording.refuse_while_open(volume, what="delete it")
        deletable = statuses.MOVES[statuses.Kind.DELETE_VOLUME].sources
        attached = models.Attachment.objects.filter(volume=volume, attach_status=AttachStatus.ATTACHED).exists()
        if volume.group_id is not None or attached or (volume.status not in deletable and not force):
            raise errors.WrongState(
                "Invalid volume: Volume status must be available or error or error_deleting and must not be attached"
                f" or belong to a group. Volume {volume.pk} is {volume.status}"
                + (f" and in group {volume.group_id}" if volume.group_id else "")
                + (" and attached." if attached else ".")
            )
        found = snapshots.deletable_with(volume, cascade=cascade)
        if force and volume.status not in deletable:
            transfers.end_with(volume)
            transitions.reset(
                volume,
                axis=Axis.VOLUME,
                to=VolumeStatus.ERROR,
                reason="deletion by force",
                actor=caller.user_name,
            )
        arguments = {"snapshots": [str(row.pk) for row in found]} if found else None
        operation = recording.operation(caller, kind=statuses.Kind.DELETE_VOLUME, subject=volume, arguments=arguments)
        transitions.start(operation, subject=volume)
    return operation


def reset_status(
    caller: callers.Caller,
    *,
    volume_id: object,
    status: str | None = None,
    attach_status: str | None = None,
    reason: str = "",
) -> None:
    """Set a volume's own status by hand, for admins, or what is recorded of its attachments; the
    replication status stays."""
    rule = "volume_extension:volume_admin_actions:reset_status"
    with transaction.atomic():
        volume = recording.volume_to_change(
            caller, volume_id, rule=rule, what="reset its status; cancel the operation first"
        )
        word = status.lower() if status is not None else None
        _check_reset(volume, word, attach_status)
        said = ", ".join(f"{name} {to}" for name, to in (("to", word), ("attachments", attach_status)) if to)
        why = reason or "reset by an admin"
        auditing.note(caller, action="volume:reset-status", subject=volume, detail=f"{said}: {why}")
        if attach_status is not None:
            attaching.reset(caller, volume, attach_status=attach_status)
        if word is not None:
            transfers.end_with(volume)
            transitions.reset(volume, axis=Axis.VOLUME, to=word, reason=why, actor=caller.user_name)


def _check_reset(volume: models.Volume, status: str | None, attach_status: str | None) -> None:
    allowed = sorted(str(each) for each in statuses.RESETS[Axis.VOLUME].targets)
    if status is not None and status not in allowed:
        raise errors.InvalidInput(f"Invalid input received: '{status}' is not one of {allowed}.")
    if attach_status not in (None, *attaching.RESETS):
        raise errors.InvalidInput(f"Invalid input received: '{attach_status}' is not one of {attaching.RESETS}.")
    has_none = attach_status == attaching.DETACHED or not models.Attachment.objects.filter(volume=volume).exists()
    if status == VolumeStatus.IN_USE and has_none:
        raise errors.InvalidInput("Cannot reset-state to in-use because volume does not have any attachments.")


def set_bootable(caller: callers.Caller, *, volume_id: object, bootable: bool) -> None:
    """Say whether an instance can start from a volume."""
    volume = visible.volume(caller, volume_id)
    policies.require(caller, "volume:update")
    with transaction.atomic():
        _write(caller, volume, bootable=bootable)


def set_readonly(caller: callers.Caller, *, volume_id: object, readonly: bool) -> None:
    """Say whether hosts may only read a volume; of one that no host has."""
    with transaction.atomic():
        volume = recording.volume_to_change(
            caller, volume_id, rule="volume:update_readonly_flag", what="update the readonly flag"
        )
        if volume.status != VolumeStatus.AVAILABLE:
            raise errors.WrongState(
                f"Invalid volume: Volume {volume.pk} status must be available to update readonly flag, but current"
                f" status is: {volume.status}."
            )
        _write(caller, volume, readonly=readonly)


def retype(caller: callers.Caller, *, volume_id: object, new_type: str) -> None:
    """Give a volume another type that its backend satisfies; its data stays where it is."""
    with transaction.atomic():
        volume = recording.volume_to_change(caller, volume_id, rule="volume:retype", what="retype it")
        if volume.status not in _RETYPABLE or volume.group_id is not None:
            raise errors.WrongState(
                "Invalid volume: Retype needs volume to be in available or in-use state, not be part of an active"
                f" migration or a consistency group. Volume {volume.pk} is {volume.status}"
                + (f" and in group {volume.group_id}." if volume.group_id else ".")
            )
        recording.refuse_frozen(volume.backend, what="retype a volume there")
        kind = visible.volume_type_called(caller, new_type)
        if kind.pk == volume.volume_type_id:
            raise errors.InvalidInput(f"Invalid input received: New volume_type same as original: {kind.name}.")
        placement.place(group_type=None, volume_types=[kind], on=volume.backend)
        multiattach = specs.is_true(kind.specs.get(specs.MULTIATTACH))
        if volume.multiattach != multiattach and volume.status == VolumeStatus.IN_USE:
            raise errors.WrongState(
                "Invalid volume: Changing between multiattach and single attach is possible only while no host has"
                f" the volume. Volume {volume.pk} is {volume.status}."
            )
        quotas.require_type(volume, kind=kind)
        _write(caller, volume, volume_type=kind, multiattach=multiattach)


def _write(caller: callers.Caller, volume: models.Volume, **values: object) -> None:
    models.Volume.objects.filter(pk=volume.pk).update(**values, updated_at=clock.now())
    said = ", ".join(f"{name} {value}" for name, value in values.items())
    auditing.note(caller, action="volume:change", subject=volume, detail=said)


def _type_for(caller: callers.Caller, group: models.Group | None, volume_type: str | None) -> models.VolumeType:
    if volume_type is None and group is None:
        if (default := default_types.of(caller)) is not None:
            return default
        raise errors.InvalidInput(
            "Invalid input received: volume_type must be provided as there is no default volume type."
        )
    if volume_type is None:
        raise errors.InvalidInput(
            "Invalid input received: volume_type must be provided when creating a volume in a group."
        )
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

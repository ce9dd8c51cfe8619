"""Snapshots of groups: take, delete, reset; and groups made from them, or from other groups."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from django.db import transaction

from groups import callers, errors, models, statuses, transitions
from groups.queries import visible
from groups.queries.quotas import Amount
from groups.services import placement, policies, quotas, recording, snapshots
from groups.statuses import Axis, GroupStatus, Kind, SnapshotStatus, VolumeStatus

_USABLE = (VolumeStatus.AVAILABLE, VolumeStatus.IN_USE)


def create(
    caller: callers.Caller, *, group_id: object, name: str | None = None, description: str | None = None
) -> models.GroupSnapshot:
    """Take a snapshot of all volumes of a group at one moment, on the side it is active on."""
    with transaction.atomic():
        group = visible.group(caller, group_id, lock=True)
        policies.require(caller, "group:create_group_snapshot")
        volumes = _members(group, what="create a group snapshot")
        name = recording.checked_text(name, name="name")
        description = recording.checked_text(description, name="description")
        snapshot = models.GroupSnapshot.objects.create(
            project_id=group.project_id,
            user_id=caller.user_id,
            name=name,
            description=description,
            backend_id=group.backend_id,
            side=group.active_backend_id,
            group=group,
            group_type_id=group.group_type_id,
        )
        snapshots.record(
            caller,
            volumes=volumes,
            side=snapshot.side,
            name=name,
            description=description,
            group_snapshot=snapshot,
        )
        operation = recording.operation(caller, kind=Kind.CREATE_GROUP_SNAPSHOT, subject=snapshot, members=len(volumes))
        transitions.start(operation, subject=snapshot)
    return snapshot


def delete(caller: callers.Caller, *, group_snapshot_id: object) -> models.Operation:
    """Delete a group's snapshot with all its parts."""
    with transaction.atomic():
        snapshot = visible.group_snapshot(caller, group_snapshot_id, lock=True)
        policies.require(caller, "group:delete_group_snapshot")
        allowed = statuses.MOVES[Kind.DELETE_GROUP_SNAPSHOT].sources
        if snapshot.status not in allowed:
            raise errors.WrongState(
                f"Invalid GroupSnapshot: Group snapshot status must be {snapshots.possible(sorted(allowed))}, and must"
                f" not be the source of a group that is being created. Group snapshot {snapshot.pk} is"
                f" {snapshot.status}."
            )
        recording.refuse_while_open(snapshot, what="delete it")
        recording.refuse_frozen(snapshot.backend, what="delete a group snapshot there")
        _refuse_while_copied(snapshot)
        parts = models.Snapshot.objects.filter(group_snapshot=snapshot).count()
        operation = recording.operation(caller, kind=Kind.DELETE_GROUP_SNAPSHOT, subject=snapshot, members=parts)
        transitions.start(operation, subject=snapshot)
    return operation


def reset_status(caller: callers.Caller, *, group_snapshot_id: object, status: str, reason: str = "") -> None:
    """Set the status of a group snapshot by hand, for admins; those of its parts stay."""
    with transaction.atomic():
        snapshot = visible.group_snapshot(caller, group_snapshot_id, lock=True)
        policies.require(caller, "group:reset_group_snapshot_status")
        snapshots.reset(caller, snapshot, axis=Axis.GROUP_SNAPSHOT, status=status, reason=reason)


def create_group(
    caller: callers.Caller,
    *,
    group_snapshot_id: object = None,
    source_group_id: object = None,
    name: str | None = None,
    description: str | None = None,
) -> models.Group:
    """Create a group with volumes from a group snapshot, or from what another group's hold now.

    It has the source's types, backend and zone, and is not replicated until that is enabled.
    """
    with transaction.atomic():
        if (group_snapshot_id is None) is (source_group_id is None):
            raise errors.InvalidInput(
                "Invalid input received: give either a group_snapshot_id or a source_group_id to create a group from."
            )
        policies.require(caller, "group:create")
        if group_snapshot_id is not None:
            source = _of_snapshot(caller, group_snapshot_id)
        else:
            source = _of_group(caller, source_group_id)
        quotas.require(caller.project_id, Amount(groups=1), *quotas.of_volumes(source.parts or source.volumes))
        group = models.Group.objects.create(
            project_id=caller.project_id,
            user_id=caller.user_id,
            name=recording.checked_text(name, name="name"),
            description=recording.checked_text(description, name="description"),
            availability_zone=source.group.availability_zone,
            backend_id=source.group.backend_id,
            group_type_id=source.group.group_type_id,
            source_group_snapshot_id=source.snapshot.pk if source.snapshot is not None else None,
            source_group_id=source.group.pk if source.snapshot is None else None,
        )
        _add_members(caller, group, source)
    return group


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Source:
    """What a group is made from."""

    group: models.Group
    volumes: Sequence[models.Volume]
    side: str
    snapshot: models.GroupSnapshot | None = None
    parts: Sequence[models.Snapshot] = ()


def _of_snapshot(caller: callers.Caller, group_snapshot_id: object) -> _Source:
    snapshot = visible.group_snapshot(caller, group_snapshot_id, lock=True)
    if snapshot.status != SnapshotStatus.AVAILABLE:
        raise errors.WrongState(
            f"Invalid GroupSnapshot: Group snapshot {snapshot.pk} status must be available, but current status is:"
            f" {snapshot.status}. Cannot create a group from it."
        )
    recording.refuse_while_open(snapshot, what="create a group from it")
    recording.refuse_frozen(snapshot.backend, what="create a group there")
    parts = list(
        models.Snapshot.objects.filter(group_snapshot=snapshot)
        .select_related("volume")
        .order_by("volume__created_at", "volume__id")
    )
    return _Source(
        group=snapshot.group,
        volumes=[part.volume for part in parts],
        side=snapshot.side,
        snapshot=snapshot,
        parts=parts,
    )


def _of_group(caller: callers.Caller, group_id: object) -> _Source:
    group = visible.group(caller, group_id, lock=True)
    volumes = _members(group, what="create a group from it")
    return _Source(group=group, volumes=volumes, side=group.active_backend_id)


def _members(group: models.Group, *, what: str) -> list[models.Volume]:
    """Return a group's volumes once all of them may be copied as of one moment."""
    volumes = list(models.Volume.objects.filter(group=group).order_by("created_at", "id"))
    if not volumes or group.status in {GroupStatus.CREATING, GroupStatus.UPDATING}:
        raise errors.WrongState(
            "Invalid Group: Source group cannot be empty or in 'creating' or 'updating' state."
            f" No group snapshot will be created. Cannot {what}."
        )
    if group.status != GroupStatus.AVAILABLE:
        raise errors.WrongState(
            f"Invalid Group: Group {group.pk} status must be available, but current status is: {group.status}."
            f" Cannot {what}."
        )
    recording.refuse_while_open(group, what=what)
    recording.refuse_while_a_member_is_busy(group)
    for volume in volumes:
        snapshots.require_snapshottable(volume, allowed=_USABLE)
    recording.refuse_frozen(group.backend, what=what)
    placement.require_able(group.backend, "snapshots", what=what)
    return volumes


def _add_members(caller: callers.Caller, group: models.Group, source: _Source) -> None:
    """Write down the new group's types, its volumes and the operation that makes them."""
    kinds = models.GroupVolumeType.objects.filter(group=source.group).order_by("id")
    models.GroupVolumeType.objects.bulk_create(
        [models.GroupVolumeType(group=group, volume_type_id=link.volume_type_id) for link in kinds]
    )
    parts: Sequence[models.Snapshot | None] = source.parts or [None] * len(source.volumes)
    made_from: Mapping[models.Volume, object] = {
        _copy_of(volume, part, group=group): volume.pk if part is None else part.pk
        for volume, part in zip(source.volumes, parts, strict=True)
    }
    models.Volume.objects.bulk_create(list(made_from))
    operation = recording.operation(
        caller,
        kind=Kind.COPY_GROUP,
        subject=group,
        members=len(made_from),
        arguments={
            "made_from": {str(made.pk): str(pk) for made, pk in made_from.items()},
            "live": source.snapshot is None,
            "side": source.side,
        },
    )
    transitions.start(operation, subject=group)


def _copy_of(volume: models.Volume, part: models.Snapshot | None, *, group: models.Group) -> models.Volume:
    return models.Volume(
        project_id=group.project_id,
        user_id=group.user_id,
        name=volume.name,
        description=volume.description,
        availability_zone=group.availability_zone,
        backend_id=group.backend_id,
        group=group,
        volume_type_id=volume.volume_type_id,
        size_gib=volume.size_gib if part is None else part.size_gib,
        metadata=dict(volume.metadata),
        bootable=volume.bootable,
        multiattach=volume.multiattach,
        source_snapshot_id=None if part is None else part.pk,
        source_volume_id=volume.pk if part is None else None,
    )


def _refuse_while_copied(snapshot: models.GroupSnapshot) -> None:
    """Raise `Busy` while a group, or a volume, is created from the snapshot."""
    groups = models.Group.objects.filter(source_group_snapshot_id=snapshot.pk, status=GroupStatus.CREATING)
    parts = models.Snapshot.objects.filter(group_snapshot=snapshot).values("pk")
    volumes = models.Volume.objects.filter(source_snapshot_id__in=parts, status=VolumeStatus.CREATING)
    if groups.exists() or volumes.exists():
        raise errors.Busy(
            f"Invalid GroupSnapshot: Something is being created from group snapshot {snapshot.pk}. Cannot delete it."
        )

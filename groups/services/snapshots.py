"""Snapshots of volumes: take, describe, delete, reset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db import transaction

from groups import callers, clock, errors, models, statuses, transitions
from groups.queries import visible
from groups.services import auditing, placement, policies, quotas, recording
from groups.statuses import Axis, Kind, SnapshotStatus, VolumeStatus


def create(
    caller: callers.Caller,
    *,
    volume_id: object,
    name: str | None = None,
    description: str | None = None,
    metadata: Mapping[str, str] | None = None,
    in_use: bool = False,
) -> models.Snapshot:
    """Take a snapshot of a volume, on the side it is active on; `in_use` also of one that is attached."""
    with transaction.atomic():
        volume = recording.volume_to_change(
            caller, volume_id, rule="volume:create_snapshot", what="create a snapshot of it"
        )
        allowed = (VolumeStatus.AVAILABLE, VolumeStatus.IN_USE) if in_use else (VolumeStatus.AVAILABLE,)
        require_snapshottable(volume, allowed=allowed)
        recording.refuse_frozen(volume.backend, what="create a snapshot there")
        placement.require_able(volume.backend, "snapshots", what="create a snapshot")
        [snapshot] = record(
            caller,
            volumes=[volume],
            side=active_side(volume),
            name=recording.checked_text(name, name="name"),
            description=recording.checked_text(description, name="description"),
            metadata=metadata,
        )
        operation = recording.operation(caller, kind=Kind.CREATE_SNAPSHOT, subject=snapshot)
        transitions.start(operation, subject=snapshot)
    return snapshot


def record(
    caller: callers.Caller,
    *,
    volumes: Sequence[models.Volume],
    side: str,
    name: str | None,
    description: str | None,
    metadata: Mapping[str, str] | None = None,
    group_snapshot: models.GroupSnapshot | None = None,
) -> list[models.Snapshot]:
    """Write down new snapshots, one of each volume. Every snapshot there is begins here.

    Raises `OverQuota`.
    """
    if volumes:
        quotas.require(volumes[0].project_id, *quotas.of_snapshots(volumes))
    return models.Snapshot.objects.bulk_create(
        [
            models.Snapshot(
                project_id=volume.project_id,
                user_id=caller.user_id,
                name=name,
                description=description,
                backend_id=volume.backend_id,
                side=side,
                volume=volume,
                group_snapshot=group_snapshot,
                size_gib=volume.size_gib,
                metadata=dict(metadata or {}),
            )
            for volume in volumes
        ]
    )


def active_side(volume: models.Volume) -> str:
    """Return the side a volume is active on; empty for the primary, where one in no group is."""
    return "" if volume.group is None else volume.group.active_backend_id


def require_snapshottable(volume: models.Volume, *, allowed: Sequence[VolumeStatus]) -> None:
    """Raise `WrongState` unless a volume's status allows a snapshot."""
    if volume.status not in allowed:
        raise errors.WrongState(
            f"Invalid volume: Volume {volume.pk} status must be {possible(allowed)}, but current status is:"
            f" {volume.status}. Cannot create a snapshot of it."
        )


def possible(words: Sequence[str]) -> str:
    """Return statuses as refusals list them."""
    return " or ".join(str(word) for word in words)


def update(caller: callers.Caller, *, snapshot_id: object, changes: Mapping[str, str | None]) -> models.Snapshot:
    """Change a snapshot's name or description."""
    snapshot = visible.snapshot(caller, snapshot_id)
    policies.require(caller, "volume:update_snapshot")
    wanted = {
        column: recording.checked_text(changes[column], name=column)
        for column in ("name", "description")
        if column in changes
    }
    if not wanted:
        raise errors.InvalidInput("Invalid input received: give a name or a description to change.")
    with transaction.atomic():
        models.Snapshot.objects.filter(pk=snapshot.pk).update(**wanted, updated_at=clock.now())
        auditing.note(caller, action="snapshot:rename", subject=snapshot, detail=f"changed: {auditing.named(wanted)}")
    return visible.snapshot(caller, snapshot_id)


def metadata(caller: callers.Caller, *, snapshot_id: object) -> Mapping[str, str]:
    """Return a snapshot's metadata."""
    snapshot = visible.snapshot(caller, snapshot_id)
    policies.require(caller, "volume:get_snapshot_metadata")
    return dict(snapshot.metadata)


def set_metadata(
    caller: callers.Caller, *, snapshot_id: object, values: Mapping[str, str], replace: bool = False
) -> Mapping[str, str]:
    """Add to a snapshot's metadata, or replace all of it; return what it is then."""
    with transaction.atomic():
        snapshot = visible.snapshot(caller, snapshot_id, lock=True)
        policies.require(caller, "volume:update_snapshot_metadata")
        pairs = dict(values) if replace else {**snapshot.metadata, **values}
        _write_metadata(caller, snapshot, pairs)
    return pairs


def delete_metadata(caller: callers.Caller, *, snapshot_id: object, key: str) -> None:
    """Remove one key of a snapshot's metadata. Raises `NotFound` when it is not there."""
    with transaction.atomic():
        snapshot = visible.snapshot(caller, snapshot_id, lock=True)
        policies.require(caller, "volume:delete_snapshot_metadata")
        if key not in snapshot.metadata:
            raise errors.NotFound(f"Snapshot {snapshot.pk} has no metadata with key {key}.")
        _write_metadata(caller, snapshot, {name: value for name, value in snapshot.metadata.items() if name != key})


def _write_metadata(caller: callers.Caller, snapshot: models.Snapshot, pairs: Mapping[str, str]) -> None:
    models.Snapshot.objects.filter(pk=snapshot.pk).update(metadata=dict(pairs), updated_at=clock.now())
    auditing.note(caller, action="snapshot:metadata", subject=snapshot, detail=f"has now: {auditing.named(pairs)}")


def delete(caller: callers.Caller, *, snapshot_id: object, force: bool = False) -> models.Operation:
    """Delete a snapshot that is no part of a group's; `force` ignores its status."""
    with transaction.atomic():
        snapshot = visible.snapshot(caller, snapshot_id, lock=True)
        rule = "volume_extension:snapshot_admin_actions:force_delete" if force else "volume:delete_snapshot"
        policies.require(caller, rule)
        recording.refuse_while_open(snapshot, what="delete it")
        recording.refuse_frozen(snapshot.backend, what="delete a snapshot there")
        require_deletable(snapshot, any_status=force)
        if force and snapshot.status not in statuses.MOVES[Kind.DELETE_SNAPSHOT].sources:
            transitions.reset(
                snapshot,
                axis=Axis.SNAPSHOT,
                to=SnapshotStatus.ERROR,
                reason="deletion by force",
                actor=caller.user_name,
            )
        operation = recording.operation(caller, kind=Kind.DELETE_SNAPSHOT, subject=snapshot)
        transitions.start(operation, subject=snapshot)
    return operation


def require_deletable(snapshot: models.Snapshot, *, any_status: bool = False) -> None:
    """Raise `WrongState` unless a snapshot may be deleted alone, or with its volume."""
    if snapshot.group_snapshot_id is not None:
        raise errors.WrongState(
            f"Invalid snapshot: Snapshot {snapshot.pk} is a part of group snapshot {snapshot.group_snapshot_id}:"
            " delete that one."
        )
    allowed = statuses.MOVES[Kind.DELETE_SNAPSHOT].sources
    if snapshot.status not in allowed and not any_status:
        raise errors.WrongState(
            f"Invalid snapshot: Snapshot status must be {possible(sorted(allowed))}. Snapshot {snapshot.pk} is"
            f" {snapshot.status}."
        )
    made = models.Volume.objects.filter(source_snapshot_id=snapshot.pk, status=VolumeStatus.CREATING).first()
    if made is not None:
        raise errors.Busy(
            f"Invalid snapshot: Volume {made.pk} is being created from snapshot {snapshot.pk}. Cannot delete it."
        )


def reset_status(caller: callers.Caller, *, snapshot_id: object, status: str, reason: str = "") -> None:
    """Set a snapshot's status by hand, for admins."""
    with transaction.atomic():
        snapshot = visible.snapshot(caller, snapshot_id, lock=True)
        policies.require(caller, "volume_extension:snapshot_admin_actions:reset_status")
        reset(caller, snapshot, axis=Axis.SNAPSHOT, status=status, reason=reason)


def report(caller: callers.Caller, *, snapshot_id: object, status: str, progress: str | None = None) -> None:
    """Take note of what a compute service says of a snapshot that an admin has set to be created or deleted.

    That one is there is believed only where the storage has said so before. Raises `WrongState`.
    """
    with transaction.atomic():
        snapshot = visible.snapshot(caller, snapshot_id, lock=True)
        policies.require(caller, "snapshot_extension:snapshot_actions:update_snapshot_status")
        recording.refuse_while_open(snapshot, what="report its status: the storage does")
        if status not in statuses.REPORTS.get(snapshot.status, frozenset()):
            raise errors.WrongState(
                f"Invalid snapshot: Snapshot status {snapshot.status} not allowed for update_snapshot_status to"
                f" {status}."
            )
        if status == SnapshotStatus.AVAILABLE and snapshot.taken_at is None:
            raise errors.WrongState(f"Invalid snapshot: Snapshot {snapshot.pk} was never taken, and holds nothing.")
        if progress is not None:
            models.Snapshot.objects.filter(pk=snapshot.pk).update(progress=progress, updated_at=clock.now())
        if status != snapshot.status:
            why = "reported by a compute service"
            transitions.reset(snapshot, axis=Axis.SNAPSHOT, to=status, reason=why, actor=caller.user_name)
        detail = f"{status} {progress or ''}".strip()
        auditing.note(caller, action="snapshot:report-status", subject=snapshot, detail=detail)


def reset(
    caller: callers.Caller, row: models.Snapshot | models.GroupSnapshot, *, axis: Axis, status: str, reason: str
) -> None:
    """Correct the status of a snapshot of either kind, as long as no operation is open on it."""
    allowed = sorted(statuses.RESETS[axis].targets)
    if status.lower() not in allowed:
        raise errors.InvalidInput(f"Invalid input received: '{status}' is not one of {allowed}.")
    recording.refuse_while_open(row, what="reset its status; cancel the operation first")
    why = reason or "reset by an admin"
    auditing.note(caller, action="snapshot:reset-status", subject=row, detail=f"to {status.lower()}: {why}")
    transitions.reset(row, axis=axis, to=status.lower(), reason=why, actor=caller.user_name)


def deletable_with(volume: models.Volume, *, cascade: bool) -> list[models.Snapshot]:
    """Return the snapshots that go with a volume that is deleted; refuse when there are any that may not."""
    found = list(models.Snapshot.objects.select_for_update().filter(volume=volume).order_by("created_at", "id"))
    if found and not cascade:
        raise errors.WrongState(
            "Invalid volume: Volume status must be available or error or error_deleting and must not be attached,"
            f" belong to a group, or have snapshots. Volume {volume.pk} has {len(found)}; delete them first, or ask"
            " with cascade."
        )
    if left := sum(snapshot.project_id != volume.project_id for snapshot in found):
        raise errors.WrongState(
            f"Invalid volume: {left} snapshots of volume {volume.pk} belong to the project that it was accepted from,"
            " and have to be deleted there first."
        )
    for snapshot in found:
        require_deletable(snapshot)
        recording.refuse_while_open(snapshot, what="delete its volume")
    refuse_while_copied(volume, what="delete it")
    return found


def refuse_while_copied(volume: models.Volume, *, what: str) -> None:
    """Raise `Busy` while a snapshot of a volume is taken, or a volume is created from it."""
    taken = models.Snapshot.objects.filter(volume=volume, status=SnapshotStatus.CREATING).first()
    made = models.Volume.objects.filter(source_volume_id=volume.pk, status=VolumeStatus.CREATING).first()
    if (by := taken or made) is not None:
        raise errors.Busy(
            f"Invalid volume: {by.noun.capitalize()} {by.pk} is being created from volume {volume.pk}. Cannot {what}."
        )

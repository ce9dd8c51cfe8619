"""What moves along with what an operation is about; for `groups.transitions` alone.

A group has volumes, a group snapshot has snapshots, and a volume that is deleted takes the
snapshots left of it along. Each function is one statement, however many there are, inside the
transaction that moves the subject.
"""

from __future__ import annotations

from typing import Any

from django.db import models as db
from django.db.models import F

from groups import clock, errors, models, passing, statuses
from groups.statuses import Axis, Kind, SnapshotStatus, VolumeStatus


def show_passing(operation: models.Operation, subject: models.About, move: statuses.Move) -> None:
    """Show the passing status on all that moves along. Raises `WrongState` when one of them changed meanwhile."""
    changed: int | None = None
    if isinstance(subject, models.Group):
        changed = _volumes_show_passing(subject, move)
    elif isinstance(subject, models.GroupSnapshot):
        changed = _hide(models.Snapshot.objects.filter(group_snapshot=subject), SnapshotStatus.DELETING)
    elif isinstance(subject, models.Volume) and move.success == statuses.GONE:
        _hide(models.Snapshot.objects.filter(volume=subject), SnapshotStatus.DELETING)
    if changed is not None and changed != operation.members:
        raise errors.WrongState(f"A volume of {subject.noun} {subject.pk} changed meanwhile.")


def leave_passing(subject: models.About, *, move: statuses.Move, to: str) -> int:
    """Take all that moves along out of its passing status; return how many there were."""
    if isinstance(subject, models.Group):
        return _volumes_leave_passing(subject, move=move, to=to)
    if isinstance(subject, models.GroupSnapshot):
        parts = models.Snapshot.objects.filter(group_snapshot=subject, status=move.passing)
        return _show(parts, F("previous_status") if to == statuses.PREVIOUS else to)
    if isinstance(subject, models.Volume) and move.success == statuses.GONE:
        left = models.Snapshot.objects.filter(volume=subject, status=SnapshotStatus.DELETING)
        _show(left, F("previous_status") if to == statuses.PREVIOUS else SnapshotStatus.ERROR_DELETING)
    return 0


def expected(operation: models.Operation, move: statuses.Move) -> int:
    """Return how many rows must leave their passing status with the operation's subject when it succeeds."""
    follows = move.axis in {Axis.REPLICATION, Axis.GROUP_SNAPSHOT} or move.verb == Kind.COPY_GROUP
    return operation.members if follows else 0


def delete(subject: models.About) -> None:
    """Delete a row and all that goes with it."""
    if isinstance(subject, models.Group):
        members = models.Volume.objects.filter(group_id=subject.pk)
        _delete_at_once(models.Attachment.objects.filter(volume__in=members))
        models.Operation.objects.filter(volume__group_id=subject.pk).update(volume=None)
        _delete_at_once(members)
        models.GroupVolumeType.objects.filter(group_id=subject.pk).delete()
    elif isinstance(subject, models.GroupSnapshot):
        models.Operation.objects.filter(snapshot__group_snapshot_id=subject.pk).update(snapshot=None)
        _delete_at_once(models.Snapshot.objects.filter(group_snapshot_id=subject.pk))
    elif isinstance(subject, models.Volume):
        # What was promised to a host and never used; an attached volume is not deleted.
        _delete_at_once(models.Attachment.objects.filter(volume=subject))
        models.Operation.objects.filter(snapshot__volume_id=subject.pk).update(snapshot=None)
        _delete_at_once(models.Snapshot.objects.filter(volume_id=subject.pk))
    subject.delete()


def _volumes_show_passing(group: models.Group, move: statuses.Move) -> int | None:
    if move.axis is Axis.REPLICATION:
        return passing.shown(models.Volume, move.verb, key="group_id").run(of=group.pk, now=clock.now())
    volumes = models.Volume.objects.filter(group_id=group.pk)
    return _hide(volumes, VolumeStatus.DELETING) if move.success == statuses.GONE else None


def _volumes_leave_passing(group: models.Group, *, move: statuses.Move, to: str) -> int:
    if move.axis is Axis.REPLICATION:
        left = passing.left(models.Volume, move.verb, back=to == statuses.PREVIOUS, key="group_id")
        return left.run(of=group.pk, to=to, now=clock.now())
    volumes = models.Volume.objects.filter(group_id=group.pk)
    if move.verb == Kind.COPY_GROUP:
        made = to == move.success
        waiting = volumes.filter(status=VolumeStatus.CREATING)
        return _show(waiting, VolumeStatus.AVAILABLE if made else VolumeStatus.ERROR)
    if move.success == statuses.GONE:
        shown: Any = F("previous_status") if to == statuses.PREVIOUS else VolumeStatus.ERROR_DELETING
        _show(volumes.filter(status=VolumeStatus.DELETING), shown)
    return 0


def _hide(rows: db.QuerySet[Any], passing: str) -> int:
    """Show a passing status, and remember the one before it."""
    return rows.update(previous_status=F("status"), status=passing, updated_at=clock.now())


def _show(rows: db.QuerySet[Any], status: Any) -> int:
    return rows.update(status=status, updated_at=clock.now())


def _delete_at_once(rows: db.QuerySet[Any]) -> None:
    # One statement for all: delete() would read every row first, in batches.
    rows._raw_delete(rows.db)  # noqa: SLF001

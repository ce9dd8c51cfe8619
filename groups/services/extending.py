"""Make volumes larger."""

from __future__ import annotations

from django.db import transaction

from groups import callers, errors, models, statuses, transitions
from groups.services import placement, quotas, recording, snapshots, sources
from groups.statuses import VolumeStatus


def extend(caller: callers.Caller, *, volume_id: object, size_gib: int, in_use: bool = True) -> models.Operation:
    """Make a volume larger, with its copies; `in_use` also one that is attached."""
    with transaction.atomic():
        volume = recording.volume_to_change(caller, volume_id, rule="volume:extend", what="extend it")
        allowed = statuses.MOVES[statuses.Kind.EXTEND_VOLUME].sources
        if volume.status not in allowed or (volume.status == VolumeStatus.IN_USE and not in_use):
            needed = "'available' or 'in-use'" if in_use else "'available'"
            raise errors.WrongState(
                f"Invalid volume: Volume {volume.pk} status must be {needed} to extend, currently {volume.status}."
            )
        if volume.group is not None:
            recording.refuse_while_a_member_is_busy(volume.group)
            recording.refuse_unless_open_to_change(volume.group, what="extend a volume in it: fail back first.")
        snapshots.refuse_while_copied(volume, what="extend it")
        recording.refuse_frozen(volume.backend, what="extend a volume there")
        placement.require_able(volume.backend, "extend", what="extend a volume")
        if size_gib <= volume.size_gib:
            raise errors.InvalidInput(
                "Invalid input received: New size for extend must be greater than current size."
                f" (current: {volume.size_gib}, extended: {size_gib})."
            )
        quotas.require_growth(volume, gigabytes=size_gib - volume.size_gib)
        sources.check_size(size_gib)
        operation = recording.operation(
            caller,
            kind=statuses.Kind.EXTEND_VOLUME,
            subject=volume,
            # Under whose epochs the storage is asked: what replicates a member grows too.
            arguments={"size_gib": size_gib, "home": str(volume.group_id or volume.pk)},
        )
        transitions.start(operation, subject=volume)
    return operation

"""What a volume can be made from: a snapshot, or what another volume holds now."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from groups import callers, errors, models
from groups.queries import visible
from groups.services import placement, recording, snapshots
from groups.statuses import SnapshotStatus, VolumeStatus

_MAX_GIB = 1024 * 1024


@dataclasses.dataclass(frozen=True, kw_only=True)
class Source:
    """A checked source, locked until the transaction ends."""

    volume: models.Volume
    """The volume it is, or is of."""
    size_gib: int
    side: str
    snapshot: models.Snapshot | None = None

    @property
    def volume_type(self) -> str:
        """Return the id of the type a new volume has when nobody names another."""
        return str(self.volume.volume_type_id)

    def arguments(self, volume: models.Volume) -> Mapping[str, object]:
        """Return what the operation that makes a volume needs to know."""
        return {"made_from": {str(volume.pk): str(self.pk)}, "live": self.snapshot is None, "side": self.side}

    @property
    def pk(self) -> object:
        """Return the id of what the new volume is made from."""
        return self.volume.pk if self.snapshot is None else self.snapshot.pk


def chosen(caller: callers.Caller, *, snapshot_id: object, source_volume_id: object) -> Source | None:
    """Return what a new volume is to be made from; None for an empty one."""
    if snapshot_id is not None and source_volume_id is not None:
        raise errors.InvalidInput("Invalid input received: give a snapshot_id or a source_volid, not both.")
    if snapshot_id is not None:
        return _snapshot(caller, snapshot_id)
    return _volume(caller, source_volume_id) if source_volume_id is not None else None


def _snapshot(caller: callers.Caller, snapshot_id: object) -> Source:
    snapshot = visible.snapshot(caller, snapshot_id, lock=True)
    if snapshot.status != SnapshotStatus.AVAILABLE:
        raise errors.WrongState(
            f"Invalid snapshot: Originating snapshot status must be available, and snapshot {snapshot.pk} is"
            f" {snapshot.status}."
        )
    recording.refuse_while_open(snapshot, what="create a volume from it")
    return Source(volume=snapshot.volume, size_gib=snapshot.size_gib, side=snapshot.side, snapshot=snapshot)


def _volume(caller: callers.Caller, volume_id: object) -> Source:
    volume = recording.volume_to_change(caller, volume_id, rule="volume:create", what="create a volume from it")
    snapshots.require_snapshottable(volume, allowed=(VolumeStatus.AVAILABLE, VolumeStatus.IN_USE))
    placement.require_able(volume.backend, "snapshots", what="create a volume from another one")
    return Source(volume=volume, size_gib=volume.size_gib, side=snapshots.active_side(volume))


def size_for(source: Source | None, size_gib: int | None) -> int:
    """Return the size asked for, or the source's; refuse one that the source does not fit into."""
    if size_gib is None:
        if source is None:
            raise errors.InvalidInput("Invalid input received: give the size of the volume, in GiB.")
        return source.size_gib
    if source is not None and size_gib < source.size_gib:
        noun = "volume" if source.snapshot is None else "snapshot"
        raise errors.InvalidInput(
            f"Invalid input received: Volume size '{size_gib}'GB cannot be smaller than the {noun} size"
            f" {source.size_gib}GB. They must be >= original {noun} size."
        )
    return size_gib


def check_size(size_gib: int) -> None:
    """Raise `InvalidInput` for a size no volume can have."""
    if not 1 <= size_gib <= _MAX_GIB:
        raise errors.InvalidInput(f"Invalid input received: size must be from 1 to {_MAX_GIB} GiB, not {size_gib}.")


def backend_for(source: Source | None, *, group: models.Group | None, kind: models.VolumeType) -> models.Backend:
    """Return where a new volume goes: to its group, or to what it is made from, or where there is room."""
    if source is None:
        return group.backend if group else placement.place(group_type=None, volume_types=[kind])
    if group is not None and group.backend_id != source.volume.backend_id:
        raise errors.InvalidInput(
            f"Invalid input received: Group {group.pk} is on another backend ({group.backend}) than what the volume is"
            f" made from ({source.volume.backend})."
        )
    recording.refuse_frozen(source.volume.backend, what="create a volume there")
    return placement.place(group_type=None, volume_types=[kind], on=source.volume.backend)


def columns(source: Source | None) -> Mapping[str, Any]:
    """Return what a new volume's row says of its source."""
    if source is None:
        return {}
    made_from = "source_volume_id" if source.snapshot is None else "source_snapshot_id"
    return {made_from: source.pk, "bootable": source.volume.bootable}

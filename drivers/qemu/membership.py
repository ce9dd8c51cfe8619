"""Volumes and groups as such: made, joined, released, removed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from drivers.base import PRIMARY, Call, Group, Volume
from drivers.qemu import cutting, images, layers, receiving, record, retiring, serving, undo
from drivers.qemu.side import Side
from drivers.qemu.sites import Sites


def create_volume(sites: Sites, volume: Volume, call: Call) -> None:
    """Make an image on the primary side and let clients reach it."""
    side = sites.open(PRIMARY, call)
    with side.hold(volume.id) as held:
        images.create(side.folder.image(volume.id), size_bytes=volume.size_bytes)
        if held.record.role == record.NONE:
            held.record.activate(epoch=call.epoch, at=call.now())
        held.save()
        serving.open_nodes(side, volumes=[volume])
        serving.open_exports(side, volumes=[volume])


def delete_volume(sites: Sites, volume: Volume, call: Call) -> None:
    """Remove a volume from every side that has it."""
    sides = sites.answering(call)
    sites.require(sides, holders(sites, sides, [volume]))
    for side in sides.values():
        with side.hold(volume.id) as held:
            serving.close_nodes(side, volumes=[volume])
            images.remove(side.folder, volume_id=volume.id)
            undo.drop_volume(side.folder, volume_id=volume.id)
            held.forget()


def release(sites: Sites, group: Group, volumes: Sequence[Volume], call: Call) -> None:
    """Stop replicating volumes: their data stays on the active side, and nowhere else."""
    if not volumes:
        return
    sides = sites.answering(call)
    sites.require(sides, holders(sites, sides, volumes))
    if all(side.record(group.id).role == record.NONE for side in sides.values()):
        return
    active = sites.active(sides, group)
    leaving = {volume.id for volume in volumes}
    with active.hold(group.id) as held:
        held.record.replicated = [each for each in held.record.replicated if each not in leaving]
        held.save()
        cutting.drop(active, volumes=volumes)
        cutting.remove_bitmaps(active, volumes=volumes)
    # What the active side has lost, or never had, is nowhere but in the others' images: they are kept.
    last = [volume for volume in volumes if not active.folder.image(volume.id).exists()]
    copied = [volume for volume in volumes if volume not in last]
    for side in sides.values():
        if side is not active:
            drop_copies(side, group, copied, keeping=last)
    for volume in copied:
        _stand_alone(sides, active, volume)
        settle_spread(sides, active, volume)


def drop_copies(side: Side, group: Group, volumes: Sequence[Volume], *, keeping: Sequence[Volume] = ()) -> None:
    """Take volumes out of a receiver's points, and remove its copies but those worth keeping."""
    with side.hold(group.id) as held:
        if held.record.role == record.ACTIVE:
            # It was superseded and not told: the members that stay keep what they hold.
            stale = {volume.id: volume for volume in [*group.volumes, *volumes, *keeping]}
            retiring.retire(side, held=held, volumes=list(stale.values()))
        if held.record.role != record.NONE:
            receiving.leave(held=held, volumes=keeping)
            receiving.drop(side, held=held, volumes=volumes)


def forget(sites: Sites, group: Group, call: Call) -> None:
    """Remove every side's record of a group, with its undo points."""
    for side in sites.answering(call).values():
        with side.hold(group.id) as held:
            layers.end_with(side, held=held)
            undo.drop_group(side.folder, group_id=group.id)
            held.forget()


def spread(sides: Mapping[str, Side], volumes: Sequence[Volume]) -> bool:
    """Return whether sides other than the primary may hold copies of any of the volumes."""
    return any(
        side.folder.image(volume.id, "spread").exists() or (side.backend_id and side.folder.image(volume.id).exists())
        for side in sides.values()
        for volume in volumes
    )


def settle_spread(sides: Mapping[str, Side], active: Side, volume: Volume) -> None:
    """Forget that other sides may hold copies of a volume, unless they still keep undo points of it."""
    others = [side for side in sides.values() if side is not active]
    if not any(undo.holds(side.folder, volume_id=volume.id) for side in others):
        active.folder.image(volume.id, "spread").unlink(missing_ok=True)


def holders(sites: Sites, sides: Mapping[str, Side], volumes: Sequence[Volume]) -> list[str]:
    """Return the sides that may hold any of the volumes."""
    if PRIMARY in sides and not spread(sides, volumes):
        return [PRIMARY]
    return list(sites.folders)


def _stand_alone(sides: Mapping[str, Side], active: Side, volume: Volume) -> None:
    """Record where a volume that left its group may be written."""
    for side in sides.values():
        wanted = record.ACTIVE if side is active else record.NONE
        # The volume's own epochs are not the group's, so the call's is no fence here.
        with record.lock(side.folder, group_id=volume.id, backend_id=side.backend_id, call=side.call):
            found = side.record(volume.id)
            if found.role != wanted:
                found.role, found.activated_epoch = wanted, found.epoch
                record.save(side.folder, group_id=volume.id, record=found)

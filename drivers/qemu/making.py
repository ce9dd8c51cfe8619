"""Volumes made from snapshots, and volumes made larger."""

from __future__ import annotations

import os
from collections.abc import Mapping

from drivers.base import PRIMARY, Call, Group, SnapshotSet, Volume
from drivers.errors import Refused
from drivers.qemu import copying, cutting, graph, images, membership, receiving, record, serving, snapshots
from drivers.qemu.graph import name
from drivers.qemu.side import Side
from drivers.qemu.sites import Sites


def make_volumes(sites: Sites, group: Group, *, source: SnapshotSet, chosen: Mapping[str, str], call: Call) -> None:
    """Make each volume of a group on the primary side with a snapshot's content; a whole one is left alone."""
    primary = sites.open(PRIMARY, call)
    keeper = primary if source.backend_id == PRIMARY else sites.open(source.backend_id, call)
    there = snapshots.whole(keeper, source)
    if missing := sorted({chosen[volume.id] for volume in group.volumes} - set(there)):
        raise Refused(f"{keeper.title} has no snapshot {', '.join(missing)}.", remedy="Choose one that is there.")
    fresh = [volume for volume in group.volumes if _begin(primary, volume)]
    with snapshots.readable(keeper, volumes=fresh, snapshots=chosen) as exports:
        errands = [
            copying.Errand(
                volume=volume,
                read_from=exports[volume.id],
                write_to=_arriving(volume),
                fresh=True,
                bytes_expected=keeper.folder.snapshot(chosen[volume.id]).stat().st_blocks * 512,
            )
            for volume in fresh
        ]
        total = sum(errand.bytes_expected for errand in errands)
        copying.copy(keeper, primary, errands=errands, progress=copying.Progress(call, total=total))
    for volume in group.volumes:
        _finish(primary, volume)


def extend(sites: Sites, group: Group, volume: Volume, *, call: Call) -> None:
    """Make a volume larger: first where it is received, last where clients see it."""
    sides = sites.answering(call)
    sites.require(sides, membership.holders(sites, sides, [volume]))
    active = sites.active(sides, group)
    if active.backend_id != PRIMARY:
        raise Refused(
            f"Extending a volume needs the primary side to be the active one, and that is '{active.backend_id}'.",
            remedy="Fail back first.",
        )
    serving.require_images(active, volumes=[volume])
    for side in sides.values():
        if side is not active and side.folder.image(volume.id).exists():
            _extend_copy(side, group.id, volume)
    with active.hold(group.id) as held:
        held.save()
        cutting.drop(active, volumes=group.volumes)
        serving.open_nodes(active, volumes=[volume])
        serving.drop_snapshots(active, volumes=[volume])
        # An export keeps the size it was opened with, and its volume from getting another.
        serving.close_exports(active, volumes=[volume])
        try:
            with active.talk() as monitor:
                monitor.ask("block_resize", **{"node-name": name("v", volume.id), "size": volume.size_bytes})
            images.sync(active.folder.image(volume.id))
        finally:
            if not held.record.writes_stopped:
                serving.open_exports(active, volumes=[volume])


def _begin(primary: Side, volume: Volume) -> bool:
    """Open an empty image for a volume; return False for one that is whole already."""
    with primary.hold(volume.id) as held:
        held.save()
        if held.record.role != record.NONE:
            return False
        serving.close_nodes(primary, volumes=[volume])
        images.create_empty(primary.folder.image(volume.id), size_bytes=volume.size_bytes)
        with primary.talk() as monitor:
            monitor.run(
                [
                    graph.add_raw(name("b", volume.id), primary.folder.image(volume.id), direct=primary.direct),
                    graph.export(name("i", volume.id), name("b", volume.id), named=_arriving(volume), writable=True),
                ]
            )
        return True


def _finish(primary: Side, volume: Volume) -> None:
    """Let clients reach a volume whose data has arrived."""
    with primary.hold(volume.id) as held:
        if held.record.role == record.NONE:
            serving.close_nodes(primary, volumes=[volume])
            held.record.activate(epoch=primary.call.epoch, at=primary.call.now())
            held.save()
        serving.open_nodes(primary, volumes=[volume])
        serving.open_exports(primary, volumes=[volume])


def _extend_copy(side: Side, group_id: str, volume: Volume) -> None:
    with side.hold(group_id) as held:
        if held.record.role == record.RECEIVER:
            receiving.settle(side, held=held, volumes=[volume])
        serving.close_nodes(side, volumes=[volume])
        path = side.folder.image(volume.id)
        if path.stat().st_size < volume.size_bytes:
            os.truncate(path, volume.size_bytes)
            images.sync(path)
        if volume.id in held.record.members:
            held.record.members[volume.id] = volume.size_bytes
        held.save()


def _arriving(volume: Volume) -> str:
    return f"arriving/{volume.id}"

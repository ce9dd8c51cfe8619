"""The active side: its volumes' nodes, the exports clients use, and what marks their changes.

A bitmap `since-<point>` on a volume marks what changed since that point. Whatever side holds
that very point lacks exactly what the bitmap marks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from drivers.base import Volume
from drivers.errors import Refused
from drivers.qemu import graph, lineage
from drivers.qemu.graph import View, name
from drivers.qemu.qmp import Command
from drivers.qemu.side import Side

_FINE, _COARSE = 4 << 10, 64 << 10
_FINE_UP_TO = 64 << 30


def granularity(volume: Volume) -> int:
    """Return how many bytes one mark stands for: few, unless that takes too much memory."""
    return _FINE if volume.size_bytes <= _FINE_UP_TO else _COARSE


def open_nodes(side: Side, *, volumes: Sequence[Volume], points: Iterable[str] = ()) -> None:
    """Open each volume that is not open; mark its changes since the given points from here on."""
    require_images(side, volumes=volumes)
    with side.talk() as monitor:
        view = graph.look(monitor)
        commands: list[Command] = [
            graph.add_raw(name("v", volume.id), side.folder.image(volume.id), direct=side.direct)
            for volume in volumes
            if name("v", volume.id) not in view.nodes
        ]
        wanted = [lineage.since(point) for point in points]
        marks = [
            add_bitmap(volume, bitmap)
            for volume in volumes
            for bitmap in wanted
            if bitmap not in view.bitmaps(volume.id)
        ]
        if marks:
            # One transaction, because each command costs a turn of the daemon's loop.
            commands.append(("transaction", {"actions": marks}))
        monitor.run(commands)


def add_bitmap(volume: Volume, bitmap: str) -> Mapping[str, object]:
    """Return the action that begins to mark a volume's changes."""
    data = {"node": name("v", volume.id), "name": bitmap, "granularity": granularity(volume)}
    return {"type": "block-dirty-bitmap-add", "data": data}


def open_exports(side: Side, *, volumes: Sequence[Volume]) -> None:
    """Let clients reach each volume, whose nodes must be open."""
    with side.talk() as monitor:
        view = graph.look(monitor)
        # Below the filter of a snapshot in the making, writes would slip past it and tear the snapshot.
        drop_snapshots(side, volumes=[volume for volume in volumes if name("e", volume.id) not in view.exports])
        commands = []
        for volume in volumes:
            export_id, node, above = name("e", volume.id), name("v", volume.id), name("f", volume.id)
            if export_id not in view.exports:
                # Below the filter of a running cut, writes would slip past it and tear the round.
                top = above if above in view.nodes else node
                commands.append(graph.export(export_id, top, named=volume.id, writable=True))
        monitor.run(commands)


def close_exports(side: Side, *, volumes: Iterable[Volume]) -> None:
    """Cut every client off; what was acknowledged is kept."""
    with side.talk() as monitor:
        graph.remove_exports(monitor, exports=[name("e", volume.id) for volume in volumes], call=side.call)


def exported(view: View, volume: Volume) -> bool:
    """Return whether clients can reach a volume."""
    return name("e", volume.id) in view.exports


def require_images(side: Side, *, volumes: Sequence[Volume]) -> None:
    """Raise `Refused` unless the side has every volume's image."""
    missing = [volume.id for volume in volumes if not side.folder.image(volume.id).exists()]
    if missing:
        raise Refused(
            f"{side.title} has no image of {', '.join(missing)}.",
            remedy="Create the volume, or put its image back into the site's folder.",
        )


def close_nodes(side: Side, *, volumes: Collection[Volume]) -> None:
    """Take everything of the volumes out of the daemon; their files stay."""
    drop_snapshots(side, volumes=volumes)
    with side.talk() as monitor:
        exports = [name(letter, volume.id) for volume in volumes for letter in "exiz"]
        graph.remove_exports(monitor, exports=exports, call=side.call)
        jobs = [name(letter, volume.id) for volume in volumes for letter in ("cut", "commit")]
        graph.remove_jobs(monitor, jobs=jobs, call=side.call)
        nodes = [name(letter, volume.id) for volume in volumes for letter in "crvbq"]
        graph.remove_nodes(monitor, nodes=nodes, view=graph.look(monitor))


def drop_snapshots(side: Side, *, volumes: Iterable[Volume]) -> None:
    """Drop the snapshots of volumes that are in the making; whoever takes them learns of it."""
    with side.talk() as monitor:
        view = graph.look(monitor)
        jobs = [job for volume in volumes for job in graph.parts("j", volume.id, view.jobs)]
        if jobs:
            graph.remove_jobs(monitor, jobs=jobs, call=side.call)
            nodes = [f"t{job[1:]}" for job in jobs]
            graph.remove_nodes(monitor, nodes=nodes, view=graph.look(monitor))

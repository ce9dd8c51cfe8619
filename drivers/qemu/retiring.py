"""The end of a side's time as the active one: its present becomes its point, its own writes are noted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from drivers.base import Volume
from drivers.qemu import copying, cutting, graph, images, lineage, record, serving, undo
from drivers.qemu.graph import name
from drivers.qemu.side import Side


def retire(side: Side, *, held: record.Held, volumes: Sequence[Volume]) -> None:
    """Make the active side a receiver whose point is what it holds now.

    Points since which nothing changed are names of the same data, so a side that was cleanly
    left needs only what the other one wrote. After a crash nothing is known: the name is new.
    """
    there = [each for each in images.sized(side.folder, volumes) if side.folder.image(each.id).exists()]
    serving.close_exports(side, volumes=volumes)
    view = side.look()
    bitmaps = {volume.id: view.bitmaps(volume.id) for volume in there}
    clean = _unchanged_since(list(bitmaps.values()))
    alive = all(name("v", volume.id) in view.nodes for volume in there)
    marked = lineage.marked(held.record, bitmaps)
    _remember_extents(side, held.record, there, marked)
    lineage.end_reign(held.record, marked)
    held.record.points = [record.new_point(), *clean]
    # What was written elsewhere since the last point that both had, it never had, however late it is told.
    held.record.point_at = held.record.shared_at or (side.call.now() if alive else _last_written(side, there))
    held.record.members = {volume.id: volume.size_bytes for volume in there}
    held.record.role = record.RECEIVER
    held.record.writes_stopped, held.record.replicated, held.record.sent = False, [], {}
    held.record.incoming, held.record.staged = "", None
    images.sync_all(side.folder.image(volume.id) for volume in there)
    held.save()
    serving.close_nodes(side, volumes=volumes)


def _remember_extents(side: Side, found: record.Record, volumes: Sequence[Volume], marked: lineage.Marked) -> None:
    """Note where clients wrote after each cut, before the daemon forgets it."""
    points = {number: point for point, number in found.cut_numbers.items() if any(marked.get(number, {}).values())}
    written = [volume for volume in volumes if any(marked[number][volume.id] for number in points)]
    if not written:
        return
    cutting.drop(side, volumes=volumes)
    with side.talk() as monitor:
        monitor.ask("transaction", actions=[each for volume in written for each in _frozen(volume, points)])
        frozen = [cutting.frozen(point) for point in points.values()]
        monitor.run(
            [
                graph.export(
                    name("x", volume.id),
                    name("v", volume.id),
                    named=cutting.export(volume),
                    writable=False,
                    bitmaps=frozen,
                )
                for volume in written
            ]
        )
    for volume in written:
        extents = {
            number: copying.extents(side, cutting.export(volume), cutting.context(point))
            for number, point in points.items()
        }
        undo.remember(side.folder, volume_id=volume.id, reign=found.reign, written=extents)


def _frozen(volume: Volume, points: Mapping[int, str]) -> list[Mapping[str, object]]:
    """Return what copies the bitmaps of points, so that the copies can be read."""
    actions: list[Mapping[str, object]] = []
    for point in points.values():
        copy = {"node": name("v", volume.id), "name": cutting.frozen(point)}
        fresh = {**copy, "granularity": serving.granularity(volume), "disabled": True}
        merge = {"node": copy["node"], "target": copy["name"], "bitmaps": [lineage.since(point)]}
        actions.append({"type": "block-dirty-bitmap-add", "data": fresh})
        actions.append({"type": "block-dirty-bitmap-merge", "data": merge})
    return actions


def _unchanged_since(marked: Sequence[graph.Bitmaps]) -> list[str]:
    """Return the points since which no volume changed."""
    prefix = lineage.since("")
    return [
        bitmap.removeprefix(prefix)
        for bitmap in (marked[0] if marked else ())
        if bitmap.startswith(prefix) and all(marks.get(bitmap) == 0 for marks in marked)
    ]


def _last_written(side: Side, volumes: Sequence[Volume]) -> float:
    """Return when the images were last written, which is how old a crashed side's data is."""
    return max((side.folder.image(volume.id).stat().st_mtime for volume in volumes), default=side.call.now())

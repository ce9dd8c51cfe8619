"""The active side of a round: one cut through all volumes of a group at one moment.

One transaction begins, for every volume, a new bitmap, a frozen copy of what changed since the
target's point, and a local copy-before-write of what clients overwrite from now on. Reading
the cut gives the moment of the transaction for as long as needed, and clients' writes depend on
this site's own disk only: neither a slow nor a dead target holds them up or fails them.
While writes are stopped the volumes themselves stand still, and are read instead of a copy;
whoever lets writes through again first drops the cut, which breaks its readers off.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence

from drivers.base import Volume
from drivers.errors import DriverError, Refused
from drivers.qemu import graph, images, lineage, record, serving
from drivers.qemu.graph import name
from drivers.qemu.qmp import Command
from drivers.qemu.side import Side


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cut:
    """One moment of a group, kept readable."""

    point: str
    at: float
    marked: Mapping[str, int]
    """For each volume whose changes since the target's point are marked: how many bytes."""
    history: Mapping[str, int]
    """The cut as the newest of its reign, with the history of the side it was made on."""
    still: bool
    """Whether nobody could write, so that the volumes themselves are read."""

    @property
    def context(self) -> str:
        """The NBD context that lists the marked extents."""
        return context(self.point)


def still_at(side: Side, *, group_id: str, volumes: Sequence[Volume], target: record.Record) -> float | None:
    """Return a time at which the whole group was unchanged since the target's point, if it is so now.

    A mark is set before its write is acknowledged, and one look is one moment, so no marks at all
    mean that the point is the present of every volume.
    """
    with side.hold(group_id) as held:
        _require_active(side, held.record)
        drop(side, volumes=volumes)
        now = side.call.now()
        view = side.look()
        if target.members != {volume.id: volume.size_bytes for volume in volumes}:
            return None
        marks = [view.bitmaps(volume.id) for volume in volumes]
        points = (lineage.since(point) for point in target.points)
        if not any(all(each.get(point) == 0 for each in marks) for point in points):
            return None
        held.record.shared_at = now
        held.save()
    return now


def make(side: Side, *, group_id: str, volumes: Sequence[Volume], point: str, target: record.Record) -> Cut:
    """Cut the group now, for a target that is at the points of its record."""
    with side.hold(group_id) as held:
        _require_active(side, held.record)
        keep = {each for points in held.record.sent.values() for each in points} | set(target.points)
        drop(side, volumes=volumes)
        remove_bitmaps(side, volumes=volumes, keep=keep)
        serving.open_nodes(side, volumes=volumes)
        _number(held.record, point, keep)
        held.save()
        return _cut(side, volumes, point, target, held.record)


def verify(side: Side, *, volumes: Sequence[Volume], cut: Cut) -> None:
    """Raise `DriverError` unless the cut still holds the moment it was made at."""
    if not cut.still:
        with side.talk() as monitor:
            running = {job["id"] for job in monitor.ask("query-jobs") if job["status"] == "running"}
        if not {name("cut", volume.id) for volume in volumes} <= running:
            raise DriverError(f"{side.title} lost the moment this round was to bring over.", retryable=True)


def finish(side: Side, *, group_id: str, volumes: Sequence[Volume], point: str, at: float, backend_id: str) -> None:
    """Note that a side holds the point; forget the marks nobody needs any more."""
    with side.hold(group_id) as held:
        held.record.sent[backend_id], held.record.shared_at = [point], at
        keep = {each for points in held.record.sent.values() for each in points}
        held.record.cut_numbers = {each: number for each, number in held.record.cut_numbers.items() if each in keep}
        held.save()
        remove_bitmaps(side, volumes=volumes, keep=keep)


def drop(side: Side, *, volumes: Sequence[Volume]) -> None:
    """Let go of a cut; what marks the changes since any point stays. Absent ones are fine."""
    with side.talk() as monitor:
        graph.remove_exports(monitor, exports=[name("x", volume.id) for volume in volumes], call=side.call)
        graph.remove_jobs(monitor, jobs=[name("cut", volume.id) for volume in volumes], call=side.call)
        view = graph.look(monitor)
        graph.remove_nodes(monitor, nodes=[name("c", volume.id) for volume in volumes], view=view)
        prefix = frozen("")
        _remove(side, volumes, [key for volume in volumes for key in view.bitmaps(volume.id) if key.startswith(prefix)])
    for volume in volumes:
        side.folder.image(volume.id, "cut").unlink(missing_ok=True)


def remove_bitmaps(side: Side, *, volumes: Sequence[Volume], keep: Collection[str] = ()) -> None:
    """Stop marking changes since any point but those kept."""
    view, kept, prefix = side.look(), {lineage.since(point) for point in keep}, lineage.since("")
    marks = {key for volume in volumes for key in view.bitmaps(volume.id) if key.startswith(prefix)}
    _remove(side, volumes, marks - kept)


def export(volume: Volume) -> str:
    """Return the name a volume's cut is exported by."""
    return f"cut/{volume.id}"


def frozen(point: str) -> str:
    """Return the name of the bitmap that keeps what was marked since a point as it was at one moment."""
    return f"cut-{point}"


def context(point: str) -> str:
    """Return the NBD context that lists what such a bitmap marks."""
    return f"qemu:dirty-bitmap:{frozen(point)}"


def _require_active(side: Side, found: record.Record) -> None:
    if found.role != record.ACTIVE:
        raise Refused(f"{side.title} is not the active side any more; nothing is copied from it.")


def _number(found: record.Record, point: str, keep: Collection[str]) -> None:
    """Give a cut that is about to be made the next number of its reign."""
    found.reign = found.reign or record.new_point()
    found.cuts += 1
    kept = {each: number for each, number in found.cut_numbers.items() if each in keep}
    found.cut_numbers = {**kept, point: found.cuts}


def _cut(side: Side, volumes: Sequence[Volume], point: str, target: record.Record, found: record.Record) -> Cut:
    still = found.writes_stopped
    with side.talk() as monitor:
        if still:
            serving.close_exports(side, volumes=volumes)
        else:
            monitor.run([_open_copy(side, volume) for volume in volumes])
        view = graph.look(monitor)
        bases = {volume.id: _base(view.bitmaps(volume.id), volume, target) for volume in volumes}
        at = side.call.now()
        monitor.ask("transaction", actions=_actions(volumes, bases, point, still=still))
        view = graph.look(monitor)
        marked = {volume.id: view.bitmaps(volume.id)[frozen(point)] for volume in volumes if bases[volume.id]}
        monitor.run(
            [
                graph.export(
                    name("x", volume.id),
                    name("v" if still else "c", volume.id),
                    named=export(volume),
                    writable=False,
                    bitmaps=[frozen(point)] if bases[volume.id] else [],
                    depth=not still,
                )
                for volume in volumes
                if marked.get(volume.id) != 0
            ]
        )
    return Cut(point=point, at=at, marked=marked, history=lineage.present(found), still=still)


def _base(bitmaps: graph.Bitmaps, volume: Volume, target: record.Record) -> str:
    """Return the bitmap that marks what the target lacks of a volume; none when nothing does."""
    if target.members.get(volume.id) != volume.size_bytes:
        return ""
    return next((lineage.since(point) for point in target.points if lineage.since(point) in bitmaps), "")


def _open_copy(side: Side, volume: Volume) -> Command:
    path = side.folder.image(volume.id, "cut")
    images.create_overlay(path, size_bytes=volume.size_bytes)
    return graph.add_overlay(name("c", volume.id), path, backing=name("v", volume.id), direct=side.direct)


def _actions(
    volumes: Sequence[Volume], bases: Mapping[str, str], point: str, *, still: bool
) -> list[Mapping[str, object]]:
    """Return the transaction: marks begin before the moment and are frozen after it, so that
    they hold too much rather than too little."""
    begin, moment, freeze = [], [], []
    for volume in volumes:
        node = name("v", volume.id)
        fresh = {"node": node, "granularity": serving.granularity(volume)}
        begin.append({"type": "block-dirty-bitmap-add", "data": {**fresh, "name": lineage.since(point)}})
        backup = {
            "job-id": name("cut", volume.id),
            "device": node,
            "target": name("c", volume.id),
            "sync": "none",
            "filter-node-name": name("f", volume.id),
        }
        if not still:
            moment.append({"type": "blockdev-backup", "data": backup})
        if base := bases[volume.id]:
            begin.append({"type": "block-dirty-bitmap-add", "data": {**fresh, "name": frozen(point), "disabled": True}})
            merge = {"node": node, "target": frozen(point), "bitmaps": [base]}
            freeze.append({"type": "block-dirty-bitmap-merge", "data": merge})
    return [*begin, *moment, *freeze]


def _remove(side: Side, volumes: Sequence[Volume], bitmaps: Collection[str]) -> None:
    if not bitmaps:
        return
    with side.talk() as monitor:
        view = graph.look(monitor)
        actions = [
            {"type": "block-dirty-bitmap-remove", "data": {"node": name("v", volume.id), "name": bitmap}}
            for volume in volumes
            for bitmap in set(bitmaps)
            if bitmap in view.bitmaps(volume.id)
        ]
        # One transaction, because each command costs a turn of the daemon's loop.
        if actions:
            monitor.ask("transaction", actions=actions)

"""Marks on the active side that tell a test copy's check what clients have written since its point.

They are bitmaps of the copy's own, so that rounds need know nothing of them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence

from drivers.base import Volume
from drivers.errors import DriverError
from drivers.qemu import copying, graph, lineage, serving
from drivers.qemu.graph import name
from drivers.qemu.side import Side

_EXPORT = "m"


def begin(side: Side, *, volumes: Sequence[Volume], copy_id: str, points: Sequence[str]) -> None:
    """Mark what was written since a copy's point, and from now on, where that is known of every volume."""
    view = side.look()
    if all(_bitmap(copy_id) in view.bitmaps(volume.id) for volume in volumes):
        return
    known = [lineage.since(point) for point in points]
    since = next((each for each in known if all(each in view.bitmaps(volume.id) for volume in volumes)), None)
    if since is None:
        return
    actions = [
        action
        for volume in volumes
        if _bitmap(copy_id) not in view.bitmaps(volume.id)
        for action in _adding(volume, _bitmap(copy_id), source=since)
    ]
    with side.talk() as monitor:
        monitor.ask("transaction", actions=actions)


def forget(side: Side, *, volumes: Sequence[Volume], copy_id: str) -> None:
    """Stop marking for a copy; absent marks are fine."""
    _forget(side, volumes, [_bitmap(copy_id), _frozen(copy_id)])


def are_there(side: Side, *, volumes: Sequence[Volume], copy_id: str) -> bool:
    """Return whether every volume's writes since the copy's point are known."""
    view = side.look()
    return all(_bitmap(copy_id) in view.bitmaps(volume.id) for volume in volumes)


def changed(side: Side, *, volumes: Sequence[Volume], copy_id: str) -> Mapping[str, Sequence[copying.Range]]:
    """Return where clients have written each volume since the copy's point."""
    with side.talk() as monitor, _readable(side, volumes, copy_id):
        frozen = f"qemu:dirty-bitmap:{_frozen(copy_id)}"
        exports = [
            graph.export(
                name(_EXPORT, f"{copy_id}/{volume.id}"),
                name("v", volume.id),
                named=_named(copy_id, volume),
                writable=False,
                bitmaps=[_frozen(copy_id)],
            )
            for volume in volumes
        ]
        monitor.run(exports)
        return {volume.id: copying.extents(side, _named(copy_id, volume), frozen) for volume in volumes}


@contextlib.contextmanager
def _readable(side: Side, volumes: Sequence[Volume], copy_id: str) -> Iterator[None]:
    """Keep the marks as they are at one moment, so that they can be read."""
    _clear(side, volumes, copy_id)
    actions = [
        action
        for volume in volumes
        for action in _adding(volume, _frozen(copy_id), source=_bitmap(copy_id), disabled=True)
    ]
    with side.talk() as monitor:
        monitor.ask("transaction", actions=actions)
    try:
        yield
    finally:
        with contextlib.suppress(DriverError):
            _clear(side, volumes, copy_id)


def _clear(side: Side, volumes: Sequence[Volume], copy_id: str) -> None:
    with side.talk() as monitor:
        exports = [name(_EXPORT, f"{copy_id}/{volume.id}") for volume in volumes]
        graph.remove_exports(monitor, exports=exports, call=side.call)
    _forget(side, volumes, [_frozen(copy_id)])


def _forget(side: Side, volumes: Sequence[Volume], bitmaps: Sequence[str]) -> None:
    view = side.look()
    actions = [
        {"type": "block-dirty-bitmap-remove", "data": {"node": name("v", volume.id), "name": bitmap}}
        for volume in volumes
        for bitmap in bitmaps
        if bitmap in view.bitmaps(volume.id)
    ]
    if actions:
        with side.talk() as monitor:
            monitor.ask("transaction", actions=actions)


def _adding(volume: Volume, bitmap: str, *, source: str, disabled: bool = False) -> Sequence[Mapping[str, object]]:
    place = {"node": name("v", volume.id), "name": bitmap}
    fresh = {**place, "granularity": serving.granularity(volume), "disabled": disabled}
    merge = {"node": place["node"], "target": bitmap, "bitmaps": [source]}
    return (
        {"type": "block-dirty-bitmap-add", "data": fresh},
        {"type": "block-dirty-bitmap-merge", "data": merge},
    )


def _bitmap(copy_id: str) -> str:
    return f"copy-{copy_id}"


def _frozen(copy_id: str) -> str:
    return f"copy-as-read-{copy_id}"


def _named(copy_id: str, volume: Volume) -> str:
    return f"copy-marks/{copy_id}/{volume.id}"

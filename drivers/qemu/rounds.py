"""One round: a target gets the active side's present as one complete point of the whole group."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Mapping, Sequence

from drivers.base import Call, Volume
from drivers.errors import DriverError, UndoPointFailed
from drivers.qemu import copying, cutting, firstcopy, images, lineage, receiving, record, serving, undo
from drivers.qemu.side import Side

_CLEANING_SECONDS = 10.0


def run(source: Side, target: Side, *, group_id: str, volumes: Sequence[Volume], call: Call) -> int:
    """Run one round and return how many bytes of the target's own it discarded, kept as an undo point.

    Whatever goes wrong, the target keeps an older complete point or has this one.
    """
    serving.require_images(source, volumes=volumes)
    volumes = images.sized(source.folder, volumes)
    with source.hold(group_id) as held:
        origin = held.record
    point = record.new_point()
    before = receiving.begin(target, group_id=group_id, volumes=volumes, point=point, source=origin)
    if at := cutting.still_at(source, group_id=group_id, volumes=volumes, target=before):
        receiving.confirm(target, group_id=group_id, point=point, at=at, history=lineage.present(origin))
        return 0
    keeper = undo.Keeper(origin, target, group_id=group_id, point=point, found=before)
    if keeper.needed:
        # Both sides are to be compared, whatever is marked: marks tell what to copy, not what is lost.
        before = dataclasses.replace(before, points=[])
    try:
        cut = cutting.make(source, group_id=group_id, volumes=volumes, point=point, target=before)
        fresh, changed = _parted(volumes, before, cut)
        progress = copying.Progress(call, total=_expected(fresh, cut) + _expected(changed, cut))
        for volume in volumes:
            source.folder.image(volume.id, "spread").touch()
        made = receiving.begin_images(target, group_id=group_id, point=point, volumes=fresh)
        places = receiving.open_overlays(target, group_id=group_id, point=point, volumes=changed)
        firstcopy.copy(source, target, firsts=_firsts(fresh, cut, made), progress=progress)
        copying.copy(source, target, errands=_errands(changed, cut, places, keeper), progress=progress)
        cutting.verify(source, volumes=volumes, cut=cut)
        members = {volume.id: volume.size_bytes for volume in volumes}
        staged = record.Staged(point=point, at=cut.at, members=members, history=dict(cut.history))
        kept = keeper.finish()
        receiving.complete(target, group_id=group_id, staged=staged, kept=kept)
    except UndoPointFailed:
        keeper.abandon()
        raise
    finally:
        keeper.close()
        _let_go(source, group_id, volumes, call)
    cutting.finish(source, group_id=group_id, volumes=volumes, point=point, at=cut.at, backend_id=target.backend_id)
    return sum(kept.volumes.values()) if kept is not None else 0


def _parted(
    volumes: Sequence[Volume], before: record.Record, cut: cutting.Cut
) -> tuple[Sequence[Volume], Sequence[Volume]]:
    """Return the volumes that the target does not have, and of the others those that changed or may have."""
    # A copy that is larger already is as good: extending grows the copies first.
    fresh = [volume for volume in volumes if before.members.get(volume.id, 0) < volume.size_bytes]
    return fresh, [volume for volume in volumes if volume not in fresh and cut.marked.get(volume.id) != 0]


def _expected(volumes: Sequence[Volume], cut: cutting.Cut) -> int:
    return sum(cut.marked.get(volume.id, volume.size_bytes) for volume in volumes)


def _firsts(
    volumes: Sequence[Volume], cut: cutting.Cut, made: Mapping[str, firstcopy.Made]
) -> Sequence[firstcopy.First]:
    return [
        firstcopy.First(volume=volume, read_from=cutting.export(volume), keeps=not cut.still, made=made[volume.id])
        for volume in volumes
    ]


def _errands(
    volumes: Sequence[Volume], cut: cutting.Cut, places: Mapping[str, str], keeper: undo.Keeper
) -> Sequence[copying.Errand]:
    return [
        copying.Errand(
            volume=volume,
            read_from=cutting.export(volume),
            write_to=places[volume.id],
            context=cut.context if volume.id in cut.marked else "",
            bytes_expected=cut.marked.get(volume.id, volume.size_bytes),
            keeper=keeper.of(volume),
        )
        for volume in volumes
    ]


def _let_go(source: Side, group_id: str, volumes: Sequence[Volume], call: Call) -> None:
    """Let go of the cut, even if the call is over; failing that, the next round does.

    A newer worker's cut is left alone: the fence refuses an older epoch.
    """
    with contextlib.suppress(DriverError):
        own = Call(epoch=call.epoch, deadline_seconds=_CLEANING_SECONDS)
        side = Side(backend_id=source.backend_id, folder=source.folder, call=own)
        with side.hold(group_id):
            cutting.drop(side, volumes=volumes)

"""The test-copy calls of the qemu driver: start, stop, list, check, read, and what a site keeps."""

from __future__ import annotations

import contextlib
import os
import urllib.parse
from collections.abc import Collection, Mapping, Sequence

from drivers.base import Call, Group
from drivers.errors import CopyGone, DriverError, NoRecoveryPoint, Refused, StaleEpoch
from drivers.qemu import checking, copying, layers, looking, marking, nbd, receiving, record, undo
from drivers.qemu.graph import name
from drivers.qemu.side import Side
from drivers.qemu.sites import Sites
from drivers.rehearsing import CopyCheck, RunningCopy


def start(sites: Sites, group: Group, backend_id: str, copy_id: str, call: Call) -> RunningCopy:
    """Start a copy on a site, unless it runs already."""
    side = sites.open(backend_id, call)
    with _lock(side, group.id), side.talk():
        held = record.Held(side.folder, group.id)
        _fence(held.record, copy_id, call.epoch)
        if held.record.staged is not None:
            # It counts already, only a crash kept it out of the images.
            receiving.settle(side, held=held, volumes=group.volumes)
        copy = held.record.copies.get(copy_id) or _planned(side, held.record, group, call)
        copy.epoch = call.epoch
        held.record.copies[copy_id] = copy
        # Listed before anything is made: what a crash leaves behind belongs to it.
        held.save()
        if not copy.problem:
            layers.open_all(side, copy_id, copy)
            # Inside the lock: no round can end meanwhile and drop the marks since this point.
            if not copy.saved:
                _mark(sites, side, group, copy_id, held.record.points, call)
    return _running(side, copy_id, copy)


def stop(sites: Sites, group: Group, backend_id: str, copy_id: str, call: Call) -> None:
    """Remove a copy from a site; remember its epoch, so that nobody who is late starts it again."""
    side = sites.open(backend_id, call)
    with _lock(side, group.id), side.talk():
        held = record.Held(side.folder, group.id)
        _fence(held.record, copy_id, call.epoch)
        layers.end(side, held=held, copy_id=copy_id)
        if side.folder.record(group.id).exists():
            held.save()
    for other in sites.answering(call).values():
        marking.forget(other, volumes=group.volumes, copy_id=copy_id)


def listed(sites: Sites, group: Group, call: Call) -> Sequence[RunningCopy]:
    """Return the copies on all sites that answer."""
    found = [
        _running(side, copy_id, copy)
        for side in sites.answering(call).values()
        for copy_id, copy in side.record(group.id).copies.items()
    ]
    return sorted(found, key=lambda copy: (copy.started_at, copy.id))


def check(sites: Sites, group: Group, backend_id: str, copy_id: str, call: Call) -> Sequence[CopyCheck]:
    """Read a copy, and compare it with the active side where that can tell what was written since."""
    side = sites.open(backend_id, call)
    copy = _usable(side, group, copy_id)
    volumes = [volume for volume in group.volumes if volume.id in copy.members]
    active = _other_active(sites, side, group, call)
    why = "The active side does not answer." if active is None else ""
    if active is not None and not marking.are_there(active, volumes=volumes, copy_id=copy_id):
        active, why = None, "The active side does not know what was written to it since the copy's point."
    found = checking.check(side, active, volumes=volumes, copy_id=copy_id, why=why)
    # What was read counts only if the copy was whole to the end.
    _usable(side, group, copy_id)
    return found


def read(side: Side, group: Group, copy_id: str, volume_id: str, offset: int, length: int) -> bytes:
    """Return bytes as the copy's clients get them."""
    copy = _usable(side, group, copy_id)
    if volume_id not in copy.members:
        raise CopyGone(f"Test copy {copy_id} has no copy of volume {volume_id}.")
    with (
        copying.blamed(side),
        nbd.Connection(path=str(side.folder.nbd_socket), export=layers.export(copy_id, volume_id)) as connection,
    ):
        return connection.read(offset=offset, length=length)


def read_active(sites: Sites, group: Group, volume_id: str, offset: int, length: int, call: Call) -> bytes:
    """Return bytes of the active side's image, which is what its clients get."""
    side = sites.active(sites.answering(call), group)
    with side.folder.image(volume_id).open("rb", buffering=0) as image:
        found = os.pread(image.fileno(), length, offset)
    if len(found) < length:
        raise Refused(f"The image of volume {volume_id} ends before byte {offset + length}.")
    return found


def inventory(side: Side, group: Group) -> Collection[str]:
    """Return the names of all a site keeps for a group but what its rounds hold for the moment."""
    found, view = side.record(group.id), side.look()
    names = {f"volume {volume.id}" for volume in group.volumes if side.folder.image(volume.id).exists()}
    names |= {f"undo point {point.id}" for point in undo.listed(side, group_id=group.id)}
    names |= {f"test copy {copy_id}" for copy_id in found.copies}
    folder = side.folder.test_copies(group.id)
    names |= {f"file {path.relative_to(side.folder.path)}" for path in folder.rglob("*")}
    for part in [layers.part(copy_id, volume.id) for copy_id in _known(found) for volume in group.volumes]:
        nodes = {name(letter, part) for letter in (layers.BASE, layers.OLD, layers.NEW)} & view.nodes.keys()
        exports = {name(letter, part) for letter in (layers.CLIENTS, layers.AS_STARTED)} & view.exports
        names |= {f"node {each} of {part}" for each in nodes} | {f"export {each} of {part}" for each in exports}
    for volume in group.volumes:
        names |= {f"marks {bitmap} on {volume.id}" for bitmap in view.bitmaps(volume.id) if bitmap.startswith("copy-")}
    return names


def _known(found: record.Record) -> Collection[str]:
    """Return the copies a site has or has had: of the latter nothing may be left."""
    return {*found.copies, *found.ended_copies}


def _lock(side: Side, group_id: str) -> contextlib.AbstractContextManager[None]:
    # Not fenced by the group's epoch: a copy has one of its own.
    return record.lock(side.folder, group_id=group_id, backend_id=side.backend_id, call=side.call)


def _fence(found: record.Record, copy_id: str, epoch: int) -> None:
    copy = found.copies.get(copy_id)
    seen = copy.epoch if copy is not None else found.ended_copies.get(copy_id, 0)
    if epoch < seen:
        raise StaleEpoch(f"Test copy {copy_id} was changed in epoch {seen}; this call is of epoch {epoch}.")
    if copy is not None:
        copy.epoch = epoch
    elif found.role != record.NONE:
        layers.remember(found, copy_id, epoch)


def _planned(side: Side, found: record.Record, group: Group, call: Call) -> record.Copy:
    if found.role == record.ACTIVE:
        raise Refused(
            f"{side.title} is the active side; a test copy is made on another one.",
            remedy="Name a target that receives the group.",
        )
    members = looking.point_members(found)
    missing = [volume.id for volume in group.volumes if volume.id not in members]
    if missing or found.role != record.RECEIVER or not group.volumes:
        raise NoRecoveryPoint(
            f"{side.title} holds no complete point of the group: it lacks {', '.join(missing) or 'every member'}."
        )
    return record.Copy(
        group_id=group.id,
        point_at=found.point_at,
        members={volume.id: members[volume.id] for volume in group.volumes},
        started_at=call.now(),
    )


def _usable(side: Side, group: Group, copy_id: str) -> record.Copy:
    """Return a copy that can be used, opened again if its site was restarted. Raises `CopyGone`."""
    with _lock(side, group.id), side.talk():
        copy = side.record(group.id).copies.get(copy_id)
        if copy is None:
            raise CopyGone(f"{side.title} has no test copy {copy_id}.")
        if copy.problem:
            raise CopyGone(f"Test copy {copy_id} is of no more use. {copy.problem}")
        layers.open_all(side, copy_id, copy)
        return copy


def _mark(sites: Sites, side: Side, group: Group, copy_id: str, points: Sequence[str], call: Call) -> None:
    """Let the active side mark what it writes, if it answers: without, the check cannot compare."""
    active = _other_active(sites, side, group, call)
    if active is None:
        return
    try:
        with _lock(active, group.id), active.talk():
            marking.begin(active, volumes=group.volumes, copy_id=copy_id, points=points)
    except DriverError:
        call.check()


def _other_active(sites: Sites, side: Side, group: Group, call: Call) -> Side | None:
    others = [each for each in sites.folders if each != side.backend_id]
    answering: Mapping[str, Side] = sites.answering(call, others)
    try:
        return sites.active(answering, group) if answering else None
    except DriverError:
        call.check()
        return None


def _running(side: Side, copy_id: str, copy: record.Copy) -> RunningCopy:
    socket = urllib.parse.quote(str(side.folder.nbd_socket))
    return RunningCopy(
        id=copy_id,
        backend_id=side.backend_id,
        point_at=copy.point_at,
        started_at=copy.started_at,
        addresses={
            volume_id: f"nbd+unix:///{urllib.parse.quote(layers.export(copy_id, volume_id))}?socket={socket}"
            for volume_id in copy.members
        },
        problem=copy.problem,
    )

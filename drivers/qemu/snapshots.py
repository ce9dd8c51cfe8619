"""Snapshots: full images of volumes as they were at one moment, and volumes made from them.

One transaction begins, for all volumes of a set, a backup job that copies the whole volume as of
that moment; what clients overwrite meanwhile is copied first. The set counts once all jobs have
ended well, its images are on stable storage and its record says so. An image depends on nothing
else then, so nothing that happens to the volume or its group touches it. Jobs do not outlive their
daemon: a set that was cut off is dropped and taken anew. Whoever takes a volume out of the daemon
or opens it to clients drops the jobs first, for a failover does not wait for a snapshot.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from drivers.base import Call, Group, SnapshotSet, Volume
from drivers.errors import DriverError, Refused, StaleEpoch
from drivers.qemu import graph, images, record, serving
from drivers.qemu.folder import Folder
from drivers.qemu.graph import part
from drivers.qemu.qmp import Command
from drivers.qemu.side import Side
from drivers.qemu.sites import Sites

_SPARE_BYTES = 64 << 20
_CLEANING_SECONDS = 10.0


@dataclasses.dataclass(kw_only=True)
class Taken:
    """What a site remembers of a set."""

    epoch: int = 0
    attempt: str = ""
    """Names the attempt under way; empty when there is none."""
    at: float | None = None
    """The moment the set holds; None as long as it is not whole."""


def take(sites: Sites, group: Group, wanted: SnapshotSet, *, call: Call) -> float:
    """Take a set on the side it names, unless it is whole already; return its moment."""
    side = sites.open(wanted.backend_id, call)
    others = [each for each in sites.folders if each != wanted.backend_id]
    elsewhere = [other.record(group.id) for other in sites.answering(call, others).values()]
    attempt = record.new_point()
    with _hold(side, wanted) as taken:
        if taken.at is not None and len(_files(side.folder, wanted)) == len(wanted.snapshots):
            return taken.at
        _require_active(side, side.record(group.id), elsewhere)
        _require_room(side, wanted)
        _drop(side, wanted)
        taken.attempt, taken.at = attempt, None
        _save(side.folder, wanted.id, taken)
        try:
            at = _begin(side, group, wanted)
        except BaseException:
            _forget(side, wanted)
            raise
    try:
        _await(side, wanted)
        with _hold(side, wanted) as taken:
            _require_own(side, taken, attempt)
            _require_done(side, wanted)
            for path in _files(side.folder, wanted):
                # A job sets aside room for the whole volume, also for where it holds nothing.
                images.give_back(path)
            images.sync_all(_files(side.folder, wanted))
            taken.attempt, taken.at = "", at
            _save(side.folder, wanted.id, taken)
            _let_go(side, wanted)
    except BaseException:
        _abandon(side, wanted, attempt)
        raise
    return at


def remove(side: Side, gone: SnapshotSet) -> None:
    """Remove a set, whole or not."""
    with _hold(side, gone):
        _forget(side, gone)


def whole(side: Side, asked: SnapshotSet) -> Collection[str]:
    """Return the ids of the snapshots of a set that are there and whole."""
    if _load(side.folder, asked.id).at is None:
        return ()
    return {each.id for each in asked.snapshots if side.folder.snapshot(each.id).exists()}


@contextlib.contextmanager
def readable(side: Side, *, volumes: Sequence[Volume], snapshots: Mapping[str, str]) -> Iterator[Mapping[str, str]]:
    """Let the snapshots that volumes are made from be read; yield the name of each volume's export."""
    with side.talk() as monitor:
        _close(side, volumes)
        commands: list[Command] = []
        for volume in volumes:
            node, path = graph.name("q", volume.id), side.folder.snapshot(snapshots[volume.id])
            options = {**graph.add_raw(node, path, direct=side.direct)[1], "read-only": True}
            commands.append(("blockdev-add", options))
            named = f"snapshot/{volume.id}"
            commands.append(graph.export(graph.name("z", volume.id), node, named=named, writable=False))
        monitor.run(commands)
    try:
        yield {volume.id: f"snapshot/{volume.id}" for volume in volumes}
    finally:
        with contextlib.suppress(DriverError):
            own = Side(backend_id=side.backend_id, folder=side.folder, call=_own_call(side))
            _close(own, volumes)


def _close(side: Side, volumes: Sequence[Volume]) -> None:
    with side.talk() as monitor:
        graph.remove_exports(monitor, exports=[graph.name("z", volume.id) for volume in volumes], call=side.call)
        nodes = [graph.name("q", volume.id) for volume in volumes]
        graph.remove_nodes(monitor, nodes=nodes, view=graph.look(monitor))


def _begin(side: Side, group: Group, wanted: SnapshotSet) -> float:
    """Begin the jobs of a set, all at one moment; return that moment."""
    known = {volume.id: volume for volume in images.sized(side.folder, group.volumes)}
    if strange := [each.volume_id for each in wanted.snapshots if each.volume_id not in known]:
        raise Refused(f"Volume {', '.join(strange)} is not one of the group's.")
    side.folder.snapshots.mkdir(exist_ok=True)
    serving.open_nodes(side, volumes=[known[each.volume_id] for each in wanted.snapshots])
    with side.talk() as monitor:
        commands: list[Command] = []
        for each in wanted.snapshots:
            path = side.folder.snapshot(each.id)
            images.create_empty(path, size_bytes=known[each.volume_id].size_bytes)
            commands.append(graph.add_raw(part("t", each.volume_id, each.id), path, direct=side.direct))
        monitor.run(commands)
        at = side.call.now()
        monitor.ask("transaction", actions=[_backup(each.volume_id, each.id) for each in wanted.snapshots])
    return at


def _backup(volume_id: str, snapshot_id: str) -> Mapping[str, Any]:
    data = {
        "job-id": part("j", volume_id, snapshot_id),
        "device": graph.name("v", volume_id),
        "target": part("t", volume_id, snapshot_id),
        "sync": "full",
        "filter-node-name": part("p", volume_id, snapshot_id),
        "auto-dismiss": False,
    }
    return {"type": "blockdev-backup", "data": data}


def _await(side: Side, wanted: SnapshotSet) -> None:
    """Return once every job of a set has ended, telling how far they are."""
    names = _jobs(wanted)
    for pause in graph.pauses():
        with side.talk() as monitor:
            found = {job["id"]: job for job in monitor.ask("query-jobs") if job["id"] in names}
        if len(found) < len(names):
            raise _dropped(side)
        done = sum(job["current-progress"] for job in found.values())
        total = sum(job["total-progress"] for job in found.values())
        side.call.progress(done=done, total=max(done, total), unit="bytes")
        if all(job["status"] == "concluded" for job in found.values()):
            return
        side.call.wait(pause)


def _require_done(side: Side, wanted: SnapshotSet) -> None:
    with side.talk() as monitor:
        found = {job["id"]: job for job in monitor.ask("query-jobs")}
    for name in _jobs(wanted):
        if name not in found:
            raise _dropped(side)
        if problem := found[name].get("error"):
            raise DriverError(f"{side.title} could not take the snapshot: {problem}.")


def _dropped(side: Side) -> DriverError:
    return DriverError(
        f"{side.title} dropped the snapshot before it was whole: its daemon was started again, or the volumes were"
        " moved.",
        retryable=True,
    )


def _require_own(side: Side, taken: Taken, attempt: str) -> None:
    if taken.attempt != attempt:
        raise DriverError(f"{side.title} has begun this snapshot anew for another worker.", retryable=True)


def _require_active(side: Side, found: record.Record, elsewhere: Sequence[record.Record]) -> None:
    superseded = any(other.role == record.ACTIVE and other.outranks(found) for other in elsewhere)
    if found.role != record.ACTIVE or superseded:
        raise Refused(
            f"{side.title} is not the active side; it has no present to take a snapshot of.",
            remedy="Look which side is active, and ask again.",
        )


def _require_room(side: Side, wanted: SnapshotSet) -> None:
    """Raise `DriverError` when the site's disk has no room: a write that cannot be set aside would fail."""
    paths = [side.folder.image(each.volume_id) for each in wanted.snapshots]
    # The jobs set aside room for the whole of each volume; what it does not need is given back at their end.
    needed = sum(path.stat().st_size for path in paths if path.exists()) + _SPARE_BYTES
    free = shutil.disk_usage(side.folder.path).free
    if free < needed:
        raise DriverError(
            f"{side.title} has {free} bytes free, and the snapshot may need {needed}.",
            remedy="Make room on the site's disk, then take the snapshot again.",
        )


def _drop(side: Side, one: SnapshotSet) -> None:
    """Remove a set's jobs and images; absent ones are fine."""
    _let_go(side, one)
    for each in one.snapshots:
        side.folder.snapshot(each.id).unlink(missing_ok=True)


def _forget(side: Side, one: SnapshotSet) -> None:
    """Remove all there is of a set."""
    _drop(side, one)
    _path(side.folder, one.id).unlink(missing_ok=True)


def _let_go(side: Side, one: SnapshotSet) -> None:
    """Take what a set has in the daemon out of it."""
    with side.talk() as monitor:
        graph.remove_jobs(monitor, jobs=_jobs(one), call=side.call)
        nodes = [part("t", each.volume_id, each.id) for each in one.snapshots]
        graph.remove_nodes(monitor, nodes=nodes, view=graph.look(monitor))


def _abandon(side: Side, wanted: SnapshotSet, attempt: str) -> None:
    """Drop what was begun, even if the call is over; failing that, whoever is next does."""
    with contextlib.suppress(DriverError, OSError):
        own = Side(backend_id=side.backend_id, folder=side.folder, call=_own_call(side))
        with _hold(own, wanted) as taken:
            if taken.attempt == attempt:
                _forget(own, wanted)


def _own_call(side: Side) -> Call:
    return Call(epoch=side.call.epoch, deadline_seconds=_CLEANING_SECONDS)


def _jobs(one: SnapshotSet) -> set[str]:
    return {part("j", each.volume_id, each.id) for each in one.snapshots}


def _files(folder: Folder, one: SnapshotSet) -> list[Any]:
    return [path for each in one.snapshots if (path := folder.snapshot(each.id)).exists()]


# The record of a set.


@contextlib.contextmanager
def _hold(side: Side, one: SnapshotSet) -> Iterator[Taken]:
    """Hold a set against other workers, fenced by the call's epoch, with a line to the daemon."""
    with (
        record.lock(side.folder, group_id=one.id, backend_id=side.backend_id, call=side.call),
        side.talk(),
    ):
        taken = _load(side.folder, one.id)
        epoch = side.call.epoch
        if taken.epoch > epoch:
            raise StaleEpoch(
                f"Snapshot {one.id} was changed in epoch {taken.epoch}; this call is of {side.call.epoch}."
            )
        taken.epoch = epoch
        yield taken


def _path(folder: Folder, set_id: str) -> Any:
    return folder.snapshot(set_id).with_suffix(".json")


def _load(folder: Folder, set_id: str) -> Taken:
    path = _path(folder, set_id)
    try:
        return Taken(**json.loads(path.read_text()))
    except FileNotFoundError:
        return Taken()
    except (ValueError, TypeError) as error:
        raise DriverError(
            f"The record '{path}' cannot be understood.", remedy="Put it back from a backup; nothing was changed."
        ) from error


def _save(folder: Folder, set_id: str, taken: Taken) -> None:
    """Replace a set's record, whole or not at all, on stable storage. Needs its lock."""
    folder.snapshots.mkdir(exist_ok=True)
    path = _path(folder, set_id)
    fresh = path.with_suffix(".new")
    with fresh.open("w") as file:
        json.dump(dataclasses.asdict(taken), file)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    images.sync(path.parent)

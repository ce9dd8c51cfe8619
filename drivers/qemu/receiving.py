"""The receiving side of a round: what arrives is set apart until it is whole, then moved in.

A round's data goes to an overlay per volume, or, for a volume the side's point does not hold
yet, straight to an empty image. One write of the record then makes the round count: from that
moment it is rolled forward from the overlays, which can be done again after any crash; before
that moment it is dropped, and the images are untouched.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence

from drivers.base import Volume
from drivers.errors import DriverError, Refused
from drivers.qemu import firstcopy, graph, images, layers, record, retiring, serving, undo
from drivers.qemu.graph import name
from drivers.qemu.qmp import Command
from drivers.qemu.side import Side


def begin(side: Side, *, group_id: str, volumes: Sequence[Volume], point: str, source: record.Record) -> record.Record:
    """Make the side ready for a round and return its record: finish or drop an older round first."""
    with side.hold(group_id) as held:
        if held.record.role == record.ACTIVE:
            if held.record.outranks(source):
                raise Refused(f"{side.title} became the active side; nothing is copied to it.")
            retiring.retire(side, held=held, volumes=volumes)
        settle(side, held=held, volumes=volumes)
        held.record.role, held.record.incoming = record.RECEIVER, point
        held.save()
        return dataclasses.replace(held.record)


def settle(side: Side, *, held: record.Held, volumes: Sequence[Volume]) -> None:
    """Roll a whole round forward, drop an unfinished one."""
    everyone = {volume.id: volume for volume in volumes}
    for volume_id, size in {**held.record.members, **_staged_members(held.record)}.items():
        everyone.setdefault(volume_id, Volume(id=volume_id, name=volume_id, size_bytes=size))
    serving.close_nodes(side, volumes=list(everyone.values()))
    if held.record.staged is not None:
        _roll_forward(side, held, held.record.staged, list(everyone.values()))
        serving.close_nodes(side, volumes=list(everyone.values()))
    elif held.record.incoming:
        held.record.incoming = ""
        held.save()
    _remove_overlays(side, everyone)
    undo.tidy(side.folder, group_id=held.group_id, kept=held.record.kept)


def begin_images(side: Side, *, group_id: str, point: str, volumes: Collection[Volume]) -> Mapping[str, firstcopy.Made]:
    """Make an empty image for each volume that the side does not have yet, and return them."""
    if not volumes:
        return {}
    with side.hold(group_id) as held:
        require_incoming(side, held.record, point)
        layers.give_up_with(side, held=held, volumes=volumes)
        for volume in volumes:
            images.create_empty(side.folder.image(volume.id), size_bytes=volume.size_bytes)
        return {volume.id: firstcopy.Made.at(side.folder.image(volume.id)) for volume in volumes}


def open_overlays(side: Side, *, group_id: str, point: str, volumes: Collection[Volume]) -> Mapping[str, str]:
    """Open an overlay for what changed of each volume, and return their exports."""
    if not volumes:
        return {}
    with side.hold(group_id) as held, side.talk() as monitor:
        require_incoming(side, held.record, point)
        commands: list[Command] = []
        for volume in volumes:
            base, top, overlay = name("b", volume.id), name("r", volume.id), side.folder.image(volume.id, "round")
            images.create_overlay(overlay, size_bytes=volume.size_bytes)
            commands += [
                graph.add_raw(base, side.folder.image(volume.id), direct=side.direct),
                graph.add_overlay(top, overlay, backing=base, direct=side.direct),
                graph.export(name("i", volume.id), top, named=_export(volume), writable=True),
            ]
        monitor.run(commands)
        return {volume.id: _export(volume) for volume in volumes}


def complete(side: Side, *, group_id: str, staged: record.Staged, kept: record.Kept | None) -> None:
    """Make a round that has arrived whole, and was flushed, the side's complete point.

    What the side is to lose by that is listed as kept in the same write.
    """
    with side.hold(group_id) as held:
        require_incoming(side, held.record, staged.point)
        held.record.staged = staged
        if kept is not None:
            held.record.kept = undo.newest([*held.record.kept, kept])
        held.save()
        volumes = [Volume(id=each, name=each, size_bytes=size) for each, size in staged.members.items()]
        with side.talk() as monitor:
            graph.remove_exports(monitor, exports=[name("i", volume.id) for volume in volumes], call=side.call)
        _roll_forward(side, held, staged, volumes)
        serving.close_nodes(side, volumes=volumes)
        _remove_overlays(side, staged.members)
        undo.tidy(side.folder, group_id=group_id, kept=held.record.kept)


def confirm(side: Side, *, group_id: str, point: str, at: float, history: Mapping[str, int]) -> None:
    """End a round that has nothing to bring: the point the side holds was the present at that time."""
    with side.hold(group_id) as held:
        require_incoming(side, held.record, point)
        held.record.incoming, held.record.point_at, held.record.history = "", at, dict(history)
        held.save()


def require_incoming(side: Side, found: record.Record, point: str) -> None:
    """Raise `DriverError` when another worker has begun something else meanwhile."""
    if found.role != record.RECEIVER or found.incoming != point:
        raise DriverError(f"{side.title} has dropped this round: another worker has taken over.", retryable=True)


def drop(side: Side, *, held: record.Held, volumes: Sequence[Volume]) -> None:
    """Remove the side's copies of volumes; keep what it remembers of epochs."""
    layers.end_with(side, held=held, volumes=volumes)
    serving.close_nodes(side, volumes=volumes)
    leave(held=held, volumes=volumes)
    held.save()
    for volume in volumes:
        images.remove(side.folder, volume_id=volume.id)


def leave(*, held: record.Held, volumes: Sequence[Volume]) -> None:
    """Take volumes out of the points a receiver holds; one that holds none of any is a receiver no more."""
    for volume in volumes:
        held.record.members.pop(volume.id, None)
        if held.record.staged is not None:
            held.record.staged.members.pop(volume.id, None)
    if not held.record.members:
        held.record.role, held.record.points, held.record.staged = record.NONE, [], None
        held.record.incoming = ""


def _roll_forward(side: Side, held: record.Held, staged: record.Staged, volumes: Sequence[Volume]) -> None:
    arrived = [volume for volume in volumes if side.folder.image(volume.id, "round").exists()]
    layers.save_old(side, held=held, volumes=arrived, point=staged.point)
    _commit(side, arrived)
    # Those that came without an overlay were flushed before the round was recorded whole.
    images.sync_all(side.folder.image(volume.id) for volume in arrived)
    held.record.points, held.record.point_at, held.record.members = [staged.point], staged.at, staged.members
    held.record.staged, held.record.incoming = None, ""
    held.record.history, held.record.unsent = staged.history, {}
    held.record.reign, held.record.cuts = "", 0
    held.save()
    undo.forget_written(side.folder, volume_ids=staged.members)


def _commit(side: Side, volumes: Sequence[Volume]) -> None:
    """Move the overlays' data into the images below them."""
    with side.talk() as monitor:
        view = graph.look(monitor)
        commands: list[Command] = []
        for volume in volumes:
            base, top, job = name("b", volume.id), name("r", volume.id), name("commit", volume.id)
            overlay = side.folder.image(volume.id, "round")
            if top not in view.nodes:
                commands += [
                    graph.add_raw(base, side.folder.image(volume.id), direct=side.direct),
                    graph.add_overlay(top, overlay, backing=base, direct=side.direct),
                ]
            commands.append(("block-commit", {"job-id": job, "device": top, "auto-dismiss": False}))
        monitor.run(commands)
        _finish_commits(side, {name("commit", volume.id) for volume in volumes})


def _finish_commits(side: Side, jobs: set[str]) -> None:
    total, asked = len(jobs), set[str]()
    with side.talk() as monitor:
        for pause in graph.pauses():
            found = [job for job in monitor.ask("query-jobs") if job["id"] in jobs]
            failed = [job["error"] for job in found if job["status"] == "concluded" and job.get("error")]
            if failed:
                raise DriverError(f"{side.title} cannot move a round into its images: {failed[0]}.")
            ready = [job["id"] for job in found if job["status"] == "ready" and job["id"] not in asked]
            over = [job["id"] for job in found if job["status"] == "concluded"]
            monitor.run([("job-complete", {"id": job}) for job in ready])
            monitor.run([("job-dismiss", {"id": job}) for job in over])
            asked.update(ready)
            jobs = jobs - set(over)
            if not jobs:
                return
            moved = sum(job["current-progress"] for job in found)
            waiting_for = f"the site to take the round in ({moved} bytes moved)"
            side.call.progress(done=total - len(jobs), total=total, unit="volumes", waiting_for=waiting_for)
            side.call.wait(pause)


def _staged_members(found: record.Record) -> Mapping[str, int]:
    return found.staged.members if found.staged is not None else {}


def _remove_overlays(side: Side, volume_ids: Collection[str]) -> None:
    for volume_id in volume_ids:
        side.folder.image(volume_id, "round").unlink(missing_ok=True)


def _export(volume: Volume) -> str:
    return f"round/{volume.id}"

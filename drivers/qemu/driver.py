"""The `qemu` driver: the contract over sites that each run one QEMU storage daemon."""

from __future__ import annotations

import dataclasses
import urllib.parse
from collections.abc import Collection, Mapping, Sequence
from typing import ClassVar

from drivers.base import (
    PRIMARY,
    BackendConfig,
    Call,
    Capabilities,
    Connection,
    Driver,
    Group,
    GroupFacts,
    SideFacts,
    SnapshotSet,
    UndoPoint,
    Volume,
)
from drivers.errors import NoRecoveryPoint, Refused, SiteUnavailable
from drivers.options import Option
from drivers.qemu import (
    cutting,
    digests,
    layers,
    looking,
    making,
    membership,
    receiving,
    record,
    retiring,
    rounds,
    serving,
    snapshots as keeping,
    undo,
)
from drivers.qemu.plain import plainly
from drivers.qemu.rehearsals import Rehearsals
from drivers.qemu.side import Side
from drivers.qemu.sites import Sites

_SITE = Option(
    name="site",
    help="The site's folder, where its daemon was started with python -m drivers.qemu.site FOLDER.",
    kind="path",
    required=True,
)


class QemuDriver(Rehearsals, Driver):
    """Sites of QEMU storage daemons, replicated in group-consistent rounds."""

    kind: ClassVar[str] = "qemu"
    summary: ClassVar[str] = (
        "Volumes as image files served over NBD by one QEMU storage daemon a site, replicated in rounds"
        " that are each one moment of the whole group."
    )
    options: ClassVar[tuple[Option, ...]] = (_SITE,)
    target_options: ClassVar[tuple[Option, ...]] = (_SITE,)
    capabilities: ClassVar[Capabilities] = Capabilities(
        rounds=True,
        multiattach=True,
        undo_points=True,
        test_copies=True,
        snapshots=True,
        extend=True,
        vendor_name="QEMU",
        storage_protocol="nbd",
    )

    def __init__(self, config: BackendConfig) -> None:
        super().__init__(config)
        self._sites = Sites(config)
        self._targets = [target.backend_id for target in config.targets]

    def connection(self, volume_id: str, *, backend_id: str) -> Connection:
        """See `Driver.connection`."""
        socket = str(self._sites.folder(backend_id).nbd_socket)
        uri = f"nbd+unix:///{volume_id}?socket={urllib.parse.quote(socket)}"
        return Connection(kind="nbd", data={"uri": uri, "socket": socket, "export": volume_id})

    @plainly
    def check_connection(self, *, call: Call) -> Sequence[SideFacts]:
        """See `Driver.check_connection`."""
        answering = self._sites.answering(call)
        return [SideFacts(backend_id=each, reachable=each in answering) for each in self._sites.folders]

    # Volumes and groups.

    @plainly
    def create_volume(self, volume: Volume, *, call: Call) -> None:
        """See `Driver.create_volume`."""
        membership.create_volume(self._sites, volume, call)

    @plainly
    def delete_volume(self, volume: Volume, *, call: Call) -> None:
        """See `Driver.delete_volume`."""
        membership.delete_volume(self._sites, volume, call)

    @plainly
    def create_group(self, group: Group, *, call: Call) -> None:
        """See `Driver.create_group`."""
        self._sites.know(group, call)

    @plainly
    def update_group(self, group: Group, *, removed: Sequence[Volume], call: Call) -> None:
        """See `Driver.update_group`."""
        self._sites.know(group, call)
        membership.release(self._sites, group, removed, call)
        side = self._sites.active(self._sites.answering(call), group)
        with side.hold(group.id) as held:
            serving.require_images(side, volumes=group.volumes)
            held.save()

    @plainly
    def delete_group(self, group: Group, *, call: Call) -> None:
        """See `Driver.delete_group`."""
        membership.release(self._sites, group, group.volumes, call)
        membership.forget(self._sites, group, call)

    # Replication.

    @plainly
    def enable_replication(self, group: Group, *, call: Call) -> GroupFacts:
        """See `Driver.enable_replication`. With several targets those that answer get their point
        first; then the one that does not is raised as `SiteUnavailable`."""
        if not self._targets:
            raise Refused("This backend has no replication target.", remedy="Give the backend a target first.")
        self._sites.know(group, call)
        sides = self._sites.answering(call)
        source = self._primary(sides, group, "Enabling replication")
        discarded = self._rounds(sides, source, group, self._targets, group.volumes, call)
        with source.hold(group.id) as held:
            held.record.replicated = [volume.id for volume in group.volumes]
            held.save()
        return dataclasses.replace(self.observe(group, call=call), discarded_bytes=discarded)

    @plainly
    def disable_replication(self, group: Group, *, call: Call) -> GroupFacts:
        """See `Driver.disable_replication`. Replication ends even if a target does not answer, but
        then `SiteUnavailable` is raised, because its copies are still there."""
        sides = self._sites.answering(call)
        source = self._primary(sides, group, "Disabling replication")
        with source.hold(group.id) as held:
            held.record.replicated, held.record.sent, held.record.cut_numbers = [], {}, {}
            held.record.shared_at = 0.0
            held.save()
            cutting.drop(source, volumes=group.volumes)
            cutting.remove_bitmaps(source, volumes=group.volumes)
        for backend_id in self._targets:
            if backend_id in sides:
                membership.drop_copies(sides[backend_id], group, group.volumes)
        if membership.spread(sides, group.volumes):
            self._sites.require(sides, self._targets)
        for volume in group.volumes:
            membership.settle_spread(sides, source, volume)
        return self.observe(group, call=call)

    @plainly
    def replicate(self, group: Group, *, backend_id: str | None = None, call: Call) -> GroupFacts:
        """See `Driver.replicate`. With several targets those that answer get their point first;
        then the one that does not is raised as `SiteUnavailable`."""
        sides = self._sites.answering(call)
        if backend_id is not None and backend_id not in sides:
            self._sites.open(backend_id, call)
        source = self._sites.active(sides, group)
        with source.hold(group.id) as held:
            enabled = held.record.replicated
        volumes = group.volumes
        if source.backend_id == PRIMARY:
            volumes = tuple(volume for volume in group.volumes if volume.id in enabled)
            # A side that is active already has its own present: a failback that is made again.
            if not volumes and backend_id != PRIMARY:
                raise Refused("Replication of this group is not enabled.", remedy="Enable replication first.")
        wanted = [each for each in self._sites.folders if each != source.backend_id]
        wanted = wanted if backend_id is None else [backend_id]
        discarded = self._rounds(sides, source, group, wanted, volumes, call)
        return dataclasses.replace(self.observe(group, call=call), discarded_bytes=discarded)

    @plainly
    def stop_writes(self, group: Group, *, call: Call) -> None:
        """See `Driver.stop_writes`."""
        side = self._sites.active(self._sites.answering(call), group)
        with side.hold(group.id) as held:
            held.record.writes_stopped = True
            held.save()
            serving.close_exports(side, volumes=group.volumes)

    @plainly
    def allow_writes(self, group: Group, *, call: Call) -> None:
        """See `Driver.allow_writes`."""
        side = self._sites.active(self._sites.answering(call), group)
        with side.hold(group.id) as held:
            cutting.drop(side, volumes=group.volumes)
            serving.open_nodes(side, volumes=group.volumes)
            held.record.writes_stopped = False
            held.save()
            serving.open_exports(side, volumes=group.volumes)

    @plainly
    def promote(self, group: Group, *, backend_id: str, call: Call) -> GroupFacts:
        """See `Driver.promote`."""
        side = self._sites.open(backend_id, call)
        with side.hold(group.id) as held:
            if held.record.role != record.ACTIVE:
                _require_point(side, held.record, group)
                layers.end_with(side, held=held)
                receiving.settle(side, held=held, volumes=group.volumes)
                # Marks begin before any client can write, and before the side counts as active:
                # if they are lost to a restart later, nobody may take new ones for them.
                serving.open_nodes(side, volumes=group.volumes, points=held.record.points)
                others = [each for each in self._sites.folders if each != backend_id]
                held.record.sent = {each: list(held.record.points) for each in others}
            else:
                cutting.drop(side, volumes=group.volumes)
                serving.open_nodes(side, volumes=group.volumes)
            held.record.activate(epoch=call.epoch, at=call.now())
            held.record.replicated = []
            held.save()
            serving.open_exports(side, volumes=group.volumes)
            undo.forget_written(side.folder, volume_ids=[volume.id for volume in group.volumes])
        return self.observe(group, sides=[backend_id], call=call)

    @plainly
    def retire(self, group: Group, *, backend_id: str, call: Call) -> None:
        """See `Driver.retire`."""
        side = self._sites.open(backend_id, call)
        with side.hold(group.id) as held:
            if held.record.role == record.ACTIVE:
                retiring.retire(side, held=held, volumes=group.volumes)
            else:
                receiving.settle(side, held=held, volumes=group.volumes)
            held.save()

    @plainly
    def serve(self, group: Group, *, backend_id: str, call: Call) -> None:
        """See `Driver.serve`."""
        side = self._sites.open(backend_id, call)
        others = [each for each in self._sites.folders if each != backend_id]
        elsewhere = [other.record(group.id) for other in self._sites.answering(call, others).values()]
        with side.hold(group.id) as held:
            _require_servable(side, held.record, elsewhere)
            serving.open_nodes(side, volumes=group.volumes)
            held.save()
            serving.open_exports(side, volumes=group.volumes)

    # Undo points.

    @plainly
    def undo_points(self, group: Group, *, call: Call) -> Sequence[UndoPoint]:
        """See `Driver.undo_points`."""
        sides = self._sites.answering(call).values()
        found = [point for side in sides for point in undo.listed(side, group_id=group.id)]
        return sorted(found, key=lambda point: point.kept_at)

    @plainly
    def drop_undo_point(self, group: Group, *, point_id: str, call: Call) -> None:
        """See `Driver.drop_undo_point`."""
        sides = self._sites.answering(call)
        keepers = [side for side in sides.values() if point_id in {kept.id for kept in side.record(group.id).kept}]
        if not keepers:
            self._sites.require(sides, list(self._sites.folders))
        for side in keepers:
            with side.hold(group.id) as held:
                held.record.kept = [kept for kept in held.record.kept if kept.id != point_id]
                held.save()
                undo.tidy(side.folder, group_id=group.id, kept=held.record.kept)

    # Snapshots, and larger volumes.

    @plainly
    def create_snapshots(self, group: Group, *, wanted: SnapshotSet, call: Call) -> float:
        """See `Driver.create_snapshots`."""
        return keeping.take(self._sites, group, wanted, call=call)

    @plainly
    def delete_snapshots(self, gone: SnapshotSet, *, call: Call) -> None:
        """See `Driver.delete_snapshots`."""
        keeping.remove(self._sites.open(gone.backend_id, call), gone)

    @plainly
    def whole_snapshots(self, asked: SnapshotSet, *, call: Call) -> Collection[str]:
        """See `Driver.whole_snapshots`."""
        return keeping.whole(self._sites.open(asked.backend_id, call), asked)

    @plainly
    def create_volumes_from(
        self, group: Group, *, source: SnapshotSet, snapshots: Mapping[str, str], call: Call
    ) -> None:
        """See `Driver.create_volumes_from`."""
        making.make_volumes(self._sites, group, source=source, chosen=snapshots, call=call)

    @plainly
    def extend_volume(self, group: Group, *, volume: Volume, call: Call) -> None:
        """See `Driver.extend_volume`."""
        making.extend(self._sites, group, volume, call=call)

    # Looking.

    @plainly
    def observe(self, group: Group, *, sides: Collection[str] | None = None, call: Call) -> GroupFacts:
        """See `Driver.observe`."""
        asked = [each for each in self._sites.folders if sides is None or each in sides]
        glimpses = self._sites.glimpses(group, asked, call)
        return looking.facts(group, asked=asked, glimpses=glimpses, now=call.now())

    @plainly
    def digest(self, group: Group, *, backend_id: str, call: Call) -> Mapping[str, str]:
        """See `Driver.digest`."""
        return digests.digest(self._sites.open(backend_id, call), group=group, call=call)

    # Shared parts.

    def _primary(self, sides: Mapping[str, Side], group: Group, doing: str) -> Side:
        """Return the active side, which must be the primary one."""
        source = self._sites.active(sides, group)
        if source.backend_id != PRIMARY:
            raise Refused(
                f"{doing} needs the primary side to be the active one, and that is '{source.backend_id}'.",
                remedy="Fail back first.",
            )
        return source

    def _rounds(
        self,
        sides: Mapping[str, Side],
        source: Side,
        group: Group,
        wanted: Sequence[str],
        volumes: Sequence[Volume],
        call: Call,
    ) -> int:
        """Run a round to each wanted side and return how many bytes they discarded.

        One that fails to answer does not keep others from theirs.
        """
        discarded = 0
        missing: SiteUnavailable | None = None
        for backend_id in wanted:
            if backend_id in sides and backend_id != source.backend_id:
                try:
                    discarded += rounds.run(source, sides[backend_id], group_id=group.id, volumes=volumes, call=call)
                except SiteUnavailable as error:
                    if error.backend_id == source.backend_id:
                        raise
                    missing = missing or error
        if missing is not None:
            raise missing
        self._sites.require(sides, wanted)
        return discarded


def _require_point(side: Side, found: record.Record, group: Group) -> None:
    """Raise `NoRecoveryPoint` unless the side holds one complete point of every member."""
    members = looking.point_members(found)
    missing = [volume.id for volume in group.volumes if volume.id not in members]
    if missing or found.role != record.RECEIVER:
        raise NoRecoveryPoint(
            f"{side.title} holds no complete point of the group: it lacks {', '.join(missing) or 'every member'}."
        )


def _require_servable(side: Side, found: record.Record, elsewhere: Sequence[record.Record]) -> None:
    """Raise `Refused` unless the side is the active one and may be written."""
    if found.role != record.ACTIVE or any(other.role == record.ACTIVE and other.outranks(found) for other in elsewhere):
        raise Refused(
            f"{side.title} is not the active side; clients are not let through to old data.",
            remedy="Look which side is active, and serve that one.",
        )
    if found.writes_stopped:
        raise Refused(
            f"Writes were stopped on {side.title[0].lower()}{side.title[1:]}; it is not served until they are allowed.",
            remedy="Run the failover to its end, or allow writes again.",
        )

"""The `fake` driver: the whole contract over a storage system that exists only in a file."""

from __future__ import annotations

import dataclasses
import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import ClassVar, TypeVar

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
from drivers.errors import Refused
from drivers.fake import contents, copies, looking, rounds, sites, snapshots as keeping, state as state_file, undo
from drivers.fake.acting import Act, Effect, Pace
from drivers.fake.rehearsing import Rehearsing, end_all
from drivers.options import Option

T = TypeVar("T")
_Values = Callable[[], Mapping[str, object]]
_LOGIN = (
    Option(name="host", help="Name or address of the storage; kept and shown, never contacted."),
    Option(
        name="password", help="Password for the storage; never used, here to show that secrets are masked.", secret=True
    ),
)


class FakeDriver(Rehearsing, Driver):
    """A storage system that exists only in a file."""

    kind: ClassVar[str] = "fake"
    summary: ClassVar[str] = (
        "Keeps volumes in a small file and acts out faults on demand."
        " For tests, trials of the console and measurements of scale only: it keeps nobody's data."
    )
    options: ClassVar[tuple[Option, ...]] = (
        Option(
            name="state",
            help="Folder the storage lives in, shared by all processes;"
            " without it fake/<backend name> in the state folder of this site.",
            kind="path",
        ),
        Option(name="latency_seconds", help="How long every call takes.", kind="number", default=0.0, minimum=0),
        Option(
            name="seconds_per_volume",
            help="How much longer a changing call takes for each volume.",
            kind="number",
            default=0.0,
            minimum=0,
        ),
        *_LOGIN,
    )
    target_options: ClassVar[tuple[Option, ...]] = _LOGIN
    capabilities: ClassVar[Capabilities] = Capabilities(
        rounds=True,
        multiattach=True,
        undo_points=True,
        test_copies=True,
        snapshots=True,
        extend=True,
        vendor_name="Replsite",
        storage_protocol="fake",
    )

    def __init__(self, config: BackendConfig) -> None:
        super().__init__(config)
        self.folder = state_file.folder_of(config)
        self._targets = [target.backend_id for target in config.targets]
        self._sides = [PRIMARY, *self._targets]
        self._pace = Pace(
            call_seconds=float(config.options.get("latency_seconds") or 0),
            volume_seconds=float(config.options.get("seconds_per_volume") or 0),
        )

    def connection(self, volume_id: str, *, backend_id: str) -> Connection:
        """See `Driver.connection`."""
        sites.require_known(self._sides, backend_id)
        data = {"state": str(self.folder), "side": backend_id or "default", "volume_id": volume_id}
        return Connection(kind="fake", data=data)

    def check_connection(self, *, call: Call) -> Sequence[SideFacts]:
        """See `Driver.check_connection`."""

        def work(act: Act) -> Sequence[SideFacts]:
            answering = act.answering(self._sides)
            return [SideFacts(backend_id=side, reachable=side in answering) for side in self._sides]

        return self._act("check_connection", "", call, work)

    # Volumes and groups.

    def create_volume(self, volume: Volume, *, call: Call) -> None:
        """See `Driver.create_volume`."""

        def each(state: sqlite3.Connection, volumes: Sequence[Volume]) -> None:
            copies.add(state, PRIMARY, volumes, role=copies.ACTIVE)

        self._act(
            "create_volume", volume.id, call, lambda act: act.carry_out(sides=[PRIMARY], volumes=[volume], each=each)
        )

    def delete_volume(self, volume: Volume, *, call: Call) -> None:
        """See `Driver.delete_volume`."""

        def work(act: Act) -> None:
            sides = self._holders(act, [volume])

            def each(state: sqlite3.Connection, volumes: Sequence[Volume]) -> None:
                copies.drop(state, sides, volumes)
                undo.drop_volumes(state, sides, volumes)

            act.carry_out(sides=sides, volumes=[volume], each=each)

        self._act("delete_volume", volume.id, call, work)

    def create_group(self, group: Group, *, call: Call) -> None:
        """See `Driver.create_group`."""

        def begin(state: sqlite3.Connection, volumes: Sequence[Volume]) -> None:
            rounds.know(state, [PRIMARY], group.id)

        self._act(
            "create_group",
            group.id,
            call,
            lambda act: act.carry_out(sides=[PRIMARY], volumes=group.volumes, each=_nothing, begin=begin),
        )

    def update_group(self, group: Group, *, removed: Sequence[Volume], call: Call) -> None:
        """See `Driver.update_group`."""
        self._act("update_group", group.id, call, lambda act: self._release(act, removed))

    def delete_group(self, group: Group, *, call: Call) -> None:
        """See `Driver.delete_group`."""

        def work(act: Act) -> None:
            sides = self._holders(act, group.volumes)

            def begin(state: sqlite3.Connection, volumes: Sequence[Volume]) -> None:
                undo.drop_group(state, sides, group.id)

            self._release(act, group.volumes, begin=begin)
            with act.change(act.answering(self._sides)) as state:
                rounds.forget(state, self._sides, group.id)

        self._act("delete_group", group.id, call, work)

    # Replication.

    def enable_replication(self, group: Group, *, call: Call) -> GroupFacts:
        """See `Driver.enable_replication`."""

        def prepare(state: sqlite3.Connection, volumes: Sequence[Volume]) -> None:
            found = copies.find(state, self._sides, volumes)
            copies.require_primary(found, volumes, "Enabling replication")
            copies.change(state, PRIMARY, volumes, spread=1)
            rounds.know(state, self._targets, group.id)

        def finish(state: sqlite3.Connection, volumes: Sequence[Volume]) -> None:
            copies.change(state, PRIMARY, volumes, replicating=1)

        def work(act: Act) -> GroupFacts:
            if not self._targets:
                raise Refused("This backend has no replication target.", remedy="Give the backend a target first.")
            plan = rounds.Round(group_id=group.id, source=PRIMARY, targets=self._targets, volumes=group.volumes)
            discarded = rounds.run(act, plan, prepare=prepare, finish=finish)
            return dataclasses.replace(self._facts(act, group), discarded_bytes=discarded)

        return self._act("enable_replication", group.id, call, work)

    def disable_replication(self, group: Group, *, call: Call) -> GroupFacts:
        """See `Driver.disable_replication`."""

        def begin(state: sqlite3.Connection, volumes: Sequence[Volume]) -> None:
            copies.require_primary(copies.find(state, self._sides, volumes), volumes, "Disabling replication")
            copies.change(state, PRIMARY, volumes, replicating=0)
            end_all(state, self._sides, volumes)

        def each(state: sqlite3.Connection, volumes: Sequence[Volume]) -> None:
            copies.drop(state, self._targets, volumes)
            copies.change(state, PRIMARY, volumes, group_id=None)
            copies.settle_spread(state, PRIMARY, volumes)

        def finish(state: sqlite3.Connection, volumes: Sequence[Volume]) -> None:
            rounds.forget(state, self._targets, group.id)

        def work(act: Act) -> GroupFacts:
            act.carry_out(sides=self._sides, volumes=group.volumes, begin=begin, each=each, finish=finish)
            return self._facts(act, group)

        return self._act("disable_replication", group.id, call, work)

    def replicate(self, group: Group, *, backend_id: str | None = None, call: Call) -> GroupFacts:
        """See `Driver.replicate`. With several targets those that answer get their point, and the
        first that does not is then raised as `SiteUnavailable`."""

        def work(act: Act) -> GroupFacts:
            answering = act.answering(self._sides)
            found = self._found(act, answering, group.volumes)
            source = self._source(act, answering, found, group.volumes)
            wanted = [side for side in self._sides if side != source] if backend_id is None else [backend_id]
            volumes = rounds.members(found, group.volumes, source=source, wanted=wanted)
            targets = [side for side in wanted if side in answering and side != source]
            discarded = 0
            if targets:
                plan = rounds.Round(group_id=group.id, source=source, targets=targets, volumes=volumes)
                discarded = rounds.run(act, plan)
            act.reach(wanted)
            return dataclasses.replace(self._facts(act, group), discarded_bytes=discarded)

        if backend_id is not None:
            sites.require_known(self._sides, backend_id)
        return self._act("replicate", group.id, call, work, backend_id)

    def stop_writes(self, group: Group, *, call: Call) -> None:
        """See `Driver.stop_writes`."""
        self._gate(
            "stop_writes",
            group,
            call,
            each=lambda: {"writable": 0},
            finish=lambda: {"point": f"stopped in epoch {call.epoch}", "point_at": call.now(), "written": 0},
        )

    def allow_writes(self, group: Group, *, call: Call) -> None:
        """See `Driver.allow_writes`."""
        self._gate(
            "allow_writes", group, call, each=lambda: {"point": None, "point_at": None, "writable": 1, "serving": 1}
        )

    def promote(self, group: Group, *, backend_id: str, call: Call) -> GroupFacts:
        """See `Driver.promote`."""

        def begin(state: sqlite3.Connection, volumes: Sequence[Volume]) -> None:
            copies.require_point(copies.find(state, [backend_id], volumes), volumes, backend_id)
            contents.drop_staged(state, backend_id, volumes)
            end_all(state, [backend_id], volumes)

        def each(state: sqlite3.Connection, volumes: Sequence[Volume]) -> None:
            copies.activate(state, backend_id, volumes, term=call.epoch)

        def work(act: Act) -> GroupFacts:
            act.carry_out(sides=[backend_id], volumes=group.volumes, begin=begin, each=each)
            return self._facts(act, group, [backend_id])

        sites.require_known(self._sides, backend_id)
        return self._act("promote", group.id, call, work, backend_id)

    def retire(self, group: Group, *, backend_id: str, call: Call) -> None:
        """See `Driver.retire`."""

        def each(state: sqlite3.Connection, volumes: Sequence[Volume]) -> None:
            point = f"retired in epoch {call.epoch}"
            copies.receive(state, backend_id, volumes, point=point, at=call.now())

        sites.require_known(self._sides, backend_id)
        self._act(
            "retire",
            group.id,
            call,
            lambda act: act.carry_out(sides=[backend_id], volumes=group.volumes, each=each),
            backend_id,
        )

    def serve(self, group: Group, *, backend_id: str, call: Call) -> None:
        """See `Driver.serve`."""

        def work(act: Act) -> None:
            answering = act.answering(self._sides)

            def begin(state: sqlite3.Connection, volumes: Sequence[Volume]) -> None:
                found = copies.find(state, {backend_id, *answering}, volumes)
                copies.require_servable(found, volumes, backend_id)

            def each(state: sqlite3.Connection, volumes: Sequence[Volume]) -> None:
                copies.change(state, backend_id, volumes, serving=1)

            act.carry_out(sides=[backend_id], volumes=group.volumes, begin=begin, each=each)

        sites.require_known(self._sides, backend_id)
        self._act("serve", group.id, call, work, backend_id)

    # Undo points.

    def undo_points(self, group: Group, *, call: Call) -> Sequence[UndoPoint]:
        """See `Driver.undo_points`."""

        def work(act: Act) -> Sequence[UndoPoint]:
            answering = act.answering(self._sides)
            with act.look(()) as state:
                return undo.find(state, answering, group.id)

        return self._act("undo_points", group.id, call, work)

    def drop_undo_point(self, group: Group, *, point_id: str, call: Call) -> None:
        """See `Driver.drop_undo_point`."""

        def work(act: Act) -> None:
            answering = act.answering(self._sides)
            with act.look(()) as state:
                holders = [point.backend_id for point in undo.find(state, answering, group.id) if point.id == point_id]
            if not holders:
                act.reach(self._sides)
            for side in holders:
                with act.change([side]) as state:
                    undo.drop(state, side, point_id)

        self._act("drop_undo_point", group.id, call, work)

    # Snapshots, and larger volumes.

    def create_snapshots(self, group: Group, *, wanted: SnapshotSet, call: Call) -> float:
        """See `Driver.create_snapshots`."""
        sites.require_known(self._sides, wanted.backend_id)
        return self._act(
            "create_snapshots",
            wanted.id,
            call,
            lambda act: keeping.take(act, group, wanted, sides=self._sides),
            wanted.backend_id,
        )

    def delete_snapshots(self, gone: SnapshotSet, *, call: Call) -> None:
        """See `Driver.delete_snapshots`."""
        sites.require_known(self._sides, gone.backend_id)
        self._act("delete_snapshots", gone.id, call, lambda act: keeping.remove(act, gone), gone.backend_id)

    def whole_snapshots(self, asked: SnapshotSet, *, call: Call) -> Collection[str]:
        """See `Driver.whole_snapshots`."""

        def work(act: Act) -> Collection[str]:
            with act.look([asked.backend_id]) as state:
                return keeping.whole(state, asked)

        sites.require_known(self._sides, asked.backend_id)
        return self._act("whole_snapshots", asked.id, call, work, asked.backend_id)

    def create_volumes_from(
        self, group: Group, *, source: SnapshotSet, snapshots: Mapping[str, str], call: Call
    ) -> None:
        """See `Driver.create_volumes_from`."""
        sites.require_known(self._sides, source.backend_id)
        self._act(
            "create_volumes_from",
            group.id,
            call,
            lambda act: keeping.make_volumes(act, group, source, snapshots),
            source.backend_id,
        )

    def extend_volume(self, group: Group, *, volume: Volume, call: Call) -> None:
        """See `Driver.extend_volume`."""

        def work(act: Act) -> None:
            sides = self._holders(act, [volume])

            def each(state: sqlite3.Connection, volumes: Sequence[Volume]) -> None:
                copies.require_primary(copies.find(state, sides, volumes), volumes, "Extending a volume")
                copies.extend(state, sides, volume)

            act.carry_out(sides=sides, volumes=[volume], each=each)

        self._act("extend_volume", group.id, call, work)

    # Looking.

    def observe(self, group: Group, *, sides: Collection[str] | None = None, call: Call) -> GroupFacts:
        """See `Driver.observe`."""
        asked = self._sides if sides is None else [side for side in self._sides if side in sides]
        return self._act("observe", group.id, call, lambda act: self._facts(act, group, asked))

    def digest(self, group: Group, *, backend_id: str, call: Call) -> Mapping[str, str]:
        """See `Driver.digest`. The zeros of pages never written are left out of the sum, so it is
        comparable between sides of this driver only."""

        def work(act: Act) -> Mapping[str, str]:
            with act.look([backend_id]) as state:
                copies.require_readable(copies.find(state, [backend_id], group.volumes), group.volumes, backend_id)
                return contents.digests(state, backend_id, group.volumes)

        sites.require_known(self._sides, backend_id)
        return self._act("digest", group.id, call, work, backend_id)

    # Shared parts.

    def _act(
        self,
        method: str,
        owner: str,
        call: Call,
        work: Callable[[Act], T],
        backend_id: str | None = None,
        fenced_as: str = "",
    ) -> T:
        with state_file.State(self.folder) as state:
            act = Act(state, method=method, owner=owner, call=call, pace=self._pace, fenced_as=fenced_as)
            return act.run(work, backend_id=backend_id)

    def _facts(self, act: Act, group: Group, asked: Sequence[str] | None = None) -> GroupFacts:
        asked = self._sides if asked is None else asked
        answering = act.answering(asked)
        with act.look(()) as state:
            return looking.facts(state, group, asked=asked, answering=answering, now=act.call.now())

    def _found(self, act: Act, sides: Sequence[str], volumes: Sequence[Volume]) -> list[copies.Copy]:
        with act.look(()) as state:
            return copies.find(state, sides, volumes)

    def _source(
        self, act: Act, answering: Sequence[str], found: Sequence[copies.Copy], volumes: Sequence[Volume]
    ) -> str:
        """Return the active side; when it may be one that does not answer, raise `SiteUnavailable`."""
        if copies.active_side(found, volumes) is None:
            act.reach([side for side in self._sides if side not in answering])
        return copies.require_active(found, volumes)

    def _gate(
        self,
        method: str,
        group: Group,
        call: Call,
        *,
        each: _Values,
        finish: _Values | None = None,
    ) -> None:
        """Set fields of the active side's copies, member by member and then of all at once."""

        def work(act: Act) -> None:
            answering = act.answering(self._sides)
            source = self._source(act, answering, self._found(act, answering, group.volumes), group.volumes)

            def put(values: _Values) -> Effect:
                return lambda state, volumes: copies.change(state, source, volumes, **values())

            act.carry_out(
                sides=[source], volumes=group.volumes, each=put(each), finish=None if finish is None else put(finish)
            )

        self._act(method, group.id, call, work)

    def _holders(self, act: Act, volumes: Sequence[Volume]) -> list[str]:
        """Return the sides that answer; raise `SiteUnavailable` when another may hold a copy."""
        answering = act.answering(self._sides)
        found = self._found(act, answering, volumes)
        if not volumes:
            return answering
        alone = all(copy.side == PRIMARY and copy.active and not copy.spread for copy in found)
        if not alone or PRIMARY not in answering:
            act.reach(self._sides)
        return answering

    def _release(self, act: Act, volumes: Sequence[Volume], *, begin: Effect | None = None) -> None:
        """Stop replicating volumes; their data stays on the active side and nowhere else."""
        sides = self._holders(act, volumes)

        def each(state: sqlite3.Connection, members: Sequence[Volume]) -> None:
            end_all(state, sides, members)
            copies.keep_active(state, sides, members)

        act.carry_out(sides=sides, volumes=volumes, each=each, begin=begin)


def _nothing(state: sqlite3.Connection, volumes: Sequence[Volume]) -> None:
    """Stand for the members' part of a call that has none."""

"""The driver contract: what the engine asks of a storage system, and what it gets back.

A backend is one primary site with any number of targets. A *side* is named by the target's
`backend_id`; the primary side is named `PRIMARY`, the empty string. The side that may be
written is the *active* side.

Every call that changes something carries an epoch, a number that only grows for one group (or
one lone volume). A driver stores the highest it has seen wherever the effect happens, and
raises `StaleEpoch` for a lower one, so that a worker that was frozen and wakes up late has no
effect. Calls of the same epoch may be repeated.

A lone volume, one in no group, is handed to `serve`, `observe` and `digest` as a group of its
own whose id is the volume's.

Every method may be called twice, and again after a process died in the middle of it: it begins
by looking at the storage and does what is left to do. Methods said to *block* report progress
through their `Call`, which also tells them when to stop.
"""

from __future__ import annotations

import abc
import dataclasses
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import ClassVar

from drivers.errors import CallCanceled, CallTimedOut, Refused
from drivers.options import Option, Value
from drivers.rehearsing import Rehearsable

PRIMARY = ""
UNDO_POINTS_KEPT = 3
"""How many undo points of one volume a side keeps; a further one takes the oldest's place."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Volume:
    """One volume as a driver needs to know it; its id names it on the storage."""

    id: str
    name: str
    size_bytes: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Group:
    """One group with all its members, in the order of their creation."""

    id: str
    name: str
    volumes: tuple[Volume, ...]
    interval_seconds: float = 10.0
    """How old the newest point on a target may get before the next round is due."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class VolumeFacts:
    """What the storage says of one member."""

    id: str
    active_side: str | None
    """The side this volume may be written on; None when on none."""
    protected: bool
    """Whether a target holds it in a complete point of the group."""
    error: str = ""
    """What is wrong with it, in a sentence; empty when nothing is."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class SideFacts:
    """What one side says of a group."""

    backend_id: str
    reachable: bool
    consistent_at: float | None = None
    """Unix time of the newest complete point it holds; None when it holds none. For the
    active side it is the present. For a side that was active and is no more it is that of the
    newest point which another side had too, even where it holds later writes of its own: what
    was acknowledged elsewhere after that point, it lacks."""
    bytes_behind: int | None = None
    """Bytes it lacks of the active side's data; None when unknown."""
    claims_active: bool = False
    """Whether it takes itself for the active side of any member, rightly or not."""
    bytes_unsent: int | None = None
    """Bytes written on this side that never reached the active one, and that a resync towards it
    would discard; None when unknown, 0 on the active side. What another side wrote and this one
    merely got is that side's."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class GroupFacts:
    """What the storage says of a group, as one look found it."""

    active_side: str | None
    """The one side every member may be written on; None when there is no such side."""
    writable: bool
    """Whether writes are let through on the active side."""
    replicating: bool
    """Whether replication from the active side to at least one target is set up."""
    volumes: tuple[VolumeFacts, ...]
    sides: tuple[SideFacts, ...]
    observed_at: float
    """Unix time of the look."""
    epoch: int = 0
    """The highest epoch the storage has seen for the group."""
    strangers: tuple[str, ...] = ()
    """Ids of volumes the storage replicates with the group that were not asked about."""
    discarded_bytes: int = 0
    """Bytes of unsent writes that the call returning these facts discarded itself, kept as undo points where
    the driver can. A call made again after a crash does not count what was discarded before; `Driver.undo_points`
    lists that."""
    detail: str = ""
    """What is unusual, in a sentence; empty when nothing is."""

    def side(self, backend_id: str) -> SideFacts:
        """Return what is known of one side; an unknown side counts as not reachable."""
        for side in self.sides:
            if side.backend_id == backend_id:
                return side
        return SideFacts(backend_id=backend_id, reachable=False)


@dataclasses.dataclass(frozen=True, kw_only=True)
class UndoPoint:
    """What one resync discarded on one side, kept until somebody drops it."""

    id: str
    backend_id: str
    kept_at: float
    """Unix time."""
    size_bytes: int
    """Bytes of discarded data in it."""
    volumes: tuple[str, ...]
    """Ids of the volumes it holds data of."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Snapshot:
    """One volume's part of a snapshot; its id names it on the storage."""

    id: str
    volume_id: str
    size_bytes: int
    """The size of the volume when it is taken."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class SnapshotSet:
    """Snapshots that are taken at one moment, kept on one side, and removed together."""

    id: str
    """The owner of the epoch that snapshot calls carry."""
    backend_id: str
    """The side it is taken on. It stays there, whichever side becomes active."""
    snapshots: tuple[Snapshot, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Connection:
    """How a host reaches one volume on one side; holds no secret, because clients are shown it."""

    kind: str
    """The protocol, as hosts' connectors call it."""
    data: Mapping[str, Value]
    """What the protocol needs to know."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Capabilities:
    """What a driver can do; matched against group specs and extra specs."""

    group_replication: bool = True
    consistent_group_replication: bool = True
    planned_failover: bool = True
    rounds: bool = False
    """Whether replication advances in rounds that the engine has to start."""
    multiattach: bool = False
    """Whether several hosts may write one volume at the same time."""
    undo_points: bool = False
    """Whether unsent writes are kept when a resync discards them."""
    snapshots: bool = False
    """Whether it takes snapshots, of a whole group at one moment, and makes volumes from them."""
    extend: bool = False
    """Whether volumes can be made larger."""
    test_copies: bool = False
    """Whether writable copies of a group can be made on a target while replication goes on."""
    vendor_name: str = "Replsite"
    storage_protocol: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class TargetConfig:
    """One configured replication target."""

    backend_id: str
    options: Mapping[str, Value] = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True, kw_only=True)
class BackendConfig:
    """All a driver is built from."""

    name: str
    options: Mapping[str, Value] = dataclasses.field(repr=False)
    targets: tuple[TargetConfig, ...]


class Call:
    """One call's epoch, deadline, clock, way to stop and way to tell how far it is.

    The deadline is the longest time without progress, in seconds; each report that moved on
    renews it.
    Safe to use from several threads.
    """

    def __init__(
        self,
        *,
        epoch: int,
        deadline_seconds: float = 60.0,
        on_progress: Callable[[int, int, str, str], None] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.epoch = epoch
        self.deadline_seconds = deadline_seconds
        self._on_progress = on_progress
        self._clock = clock
        self._last_progress = time.monotonic()
        self._reported: tuple[int, str] | None = None
        self._stop = threading.Event()
        self._stop_reason = ""

    def progress(self, *, done: int, total: int, unit: str, waiting_for: str = "") -> None:
        """Tell how far the call is; counts as progress when `done` or `waiting_for` moved on.

        Renews the deadline then. Raises `CallCanceled` when the call should stop at once.
        """
        self.check()
        if (done, waiting_for) == self._reported:
            return
        self._reported = (done, waiting_for)
        self._last_progress = time.monotonic()
        if self._on_progress is not None:
            self._on_progress(done, total, unit, waiting_for)

    def check(self) -> None:
        """Raise `CallCanceled` when asked to stop, `CallTimedOut` when past the deadline."""
        if self._stop.is_set():
            raise CallCanceled(self._stop_reason)
        if self.remaining() <= 0:
            raise CallTimedOut(f"no progress for {self.deadline_seconds:g} s")

    def now(self) -> float:
        """Return the Unix time by the clock all hosts share; whatever a driver dates, it dates by this."""
        return self._clock()

    def remaining(self) -> float:
        """Return the seconds left before the deadline, never below zero."""
        return max(0.0, self._last_progress + self.deadline_seconds - time.monotonic())

    def wait(self, seconds: float) -> None:
        """Sleep, but stop early and raise as `check` does when the call should end."""
        self._stop.wait(min(seconds, self.remaining() + 0.001))
        self.check()

    def stop(self, reason: str) -> None:
        """Ask the call to stop: its next `check`, `wait` or `progress` raises."""
        self._stop_reason = reason
        self._stop.set()


class Driver(Rehearsable, abc.ABC):
    """One storage system with its targets.

    Built anew for every operation: it keeps nothing in memory that it could not find again by
    looking. Every method raises `DriverError` or a class below it, and nothing else on purpose.
    Every changing method raises `StaleEpoch` when `call.epoch` is older than one already seen.
    """

    kind: ClassVar[str]
    summary: ClassVar[str]
    options: ClassVar[tuple[Option, ...]] = ()
    target_options: ClassVar[tuple[Option, ...]] = ()
    capabilities: ClassVar[Capabilities] = Capabilities()

    def __init__(self, config: BackendConfig) -> None:
        self.config = config

    @abc.abstractmethod
    def connection(self, volume_id: str, *, backend_id: str) -> Connection:
        """Return how a host reaches a volume while `backend_id` is its active side.

        Made from the configuration alone: it calls no storage, opens no file and never blocks,
        so that it can be told in the middle of a request, and with every site down. Raises
        `Refused` for a side that is not configured.
        """

    @abc.abstractmethod
    def check_connection(self, *, call: Call) -> Sequence[SideFacts]:
        """Look whether each side answers; changes nothing. Short. Sides that do not answer are
        facts, not errors."""

    # Volumes and groups.

    @abc.abstractmethod
    def create_volume(self, volume: Volume, *, call: Call) -> None:
        """Make the volume on the primary side, writable. May block for allocation."""

    @abc.abstractmethod
    def delete_volume(self, volume: Volume, *, call: Call) -> None:
        """Remove the volume from every side that has it; an absent volume is fine.

        Raises `SiteUnavailable` when a side that may hold it does not answer.
        """

    @abc.abstractmethod
    def create_group(self, group: Group, *, call: Call) -> None:
        """Make the group known to the storage, where it has such a thing."""

    @abc.abstractmethod
    def update_group(self, group: Group, *, removed: Sequence[Volume], call: Call) -> None:
        """Make the membership equal to `group.volumes`; `removed` left it. A removed volume that
        was replicated stops being so and keeps its data on the active side. An added one is not
        replicated until `enable_replication`."""

    @abc.abstractmethod
    def delete_group(self, group: Group, *, call: Call) -> None:
        """Take down the group's replication and forget it; its volumes stay on the active side
        until `delete_volume`. An absent group is fine."""

    # Replication.

    @abc.abstractmethod
    def enable_replication(self, group: Group, *, call: Call) -> GroupFacts:
        """Replicate every member to every target; return once each target holds a complete
        point of the whole group. Copies only what a target lacks where it can tell. Blocks for
        the initial copy, with progress in bytes. The active side must be the primary."""

    @abc.abstractmethod
    def disable_replication(self, group: Group, *, call: Call) -> GroupFacts:
        """Stop replicating and drop the targets' copies; the active side's data stays and stays
        writable. The active side must be the primary."""

    @abc.abstractmethod
    def replicate(self, group: Group, *, backend_id: str | None = None, call: Call) -> GroupFacts:
        """Bring one target (or all) to the active side's present, as one complete point of the
        whole group; a target keeps its last complete point until the new one is whole. A round
        that was cut off is dropped and begun again. Blocks, with progress in bytes. A driver
        whose storage replicates by itself waits for the point to be reached.

        Towards `PRIMARY`, after a failover: copies to the stale primary only what changed since.

        Changes that a side alone holds are discarded by a resync towards it, here and in
        `enable_replication`. A driver with `capabilities.undo_points` first keeps them as an undo
        point; it keeps the newest `UNDO_POINTS_KEPT` of each volume on each side. When it cannot
        keep them it raises `UndoPointFailed`, and nothing is discarded.
        """

    @abc.abstractmethod
    def stop_writes(self, group: Group, *, call: Call) -> None:
        """Refuse writes to every member on the active side from now on: what was acknowledged
        before is kept. Undone by `allow_writes`. Raises `SiteUnavailable` when the active side
        does not answer."""

    @abc.abstractmethod
    def allow_writes(self, group: Group, *, call: Call) -> None:
        """Let writes through on the active side again; undoes `stop_writes`."""

    @abc.abstractmethod
    def promote(self, group: Group, *, backend_id: str, call: Call) -> GroupFacts:
        """Make `backend_id` the active side of every member at its newest complete point, and
        writable there. Never calls any other side: not to look, not to tell. Replication stops.
        Raises `NoRecoveryPoint`, having changed nothing, when there is no such point. The facts
        returned are those of `backend_id` alone.

        To go back to a side whose data is still current (writes stopped, nothing written
        elsewhere since) is the same call: that undoes a planned promotion.
        """

    @abc.abstractmethod
    def retire(self, group: Group, *, backend_id: str, call: Call) -> None:
        """Tell a side that it is no longer the active one: its exports close and it becomes a
        receiver. Called after `promote` on a side that answers; repeatable."""

    @abc.abstractmethod
    def serve(self, group: Group, *, backend_id: str, call: Call) -> None:
        """Let clients reach the members on `backend_id`, the side recorded as active, after its
        storage was restarted and forgot to. Raises `Refused`, having changed nothing, when that
        side knows that another one became active, or that its writes were stopped."""

    # Undo points, of drivers with `capabilities.undo_points`.

    def undo_points(self, group: Group, *, call: Call) -> Sequence[UndoPoint]:
        """List what resyncs of the group discarded and the sides that answer still keep, oldest
        first. Changes nothing and is not fenced. Short. How to read one is the driver's own."""
        return ()

    def drop_undo_point(self, group: Group, *, point_id: str, call: Call) -> None:
        """Remove an undo point for good; an absent one is fine. Raises `SiteUnavailable` when a
        side that may keep it does not answer. Deleting a group or a volume drops its own."""
        raise Refused("This storage keeps no undo points.", remedy="There is nothing to drop.")

    # Snapshots, of drivers with `capabilities.snapshots`; larger volumes, of those with `capabilities.extend`.

    def create_snapshots(self, group: Group, *, wanted: SnapshotSet, call: Call) -> float:
        """Take all snapshots of a set at one moment, on the side named; return that moment as Unix time.

        The volumes are the group's, or some of them. Blocks until the set is whole, with progress in bytes;
        clients go on writing. A set that is whole already is left alone, one that was cut off is dropped and taken
        anew. The epoch is the set's own, so that a snapshot neither ends a round nor holds up a failover. Raises
        `Refused`, having kept nothing, when the side is not the group's active one, and may do so when it stops
        being it meanwhile.
        """
        raise Refused("This storage takes no snapshots.", remedy="Use a backend whose driver does.")

    def delete_snapshots(self, gone: SnapshotSet, *, call: Call) -> None:
        """Remove a set, whole or not; an absent one is fine. Nothing made from it is touched. The epoch is the
        set's own. Raises `SiteUnavailable` when its side does not answer."""
        raise Refused("This storage takes no snapshots.", remedy="There is nothing to delete.")

    def whole_snapshots(self, asked: SnapshotSet, *, call: Call) -> Collection[str]:
        """Return the ids of those snapshots of a set that are there and whole. Changes nothing and is not fenced.
        Short. Raises `SiteUnavailable` when its side does not answer."""
        return ()

    def create_volumes_from(
        self, group: Group, *, source: SnapshotSet, snapshots: Mapping[str, str], call: Call
    ) -> None:
        """Make every volume of a new group on the primary side, writable, with the content of a snapshot.

        `snapshots` names each volume's snapshot by their ids; a volume may be larger than its snapshot, the rest is
        zeros. Blocks for the copying, with progress in bytes. A volume that is whole already is left alone.
        Raises `SiteUnavailable` when the primary or the snapshots' side does not answer, `Refused` when a snapshot
        is not there.
        """
        raise Refused("This storage makes no volumes from snapshots.", remedy="Use a backend whose driver does.")

    def extend_volume(self, group: Group, *, volume: Volume, call: Call) -> None:
        """Make a member larger on every side that has it; `volume` bears the new size, `group` may bear either.

        What is added is zeros, and replicated like the rest. Clients may have to connect anew to use it. The
        active side must be the primary. Raises `SiteUnavailable`, having shown clients nothing new, when a side that
        may hold it does not answer.
        """
        raise Refused("This storage cannot make volumes larger.", remedy="Copy the data to a larger volume.")

    # Looking.

    @abc.abstractmethod
    def observe(self, group: Group, *, sides: Collection[str] | None = None, call: Call) -> GroupFacts:
        """Look at the named sides only (all when None) and say what is true. Changes nothing and
        is not fenced. Short. A side that does not answer is a fact, not an error."""

    @abc.abstractmethod
    def digest(self, group: Group, *, backend_id: str, call: Call) -> Mapping[str, str]:
        """Return, for each volume id, a SHA-256 in hex of what a reader of that side gets now:
        on the active side the present, on a target its newest complete point. Blocks for the
        reading, with progress in bytes. Changes nothing."""

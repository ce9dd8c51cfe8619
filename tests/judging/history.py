"""What happened at a site, read once from the database, the storage's log of calls and its clients' ledger."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from django.conf import settings

from drivers import base
from drivers.fake.journal import LoggedCall
from groups import models, statuses
from groups.engine import storage

_LOOK_SECONDS = 10.0
_GRAIN_SECONDS = 0.001
"""SQLite tells the time in whole milliseconds; the storage's log does not round."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Write:
    """One write a client was told is kept.

    One writer a volume; its numbers grow and are never used twice, whatever became of the earlier ones.
    """

    volume_id: str
    side: str
    number: int
    acknowledged_at: float
    """Unix time, taken after the storage had said so."""
    group_id: uuid.UUID | None = None
    """The group that the volume was in."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Read:
    """The highest number a client found on the active side of a volume; 0 for none."""

    volume_id: str
    side: str
    number: int
    at: float
    """Unix time, taken before it was read."""
    group_id: uuid.UUID | None = None
    """The group that the volume was in."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Look:
    """What the storage says of a group: all sides together, and each one asked alone."""

    together: base.GroupFacts
    alone: Mapping[str, base.GroupFacts]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Step:
    """One journalled step."""

    name: str
    state: str
    attempt: int
    result: Mapping[str, Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Operation:
    """One accepted operation, as its row stands."""

    id: uuid.UUID
    kind: str
    subject_id: uuid.UUID
    group_id: uuid.UUID | None
    """The group it is about; None once that is gone, and for a volume's."""
    members: int
    arguments: Mapping[str, Any]
    state: str
    fence: int
    attempt: int
    epoch: int
    undoing: bool
    created_at: datetime.datetime
    ended_at: datetime.datetime | None
    lease_until: datetime.datetime | None
    not_before: datetime.datetime | None
    result: Mapping[str, Any]
    steps: tuple[Step, ...]

    def __str__(self) -> str:
        return f"Operation {self.id} ({self.kind} of {self.subject_id}, {self.state})"

    @property
    def is_open(self) -> bool:
        """Tell whether it has not ended."""
        return self.state in statuses.OPEN

    @property
    def has_succeeded(self) -> bool:
        """Tell whether it claims success."""
        return self.state == statuses.OperationState.SUCCEEDED

    def found_by(self, step: str) -> Mapping[str, Any]:
        """Return what one of its steps found; empty when it did not get that far."""
        return next((each.result for each in self.steps if each.name == step), {})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Event:
    """One recorded change of a status."""

    id: int
    at: datetime.datetime
    axis: str
    subject_id: uuid.UUID
    group_id: uuid.UUID | None
    operation_id: uuid.UUID | None
    volumes: int
    old: str
    new: str
    reason: str

    def __str__(self) -> str:
        return f"event {self.id}, {self.axis} from '{self.old}' to '{self.new}'"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Volume:
    """One volume as its row stands."""

    id: uuid.UUID
    group_id: uuid.UUID | None
    status: str
    replication_status: str
    epoch: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Group:
    """One group as its row stands, with its members."""

    id: uuid.UUID
    name: str
    status: str
    replication_status: str
    active_backend_id: str
    epoch: int
    members: tuple[Volume, ...]

    def __str__(self) -> str:
        return f"Group {self.id} ({self.name})"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Round:
    """The round of one group as its row stands."""

    group_id: uuid.UUID
    epoch: int
    lease_until: datetime.datetime | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class History:
    """All there is to judge, oldest first."""

    operations: tuple[Operation, ...] = ()
    events: tuple[Event, ...] = ()
    groups: tuple[Group, ...] = ()
    volumes: tuple[Volume, ...] = ()
    rounds: tuple[Round, ...] = ()
    calls: tuple[LoggedCall, ...] = ()
    """The calls the storage got; empty where the storage keeps no log."""
    writes: tuple[Write, ...] = ()
    reads: tuple[Read, ...] = ()
    looks: Mapping[uuid.UUID, Look] = dataclasses.field(default_factory=dict)
    """What the storage says now, by group."""
    at_rest: bool = False
    """Whether everything that was asked for should have ended, with all sides and processes well."""
    lease_seconds: float = 30.0
    outages: tuple[tuple[datetime.datetime, datetime.datetime], ...] = ()
    """Times, without overlaps, in which nobody could be expected to begin any work."""
    clock_error_seconds: float = 0.0
    """How far apart two processes may tell the time of one moment."""
    collected_at: datetime.datetime | None = None

    @functools.cached_property
    def calls_by_owner(self) -> Mapping[str, Sequence[LoggedCall]]:
        """The calls the storage got, by the group or lone volume they were about."""
        found: dict[str, list[LoggedCall]] = {}
        for call in self.calls:
            found.setdefault(call.owner, []).append(call)
        return found


def collect(
    *,
    logs: Iterable[LoggedCall] = (),
    writes: Iterable[Write] = (),
    reads: Iterable[Read] = (),
    observe: Callable[[models.Group], Look] | None = None,
    at_rest: bool = False,
    lease_seconds: float | None = None,
    outages: Iterable[tuple[datetime.datetime, datetime.datetime]] = (),
    clock_error_seconds: float = 0.0,
) -> History:
    """Read the history of the site this process is connected to.

    `observe` says what the storage holds of a group, as `look` does; without it record and storage
    are not compared. `at_rest` claims that nothing should be open any more: it makes the judge
    strict. `lease_seconds` is the workers' setting, this process's when not given. `outages` are the
    times in which beat, broker or every worker was away. `clock_error_seconds` is for sites of
    several processes, each with its own idea of the database's clock.
    """
    rows = list(models.Group.objects.select_related("backend", "group_type").order_by("created_at", "id"))
    volumes = tuple(_volume(row) for row in models.Volume.objects.order_by("created_at", "id"))
    return History(
        operations=_operations(),
        events=tuple(_event(row) for row in models.Event.objects.order_by("id")),
        groups=tuple(_group(row, volumes) for row in rows),
        volumes=volumes,
        rounds=tuple(
            Round(group_id=row.pk, epoch=row.epoch, lease_until=row.lease_until) for row in models.Round.objects.all()
        ),
        calls=tuple(logs),
        writes=tuple(writes),
        reads=tuple(reads),
        looks={} if observe is None else {row.pk: observe(row) for row in rows},
        at_rest=at_rest,
        lease_seconds=settings.REPLSITE.lease_seconds if lease_seconds is None else lease_seconds,
        outages=tuple(outages),
        clock_error_seconds=max(clock_error_seconds, _GRAIN_SECONDS),
        collected_at=datetime.datetime.now(tz=datetime.UTC),
    )


def look(row: models.Group) -> Look:
    """Ask the driver of a group's backend what it holds of the group: all sides, and each alone."""
    driver = storage.driver_for(row.backend)
    value = storage.group_value(row, storage.members(row))
    sides = [base.PRIMARY, *(target.backend_id for target in driver.config.targets)]

    def observe(only: Sequence[str] | None) -> base.GroupFacts:
        return driver.observe(value, sides=only, call=base.Call(epoch=row.epoch, deadline_seconds=_LOOK_SECONDS))

    return Look(together=observe(None), alone={side: observe([side]) for side in sides})


def _operations() -> tuple[Operation, ...]:
    rows = models.Operation.objects.order_by("created_at", "id").prefetch_related("steps")
    return tuple(
        Operation(
            id=row.pk,
            kind=row.kind,
            subject_id=row.subject_id,
            group_id=row.group_id,
            members=row.members,
            arguments=row.arguments,
            state=row.state,
            fence=row.fence,
            attempt=row.attempt,
            epoch=row.epoch,
            undoing=row.undoing,
            created_at=row.created_at,
            ended_at=row.ended_at,
            lease_until=row.lease_until,
            not_before=row.not_before,
            result=row.result,
            steps=tuple(
                Step(name=step.name, state=step.state, attempt=step.attempt, result=step.result)
                for step in row.steps.all()
            ),
        )
        for row in rows
    )


def _event(row: models.Event) -> Event:
    return Event(
        id=row.pk,
        at=row.at,
        axis=row.axis,
        subject_id=row.subject_id,
        group_id=row.group_id,
        operation_id=row.operation_id,
        volumes=row.volumes,
        old=row.old,
        new=row.new,
        reason=row.reason,
    )


def _volume(row: models.Volume) -> Volume:
    return Volume(
        id=row.pk,
        group_id=row.group_id,
        status=row.status,
        replication_status=row.replication_status,
        epoch=row.epoch,
    )


def _group(row: models.Group, volumes: Iterable[Volume]) -> Group:
    return Group(
        id=row.pk,
        name=row.name or "",
        status=row.status,
        replication_status=row.replication_status,
        active_backend_id=row.active_backend_id,
        epoch=row.epoch,
        members=tuple(volume for volume in volumes if volume.group_id == row.pk),
    )

"""Work is owned by one live worker at a time, and never left long without one."""

from __future__ import annotations

import datetime
import itertools
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from groups import statuses, transitions
from groups.statuses import Axis, OperationState, VolumeStatus
from tests.judging import endings
from tests.judging.history import Event, History, Operation

_LEASES_UNOWNED = 2
_STOPPED_WAITING = (OperationState.WAITING, OperationState.CANCELING)
_PAUSE = re.compile(r"tried again in ([0-9.]+) s")
_OF_CLIENTS = frozenset({VolumeStatus.ATTACHING, VolumeStatus.DETACHING})
"""Passing statuses that Cinder's clients set, and no operation of ours."""


def complaints(history: History) -> Sequence[str]:
    """Judge who owned what, and for how long nobody did.

    How long is judged only of a history at rest: tests let leases run out by hand.
    """
    found = list(_passing_for_nobody(history))
    if history.at_rest:
        claims: dict[UUID, list[Event]] = defaultdict(list)
        for event in history.events:
            if event.axis == Axis.OPERATION:
                claims[event.subject_id].append(event)
        for operation in history.operations:
            found += [f"{operation} {problem}." for problem in _early(operation, claims[operation.id], history)]
        found += _late(claims, history)
    return found


def _passing_for_nobody(history: History) -> Iterable[str]:
    """Find passing statuses that no open operation will ever end."""
    worked_on = {operation.subject_id for operation in history.operations if operation.is_open}
    for group in history.groups:
        for axis, shown in ((Axis.GROUP, group.status), (Axis.REPLICATION, group.replication_status)):
            if shown in statuses.PASSING[axis] and group.id not in worked_on:
                yield f"{group} rests in '{shown}' with no operation open."
    for volume in history.volumes:
        for axis, shown in ((Axis.VOLUME, volume.status), (Axis.REPLICATION, volume.replication_status)):
            passing = shown in statuses.PASSING[axis] - _OF_CLIENTS
            if passing and not worked_on & {volume.id, volume.group_id}:
                yield f"Volume {volume.id} rests in '{shown}' with no operation open."


def _early(operation: Operation, events: Sequence[Event], history: History) -> Iterable[str]:
    """Find take-overs from a worker whose lease cannot have run out."""
    shortest = history.lease_seconds - min(1.0, history.lease_seconds / 4)
    owned: Event | None = None
    for event in events:
        if event.new == OperationState.WAITING:
            owned = None
        if not endings.is_claim(event):
            continue
        if transitions.GIVEN_BACK in event.reason:
            owned = None
        seconds = (event.at - owned.at).total_seconds() if owned else shortest
        if seconds < shortest:
            lease = f"a lease of {history.lease_seconds:g} s"
            yield f"was taken over {seconds:.1f} s after it was claimed, within {lease}: {event.reason}"
        owned = event


def _late(events: Mapping[UUID, Sequence[Event]], history: History) -> Iterable[str]:
    """Find times in which nobody owned an operation that were longer than a dead worker's lease explains.

    While those that waited before it are still being taken, it has its place in the queue.
    """
    waits: list[tuple[datetime.datetime, datetime.datetime, Operation, Event]] = []
    for operation in history.operations:
        for before, event in itertools.pairwise(events[operation.id]):
            if before.new == OperationState.WAITING and not _PAUSE.match(before.reason):
                yield f"{operation} waits without saying for how long: {before.reason}."
            if (free := _free_since(operation, before, event, history)) is not None:
                waits.append((free, event.at, operation, before))
    waits.sort(key=lambda wait: wait[0])
    for place, (free, taken, operation, before) in enumerate(waits):
        ahead = [other for _, other, *_ in waits[:place] if free < other < taken]
        since = max(ahead, default=free)
        seconds = (taken - since).total_seconds() - _out(history, since, taken)
        if seconds > _LEASES_UNOWNED * history.lease_seconds:
            yield f"{operation} was {before.new} for {seconds:.1f} s with nobody to take it."


def _free_since(operation: Operation, before: Event, event: Event, history: History) -> datetime.datetime | None:
    """Return since when, at the latest, nobody owned an operation; None when it was owned, or cannot be told.

    Of a worker that died within a driver call nothing tells how long it had kept its lease.
    """
    if before.new == OperationState.QUEUED or (before.old, before.new) == _STOPPED_WAITING:
        return before.at
    if before.new == OperationState.WAITING and (pause := _PAUSE.match(before.reason)):
        return before.at + datetime.timedelta(seconds=float(pause[1]))
    if not (endings.is_claim(before) and endings.is_claim(event)):
        return None
    calls = [
        call
        for call in history.calls_by_owner.get(str(operation.subject_id), ())
        if call.epoch <= operation.epoch and before.at.timestamp() <= call.started_at < event.at.timestamp()
    ]
    if any(call.ended_at is None or call.ended_at >= event.at.timestamp() for call in calls):
        return None
    sign = max([before.at.timestamp(), *(call.ended_at for call in calls if call.ended_at is not None)])
    return datetime.datetime.fromtimestamp(sign + history.lease_seconds, tz=datetime.UTC)


def _out(history: History, began: datetime.datetime, ended: datetime.datetime) -> float:
    """Return for how many seconds of a time nobody could be expected to begin any work."""
    shared = ((min(ended, until) - max(began, since)).total_seconds() for since, until in history.outages)
    return sum(seconds for seconds in shared if seconds > 0)

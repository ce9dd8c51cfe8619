"""Statuses moved only as the table says, each from where the one before had ended, and are recorded so."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from groups import statuses
from groups.statuses import Axis, GroupStatus, Kind, OperationState, SiteState, VolumeStatus
from tests.judging.history import Event, History, Operation

_LEFT_BY_DELETION = frozenset({VolumeStatus.DELETING, VolumeStatus.ERROR_DELETING})
"""Statuses a volume gets with its group, without an event of its own."""


def complaints(history: History) -> Sequence[str]:
    """Judge the events of groups and volumes."""
    operations = {operation.id: operation for operation in history.operations}
    own: dict[UUID, list[Event]] = defaultdict(list)
    chains: dict[tuple[UUID, str], list[Event]] = defaultdict(list)
    found: list[str] = []
    for event in history.events:
        if event.axis == Axis.OPERATION:
            continue
        if event.axis == Axis.SITE:
            found += _wrong_site_move(event)
            continue
        operation = operations.get(event.operation_id) if event.operation_id else None
        if operation is None:
            found += _wrong_reset(event)
            chains[event.subject_id, event.axis].append(event)
        elif event.axis == _axis(operation):
            own[operation.id].append(event)
            chains[event.subject_id, event.axis].append(event)
        elif (
            operation.kind in statuses.MOVES
            and statuses.MOVES[operation.kind].mends
            and event.axis == Axis.GROUP
            and event.old == GroupStatus.ERROR
        ):
            chains[event.subject_id, event.axis].append(event)
        elif (operation.kind, event.axis) != (Kind.UPDATE_GROUP, Axis.REPLICATION):
            found.append(f"{operation} moved what is not its own: {event}.")
    moving = [operation for operation in history.operations if operation.kind not in statuses.WITHOUT_MOVE]
    for operation in moving:
        found += [f"{operation} {problem}." for problem in _wrong_move(operation, own[operation.id])]
    for (subject, axis), events in chains.items():
        found += _gaps(subject, axis, events)
    return [*found, *_wrong_records(history, chains)]


def _wrong_site_move(event: Event) -> Iterable[str]:
    after = statuses.SITE_MOVES[SiteState(event.old)] if event.old else {SiteState.RUNNING}
    if event.new not in after:
        yield f"Site failover {event.subject_id} moved as the table forbids: {event}."


def _axis(operation: Operation) -> Axis | None:
    """Return what an operation moves; None for one that runs beside its group."""
    return None if operation.kind in statuses.WITHOUT_MOVE else statuses.MOVES[operation.kind].axis


def _wrong_reset(event: Event) -> Iterable[str]:
    if event.axis == Axis.ATTACHMENT:
        if event.new not in {*statuses.AttachStatus, statuses.GONE} or event.new == event.old == statuses.GONE:
            yield f"{event.subject_id} became what no attachment is: {event}."
    elif event.new not in statuses.RESETS[Axis(event.axis)].targets and not _is_of_a_client(event):
        yield f"{event.subject_id} was set by hand to what no reset may set: {event}."


def _is_of_a_client(event: Event) -> bool:
    moves = statuses.CLIENT_MOVES if event.axis == Axis.VOLUME else ()
    return any(event.new == move.to and event.old in move.sources for move in moves)


def _wrong_move(operation: Operation, events: Sequence[Event]) -> Iterable[str]:
    """Say what is wrong with the way into the passing status, and out of it."""
    move = statuses.MOVES[operation.kind]
    if len(events) != (1 if operation.is_open else 2):
        yield f"moved its subject {len(events)} times"
        return
    start = events[0]
    if start.new != move.passing or start.old not in (move.sources or {""}):
        yield f"began as the table forbids: {start}"
    if operation.is_open:
        return
    end, ends = events[1], _ends(operation, start.old)
    if end.old != move.passing or end.new not in ends:
        yield f"left its subject as the table forbids: {end}"


def _ends(operation: Operation, before: str) -> frozenset[str]:
    """Return the statuses an operation that ended so may leave."""
    move = statuses.MOVES[operation.kind]
    if operation.has_succeeded:
        words = move.outcomes or frozenset({move.success})
    else:
        words = frozenset({move.canceled if operation.state == OperationState.CANCELED else move.failure})
    return frozenset(before if word == statuses.PREVIOUS else word for word in words)


def _gaps(subject: UUID, axis: str, events: Sequence[Event]) -> Iterable[str]:
    for before, event in itertools.pairwise(events):
        with_its_group = axis == Axis.VOLUME and event.old in _LEFT_BY_DELETION
        if event.old != before.new and not with_its_group:
            yield f"{subject} has a gap between {before} and {event}."


def _wrong_records(history: History, chains: Mapping[tuple[UUID, str], Sequence[Event]]) -> Iterable[str]:
    for group in history.groups:
        for axis, shown in ((Axis.GROUP, group.status), (Axis.REPLICATION, group.replication_status)):
            last = chains.get((group.id, axis))
            if last and last[-1].new != shown:
                yield f"{group} is recorded as '{shown}', but its last is {last[-1]}."
    for volume in history.volumes:
        last = chains.get((volume.id, Axis.VOLUME))
        if last and last[-1].new != volume.status and volume.status not in _LEFT_BY_DELETION:
            yield f"Volume {volume.id} is recorded as '{volume.status}', but its last is {last[-1]}."

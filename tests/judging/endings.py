"""Every accepted operation was accepted once, moved as the table says, and ended once."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from groups import statuses
from groups.statuses import Axis, OperationState
from tests.judging.history import Event, History, Operation

_AFTER: Mapping[str, frozenset[str]] = {**statuses.OPERATION_MOVES}
_OWNED = frozenset({OperationState.RUNNING, OperationState.CANCELING})


def complaints(history: History) -> Sequence[str]:
    """Judge each operation's row against its events."""
    events: dict[UUID, list[Event]] = defaultdict(list)
    for event in history.events:
        if event.axis == Axis.OPERATION:
            events[event.subject_id].append(event)
    found: list[str] = []
    for operation in history.operations:
        own = events.pop(operation.id, [])
        found += [f"{operation} {problem}." for problem in _problems(operation, own, at_rest=history.at_rest)]
    found += [f"Operation {unknown} has events but no row." for unknown in events]
    return found


def is_claim(event: Event) -> bool:
    """Tell whether an operation's event is a worker's claim of it."""
    return event.new == OperationState.RUNNING or (event.old == event.new == OperationState.CANCELING)


def _problems(operation: Operation, events: Sequence[Event], *, at_rest: bool) -> Iterable[str]:
    if at_rest and operation.is_open:
        yield "has not ended"
    accepted = [event for event in events if event.old == ""]
    if len(accepted) != 1 or events[0] is not accepted[0] or events[0].new != OperationState.QUEUED:
        yield f"was accepted {len(accepted)} times, not once and first"
    ends = [event for event in events if event.new in statuses.FINAL]
    if len(ends) != (0 if operation.is_open else 1):
        yield f"ended {len(ends)} times by its events"
    if events and events[-1].new != operation.state:
        yield f"is recorded otherwise than its last {events[-1]}"
    if operation.is_open == (operation.ended_at is not None):
        yield f"has the end {operation.ended_at}"
    yield from _wrong_moves(events)
    claims = sum(is_claim(event) for event in events)
    if not claims == operation.fence == operation.attempt:
        yield f"was claimed {claims} times, but its fence is {operation.fence} and its attempt {operation.attempt}"


def _wrong_moves(events: Sequence[Event]) -> Iterable[str]:
    for before, event in itertools.pairwise(events):
        if event.old != before.new:
            yield f"has a gap between {before} and {event}"
        taken_over = event.old == event.new and event.new in _OWNED
        if not taken_over and event.new not in _AFTER.get(event.old, ()):
            yield f"moved as the table forbids: {event}"

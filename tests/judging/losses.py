"""A planned move loses no acknowledged write, an unplanned one none older than its receipt says."""

from __future__ import annotations

import dataclasses
import datetime
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from groups.statuses import Kind
from tests.judging.history import History, Operation, Write

_MOVING = frozenset({Kind.FAILOVER, Kind.FAILBACK, Kind.RESTORE})
_UNPLANNED = "unplanned"


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Discard:
    """What one unplanned move was free to lose: what the side it left held after the point.

    That is what this side took itself until it was left for good, and what earlier planned moves
    had carried to it from other sides before the move was asked for.
    """

    side: str
    after: float
    asked_at: float
    until: float

    def covers(self, write: Write) -> bool:
        ends = self.until if write.side == self.side else self.asked_at
        return self.after < write.acknowledged_at <= ends


def complaints(history: History) -> Sequence[str]:
    """Judge the clients' ledger of writes against what they read later."""
    moves: dict[object, list[Operation]] = defaultdict(list)
    for operation in history.operations:
        if operation.kind in _MOVING and _receipt(operation):
            moves[operation.subject_id].append(operation)
    discards = {
        group: _discards(operations, clock_error_seconds=history.clock_error_seconds)
        for group, operations in moves.items()
    }
    writes: dict[str, list[Write]] = defaultdict(list)
    for write in history.writes:
        writes[write.volume_id].append(write)
    found: list[str] = []
    for read in history.reads:
        lost = [
            write
            for write in writes[read.volume_id]
            if write.number > read.number and write.acknowledged_at < read.at
            if not any(
                discard.covers(write)
                for group in {write.group_id, read.group_id}
                for discard in discards.get(group, ())
            )
        ]
        if lost:
            found.append(
                f"Volume {read.volume_id} lost {len(lost)} acknowledged writes from {lost[0].number} on, which"
                f" '{lost[0].side}' took at {_time(lost[0].acknowledged_at)}: '{read.side}' held {read.number} at"
                f" {_time(read.at)}, and no receipt says so."
            )
    return [*found, *(each for operations in moves.values() for each in _broken_predictions(operations))]


def _receipt(operation: Operation) -> Mapping[str, Any]:
    """Return how an operation moved its group; also of one that failed after it had promoted."""
    if operation.result:
        return operation.result
    promoted = any(step.name == "promote" and step.attempt for step in operation.steps)
    if not promoted:
        return {}
    found = operation.found_by("preflight")
    return {
        "mode": found.get("mode"),
        "origin": found.get("origin"),
        "predicted": found.get("point"),
        "point": operation.found_by("promote").get("point"),
    }


def _discards(operations: Sequence[Operation], *, clock_error_seconds: float) -> list[_Discard]:
    """Return what the unplanned ones among a group's moves, oldest first, were free to lose."""
    found = []
    for position, operation in enumerate(operations):
        receipt = _receipt(operation)
        point = receipt.get("point") or receipt.get("predicted")
        if receipt.get("mode") != _UNPLANNED or not point:
            continue
        later = [each.ended_at for each in operations[position + 1 :] if each.has_succeeded and each.ended_at]
        found.append(
            _Discard(
                side=str(receipt["origin"]),
                after=datetime.datetime.fromisoformat(point).timestamp() - clock_error_seconds,
                asked_at=operation.created_at.timestamp(),
                until=min(later).timestamp() + clock_error_seconds if later else float("inf"),
            )
        )
    return found


def _broken_predictions(operations: Sequence[Operation]) -> Iterable[str]:
    for operation in operations:
        predicted, point = operation.result.get("predicted"), operation.result.get("point")
        if predicted and point and datetime.datetime.fromisoformat(point) < datetime.datetime.fromisoformat(predicted):
            yield f"{operation} predicted the point of {predicted} and reached the older one of {point}."


def _time(unix: float) -> str:
    return datetime.datetime.fromtimestamp(unix, tz=datetime.UTC).isoformat()

"""Ways to spoil a good history in one place."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable
from typing import Any

from groups.statuses import Axis, OperationState
from tests.judging.history import Event, History
from tests.judging.stories import FAIL_OVER, GROUP

Spoil = Callable[[History], History]


def with_operation(place: int, **changes: Any) -> Spoil:
    """Change one operation's row."""

    def spoil(good: History) -> History:
        rows = list(good.operations)
        rows[place] = dataclasses.replace(rows[place], **changes)
        return dataclasses.replace(good, operations=tuple(rows))

    return spoil


def with_event(old: str, new: str, /, *, of: Axis = Axis.OPERATION, **changes: Any) -> Spoil:
    """Change the newest event of such a move."""

    def spoil(good: History) -> History:
        rows = list(good.events)
        place = max(place for place, row in enumerate(rows) if (row.axis, row.old, row.new) == (of, old, new))
        rows[place] = dataclasses.replace(rows[place], **changes)
        return dataclasses.replace(good, events=tuple(rows))

    return spoil


def without_event(old: str, new: str, *, of: Axis = Axis.OPERATION) -> Spoil:
    """Leave the newest event of such a move out."""

    def spoil(good: History) -> History:
        gone = [row for row in good.events if (row.axis, row.old, row.new) == (of, old, new)][-1]
        return dataclasses.replace(good, events=tuple(row for row in good.events if row is not gone))

    return spoil


def twice(old: str, new: str) -> Spoil:
    """Let the newest event of such a move come again."""

    def spoil(good: History) -> History:
        again = [row for row in good.events if (row.old, row.new) == (old, new)][-1]
        return dataclasses.replace(good, events=(*good.events, dataclasses.replace(again, id=len(good.events) + 1)))

    return spoil


def with_call(method: str, **changes: Any) -> Spoil:
    """Change the newest call of a method."""

    def spoil(good: History) -> History:
        rows = list(good.calls)
        place = max(place for place, row in enumerate(rows) if row.method == method)
        rows[place] = dataclasses.replace(rows[place], **changes)
        return dataclasses.replace(good, calls=tuple(rows))

    return spoil


def with_another_call(method: str, *, later: float, **changes: Any) -> Spoil:
    """Repeat the newest call of a method some seconds later, changed."""

    def spoil(good: History) -> History:
        call = next(row for row in reversed(good.calls) if row.method == method)
        times = {"started_at": call.started_at + later, "ended_at": (call.ended_at or 0.0) + later}
        more = dataclasses.replace(call, id=len(good.calls) + 1, **{**times, **changes})
        return dataclasses.replace(good, calls=(*good.calls, more))

    return spoil


def with_group(**changes: Any) -> Spoil:
    """Change the group's row."""
    return lambda good: dataclasses.replace(good, groups=(dataclasses.replace(good.groups[0], **changes),))


def with_volume(**changes: Any) -> Spoil:
    """Change the first volume's row."""
    return lambda good: dataclasses.replace(
        good, volumes=(dataclasses.replace(good.volumes[0], **changes), *good.volumes[1:])
    )


def with_member(**changes: Any) -> Spoil:
    """Change what the storage says of the first volume."""

    def spoil(good: History) -> History:
        first, *others = good.looks[GROUP].together.volumes
        return with_look(volumes=(dataclasses.replace(first, **changes), *others))(good)

    return spoil


def with_look(**changes: Any) -> Spoil:
    """Change what all sides together say."""

    def spoil(good: History) -> History:
        look = good.looks[GROUP]
        return dataclasses.replace(
            good, looks={GROUP: dataclasses.replace(look, together=dataclasses.replace(look.together, **changes))}
        )

    return spoil


def with_primary(**changes: Any) -> Spoil:
    """Change what the primary says when it is asked alone."""

    def spoil(good: History) -> History:
        look = good.looks[GROUP]
        alone = {**look.alone, "": dataclasses.replace(look.alone[""], **changes)}
        return dataclasses.replace(good, looks={GROUP: dataclasses.replace(look, alone=alone)})

    return spoil


def with_reset(to: str) -> Spoil:
    """Let a person say what the replication status is, last of all."""

    def spoil(good: History) -> History:
        event = Event(
            id=len(good.events) + 1,
            at=good.events[-1].at,
            axis=Axis.REPLICATION,
            subject_id=GROUP,
            group_id=GROUP,
            operation_id=None,
            volumes=2,
            old="failed-over",
            new=to,
            reason="by hand",
        )
        return with_group(replication_status=to)(dataclasses.replace(good, events=(*good.events, event)))

    return spoil


def with_take_over(after_seconds: float, *, reason: str = "taken over from one by two") -> Spoil:
    """Let a second worker take the failover over, so long after the first one's claim."""

    def spoil(good: History) -> History:
        claim = next(event for event in reversed(good.events) if event.new == OperationState.RUNNING)
        at = claim.at + datetime.timedelta(seconds=after_seconds)
        second = dataclasses.replace(claim, old="running", at=at, reason=reason)
        place = good.events.index(claim) + 1
        events = (*good.events[:place], second, *good.events[place:])
        return with_operation(FAIL_OVER, fence=2, attempt=2)(dataclasses.replace(good, events=events))

    return spoil


def with_wait(told_seconds: float, *, seconds: float) -> Spoil:
    """Let the failover wait after its claim, for other than the seconds told."""

    def spoil(good: History) -> History:
        claim = next(event for event in reversed(good.events) if event.new == OperationState.RUNNING)
        why = f"tried again in {told_seconds:.1f} s: the site does not answer"
        wait = dataclasses.replace(claim, old="running", new="waiting", reason=why)
        again = dataclasses.replace(claim, old="waiting", at=claim.at + datetime.timedelta(seconds=seconds))
        place = good.events.index(claim) + 1
        events = (*good.events[:place], wait, again, *good.events[place:])
        return with_operation(FAIL_OVER, fence=2, attempt=2)(dataclasses.replace(good, events=events))

    return spoil

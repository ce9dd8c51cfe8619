"""One writer per group and epoch, and no epoch goes back."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Sequence

from drivers.fake.journal import LoggedCall
from tests.judging.history import History

LOOKING = frozenset(
    {
        "observe",
        "digest",
        "check_connection",
        "test_copies",
        "check_test_copy",
        "read_test_copy",
        "read_active",
        "inventory",
    }
)
"""The calls that change nothing, and that anybody may make at any time."""
_UNOWNED = frozenset({"serve", "retire"})
"""What the observing tick does under the epoch it read: it owns nothing, and gives way to whoever does."""


def complaints(history: History) -> Sequence[str]:
    """Judge the storage's log of calls."""
    found: list[str] = []
    for owned in history.calls_by_owner.values():
        calls = [call for call in owned if call.method not in LOOKING]
        found += _two_in_one_epoch(calls)
        found += _going_back(calls, clock_error_seconds=history.clock_error_seconds)
    return found


def _two_in_one_epoch(calls: Iterable[LoggedCall]) -> list[str]:
    by_epoch: dict[int, list[LoggedCall]] = defaultdict(list)
    for call in calls:
        if call.method not in _UNOWNED:
            by_epoch[call.epoch].append(call)
    return [
        complaint
        for same in by_epoch.values()
        for first, second in itertools.combinations(sorted(same, key=lambda call: call.started_at), 2)
        for complaint in _pair(first, second)
    ]


def _pair(first: LoggedCall, second: LoggedCall) -> Iterable[str]:
    if first.ended_at is not None and second.started_at < first.ended_at:
        yield f"{_named(second)} began while {_named(first)} went on: two writers in one epoch."
    elif first.process_id != second.process_id and first.outcome == second.outcome == "ok":
        yield f"{_named(first)} and {_named(second)}, both with effect, are of two processes: two writers in one epoch."


def _going_back(calls: Iterable[LoggedCall], *, clock_error_seconds: float) -> Iterable[str]:
    """Find calls that had an effect though they began after one of a newer epoch had succeeded."""
    good = [call for call in calls if call.outcome == "ok" and call.ended_at is not None]
    ended = sorted(good, key=lambda call: call.ended_at or 0.0)
    newest: dict[str, LoggedCall] = {}
    position = 0
    for call in sorted(good, key=lambda call: call.started_at):
        while position < len(ended) and ((ended[position].ended_at or 0.0) + clock_error_seconds < call.started_at):
            for side in sides(ended[position]):
                if side not in newest or newest[side].epoch < ended[position].epoch:
                    newest[side] = ended[position]
            position += 1
        newer = [newest[side] for side in sides(call) if side in newest and newest[side].epoch > call.epoch]
        if newer:
            yield f"{_named(call)} had an effect after {_named(newer[0])}: a newer epoch had been there."


def sides(call: LoggedCall) -> Sequence[str]:
    """Return the sides a call acted on, as well as the log tells."""
    return call.touched if call.backend_id is None or call.method == "replicate" else (call.backend_id,)


def _named(call: LoggedCall) -> str:
    return f"call {call.id} ({call.method} of {call.owner}, epoch {call.epoch}, process {call.process_id})"

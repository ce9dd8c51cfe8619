"""Success was claimed only after the storage had done what the verb is for, under the operation's own epochs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from drivers.fake.journal import LoggedCall
from groups.statuses import Kind
from tests.judging.history import History, Operation

_HEARTS: Mapping[str, Sequence[str]] = {
    Kind.CREATE_GROUP: ("create_group",),
    Kind.UPDATE_GROUP: ("update_group",),
    Kind.DELETE_GROUP: ("delete_group",),
    Kind.CREATE_VOLUME: ("create_volume",),
    Kind.COPY_GROUP: ("create_volumes_from", "create_group", "observe"),
    Kind.EXTEND_VOLUME: ("extend_volume",),
    Kind.DELETE_VOLUME: ("delete_volume",),
    **dict.fromkeys((Kind.CREATE_SNAPSHOT, Kind.CREATE_GROUP_SNAPSHOT), ("create_snapshots", "whole_snapshots")),
    **dict.fromkeys((Kind.DELETE_SNAPSHOT, Kind.DELETE_GROUP_SNAPSHOT), ("delete_snapshots", "whole_snapshots")),
    Kind.ENABLE: ("enable_replication", "observe"),
    Kind.DISABLE: ("disable_replication", "observe"),
    Kind.FAILOVER: ("promote", "observe"),
    Kind.FAILBACK: ("promote", "enable_replication", "observe"),
    Kind.ADOPT: ("observe",),
    Kind.RESTORE: ("observe",),
    Kind.DRILL: ("start_test_copy", "stop_test_copy"),
}
"""The calls without which a verb did nothing, in their order."""
_COPY_OF_A_VOLUME = ("create_volumes_from", "observe")
_OF_REPLICATION = frozenset({Kind.ENABLE, Kind.DISABLE, Kind.FAILOVER, Kind.FAILBACK, Kind.ADOPT, Kind.RESTORE})
"""Verbs that call no driver for a group without volumes."""

_CLOCKS_SECONDS = 0.05
"""By how much the database's clock and the storage's may differ on one machine."""


def complaints(history: History) -> Sequence[str]:
    """Judge every success against the storage's log of calls; where that was emptied, what came since."""
    if not history.calls:
        return ()
    log_begins = min(call.started_at for call in history.calls)
    found: list[str] = []
    older: dict[str, int] = defaultdict(int)
    for operation in history.operations:
        # A member grows under the epochs of its group.
        subject = str(operation.arguments.get("home", operation.subject_id))
        own = history.calls_by_owner.get(subject, ())
        calls = [call for call in own if older[subject] < call.epoch <= operation.epoch]
        older[subject] = max(older[subject], operation.epoch)
        if operation.has_succeeded and operation.created_at.timestamp() >= log_begins and _calls_drivers(operation):
            found += _missing(operation, calls, clock_error_seconds=history.clock_error_seconds)
    return found


def _calls_drivers(operation: Operation) -> bool:
    return operation.members > 0 or operation.kind not in _OF_REPLICATION


def _missing(operation: Operation, calls: Sequence[LoggedCall], *, clock_error_seconds: float) -> Iterable[str]:
    """Look for the verb's calls in their order, each ended before the operation did."""
    ended = operation.ended_at.timestamp() if operation.ended_at else 0.0
    after = 0.0
    copies = operation.kind == Kind.CREATE_VOLUME and operation.arguments.get("made_from")
    for method in _COPY_OF_A_VOLUME if copies else _HEARTS[operation.kind]:
        times = [
            call.ended_at
            for call in calls
            if call.method == method
            and _was_good(call)
            and _is_meant(call, operation)
            and call.ended_at is not None
            and call.started_at >= after
        ]
        if not times:
            yield f"{operation} claims success without a good call of {method} in its epochs."
            return
        if min(times) > ended + clock_error_seconds:
            yield f"{operation} claimed success at {ended:f}, before its call of {method} ended at {min(times):f}."
            return
        after = min(times)


def _was_good(call: LoggedCall) -> bool:
    # What a changing call did that returned nothing is told by the look that must come after it.
    return call.outcome == "ok" or (call.outcome == "returned nothing" and call.method != "observe")


def _is_meant(call: LoggedCall, operation: Operation) -> bool:
    return call.method != "promote" or call.backend_id == operation.arguments.get("target")

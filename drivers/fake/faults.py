"""What the fake storage can be told to do wrong, and where.

A fault names the call it waits for, the place in that call (the k-th volume, or the call as a
whole; before or after the effect there), what happens, and how often.
"""

from __future__ import annotations

import dataclasses
import sqlite3
from collections.abc import Sequence
from typing import Literal, get_args

from drivers.base import Driver
from drivers.rehearsing import Rehearsable

Moment = Literal["before", "after"]
Action = Literal[
    "slow",
    "hang",
    "ignore-cancel",
    "fail",
    "fail-retryable",
    "crash",
    "raise-value-error",
    "return-none",
    "wrong-facts",
    "skip",
]
MOMENTS: tuple[str, ...] = get_args(Moment)
ACTIONS: dict[str, str] = {
    "slow": "wait SECONDS, then go on; stops early when the call should end",
    "hang": "wait until the call is canceled or past its deadline, or until the fault is cleared",
    "ignore-cancel": "wait until the fault is cleared or SECONDS are over, deaf to cancel and deadline, then go on",
    "fail": "raise DriverError, not retryable",
    "fail-retryable": "raise DriverError, retryable",
    "crash": "kill the calling process with -9",
    "raise-value-error": "raise ValueError, as a driver with a bug would",
    "return-none": "end the call there and return None",
    "wrong-facts": "do everything, then return facts that put the volume (or all) on no side, with an error",
    "skip": "leave the effect on the volume (or all) out and go on as if nothing were wrong",
}
CALLS = frozenset(
    {
        *Driver.__abstractmethods__,
        *(name for name in vars(Rehearsable) if not name.startswith("_")),
        *("undo_points", "drop_undo_point", "create_snapshots", "delete_snapshots", "whole_snapshots"),
        *("create_volumes_from", "extend_volume"),
    }
)
DEFAULT_SECONDS = {"slow": 1.0, "ignore-cancel": 3600.0}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing to go wrong."""

    call: str
    """The method's name, or `*` for every one."""
    action: str
    group_id: str = ""
    """Only for this group or lone volume; empty for all."""
    volume: int | None = None
    """Counted from 1 in the order of the group; None for the call as a whole."""
    when: str = "before"
    seconds: float = 0.0
    times_left: int | None = None
    """How often it still happens; None for always."""
    id: int = 0


def add(state: sqlite3.Connection, fault: Fault) -> int:
    """Keep a fault and return its id. Raises ValueError when it makes no sense."""
    if problem := _problem(fault):
        raise ValueError(problem)
    cursor = state.execute(
        "INSERT INTO faults (call, group_id, volume, moment, action, seconds, times_left) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            fault.call,
            fault.group_id,
            fault.volume,
            fault.when,
            fault.action,
            fault.seconds or DEFAULT_SECONDS.get(fault.action, 0.0),
            fault.times_left,
        ),
    )
    return int(cursor.lastrowid or 0)


def waiting(state: sqlite3.Connection, *, call: str = "", group_id: str = "", copy_id: str = "") -> Sequence[Fault]:
    """Return every fault kept, or those still to happen in one call, oldest first."""
    rows = state.execute(
        "SELECT * FROM faults WHERE ?1 = '' OR (call IN ('*', ?1) AND group_id IN ('', ?2, ?3)"
        " AND (times_left IS NULL OR times_left > 0)) ORDER BY id",
        (call, group_id, copy_id),
    )
    return [_fault(row) for row in rows]


def take(state: sqlite3.Connection, fault: Fault) -> bool:
    """Use a fault up once; False when others used it up before."""
    changed = state.execute(
        "UPDATE faults SET times_left = times_left - 1 WHERE id = ? AND (times_left IS NULL OR times_left > 0)",
        (fault.id,),
    )
    return changed.rowcount == 1


def clear(state: sqlite3.Connection, *, fault_id: int | None = None) -> int:
    """Forget one fault or all, which also lets those go on that hang in them; return how many."""
    return state.execute("DELETE FROM faults WHERE ?1 IS NULL OR id = ?1", (fault_id,)).rowcount


def stands(state: sqlite3.Connection, fault: Fault) -> bool:
    """Return whether a fault was not yet cleared."""
    return state.execute("SELECT 1 FROM faults WHERE id = ?", (fault.id,)).fetchone() is not None


def _problem(fault: Fault) -> str:
    if fault.call not in {"*", *CALLS}:
        return f"There is no call '{fault.call}'. Calls: *, {', '.join(sorted(CALLS))}."
    if fault.action not in ACTIONS:
        return f"There is no action '{fault.action}'. Actions: {', '.join(ACTIONS)}."
    if fault.when not in MOMENTS:
        return f"A fault happens before or after, not '{fault.when}'."
    if fault.volume is not None and fault.volume < 1:
        return f"Volumes are counted from 1, not {fault.volume}."
    if fault.times_left is not None and fault.times_left < 1:
        return f"A fault happens once or more often, not {fault.times_left} times; leave it out for always."
    if fault.seconds < 0:
        return f"Seconds cannot be negative, as {fault.seconds:g} is."
    return ""


def _fault(row: sqlite3.Row) -> Fault:
    return Fault(
        id=row["id"],
        call=row["call"],
        group_id=row["group_id"],
        volume=row["volume"],
        when=row["moment"],
        action=row["action"],
        seconds=row["seconds"],
        times_left=row["times_left"],
    )

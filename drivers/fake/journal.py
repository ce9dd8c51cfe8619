"""The log of calls the fake storage got: who called what in which epoch, when, and how it ended."""

from __future__ import annotations

import dataclasses
import json
import os
import sqlite3
from collections.abc import Collection, Sequence

from drivers.base import Call

KEPT = 200_000
"""How many of the newest calls are kept."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class LoggedCall:
    """One call; a call whose process died in the middle has no end and no outcome."""

    id: int
    method: str
    owner: str
    """Id of the group or lone volume, or of the test copy whose own epoch the call carries."""
    backend_id: str | None
    epoch: int
    process_id: int
    started_at: float
    ended_at: float | None
    outcome: str | None
    """`ok`, the error's code, or the name of a foreign exception."""
    touched: tuple[str, ...]
    """The sides that were asked anything."""


def begin(state: sqlite3.Connection, *, method: str, owner: str, backend_id: str | None, call: Call) -> int:
    """Note that a call began and return its number."""
    cursor = state.execute(
        "INSERT INTO calls (method, owner, backend_id, epoch, process_id, started_at) VALUES (?, ?, ?, ?, ?, ?)",
        (method, owner, backend_id, call.epoch, os.getpid(), call.now()),
    )
    number = int(cursor.lastrowid or 0)
    state.execute("DELETE FROM calls WHERE id <= ?", (number - KEPT,))
    return number


def end(state: sqlite3.Connection, number: int, *, outcome: str, touched: Collection[str], at: float) -> None:
    """Note how a call ended and which sides it asked."""
    state.execute(
        "UPDATE calls SET ended_at = ?, outcome = ?, touched = ? WHERE id = ?",
        (at, outcome, json.dumps(sorted(touched)), number),
    )


def calls(state: sqlite3.Connection, *, method: str = "", owner: str = "") -> Sequence[LoggedCall]:
    """Return the logged calls in the order of their start; empty words mean all."""
    rows = state.execute(
        "SELECT * FROM calls WHERE ?1 IN ('', method) AND ?2 IN ('', owner) ORDER BY id", (method, owner)
    )
    return [LoggedCall(**{**dict(row), "touched": tuple(json.loads(row["touched"]))}) for row in rows]


def forget(state: sqlite3.Connection) -> None:
    """Empty the log."""
    state.execute("DELETE FROM calls")

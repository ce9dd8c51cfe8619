"""Sides: which answer, and which epoch each has seen."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection

from drivers.base import PRIMARY
from drivers.errors import Refused, SiteUnavailable, StaleEpoch

UP, DOWN, FROZEN = "up", "down", "frozen"


def title(side: str) -> str:
    """Return what people call a side."""
    return "the primary" if side == PRIMARY else f"target '{side}'"


def listed(values: Collection[str]) -> str:
    """Return values in the one form statements take a list in."""
    return json.dumps(list(values))


def states(state: sqlite3.Connection, sides: Collection[str]) -> dict[str, str]:
    """Return up, down or frozen for each side; a side nobody touched is up."""
    rows = state.execute(
        "SELECT side, state FROM sides WHERE side IN (SELECT value FROM json_each(?))", (listed(sides),)
    )
    known = {row["side"]: row["state"] for row in rows}
    return {side: known.get(side, UP) for side in sides}


def put(state: sqlite3.Connection, side: str, word: str) -> None:
    """Bring a side up, take it down or freeze it."""
    state.execute("INSERT OR REPLACE INTO sides (side, state) VALUES (?, ?)", (side, word))


def require_up(state: sqlite3.Connection, sides: Collection[str]) -> None:
    """Raise `SiteUnavailable` for the first side that does not answer."""
    for side, word in states(state, sides).items():
        if word != UP:
            raise SiteUnavailable(f"The fake storage of {title(side)} does not answer.", backend_id=side)


def require_known(sides: Collection[str], side: str) -> None:
    """Raise `Refused` for a side that is not configured."""
    if side not in sides:
        known = ", ".join(repr(name) for name in sides if name != PRIMARY) or "none"
        raise Refused(f"There is no target '{side}' here. Targets: {known}.", remedy="Name one of the targets.")


def highest_epoch(state: sqlite3.Connection, sides: Collection[str], owner: str) -> int:
    """Return the highest epoch these sides have seen for a group or lone volume."""
    row = state.execute(
        "SELECT max(epoch) FROM epochs WHERE owner = ? AND side IN (SELECT value FROM json_each(?))",
        (owner, listed(sides)),
    ).fetchone()
    return int(row[0] or 0)


def fence(state: sqlite3.Connection, sides: Collection[str], *, owner: str, epoch: int) -> None:
    """Let these sides remember the epoch; raise `StaleEpoch` when one has seen a higher one."""
    seen = highest_epoch(state, sides, owner)
    if epoch < seen:
        raise StaleEpoch(f"Epoch {epoch} is refused: the storage has already seen epoch {seen} of {owner}.")
    state.execute(
        "INSERT OR REPLACE INTO epochs (side, owner, epoch) SELECT value, ?, ? FROM json_each(?)",
        (owner, epoch, listed(sides)),
    )

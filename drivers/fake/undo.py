"""Undo points: the pages that resyncs discarded, kept until somebody drops them."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Collection, Sequence

from drivers.base import UNDO_POINTS_KEPT, UndoPoint, Volume
from drivers.errors import UndoPointFailed
from drivers.fake import contents, copies, sites

ROOM = "undo_room"
"""The counter that limits how many bytes all undo points may take, when there is one."""


def keep(
    state: sqlite3.Connection, side: str, volumes: Collection[Volume], *, active: str, group_id: str, at: float
) -> int:
    """Keep what a side holds and the active one never had; return how many bytes that is.

    Raises `UndoPointFailed` when there is no room for it.
    """
    point_id = uuid.uuid4().hex
    kept = state.execute(
        "INSERT INTO undo_pages (point_id, volume_id, page, data)"
        f" SELECT ?, s.volume_id, s.page, s.data {contents.UNSENT}",
        (point_id, side, copies.ids(volumes), active, active),
    ).rowcount
    if kept:
        state.execute("INSERT INTO undo_points VALUES (?, ?, ?, ?)", (point_id, side, group_id, at))
        _drop_oldest(state, side)
        _require_room(state, side, kept * contents.PAGE)
    return kept * contents.PAGE


def find(state: sqlite3.Connection, sides: Collection[str], group_id: str) -> Sequence[UndoPoint]:
    """Return the undo points of a group on these sides, oldest first."""
    rows = state.execute(
        "SELECT id, side, kept_at, count(*) AS pages, group_concat(DISTINCT volume_id) AS volumes"
        " FROM undo_points JOIN undo_pages ON point_id = id"
        " WHERE group_id = ? AND side IN (SELECT value FROM json_each(?)) GROUP BY id ORDER BY kept_at, id",
        (group_id, sites.listed(sides)),
    )
    return [
        UndoPoint(
            id=row["id"],
            backend_id=row["side"],
            kept_at=row["kept_at"],
            size_bytes=row["pages"] * contents.PAGE,
            volumes=tuple(sorted(row["volumes"].split(","))),
        )
        for row in rows
    ]


def read(state: sqlite3.Connection, point_id: str, volume_id: str, offset: int, length: int) -> bytes:
    """Return bytes of a volume as they were discarded, zeros where nothing was."""
    first = offset // contents.PAGE
    last = max(first, (offset + length - 1) // contents.PAGE)
    found = bytearray((last - first + 1) * contents.PAGE)
    rows = state.execute(
        "SELECT page, data FROM undo_pages WHERE point_id = ? AND volume_id = ? AND page BETWEEN ? AND ?",
        (point_id, volume_id, first, last),
    )
    for row in rows:
        start = (row["page"] - first) * contents.PAGE
        found[start : start + contents.PAGE] = row["data"]
    start = offset - first * contents.PAGE
    return bytes(found[start : start + length])


def drop(state: sqlite3.Connection, side: str, point_id: str) -> None:
    """Remove one undo point from a side."""
    state.execute("DELETE FROM undo_points WHERE id = ? AND side = ?", (point_id, side))
    _tidy(state)


def drop_group(state: sqlite3.Connection, sides: Collection[str], group_id: str) -> None:
    """Remove every undo point of a group from these sides."""
    state.execute(
        "DELETE FROM undo_points WHERE group_id = ? AND side IN (SELECT value FROM json_each(?))",
        (group_id, sites.listed(sides)),
    )
    _tidy(state)


def drop_volumes(state: sqlite3.Connection, sides: Collection[str], volumes: Collection[Volume]) -> None:
    """Remove these volumes from every undo point on these sides."""
    state.execute(
        "DELETE FROM undo_pages WHERE volume_id IN (SELECT value FROM json_each(?))"
        " AND point_id IN (SELECT id FROM undo_points WHERE side IN (SELECT value FROM json_each(?)))",
        (copies.ids(volumes), sites.listed(sides)),
    )
    _tidy(state)


def _drop_oldest(state: sqlite3.Connection, side: str) -> None:
    state.execute(
        "DELETE FROM undo_pages WHERE (point_id, volume_id) IN (SELECT id, volume_id FROM"
        " (SELECT id, volume_id, row_number() OVER (PARTITION BY volume_id ORDER BY kept_at DESC, seen DESC) AS place"
        "  FROM (SELECT DISTINCT id, volume_id, kept_at, undo_points.rowid AS seen"
        "   FROM undo_points JOIN undo_pages ON point_id = id WHERE side = ?)) WHERE place > ?)",
        (side, UNDO_POINTS_KEPT),
    )
    _tidy(state)


def _tidy(state: sqlite3.Connection) -> None:
    """Remove pages without a point, and points without pages."""
    state.execute("DELETE FROM undo_pages WHERE point_id NOT IN (SELECT id FROM undo_points)")
    state.execute("DELETE FROM undo_points WHERE id NOT IN (SELECT point_id FROM undo_pages)")


def _require_room(state: sqlite3.Connection, side: str, wanted: int) -> None:
    room = state.execute("SELECT value FROM counters WHERE name = ?", (ROOM,)).fetchone()
    used = state.execute("SELECT count(*) FROM undo_pages").fetchone()[0] * contents.PAGE
    if room is not None and used > room["value"]:
        raise UndoPointFailed(
            f"{sites.title(side).capitalize()} has no room to keep the {wanted} bytes that this resync would discard;"
            " nothing was discarded."
        )

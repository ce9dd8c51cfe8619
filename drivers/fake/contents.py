"""What the volumes hold: pages, their writing and reading, and their copying in rounds.

Every write gives its page a stamp never used before. Equal stamps mean equal bytes, so that what a
side lacks is found by comparing numbers. A page also bears the reign it was written in, so that
what a side alone holds is found by its absence from another's lineage. Pages never written are
zeros and are not kept.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Collection, Sequence

from drivers.base import Volume
from drivers.fake import copies

PAGE = 4096
_THERE = "side = ? AND volume_id IN (SELECT value FROM json_each(?))"
UNSENT = (
    "FROM pages AS s WHERE s.side = ? AND s.volume_id IN (SELECT value FROM json_each(?))"
    " AND NOT EXISTS (SELECT 1 FROM pages AS a"
    "  WHERE a.side = ? AND a.volume_id = s.volume_id AND a.page = s.page AND a.stamp = s.stamp)"
    " AND s.stamp > coalesce((SELECT l.value FROM copies AS c, json_each(c.lineage) AS l"
    "  WHERE c.side = ? AND c.volume_id = s.volume_id AND l.key = s.reign), 0)"
)
"""The pages `s` of a side that another one never had; takes the side, the volumes' ids and twice the other."""


def write(state: sqlite3.Connection, side: str, volume_id: str, offset: int, data: bytes) -> None:
    """Put bytes in place, page by page."""
    first, last = offset // PAGE, (offset + len(data) - 1) // PAGE
    content = bytearray(read(state, side, volume_id, first * PAGE, (last - first + 1) * PAGE))
    content[offset - first * PAGE : offset - first * PAGE + len(data)] = data
    stamp = count(state, "stamp", last - first + 1) - (last - first)
    reign = copies.reign_of(state, side, volume_id)
    rows = [
        (side, volume_id, page, stamp + page - first, reign, bytes(content[(page - first) * PAGE :][:PAGE]))
        for page in range(first, last + 1)
    ]
    state.executemany(
        "INSERT OR REPLACE INTO pages (side, volume_id, page, stamp, reign, data) VALUES (?, ?, ?, ?, ?, ?)", rows
    )
    state.execute("UPDATE copies SET written = 1 WHERE side = ? AND volume_id = ?", (side, volume_id))


def read(state: sqlite3.Connection, side: str, volume_id: str, offset: int, length: int) -> bytes:
    """Return bytes, zeros where nothing was written."""
    first = offset // PAGE
    last = max(first, (offset + length - 1) // PAGE)
    content = bytearray((last - first + 1) * PAGE)
    rows = state.execute(
        "SELECT page, data FROM pages WHERE side = ? AND volume_id = ? AND page BETWEEN ? AND ?",
        (side, volume_id, first, last),
    )
    for row in rows:
        start = (row["page"] - first) * PAGE
        content[start : start + PAGE] = row["data"]
    start = offset - first * PAGE
    return bytes(content[start : start + length])


def flip(state: sqlite3.Connection, side: str, volume_id: str, offset: int) -> None:
    """Turn the bits of one byte over, under the stamp that its page had; there must be a page."""
    place = (side, volume_id, offset // PAGE)
    row = state.execute("SELECT data FROM pages WHERE side = ? AND volume_id = ? AND page = ?", place).fetchone()
    data = bytearray(row["data"])
    data[offset % PAGE] ^= 0xFF
    state.execute("UPDATE pages SET data = ? WHERE side = ? AND volume_id = ? AND page = ?", (bytes(data), *place))


def digests(state: sqlite3.Connection, side: str, volumes: Sequence[Volume]) -> dict[str, str]:
    """Return a SHA-256 of each volume's size and of every page of it that is not all zeros."""
    found = {volume.id: hashlib.sha256(f"{volume.size_bytes}\n".encode()) for volume in volumes}
    rows = state.execute(
        f"SELECT volume_id, page, data FROM pages WHERE {_THERE} ORDER BY volume_id, page",  # noqa: S608
        (side, copies.ids(volumes)),
    )
    for row in rows:
        if row["data"].count(0) < PAGE:
            found[row["volume_id"]].update(f"{row['page']}\n".encode() + row["data"])
    return {volume_id: digest.hexdigest() for volume_id, digest in found.items()}


def count(state: sqlite3.Connection, name: str, more: int = 0) -> int:
    """Raise a counter and return its new value."""
    row = state.execute(
        "INSERT INTO counters (name, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = value + excluded.value"
        " RETURNING value",
        (name, more),
    ).fetchall()
    return int(row[0][0])


def behind(state: sqlite3.Connection, source: str, side: str, volumes: Collection[Volume]) -> int:
    """Return how many bytes a side lacks of the source's present."""
    ids = copies.ids(volumes)
    row = state.execute(
        "SELECT (SELECT count(*) FROM pages AS s LEFT JOIN pages AS t"
        "  ON t.side = ? AND t.volume_id = s.volume_id AND t.page = s.page"
        "  WHERE s.side = ? AND s.volume_id IN (SELECT value FROM json_each(?)) AND t.stamp IS NOT s.stamp)"
        " + (SELECT count(*) FROM pages AS t LEFT JOIN pages AS s"
        "  ON s.side = ? AND s.volume_id = t.volume_id AND s.page = t.page"
        "  WHERE t.side = ? AND t.volume_id IN (SELECT value FROM json_each(?)) AND s.page IS NULL)",
        (side, source, ids, source, side, ids),
    ).fetchone()
    return int(row[0]) * PAGE


def unsent(state: sqlite3.Connection, active: str, side: str, volumes: Collection[Volume]) -> int:
    """Return how many bytes a side wrote itself that the active one never had."""
    row = state.execute(
        f"SELECT count(*) {UNSENT} AND substr(s.reign, 1, length(s.side) + 1) = s.side || '@'",
        (side, copies.ids(volumes), active, active),
    ).fetchone()
    return int(row[0]) * PAGE


def stage(state: sqlite3.Connection, source: str, side: str, volumes: Collection[Volume]) -> None:
    """Begin a round: set aside, as of this moment, every page the side lacks; drop an older round."""
    ids = copies.ids(volumes)
    drop_staged(state, side, volumes)
    state.execute(
        "INSERT INTO staged (side, volume_id, page, stamp, reign, data)"
        " SELECT ?, s.volume_id, s.page, s.stamp, s.reign, s.data FROM pages AS s LEFT JOIN pages AS t"
        " ON t.side = ? AND t.volume_id = s.volume_id AND t.page = s.page"
        " WHERE s.side = ? AND s.volume_id IN (SELECT value FROM json_each(?)) AND t.stamp IS NOT s.stamp",
        (side, side, source, ids),
    )
    state.execute(
        "INSERT INTO staged (side, volume_id, page)"
        " SELECT ?, t.volume_id, t.page FROM pages AS t LEFT JOIN pages AS s"
        " ON s.side = ? AND s.volume_id = t.volume_id AND s.page = t.page"
        " WHERE t.side = ? AND t.volume_id IN (SELECT value FROM json_each(?)) AND s.page IS NULL",
        (side, source, side, ids),
    )


def staged_bytes(state: sqlite3.Connection, side: str, volumes: Collection[Volume]) -> int:
    """Return the bytes of the round that these volumes take part in."""
    row = state.execute(f"SELECT count(*) FROM staged WHERE {_THERE}", (side, copies.ids(volumes))).fetchone()  # noqa: S608
    return int(row[0]) * PAGE


def apply_staged(state: sqlite3.Connection, side: str, volumes: Collection[Volume]) -> None:
    """End a round: its pages become what the side holds."""
    ids = copies.ids(volumes)
    state.execute(
        "INSERT OR REPLACE INTO pages (side, volume_id, page, stamp, reign, data)"  # noqa: S608
        f" SELECT side, volume_id, page, stamp, reign, data FROM staged WHERE {_THERE} AND stamp IS NOT NULL",
        (side, ids),
    )
    state.execute(
        "DELETE FROM pages WHERE (side, volume_id, page) IN"  # noqa: S608
        f" (SELECT side, volume_id, page FROM staged WHERE {_THERE} AND stamp IS NULL)",
        (side, ids),
    )
    drop_staged(state, side, volumes)


def drop_staged(state: sqlite3.Connection, side: str, volumes: Collection[Volume]) -> None:
    """Forget a round that was not finished."""
    state.execute(f"DELETE FROM staged WHERE {_THERE}", (side, copies.ids(volumes)))  # noqa: S608

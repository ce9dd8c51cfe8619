"""Copies of volumes, one a side: what each may do, and which point in time it holds.

A point is a name shared by every copy of one group on one side that was made at the same moment.
A side holds a complete point of a group when every member's copy there bears the same one.

A reign is the time a side is the active one without a break. A copy's lineage says, for each reign,
up to which stamp it has (or had, and then overwrote) what was written in it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from drivers.base import PRIMARY, Volume
from drivers.errors import NoRecoveryPoint, Refused
from drivers.fake import sites

ACTIVE, RECEIVER = "active", "receiver"
CLOSED: Mapping[str, object] = {"writable": 0, "serving": 0, "written": 0, "replicating": 0, "spread": 0}
_ALL_STAMPS = 1 << 62
_THERE = "side IN (SELECT value FROM json_each(?)) AND volume_id IN (SELECT value FROM json_each(?))"


class Copy(NamedTuple):
    """One volume on one side."""

    side: str
    volume_id: str
    size_bytes: int
    role: str
    term: int
    writable: bool
    serving: bool
    replicating: bool
    spread: bool
    point: str | None
    point_at: float | None

    @property
    def active(self) -> bool:
        """Whether this side takes itself for the active one."""
        return self.role == ACTIVE


def ids(volumes: Collection[Volume]) -> str:
    """Return the volumes' ids in the form statements take."""
    return sites.listed([volume.id for volume in volumes])


def find(state: sqlite3.Connection, sides: Collection[str], volumes: Collection[Volume]) -> list[Copy]:
    """Return the copies of these volumes on these sides."""
    query = f"SELECT {', '.join(Copy._fields)} FROM copies WHERE {_THERE}"  # noqa: S608 - names of our own
    return [Copy._make(row) for row in state.execute(query, (sites.listed(sides), ids(volumes)))]


def winners(found: Collection[Copy]) -> dict[str, Copy]:
    """Return each volume's active copy: of several that claim it, the one of the highest term."""
    best: dict[str, Copy] = {}
    for copy in found:
        if copy.active and (copy.volume_id not in best or copy.term > best[copy.volume_id].term):
            best[copy.volume_id] = copy
    return best


def active_side(found: Collection[Copy], volumes: Sequence[Volume]) -> str | None:
    """Return the one side every volume is active on, None when there is none such."""
    best = winners(found)
    sides = {best[volume.id].side if volume.id in best else None for volume in volumes}
    return sides.pop() if len(sides) == 1 else None


def point_of(found: Collection[Copy], volumes: Sequence[Volume], side: str) -> float | None:
    """Return the time of the complete point a side holds as a receiver, None when it holds none."""
    here = {copy.volume_id: copy for copy in found if copy.side == side and not copy.active}
    if len(here) < len(volumes) or len({copy.point for copy in here.values()}) != 1:
        return None
    return next(iter(here.values())).point_at


def require_point(found: Sequence[Copy], volumes: Sequence[Volume], side: str) -> None:
    """Raise `NoRecoveryPoint` unless the side is active already or holds one point for all.

    Copies that a cut-off call made active still bear the point they were promoted at.
    """
    pending = [copy for copy in found if not copy.active]
    points = {copy.point for copy in pending} | {copy.point for copy in found if pending}
    if len(found) < len(volumes) or None in points or len(points) > 1:
        raise NoRecoveryPoint(f"{sites.title(side).capitalize()} holds no complete point of the whole group.")


def add(state: sqlite3.Connection, side: str, volumes: Collection[Volume], *, role: str, term: int = 0) -> None:
    """Make copies where there are none yet; an active one is writable and served."""
    wanted = json.dumps([[volume.id, volume.size_bytes] for volume in volumes])
    active = role == ACTIVE
    state.execute(
        "INSERT INTO copies (side, volume_id, size_bytes, role, term, writable, serving, lineage)"
        " SELECT ?, value ->> 0, value ->> 1, ?, ?, ?, ?, ? FROM json_each(?) WHERE true ON CONFLICT DO NOTHING",
        (side, role, term, active, active, json.dumps({_reign(side, term): _ALL_STAMPS} if active else {}), wanted),
    )


def drop(state: sqlite3.Connection, sides: Collection[str], volumes: Collection[Volume]) -> None:
    """Remove copies with all their data."""
    for table in ("staged", "pages", "copies"):
        state.execute(f"DELETE FROM {table} WHERE {_THERE}", (sites.listed(sides), ids(volumes)))  # noqa: S608


def change(state: sqlite3.Connection, side: str, volumes: Collection[Volume], **values: object) -> None:
    """Set fields of the copies on one side."""
    fields = ", ".join(f"{name} = ?" for name in values)
    state.execute(f"UPDATE copies SET {fields} WHERE {_THERE}", (*values.values(), sites.listed([side]), ids(volumes)))  # noqa: S608


def receive(state: sqlite3.Connection, side: str, volumes: Collection[Volume], *, point: str, at: float) -> None:
    """Make a side's copies receivers; what clients wrote there since its point becomes a point.

    Its time is that of the newest point shared with another side: what was written elsewhere since, it never had.
    """
    state.execute(
        "UPDATE copies SET"  # noqa: S608
        " point_at = iif(role = 'active' AND (written OR point IS NULL), coalesce(shared_at, ?), point_at),"
        " point = iif(role = 'active' AND (written OR point IS NULL), ?, point),"
        " role = 'receiver', writable = 0, serving = 0, replicating = 0, spread = 0, written = 0"
        f" WHERE {_THERE}",
        (at, point, sites.listed([side]), ids(volumes)),
    )


def activate(state: sqlite3.Connection, side: str, volumes: Collection[Volume], *, term: int) -> None:
    """Make a side's copies the active ones, writable and served; the sides they came from keep theirs."""
    change(state, side, volumes, role=ACTIVE, term=term, writable=1, serving=1, written=0, replicating=0, spread=1)
    reign = json.dumps({_reign(side, term): _ALL_STAMPS})
    state.execute(
        f"UPDATE copies SET shared_at = point_at, lineage = json_patch(lineage, ?) WHERE {_THERE}",  # noqa: S608
        (reign, sites.listed([side]), ids(volumes)),
    )


def descend(state: sqlite3.Connection, side: str, volumes: Collection[Volume], *, source: str, stamp: int) -> None:
    """Give a side's copies the source's lineage, with what the source wrote up to a stamp."""
    state.execute(
        "UPDATE copies SET lineage = (SELECT json_patch(s.lineage, json_object(s.side || '@' || s.term, ?))"  # noqa: S608
        f" FROM copies AS s WHERE s.side = ? AND s.volume_id = copies.volume_id) WHERE {_THERE}",
        (stamp, source, sites.listed([side]), ids(volumes)),
    )


def reign_of(state: sqlite3.Connection, side: str, volume_id: str) -> str:
    """Return the reign in which a side writes a volume now."""
    row = state.execute("SELECT term FROM copies WHERE side = ? AND volume_id = ?", (side, volume_id)).fetchone()
    return _reign(side, row["term"])


def strangers(
    state: sqlite3.Connection, sides: Collection[str], group_id: str, volumes: Collection[Volume]
) -> tuple[str, ...]:
    """Return the volumes that sides replicate with a group beside these."""
    rows = state.execute(
        "SELECT DISTINCT volume_id FROM copies WHERE group_id = ? AND side IN (SELECT value FROM json_each(?))"
        " AND volume_id NOT IN (SELECT value FROM json_each(?)) ORDER BY volume_id",
        (group_id, sites.listed(sides), ids(volumes)),
    )
    return tuple(row["volume_id"] for row in rows)


def keep_active(state: sqlite3.Connection, sides: Collection[str], volumes: Sequence[Volume]) -> None:
    """Drop every copy but the volumes' active ones, which then are replicated nowhere."""
    best = winners(find(state, sides, volumes))
    for side in sides:
        losing = [volume for volume in volumes if volume.id in best and best[volume.id].side != side]
        drop(state, [side], losing)
        change(state, side, volumes, replicating=0, group_id=None, shared_at=None)
        settle_spread(state, side, volumes)


def settle_spread(state: sqlite3.Connection, side: str, volumes: Collection[Volume]) -> None:
    """Note on the active side's copies whether other sides still keep anything: by now only undo points."""
    state.execute(
        "UPDATE copies SET spread = EXISTS (SELECT 1 FROM undo_points JOIN undo_pages ON point_id = id"  # noqa: S608
        f" WHERE undo_pages.volume_id = copies.volume_id AND undo_points.side != copies.side) WHERE {_THERE}",
        (sites.listed([side]), ids(volumes)),
    )


def require_servable(found: Collection[Copy], volumes: Sequence[Volume], side: str) -> None:
    """Raise `Refused` unless a side may serve every member."""
    here = {copy.volume_id: copy for copy in found if copy.side == side}
    best, name = winners(found), sites.title(side).capitalize()
    for volume in volumes:
        if volume.id not in here:
            raise Refused(f"{name} does not have volume {volume.id}.")
        if not here[volume.id].active or best[volume.id].side != side:
            raise Refused(f"{name} is not the active side: another one took its place.")
        if not here[volume.id].writable:
            raise Refused(f"Writes on {sites.title(side)} were stopped.", remedy="Allow writes first.")


def require_readable(found: Sequence[Copy], volumes: Sequence[Volume], side: str) -> None:
    """Raise `NoRecoveryPoint` unless a side has the present or a complete point of the group."""
    if not all(copy.active for copy in found) or len(found) < len(volumes):
        require_point(found, volumes, side)


def require_client(state: sqlite3.Connection, side: str, volume_id: str, *, end: int, writing: bool) -> None:
    """Raise `SiteUnavailable` or `Refused` unless a client of this side may do what it asks up to `end`."""
    sites.require_up(state, [side])
    row = state.execute("SELECT * FROM copies WHERE side = ? AND volume_id = ?", (side, volume_id)).fetchone()
    if row is None or row["role"] != ACTIVE or not row["serving"]:
        raise Refused(f"{sites.title(side).capitalize()} does not serve volume {volume_id}.")
    if writing and not row["writable"]:
        raise Refused(f"Writes to volume {volume_id} were stopped.", remedy="Allow writes first.")
    if end > row["size_bytes"]:
        raise Refused(f"Volume {volume_id} ends at byte {row['size_bytes']}.")


def require_active(found: Collection[Copy], volumes: Sequence[Volume]) -> str:
    """Return the side that is active for all members; raise `Refused` when there is none such."""
    side = active_side(found, volumes)
    if side is None:
        where = {copy.volume_id: sites.title(copy.side) for copy in winners(found).values()}
        raise Refused(
            f"The members are not active on one side: {_places(where, volumes)}.",
            remedy="Run the same failover again to finish it, or fail back.",
        )
    return side


def require_active_on(found: Collection[Copy], volumes: Sequence[Volume], side: str) -> None:
    """Raise `Refused` unless a side is the active one of these volumes."""
    best = winners(found)
    elsewhere = [volume.id for volume in volumes if volume.id not in best or best[volume.id].side != side]
    if elsewhere:
        raise Refused(f"{sites.title(side).capitalize()} is not the active side of {', '.join(elsewhere)}.")


def extend(state: sqlite3.Connection, sides: Collection[str], volume: Volume) -> None:
    """Make every copy of a volume at least as large as said."""
    state.execute(
        f"UPDATE copies SET size_bytes = max(size_bytes, ?) WHERE {_THERE}",  # noqa: S608
        (volume.size_bytes, sites.listed(sides), ids([volume])),
    )


def _places(where: Mapping[str, str], volumes: Sequence[Volume]) -> str:
    """Return in words how many volumes are where."""
    places = [where.get(volume.id, "no side") for volume in volumes]
    return ", ".join(f"{places.count(place)} on {place}" for place in sorted(set(places)))


def require_primary(found: Collection[Copy], volumes: Sequence[Volume], doing: str) -> None:
    """Raise `Refused` unless the primary is the active side of every member."""
    if volumes and require_active(found, volumes) != PRIMARY:
        raise Refused(f"{doing} needs the primary to be the active side.", remedy="Fail back first.")


def _reign(side: str, term: int) -> str:
    return f"{side}@{term}"

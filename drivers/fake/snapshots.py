"""Snapshots: the pages of volumes as they were at one moment, and volumes made from them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence

from drivers.base import PRIMARY, Group, SnapshotSet, Volume
from drivers.errors import Refused
from drivers.fake import contents, copies, sites
from drivers.fake.acting import Act

_PARTS = "side = ? AND id IN (SELECT value FROM json_each(?))"
_PAGES = "side = ? AND snapshot_id IN (SELECT value FROM json_each(?))"


def take(act: Act, group: Group, wanted: SnapshotSet, *, sides: Sequence[str]) -> float:
    """Set aside the pages of all volumes as of one moment, unless that was done; return the moment."""
    side, answering = wanted.backend_id, act.answering(sides)
    ids = {snapshot.volume_id for snapshot in wanted.snapshots}
    volumes = [volume for volume in group.volumes if volume.id in ids]
    taken_at, done, total = 0.0, 0, 0

    def begin(state: sqlite3.Connection, volumes: Sequence[Volume]) -> None:
        nonlocal taken_at, total
        taken_at = act.call.now()
        if (at := _whole_since(state, wanted)) is not None:
            taken_at = at
            return
        copies.require_active_on(copies.find(state, {side, *answering}, volumes), volumes, side)
        _drop(state, side, [snapshot.id for snapshot in wanted.snapshots])
        total = _set_aside(state, wanted, taken_at)

    def each(state: sqlite3.Connection, volumes: Sequence[Volume]) -> None:
        nonlocal done
        done += contents.PAGE * _count(state, side, _parts_of(wanted, volumes))

    def finish(state: sqlite3.Connection, volumes: Sequence[Volume]) -> None:
        parts = sites.listed(_parts_of(wanted, volumes))
        state.execute(f"UPDATE snapshots SET whole = 1 WHERE {_PARTS}", (side, parts))  # noqa: S608

    act.carry_out(sides=[side], volumes=volumes, begin=begin, each=each, finish=finish)
    act.call.progress(done=done, total=max(total, done), unit="bytes")
    return taken_at


def remove(act: Act, gone: SnapshotSet) -> None:
    """Remove the snapshots of a set, whole or not."""

    def each(state: sqlite3.Connection, volumes: Sequence[Volume]) -> None:
        _drop(state, gone.backend_id, _parts_of(gone, volumes))

    volumes = [Volume(id=each.volume_id, name="", size_bytes=each.size_bytes) for each in gone.snapshots]
    act.carry_out(sides=[gone.backend_id], volumes=volumes, each=each)


def whole(state: sqlite3.Connection, asked: SnapshotSet) -> Collection[str]:
    """Return the ids of the snapshots of a set that are there and whole."""
    parts = sites.listed([snapshot.id for snapshot in asked.snapshots])
    rows = state.execute(f"SELECT id FROM snapshots WHERE {_PARTS} AND whole", (asked.backend_id, parts))  # noqa: S608
    return {row["id"] for row in rows}


def make_volumes(act: Act, group: Group, source: SnapshotSet, snapshots: Mapping[str, str]) -> None:
    """Make each volume of a group with a snapshot's pages; one that is there already is left alone."""
    done = 0

    def each(state: sqlite3.Connection, volumes: Sequence[Volume]) -> None:
        nonlocal done
        there = {copy.volume_id for copy in copies.find(state, [PRIMARY], volumes)}
        for volume in volumes:
            if volume.id not in there:
                done += contents.PAGE * _make(state, volume, source.backend_id, snapshots[volume.id])

    def begin(state: sqlite3.Connection, volumes: Sequence[Volume]) -> None:
        if missing := sorted({snapshots[volume.id] for volume in volumes} - set(whole(state, source))):
            raise Refused(f"{sites.title(source.backend_id).capitalize()} has no snapshot {', '.join(missing)}.")

    act.carry_out(sides=sorted({PRIMARY, source.backend_id}), volumes=group.volumes, begin=begin, each=each)
    act.call.progress(done=done, total=done, unit="bytes")


def _whole_since(state: sqlite3.Connection, wanted: SnapshotSet) -> float | None:
    """Return the moment a set holds; None unless all of it is whole."""
    if len(whole(state, wanted)) < len(wanted.snapshots):
        return None
    row = state.execute(
        "SELECT min(taken_at) AS at FROM snapshots WHERE side = ? AND set_id = ?", (wanted.backend_id, wanted.id)
    ).fetchone()
    return float(row["at"])


def _set_aside(state: sqlite3.Connection, wanted: SnapshotSet, at: float) -> int:
    side = wanted.backend_id
    parts = json.dumps([[each.id, each.volume_id, each.size_bytes] for each in wanted.snapshots])
    state.execute(
        "INSERT INTO snapshots (side, id, set_id, volume_id, size_bytes, taken_at)"
        " SELECT ?, value ->> 0, ?, value ->> 1, value ->> 2, ? FROM json_each(?)",
        (side, wanted.id, at, parts),
    )
    pages = state.execute(
        "INSERT INTO snapshot_pages (side, snapshot_id, page, data)"
        " SELECT p.side, s.value ->> 0, p.page, p.data FROM pages AS p JOIN json_each(?) AS s"
        " ON p.volume_id = s.value ->> 1 WHERE p.side = ?",
        (parts, side),
    )
    return contents.PAGE * pages.rowcount


def _make(state: sqlite3.Connection, volume: Volume, side: str, snapshot_id: str) -> int:
    """Make one volume and return how many pages it got; each has a stamp of its own, as if a client wrote it."""
    copies.add(state, PRIMARY, [volume], role=copies.ACTIVE)
    found = _count(state, side, [snapshot_id])
    state.execute(
        "INSERT INTO pages (side, volume_id, page, stamp, reign, data)"
        " SELECT ?, ?, page, ? + row_number() OVER (ORDER BY page), ?, data"
        " FROM snapshot_pages WHERE side = ? AND snapshot_id = ?",
        (
            *(PRIMARY, volume.id, contents.count(state, "stamp", found) - found),
            *(copies.reign_of(state, PRIMARY, volume.id), side, snapshot_id),
        ),
    )
    return found


def _parts_of(one: SnapshotSet, volumes: Sequence[Volume]) -> list[str]:
    meant = {volume.id for volume in volumes}
    return [snapshot.id for snapshot in one.snapshots if snapshot.volume_id in meant]


def _count(state: sqlite3.Connection, side: str, parts: Collection[str]) -> int:
    row = state.execute(
        f"SELECT count(*) FROM snapshot_pages WHERE {_PAGES}",  # noqa: S608
        (side, sites.listed(parts)),
    )
    return int(row.fetchone()[0])


def _drop(state: sqlite3.Connection, side: str, parts: Collection[str]) -> None:
    values = (side, sites.listed(parts))
    state.execute(f"DELETE FROM snapshot_pages WHERE {_PAGES}", values)  # noqa: S608
    state.execute(f"DELETE FROM snapshots WHERE {_PARTS}", values)  # noqa: S608

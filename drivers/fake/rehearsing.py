"""Test copies of the fake storage: every page of a group at its point, and what clients write on top."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

from drivers.base import Call, Group, Volume
from drivers.errors import CopyGone, Refused
from drivers.fake import contents, copies, sites
from drivers.fake.acting import Act
from drivers.rehearsing import DIFFERENCES_NAMED, CopyCheck, Rehearsable, RunningCopy

T = TypeVar("T")
_KEPT, _WRITTEN = 0, 1
"""The layers of a copy: what it was started with, and what its clients wrote."""


class Rehearsing(Rehearsable):
    """The test-copy calls of the fake driver."""

    _sides: list[str]

    if TYPE_CHECKING:

        def _act(
            self,
            method: str,
            owner: str,
            call: Call,
            work: Callable[[Act], T],
            backend_id: str | None = None,
            fenced_as: str = "",
        ) -> T: ...

    def start_test_copy(self, group: Group, *, backend_id: str, copy_id: str, call: Call) -> RunningCopy:
        """See `Rehearsable.start_test_copy`."""

        def begin(state: sqlite3.Connection, volumes: Sequence[Volume]) -> None:
            if _found(state, backend_id, copy_id) is None:
                _drop_pages(state, copy_id)
                _require_point(state, backend_id, volumes)

        def each(state: sqlite3.Connection, volumes: Sequence[Volume]) -> None:
            if _found(state, backend_id, copy_id) is None:
                _copy(state, backend_id, copy_id, volumes)

        def finish(state: sqlite3.Connection, volumes: Sequence[Volume]) -> None:
            if _found(state, backend_id, copy_id) is None:
                _require_point(state, backend_id, volumes)
                _list(state, backend_id, copy_id, group, at=call.now())

        def work(act: Act) -> RunningCopy:
            act.carry_out(sides=[backend_id], volumes=group.volumes, begin=begin, each=each, finish=finish)
            with act.look([backend_id]) as state:
                return _running(_required(state, backend_id, copy_id))

        sites.require_known(self._sides, backend_id)
        if not group.volumes:
            raise Refused("A group without volumes has nothing to copy.", remedy="Add a volume first.")
        return self._act("start_test_copy", group.id, call, work, backend_id, copy_id)

    def stop_test_copy(self, group: Group, *, backend_id: str, copy_id: str, call: Call) -> None:
        """See `Rehearsable.stop_test_copy`."""

        def begin(state: sqlite3.Connection, volumes: Sequence[Volume]) -> None:
            state.execute("DELETE FROM test_copies WHERE id = ? AND side = ?", (copy_id, backend_id))

        def each(state: sqlite3.Connection, volumes: Sequence[Volume]) -> None:
            for table in ("test_pages", "test_volumes"):
                state.execute(
                    f"DELETE FROM {table} WHERE copy_id = ? AND volume_id IN (SELECT value FROM json_each(?))",  # noqa: S608
                    (copy_id, copies.ids(volumes)),
                )

        def finish(state: sqlite3.Connection, volumes: Sequence[Volume]) -> None:
            # Also of volumes that have left the group since.
            _drop_pages(state, copy_id)

        def work(act: Act) -> None:
            act.carry_out(sides=[backend_id], volumes=group.volumes, begin=begin, each=each, finish=finish)

        sites.require_known(self._sides, backend_id)
        self._act("stop_test_copy", group.id, call, work, backend_id, copy_id)

    def test_copies(self, group: Group, *, call: Call) -> Sequence[RunningCopy]:
        """See `Rehearsable.test_copies`."""

        def work(act: Act) -> Sequence[RunningCopy]:
            answering = act.answering(self._sides)
            with act.look(()) as state:
                rows = state.execute(
                    "SELECT * FROM test_copies WHERE group_id = ? AND side IN (SELECT value FROM json_each(?))"
                    " ORDER BY started_at, id",
                    (group.id, sites.listed(answering)),
                )
                return [_running(row) for row in rows.fetchall()]

        return self._act("test_copies", group.id, call, work)

    def check_test_copy(self, group: Group, *, backend_id: str, copy_id: str, call: Call) -> Sequence[CopyCheck]:
        """See `Rehearsable.check_test_copy`. The digests are comparable between sides of this driver only."""

        def work(act: Act) -> Sequence[CopyCheck]:
            answering = act.answering(self._sides)
            found = []
            for done, volume in enumerate(group.volumes):
                act.call.progress(done=done, total=len(group.volumes), unit="volumes")
                with act.look([backend_id]) as state:
                    row = _required(state, backend_id, copy_id)
                    active = copies.active_side(copies.find(state, answering, group.volumes), group.volumes)
                    found.append(_check(state, row, volume, active=active))
            return found

        sites.require_known(self._sides, backend_id)
        return self._act("check_test_copy", group.id, call, work, backend_id)

    def read_test_copy(
        self, group: Group, *, backend_id: str, copy_id: str, volume_id: str, offset: int, length: int, call: Call
    ) -> bytes:
        """See `Rehearsable.read_test_copy`."""

        def work(act: Act) -> bytes:
            with act.look([backend_id]) as state:
                _required(state, backend_id, copy_id)
                return read(state, copy_id, volume_id, offset, length)

        return self._act("read_test_copy", group.id, call, work, backend_id)

    def read_active(self, group: Group, *, volume_id: str, offset: int, length: int, call: Call) -> bytes:
        """See `Rehearsable.read_active`."""

        def work(act: Act) -> bytes:
            answering = act.answering(self._sides)
            with act.look(answering) as state:
                side = copies.require_active(copies.find(state, answering, group.volumes), group.volumes)
                return contents.read(state, side, volume_id, offset, length)

        return self._act("read_active", group.id, call, work)

    def inventory(self, group: Group, *, backend_id: str, call: Call) -> Collection[str]:
        """See `Rehearsable.inventory`."""
        ids = copies.ids(group.volumes)
        queries = {
            "volume": "SELECT volume_id FROM copies WHERE side = ?1 AND volume_id IN (SELECT value FROM json_each(?2))",
            "undo point": "SELECT id FROM undo_points WHERE side = ?1 AND group_id = ?3",
            "test copy": "SELECT id FROM test_copies WHERE side = ?1 AND group_id = ?3",
            "test volume": "SELECT copy_id || '/' || volume_id FROM test_volumes"
            " WHERE side = ?1 AND volume_id IN (SELECT value FROM json_each(?2))",
        }

        def work(act: Act) -> Collection[str]:
            with act.look([backend_id]) as state:
                return {
                    f"{kind} {row[0]}"
                    for kind, query in queries.items()
                    for row in state.execute(f"{query} AND ?2 = ?2 AND ?3 = ?3", (backend_id, ids, group.id))
                }

        sites.require_known(self._sides, backend_id)
        return self._act("inventory", group.id, call, work, backend_id)


def end_all(state: sqlite3.Connection, sides: Collection[str], volumes: Collection[Volume]) -> None:
    """End every test copy that holds any of the volumes: their side is about to hold something else."""
    rows = state.execute(
        "SELECT DISTINCT copy_id FROM test_volumes WHERE side IN (SELECT value FROM json_each(?))"
        " AND volume_id IN (SELECT value FROM json_each(?))",
        (sites.listed(sides), copies.ids(volumes)),
    ).fetchall()
    for row in rows:
        state.execute("DELETE FROM test_copies WHERE id = ?", (row["copy_id"],))
        _drop_pages(state, row["copy_id"])


def read(state: sqlite3.Connection, copy_id: str, volume_id: str, offset: int, length: int) -> bytes:
    """Return bytes of a copy as its clients get them."""
    first = offset // contents.PAGE
    last = max(first, (offset + length - 1) // contents.PAGE)
    content = bytearray((last - first + 1) * contents.PAGE)
    rows = state.execute(
        "SELECT page, data FROM test_pages WHERE copy_id = ? AND volume_id = ? AND page BETWEEN ? AND ? ORDER BY layer",
        (copy_id, volume_id, first, last),
    )
    for row in rows:
        start = (row["page"] - first) * contents.PAGE
        content[start : start + contents.PAGE] = row["data"]
    start = offset - first * contents.PAGE
    return bytes(content[start : start + length])


def write(state: sqlite3.Connection, copy_id: str, volume_id: str, offset: int, data: bytes) -> None:
    """Write as a client of a copy. Raises `CopyGone` when there is none such."""
    row = state.execute(
        "SELECT size_bytes FROM test_volumes JOIN test_copies ON id = copy_id WHERE copy_id = ? AND volume_id = ?",
        (copy_id, volume_id),
    ).fetchone()
    if row is None:
        raise CopyGone(f"There is no test copy {copy_id} of volume {volume_id}.")
    if offset + len(data) > row["size_bytes"]:
        raise Refused(f"The copy of volume {volume_id} ends at byte {row['size_bytes']}.")
    first, last = offset // contents.PAGE, (offset + len(data) - 1) // contents.PAGE
    content = bytearray(read(state, copy_id, volume_id, first * contents.PAGE, (last - first + 1) * contents.PAGE))
    content[offset - first * contents.PAGE : offset - first * contents.PAGE + len(data)] = data
    state.executemany(
        "INSERT OR REPLACE INTO test_pages (copy_id, volume_id, page, layer, data) VALUES (?, ?, ?, ?, ?)",
        [
            (copy_id, volume_id, page, _WRITTEN, bytes(content[(page - first) * contents.PAGE :][: contents.PAGE]))
            for page in range(first, last + 1)
        ],
    )


def _found(state: sqlite3.Connection, side: str, copy_id: str) -> sqlite3.Row | None:
    row: sqlite3.Row | None = state.execute(
        "SELECT * FROM test_copies WHERE id = ? AND side = ?", (copy_id, side)
    ).fetchone()
    return row


def _required(state: sqlite3.Connection, side: str, copy_id: str) -> sqlite3.Row:
    row = _found(state, side, copy_id)
    if row is None:
        raise CopyGone(f"{sites.title(side).capitalize()} has no test copy {copy_id}.")
    return row


def _require_point(state: sqlite3.Connection, side: str, volumes: Sequence[Volume]) -> None:
    found = copies.find(state, [side], volumes)
    if any(copy.active for copy in found):
        raise Refused(
            f"{sites.title(side).capitalize()} is the active side; a test copy is made on another one.",
            remedy="Name a target that receives the group.",
        )
    copies.require_point(found, volumes, side)


def _copy(state: sqlite3.Connection, side: str, copy_id: str, volumes: Sequence[Volume]) -> None:
    ids = copies.ids(volumes)
    point = "(SELECT point FROM copies WHERE copies.side = ? AND copies.volume_id = pages.volume_id)"
    state.execute(
        "INSERT OR REPLACE INTO test_volumes (copy_id, side, volume_id, size_bytes, point, point_at, lineage)"
        " SELECT ?, side, volume_id, size_bytes, point, point_at, lineage FROM copies"
        " WHERE side = ? AND volume_id IN (SELECT value FROM json_each(?))",
        (copy_id, side, ids),
    )
    state.execute(
        "INSERT OR REPLACE INTO test_pages (copy_id, volume_id, page, layer, stamp, data)"  # noqa: S608
        f" SELECT ?, volume_id, page, {_KEPT}, stamp, data FROM pages"
        f" WHERE side = ? AND volume_id IN (SELECT value FROM json_each(?)) AND {point} IS NOT NULL",
        (copy_id, side, ids, side),
    )


def _list(state: sqlite3.Connection, side: str, copy_id: str, group: Group, *, at: float) -> None:
    """Let a copy count, unless a round went between its volumes: then it is of no one point."""
    points = state.execute("SELECT DISTINCT point, point_at FROM test_volumes WHERE copy_id = ?", (copy_id,)).fetchall()
    held = state.execute("SELECT count(*) FROM test_volumes WHERE copy_id = ?", (copy_id,)).fetchone()[0]
    if len(points) != 1 or held != len(group.volumes):
        _drop_pages(state, copy_id)
        _copy(state, side, copy_id, group.volumes)
        points = state.execute(
            "SELECT DISTINCT point, point_at FROM test_volumes WHERE copy_id = ?", (copy_id,)
        ).fetchall()
    state.execute(
        "INSERT INTO test_copies (id, side, group_id, volumes, point_at, started_at) VALUES (?, ?, ?, ?, ?, ?)",
        (copy_id, side, group.id, copies.ids(group.volumes), points[0]["point_at"], at),
    )


def _drop_pages(state: sqlite3.Connection, copy_id: str) -> None:
    state.execute("DELETE FROM test_pages WHERE copy_id = ?", (copy_id,))
    state.execute("DELETE FROM test_volumes WHERE copy_id = ?", (copy_id,))


def _running(row: sqlite3.Row) -> RunningCopy:
    return RunningCopy(
        id=row["id"],
        backend_id=row["side"],
        point_at=row["point_at"],
        started_at=row["started_at"],
        addresses={
            volume_id: f"fake://{row['side']}/test-copies/{row['id']}/{volume_id}"
            for volume_id in json.loads(row["volumes"])
        },
    )


def _check(state: sqlite3.Connection, row: sqlite3.Row, volume: Volume, *, active: str | None) -> CopyCheck:
    pages = state.execute(
        "SELECT page, stamp, data FROM test_pages WHERE copy_id = ? AND volume_id = ? AND layer = ? ORDER BY page",
        (row["id"], volume.id, _KEPT),
    ).fetchall()
    held = state.execute(
        "SELECT size_bytes, lineage FROM test_volumes WHERE copy_id = ? AND volume_id = ?", (row["id"], volume.id)
    ).fetchone()
    if held is None:
        raise CopyGone(f"Test copy {row['id']} has no copy of volume {volume.id}.")
    digest = hashlib.sha256(f"{held['size_bytes']}\n".encode())
    for page in pages:
        if page["data"].count(0) < contents.PAGE:
            digest.update(f"{page['page']}\n".encode() + page["data"])
    if active is None or active == row["side"]:
        return CopyCheck(
            volume_id=volume.id, digest=digest.hexdigest(), not_compared="The active side does not answer."
        )
    reign = copies.reign_of(state, active, volume.id)
    until = json.loads(held["lineage"]).get(reign)
    if until is None:
        why = "The copy's point is older than the active side's time as such."
        return CopyCheck(volume_id=volume.id, digest=digest.hexdigest(), not_compared=why)
    mine = {page["page"]: page["data"] for page in pages}
    return _compared(state, active, volume, mine, until=until, digest=digest.hexdigest(), size=held["size_bytes"])


def _compared(
    state: sqlite3.Connection,
    active: str,
    volume: Volume,
    mine: dict[int, bytes],
    *,
    until: int,
    digest: str,
    size: int,
) -> CopyCheck:
    theirs = {
        page["page"]: page
        for page in state.execute(
            "SELECT page, stamp, data FROM pages WHERE side = ? AND volume_id = ?", (active, volume.id)
        )
    }
    zeros = bytes(contents.PAGE)
    changed = {page for page, row in theirs.items() if row["stamp"] > until}
    different = [
        page
        for page in sorted({*mine, *theirs} - changed)
        if mine.get(page, zeros) != (theirs[page]["data"] if page in theirs else zeros)
    ]
    return CopyCheck(
        volume_id=volume.id,
        digest=digest,
        bytes_same=size - (len(changed) + len(different)) * contents.PAGE,
        bytes_changed=len(changed) * contents.PAGE,
        bytes_different=len(different) * contents.PAGE,
        differences=tuple(_stretches(different))[:DIFFERENCES_NAMED],
    )


def _stretches(pages: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield offset and length of the runs of pages in a row."""
    first, last = -1, -2
    for page in [*pages, -9]:
        if page != last + 1:
            if first >= 0:
                yield first * contents.PAGE, (last - first + 1) * contents.PAGE
            first = page
        last = page

"""The second door to the fake storage: what stands beside the driver and has power over it.

Tests and people use it to be the volumes' clients, to take sites down, to tell faults and to read
the log, while other processes call the driver. It is not fenced and no fault hits it.
"""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Collection, Mapping, Sequence

from drivers.base import PRIMARY
from drivers.errors import Refused, SiteUnavailable
from drivers.fake import contents, copies, faults, journal, rehearsing, sites, undo
from drivers.fake.state import State


@dataclasses.dataclass(frozen=True, kw_only=True)
class Control:
    """Power over the fake storage kept in one folder."""

    folder: pathlib.Path

    # Faults.

    def add_fault(
        self,
        *,
        call: str,
        action: str,
        group_id: str = "",
        volume: int | None = None,
        when: str = "before",
        seconds: float = 0.0,
        times: int | None = None,
    ) -> int:
        """Tell the storage what to do wrong from the next call on; return the fault's id.

        `call` is a driver method's name or `*`; `volume` counts from 1; `times` None means always.
        Raises ValueError when it makes no sense.
        """
        fault = faults.Fault(
            call=call, action=action, group_id=group_id, volume=volume, when=when, seconds=seconds, times_left=times
        )
        with State(self.folder) as state, state.transaction() as transaction:
            return faults.add(transaction, fault)

    def faults(self) -> Sequence[faults.Fault]:
        """Return the faults told, also those used up."""
        with State(self.folder) as state, state.snapshot() as snapshot:
            return faults.waiting(snapshot)

    def clear_faults(self, fault_id: int | None = None) -> int:
        """Forget one fault or all; calls that hang in them go on. Return how many there were."""
        with State(self.folder) as state, state.transaction() as transaction:
            return faults.clear(transaction, fault_id=fault_id)

    # Sites.

    def site_up(self, side: str) -> None:
        """Let a side answer again."""
        self._put(side, sites.UP)

    def site_down(self, side: str) -> None:
        """Let a side answer nobody, neither driver nor clients: it refuses at once."""
        self._put(side, sites.DOWN)

    def site_frozen(self, side: str) -> None:
        """Let a side take calls and never answer them."""
        self._put(side, sites.FROZEN)

    def site_restart(self, side: str) -> None:
        """Bring a side up that has forgotten to serve its volumes."""
        with State(self.folder) as state, state.transaction() as transaction:
            sites.put(transaction, side, sites.UP)
            transaction.execute("UPDATE copies SET serving = 0 WHERE side = ?", (side,))

    # Clients.

    def write(self, *, side: str, volume_id: str, offset: int, data: bytes) -> None:
        """Write as a client of one side. Raises `SiteUnavailable` or `Refused` as it would be."""
        with State(self.folder) as state, state.transaction() as transaction:
            copies.require_client(transaction, side, volume_id, end=offset + len(data), writing=True)
            contents.write(transaction, side, volume_id, offset, data)

    def read(self, *, side: str, volume_id: str, offset: int, length: int) -> bytes:
        """Read as a client of one side. Raises `SiteUnavailable` or `Refused` as it would be."""
        with State(self.folder) as state, state.snapshot() as snapshot:
            copies.require_client(snapshot, side, volume_id, end=offset + length, writing=False)
            return contents.read(snapshot, side, volume_id, offset, length)

    def can_write(self, *, side: str, volume_id: str) -> bool:
        """Return whether a client's write on one side would be let through."""
        with State(self.folder) as state, state.snapshot() as snapshot:
            try:
                copies.require_client(snapshot, side, volume_id, end=0, writing=True)
            except (SiteUnavailable, Refused):
                return False
        return True

    # Test copies.

    def write_test_copy(self, *, copy_id: str, volume_id: str, offset: int, data: bytes) -> None:
        """Write as a client of a test copy. Raises `CopyGone` when there is none such."""
        with State(self.folder) as state, state.transaction() as transaction:
            rehearsing.write(transaction, copy_id, volume_id, offset, data)

    def flip(self, *, side: str, volume_id: str, offset: int) -> None:
        """Spoil one byte on a side, as a failing disk would: nobody is told, no stamp changes."""
        with State(self.folder) as state, state.transaction() as transaction:
            contents.flip(transaction, side, volume_id, offset)

    # Undo points.

    def read_undo_point(self, *, point_id: str, volume_id: str, offset: int, length: int) -> bytes:
        """Read what a resync discarded of a volume; zeros where it discarded nothing."""
        with State(self.folder) as state, state.snapshot() as snapshot:
            return undo.read(snapshot, point_id, volume_id, offset, length)

    def limit_undo_points(self, room_bytes: int | None) -> None:
        """Say how many bytes all undo points may take together, as a small disk would; None is no limit."""
        with State(self.folder) as state, state.transaction() as transaction:
            transaction.execute("DELETE FROM counters WHERE name = ?", (undo.ROOM,))
            if room_bytes is not None:
                contents.count(transaction, undo.ROOM, room_bytes)

    # Looking.

    def log(self, *, method: str = "", group_id: str = "") -> Sequence[journal.LoggedCall]:
        """Return the calls the driver got, oldest first; empty words mean all."""
        with State(self.folder) as state, state.snapshot() as snapshot:
            return journal.calls(snapshot, method=method, owner=group_id)

    def forget_log(self) -> None:
        """Empty the log of calls."""
        with State(self.folder) as state, state.transaction() as transaction:
            journal.forget(transaction)

    def bytes_copied(self) -> int:
        """Return how many bytes rounds have carried over since the storage was made."""
        with State(self.folder) as state, state.transaction() as transaction:
            return contents.count(transaction, "bytes_copied")

    def inventory(self, side: str) -> Collection[str]:
        """Return the names of everything a side keeps, but the epochs it remembers."""
        queries = {
            "group": "SELECT group_id FROM groups WHERE side = ?",
            "volume": "SELECT volume_id FROM copies WHERE side = ?",
            "data": "SELECT DISTINCT volume_id FROM pages WHERE side = ?",
            "round": "SELECT DISTINCT volume_id FROM staged WHERE side = ?",
            "undo point": "SELECT id FROM undo_points WHERE side = ?",
            "test copy": "SELECT id FROM test_copies WHERE side = ?",
            "test volume": "SELECT copy_id || '/' || volume_id FROM test_volumes WHERE side = ?",
            "snapshot": "SELECT id FROM snapshots WHERE side = ?",
            "snapshot data": "SELECT DISTINCT snapshot_id FROM snapshot_pages WHERE side = ?",
        }
        with State(self.folder) as state, state.snapshot() as snapshot:
            return {f"{kind} {row[0]}" for kind, query in queries.items() for row in snapshot.execute(query, (side,))}

    def state(self) -> Mapping[str, object]:
        """Return all there is but contents, faults and log, as plain values."""
        with State(self.folder) as state, state.snapshot() as snapshot:
            known = {row["side"]: row["state"] for row in snapshot.execute("SELECT * FROM sides")}
            rows = snapshot.execute("SELECT * FROM copies ORDER BY side, volume_id")
            found: dict[str, dict[str, object]] = {}
            for row in rows:
                found.setdefault(row["side"], {})[row["volume_id"]] = dict(row)
            epochs = [dict(row) for row in snapshot.execute("SELECT * FROM epochs ORDER BY owner, side")]
        sides = {
            side: {"state": known.get(side, sites.UP), "volumes": found.get(side, {})}
            for side in {*known, *found, PRIMARY}
        }
        return {"sides": sides, "epochs": epochs, "bytes_copied": self.bytes_copied()}

    def _put(self, side: str, word: str) -> None:
        with State(self.folder) as state, state.transaction() as transaction:
            sites.put(transaction, side, word)

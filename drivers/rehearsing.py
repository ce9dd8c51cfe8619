"""The part of the driver contract that drills stand on: test copies of a group on a target.

A test copy is a writable image of every member at one complete point of the group, on a target,
isolated from the members themselves. Replication goes on while it is there, the copy stays at
its point, and whatever its clients write ends with it.

Its calls carry an epoch of the copy's own, not the group's, and are fenced by that alone: a test
copy never stands in the way of a round or an operation. Whatever would, ends the copy instead: a
promotion of its side, the end of replication there, storage without room for what the copy keeps.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from drivers.errors import Refused

if TYPE_CHECKING:
    from drivers.base import Call, Group

DIFFERENCES_NAMED = 20
"""How many differing stretches of one volume a check names."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunningCopy:
    """One test copy as its side says it is."""

    id: str
    backend_id: str
    point_at: float
    """Unix time of the point it is of."""
    started_at: float
    addresses: Mapping[str, str]
    """Where clients reach each volume's copy, by volume id."""
    problem: str = ""
    """Why it is of no more use, in a sentence; empty while it is. It still has to be stopped."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class CopyCheck:
    """What one volume's copy holds, and whether that is what the active side held at the copy's point."""

    volume_id: str
    digest: str
    """SHA-256 in hex of the copy as it was started, whatever was written to it since."""
    bytes_same: int = 0
    """Bytes found equal to the active side's."""
    bytes_changed: int = 0
    """Bytes that cannot be compared: the active side's clients have written there since the point."""
    bytes_different: int = 0
    """Bytes that nobody has written since the point, and that differ all the same."""
    differences: tuple[tuple[int, int], ...] = ()
    """Offset and length of the first such stretches."""
    not_compared: str = ""
    """Why the active side could not be compared with, in a sentence; empty when it was."""


class Rehearsable:
    """Test copies, of drivers with `capabilities.test_copies`."""

    def start_test_copy(self, group: Group, *, backend_id: str, copy_id: str, call: Call) -> RunningCopy:
        """Make a writable copy of every member at the target's newest complete point, and let clients reach it.

        A copy of this id that runs already is returned as it is. Raises `NoRecoveryPoint` where there is no
        complete point, `Refused` on the active side, `StaleEpoch` when the copy has seen a higher epoch, also
        after it was stopped. Fast: takes no longer for more data.
        """
        raise _refused()

    def stop_test_copy(self, group: Group, *, backend_id: str, copy_id: str, call: Call) -> None:
        """Cut the copy's clients off and remove all that was made for it; an absent copy is fine.

        Raises `SiteUnavailable` when its side does not answer.
        """
        raise _refused()

    def test_copies(self, group: Group, *, call: Call) -> Sequence[RunningCopy]:
        """List the group's test copies on the sides that answer, oldest first. Changes nothing, is not fenced.
        Short."""
        return ()

    def check_test_copy(self, group: Group, *, backend_id: str, copy_id: str, call: Call) -> Sequence[CopyCheck]:
        """Read the copy as it was started, and compare it with the active side where that answers and can
        tell what it wrote since. Changes no data. Blocks for the reading, with progress in bytes. Raises
        `CopyGone` when there is no such copy, or it is of no more use."""
        raise _refused()

    def read_test_copy(
        self, group: Group, *, backend_id: str, copy_id: str, volume_id: str, offset: int, length: int, call: Call
    ) -> bytes:
        """Return bytes as the copy's clients get them. Raises `CopyGone`."""
        raise _refused()

    def read_active(self, group: Group, *, volume_id: str, offset: int, length: int, call: Call) -> bytes:
        """Return what the active side holds of a member now. Changes nothing, is not fenced. Short. Raises
        `SiteUnavailable` when that side does not answer, `Refused` when there is no such side."""
        raise _refused()

    def inventory(self, group: Group, *, backend_id: str, call: Call) -> Collection[str]:
        """Name everything a side keeps for the group's members and their test copies beyond the round under way.

        What is there after a drill and was not before has leaked. Changes nothing, is not fenced. Raises
        `SiteUnavailable`.
        """
        raise _refused()


def _refused() -> Refused:
    return Refused("This storage makes no test copies.", remedy="Rehearse its groups by a full drill instead.")

"""The part of the qemu driver that makes test copies."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from drivers.base import Call, Group
from drivers.qemu import rehearsing
from drivers.qemu.plain import plainly
from drivers.qemu.sites import Sites
from drivers.rehearsing import CopyCheck, Rehearsable, RunningCopy


class Rehearsals(Rehearsable):
    """The test-copy calls."""

    _sites: Sites

    @plainly
    def start_test_copy(self, group: Group, *, backend_id: str, copy_id: str, call: Call) -> RunningCopy:
        """See `Rehearsable.start_test_copy`."""
        return rehearsing.start(self._sites, group, backend_id, copy_id, call)

    @plainly
    def stop_test_copy(self, group: Group, *, backend_id: str, copy_id: str, call: Call) -> None:
        """See `Rehearsable.stop_test_copy`."""
        rehearsing.stop(self._sites, group, backend_id, copy_id, call)

    @plainly
    def test_copies(self, group: Group, *, call: Call) -> Sequence[RunningCopy]:
        """See `Rehearsable.test_copies`."""
        return rehearsing.listed(self._sites, group, call)

    @plainly
    def check_test_copy(self, group: Group, *, backend_id: str, copy_id: str, call: Call) -> Sequence[CopyCheck]:
        """See `Rehearsable.check_test_copy`."""
        return rehearsing.check(self._sites, group, backend_id, copy_id, call)

    @plainly
    def read_test_copy(
        self, group: Group, *, backend_id: str, copy_id: str, volume_id: str, offset: int, length: int, call: Call
    ) -> bytes:
        """See `Rehearsable.read_test_copy`."""
        side = self._sites.open(backend_id, call)
        return rehearsing.read(side, group, copy_id, volume_id, offset, length)

    @plainly
    def read_active(self, group: Group, *, volume_id: str, offset: int, length: int, call: Call) -> bytes:
        """See `Rehearsable.read_active`."""
        return rehearsing.read_active(self._sites, group, volume_id, offset, length, call)

    @plainly
    def inventory(self, group: Group, *, backend_id: str, call: Call) -> Collection[str]:
        """See `Rehearsable.inventory`."""
        return rehearsing.inventory(self._sites.open(backend_id, call), group)

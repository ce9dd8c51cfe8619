"""That every call may be made twice, and again after its process was killed in the middle of it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence

from drivers.base import PRIMARY, Group, Volume
from drivers.conformance.harness import CHUNK, VOLUME_BYTES, Harness, Step

Runner = Callable[[Step], None]


class Repeating(Harness):
    """One round trip through every changing call, each made in different ways."""

    def test_a_round_trip_with_every_call_made_once_ends_right(self) -> None:
        self._round_trip(lambda step: self._times(step, 1))

    def test_a_round_trip_with_every_call_made_twice_ends_the_same(self) -> None:
        self._round_trip(lambda step: self._times(step, 2))

    def test_a_round_trip_with_every_call_killed_and_made_again_ends_the_same(self) -> None:
        for delay in self.crash_delays:
            self._round_trip(lambda step, delay=delay: self._killed(step, delay))  # type: ignore[misc]

    def _round_trip(self, run: Runner) -> None:
        before, group, target = self.stock(), _group(), self.targets[0]
        self._create(group, run)
        self.fill(PRIMARY, group, seed=1)
        run(lambda driver: driver.enable_replication(group, call=self.call(1)))
        self.fill(PRIMARY, group, seed=2, offset=CHUNK, length=CHUNK)
        there = self._move(group, PRIMARY, target, 2, run)
        self.fill(target, group, seed=3, offset=CHUNK * 3, length=CHUNK)
        run(lambda driver: driver.replicate(group, backend_id=PRIMARY, call=self.call(3)))
        back = self._move(group, target, PRIMARY, 3, run)
        assert back != there
        self._end(group, run)
        assert self.stock() == before

    def _create(self, group: Group, run: Runner) -> None:
        for volume in group.volumes:
            run(lambda driver, volume=volume: driver.create_volume(volume, call=self.call(1)))  # type: ignore[misc]
        run(lambda driver: driver.create_group(group, call=self.call(1)))
        run(lambda driver: driver.update_group(group, removed=(), call=self.call(1)))
        assert self.writable(PRIMARY, group) == {True}

    def _move(self, group: Group, source: str, side: str, epoch: int, run: Runner) -> Sequence[bytes]:
        """Fail over as planned and check that all is there and only there; return what it is."""
        expected = self.contents(source, group)
        run(lambda driver: driver.stop_writes(group, call=self.call(epoch)))
        assert self.writable(source, group) == {False}
        run(lambda driver: driver.allow_writes(group, call=self.call(epoch)))
        assert self.writable(source, group) == {True}
        run(lambda driver: driver.stop_writes(group, call=self.call(epoch)))
        run(lambda driver: driver.replicate(group, backend_id=side, call=self.call(epoch)))
        run(lambda driver: driver.promote(group, backend_id=side, call=self.call(epoch)))
        run(lambda driver: driver.retire(group, backend_id=source, call=self.call(epoch)))
        run(lambda driver: driver.serve(group, backend_id=side, call=self.call(epoch)))
        assert self.observe(group).active_side == side
        assert (self.writable(source, group), self.writable(side, group)) == ({False}, {True})
        assert self.contents(side, group) == expected
        return expected

    def _end(self, group: Group, run: Runner) -> None:
        present = self.contents(PRIMARY, group)
        run(lambda driver: driver.enable_replication(group, call=self.call(4)))
        assert all(volume.protected for volume in self.observe(group).volumes)
        run(lambda driver: driver.disable_replication(group, call=self.call(4)))
        assert self.contents(PRIMARY, group) == present
        run(lambda driver: driver.delete_group(group, call=self.call(4)))
        for volume in group.volumes:
            run(lambda driver, volume=volume: driver.delete_volume(volume, call=self.call(4)))  # type: ignore[misc]

    def _times(self, step: Step, times: int) -> None:
        for _ in range(times):
            step(self.make_driver())

    def _killed(self, step: Step, delay: float) -> None:
        """Make a call in a child that is killed after a while, then make the call again."""
        self.killed(step, delay)
        step(self.make_driver())


def _group() -> Group:
    """Return a group of two volumes that nobody has made yet."""
    volumes = (
        Volume(id=str(uuid.uuid4()), name="volume-0", size_bytes=VOLUME_BYTES),
        Volume(id=str(uuid.uuid4()), name="volume-1", size_bytes=VOLUME_BYTES),
    )
    return Group(id=str(uuid.uuid4()), name="group", volumes=volumes)

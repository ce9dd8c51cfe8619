"""Snapshots of volumes and groups, volumes made from them, and volumes made larger."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable, Sequence

import pytest

from drivers import write_order
from drivers.base import PRIMARY, Group, Snapshot, SnapshotSet, Volume
from drivers.conformance.harness import CHUNK, VOLUME_BYTES, Harness, Step, pattern
from drivers.errors import Refused, SiteUnavailable, StaleEpoch

LARGER = 2 * VOLUME_BYTES


class Snapshotting(Harness):
    """Snapshots and larger volumes. Of a driver without them, only that it refuses is asked."""

    def test_a_driver_without_snapshots_refuses_them(self) -> None:
        driver, group = self.make_driver(), self.new_group(1)

        if not driver.capabilities.snapshots:
            with pytest.raises(Refused):
                driver.create_snapshots(group, wanted=_set(group), call=self.call())
        if not driver.capabilities.extend:
            with pytest.raises(Refused):
                driver.extend_volume(group, volume=_larger(group), call=self.call())

    def test_a_snapshot_keeps_what_was_there_when_it_was_taken(self) -> None:
        if not self._snapshots:
            return
        group = self.replicated_group(2)
        before = self.contents(PRIMARY, group)

        wanted = self._take(group)
        self.fill(PRIMARY, group, seed=2)

        assert self._restored(wanted) == before
        assert self.contents(PRIMARY, group) != before

    def test_a_group_snapshot_under_load_is_one_moment_of_the_whole_group(self) -> None:
        if not self._snapshots:
            return
        group = self.replicated_group(3)
        layout = write_order.Layout(volume_ids=[volume.id for volume in group.volumes], blocks=16)
        for volume in group.volumes:
            self.write(PRIMARY, volume.id, 0, bytes(CHUNK))

        with write_order.Writer(layout=layout, write=lambda *place: self.write(PRIMARY, *place)) as writer:
            writer.await_acknowledged(20)
            before = writer.acknowledged
            wanted = self._take(group)
            after = writer.acknowledged

        made = self._make(wanted)
        copied = write_order.Layout(volume_ids=[volume.id for volume in made.volumes], blocks=16)
        verdict = write_order.judge(copied, lambda *place: self.read(PRIMARY, *place))
        assert verdict.holes == 0
        assert before <= verdict.reached <= after + 1

    def test_a_snapshot_neither_ends_nor_holds_up_replication(self) -> None:
        if not self._snapshots:
            return
        group, driver = self.replicated_group(2, epoch=3), self.make_driver()
        wanted = self._take(group)

        self.fill(PRIMARY, group, seed=2, length=CHUNK)
        driver.replicate(group, call=self.call(3))
        there = self.contents(PRIMARY, group)
        self.fail_over(group, self.targets[0], epoch=4)

        assert self.contents(self.targets[0], group) == there
        assert set(driver.whole_snapshots(wanted, call=self.call())) == {each.id for each in wanted.snapshots}

    def test_a_snapshot_stays_on_its_side_and_volumes_are_made_from_it_on_the_primary(self) -> None:
        if not self._snapshots:
            return
        group, target = self.replicated_group(2), self.targets[0]
        self.fail_over(group, target, epoch=2)
        self.fill(target, group, seed=2, length=CHUNK)
        there = self.contents(target, group)

        wanted = self._take(group, side=target)

        assert self._restored(wanted) == there
        self.site_down(target)
        for call in self._calls(group, wanted):
            with pytest.raises(SiteUnavailable):
                call()

    def test_a_snapshot_of_a_side_that_is_not_active_is_refused_and_nothing_is_kept(self) -> None:
        if not self._snapshots:
            return
        group = self.replicated_group(2)
        self.fail_over(group, self.targets[0], epoch=2)

        for side in (PRIMARY, self.targets[1]):
            with self.nothing_changes(group), pytest.raises(Refused):
                self._take(group, side=side)

    def test_a_snapshot_of_a_side_that_was_replaced_while_away_is_refused(self) -> None:
        if not self._snapshots:
            return
        group, driver = self.replicated_group(2), self.make_driver()
        self.site_down(PRIMARY)
        driver.promote(group, backend_id=self.targets[0], call=self.call(2))
        self.site_up(PRIMARY)

        with pytest.raises(Refused):
            self._take(group)

    def test_volumes_of_a_snapshot_that_is_not_there_are_refused(self) -> None:
        if not self._snapshots:
            return
        group = self.new_group(1)

        with pytest.raises(Refused):
            self._make(_set(group))

    def test_an_older_epoch_of_a_snapshot_is_refused(self) -> None:
        if not self._snapshots:
            return
        group, driver = self.new_group(1), self.make_driver()
        wanted = self._take(group, epoch=2)

        for call in (
            lambda: driver.create_snapshots(group, wanted=wanted, call=self.call(1)),
            lambda: driver.delete_snapshots(wanted, call=self.call(1)),
        ):
            with self.nothing_changes(group), pytest.raises(StaleEpoch):
                call()

    def test_snapshot_calls_made_twice_end_the_same_and_leave_nothing(self) -> None:
        self._round_of_snapshots(lambda step: [step(self.make_driver()) for _ in range(2)])

    def test_snapshot_calls_killed_and_made_again_end_the_same_and_leave_nothing(self) -> None:
        for delay in self.crash_delays:
            self._round_of_snapshots(lambda step, delay=delay: self._killed_once(step, delay))  # type: ignore[misc]

    def test_a_larger_member_is_larger_on_every_side_and_keeps_its_data(self) -> None:
        if not self._extend:
            return
        group, driver, target = self.replicated_group(2), self.make_driver(), self.targets[0]
        before, larger = self.contents(PRIMARY, group), _larger(group)

        driver.extend_volume(group, volume=larger, call=self.call(2))
        driver.extend_volume(group, volume=larger, call=self.call(2))

        grown = _with(group, larger)
        assert self.contents(PRIMARY, grown) == [before[0] + bytes(LARGER - VOLUME_BYTES), before[1]]
        self.write(PRIMARY, larger.id, LARGER - CHUNK, pattern(7, CHUNK))
        there, copied = self.contents(PRIMARY, grown), self.bytes_copied()
        driver.replicate(grown, call=self.call(2))
        assert self.bytes_copied() - copied <= 4 * CHUNK
        self.fail_over(grown, target, epoch=3)
        assert self.contents(target, grown) == there

    def test_a_volume_that_is_larger_than_is_known_is_replicated_moved_and_kept_all_the_same(self) -> None:
        if not self._extend:
            return
        group, driver, target = self.replicated_group(2), self.make_driver(), self.targets[0]
        driver.extend_volume(group, volume=_larger(group), call=self.call(2))
        self.fill(PRIMARY, group, seed=2, length=CHUNK)
        before = self.contents(PRIMARY, group)

        driver.replicate(group, call=self.call(2))
        if self._snapshots:
            assert [each[:VOLUME_BYTES] for each in self.contents(PRIMARY, self._make(self._take(group)))] == before
        self.fail_over(group, target, epoch=3)
        assert self.contents(target, group) == before
        self.fill(target, group, seed=3, length=CHUNK)
        there = self.contents(target, group)
        self.fail_back(group, target, epoch=4)
        assert self.contents(PRIMARY, group) == there

    def test_a_member_of_a_group_that_is_elsewhere_does_not_grow(self) -> None:
        if not self._extend:
            return
        group, driver = self.replicated_group(2), self.make_driver()
        self.fail_over(group, self.targets[0], epoch=2)

        with self.nothing_changes(group), pytest.raises(Refused):
            driver.extend_volume(group, volume=_larger(group), call=self.call(2))

    def test_a_member_does_not_grow_while_a_target_does_not_answer(self) -> None:
        if not self._extend:
            return
        group, driver = self.replicated_group(2), self.make_driver()
        before = self.contents(PRIMARY, group)
        self.site_down(self.targets[1])

        with pytest.raises(SiteUnavailable):
            driver.extend_volume(group, volume=_larger(group), call=self.call(2))

        assert self.contents(PRIMARY, group) == before
        self.site_up(self.targets[1])
        driver.replicate(group, call=self.call(2))
        assert all(volume.protected for volume in self.observe(group).volumes)

    def test_extending_killed_and_made_again_ends_the_same(self) -> None:
        if not self._extend:
            return
        for delay in self.crash_delays:
            group = self.replicated_group(2)
            before, larger = self.contents(PRIMARY, group), _larger(group)

            self._killed_once(
                lambda driver, group=group, larger=larger: driver.extend_volume(  # type: ignore[misc]
                    group, volume=larger, call=self.call(2)
                ),
                delay,
            )

            grown = _with(group, larger)
            assert self.contents(PRIMARY, grown) == [before[0] + bytes(LARGER - VOLUME_BYTES), before[1]]
            self.make_driver().replicate(grown, call=self.call(2))
            assert self.observe(grown).side(self.targets[0]).bytes_behind == 0

    # What the tests above share.

    @property
    def _snapshots(self) -> bool:
        return self.make_driver().capabilities.snapshots

    @property
    def _extend(self) -> bool:
        return self.make_driver().capabilities.extend

    def _take(self, group: Group, *, side: str = PRIMARY, epoch: int = 1) -> SnapshotSet:
        wanted = _set(group, side=side)
        self.make_driver().create_snapshots(group, wanted=wanted, call=self.call(epoch))
        return wanted

    def _make(self, source: SnapshotSet) -> Group:
        """Make a volume of each snapshot, larger than it."""
        made, chosen = _copies(source)
        self.make_driver().create_volumes_from(made, source=source, snapshots=chosen, call=self.call())
        return made

    def _restored(self, source: SnapshotSet) -> Sequence[bytes]:
        """Return what volumes made from snapshots hold, as far as those reach."""
        found = self.contents(PRIMARY, self._make(source))
        assert {each[VOLUME_BYTES:] for each in found} == {bytes(LARGER - VOLUME_BYTES)}
        return [each[:VOLUME_BYTES] for each in found]

    def _calls(self, group: Group, wanted: SnapshotSet) -> Sequence[Callable[[], object]]:
        driver = self.make_driver()
        return (
            lambda: driver.create_snapshots(group, wanted=_set(group, side=wanted.backend_id), call=self.call()),
            lambda: driver.whole_snapshots(wanted, call=self.call()),
            lambda: driver.delete_snapshots(wanted, call=self.call()),
            lambda: self._make(wanted),
        )

    def _round_of_snapshots(self, run: Callable[[Step], object]) -> None:
        if not self._snapshots:
            return
        group = self.new_group(2)
        self.fill(PRIMARY, group, seed=1)
        expected, before, wanted = self.contents(PRIMARY, group), self.stock(), _set(group)
        made, chosen = _copies(wanted)

        run(lambda driver: driver.create_snapshots(group, wanted=wanted, call=self.call()))
        run(lambda driver: driver.create_volumes_from(made, source=wanted, snapshots=chosen, call=self.call()))
        assert [each[:VOLUME_BYTES] for each in self.contents(PRIMARY, made)] == expected
        run(lambda driver: driver.delete_snapshots(wanted, call=self.call()))
        assert list(self.make_driver().whole_snapshots(wanted, call=self.call())) == []
        for volume in made.volumes:
            assert self.can_write(PRIMARY, volume.id)
            self.make_driver().delete_volume(volume, call=self.call())
        assert self.stock() == before

    def _killed_once(self, step: Step, delay: float) -> None:
        self.killed(step, delay)
        step(self.make_driver())


def _set(group: Group, *, side: str = PRIMARY) -> SnapshotSet:
    snapshots = tuple(
        Snapshot(id=str(uuid.uuid4()), volume_id=volume.id, size_bytes=volume.size_bytes) for volume in group.volumes
    )
    return SnapshotSet(id=str(uuid.uuid4()), backend_id=side, snapshots=snapshots)


def _copies(source: SnapshotSet) -> tuple[Group, dict[str, str]]:
    """Return a group of new, larger volumes, one for each snapshot, and which is made from which."""
    volumes = tuple(Volume(id=str(uuid.uuid4()), name="copy", size_bytes=LARGER) for _ in source.snapshots)
    chosen = {volume.id: each.id for volume, each in zip(volumes, source.snapshots, strict=True)}
    return Group(id=str(uuid.uuid4()), name="copies", volumes=volumes), chosen


def _larger(group: Group) -> Volume:
    return dataclasses.replace(group.volumes[0], size_bytes=LARGER)


def _with(group: Group, volume: Volume) -> Group:
    """Return the group with the volume as it is now."""
    return dataclasses.replace(group, volumes=tuple(volume if each.id == volume.id else each for each in group.volumes))

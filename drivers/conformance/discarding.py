"""What becomes of the writes that only one side holds when a resync overwrites them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import pytest

from drivers.base import PRIMARY, UNDO_POINTS_KEPT, Group, GroupFacts, UndoPoint
from drivers.conformance.harness import CHUNK, VOLUME_BYTES, Harness, pattern
from drivers.errors import Refused, UndoPointFailed


class Discarding(Harness):
    """Undo points. Of a driver that keeps none, only that it says so is asked."""

    @property
    def keeps(self) -> bool:
        """Whether the driver says that it keeps undo points."""
        return self.make_driver().capabilities.undo_points

    def test_a_resync_says_how_much_it_discarded(self) -> None:
        group = self._diverged()

        facts = self._resync(group)

        alone = CHUNK * len(group.volumes)
        assert alone <= facts.discarded_bytes <= 1.5 * alone
        assert self._resync(group).discarded_bytes == 0

    def test_what_a_resync_discards_is_kept_and_can_be_read(self) -> None:
        group = self._diverged()
        self.fill(self.targets[0], group, seed=4, offset=CHUNK * 4, length=CHUNK)

        facts = self._resync(group)

        if not self.keeps:
            assert self._points(group) == []
            return
        [point] = self._points(group)
        assert (point.backend_id, point.size_bytes) == (PRIMARY, facts.discarded_bytes)
        assert set(point.volumes) == {volume.id for volume in group.volumes}
        assert abs(point.kept_at - facts.observed_at) < self.call_seconds
        self._assert_kept(group, point, seed=3)
        assert {self.read_undo_point(point, each.id, CHUNK * 4, CHUNK) for each in group.volumes} == {bytes(CHUNK)}

    def test_what_a_resync_discards_after_a_crash_is_kept_and_can_be_read(self) -> None:
        group, target = self.replicated_group(), self.targets[0]
        self.fill(PRIMARY, group, seed=3, length=CHUNK)
        self.site_down(PRIMARY)
        self.make_driver().promote(group, backend_id=target, call=self.call(2))
        self.fill(target, group, seed=4, length=CHUNK)
        there = self.contents(target, group)
        self.site_up(PRIMARY)

        facts = self._resync(group)

        if self.keeps:
            [point] = self._points(group)
            assert point.size_bytes == facts.discarded_bytes >= CHUNK * len(group.volumes)
            self._assert_kept(group, point, seed=3)
        self.fail_over(group, PRIMARY, epoch=3, source=target)
        assert self.contents(PRIMARY, group) == there

    def test_what_enabling_discards_on_a_target_is_kept_and_can_be_read(self) -> None:
        group, target = self.replicated_group(), self.targets[0]
        driver = self.make_driver()
        self.fail_over(group, target, epoch=2)
        self.fill(target, group, seed=3, length=CHUNK)
        driver.promote(group, backend_id=PRIMARY, call=self.call(3))

        facts = driver.enable_replication(group, call=self.call(3))

        assert facts.discarded_bytes >= CHUNK * len(group.volumes)
        if self.keeps:
            [point] = self._points(group)
            assert (point.backend_id, point.size_bytes) == (target, facts.discarded_bytes)
            self._assert_kept(group, point, seed=3)

    def test_what_a_target_had_got_and_the_promoted_one_had_not_is_kept_and_can_be_read(self) -> None:
        group, (promoted, other) = self.replicated_group(), self.targets
        driver = self.make_driver()
        self.fill(PRIMARY, group, seed=3, length=CHUNK)
        driver.replicate(group, backend_id=other, call=self.call())
        driver.promote(group, backend_id=promoted, call=self.call(2))
        before = self.unsent(group, other)

        facts = driver.replicate(group, backend_id=other, call=self.call(2))

        # It wrote none of it itself: the side that did is the one whose writes are unsent.
        assert before == 0
        assert facts.discarded_bytes >= CHUNK * len(group.volumes)
        if self.keeps:
            [point] = self._points(group)
            assert (point.backend_id, point.size_bytes) == (other, facts.discarded_bytes)
            self._assert_kept(group, point, seed=3)

    def test_a_resync_that_discards_nothing_keeps_nothing(self) -> None:
        group, target = self.replicated_group(), self.targets[0]
        self.fail_over(group, target, epoch=2)
        self.fill(target, group, seed=3, length=CHUNK)

        self.fail_back(group, target, epoch=3)
        facts = self.make_driver().enable_replication(group, call=self.call(3))

        assert facts.discarded_bytes == 0
        assert self._points(group) == []

    def test_a_target_that_catches_up_after_the_active_side_was_restarted_loses_nothing_to_keep(self) -> None:
        group = self.replicated_group()
        self.fill(PRIMARY, group, seed=3, length=CHUNK)
        self.site_down(PRIMARY)
        self.site_up(PRIMARY)
        driver = self.make_driver()
        driver.serve(group, backend_id=PRIMARY, call=self.call())

        facts = driver.replicate(group, call=self.call())

        assert facts.discarded_bytes == 0
        assert self._points(group) == []

    def test_the_newest_undo_points_of_a_volume_are_kept(self) -> None:
        group = self.replicated_group(1)
        for number in range(UNDO_POINTS_KEPT + 1):
            epoch = 2 * number + 2
            self._diverge(group, seed=10 + number, epoch=epoch)
            self._resync(group, epoch=epoch + 1)
            self.fail_over(group, PRIMARY, epoch=epoch + 1, source=self.targets[0])
            self.make_driver().enable_replication(group, call=self.call(epoch + 1))

        points = self._points(group)

        assert len(points) == (UNDO_POINTS_KEPT if self.keeps else 0)
        for number, point in enumerate(points, start=1):
            self._assert_kept(group, point, seed=10 + number)

    def test_a_dropped_undo_point_is_gone(self) -> None:
        group = self._diverged()
        self._resync(group)
        driver = self.make_driver()
        if not self.keeps:
            with pytest.raises(Refused):
                driver.drop_undo_point(group, point_id="any", call=self.call(3))
            return
        [point] = self._points(group)

        driver.drop_undo_point(group, point_id=point.id, call=self.call(3))
        driver.drop_undo_point(group, point_id=point.id, call=self.call(3))

        assert self._points(group) == []

    def test_deleting_leaves_no_undo_point_behind(self) -> None:
        before = self.stock()
        group = self._diverged()
        self._resync(group)
        driver = self.make_driver()

        driver.delete_group(group, call=self.call(4))
        left = self._points(group)
        for volume in group.volumes:
            driver.delete_volume(volume, call=self.call(4))

        assert left == []
        assert self.stock() == before

    def test_a_deleted_volume_leaves_its_groups_undo_points(self) -> None:
        before = self.stock()
        group = self._diverged()
        self._resync(group)
        driver, removed = self.make_driver(), group.volumes[0]
        smaller = dataclasses.replace(group, volumes=group.volumes[1:])

        driver.update_group(smaller, removed=[removed], call=self.call(4))
        driver.delete_volume(removed, call=self.call(4))

        points = self._points(smaller)
        assert [set(point.volumes) for point in points] == [{each.id for each in smaller.volumes}] * self.keeps
        driver.delete_group(smaller, call=self.call(4))
        for volume in smaller.volumes:
            driver.delete_volume(volume, call=self.call(4))
        assert self.stock() == before

    def test_disabling_keeps_the_undo_points_and_deleting_does_not(self) -> None:
        before = self.stock()
        group, target = self.replicated_group(1), self.targets[0]
        driver = self.make_driver()
        self.fail_over(group, target, epoch=2)
        self.fill(target, group, seed=3, length=CHUNK)
        driver.promote(group, backend_id=PRIMARY, call=self.call(3))
        driver.enable_replication(group, call=self.call(3))

        driver.disable_replication(group, call=self.call(3))

        assert [point.backend_id for point in self._points(group)] == [target] * self.keeps
        driver.delete_group(group, call=self.call(3))
        driver.delete_volume(group.volumes[0], call=self.call(3))
        assert self.stock() == before

    def test_a_resync_whose_undo_point_cannot_be_kept_is_refused_and_discards_nothing(self) -> None:
        if not self.keeps:
            return
        group = self.replicated_group(1)
        self._diverge(group, seed=3, epoch=2, length=VOLUME_BYTES // 2)
        before = self.unsent(group, PRIMARY)

        with self.no_room_for_undo_points(), pytest.raises(UndoPointFailed) as caught:
            self._resync(group)

        assert not caught.value.retryable
        assert self._points(group) == []
        assert self.unsent(group, PRIMARY) == before
        self._resync(group)
        [point] = self._points(group)
        assert self.read_undo_point(point, group.volumes[0].id, 0, VOLUME_BYTES // 2) == pattern(
            3000, VOLUME_BYTES // 2
        )

    def test_killed_at_any_moment_a_resync_keeps_what_it_discards(self) -> None:
        for delay in self.crash_delays:
            group = self._diverged()

            self.killed(lambda driver: driver.replicate(group, backend_id=PRIMARY, call=self.call(3)), delay)  # noqa: B023

            self._resync(group)
            assert self.unsent(group, PRIMARY) == 0
            points = self._points(group)
            assert len(points) == self.keeps
            for point in points:
                self._assert_kept(group, point, seed=3)

    def _diverged(self) -> Group:
        """Make a group whose primary was written after a target had been promoted, and was then told."""
        group = self.replicated_group()
        self._diverge(group, seed=3, epoch=2)
        return group

    def _diverge(self, group: Group, *, seed: int, epoch: int, length: int = CHUNK) -> None:
        driver = self.make_driver()
        driver.promote(group, backend_id=self.targets[0], call=self.call(epoch))
        self.fill(PRIMARY, group, seed=seed, length=length)
        driver.retire(group, backend_id=PRIMARY, call=self.call(epoch))

    def _resync(self, group: Group, *, epoch: int = 3) -> GroupFacts:
        return self.make_driver().replicate(group, backend_id=PRIMARY, call=self.call(epoch))

    def _points(self, group: Group) -> Sequence[UndoPoint]:
        return list(self.make_driver().undo_points(group, call=self.call(0)))

    def _assert_kept(self, group: Group, point: UndoPoint, *, seed: int) -> None:
        kept = [self.read_undo_point(point, volume.id, 0, CHUNK) for volume in group.volumes]
        assert kept == [pattern(seed * 1000 + number, CHUNK) for number in range(len(group.volumes))]

"""Failing over and back when nothing goes wrong: what is kept, what is copied, what is left."""

from __future__ import annotations

import dataclasses

import pytest

from drivers import write_order
from drivers.base import PRIMARY, Group, Volume
from drivers.conformance.harness import CHUNK, VOLUME_BYTES, Harness, pattern


class Moving(Harness):
    """Planned work."""

    def test_a_new_volume_is_writable_on_the_primary_and_empty(self) -> None:
        group = self.new_group()

        facts = self.observe(group)

        assert (facts.active_side, facts.writable, facts.replicating) == (PRIMARY, True, False)
        assert self.writable(PRIMARY, group) == {True}
        assert set(self.contents(PRIMARY, group)) == {bytes(VOLUME_BYTES)}

    def test_enabling_gives_every_target_a_complete_point_of_equal_bytes(self) -> None:
        group = self.replicated_group()
        driver = self.make_driver()

        facts = self.observe(group)
        digests = [driver.digest(group, backend_id=side, call=self.call()) for side in (PRIMARY, *self.targets)]

        assert (facts.active_side, facts.writable, facts.replicating) == (PRIMARY, True, True)
        assert all(facts.side(side).consistent_at is not None for side in self.targets)
        assert all(volume.protected and not volume.error for volume in facts.volumes)
        assert digests[0] == digests[1] == digests[2]
        assert len(set(digests[0].values())) == len(group.volumes)

    def test_a_digest_changes_on_the_active_side_at_once_and_on_a_target_with_its_point(self) -> None:
        group = self.replicated_group()
        driver, target = self.make_driver(), self.targets[0]
        before = driver.digest(group, backend_id=target, call=self.call())

        self.write(PRIMARY, group.volumes[0].id, 0, pattern(7, CHUNK))

        present = driver.digest(group, backend_id=PRIMARY, call=self.call())
        assert present != before
        assert driver.digest(group, backend_id=target, call=self.call()) == before
        driver.replicate(group, backend_id=target, call=self.call())
        assert driver.digest(group, backend_id=target, call=self.call()) == present

    def test_a_round_moves_the_point_of_its_target_forward(self) -> None:
        group = self.replicated_group()
        before = self.observe(group).side(self.targets[0]).consistent_at

        facts = self.make_driver().replicate(group, backend_id=self.targets[0], call=self.call())

        after = facts.side(self.targets[0]).consistent_at
        assert before is not None
        assert after is not None
        assert after > before

    def test_stopped_writes_are_refused_until_allowed_again(self) -> None:
        group = self.replicated_group()
        driver = self.make_driver()

        driver.stop_writes(group, call=self.call())

        assert self.writable(PRIMARY, group) == {False}
        assert self.observe(group).writable is False
        driver.allow_writes(group, call=self.call())
        assert self.writable(PRIMARY, group) == {True}
        assert self.observe(group).writable is True

    def test_planned_failover_under_load_loses_no_acknowledged_write(self) -> None:
        group = self.replicated_group(4)
        layout = write_order.Layout(volume_ids=[volume.id for volume in group.volumes], blocks=16)
        self._zero(group)

        with write_order.Writer(layout=layout, write=lambda *place: self.write(PRIMARY, *place)) as writer:
            writer.await_acknowledged(20)
            self.fail_over(group, self.targets[0], epoch=2)

        verdict = write_order.judge(layout, lambda *place: self.read(self.targets[0], *place))
        assert verdict.holes == 0
        # One write may have reached the storage and been refused before its acknowledgement.
        assert writer.acknowledged <= verdict.reached <= writer.acknowledged + 1

    def test_after_a_planned_failover_only_the_target_is_written(self) -> None:
        group = self.replicated_group()
        before = self.contents(PRIMARY, group)

        self.fail_over(group, self.targets[1], epoch=2)

        facts = self.observe(group)
        assert (facts.active_side, facts.writable) == (self.targets[1], True)
        assert {volume.active_side for volume in facts.volumes} == {self.targets[1]}
        assert self.writable(self.targets[1], group) == {True}
        assert self.writable(PRIMARY, group) == self.writable(self.targets[0], group) == {False}
        assert self.contents(self.targets[1], group) == before

    def test_failback_brings_back_the_writes_made_on_the_target(self) -> None:
        group = self.replicated_group()
        self.fail_over(group, self.targets[0], epoch=2)
        self.fill(self.targets[0], group, seed=2, offset=CHUNK * 2, length=CHUNK)
        there = self.contents(self.targets[0], group)

        self.fail_back(group, self.targets[0], epoch=3)
        facts = self.make_driver().enable_replication(group, call=self.call(3))

        assert self.contents(PRIMARY, group) == there
        assert (facts.active_side, facts.writable, facts.replicating) == (PRIMARY, True, True)
        assert self.writable(self.targets[0], group) == {False}
        assert all(facts.side(side).consistent_at is not None for side in self.targets)

    def test_failback_copies_only_what_changed(self) -> None:
        group = self.replicated_group()
        self.fail_over(group, self.targets[0], epoch=2)
        self.fill(self.targets[0], group, seed=2, length=CHUNK)
        before = self.bytes_copied()

        self.fail_back(group, self.targets[0], epoch=3)

        copied, changed = self.bytes_copied() - before, CHUNK * len(group.volumes)
        assert changed <= copied <= 1.5 * changed

    @pytest.mark.parametrize("retired", [True, False])
    def test_a_planned_promotion_can_be_undone(self, retired: bool) -> None:
        group = self.replicated_group()
        driver, target = self.make_driver(), self.targets[0]
        before = self.contents(PRIMARY, group)
        driver.stop_writes(group, call=self.call(2))
        driver.replicate(group, backend_id=target, call=self.call(2))
        driver.promote(group, backend_id=target, call=self.call(2))
        if retired:
            driver.retire(group, backend_id=PRIMARY, call=self.call(2))

        driver.promote(group, backend_id=PRIMARY, call=self.call(3))
        driver.retire(group, backend_id=target, call=self.call(3))

        facts = self.observe(group)
        assert (facts.active_side, facts.writable) == (PRIMARY, True)
        assert self.writable(PRIMARY, group) == {True}
        assert self.writable(target, group) == {False}
        assert self.contents(PRIMARY, group) == before

    def test_disabling_keeps_the_primary_and_drops_the_copies(self) -> None:
        group = self.new_group()
        targets = {side: set(self.inventory(side)) for side in self.targets}
        self.fill(PRIMARY, group, seed=1)
        before = self.contents(PRIMARY, group)
        self.make_driver().enable_replication(group, call=self.call())

        facts = self.make_driver().disable_replication(group, call=self.call())

        assert (facts.active_side, facts.writable, facts.replicating) == (PRIMARY, True, False)
        assert self.contents(PRIMARY, group) == before
        assert self.writable(PRIMARY, group) == {True}
        assert {side: set(self.inventory(side)) for side in self.targets} == targets

    @pytest.mark.parametrize("failed_over", [False, True])
    def test_deleting_leaves_nothing_behind(self, failed_over: bool) -> None:
        before = self.stock()
        group = self.replicated_group()
        if failed_over:
            self.fail_over(group, self.targets[0], epoch=2)

        self._delete(group, epoch=3)

        assert self.stock() == before

    def test_deleting_a_group_keeps_its_volumes_until_they_are_deleted(self) -> None:
        group = self.replicated_group()
        before = self.contents(PRIMARY, group)

        self.make_driver().delete_group(group, call=self.call(2))

        assert self.contents(PRIMARY, group) == before
        assert self.writable(PRIMARY, group) == {True}

    def test_deleting_what_is_not_there_is_fine(self) -> None:
        before = self.stock()
        group = self.replicated_group()
        self._delete(group, epoch=2)

        self._delete(group, epoch=2)

        assert self.stock() == before

    def test_a_removed_volume_keeps_its_data_and_the_others_their_protection(self) -> None:
        group = self.replicated_group()
        removed, kept = group.volumes[0], group.volumes[1:]
        before = self.contents(PRIMARY, group)
        smaller = dataclasses.replace(group, volumes=kept)

        self.make_driver().update_group(smaller, removed=[removed], call=self.call())
        self.make_driver().replicate(smaller, call=self.call())
        self.fail_over(smaller, self.targets[0], epoch=2)

        assert self.read(PRIMARY, removed.id, 0, VOLUME_BYTES) == before[0]
        assert self.can_write(PRIMARY, removed.id)
        assert self.contents(self.targets[0], smaller) == before[1:]

    def test_an_added_volume_is_protected_once_enabled(self) -> None:
        group, driver = self.replicated_group(2), self.make_driver()
        added = Volume(id=f"{group.id[:-4]}feed", name="added", size_bytes=VOLUME_BYTES)
        larger = dataclasses.replace(group, volumes=(*group.volumes, added))
        driver.create_volume(added, call=self.call())
        self.write(PRIMARY, added.id, 0, pattern(9, CHUNK))

        driver.update_group(larger, removed=(), call=self.call())

        assert [volume.protected for volume in self.observe(larger).volumes][-1] is False
        facts = driver.enable_replication(larger, call=self.call())
        assert all(volume.protected for volume in facts.volumes)
        assert len({self._digests(larger, side) for side in (PRIMARY, *self.targets)}) == 1

    def test_taking_out_a_volume_that_is_not_where_the_group_is_leaves_its_data(self) -> None:
        group, driver = self.replicated_group(2), self.make_driver()
        self.fail_over(group, self.targets[0], epoch=2)
        before = self.contents(self.targets[0], group)
        added = Volume(id=f"{group.id[:-4]}feed", name="added", size_bytes=VOLUME_BYTES)
        driver.create_volume(added, call=self.call(2))
        self.write(PRIMARY, added.id, 0, pattern(9, CHUNK))

        driver.update_group(group, removed=[added], call=self.call(2))

        alone = Group(id=added.id, name="", volumes=(added,))
        driver.serve(alone, backend_id=PRIMARY, call=self.call(2))
        assert self.read(PRIMARY, added.id, 0, CHUNK) == pattern(9, CHUNK)
        assert self.can_write(PRIMARY, added.id)
        assert self.contents(self.targets[0], group) == before

    def _digests(self, group: Group, side: str) -> tuple[tuple[str, str], ...]:
        return tuple(sorted(self.make_driver().digest(group, backend_id=side, call=self.call()).items()))

    def _zero(self, group: Group) -> None:
        for volume in group.volumes:
            self.write(PRIMARY, volume.id, 0, bytes(VOLUME_BYTES // 2))

    def _delete(self, group: Group, *, epoch: int) -> None:
        driver = self.make_driver()
        driver.delete_group(group, call=self.call(epoch))
        for volume in group.volumes:
            driver.delete_volume(volume, call=self.call(epoch))

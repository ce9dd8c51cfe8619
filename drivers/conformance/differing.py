"""What a driver says when its storage is not as somebody believes: who claims what, and what is where alone."""

from __future__ import annotations

import dataclasses

from drivers.base import PRIMARY, Group
from drivers.conformance.harness import CHUNK, VOLUME_BYTES, Harness


class Differing(Harness):
    """Claims, unsent writes, strangers."""

    def test_only_the_active_side_claims_to_be_active(self) -> None:
        group = self.replicated_group()

        before = self._claims(group)
        self.fail_over(group, self.targets[0], epoch=2)

        assert before == {PRIMARY}
        assert self._claims(group) == {self.targets[0]}

    def test_a_side_that_was_superseded_and_not_told_still_claims_to_be_active(self) -> None:
        group = self.replicated_group()
        driver = self.make_driver()

        driver.promote(group, backend_id=self.targets[0], call=self.call(2))

        assert self.observe(group).active_side == self.targets[0]
        assert self._claims(group) == {PRIMARY, self.targets[0]}
        driver.retire(group, backend_id=PRIMARY, call=self.call(2))
        assert self._claims(group) == {self.targets[0]}

    def test_a_side_that_does_not_answer_claims_nothing_and_its_unsent_writes_are_unknown(self) -> None:
        group = self.replicated_group()
        self.site_down(PRIMARY)

        primary = self.observe(group).side(PRIMARY)

        assert (primary.claims_active, primary.bytes_unsent) == (False, None)

    def test_a_target_that_is_merely_behind_holds_nothing_unsent(self) -> None:
        group = self.replicated_group()
        self.fill(PRIMARY, group, seed=2, length=CHUNK)

        facts = self.observe(group)

        assert {side.bytes_unsent for side in facts.sides} == {0}

    def test_after_a_planned_failover_no_side_holds_anything_unsent(self) -> None:
        group = self.replicated_group()
        self.fill(PRIMARY, group, seed=2, length=CHUNK)

        self.fail_over(group, self.targets[0], epoch=2)
        self.fill(self.targets[0], group, seed=3, length=CHUNK)

        assert {side.backend_id: side.bytes_unsent for side in self.observe(group).sides} == {
            PRIMARY: 0,
            self.targets[0]: 0,
            self.targets[1]: 0,
        }

    def test_after_two_planned_moves_no_side_holds_anything_unsent(self) -> None:
        group = self.replicated_group()
        first, second = self.targets
        self.fail_over(group, first, epoch=2)
        self.fill(first, group, seed=3, length=CHUNK)

        self.fail_over(group, second, epoch=3, source=first)
        self.fill(second, group, seed=4, length=CHUNK)

        assert {side.bytes_unsent for side in self.observe(group).sides} == {0}

    def test_what_a_superseded_side_wrote_alone_is_counted_before_and_after_it_is_retired(self) -> None:
        group, target = self.replicated_group(), self.targets[0]
        driver = self.make_driver()
        self.fill(PRIMARY, group, seed=2, length=CHUNK)
        driver.promote(group, backend_id=target, call=self.call(2))
        self.fill(PRIMARY, group, seed=3, offset=CHUNK, length=CHUNK)
        self.fill(target, group, seed=4, offset=CHUNK * 4, length=CHUNK)

        claiming = self.unsent(group, PRIMARY)
        driver.retire(group, backend_id=PRIMARY, call=self.call(2))

        alone = 2 * CHUNK * len(group.volumes)
        assert claiming is not None
        assert alone <= claiming <= 1.5 * alone
        assert self.unsent(group, PRIMARY) == claiming
        assert self.unsent(group, target) == 0

    def test_a_superseded_side_claims_no_point_after_the_promotion_of_the_new_one(self) -> None:
        group, target = self.replicated_group(), self.targets[0]
        driver = self.make_driver()
        self.fill(PRIMARY, group, seed=2, length=CHUNK)
        before = self.call(2).now()
        driver.promote(group, backend_id=target, call=self.call(2))
        self.fill(target, group, seed=3, length=CHUNK)

        driver.retire(group, backend_id=PRIMARY, call=self.call(2))

        found = self.observe(group).side(PRIMARY).consistent_at
        assert found is not None
        assert found <= before

    def test_a_side_left_as_planned_claims_no_point_after_the_promotion_of_the_new_one(self) -> None:
        group, target = self.replicated_group(), self.targets[0]
        driver = self.make_driver()
        self.fill(PRIMARY, group, seed=2, length=CHUNK)
        driver.stop_writes(group, call=self.call(2))
        driver.replicate(group, backend_id=target, call=self.call(2))
        before = self.call(2).now()
        driver.promote(group, backend_id=target, call=self.call(2))
        self.fill(target, group, seed=3, length=CHUNK)

        driver.retire(group, backend_id=PRIMARY, call=self.call(2))

        found = self.observe(group).side(PRIMARY).consistent_at
        assert found is not None
        assert found <= before

    def test_what_a_promoted_target_wrote_alone_is_counted_when_the_primary_takes_over_again(self) -> None:
        group, target = self.replicated_group(), self.targets[0]
        self.fail_over(group, target, epoch=2)
        self.fill(target, group, seed=3, length=CHUNK)

        self.make_driver().promote(group, backend_id=PRIMARY, call=self.call(3))

        found, alone = self.unsent(group, target), CHUNK * len(group.volumes)
        assert found is not None
        assert alone <= found <= 1.5 * alone

    def test_after_a_crash_unsent_writes_are_counted_or_unknown_but_never_denied(self) -> None:
        group, target = self.replicated_group(), self.targets[0]
        self.fill(PRIMARY, group, seed=2, length=CHUNK)
        self.site_down(PRIMARY)
        self.make_driver().promote(group, backend_id=target, call=self.call(2))
        self.site_up(PRIMARY)

        claiming = self.unsent(group, PRIMARY)
        self.make_driver().retire(group, backend_id=PRIMARY, call=self.call(2))

        alone = CHUNK * len(group.volumes)
        assert claiming is None or claiming >= alone
        assert self.unsent(group, PRIMARY) == claiming

    def test_after_a_resync_nothing_is_unsent(self) -> None:
        group, target = self.replicated_group(), self.targets[0]
        driver = self.make_driver()
        self.fill(PRIMARY, group, seed=2, length=CHUNK)
        driver.promote(group, backend_id=target, call=self.call(2))
        driver.retire(group, backend_id=PRIMARY, call=self.call(2))

        driver.replicate(group, backend_id=PRIMARY, call=self.call(3))

        assert self.unsent(group, PRIMARY) == 0

    def test_a_volume_that_is_replicated_with_the_group_and_not_asked_about_is_a_stranger(self) -> None:
        group = self.replicated_group()
        asked = dataclasses.replace(group, volumes=group.volumes[:-1])

        at_home = self.observe(asked).strangers
        self.fail_over(group, self.targets[0], epoch=2)

        assert at_home == (group.volumes[-1].id,)
        assert self.observe(asked).strangers == (group.volumes[-1].id,)
        assert self.observe(group).strangers == ()

    def test_a_volume_that_left_the_group_is_no_stranger(self) -> None:
        group = self.replicated_group()
        smaller = dataclasses.replace(group, volumes=group.volumes[1:])

        self.make_driver().update_group(smaller, removed=group.volumes[:1], call=self.call())

        assert self.observe(smaller).strangers == ()

    def test_a_volume_that_left_the_group_while_a_superseded_side_had_it_is_no_stranger(self) -> None:
        group, target = self.replicated_group(), self.targets[0]
        smaller = dataclasses.replace(group, volumes=group.volumes[1:])
        driver = self.make_driver()
        driver.promote(group, backend_id=target, call=self.call(2))
        self.fill(PRIMARY, group, seed=2, length=CHUNK)
        self.fill(target, group, seed=3, length=CHUNK)
        there = self.contents(target, group)
        alone = self.unsent(smaller, PRIMARY)

        driver.update_group(smaller, removed=group.volumes[:1], call=self.call(2))
        left = self.unsent(smaller, PRIMARY)
        driver.replicate(smaller, backend_id=PRIMARY, call=self.call(2))

        assert alone
        assert left in {alone, None}
        assert self.observe(smaller).strangers == ()
        assert self.read(target, group.volumes[0].id, 0, VOLUME_BYTES) == there[0]
        digests = [driver.digest(smaller, backend_id=side, call=self.call(2)) for side in (PRIMARY, target)]
        assert digests[0] == digests[1]

    def _claims(self, group: Group) -> set[str]:
        return {side.backend_id for side in self.observe(group).sides if side.claims_active}

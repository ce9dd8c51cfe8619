"""What a driver must refuse, and that a refusal changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from drivers.base import PRIMARY, Call, Driver, Group
from drivers.conformance.harness import Harness
from drivers.errors import CallCanceled, CallTimedOut, NoRecoveryPoint, Refused, StaleEpoch

_CHANGING: Mapping[str, Callable[[Driver, Group, str, Call], object]] = {
    "create_volume": lambda driver, group, target, call: driver.create_volume(group.volumes[0], call=call),
    "delete_volume": lambda driver, group, target, call: driver.delete_volume(group.volumes[0], call=call),
    "create_group": lambda driver, group, target, call: driver.create_group(group, call=call),
    "update_group": lambda driver, group, target, call: driver.update_group(group, removed=(), call=call),
    "delete_group": lambda driver, group, target, call: driver.delete_group(group, call=call),
    "enable_replication": lambda driver, group, target, call: driver.enable_replication(group, call=call),
    "disable_replication": lambda driver, group, target, call: driver.disable_replication(group, call=call),
    "replicate": lambda driver, group, target, call: driver.replicate(group, backend_id=target, call=call),
    "stop_writes": lambda driver, group, target, call: driver.stop_writes(group, call=call),
    "allow_writes": lambda driver, group, target, call: driver.allow_writes(group, call=call),
    "promote": lambda driver, group, target, call: driver.promote(group, backend_id=target, call=call),
    "retire": lambda driver, group, target, call: driver.retire(group, backend_id=PRIMARY, call=call),
    "serve": lambda driver, group, target, call: driver.serve(group, backend_id=PRIMARY, call=call),
}
_BLOCKING: Mapping[str, Callable[[Driver, Group, str, Call], object]] = {
    "enable_replication": _CHANGING["enable_replication"],
    "replicate": _CHANGING["replicate"],
    "digest": lambda driver, group, target, call: driver.digest(group, backend_id=target, call=call),
}


class Refusing(Harness):
    """Refusals."""

    @pytest.mark.parametrize("method", list(_CHANGING))
    def test_an_older_epoch_is_refused_and_has_no_effect(self, method: str) -> None:
        group = self.replicated_group(2, epoch=10)

        with self.nothing_changes(group), pytest.raises(StaleEpoch):
            _CHANGING[method](self.make_driver(), group, self.targets[0], self.call(9))

    def test_an_epoch_counts_for_its_own_group_only(self) -> None:
        self.new_group(1, epoch=10)

        group = self.replicated_group(1, epoch=1)

        assert self.observe(group).replicating is True

    def test_promotion_without_a_point_is_refused_and_changes_nothing(self) -> None:
        group = self.new_group()

        with self.nothing_changes(group), pytest.raises(NoRecoveryPoint):
            self.make_driver().promote(group, backend_id=self.targets[0], call=self.call(1))

        assert self.writable(PRIMARY, group) == {True}

    def test_promotion_with_an_unprotected_member_is_refused_and_changes_nothing(self) -> None:
        group, lone = self.replicated_group(2), self.new_group(1)
        larger = type(group)(id=group.id, name=group.name, volumes=(*group.volumes, *lone.volumes))
        driver = self.make_driver()
        driver.delete_group(lone, call=self.call())
        driver.update_group(larger, removed=(), call=self.call())

        with self.nothing_changes(larger), pytest.raises(NoRecoveryPoint):
            driver.promote(larger, backend_id=self.targets[0], call=self.call())

    @pytest.mark.parametrize("method", ["enable_replication", "disable_replication"])
    def test_enabling_and_disabling_away_from_the_primary_are_refused(self, method: str) -> None:
        group = self.replicated_group()
        self.fail_over(group, self.targets[0], epoch=2)

        with self.nothing_changes(group), pytest.raises(Refused):
            _CHANGING[method](self.make_driver(), group, self.targets[0], self.call(2))

    def test_serving_a_superseded_side_is_refused_and_changes_nothing(self) -> None:
        group = self.replicated_group()
        self.fail_over(group, self.targets[0], epoch=2)

        with self.nothing_changes(group), pytest.raises(Refused):
            self.make_driver().serve(group, backend_id=PRIMARY, call=self.call(2))

        assert self.writable(PRIMARY, group) == {False}

    def test_serving_a_side_whose_writes_were_stopped_is_refused_and_changes_nothing(self) -> None:
        group = self.replicated_group()
        self.make_driver().stop_writes(group, call=self.call())

        with self.nothing_changes(group), pytest.raises(Refused):
            self.make_driver().serve(group, backend_id=PRIMARY, call=self.call())

        assert self.writable(PRIMARY, group) == {False}

    @pytest.mark.parametrize("method", list(_BLOCKING))
    def test_a_call_past_its_deadline_says_so_and_can_be_made_again(self, method: str) -> None:
        group = self.replicated_group()
        late = Call(epoch=1, deadline_seconds=0.0)

        with pytest.raises(CallTimedOut):
            _BLOCKING[method](self.make_driver(), group, self.targets[0], late)

        _BLOCKING[method](self.make_driver(), group, self.targets[0], self.call())
        self._assert_healthy(group)

    @pytest.mark.parametrize("method", list(_BLOCKING))
    def test_a_stopped_call_says_so_and_can_be_made_again(self, method: str) -> None:
        group = self.replicated_group()
        stopped = self.call()
        stopped.stop("somebody asked")

        with pytest.raises(CallCanceled):
            _BLOCKING[method](self.make_driver(), group, self.targets[0], stopped)

        _BLOCKING[method](self.make_driver(), group, self.targets[0], self.call())
        self._assert_healthy(group)

    def test_an_initial_copy_stopped_at_its_first_progress_can_be_made_again(self) -> None:
        group = self.new_group()
        self.fill(PRIMARY, group, seed=1)
        stopping = Call(epoch=1, on_progress=lambda *progress: stopping.stop("enough"))

        # A driver that has nothing left to do after its first report may end well instead.
        try:
            self.make_driver().enable_replication(group, call=stopping)
        except CallCanceled:
            assert self.writable(PRIMARY, group) == {True}

        self.make_driver().enable_replication(group, call=self.call())
        self._assert_healthy(group)

    def _assert_healthy(self, group: Group) -> None:
        facts, driver = self.observe(group), self.make_driver()
        assert (facts.active_side, facts.writable, facts.replicating) == (PRIMARY, True, True)
        digests = [driver.digest(group, backend_id=side, call=self.call()) for side in (PRIMARY, *self.targets)]
        assert digests[0] == digests[1] == digests[2]

"""Failing over when sides are dead."""

from __future__ import annotations

import contextlib
import random
import threading
import time

import pytest

from drivers import write_order
from drivers.base import PRIMARY, Group
from drivers.conformance.harness import CHUNK, VOLUME_BYTES, Harness, pattern
from drivers.errors import DriverError, SiteUnavailable


class Failing(Harness):
    """Unplanned work."""

    def test_unplanned_failover_under_load_gives_one_point_of_the_whole_group(self) -> None:
        for _ in range(self.unplanned_trials):
            self._lose_the_primary_in_a_round()
            self.site_up(PRIMARY)

    def _lose_the_primary_in_a_round(self) -> None:
        """Let the primary die while a client writes and rounds follow each other, then fail over."""
        group, target = self.new_group(4), self.targets[0]
        self.make_driver().enable_replication(group, call=self.call())
        layout = write_order.Layout(volume_ids=[volume.id for volume in group.volumes], blocks=16)

        with (
            write_order.Writer(layout=layout, write=lambda *place: self.write(PRIMARY, *place)) as writer,
            _Rounds(self, group, target, writer) as rounds,
        ):
            rounds.await_middle(4)
            self.site_down(PRIMARY)
        self.make_driver().promote(group, backend_id=target, call=self.call(2))

        verdict = write_order.judge(layout, lambda *place: self.read(target, *place))
        assert verdict.holes == 0
        assert verdict.reached >= rounds.safe

    def test_promotion_needs_no_other_side(self) -> None:
        group = self.replicated_group()
        before = self.contents(PRIMARY, group)
        self.site_down(PRIMARY)
        self.site_down(self.targets[1])

        facts = self.make_driver().promote(group, backend_id=self.targets[0], call=self.call(2))

        assert (facts.active_side, facts.writable) == (self.targets[0], True)
        assert [side.backend_id for side in facts.sides] == [self.targets[0]]
        assert self.writable(self.targets[0], group) == {True}
        assert self.contents(self.targets[0], group) == before

    def test_failback_after_an_outage_discards_what_never_reached_the_target(self) -> None:
        group, target = self.replicated_group(), self.targets[0]
        self.fill(PRIMARY, group, seed=3, length=CHUNK)
        self.fill(PRIMARY, group, seed=5, offset=VOLUME_BYTES - CHUNK, length=CHUNK)
        self.site_down(PRIMARY)
        driver = self.make_driver()
        driver.promote(group, backend_id=target, call=self.call(2))
        self.fill(target, group, seed=4, offset=CHUNK * 4, length=CHUNK)
        there = self.contents(target, group)

        self.site_up(PRIMARY)
        driver.retire(group, backend_id=PRIMARY, call=self.call(2))
        self.fail_back(group, target, epoch=3)

        assert self.contents(PRIMARY, group) == there
        assert self.observe(group).active_side == PRIMARY

    def test_a_retired_side_is_not_written_even_when_it_comes_back(self) -> None:
        group = self.replicated_group()
        self.site_down(PRIMARY)
        driver = self.make_driver()
        driver.promote(group, backend_id=self.targets[0], call=self.call(2))

        self.site_up(PRIMARY)
        driver.retire(group, backend_id=PRIMARY, call=self.call(2))

        assert self.writable(PRIMARY, group) == {False}
        assert self.observe(group).active_side == self.targets[0]

    def test_a_target_keeps_its_last_point_when_a_round_cannot_reach_it(self) -> None:
        group, target = self.replicated_group(), self.targets[0]
        before = self.contents(PRIMARY, group)
        self.site_down(target)
        self.write(PRIMARY, group.volumes[0].id, 0, pattern(5, CHUNK))
        with pytest.raises(SiteUnavailable):
            self.make_driver().replicate(group, backend_id=target, call=self.call())

        self.site_up(target)
        self.site_down(PRIMARY)
        self.make_driver().promote(group, backend_id=target, call=self.call(2))

        assert self.contents(target, group) == before

    def test_a_served_side_comes_back_with_its_data_after_a_restart(self) -> None:
        group = self.replicated_group()
        before = self.contents(PRIMARY, group)
        self.site_down(PRIMARY)
        self.site_up(PRIMARY)

        driver = self.make_driver()
        driver.serve(group, backend_id=PRIMARY, call=self.call())

        assert self.contents(PRIMARY, group) == before
        assert self.writable(PRIMARY, group) == {True}
        self.write(PRIMARY, group.volumes[0].id, 0, pattern(6, CHUNK))
        driver.replicate(group, call=self.call())
        digests = [driver.digest(group, backend_id=side, call=self.call()) for side in (PRIMARY, *self.targets)]
        assert digests[0] == digests[1] == digests[2]

    def test_a_lone_volume_is_served_and_looked_at_as_a_group_of_its_own(self) -> None:
        group = self.new_group(1)
        lone = type(group)(id=group.volumes[0].id, name="lone", volumes=group.volumes)
        self.make_driver().delete_group(group, call=self.call())
        self.site_down(PRIMARY)
        self.site_up(PRIMARY)

        self.make_driver().serve(lone, backend_id=PRIMARY, call=self.call())

        assert self.observe(lone).active_side == PRIMARY
        assert self.writable(PRIMARY, lone) == {True}

    @pytest.mark.parametrize("dead", [(0,), (1,), (1, 2), (0, 1, 2)])
    def test_looking_at_dead_sides_never_raises_and_answers_in_time(self, dead: tuple[int, ...]) -> None:
        group = self.replicated_group()
        sides = (PRIMARY, *self.targets)
        down = {sides[number] for number in dead}
        for side in down:
            self.site_down(side)

        began = time.monotonic()
        facts = self.observe(group)

        assert time.monotonic() - began < self.look_seconds
        assert {side.backend_id for side in facts.sides if not side.reachable} == down
        assert [volume.id for volume in facts.volumes] == [volume.id for volume in group.volumes]
        assert facts.active_side == (None if PRIMARY in down else PRIMARY)

    def test_only_the_named_sides_are_looked_at(self) -> None:
        group = self.replicated_group()
        self.site_down(PRIMARY)

        facts = self.observe(group, [self.targets[0]])

        assert [side.backend_id for side in facts.sides] == [self.targets[0]]
        assert facts.side(self.targets[0]).consistent_at is not None

    def test_a_dead_side_is_named_by_the_calls_that_need_it(self) -> None:
        group, driver = self.replicated_group(), self.make_driver()
        self.site_down(PRIMARY)

        with pytest.raises(SiteUnavailable) as stopping:
            driver.stop_writes(group, call=self.call())
        with pytest.raises(SiteUnavailable) as copying:
            driver.replicate(group, backend_id=self.targets[0], call=self.call())
        with pytest.raises(SiteUnavailable) as deleting:
            driver.delete_volume(group.volumes[0], call=self.call())

        assert [caught.value.backend_id for caught in (stopping, copying, deleting)] == [PRIMARY] * 3


class _Rounds:
    """A thread that starts round after round until one fails."""

    def __init__(self, harness: Harness, group: Group, target: str, writer: write_order.Writer) -> None:
        self.safe = 0
        """How many writes were acknowledged before the last finished round began."""
        self._harness, self._group, self._target, self._writer = harness, group, target, writer
        self._begun = 0
        self._seconds = 0.0
        self._news = threading.Condition()
        self._call = harness.call()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="rounds", daemon=True)

    def __enter__(self) -> _Rounds:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._over.set()
        self._call.stop("the trial is over")
        self._thread.join(timeout=60)
        if self._thread.is_alive():
            raise AssertionError("A stopped round did not end within 60 s.")

    def await_middle(self, number: int) -> None:
        """Wait until this round has begun, and then some of the time the one before it took."""
        with self._news:
            if not self._news.wait_for(lambda: self._begun >= number, timeout=60):
                raise AssertionError(f"{self._begun} of {number} rounds were begun within 60 s.")
        time.sleep(random.uniform(0, self._seconds))  # noqa: S311 - any moment will do

    def _run(self) -> None:
        driver = self._harness.make_driver()
        # The round that the primary's death or the trial's end cuts off ends the thread.
        with contextlib.suppress(DriverError, write_order.ClientRefused):
            while not self._over.is_set():
                self._writer.await_acknowledged(self._writer.acknowledged + 8)
                acknowledged, self._call = self._writer.acknowledged, self._harness.call()
                began = time.monotonic()
                self._tell_begun()
                driver.replicate(self._group, backend_id=self._target, call=self._call)
                self.safe, self._seconds = acknowledged, time.monotonic() - began

    def _tell_begun(self) -> None:
        with self._news:
            self._begun += 1
            self._news.notify_all()

"""Test copies: one point of the whole group, writable, isolated, gone without a trace; replication never minds."""

from __future__ import annotations

import pytest

from drivers import write_order
from drivers.base import PRIMARY, Group
from drivers.conformance.harness import BLOCK, CHUNK, VOLUME_BYTES, Harness, pattern
from drivers.errors import CopyGone, DriverError, Refused, StaleEpoch
from drivers.rehearsing import CopyCheck, RunningCopy

COPY = "drill-1"


class Rehearsing(Harness):
    """Test copies. Of a driver that makes none, only that it says so is asked."""

    @pytest.fixture
    def _copies(self) -> None:
        if not self.make_driver().capabilities.test_copies:
            pytest.skip("The driver declares that it makes no test copies.")

    def test_a_driver_without_test_copies_says_so(self) -> None:
        driver = self.make_driver()
        group = self.replicated_group(1)
        if driver.capabilities.test_copies:
            assert driver.test_copies(group, call=self.call()) == []
        else:
            with pytest.raises(Refused):
                self._start(group)

    @pytest.mark.usefixtures("_copies")
    def test_a_test_copy_is_one_point_of_the_group_and_stays_there_while_rounds_go_on(self) -> None:
        group, target = self.new_group(), self.targets[0]
        layout = write_order.Layout(volume_ids=[volume.id for volume in group.volumes], blocks=8)
        driver = self.make_driver()
        driver.enable_replication(group, call=self.call())
        with write_order.Writer(layout=layout, write=lambda *place: self.write(PRIMARY, *place)) as writer:
            writer.await_acknowledged(30)
            driver.replicate(group, call=self.call(2))
            copy = self._start(group)
            first = self._judge(group, layout)
            for epoch in (3, 4, 5):
                writer.await_acknowledged(writer.acknowledged + 30)
                driver.replicate(group, call=self.call(epoch))
            assert self._judge(group, layout) == first
        assert first.holes == 0
        assert first.reached >= 30
        assert copy.point_at <= copy.started_at
        assert self.observe(group).side(target).consistent_at > copy.point_at  # type: ignore[operator]
        self._stop(group)

    @pytest.mark.usefixtures("_copies")
    def test_what_the_active_side_holds_now_can_be_read_while_its_clients_write(self) -> None:
        group = self.replicated_group()
        layout = write_order.Layout(volume_ids=[volume.id for volume in group.volumes], blocks=8)
        with write_order.Writer(layout=layout, write=lambda *place: self.write(PRIMARY, *place)) as writer:
            writer.await_acknowledged(30)
            before = writer.acknowledged
            reached = write_order.judge(layout, lambda *place: self._read_active(group, *place)).reached
            assert before <= reached <= writer.acknowledged + 1

    @pytest.mark.usefixtures("_copies")
    def test_what_is_written_to_a_test_copy_is_nowhere_else(self) -> None:
        group, target = self.replicated_group(), self.targets[0]
        driver, volume = self.make_driver(), group.volumes[0]
        there = driver.digest(group, backend_id=target, call=self.call())
        self._start(group)

        self.write_test_copy(target, COPY, volume.id, CHUNK, pattern(9, CHUNK))

        assert self._read(group, volume.id, CHUNK) == pattern(9, CHUNK)
        assert self._read(group, volume.id, 0) == self.read(PRIMARY, volume.id, 0, CHUNK)
        assert driver.digest(group, backend_id=target, call=self.call()) == there
        self.fill(PRIMARY, group, seed=7, offset=CHUNK, length=CHUNK)
        driver.replicate(group, call=self.call(2))
        assert self._read(group, volume.id, CHUNK) == pattern(9, CHUNK)
        there = driver.digest(group, backend_id=target, call=self.call())
        self._stop(group)
        assert driver.digest(group, backend_id=target, call=self.call()) == there

    @pytest.mark.usefixtures("_copies")
    def test_a_test_copy_leaves_nothing_behind(self) -> None:
        group, target = self.replicated_group(), self.targets[0]
        driver = self.make_driver()
        before, stock = driver.inventory(group, backend_id=target, call=self.call()), self.stock()

        for _ in range(2):
            self._start(group)
        during = driver.inventory(group, backend_id=target, call=self.call())
        self.fill(PRIMARY, group, seed=5, length=CHUNK)
        driver.replicate(group, call=self.call(2))
        for _ in range(2):
            self._stop(group)

        assert set(before) < set(during)
        assert set(driver.inventory(group, backend_id=target, call=self.call())) == set(before)
        assert self.stock() == stock
        assert driver.test_copies(group, call=self.call()) == []

    @pytest.mark.usefixtures("_copies")
    def test_a_start_or_stop_killed_anywhere_leaves_nothing_once_it_was_stopped(self) -> None:
        group, target = self.replicated_group(), self.targets[0]
        stock = self.stock()
        for number, delay in enumerate(self.crash_delays):
            copy_id = f"drill-{number}"
            self.killed(
                lambda driver, copy_id=copy_id: driver.start_test_copy(  # type: ignore[misc]
                    group, backend_id=target, copy_id=copy_id, call=self.call()
                ),
                delay,
            )
            copy = self._start(group, copy_id=copy_id, epoch=2)
            assert set(copy.addresses) == {volume.id for volume in group.volumes}
            assert self._checked(group, copy_id=copy_id)[0].bytes_different == 0
            self.killed(
                lambda driver, copy_id=copy_id: driver.stop_test_copy(  # type: ignore[misc]
                    group, backend_id=target, copy_id=copy_id, call=self.call(2)
                ),
                delay,
            )
            self._stop(group, copy_id=copy_id, epoch=3)
            assert self.stock() == stock

    @pytest.mark.usefixtures("_copies")
    def test_a_check_finds_the_copy_equal_to_the_active_side_as_it_was(self) -> None:
        group, target = self.replicated_group(), self.targets[0]
        digests = self.make_driver().digest(group, backend_id=target, call=self.call())
        self._start(group)

        before = self._checked(group)
        self.fill(PRIMARY, group, seed=6, offset=CHUNK, length=CHUNK)
        self.make_driver().replicate(group, call=self.call(2))
        self.fill(PRIMARY, group, seed=7, offset=CHUNK * 4, length=CHUNK)
        self.write_test_copy(target, COPY, group.volumes[0].id, 0, pattern(9, CHUNK))
        after = self._checked(group)

        assert {check.volume_id: check.digest for check in before} == digests
        assert {check.volume_id: check.digest for check in after} == digests
        assert all(check.not_compared == "" and check.bytes_different == 0 for check in [*before, *after])
        assert {check.bytes_same for check in before} == {VOLUME_BYTES}
        assert all(2 * CHUNK <= check.bytes_changed <= 3 * CHUNK for check in after)
        assert all(check.bytes_same == VOLUME_BYTES - check.bytes_changed for check in after)

    @pytest.mark.usefixtures("_copies")
    def test_a_block_that_rotted_on_the_target_is_found_and_named(self) -> None:
        group, target = self.replicated_group(), self.targets[0]
        rotten = group.volumes[1]
        self.rot(target, rotten.id, CHUNK + BLOCK)
        self._start(group)

        found = {check.volume_id: check for check in self._checked(group)}

        assert found[rotten.id].bytes_different == BLOCK
        assert found[rotten.id].differences == ((CHUNK + BLOCK, BLOCK),)
        assert {check.bytes_different for each, check in found.items() if each != rotten.id} == {0}

    @pytest.mark.usefixtures("_copies")
    def test_a_check_without_the_active_side_still_digests(self) -> None:
        group, target = self.replicated_group(), self.targets[0]
        digests = self.make_driver().digest(group, backend_id=target, call=self.call())
        self.site_down(PRIMARY)
        self._start(group)

        found = self._checked(group)

        assert {check.volume_id: check.digest for check in found} == digests
        assert all(check.not_compared and not check.bytes_same for check in found)
        self._stop(group)

    @pytest.mark.usefixtures("_copies")
    def test_a_failover_is_not_held_up_by_a_test_copy_and_ends_it(self) -> None:
        group, target = self.replicated_group(), self.targets[0]
        self._start(group, epoch=50)

        self.fail_over(group, target, epoch=2)

        assert self.writable(target, group) == {True}
        with pytest.raises(CopyGone):
            self._checked(group)
        self._stop(group, epoch=50)
        assert self.make_driver().test_copies(group, call=self.call()) == []
        with pytest.raises(Refused):
            self._start(group, epoch=51)

    @pytest.mark.usefixtures("_copies")
    def test_the_end_of_replication_ends_test_copies(self) -> None:
        group = self.new_group()
        stock = self.stock()
        driver = self.make_driver()
        driver.enable_replication(group, call=self.call())
        self._start(group)

        driver.disable_replication(group, call=self.call(2))

        assert self.stock() == stock
        with pytest.raises(DriverError):
            self._start(group, epoch=2)

    @pytest.mark.usefixtures("_copies")
    def test_whoever_is_late_starts_no_copy_that_was_stopped(self) -> None:
        group = self.replicated_group()
        self._start(group, epoch=5)
        with pytest.raises(StaleEpoch):
            self._stop(group, epoch=4)
        self._stop(group, epoch=6)

        with pytest.raises(StaleEpoch):
            self._start(group, epoch=5)

        # The epochs of copies and of their group have nothing to do with each other.
        self.make_driver().replicate(group, call=self.call(1))

    @pytest.mark.usefixtures("_copies")
    def test_test_copies_outlive_a_restart_of_their_side(self) -> None:
        group, target = self.replicated_group(), self.targets[0]
        self._start(group)
        self.site_down(target)
        self.site_up(target)
        self.fill(PRIMARY, group, seed=5, length=CHUNK)
        self.make_driver().enable_replication(group, call=self.call(2))

        [copy] = self.make_driver().test_copies(group, call=self.call())

        if not copy.problem:
            assert self._read(group, group.volumes[0].id, 0) == pattern(1000, CHUNK)
        self._stop(group)

    def _start(self, group: Group, *, copy_id: str = COPY, epoch: int = 1) -> RunningCopy:
        return self.make_driver().start_test_copy(
            group, backend_id=self.targets[0], copy_id=copy_id, call=self.call(epoch)
        )

    def _stop(self, group: Group, *, copy_id: str = COPY, epoch: int = 1) -> None:
        self.make_driver().stop_test_copy(group, backend_id=self.targets[0], copy_id=copy_id, call=self.call(epoch))

    def _checked(self, group: Group, *, copy_id: str = COPY) -> list[CopyCheck]:
        driver = self.make_driver()
        return list(driver.check_test_copy(group, backend_id=self.targets[0], copy_id=copy_id, call=self.call()))

    def _read(self, group: Group, volume_id: str, offset: int, length: int = CHUNK) -> bytes:
        return self.make_driver().read_test_copy(
            group,
            backend_id=self.targets[0],
            copy_id=COPY,
            volume_id=volume_id,
            offset=offset,
            length=length,
            call=self.call(),
        )

    def _read_active(self, group: Group, volume_id: str, offset: int, length: int = CHUNK) -> bytes:
        driver = self.make_driver()
        return driver.read_active(group, volume_id=volume_id, offset=offset, length=length, call=self.call())

    def _judge(self, group: Group, layout: write_order.Layout) -> write_order.Verdict:
        return write_order.judge(layout, lambda *place: self._read(group, *place))

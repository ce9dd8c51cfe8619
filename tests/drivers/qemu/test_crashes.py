"""Whoever is killed, and whenever: the next call ends right."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable

import pytest

from drivers.base import PRIMARY, Driver, Group
from drivers.errors import DriverError
from drivers.qemu import record
from tests.drivers.qemu.children import killed_during
from tests.drivers.qemu.daemons import Sites

TARGET = "target-a"
MIB = 1 << 20
DELAYS = (0.005, 0.02, 0.04, 0.06, 0.09, 0.13)


def _changed(sites: Sites, group: Group, side: str) -> None:
    for volume in group.volumes:
        sites.write(side, volume.id, random.randrange(8) * MIB, random.randbytes(4 * MIB))


def _replicated(sites: Sites) -> Group:
    group = sites.group(3, size_bytes=16 * MIB)
    _changed(sites, group, PRIMARY)
    sites.driver().enable_replication(group, call=sites.call())
    return group


def _digests(sites: Sites, group: Group, side: str) -> object:
    return dict(sites.driver().digest(group, backend_id=side, call=sites.call()))


def test_a_worker_killed_in_the_middle_of_a_round_leaves_an_older_point_or_this_one(sites: Sites) -> None:
    group = _replicated(sites)
    interrupted = []
    for delay in DELAYS:
        points = [_digests(sites, group, TARGET)]
        _changed(sites, group, PRIMARY)
        points.append(_digests(sites, group, PRIMARY))

        interrupted.append(
            killed_during(sites, lambda driver: driver.replicate(group, call=sites.call()), after_seconds=delay)
        )

        assert _digests(sites, group, TARGET) in points
        sites.driver().replicate(group, call=sites.call())
        assert _digests(sites, group, TARGET) == points[-1]
        assert sites.driver().observe(group, call=sites.call(0)).detail == ""
    assert any(interrupted)


def test_a_worker_killed_in_the_middle_of_a_promotion_is_taken_over(sites: Sites) -> None:
    group = _replicated(sites)
    source, side, epoch = PRIMARY, TARGET, 2
    for delay in DELAYS[:4]:
        if source == PRIMARY:
            sites.driver().enable_replication(group, call=sites.call(epoch))
        _changed(sites, group, source)
        sites.driver().stop_writes(group, call=sites.call(epoch))
        sites.driver().replicate(group, backend_id=side, call=sites.call(epoch))
        expected = _digests(sites, group, source)

        killed_during(sites, _promotion(group, side, epoch, sites), after_seconds=delay / 4)

        _promotion(group, side, epoch, sites)(sites.driver())
        sites.driver().retire(group, backend_id=source, call=sites.call(epoch))
        facts = sites.driver().observe(group, call=sites.call(0))
        assert (facts.active_side, facts.writable, facts.detail) == (side, True, "")
        assert _digests(sites, group, side) == expected
        source, side, epoch = side, source, epoch + 1


def _promotion(group: Group, side: str, epoch: int, sites: Sites) -> Callable[[Driver], object]:
    return lambda driver: driver.promote(group, backend_id=side, call=sites.call(epoch))


def test_a_worker_killed_in_the_middle_of_a_failback_is_taken_over(sites: Sites) -> None:
    group = _replicated(sites)
    for number, delay in enumerate(DELAYS):
        epoch = 2 + 2 * number
        _changed(sites, group, PRIMARY)
        sites.kill(PRIMARY)
        sites.driver().promote(group, backend_id=TARGET, call=sites.call(epoch))
        _changed(sites, group, TARGET)
        sites.start(PRIMARY)

        killed_during(sites, _failback(group, epoch + 1, sites), after_seconds=delay)

        facts = sites.driver().observe(group, call=sites.call(0))
        if facts.active_side == TARGET:
            expected = _digests(sites, group, TARGET)
            _failback(group, epoch + 1, sites)(sites.driver())
            assert _digests(sites, group, PRIMARY) == expected
        sites.driver().retire(group, backend_id=TARGET, call=sites.call(epoch + 1))
        facts = sites.driver().enable_replication(group, call=sites.call(epoch + 1))
        assert (facts.active_side, facts.writable, facts.replicating) == (PRIMARY, True, True)
        assert _digests(sites, group, PRIMARY) == _digests(sites, group, TARGET)


def _failback(group: Group, epoch: int, sites: Sites) -> Callable[[Driver], object]:
    def work(driver: Driver) -> None:
        driver.replicate(group, backend_id=PRIMARY, call=sites.call(epoch))
        driver.stop_writes(group, call=sites.call(epoch))
        driver.replicate(group, backend_id=PRIMARY, call=sites.call(epoch))
        driver.promote(group, backend_id=PRIMARY, call=sites.call(epoch))

    return work


@pytest.mark.parametrize("source", [PRIMARY, TARGET])
def test_a_receiving_daemon_killed_in_a_round_holds_an_older_point_or_this_one(sites: Sites, source: str) -> None:
    group = _replicated(sites)
    receiver = TARGET if source == PRIMARY else PRIMARY
    if source == TARGET:
        sites.driver().stop_writes(group, call=sites.call(2))
        sites.driver().replicate(group, backend_id=TARGET, call=sites.call(2))
        sites.driver().promote(group, backend_id=TARGET, call=sites.call(2))
        sites.driver().retire(group, backend_id=PRIMARY, call=sites.call(2))
    for delay in DELAYS:
        points = [_digests(sites, group, receiver)]
        _changed(sites, group, source)
        points.append(_digests(sites, group, source))
        outcome = _round_in_thread(sites, group, receiver, kill_after=delay)

        sites.start(receiver)

        assert _digests(sites, group, receiver) in points
        if outcome == "ended":
            assert _digests(sites, group, receiver) == points[-1]
        sites.driver().replicate(group, backend_id=receiver, call=sites.call(2))
        assert _digests(sites, group, receiver) == points[-1]


def _round_in_thread(sites: Sites, group: Group, receiver: str, *, kill_after: float) -> str:
    outcome: list[str] = []

    def work() -> None:
        try:
            sites.driver().replicate(group, backend_id=receiver, call=sites.call(2))
            outcome.append("ended")
        except DriverError as error:
            outcome.append(error.code)

    thread = threading.Thread(target=work)
    thread.start()
    time.sleep(kill_after)
    sites.kill(receiver)
    thread.join()
    return outcome[0]


def test_a_round_recorded_whole_is_rolled_forward_by_the_promotion(sites: Sites) -> None:
    group = _replicated(sites)
    expected = _round_killed_while_moving_in(sites, group)
    sites.kill(PRIMARY)
    sites.start(TARGET)

    sites.driver().promote(group, backend_id=TARGET, call=sites.call(2))

    assert record.load(sites.folders[TARGET], group_id=group.id).staged is None
    assert _digests(sites, group, TARGET) == expected


def _round_killed_while_moving_in(sites: Sites, group: Group) -> object:
    """Kill the target's daemon when its record says that a round is whole, but its images do not hold it yet."""
    for _ in range(20):
        _changed(sites, group, PRIMARY)
        expected = _digests(sites, group, PRIMARY)
        thread = threading.Thread(target=_round_that_may_fail, args=(sites, group))
        thread.start()
        while thread.is_alive() and record.load(sites.folders[TARGET], group_id=group.id).staged is None:
            time.sleep(0.0002)
        sites.kill(TARGET)
        thread.join()
        if record.load(sites.folders[TARGET], group_id=group.id).staged is not None:
            return expected
        sites.start(TARGET)
    raise AssertionError("The daemon was never caught between the two.")


def _round_that_may_fail(sites: Sites, group: Group) -> None:
    with contextlib.suppress(DriverError):
        sites.driver().replicate(group, call=sites.call())

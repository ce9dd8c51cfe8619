"""What a failover keeps, under load: no holes ever, nothing lost when planned."""

from __future__ import annotations

import contextlib
import random
import threading
import time

import pytest

from drivers import write_order
from drivers.base import PRIMARY, Group
from drivers.errors import DriverError
from tests.drivers.qemu.daemons import Sites


def _rounds_until_it_fails(sites: Sites, group: Group, writer: write_order.Writer, brought: list[int]) -> None:
    """Run rounds as long as the primary answers; note what each one that ended must have brought."""
    with contextlib.suppress(DriverError):
        while True:
            acknowledged = writer.acknowledged
            sites.driver().replicate(group, backend_id="target-a", call=sites.call())
            brought.append(acknowledged)


def _unplanned_failover(seed: int) -> None:
    sites = Sites(targets=["target-a"])
    try:
        chance = random.Random(seed)
        group = sites.group(chance.choice([2, 3, 5]), size_bytes=1 << 20)
        sites.driver().enable_replication(group, call=sites.call())
        brought = [0]

        with sites.writer(PRIMARY, group) as writer:
            rounds = threading.Thread(target=_rounds_until_it_fails, args=(sites, group, writer, brought))
            writer.await_acknowledged(50)
            rounds.start()
            time.sleep(chance.uniform(0.2, 0.8))
            sites.kill(PRIMARY)
        rounds.join()
        sites.driver().promote(group, backend_id="target-a", call=sites.call(2))

        verdict = sites.judge("target-a", writer)
        assert verdict.holes == 0
        assert verdict.reached >= brought[-1]
    finally:
        sites.end()


@pytest.mark.parametrize("seed", range(10))
def test_unplanned_failover_in_the_middle_of_rounds_leaves_no_hole(seed: int) -> None:
    _unplanned_failover(seed)


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_a_hundred_unplanned_failovers_leave_no_hole() -> None:
    for seed in range(100, 200):
        _unplanned_failover(seed)


def test_planned_failover_under_load_loses_nothing_that_was_acknowledged(sites: Sites) -> None:
    group = sites.group(3, size_bytes=1 << 20)
    driver = sites.driver()
    driver.enable_replication(group, call=sites.call())

    with sites.writer(PRIMARY, group) as writer:
        writer.await_acknowledged(300)
        driver.replicate(group, call=sites.call())
        driver.stop_writes(group, call=sites.call(2))
        driver.replicate(group, backend_id="target-a", call=sites.call(2))
        driver.promote(group, backend_id="target-a", call=sites.call(2))
        driver.retire(group, backend_id=PRIMARY, call=sites.call(2))

    verdict = sites.judge("target-a", writer)
    assert verdict.holes == 0
    assert writer.acknowledged <= verdict.reached <= writer.acknowledged + 1


@pytest.mark.parametrize("end", ["kill", "freeze"])
def test_a_target_that_fails_in_the_middle_of_a_round_does_not_disturb_clients(sites: Sites, end: str) -> None:
    group = sites.group(2, size_bytes=64 << 20)
    for volume in group.volumes:
        sites.write(PRIMARY, volume.id, 0, random.randbytes(32 << 20))
    failing = getattr(sites, end)
    copying = threading.Event()

    def progress(done: int, total: int, unit: str, waiting_for: str) -> None:
        if unit == "bytes" and done and not copying.is_set():
            copying.set()
            failing("target-a")

    call = type(sites.call())(epoch=1, deadline_seconds=3.0, on_progress=progress)
    with sites.writer(PRIMARY, group, blocks=2048) as writer:
        with pytest.raises(DriverError):
            sites.driver().enable_replication(group, call=call)
        assert copying.is_set()
        writer.await_acknowledged(writer.acknowledged + 500)
    if end == "freeze":
        sites.thaw("target-a")

    assert sites.judge(PRIMARY, writer).reached == writer.acknowledged
    assert sites.driver().observe(group, call=sites.call(0)).writable

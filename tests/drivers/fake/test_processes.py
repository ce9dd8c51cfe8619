"""Many processes and threads share one fake storage, and any may be killed."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import pathlib
import sqlite3
import time

from drivers.base import PRIMARY, Call
from drivers.errors import StaleEpoch
from drivers.fake.control import Control

from .conftest import TARGET, World, make_driver, make_group

PROCESSES = 4
ROUNDS = 10


def work(folder: pathlib.Path) -> str:
    """Make a group and move it to and fro; return its id."""
    driver = make_driver(folder)
    group = make_group(driver, 3)
    for epoch in range(2, 2 + ROUNDS, 2):
        for source, side, number in ((PRIMARY, TARGET, epoch), (TARGET, PRIMARY, epoch + 1)):
            driver.stop_writes(group, call=Call(epoch=number))
            driver.replicate(group, backend_id=side, call=Call(epoch=number))
            driver.promote(group, backend_id=side, call=Call(epoch=number))
            driver.retire(group, backend_id=source, call=Call(epoch=number))
        driver.enable_replication(group, call=Call(epoch=epoch + 1))
    assert driver.observe(group, call=Call(epoch=0)).active_side == PRIMARY
    return group.id


def test_many_processes_make_the_storage_at_once_and_all_their_calls_count(tmp_path: pathlib.Path) -> None:
    context = multiprocessing.get_context("fork")
    with concurrent.futures.ProcessPoolExecutor(PROCESSES, mp_context=context) as pool:
        groups = list(pool.map(work, [tmp_path] * PROCESSES))

    log = Control(folder=tmp_path).log(method="promote")
    assert sorted(call.owner for call in log) == sorted(groups * ROUNDS)
    assert {call.outcome for call in log} == {"ok"}
    assert len({call.process_id for call in log}) > 1


def test_threads_that_move_one_group_leave_it_with_the_newest_epoch(world: World) -> None:
    def move(epoch: int) -> str:
        try:
            world.driver().promote(world.group, backend_id=TARGET if epoch % 2 else PRIMARY, call=Call(epoch=epoch))
        except StaleEpoch:
            return "stale"
        return "moved"

    world.driver().stop_writes(world.group, call=Call(epoch=2))
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(move, range(3, 43)))

    facts = world.driver().observe(world.group, call=Call(epoch=0))
    assert outcomes[-2:] == ["moved", "moved"]
    assert facts.epoch == 42
    assert facts.active_side == PRIMARY


def test_a_process_killed_again_and_again_leaves_the_file_whole(tmp_path: pathlib.Path) -> None:
    context = multiprocessing.get_context("fork")
    work(tmp_path)

    for number in range(12):
        child = context.Process(target=work, args=(tmp_path,))
        child.start()
        time.sleep(0.01 * number)
        child.kill()
        child.join()

    connection = sqlite3.connect(tmp_path / "state.sqlite3")
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    work(tmp_path)

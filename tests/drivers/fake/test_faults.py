"""What the fake storage is told to do wrong happens, there and as often as told."""

from __future__ import annotations

import multiprocessing
import threading
import time

import pytest

from drivers.base import PRIMARY, Call
from drivers.errors import CallCanceled, CallTimedOut, DriverError, SiteUnavailable, StaleEpoch

from .conftest import OTHER, TARGET, World


def promote(world: World, *, epoch: int = 2, call: Call | None = None) -> object:
    return world.driver().promote(world.group, backend_id=TARGET, call=call or Call(epoch=epoch))


@pytest.mark.parametrize("when, moved", [("before", 1), ("after", 2)])
def test_a_failure_at_the_second_volume_leaves_what_was_done_until_there(world: World, when: str, moved: int) -> None:
    world.control.add_fault(call="promote", volume=2, when=when, action="fail", times=1)

    with pytest.raises(DriverError, match="told to fail in promote at volume 2") as caught:
        promote(world)

    assert caught.value.retryable is False
    assert world.roles()[TARGET] == ["active"] * moved + ["receiver"] * (3 - moved)
    facts = world.driver().observe(world.group, call=Call(epoch=0))
    assert facts.active_side is None
    assert [volume.active_side for volume in facts.volumes] == [TARGET] * moved + [PRIMARY] * (3 - moved)


def test_the_same_call_finishes_what_a_failure_cut_off(world: World) -> None:
    world.control.add_fault(call="promote", volume=2, when="after", action="fail-retryable", times=1)
    with pytest.raises(DriverError) as caught:
        promote(world)

    promote(world)

    assert caught.value.retryable is True
    assert world.roles()[TARGET] == ["active"] * 3


def test_a_partial_planned_promotion_can_be_taken_back(world: World) -> None:
    driver = world.driver()
    driver.stop_writes(world.group, call=Call(epoch=2))
    driver.replicate(world.group, backend_id=TARGET, call=Call(epoch=2))
    world.control.add_fault(call="promote", volume=3, action="fail", times=1)
    with pytest.raises(DriverError):
        promote(world)

    driver.promote(world.group, backend_id=PRIMARY, call=Call(epoch=3))
    driver.retire(world.group, backend_id=TARGET, call=Call(epoch=3))

    facts = driver.observe(world.group, call=Call(epoch=0))
    assert (facts.active_side, facts.writable) == (PRIMARY, True)
    assert facts.side(TARGET).consistent_at is not None


def test_a_round_that_fails_at_a_volume_leaves_the_older_point(world: World) -> None:
    volume_id = world.group.volumes[0].id
    before = world.driver().digest(world.group, backend_id=TARGET, call=Call(epoch=1))
    world.control.write(side=PRIMARY, volume_id=volume_id, offset=0, data=b"newer")
    world.control.add_fault(call="replicate", volume=2, action="fail", times=1)

    with pytest.raises(DriverError):
        world.driver().replicate(world.group, backend_id=TARGET, call=Call(epoch=1))

    assert world.driver().digest(world.group, backend_id=TARGET, call=Call(epoch=1)) == before
    promote(world)
    assert world.control.read(side=TARGET, volume_id=volume_id, offset=0, length=5) == bytes(5)


@pytest.mark.parametrize("when, roles", [("before", "receiver"), ("after", "active")])
def test_a_failure_of_the_call_as_a_whole_comes_before_or_after_its_effect(world: World, when: str, roles: str) -> None:
    world.control.add_fault(call="promote", when=when, action="fail")

    with pytest.raises(DriverError):
        promote(world)

    assert world.roles()[TARGET] == [roles] * 3


def test_a_fault_happens_as_often_as_told(world: World) -> None:
    world.control.add_fault(call="stop_writes", action="fail", times=2)
    outcomes = []

    for _ in range(3):
        try:
            outcomes.append(world.driver().stop_writes(world.group, call=Call(epoch=1)))
        except DriverError as error:
            outcomes.append(error.code)

    assert outcomes == ["driver_error", "driver_error", None]


def test_a_fault_for_one_group_spares_the_others(world: World) -> None:
    world.control.add_fault(call="*", action="fail", group_id="another group")

    assert promote(world) is not None


def test_a_bug_is_acted_out_as_a_plain_value_error(world: World) -> None:
    world.control.add_fault(call="promote", action="raise-value-error")

    with pytest.raises(ValueError, match="told to have a bug"):
        promote(world)


def test_a_call_can_return_nothing(world: World) -> None:
    world.control.add_fault(call="promote", volume=3, action="return-none")

    assert promote(world) is None
    assert world.roles()[TARGET] == ["active", "active", "receiver"]


def test_wrong_facts_name_the_volume_told(world: World) -> None:
    world.control.add_fault(call="promote", volume=2, action="wrong-facts")

    facts = world.driver().promote(world.group, backend_id=TARGET, call=Call(epoch=2))

    assert [volume.active_side for volume in facts.volumes] == [TARGET, None, TARGET]
    assert [bool(volume.error) for volume in facts.volumes] == [False, True, False]
    assert facts.active_side is None
    assert world.roles()[TARGET] == ["active"] * 3


def test_a_skipped_volume_is_left_behind_without_an_error(world: World) -> None:
    world.control.add_fault(call="promote", volume=2, action="skip")

    facts = world.driver().promote(world.group, backend_id=TARGET, call=Call(epoch=2))

    assert [volume.active_side for volume in facts.volumes] == [TARGET, None, TARGET]
    assert world.roles()[TARGET] == ["active", "receiver", "active"]


def test_a_slow_call_takes_its_time_and_ends_well(world: World) -> None:
    world.control.add_fault(call="promote", action="slow", seconds=0.1)
    began = time.monotonic()

    assert promote(world) is not None
    assert time.monotonic() - began >= 0.1


def test_a_hanging_call_ends_at_its_deadline(world: World) -> None:
    world.control.add_fault(call="promote", volume=2, action="hang")

    with pytest.raises(CallTimedOut):
        promote(world, call=Call(epoch=2, deadline_seconds=0.1))

    assert world.roles()[TARGET] == ["active", "receiver", "receiver"]


def test_a_hanging_call_ends_when_it_is_stopped(world: World) -> None:
    world.control.add_fault(call="promote", action="hang")
    call = Call(epoch=2)
    stopper = threading.Timer(0.1, call.stop, ["enough"])
    stopper.start()

    with pytest.raises(CallCanceled, match="enough"):
        promote(world, call=call)

    stopper.join()


def test_a_deaf_call_hangs_past_cancel_and_deadline_until_its_fault_is_cleared(world: World) -> None:
    fault = world.control.add_fault(call="promote", volume=2, action="ignore-cancel", times=1)
    call = Call(epoch=2, deadline_seconds=0.5)
    caught: list[str] = []

    def work() -> None:
        try:
            promote(world, call=call)
        except DriverError as error:
            caught.append(error.code)

    thread = threading.Thread(target=work)
    thread.start()
    await_taken(world, fault)
    call.stop("enough")
    thread.join(0.3)
    hung = thread.is_alive()
    world.control.clear_faults(fault)
    thread.join(20)

    assert hung
    assert not thread.is_alive()
    assert caught == ["canceled"]


def test_a_call_woken_after_a_newer_one_has_no_further_effect(world: World) -> None:
    fault = world.control.add_fault(call="stop_writes", volume=2, action="ignore-cancel", times=1)
    caught: list[str] = []

    def late() -> None:
        try:
            world.driver().stop_writes(world.group, call=Call(epoch=2))
        except StaleEpoch as error:
            caught.append(error.code)

    thread = threading.Thread(target=late)
    thread.start()
    await_taken(world, fault)
    world.driver().allow_writes(world.group, call=Call(epoch=3))
    world.control.clear_faults()
    thread.join(20)

    assert caught == ["stale_epoch"]
    assert world.driver().observe(world.group, call=Call(epoch=0)).writable is True


def test_a_promotion_skipped_as_a_whole_returns_and_the_facts_say_the_old_side(world: World) -> None:
    world.control.add_fault(call="promote", action="skip", times=1)

    promote(world)

    facts = world.driver().observe(world.group, call=Call(epoch=0))
    assert (facts.active_side, facts.writable) == (PRIMARY, True)
    assert world.roles()[TARGET] == ["receiver"] * 3


@pytest.mark.parametrize("volume", [None, 1, 2, 3])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_resync_that_fails_anywhere_loses_neither_the_data_nor_the_undo_point(
    world: World, volume: int | None, when: str
) -> None:
    driver, group, call = world.driver(), world.group, Call(epoch=2)
    promote(world)
    for each in group.volumes:
        world.control.write(side=PRIMARY, volume_id=each.id, offset=0, data=b"written alone")
    driver.retire(group, backend_id=PRIMARY, call=call)
    world.control.add_fault(call="replicate", volume=volume, when=when, action="fail", times=1)
    with pytest.raises(DriverError):
        driver.replicate(group, backend_id=PRIMARY, call=call)

    unsent = driver.observe(group, call=Call(epoch=0)).side(PRIMARY).bytes_unsent
    whole = len(driver.undo_points(group, call=Call(epoch=0)))
    driver.replicate(group, backend_id=PRIMARY, call=call)

    assert (unsent, whole) == ((0, 1) if (volume, when) == (None, "after") else (3 * 4096, 0))
    [point] = driver.undo_points(group, call=Call(epoch=0))
    kept = [
        world.control.read_undo_point(point_id=point.id, volume_id=each.id, offset=0, length=13)
        for each in group.volumes
    ]
    assert kept == [b"written alone"] * 3


def test_a_crash_kills_the_process_where_told(world: World) -> None:
    world.control.add_fault(call="promote", volume=2, when="after", action="crash", times=1)
    child = multiprocessing.get_context("fork").Process(target=promote, args=(world,))

    child.start()
    child.join(30)

    assert child.exitcode == -9
    assert world.roles()[TARGET] == ["active", "active", "receiver"]
    assert world.control.log(method="promote")[0].outcome is None
    promote(world)
    assert world.roles()[TARGET] == ["active"] * 3


def test_a_side_that_is_down_refuses_at_once_and_is_named(world: World) -> None:
    world.control.site_down(TARGET)

    with pytest.raises(SiteUnavailable) as caught:
        promote(world)

    assert caught.value.backend_id == TARGET


def test_a_frozen_side_holds_a_call_until_its_deadline_and_a_look_not_at_all(world: World) -> None:
    world.control.site_frozen(TARGET)

    with pytest.raises(CallTimedOut):
        promote(world, call=Call(epoch=2, deadline_seconds=0.1))

    assert world.driver().observe(world.group, call=Call(epoch=0)).side(TARGET).reachable is False


def test_a_round_to_all_targets_serves_those_that_answer_and_names_the_other(world: World) -> None:
    world.control.site_down(TARGET)
    before = world.driver().observe(world.group, call=Call(epoch=0)).side(OTHER).consistent_at

    with pytest.raises(SiteUnavailable) as caught:
        world.driver().replicate(world.group, call=Call(epoch=1))

    after = world.driver().observe(world.group, call=Call(epoch=0)).side(OTHER).consistent_at
    assert caught.value.backend_id == TARGET
    assert before is not None
    assert after is not None
    assert after > before


def test_a_volume_is_not_forgotten_where_a_side_that_holds_it_does_not_answer(world: World) -> None:
    driver, group = world.driver(), world.group
    promote(world)
    driver.retire(group, backend_id=PRIMARY, call=Call(epoch=2))
    world.control.site_down(TARGET)
    world.control.site_down(OTHER)

    with pytest.raises(SiteUnavailable):
        driver.delete_volume(group.volumes[0], call=Call(epoch=2))

    assert f"volume {group.volumes[0].id}" in world.control.inventory(PRIMARY)


@pytest.mark.parametrize(
    "wrong",
    [
        {"action": "explode"},
        {"action": "fail", "when": "during"},
        {"action": "fail", "volume": 0},
        {"action": "fail", "times": 0},
        {"action": "slow", "seconds": -1.0},
        {"action": "fail", "call": "promotion"},
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(world: World, wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        world.control.add_fault(**{"call": "promote", **wrong})  # type: ignore[arg-type]

    assert world.control.faults() == []


def await_taken(world: World, fault_id: int) -> None:
    """Wait until a fault that happens once is happening."""
    ends = time.monotonic() + 20
    while [fault.times_left for fault in world.control.faults() if fault.id == fault_id] != [0]:
        assert time.monotonic() < ends, "the fault did not happen within 20 s"
        time.sleep(0.005)

"""W3, W4, C4 to C7: whatever a driver raises, returns or leaves out, a group ends in a true status with ways on."""

from __future__ import annotations

import time
from typing import Any

import pytest

from drivers.errors import CallCanceled, DriverError
from groups import models
from tests.api.v3 import people
from tests.faults.cinder_weaknesses import foreign, story
from tests.support import domain

VERBS = {
    "enable": (lambda site: site.new_group(2), "enable_replication", {}, "enable_replication", "error", ""),
    "disable": (lambda site: site.enabled_group(2), "disable_replication", {}, "disable_replication", "error", ""),
    "failover": (lambda site: site.enabled_group(2), story.FAILOVER, {}, "promote", "failover-error", ""),
    "failback": (
        lambda site: site.failed_over_group(2),
        story.FAILOVER,
        {"secondary_backend_id": "default"},
        "promote",
        "failover-error",
        "site-b",
    ),
}


class Unprintable(Exception):
    """An error that cannot even be shown."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


class Wordless(DriverError):
    """A driver's own error that never set its message."""

    def __init__(self) -> None:
        Exception.__init__(self, "something")


FOREIGN = [
    ValueError("bad"),
    KeyError("lun"),
    NotImplementedError(),
    TimeoutError("socket"),
    MemoryError(),
    SystemExit(1),
    KeyboardInterrupt(),
    Unprintable(),
    Wordless(),
    CallCanceled("nobody asked for it"),
]


def act(person: people.Person, group: models.Group, name: str, value: dict[str, Any]) -> models.Operation:
    """Ask for a verb, run it to its end and return its operation."""
    assert person.act(group, name, value).status == 202
    domain.drain_with_retries()
    return story.ended(group)


def fail_over(person: people.Person, group: models.Group, **value: Any) -> models.Operation:
    """Fail a group over, and return the operation once it has ended."""
    return act(person, group, story.FAILOVER, value)


@pytest.mark.parametrize("error", FOREIGN, ids=lambda error: type(error).__name__)
def test_w3_c4_an_error_that_is_not_the_drivers_own_ends_the_operation_like_any_other(cast, site, error):
    group = site.enabled_group(2)

    with foreign.doing("promote", foreign.raising(error)):
        operation = fail_over(cast.olga, group)

    assert (operation.state, operation.error_code) == ("failed", "driver_bug")
    assert operation.incident in operation.error
    assert story.told(operation) == []
    assert story.seen(cast.olga, site, group) == story.whole(2, replication="failover-error")
    assert story.moves(operation) == [
        ("replication_status", "enabled", "failing-over", 2),
        ("replication_status", "failing-over", "failover-error", 2),
    ]
    assert fail_over(cast.olga, group).state == "succeeded"


@pytest.mark.parametrize("verb", VERBS)
def test_w3_c4_an_error_after_the_work_was_done_leaves_no_verbs_group_in_between(cast, site, verb):
    prepare, name, value, method, failed, on = VERBS[verb]
    group = prepare(site)

    with foreign.doing(method, foreign.raising(TimeoutError("timed out"), late=True)):
        operation = act(cast.olga, group, name, value)

    assert operation.state == "failed"
    assert story.told(operation) == []
    assert story.seen(cast.olga, site, group) == story.whole(2, replication=failed, on=on)
    assert act(cast.olga, group, name, value).state == "succeeded"


def test_w3_a_driver_that_notices_its_deadline_late_was_not_canceled_by_anybody(cast, site, settings):
    settings.REPLSITE = settings.REPLSITE.model_copy(update={"driver_deadline_seconds": 0.3, "retry_limit": 1})
    group = site.enabled_group(1)

    def oversleep(call: Any) -> None:
        time.sleep(0.8)
        call.check()

    with foreign.doing("promote", foreign.instead(oversleep)):
        operation = fail_over(cast.olga, group)

    assert (operation.state, operation.error_code) == ("failed", "driver_timeout")
    assert operation.attempt == 2
    assert story.seen(cast.olga, site, group) == story.whole(1, replication="failover-error")


# What Cinder's drivers answer when a failover of some volume failed.
FALSEHOODS = {
    "nothing": None,
    "cinder's words": ({"replication_status": "failover-error"}, [{"replication_status": "failover-error"}]),
    "a word": "failed-over",
}


@pytest.mark.parametrize("answer", FALSEHOODS)
def test_w4_c7_an_answer_is_not_taken_for_success_when_nothing_was_done(cast, site, answer):
    group = site.enabled_group(3)

    with foreign.doing("promote", foreign.returning(FALSEHOODS[answer])):
        operation = fail_over(cast.olga, group)

    assert operation.state == "failed"
    assert operation.error_code in {"driver_bug", "not_confirmed"}
    assert story.seen(cast.olga, site, group) == story.whole(3, replication="failover-error")


def test_w4_c7_one_volume_of_three_left_out_in_silence_is_no_success(cast, site):
    group = site.enabled_group(3)
    left = domain.members(group)[1].name
    site.control.add_fault(call="promote", action="skip", volume=2, times=1)

    operation = fail_over(cast.olga, group)

    assert (operation.state, operation.error_code) == ("failed", "not_confirmed")
    assert left in operation.error
    assert story.seen(cast.olga, site, group).volumes == (("available", "failover-error"),) * 3
    assert fail_over(cast.olga, group, mode="unplanned").state == "succeeded"
    found = story.seen(cast.olga, site, group)
    assert found.volumes == (("available", "failed-over"),) * 3
    assert all("site-b" in sides for sides in found.writable)


def test_w4_c7_one_volume_of_three_said_to_be_bad_is_no_success(cast, site):
    group = site.enabled_group(3)
    bad = domain.members(group)[1].name
    site.control.add_fault(call="observe", action="wrong-facts", volume=2)

    operation = fail_over(cast.olga, group, mode="unplanned")

    site.control.clear_faults()
    assert operation.state == "failed"
    assert f"Volume {bad}: The fake storage was told to say so." in operation.truth
    assert story.seen(cast.olga, site, group).replication == "failover-error"
    assert fail_over(cast.olga, group).state == "succeeded"
    assert story.seen(cast.olga, site, group).replication == "failed-over"


def test_c5_a_driver_that_fails_before_touching_anything_costs_no_volume_and_no_verb(cast, site):
    group = site.enabled_group(3)
    site.control.add_fault(call="stop_writes", action="fail", times=1)

    operation = fail_over(cast.olga, group, mode="planned")

    assert operation.state == "failed"
    assert story.seen(cast.olga, site, group) == story.whole(3, replication="failover-error")
    assert story.leads(cast.olga, site, group) == story.LEADS["failover-error"]


def test_c6_two_of_three_volumes_moved_by_a_planned_failover_are_moved_back(cast, site):
    group = site.enabled_group(3)
    site.control.add_fault(call="promote", action="fail", volume=3, times=1)

    operation = fail_over(cast.olga, group, mode="planned")

    assert operation.state == "failed"
    assert story.seen(cast.olga, site, group) == story.whole(3, replication="failover-error")
    assert "The group is active on the primary and can be written there." in operation.truth
    assert story.leads(cast.olga, site, group) == story.LEADS["failover-error"]


def test_c6_two_of_three_volumes_moved_without_the_primary_leaves_a_way_forward_and_a_way_back(cast, site):
    group = site.enabled_group(3)
    first, second, third = (volume.name for volume in domain.members(group))
    site.control.site_down("")
    site.control.add_fault(call="promote", action="fail", volume=3, times=1)

    operation = fail_over(cast.olga, group)

    assert operation.state == "failed"
    assert f"on secondary 'site-b': {first}, {second}; on no side: {third}" in operation.truth
    found = story.seen(cast.olga, site, group)
    assert found.volumes == (("available", "failover-error"),) * 3
    assert found.writable == (("site-b",), ("site-b",), ())
    with story.as_if(site):
        assert fail_over(cast.olga, group).state == "succeeded"
        assert story.seen(cast.olga, site, group) == story.whole(3, replication="failed-over", on="site-b")
    site.control.site_up("")
    assert fail_over(cast.olga, group, secondary_backend_id="default").state == "succeeded"
    assert story.seen(cast.olga, site, group) == story.whole(3, replication="enabled")


def test_c6_with_two_of_three_volumes_moved_and_the_primary_back_a_person_says_which_way(cast, site):
    group = site.enabled_group(3)
    site.control.add_fault(call="promote", action="fail", volume=3, times=1)
    fail_over(cast.olga, group, mode="unplanned")
    site.control.forget_log()

    undecided = fail_over(cast.olga, group)

    assert (undecided.state, undecided.error_code) == ("failed", "driver_refused")
    assert "planned failover is not possible" in undecided.error
    assert "unplanned" in undecided.remedy
    assert "fail back" in undecided.remedy
    assert {call.method for call in site.control.log()} == {"observe"}
    with story.as_if(site):
        assert fail_over(cast.olga, group, mode="unplanned").state == "succeeded"
        assert story.seen(cast.olga, site, group).replication == "failed-over"
    assert fail_over(cast.olga, group, secondary_backend_id="default").state == "succeeded"
    assert story.seen(cast.olga, site, group) == story.whole(3, replication="enabled")

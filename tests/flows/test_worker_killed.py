"""A worker killed -9 in the middle of an operation: the next one goes on, nobody has to help."""

from __future__ import annotations

import pytest

from groups import models
from groups.services import replication
from tests.support import domain, processes

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

# The verb, a group ready for it, the driver's call that is cut off, and the status it must end in.
VERBS = {
    "enable": (lambda site: site.new_group(3), replication.enable, {}, "enable_replication", "enabled"),
    "disable": (lambda site: site.enabled_group(3), replication.disable, {}, "disable_replication", "disabled"),
    "failover": (lambda site: site.enabled_group(3), replication.failover, {}, "promote", "failed-over"),
    "failback": (
        lambda site: site.failed_over_group(3),
        replication.failover,
        {"secondary_backend_id": "default"},
        "promote",
        "enabled",
    ),
}


def is_hanging(site: domain.Site) -> bool:
    """Tell whether the one fault the storage was told of is being acted out."""
    return all(fault.times_left == 0 for fault in site.control.faults())


# The crash matrix kills everywhere; beside it these are enough for a quick run.
QUICK = {("failover", "before"), ("failback", "after")}
EVERY_CASE = [(verb, when) for verb in sorted(VERBS) for when in ("before", "after")]
CASES = [case if case in QUICK else pytest.param(*case, marks=pytest.mark.soak) for case in EVERY_CASE]


@pytest.mark.parametrize("verb, when", CASES)
def test_a_worker_killed_in_the_middle_of_a_driver_call_is_taken_over(site, crew, verb, when):
    prepare, start, options, method, status = VERBS[verb]
    group = prepare(site)
    site.control.forget_log()
    site.control.add_fault(call=method, action="hang", volume=2, when=when, times=1)
    first = crew.worker()
    operation = start(site.owner, group_id=group.pk, **options)
    processes.wait_until(lambda: is_hanging(site), what=f"a call of {method} that hangs")

    first.kill()
    crew.beat()
    crew.worker()
    crew.wait_for_end(operation)

    group.refresh_from_db()
    assert (operation.state, group.replication_status, group.status) == ("succeeded", status, "available")
    assert operation.attempt == 2
    assert {volume.replication_status for volume in domain.members(group)} == {status}
    calls = site.control.log(method=method)
    assert [call.outcome for call in calls] == [None, "ok"]
    assert calls[1].epoch > calls[0].epoch
    ends = models.Event.objects.filter(operation=operation, axis="operation.state", new="succeeded")
    assert ends.count() == 1


def test_a_worker_frozen_past_its_lease_has_no_effect_when_it_wakes(site, crew):
    group = site.enabled_group(2)
    site.control.add_fault(call="promote", action="ignore-cancel", seconds=4, times=1)
    first = crew.worker()
    operation = replication.failover(site.owner, group_id=group.pk, mode="unplanned")
    processes.wait_until(lambda: is_hanging(site), what="a call of promote that hangs")

    first.freeze()
    crew.beat()
    crew.worker()
    crew.wait_for_end(operation)
    first.wake()
    processes.wait_until(
        lambda: all(call.outcome is not None for call in site.control.log(method="promote")), what="the late call's end"
    )

    late, good = site.control.log(method="promote")
    operation.refresh_from_db()
    group.refresh_from_db()
    assert operation.state == "succeeded"
    assert group.replication_status == "failed-over"
    assert good.outcome == "ok"
    assert late.outcome in {"canceled", "stale_epoch"}

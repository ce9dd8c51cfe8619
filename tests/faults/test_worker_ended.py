"""Workers are stopped or killed in the middle of a long step: the operation ends right, and nobody helps."""

from __future__ import annotations

import signal

import pytest

from groups.services import replication
from tests.support import domain, doors, processes

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def call_hangs(site: domain.Site, *, times_left: int = 0) -> bool:
    """Tell whether the storage has begun to act out its one fault once more."""
    return all(fault.times_left == times_left for fault in site.control.faults())


@pytest.mark.soak
def test_a_worker_stopped_in_good_order_finishes_what_it_does_and_ends(site, crew):
    group = site.enabled_group(2)
    site.control.add_fault(call="promote", action="slow", seconds=4, times=1)
    worker = crew.worker()
    operation = replication.failover(site.owner, group_id=group.pk)
    processes.wait_until(lambda: call_hangs(site), what="a slow call of promote")

    worker.popen.send_signal(signal.SIGTERM)
    crew.wait_for_end(operation)

    assert (operation.state, operation.attempt) == ("succeeded", 1)
    processes.wait_until(lambda: worker.has_ended, what="the worker's end")


def test_a_worker_told_to_stop_at_once_is_taken_over_from(site, crew):
    group = site.enabled_group(2)
    site.control.add_fault(call="promote", action="hang", times=1)
    first = crew.worker()
    operation = replication.failover(site.owner, group_id=group.pk)
    processes.wait_until(lambda: call_hangs(site), what="a call of promote that hangs")

    first.popen.send_signal(signal.SIGQUIT)
    processes.wait_until(lambda: first.has_ended, what="the worker's end")
    crew.beat()
    crew.worker()
    crew.wait_for_end(operation)

    group.refresh_from_db()
    assert (operation.state, operation.attempt, group.replication_status) == ("succeeded", 2, "failed-over")
    assert [call.outcome for call in site.control.log(method="promote")][-1] == "ok"


@pytest.mark.soak
def test_two_workers_killed_one_after_the_other_over_an_operation_do_not_end_it(site, crew):
    group = site.enabled_group(2)
    site.control.add_fault(call="promote", action="hang", volume=2, times=2)
    operation = replication.failover(site.owner, group_id=group.pk)
    crew.beat()

    for left in (1, 0):
        worker = crew.worker()
        processes.wait_until(lambda left=left: call_hangs(site, times_left=left), what="a call of promote that hangs")
        worker.kill()
    crew.worker()
    crew.wait_for_end(operation)

    group.refresh_from_db()
    assert (operation.state, operation.attempt, group.replication_status) == ("succeeded", 3, "failed-over")
    epochs = [call.epoch for call in site.control.log(method="promote")]
    assert epochs == sorted(set(epochs))


@pytest.mark.soak
def test_each_next_operation_of_60_volumes_is_taken_as_soon_as_the_status_of_the_last_is_seen(site, crew):
    token, group = doors.token_of_member(site.project), site.enabled_group(60)
    web = crew.web()
    crew.worker()
    crew.beat()

    answers = []
    for target, status in [("site-b", "failed-over"), ("default", "enabled")] * 10:
        answers.append(web.act(token, group, failover_replication={"secondary_backend_id": target}).status)
        processes.wait_until(lambda status=status: seen(group, status), pause=0.005, what=f"{status}, {answers}")

    assert answers == [202] * 20
    assert [operation.state for operation in group.operations.filter(kind__startswith="fail")] == ["succeeded"] * 20


def seen(group, status: str) -> bool:
    """Tell whether a client sees this replication status."""
    group.refresh_from_db(fields=["replication_status"])
    return group.replication_status == status

"""The database dies in the middle of operations and comes back: they end right, and nobody helps."""

from __future__ import annotations

import time

import pytest
from django.db import connection

from groups.services import replication
from tests.support import doors, processes
from tests.support.workers import QUICK

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

LONG_LEASE = {"lease_seconds": "20", "heartbeat_seconds": "0.5"}
VERY_LONG_LEASE = {"lease_seconds": "600", "heartbeat_seconds": "0.5"}


def is_hanging(site) -> bool:
    """Tell whether the storage is acting out the one fault it was told of."""
    return all(fault.times_left == 0 for fault in site.control.faults())


def has_returned(site, method: str) -> bool:
    """Tell whether the last call of a method is over."""
    return site.control.log(method=method)[-1].outcome is not None


def has_let_go(worker) -> bool:
    """Tell whether a worker has left its operation to others, before or after its driver's return."""
    return any(word in worker.log.read_text() for word in ("database_failed", "lease_lost"))


def test_a_database_that_is_restarted_under_an_operation_is_waited_for(site, crew, postgresql):
    token, group, other = doors.token_of_member(site.project), site.enabled_group(2), site.enabled_group(1)
    site.control.add_fault(call="promote", action="hang", group_id=str(group.pk), times=1)
    web = crew.web()
    worker = crew.worker(**LONG_LEASE)
    crew.beat(**LONG_LEASE)
    operation = replication.failover(site.owner, group_id=group.pk)
    processes.wait_until(lambda: is_hanging(site), what="a call of promote that hangs")

    postgresql.crash()
    refused = web.act(token, other, disable_replication={})
    worker.wait_for("lease_not_renewed")
    postgresql.start()
    connection.close()
    accepted = web.act(token, other, disable_replication={})
    site.control.clear_faults()
    crew.wait_for_end(operation)

    group.refresh_from_db()
    assert (refused.status, accepted.status) == (503, 202)
    assert refused.seconds < 10
    assert (operation.state, operation.attempt, group.replication_status) == ("succeeded", 1, "failed-over")
    crew.wait_for_end(other.operations.latest("created_at"))
    assert other.operations.filter(kind="disable-replication").count() == 1


def test_an_operation_whose_driver_returned_while_the_database_was_down_for_longer_than_the_lease_ends_right(
    site, crew, postgresql
):
    group = site.enabled_group(2)
    site.control.add_fault(call="promote", action="slow", when="after", seconds=1, times=1)
    worker = crew.worker()
    beat = crew.beat()
    operation = replication.failover(site.owner, group_id=group.pk)
    processes.wait_until(lambda: is_hanging(site), what="a call of promote that hangs")

    postgresql.crash()
    processes.wait_until(lambda: has_returned(site, "promote"), what="the driver's return")
    processes.wait_until(lambda: has_let_go(worker), what="a worker that lets go of its operation")
    time.sleep(float(QUICK["lease_seconds"]))
    postgresql.start()
    connection.close()
    crew.wait_for_end(operation)

    group.refresh_from_db()
    assert (operation.state, operation.attempt) == ("succeeded", 2)
    assert (group.replication_status, group.active_backend_id) == ("failed-over", "site-b")
    assert operation.events.filter(axis="operation.state", new="succeeded").count() == 1
    assert not worker.has_ended
    assert not beat.has_ended


def test_an_operation_whose_worker_lost_its_connection_is_given_back_at_once(site, crew, postgresql):
    group = site.enabled_group(2)
    site.control.add_fault(call="promote", action="slow", when="after", seconds=0.7, times=1)
    worker = crew.worker(**VERY_LONG_LEASE)
    crew.beat(**VERY_LONG_LEASE)
    operation = replication.failover(site.owner, group_id=group.pk)
    processes.wait_until(lambda: is_hanging(site), what="a call of promote that is slow")

    postgresql.crash()
    postgresql.start()
    connection.close()
    crew.wait_for_end(operation)

    group.refresh_from_db()
    assert (operation.state, group.replication_status) == ("succeeded", "failed-over")
    assert not worker.has_ended


@pytest.mark.soak
def test_operations_accepted_before_and_after_a_crash_of_the_database_all_end(site, crew, postgresql):
    groups = [site.enabled_group(1) for _ in range(6)]
    crew.worker()
    crew.beat()

    operations = [replication.failover(site.owner, group_id=group.pk) for group in groups[:3]]
    postgresql.crash()
    postgresql.start()
    connection.close()
    operations += [replication.failover(site.owner, group_id=group.pk) for group in groups[3:]]

    for operation in operations:
        crew.wait_for_end(operation)
    assert [operation.state for operation in operations] == ["succeeded"] * 6

"""Canceling: before a worker has it, in the middle, too late."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from groups import errors, models
from groups.services import operations, replication
from tests.support import domain, processes


def statuses(group):
    group.refresh_from_db()
    return group.replication_status, {volume.replication_status for volume in domain.members(group)}


class TestCanceling:
    def test_an_operation_no_worker_has_taken_ends_it_at_once_as_if_it_had_not_been_asked_for(self, site):
        group = site.new_group(2)
        operation = replication.enable(site.owner, group_id=group.pk)

        operations.cancel(site.owner, operation_id=operation.pk)

        operation.refresh_from_db()
        assert operation.state == "canceled"
        assert statuses(group) == ("disabled", {"disabled"})

    def test_an_ended_operation_is_refused(self, site):
        group = site.enabled_group(1)

        with pytest.raises(errors.WrongState, match="has ended"):
            operations.cancel(site.owner, operation_id=domain.last_operation(group).pk)

    def test_a_waiting_operation_undoes_what_was_begun(self, site):
        group = site.new_group(2)
        site.control.add_fault(call="enable_replication", action="fail-retryable")
        operation = replication.enable(site.owner, group_id=group.pk)
        domain.drain()
        site.control.clear_faults()

        operations.cancel(site.owner, operation_id=operation.pk)
        domain.drain()

        operation.refresh_from_db()
        assert operation.state == "canceled", operation.error
        assert statuses(group) == ("disabled", {"disabled"})

    def test_a_failed_operation_can_be_run_again(self, site):
        group = site.new_group(1)
        site.control.add_fault(call="enable_replication", action="fail", times=1)
        operation = replication.enable(site.owner, group_id=group.pk)
        domain.drain()

        again = operations.retry(site.owner, operation_id=operation.pk)
        domain.drain()

        again.refresh_from_db()
        assert again.state == "succeeded"
        assert again.pk != operation.pk

    def test_another_project_s_operation_is_not_found(self, site):
        group = site.new_group(1)
        operation = replication.enable(site.owner, group_id=group.pk)

        with pytest.raises(errors.NotFound):
            operations.cancel(site.outsider, operation_id=operation.pk)


@pytest.mark.django_db(transaction=True)
class TestCancelingInTheMiddle:
    @pytest.fixture
    def running(self, site):
        """Start work in a thread, with the driver hanging in one call; return how to wait for it."""

        def begin(call: str):
            site.control.add_fault(call=call, action="hang", times=1)
            thread = threading.Thread(target=self._work)
            thread.start()
            processes.wait_until(lambda: site.control.log(method=call), what=f"a call of {call}")
            return thread

        return begin

    @staticmethod
    def _work():
        try:
            domain.drain()
        finally:
            connection.close()

    def test_of_the_copying_stops_it_and_takes_the_copies_down(self, site, running):
        group = site.new_group(2)
        operation = replication.enable(site.owner, group_id=group.pk)
        thread = running("enable_replication")

        operations.cancel(site.owner, operation_id=operation.pk)
        thread.join(30)
        domain.drain()

        operation.refresh_from_db()
        assert operation.state == "canceled", operation.error
        assert statuses(group) == ("disabled", {"disabled"})

    def test_stands_in_the_events_between_the_work_and_the_end(self, site, running):
        group = site.new_group(2)
        operation = replication.enable(site.owner, group_id=group.pk)
        thread = running("enable_replication")

        operations.cancel(site.owner, operation_id=operation.pk)
        thread.join(30)
        domain.drain()

        moves = models.Event.objects.filter(subject_id=operation.pk).order_by("id").values_list("old", "new")
        assert list(moves)[-2:] == [("running", "canceling"), ("canceling", "canceled")]

    def test_of_a_planned_failover_lets_the_primary_take_writes_again(self, site, running):
        group = site.enabled_group(2)
        operation = replication.failover(site.owner, group_id=group.pk)
        thread = running("replicate")

        operations.cancel(site.owner, operation_id=operation.pk)
        thread.join(30)
        domain.drain()

        operation.refresh_from_db()
        assert operation.state == "canceled", operation.error
        assert statuses(group) == ("enabled", {"enabled"})
        assert all(
            site.control.can_write(side="", volume_id=str(volume.pk))
            for volume in models.Volume.objects.filter(group=group)
        )

    def test_after_the_promotion_began_comes_too_late_and_the_failover_is_finished(self, site, running):
        group = site.enabled_group(2)
        operation = replication.failover(site.owner, group_id=group.pk)
        thread = running("promote")

        operations.cancel(site.owner, operation_id=operation.pk)
        site.control.clear_faults()
        thread.join(30)
        domain.drain()

        operation.refresh_from_db()
        assert operation.state == "succeeded", operation.error
        assert statuses(group) == ("failed-over", {"failed-over"})

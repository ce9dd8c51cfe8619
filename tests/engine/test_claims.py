"""One owner at a time: claims, leases, fences, epochs, take-over."""

from __future__ import annotations

import datetime
import uuid

import pytest
from django.db import connection
from django.utils import timezone

from groups import errors, models, queueing, transitions
from groups.engine import leases, rounds, runner, sweeper
from groups.services import replication
from groups.statuses import OperationState
from tests.support import domain

HOUR = datetime.timedelta(hours=1)


@pytest.fixture
def queued(site):
    """An accepted enabling that no worker has taken yet."""
    group = site.new_group(2)
    return replication.enable(site.owner, group_id=group.pk)


def claim(operation, owner="one"):
    return transitions.claim(operation.pk, owner=owner, lease_seconds=30)


def silence(operation):
    """Let the owner's lease run out."""
    models.Operation.objects.filter(pk=operation.pk).update(lease_until=timezone.now() - HOUR)


class TestAClaim:
    def test_is_refused_to_a_second_worker(self, queued):
        first = claim(queued)

        assert first is not None
        assert claim(queued, owner="two") is None

    def test_of_an_unknown_operation_is_refused(self, db):
        assert transitions.claim(uuid.uuid4(), owner="one", lease_seconds=30) is None

    def test_of_an_ended_operation_is_refused(self, queued):
        domain.drain()

        assert claim(queued) is None

    def test_of_a_waiting_operation_is_refused_before_its_time(self, queued):
        first = claim(queued)
        transitions.wait(first, seconds=60, code="x", error="x")

        assert claim(queued) is None

    def test_takes_over_from_a_worker_that_went_silent_with_a_higher_fence_and_epoch(self, queued):
        first = claim(queued)
        silence(queued)

        second = claim(queued, owner="two")

        assert second is not None
        assert second.fence == first.fence + 1
        assert second.epoch > first.epoch

    def test_does_not_write_over_a_cancellation_that_came_since_it_looked(self, queued):
        first = claim(queued)
        transitions.wait(first, seconds=0, code="x", error="x")
        came = []

        def cancel_first(execute, sql, params, many, context):
            if sql.startswith("UPDATE") and not came:
                came.append(sql)
                assert transitions.request_cancel(queued, actor="olga")
            return execute(sql, params, many, context)

        with connection.execute_wrapper(cancel_first):
            assert claim(queued, owner="two") is None

        queued.refresh_from_db()
        assert (queued.state, queued.attempt) == ("canceling", 1)
        assert claim(queued, owner="two").state == "canceling"

    def test_of_a_message_that_came_twice_runs_the_operation_once(self, site, queued):
        assert runner.run(operation_id=queued.pk, owner="one") is True
        assert runner.run(operation_id=queued.pk, owner="two") is False

        assert len(site.control.log(method="enable_replication")) == 1


class TestAWorkerThatLostItsLease:
    @pytest.fixture
    def late(self, queued):
        first = claim(queued)
        silence(queued)
        claim(queued, owner="two")
        return first

    def test_cannot_end_the_operation(self, late):
        with pytest.raises(errors.LeaseLost):
            transitions.end(late, how=transitions.End(state=OperationState.SUCCEEDED))

        late.refresh_from_db()
        assert late.state == OperationState.RUNNING

    def test_cannot_let_it_wait(self, late):
        with pytest.raises(errors.LeaseLost):
            transitions.wait(late, seconds=1, code="x", error="x")

    def test_cannot_renew(self, late):
        with pytest.raises(errors.LeaseLost):
            leases.OperationLease(late).renew()

    def test_is_refused_by_the_storage_too(self, site, late):
        runner.run(operation_id=late.pk, owner="three")
        domain.drain()
        silence(late)
        domain.drain()

        from drivers.base import Call
        from drivers.errors import StaleEpoch
        from groups.engine import storage

        group = models.Group.objects.get(pk=late.subject_id)
        value = storage.group_value(group, storage.members(group))
        driver = storage.driver_for(group.backend)
        with pytest.raises(StaleEpoch):
            driver.disable_replication(value, call=Call(epoch=late.epoch))


class TestTheSweeper:
    @pytest.fixture
    def sent(self, monkeypatch):
        """The operations a message was sent for."""
        found: list[uuid.UUID] = []
        monkeypatch.setattr(queueing, "send_operation", lambda *, operation_id, kind: found.append(operation_id))
        return found

    def test_leaves_alone_what_was_just_sent(self, queued, sent):
        sweeper.sweep()

        assert sent == []

    def test_wakes_a_worker_for_an_operation_whose_message_got_lost(self, queued, sent):
        models.Operation.objects.filter(pk=queued.pk).update(dispatched_at=timezone.now() - HOUR)

        sweeper.sweep()

        assert sent == [queued.pk]

    def test_wakes_a_worker_for_an_operation_whose_owner_went_silent(self, queued, sent):
        claim(queued)
        silence(queued)
        models.Operation.objects.filter(pk=queued.pk).update(dispatched_at=timezone.now() - HOUR)

        sweeper.sweep()

        assert sent == [queued.pk]

    def test_wakes_one_at_once_though_the_message_for_the_silent_owner_was_sent_just_now(self, queued, sent):
        claim(queued)
        silence(queued)

        sweeper.sweep()
        sweeper.sweep()

        assert sent == [queued.pk]

    def test_leaves_alone_what_a_worker_owns(self, queued, sent):
        claim(queued)
        models.Operation.objects.filter(pk=queued.pk).update(dispatched_at=timezone.now() - HOUR)

        sweeper.sweep()

        assert sent == []

    def test_leaves_alone_what_has_ended(self, queued, sent):
        domain.drain()
        models.Operation.objects.update(dispatched_at=None)

        sweeper.sweep()

        assert sent == []


class TestARound:
    def test_is_not_begun_while_an_operation_is_open(self, site):
        group = site.enabled_group(1)
        replication.disable(site.owner, group_id=group.pk)

        assert domain.run_round(group) is False

    def test_is_not_in_the_way_of_a_failover_and_is_refused_by_the_storage_after_it(self, site):
        group = site.enabled_group(1)
        before = models.Group.objects.get(pk=group.pk).epoch
        replication.failover(site.owner, group_id=group.pk)
        domain.drain()

        assert models.Group.objects.get(pk=group.pk).epoch > before
        assert not models.Round.objects.filter(group=group).exists()

    def test_is_run_by_one_worker_only(self, site):
        group = site.enabled_group(1)
        models.Round.objects.filter(pk=group.pk).update(
            due_at=timezone.now() - HOUR, lease_until=timezone.now() + HOUR, owner="somebody"
        )

        assert rounds.run(group_id=group.pk, owner="another") is False

    def test_whose_worker_went_silent_is_woken_again_at_once(self, site):
        group = site.enabled_group(1)
        models.Round.objects.filter(pk=group.pk).update(due_at=timezone.now() - HOUR, dispatched_at=timezone.now())
        rounds._claim(group.pk, owner="one")
        models.Round.objects.filter(pk=group.pk).update(lease_until=timezone.now() - HOUR)

        assert rounds.wake_due() == 1

    def test_that_fails_says_why_and_is_tried_again(self, site):
        group = site.enabled_group(1)
        site.control.site_down("site-b")

        domain.run_round(group)

        row = models.Round.objects.get(pk=group.pk)
        group.refresh_from_db()
        assert row.failures == 1
        assert row.error
        assert group.health == "broken"
        site.control.site_up("site-b")
        domain.run_round(group)
        group.refresh_from_db()
        assert group.health == "healthy"


@pytest.mark.unjudged("twenty attempts are written by hand")
def test_an_operation_over_which_worker_after_worker_dies_is_ended(queued):
    models.Operation.objects.filter(pk=queued.pk).update(attempt=20)

    domain.drain()

    queued.refresh_from_db()
    assert (queued.state, queued.error_code) == ("failed", "workers_died")

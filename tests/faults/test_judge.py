"""The judge itself: it says nothing of a good history, and something of every way to spoil it."""

from __future__ import annotations

import dataclasses
import datetime
import uuid

import pytest

from drivers import base
from groups import models, transitions
from groups.engine import storage
from groups.services import groups, operations, replication, volumes
from groups.statuses import Axis, OperationState
from tests.judging import history, verdict
from tests.judging.history import Read, Write
from tests.judging.spoiling import (
    Spoil,
    twice,
    with_another_call,
    with_call,
    with_event,
    with_group,
    with_look,
    with_member,
    with_operation,
    with_primary,
    with_reset,
    with_take_over,
    with_volume,
    with_wait,
    without_event,
)
from tests.judging.stories import BEGIN, ENABLE, FAIL_OVER, FIRST, GROUP, told
from tests.support import domain

QUEUED, RUNNING, SUCCEEDED = OperationState.QUEUED, OperationState.RUNNING, OperationState.SUCCEEDED
REPLICATION = Axis.REPLICATION
MOVING = ("enabled", "failing-over")
MOVED = ("failing-over", "failed-over")
FAILOVER_AT = BEGIN + datetime.timedelta(minutes=FAIL_OVER + 1)
NOWHERE = uuid.UUID(int=9)

SPOILED: dict[str, tuple[Spoil, str]] = {
    # One writer.
    "two calls at once": (with_another_call("promote", later=0.2), "two writers in one epoch"),
    "two processes in one epoch": (with_another_call("promote", later=5, process_id=7), "two writers in one epoch"),
    "an old epoch after a newer one": (with_another_call("promote", later=90, epoch=2), "newer epoch had been there"),
    "an old round after a failover": (
        with_another_call("replicate", later=90, epoch=3),
        "newer epoch had been there",
    ),
    # Accepted once, ended once.
    "an operation that goes on": (with_operation(FAIL_OVER, state=RUNNING, ended_at=None), "has not ended"),
    "an operation never accepted": (without_event("", QUEUED), "was accepted 0 times"),
    "an operation accepted twice": (twice("", QUEUED), "was accepted 2 times"),
    "an end without event": (without_event(RUNNING, SUCCEEDED), "ended 0 times"),
    "an operation ended twice": (twice(RUNNING, SUCCEEDED), "ended 2 times"),
    "a state without event": (with_operation(ENABLE, state=OperationState.FAILED), "otherwise than its last event"),
    "an end without time": (with_operation(ENABLE, ended_at=None), "has the end None"),
    "a gap in the states": (with_event(RUNNING, SUCCEEDED, old="canceling"), "has a gap"),
    "a move of states the table forbids": (with_event(RUNNING, SUCCEEDED, new=QUEUED), "moved as the table forbids"),
    "a claim without event": (with_operation(ENABLE, fence=2), "was claimed 1 times"),
    "an attempt too many": (with_operation(ENABLE, attempt=2), "was claimed 1 times"),
    "events of no operation": (with_event("", QUEUED, subject_id=NOWHERE), "has events but no row"),
    # Statuses.
    "a status that never passed": (without_event(*MOVING, of=REPLICATION), "moved its subject 1 times"),
    "a wrong beginning": (with_event(*MOVING, of=REPLICATION, new="enabling"), "began as the table forbids"),
    "a wrong source": (with_event(*MOVING, of=REPLICATION, old="disabled"), "began as the table forbids"),
    "a wrong end": (with_event(*MOVED, of=REPLICATION, new="enabled"), "left its subject as the table forbids"),
    "a gap in the statuses": (with_event(*MOVING, of=REPLICATION, old="error"), "has a gap between"),
    "a move of another axis": (with_event(*MOVED, of=REPLICATION, axis=Axis.GROUP), "moved what is not its own"),
    "a reset to what none may set": (with_reset("failing-over"), "what no reset may set"),
    "a record without event": (with_group(replication_status="error"), "is recorded as 'error'"),
    "a group's record without event": (with_group(status="error"), "is recorded as 'error'"),
    "a volume's record without event": (with_volume(status="error"), "is recorded as 'error'"),
    # Success after its effect.
    "success without its call": (with_call("promote", outcome="driver_error"), "without a good call of promote"),
    "success by a call to another side": (with_call("promote", backend_id="site-c"), "without a good call of promote"),
    "success by an older epoch's call": (
        with_call("enable_replication", epoch=1),
        "good call of enable_replication",
    ),
    "success without a last look": (
        with_call("observe", outcome=None, ended_at=None),
        "without a good call of observe",
    ),
    "success before its call": (
        with_operation(FAIL_OVER, ended_at=FAILOVER_AT + datetime.timedelta(seconds=3)),
        "before its call of promote ended",
    ),
    # Record and truth.
    "active elsewhere": (with_look(active_side=""), "the storage is active on ''"),
    "active nowhere": (with_look(active_side=None), "the storage is active on None"),
    "not writable": (with_look(writable=False), "it cannot be written there"),
    "failed over to the primary": (with_group(active_backend_id=""), "nowhere to fail over to"),
    "members the storage does not know": (with_look(volumes=()), f"says otherwise of volume {FIRST}"),
    "a member elsewhere": (with_member(active_side=""), f"says otherwise of volume {FIRST}"),
    "a member amiss": (with_member(error="It is gone."), f"says otherwise of volume {FIRST}"),
    "writable on the side that was left": (with_primary(active_side="", writable=True), "written on '' too"),
    "a failed move that is elsewhere": (
        with_group(replication_status="failover-error", active_backend_id=""),
        "the storage is active on 'site-b'",
    ),
    # Never left alone.
    "a group that passes for ever": (with_group(replication_status="failing-over"), "with no operation open"),
    "a volume that passes for ever": (with_volume(replication_status="enabling"), "with no operation open"),
    "a take-over from a live worker": (with_take_over(5), "within a lease of 30 s"),
    "an operation of a dead worker that nobody takes": (with_take_over(100), "was running for"),
    "an operation that waits longer than it said": (with_wait(5.0, seconds=70), "was waiting for 65.0 s"),
    "an operation nobody takes": (
        with_event(QUEUED, RUNNING, at=FAILOVER_AT + datetime.timedelta(seconds=90)),
        "was queued for 90.0 s",
    ),
}
SPOILED_WHILE_ENABLED: dict[str, tuple[Spoil, str]] = {
    "enabled without replication": (with_look(replicating=False), "replication does not run"),
    "enabled on a secondary": (with_group(active_backend_id="site-b"), "that is not the primary"),
    "a member without protection": (with_member(protected=False), f"volume {FIRST} is not protected"),
}


class TestAHistory:
    def test_in_which_every_promise_was_kept_is_not_complained_of(self):
        assert verdict.judge(told().told) == []
        assert verdict.judge(told(moved=False).told) == []

    @pytest.mark.parametrize("name", SPOILED)
    def test_is_complained_of_when_it_holds(self, name):
        spoil, words = SPOILED[name]

        complaints = verdict.judge(spoil(told().told))

        assert any(words in complaint for complaint in complaints), complaints

    @pytest.mark.parametrize("name", SPOILED_WHILE_ENABLED)
    def test_of_an_enabled_group_is_complained_of_when_it_holds(self, name):
        spoil, words = SPOILED_WHILE_ENABLED[name]

        complaints = verdict.judge(spoil(told(moved=False).told))

        assert any(words in complaint for complaint in complaints), complaints

    def test_may_have_a_take_over_once_the_lease_has_run_out(self):
        assert verdict.judge(with_take_over(35)(told().told)) == []

    def test_may_have_a_wait_that_ends_when_it_said(self):
        assert verdict.judge(with_wait(60.0, seconds=65)(told().told)) == []

    def test_may_have_an_operation_that_nobody_could_take(self):
        late = with_event(QUEUED, RUNNING, at=FAILOVER_AT + datetime.timedelta(seconds=90))
        outage = (FAILOVER_AT, FAILOVER_AT + datetime.timedelta(seconds=40))

        assert verdict.judge(dataclasses.replace(late(told().told), outages=(outage,))) == []

    def test_may_have_an_operation_that_is_taken_soon_after_those_that_waited_longer(self):
        good = told().told
        enabling, moving = (good.operations[place].id for place in (ENABLE, FAIL_OVER))
        claims = {
            enabling: FAILOVER_AT + datetime.timedelta(seconds=80),
            moving: FAILOVER_AT + datetime.timedelta(seconds=90),
        }
        events = tuple(
            dataclasses.replace(event, at=claims.get(event.subject_id, event.at)) if event.new == RUNNING else event
            for event in good.events
        )

        late = [each for each in verdict.judge(dataclasses.replace(good, events=events)) if "nobody to take" in each]

        assert [str(enabling) in each for each in late] == [True]

    def test_may_have_a_take_over_from_a_worker_that_let_go_of_it(self):
        assert (
            verdict.judge(with_take_over(5, reason=f"claimed by two, {transitions.GIVEN_BACK} one")(told().told)) == []
        )

    def test_may_have_what_a_person_said_contradicted_by_the_storage(self):
        assert verdict.judge(with_reset("disabled")(told().told)) == []

    def test_may_be_open_in_the_end_where_it_is_not_at_rest(self):
        good = dataclasses.replace(told().told, at_rest=False)
        operation = with_operation(FAIL_OVER, state=RUNNING, ended_at=None)
        moved, ended = without_event(*MOVED, of=REPLICATION), without_event(RUNNING, SUCCEEDED)

        running = with_group(replication_status="failing-over")(operation(ended(moved(good))))

        assert verdict.judge(running) == []


class TestTheLedgerOfWrites:
    """Each write is a second before the one after, the last one some seconds into the failover's minute."""

    @staticmethod
    def judged(last_write: float, found: int, *, mode: str = "planned", point: float = 0.0) -> list[str]:
        begin = FAILOVER_AT.timestamp()
        writes = tuple(
            Write(volume_id=str(FIRST), side="", number=number, acknowledged_at=begin + last_write - 3 + number)
            for number in (1, 2, 3)
        )
        read = Read(volume_id=str(FIRST), side="site-b", number=found, at=begin + 50, group_id=GROUP)
        story = told(mode=mode, point=point).told
        return verdict.judge(dataclasses.replace(story, writes=writes, reads=(read,)))

    def test_whose_last_write_is_found_is_not_complained_of(self):
        assert self.judged(1, found=3) == []

    def test_is_complained_of_when_a_planned_move_lost_a_write(self):
        (complaint,) = self.judged(1, found=2)

        assert f"Volume {FIRST} lost 1 acknowledged writes from 3 on" in complaint

    def test_may_lack_after_an_unplanned_move_what_is_younger_than_its_receipt(self):
        assert self.judged(1, found=2, mode="unplanned", point=0.5) == []

    def test_may_lack_what_the_receipt_says_when_the_volume_is_in_no_group_any_more(self):
        begin = FAILOVER_AT.timestamp()
        write = Write(volume_id=str(FIRST), side="", number=3, acknowledged_at=begin + 1, group_id=GROUP)
        read = Read(volume_id=str(FIRST), side="", number=2, at=begin + 50, group_id=None)
        story = told(mode="unplanned", point=0.5).told

        assert verdict.judge(dataclasses.replace(story, writes=(write,), reads=(read,))) == []

    def test_is_complained_of_when_an_unplanned_move_lost_more_than_its_receipt_says(self):
        (complaint,) = self.judged(1, found=1, mode="unplanned", point=0.5)

        assert "lost 1 acknowledged writes from 2 on" in complaint

    def test_is_complained_of_when_what_the_secondary_took_is_lost_later(self):
        begin = FAILOVER_AT.timestamp()
        write = Write(volume_id=str(FIRST), side="site-b", number=4, acknowledged_at=begin + 30)
        read = Read(volume_id=str(FIRST), side="site-b", number=3, at=begin + 50, group_id=GROUP)
        story = told(mode="unplanned").told

        (complaint,) = verdict.judge(dataclasses.replace(story, writes=(write,), reads=(read,)))

        assert "'site-b' took" in complaint

    def test_is_complained_of_when_a_move_reached_less_than_it_predicted(self):
        receipt = told().told.operations[FAIL_OVER].result
        worse = {**receipt, "predicted": (FAILOVER_AT + datetime.timedelta(seconds=9)).isoformat()}

        (complaint,) = verdict.judge(with_operation(FAIL_OVER, result=worse)(told().told))

        assert "reached the older one" in complaint


class TestARealHistory:
    """What the engine really leaves, at rest, against the storage."""

    @staticmethod
    def judged(site: domain.Site) -> list[str]:
        domain.drain_with_retries()
        return verdict.judge(history.collect(logs=site.control.log(), observe=history.look, at_rest=True))

    def test_of_every_replication_verb_is_not_complained_of(self, site):
        group = site.failed_over_group(2)
        replication.failover(site.owner, group_id=group.pk, secondary_backend_id="default")
        domain.drain()
        assert domain.run_round(group)
        replication.adopt(site.admin, group_id=group.pk, reason="look")
        domain.drain()
        replication.restore(site.admin, group_id=group.pk, reason="mend")
        domain.drain()
        replication.disable(site.owner, group_id=group.pk)

        assert self.judged(site) == []
        assert {row.state for row in models.Operation.objects.all()} == {"succeeded"}

    def test_of_changed_and_deleted_groups_is_not_complained_of(self, site):
        group = site.enabled_group(2)
        groups.update(site.owner, group_id=group.pk, remove_volumes=[str(domain.members(group)[0].pk)])
        domain.drain()
        volumes.create(site.owner, size_gib=1, volume_type="replicable", group_id=group.pk)
        domain.drain()
        groups.delete(site.owner, group_id=group.pk, delete_volumes=True)

        assert self.judged(site) == []
        assert {row.state for row in models.Operation.objects.all()} == {"succeeded"}

    def test_of_failed_retried_canceled_and_corrected_operations_is_not_complained_of(self, site):
        group = site.enabled_group(2)
        site.control.add_fault(call="promote", action="fail", volume=2, times=1)
        replication.failover(site.owner, group_id=group.pk, mode="planned")
        domain.drain()
        site.control.add_fault(call="promote", action="fail-retryable", times=2)
        replication.failover(site.owner, group_id=group.pk)
        domain.drain_with_retries()
        operation = replication.failover(site.owner, group_id=group.pk, secondary_backend_id="default")
        operations.cancel(site.owner, operation_id=operation.pk)
        replication.reset(site.admin, group_id=group.pk, replication_status="error", reason="to see")

        assert self.judged(site) == []
        assert {row.state for row in models.Operation.objects.all()} == {"succeeded", "failed", "canceled"}

    def test_is_complained_of_once_the_storage_is_moved_behind_the_engine_s_back(self, site):
        group = site.enabled_group(2)
        driver, members = domain.storage_driver(group), domain.members(group)
        value = storage.group_value(group, members)

        driver.promote(value, backend_id="site-b", call=base.Call(epoch=group.epoch + 1))

        assert any("the storage is active on 'site-b'" in complaint for complaint in self.judged(site))

"""The driver fails at one volume of four: the group ends whole, or says which volume is where and can be finished."""

from __future__ import annotations

import pprint
import random

import pytest

from groups import models
from groups.services import groups, replication, volumes
from tests.faults import cases, partial
from tests.support import domain

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(1800)]

SOME = 6
VOLUMES = range(1, partial.SIZE + 1)
ALL = [
    pytest.param(name, call, id=f"{name}, {call}")
    for name, verb in partial.VERBS.items()
    for call in (*verb.calls, "observe")
]


@pytest.mark.parametrize("most", [pytest.param(None, marks=pytest.mark.soak), SOME])
@pytest.mark.parametrize("name, call", ALL)
def test_whatever_the_driver_does_at_a_volume_the_operation_ends_right_and_can_be_finished(
    site, name, call, most, record_property
):
    """The soak run takes every failure at every volume; each other run some, others each time."""
    every = [failure for failure in partial.failures(partial.VERBS[name].calls) if failure.call == call]
    taken = every if most is None or len(every) <= most else random.sample(every, most)

    wrong = {str(failure): found for failure in taken if (found := failed_and_finished(site, name, failure))}

    record_property("failures", len(taken))
    assert not wrong, pprint.pformat(wrong, width=200)


def failed_and_finished(site: domain.Site, name: str, failure: partial.Failure) -> list[str]:
    """Let a verb meet a failure, and finish it by the same verb; return what is wrong."""
    verb = partial.VERBS[name]
    judge, operation = met(site, verb, failure)
    site.control.clear_faults()
    wrong = judge.wrong(operation)
    if operation.state != "succeeded":
        finish(site, judge)
        if not judge.is_finished():
            wrong.append(f"the same verb does not finish it: {last(judge).error}")
    return wrong


def met(site: domain.Site, verb: partial.Verb, failure: partial.Failure) -> tuple[partial.Judge, models.Operation]:
    """Let a verb meet a failure; return its judge and the operation, ended."""
    for side in ("", "site-b", "site-c"):
        site.control.site_up(side)
    group = verb.prepare(site, partial.SIZE)
    judge = partial.Judge(site, group, verb)
    failure.tell(site)
    verb.ask(site, group)
    domain.drain_with_retries()
    return judge, last(judge)


def finish(site: domain.Site, judge: partial.Judge) -> None:
    """Run the same verb again, after what runs by itself."""
    if models.Round.objects.filter(group=judge.group).exists():
        domain.run_round(judge.group)
    judge.group.refresh_from_db()
    if judge.group.status == "error":
        # Only a change of members, or the group's making, ends there; what is true then is for a person to see.
        groups.reset_status(site.admin, group_id=judge.group.pk, status="available", reason="looked at it")
    judge.verb.ask(site, judge.group)
    domain.drain_with_retries()


def last(judge: partial.Judge) -> models.Operation:
    return models.Operation.objects.filter(subject_id=judge.group.pk).latest("created_at")


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("volume", VOLUMES)
class TestAPromotionThatFailsAtAVolume:
    def test_of_a_planned_failover_leaves_all_volumes_writable_where_they_were(self, site, volume, when):
        judge, operation = met(site, partial.VERBS["planned failover"], failing(volume, when))

        assert operation.state == "failed"
        assert judge.wrong(operation) == []
        judge.group.refresh_from_db()
        assert judge.group.active_backend_id == ""
        assert partial.content(site, judge.group, "") == {"late"}

    def test_of_a_planned_failback_leaves_all_volumes_writable_where_they_were(self, site, volume, when):
        judge, operation = met(site, partial.VERBS["planned failback"], failing(volume, when))

        assert operation.state == "failed"
        assert judge.wrong(operation) == []
        judge.group.refresh_from_db()
        assert judge.group.active_backend_id == "site-b"
        assert partial.content(site, judge.group, "site-b") == {"secondary"}

    def test_of_an_unplanned_failover_says_where_each_volume_is_until_the_same_verb_finishes_it(
        self, site, volume, when
    ):
        judge, operation = met(site, partial.VERBS["unplanned failover"], failing(volume, when))
        wrong = judge.wrong(operation)

        finish(site, judge)

        assert operation.state == "failed"
        assert wrong == []
        assert judge.is_finished()
        assert partial.content(site, judge.group, "site-b") == {"round"}


def failing(volume: int, when: str) -> partial.Failure:
    return partial.Failure("promote", "fail", volume, when)


class TestADriverThatDoesNothingAndSaysNothing:
    """Each returns normally from a call in which a volume, or all, were left out."""

    @pytest.mark.parametrize("name", ["planned failover", "planned failback"])
    @pytest.mark.parametrize("volume", VOLUMES)
    def test_of_a_promotion_has_what_was_moved_moved_back(self, site, name, volume):
        judge, operation = met(site, partial.VERBS[name], left_out("promote", volume))

        assert operation.state == "failed"
        assert judge.wrong(operation) == []

    def test_of_the_last_round_is_noticed_before_anything_is_lost(self, site):
        judge, operation = met(site, partial.VERBS["planned failover"], left_out("replicate"))

        assert operation.state == "failed"
        assert "lacks data" in operation.error
        assert partial.content(site, judge.group, "") == {"late"}

    def test_of_stopping_writes_is_noticed_before_anything_is_moved(self, site):
        judge, operation = met(site, partial.VERBS["planned failover"], left_out("stop_writes"))

        assert operation.state == "failed"
        assert "not stopped" in operation.error
        assert judge.wrong(operation) == []

    @pytest.mark.parametrize("volume", range(1, partial.SIZE))
    def test_of_letting_a_volume_go_is_not_called_done(self, site, volume):
        judge, operation = met(site, partial.VERBS["remove volumes"], left_out("update_group", volume))

        assert operation.state == "failed"
        assert judge.members[volume].name in operation.error

    def test_of_a_deletion_is_not_called_done(self, site):
        judge, operation = met(site, partial.VERBS["delete group"], left_out("delete_volume"))

        assert operation.state == "failed"
        assert judge.members[0].name in operation.error

    def test_of_a_lone_volume_s_deletion_is_not_called_done(self, site):
        cases.with_lone_volume(site)
        left_out("delete_volume").tell(site)

        operation = volumes.delete(site.owner, volume_id=cases.lone().pk)
        domain.drain_with_retries()

        operation.refresh_from_db()
        assert operation.state == "failed"
        assert cases.lone().status == "error_deleting"


def left_out(call: str, volume: int | None = None) -> partial.Failure:
    return partial.Failure(call, "skip", volume)


def test_what_is_true_names_every_volume_of_a_large_group_that_is_elsewhere(site):
    group = site.enabled_group(25)
    site.control.add_fault(call="observe", action="wrong-facts")

    operation = replication.failover(site.owner, group_id=group.pk)
    domain.drain_with_retries()

    operation.refresh_from_db()
    assert [volume.name for volume in domain.members(group) if volume.name not in operation.truth] == []


def test_volumes_that_were_to_join_are_given_back_when_the_driver_cannot_even_be_built(site):
    group = cases.with_lone_volume(site)
    models.Backend.objects.filter(pk=group.backend_id).update(driver="removed")

    groups.update(site.owner, group_id=group.pk, add_volumes=[str(cases.lone().pk)])
    domain.drain_with_retries()

    assert domain.last_operation(group).state == "failed"
    assert cases.lone().group is None


def test_a_planned_failover_that_could_not_be_wholly_undone_is_finished_by_the_same_verb(site):
    group = cases.enabled(site)
    site.control.add_fault(call="promote", action="fail", volume=2)
    cases.fail_over(site, group)
    domain.drain_with_retries()
    site.control.clear_faults()
    assert domain.run_round(group)

    operation = cases.fail_over(site, group)
    domain.drain_with_retries()

    operation.refresh_from_db()
    assert operation.state == "succeeded", operation.error
    assert partial.content(site, group, "site-b") == {"late"}

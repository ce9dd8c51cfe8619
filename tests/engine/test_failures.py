"""What becomes of an operation when the driver fails, hangs or lies."""

from __future__ import annotations

import pytest

from groups import models
from groups.services import replication, volumes
from tests.support import domain, processes

VERBS = {
    "enable": (lambda site: site.new_group(3), replication.enable, {}, "enable_replication", "error"),
    "disable": (lambda site: site.enabled_group(3), replication.disable, {}, "disable_replication", "error"),
    "failover": (lambda site: site.enabled_group(3), replication.failover, {}, "promote", "failover-error"),
    "failback": (
        lambda site: site.failed_over_group(3),
        replication.failover,
        {"secondary_backend_id": "default"},
        "promote",
        "failover-error",
    ),
}


@pytest.fixture(params=sorted(VERBS))
def case(request, site):
    """Each verb with a group ready for it: (site, group, start it, driver method, failed status)."""
    prepare, verb, options, method, failed = VERBS[request.param]
    group = prepare(site)
    return site, group, lambda: verb(site.owner, group_id=group.pk, **options), method, failed


def outcome(group, operation):
    group.refresh_from_db()
    operation.refresh_from_db()
    return operation.state, group.status, group.replication_status


class TestAVerb:
    def test_whose_driver_fails_for_good_ends_failed_and_leaves_the_group_available(self, case):
        site, group, start, method, failed = case
        site.control.add_fault(call=method, action="fail", volume=2, times=1)

        operation = start()
        domain.drain()

        assert outcome(group, operation) == ("failed", "available", failed)
        assert operation.error
        assert operation.remedy
        assert operation.truth
        assert {volume.replication_status for volume in domain.members(group)} == {failed}
        assert {volume.status for volume in domain.members(group)} == {"available"}

    def test_that_failed_succeeds_when_it_is_run_again(self, case):
        site, group, start, method, _ = case
        site.control.add_fault(call=method, action="fail", volume=2, times=1)
        start()
        domain.drain()

        operation = start()
        domain.drain()

        assert outcome(group, operation)[0] == "succeeded", operation.error

    def test_that_meets_a_passing_error_is_tried_again_by_itself(self, case):
        site, group, start, method, _ = case
        site.control.add_fault(call=method, action="fail-retryable", volume=2, times=2)

        operation = start()
        domain.drain()
        operation.refresh_from_db()
        assert operation.state == "waiting"
        assert operation.not_before is not None
        domain.drain_with_retries()

        assert outcome(group, operation)[0] == "succeeded", operation.error
        assert operation.attempt == 3

    def test_whose_passing_error_stays_ends_failed_after_a_bounded_number_of_tries(self, case, settings):
        site, group, start, method, failed = case
        site.control.add_fault(call=method, action="fail-retryable")

        operation = start()
        domain.drain_with_retries()

        assert outcome(group, operation) == ("failed", "available", failed)
        assert operation.attempt == settings.REPLSITE.retry_limit + 1

    @pytest.mark.parametrize("action", ["raise-value-error", "return-none"])
    def test_whose_driver_has_a_bug_ends_failed_or_confirmed_but_never_stuck(self, case, action):
        site, group, start, method, failed = case
        site.control.add_fault(call=method, action=action, times=1)

        operation = start()
        domain.drain_with_retries()

        state, status, replication_status = outcome(group, operation)
        assert state in {"failed", "succeeded"}
        assert status == "available"
        if state == "failed":
            assert replication_status == failed
        if action == "raise-value-error":
            assert operation.incident

    def test_whose_storage_does_not_confirm_is_not_called_done(self, case):
        site, group, start, _, failed = case
        site.control.add_fault(call="observe", action="wrong-facts", volume=2)

        operation = start()
        domain.drain_with_retries()

        assert outcome(group, operation) == ("failed", "available", failed)


class TestAVolume:
    @pytest.mark.parametrize("action", ["return-none", "skip"])
    def test_that_the_storage_did_not_make_is_not_called_made(self, site, action):
        group = site.new_group(0)
        site.control.add_fault(call="create_volume", action=action, times=1)

        volume = volumes.create(site.owner, size_gib=1, volume_type="replicable", group_id=group.pk)
        domain.drain()

        volume.refresh_from_db()
        operation = domain.last_operation(volume)
        assert (operation.state, volume.status) == ("failed", "error")
        assert operation.error_code == "not_confirmed"


class TestAHangingDriver:
    @pytest.fixture
    def impatient(self, settings):
        settings.REPLSITE = settings.REPLSITE.model_copy(update={"driver_deadline_seconds": 0.5, "retry_limit": 1})

    @pytest.mark.parametrize("action", ["hang", "ignore-cancel"])
    def test_is_given_up_within_its_deadline_and_named(self, site, impatient, action):
        group = site.new_group(2)
        site.control.add_fault(call="enable_replication", action=action, seconds=30)

        operation = replication.enable(site.owner, group_id=group.pk)
        domain.drain_with_retries()

        assert outcome(group, operation) == ("failed", "available", "error")
        assert "no progress" in operation.error
        site.control.clear_faults()

    def test_that_wakes_up_late_has_no_effect(self, site, impatient):
        group = site.enabled_group(2)
        site.control.add_fault(call="promote", action="ignore-cancel", seconds=30, times=1)
        operation = replication.failover(site.owner, group_id=group.pk)
        domain.drain_with_retries()
        operation.refresh_from_db()

        site.control.clear_faults()
        processes.wait_until(
            lambda: all(call.outcome for call in site.control.log(method="promote")), what="the late call's end"
        )

        assert operation.state == "succeeded", operation.error
        late, good = site.control.log(method="promote")
        assert good.outcome == "ok"
        assert late.outcome != "ok"


class TestAFailedPlannedFailover:
    def test_is_undone_and_the_primary_takes_writes_again(self, site):
        group = site.enabled_group(3)
        first = domain.members(group)[0]
        site.control.add_fault(call="promote", action="fail", volume=2, when="after", times=1)

        operation = replication.failover(site.owner, group_id=group.pk, mode="planned")
        domain.drain()

        assert outcome(group, operation) == ("failed", "available", "failover-error")
        assert group.active_backend_id == ""
        assert site.control.can_write(side="", volume_id=str(first.pk))
        assert not site.control.can_write(side="site-b", volume_id=str(first.pk))
        states = {step.name: step.state for step in operation.steps.all()}
        assert states["stop writes"] == "undone"

    def test_goes_on_being_protected_until_somebody_decides(self, site):
        group = site.enabled_group(2)
        first = domain.members(group)[0]
        site.control.add_fault(call="promote", action="fail", times=1)
        replication.failover(site.owner, group_id=group.pk, mode="planned")
        domain.drain()

        site.write(first, "later")
        assert domain.run_round(group)

        site.control.site_down("")
        replication.failover(site.owner, group_id=group.pk)
        domain.drain()
        assert site.read(first, side="site-b") == "later"

    def test_can_be_failed_back_instead(self, site):
        group = site.enabled_group(2)
        site.control.add_fault(call="promote", action="fail", times=1)
        replication.failover(site.owner, group_id=group.pk, mode="planned")
        domain.drain()

        operation = replication.failover(site.owner, group_id=group.pk, secondary_backend_id="default")
        domain.drain()

        assert outcome(group, operation) == ("succeeded", "available", "enabled")


def test_the_receipt_of_an_unplanned_failback_to_a_primary_that_was_never_told_names_when_it_was_left(site):
    group = site.enabled_group(1)
    over = replication.failover(site.owner, group_id=group.pk, mode="unplanned")
    domain.drain()
    over.refresh_from_db()
    site.write(domain.members(group)[0], "only there", side="site-b")

    back = replication.failover(site.owner, group_id=group.pk, secondary_backend_id="default", mode="unplanned")
    domain.drain_with_retries()

    assert outcome(group, back) == ("succeeded", "available", "enabled")
    assert back.result["point"] == over.result["point"]


class TestFailingBackOverUnsentWrites:
    @pytest.fixture
    def group(self, site):
        group = site.enabled_group(1)
        site.write(domain.members(group)[0], "never sent")
        site.control.site_down("")
        replication.failover(site.owner, group_id=group.pk)
        domain.drain()
        site.control.site_up("")
        return group

    def test_states_how_much_it_discarded(self, site, group):
        operation = replication.failover(site.owner, group_id=group.pk, secondary_backend_id="default")
        domain.drain_with_retries()

        assert outcome(group, operation) == ("succeeded", "available", "enabled")
        assert operation.result["discarded"] == 4096

    def test_discards_no_more_than_the_request_allows_and_then_changes_nothing(self, site, group):
        operation = replication.failover(
            site.owner, group_id=group.pk, secondary_backend_id="default", discard_bytes=4095
        )
        domain.drain_with_retries()

        assert outcome(group, operation) == ("failed", "available", "failover-error")
        assert operation.error_code == "would_discard"
        assert "4096 bytes" in operation.error
        assert group.active_backend_id == "site-b"
        assert site.control.can_write(side="site-b", volume_id=str(domain.members(group)[0].pk))

    def test_goes_on_once_the_amount_is_allowed(self, site, group):
        replication.failover(site.owner, group_id=group.pk, secondary_backend_id="default", discard_bytes=0)
        domain.drain_with_retries()

        operation = replication.failover(
            site.owner, group_id=group.pk, secondary_backend_id="default", discard_bytes=4096
        )
        domain.drain_with_retries()

        assert outcome(group, operation) == ("succeeded", "available", "enabled")


class TestAFailoverWithoutItsPrimary:
    def test_never_calls_it_when_unplanned_was_asked_for(self, site):
        group = site.enabled_group(2)
        site.control.site_frozen("")

        operation = replication.failover(site.owner, group_id=group.pk, mode="unplanned")
        domain.drain()

        assert outcome(group, operation) == ("succeeded", "available", "failed-over"), operation.error

    def test_is_refused_by_a_planned_one_with_the_way_out(self, site):
        group = site.enabled_group(2)
        site.control.site_down("")

        operation = replication.failover(site.owner, group_id=group.pk, mode="planned")
        domain.drain_with_retries()

        assert outcome(group, operation) == ("failed", "available", "failover-error")
        assert "unplanned" in operation.remedy

    def test_to_a_target_without_a_point_is_refused_and_moves_nothing(self, site):
        group = site.enabled_group(1)
        new = domain.volumes.create(site.owner, size_gib=1, volume_type="replicable", group_id=group.pk)
        domain.drain()
        models.Volume.objects.filter(pk=new.pk).update(replication_status="enabled")
        site.control.site_down("")

        operation = replication.failover(site.owner, group_id=group.pk)
        domain.drain_with_retries()

        assert outcome(group, operation)[0] == "failed"
        assert not site.control.can_write(side="site-b", volume_id=str(domain.members(group)[0].pk))


class TestFailingBack:
    def test_without_the_secondary_never_discards_by_itself(self, site):
        group = site.failed_over_group(2)
        site.write(domain.members(group)[0], "only here", side="site-b")
        site.control.site_down("site-b")

        operation = replication.failover(site.owner, group_id=group.pk, secondary_backend_id="default")
        domain.drain_with_retries()

        assert outcome(group, operation) == ("failed", "available", "failover-error")
        assert group.active_backend_id == "site-b"

    def test_after_the_primary_crashed_discards_what_never_left_it(self, site):
        group = site.enabled_group(1)
        (volume,) = domain.members(group)
        site.write(volume, "shared")
        domain.run_round(group)
        site.write(volume, "never sent")
        site.control.site_down("")
        replication.failover(site.owner, group_id=group.pk)
        domain.drain()
        site.write(volume, "on the secondary", side="site-b")
        site.control.site_up("")

        operation = replication.failover(site.owner, group_id=group.pk, secondary_backend_id="default")
        domain.drain_with_retries()

        assert outcome(group, operation) == ("succeeded", "available", "enabled"), operation.error
        assert site.read(volume) == "on the secondary"


def test_a_failover_that_decides_by_itself_is_not_held_up_by_a_primary_that_hangs(site):
    group = site.enabled_group(2)
    site.control.site_frozen("")

    operation = replication.failover(site.owner, group_id=group.pk)
    domain.drain()

    assert outcome(group, operation) == ("succeeded", "available", "failed-over"), operation.error
    assert operation.result["mode"] == "unplanned"

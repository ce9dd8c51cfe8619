"""The four replication operations from request to end, on the fake driver."""

from __future__ import annotations

import datetime

import pytest

from groups import clock, models
from groups.engine import observing
from groups.services import replication
from tests.support import differing, domain


def walked_through(site: domain.Site, group: models.Group) -> list[tuple[str, str]]:
    """Enable, fail over, fail back and disable; return the status and active side after each."""
    seen = []
    for verb, options in (
        (replication.enable, {}),
        (replication.failover, {}),
        (replication.failover, {"secondary_backend_id": "default"}),
        (replication.disable, {}),
    ):
        verb(site.owner, group_id=group.pk, **options)
        domain.drain()
        group.refresh_from_db()
        seen.append((group.replication_status, group.active_backend_id))
    return seen


class TestHappyPath:
    def test_enabling_protects_every_volume(self, site):
        group = site.new_group(3)

        replication.enable(site.owner, group_id=group.pk)
        domain.drain()

        group.refresh_from_db()
        assert group.replication_status == "enabled"
        assert {volume.replication_status for volume in domain.members(group)} == {"enabled"}
        assert models.Round.objects.filter(group=group).exists()

    def test_the_walkthrough_shows_the_seed_s_statuses(self, site):
        group = site.new_group(3)

        seen = [status for status, _ in walked_through(site, group)]

        assert seen == ["enabled", "failed-over", "enabled", "disabled"]

    def test_a_planned_failover_loses_nothing_and_failing_back_brings_new_writes_home(self, site):
        group = site.enabled_group(2)
        first, second = domain.members(group)
        site.write(first, "before failover")

        operation = replication.failover(site.owner, group_id=group.pk, secondary_backend_id="site-c", mode="planned")
        domain.drain()

        group.refresh_from_db()
        assert (group.replication_status, group.active_backend_id) == ("failed-over", "site-c")
        operation.refresh_from_db()
        assert operation.result["mode"] == "planned"
        assert site.read(first, side="site-c") == "before failover"

        site.write(second, "written on the secondary", side="site-c")
        replication.failover(site.owner, group_id=group.pk, secondary_backend_id="default")
        domain.drain()

        group.refresh_from_db()
        assert (group.replication_status, group.active_backend_id) == ("enabled", "")
        assert site.read(second) == "written on the secondary"
        assert not site.control.can_write(side="site-c", volume_id=str(second.pk))

    def test_an_unplanned_failover_lands_on_the_last_complete_point(self, site):
        group = site.enabled_group(2)
        first, _ = domain.members(group)
        site.write(first, "in the point")
        domain.run_round(group)
        site.write(first, "after the point")
        site.control.site_down("")

        operation = replication.failover(site.owner, group_id=group.pk)
        domain.drain()

        operation.refresh_from_db()
        assert (operation.state, operation.result["mode"]) == ("succeeded", "unplanned")
        assert site.read(first, side="site-b") == "in the point"

    def test_the_receipt_of_an_unplanned_failover_names_the_point_its_data_is_of(self, site):
        group = site.enabled_group(2)
        taken_before = datetime.datetime.now(tz=datetime.UTC)
        site.write(domain.members(group)[0], "after the point")

        operation = replication.failover(site.owner, group_id=group.pk, mode="unplanned")
        domain.drain()

        operation.refresh_from_db()
        assert operation.state == "succeeded"
        assert datetime.datetime.fromisoformat(operation.result["point"]) < taken_before


class TestAnEmptyGroup:
    def test_goes_through_the_whole_walkthrough(self, site):
        group = site.new_group(0)

        seen = walked_through(site, group)

        assert seen == [("enabled", ""), ("failed-over", "site-b"), ("enabled", ""), ("disabled", "")]


class TestFromSecondaryToSecondary:
    def test_a_planned_failover_carries_over_what_was_written_on_the_first(self, site):
        group = site.failed_over_group(2)
        volume = domain.members(group)[0]
        site.control.site_down("")
        site.write(volume, "written on site-b", side="site-b")

        replication.failover(site.owner, group_id=group.pk, secondary_backend_id="site-c")
        domain.drain_with_retries()

        group.refresh_from_db()
        operation = domain.last_operation(group)
        assert (group.replication_status, group.active_backend_id) == ("failed-over", "site-c"), operation.error
        assert site.read(volume, side="site-c") == "written on site-b"
        assert not site.control.can_write(side="site-b", volume_id=str(volume.pk))

    def test_failing_over_again_to_where_it_is_does_no_harm(self, site):
        group = site.failed_over_group(1)
        (volume,) = domain.members(group)
        site.write(volume, "stays", side="site-b")

        replication.failover(site.owner, group_id=group.pk, secondary_backend_id="site-b")
        domain.drain()

        group.refresh_from_db()
        assert (group.replication_status, group.active_backend_id) == ("failed-over", "site-b")
        assert site.read(volume, side="site-b") == "stays"


class TestASideThatWasLeftUntold:
    """Nobody told it of the move: it still takes itself for active, with what it had then."""

    def move(self, site: domain.Site, group: models.Group, target: str, mode: replication.Mode) -> models.Operation:
        operation = replication.failover(site.owner, group_id=group.pk, secondary_backend_id=target, mode=mode)
        domain.drain_with_retries()
        operation.refresh_from_db()
        assert operation.state == "succeeded", operation.error
        return operation

    def test_is_failed_over_to_with_what_was_written_since(self, site):
        group = site.failed_over_group(2)
        first = domain.members(group)[0]
        self.move(site, group, "site-c", "unplanned")
        site.write(first, "written on c", side="site-c")

        operation = self.move(site, group, "site-b", "auto")

        assert operation.result["mode"] == "planned"
        assert site.read(first, side="site-b") == "written on c"

    def test_is_failed_over_to_without_the_other_and_the_receipt_says_since_when_writes_are_lost(self, site):
        group = site.failed_over_group(2)
        first = domain.members(group)[0]
        left = self.move(site, group, "site-c", "unplanned")
        site.write(first, "written on c", side="site-c")
        site.control.site_down("site-c")

        operation = self.move(site, group, "site-b", "auto")

        assert operation.result["mode"] == "unplanned"
        assert operation.result["point"] == left.result["point"]

    def test_is_failed_back_to_at_the_point_of_the_move_away_from_it_and_not_of_a_later_one(self, site):
        group = site.enabled_group(2)
        left = self.move(site, group, "site-b", "unplanned")
        self.move(site, group, "site-c", "planned")

        operation = self.move(site, group, "default", "unplanned")

        assert operation.result["point"] == left.result["point"]

    def test_is_failed_back_to_at_the_point_both_had_though_it_was_told_late_that_it_was_left(self, site):
        group = site.enabled_group(2)
        first = domain.members(group)[0]
        site.write(first, "written on the primary alone")
        left = self.move(site, group, "site-b", "unplanned")
        site.write(first, "written on b", side="site-b")
        written_at = clock.now()
        observing.observe_all()
        assert site.control.log(method="retire")

        operation = self.move(site, group, "default", "unplanned")

        assert operation.result["point"] <= left.result["point"]
        assert datetime.datetime.fromisoformat(operation.result["point"]) < written_at


@pytest.mark.parametrize("verb", ["enable", "disable"])
def test_a_primary_that_was_restarted_lets_clients_in_again_before_success_is_claimed(site, verb):
    group = site.enabled_group(2)
    site.control.site_restart("")

    operation = getattr(replication, verb)(site.owner, group_id=group.pk)
    domain.drain()

    operation.refresh_from_db()
    assert operation.state == "succeeded", operation.error
    assert {site.control.can_write(side="", volume_id=str(volume.pk)) for volume in domain.members(group)} == {True}


def test_failing_back_what_is_half_away_states_what_it_discards_there(site):
    group = site.enabled_group(2)
    first = domain.members(group)[0]
    differing.moved(group, to="site-b", whole=False)
    site.write(first, "written on b", side="site-b")

    refused = replication.failover(site.owner, group_id=group.pk, secondary_backend_id="default", discard_bytes=0)
    domain.drain_with_retries()
    refused.refresh_from_db()
    assert (refused.state, refused.error_code) == ("failed", "would_discard")
    assert site.read(first, side="site-b") == "written on b"

    allowed = replication.failover(site.owner, group_id=group.pk, secondary_backend_id="default")
    domain.drain_with_retries()
    allowed.refresh_from_db()
    assert allowed.state == "succeeded", allowed.error
    assert allowed.result["discarded"] > 0

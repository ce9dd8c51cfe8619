"""What the observe tick sees, records and mends."""

from __future__ import annotations

import datetime

import pytest
from django.conf import settings

from groups import clock, models, transitions
from groups.engine import observing
from groups.services import replication, volumes
from tests.support import domain


def seen(group):
    observing.observe_all()
    group.refresh_from_db()
    return group


class TestObserving:
    def test_records_that_a_protected_group_is_healthy_and_how_old_its_point_is(self, site):
        group = seen(site.enabled_group(2))

        assert group.health == "healthy", group.health_detail
        assert group.consistent_at is not None
        assert group.observed_at is not None

    def test_records_a_target_that_does_not_answer_as_bad_news(self, site):
        group = site.enabled_group(1)
        site.control.site_down("site-c")

        seen(group)

        assert group.health == "broken"
        assert "site-c" in group.health_detail

    def test_records_a_group_as_broken_for_one_member_that_is_not_protected_and_names_it(self, site):
        group = site.enabled_group(1)
        volumes.create(site.owner, size_gib=1, volume_type="replicable", group_id=group.pk, name="latecomer")
        domain.drain()

        seen(group)

        assert group.health == "broken"
        assert "Not protected: latecomer" in group.health_detail

    def test_lets_clients_in_again_after_the_storage_was_restarted(self, site):
        group = site.enabled_group(2)
        site.control.site_restart("")
        volume = domain.members(group)[0]
        assert not site.control.can_write(side="", volume_id=str(volume.pk))

        seen(group)

        assert site.control.can_write(side="", volume_id=str(volume.pk))

    def test_lets_clients_of_a_lone_volume_in_again_too(self, site):
        volume = volumes.create(site.owner, size_gib=1, volume_type="replicable")
        domain.drain()
        site.control.site_restart("")

        observing.observe_all()

        assert site.control.can_write(side="", volume_id=str(volume.pk))

    def test_closes_a_primary_that_comes_back_from_a_failover_it_knows_nothing_of(self, site):
        group = site.enabled_group(1)
        (volume,) = domain.members(group)
        site.control.site_down("")
        replication.failover(site.owner, group_id=group.pk)
        domain.drain()
        site.control.site_up("")
        assert site.control.can_write(side="", volume_id=str(volume.pk))

        seen(group)

        assert not site.control.can_write(side="", volume_id=str(volume.pk))
        assert site.control.can_write(side="site-b", volume_id=str(volume.pk))

    @pytest.mark.unjudged("a status is written by hand")
    def test_cuts_nothing_off_while_it_is_not_certain_which_side_is_active(self, site):
        group = site.failed_over_group(1)
        (volume,) = domain.members(group)
        models.Group.objects.filter(pk=group.pk).update(replication_status="failover-error", active_backend_id="")

        seen(group)

        assert site.control.can_write(side="site-b", volume_id=str(volume.pk))

    def test_schedules_rounds_for_a_group_that_was_reset_to_enabled_by_hand(self, site):
        group = site.enabled_group(1)
        models.Round.objects.all().delete()

        seen(group)

        assert models.Round.objects.filter(group=group).exists()

    def test_leaves_a_group_alone_while_an_operation_is_open(self, site):
        group = site.enabled_group(1)
        replication.failover(site.owner, group_id=group.pk)
        site.control.forget_log()

        observing.observe_all()

        assert site.control.log(group_id=str(group.pk)) == []

    def test_asks_the_storage_of_a_failed_over_group_once_where_the_primary_knows_of_it(self, site):
        group = site.failed_over_group(1)
        site.control.forget_log()

        observing.observe_all()

        assert [call.method for call in site.control.log(group_id=str(group.pk))] == ["observe"]


class TestStandingBack:
    """Operations that wait for a worker come first."""

    def test_a_group_seen_a_moment_ago_is_spared_while_an_operation_has_waited_for_a_worker(self, site):
        group, _ = seen(site.enabled_group(1)), waiting_operation(site, seconds=2)

        assert looks(site, group) == 0

    def test_a_group_seen_long_ago_is_looked_at_all_the_same(self, site):
        group, _ = seen(site.enabled_group(1)), waiting_operation(site, seconds=2)
        turn = datetime.timedelta(seconds=2 * settings.REPLSITE.observe_seconds)
        models.Group.objects.filter(pk=group.pk).update(observed_at=clock.now() - turn)

        assert looks(site, group) == 1

    def test_a_group_that_its_operation_has_just_seen_is_spared_too_but_not_for_long(self, site):
        group, _ = site.enabled_group(1), waiting_operation(site, seconds=2)

        assert looks(site, group) == 0

        turn = datetime.timedelta(seconds=2 * settings.REPLSITE.observe_seconds)
        models.Group.objects.filter(pk=group.pk).update(updated_at=clock.now() - turn)
        assert looks(site, group) == 1

    def test_an_operation_that_was_asked_for_just_now_spares_nobody(self, site):
        group, _ = seen(site.enabled_group(1)), waiting_operation(site, seconds=0)

        assert looks(site, group) == 1

    def test_an_operation_that_a_worker_has_spares_nobody(self, site):
        group, operation = seen(site.enabled_group(1)), waiting_operation(site, seconds=2)
        transitions.claim(operation.pk, owner="busy", lease_seconds=60)

        assert looks(site, group) == 1


def waiting_operation(site, *, seconds):
    operation = replication.failover(site.owner, group_id=site.enabled_group(1).pk)
    past = clock.now() - datetime.timedelta(seconds=seconds)
    models.Operation.objects.filter(pk=operation.pk).update(created_at=past)
    return operation


def looks(site, group):
    site.control.forget_log()
    observing.observe_all()
    return len(site.control.log(method="observe", group_id=str(group.pk)))

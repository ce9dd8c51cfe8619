"""What looks leave behind: the newest facts of each side, lag over time, and missed objectives."""

from __future__ import annotations

import dataclasses
import datetime
import itertools

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from drivers import base
from drivers.fake.control import Control
from groups import clock, errors, models, specs
from groups.engine import lag, observations, observing
from groups.queries import lag as queries, objectives
from groups.services import backends, objectives as services, replication, types
from tests.support import domain


def seen(group: models.Group) -> models.Group:
    observing.observe_all()
    group.refresh_from_db()
    return group


def aged(group: models.Group, *, seconds: float) -> models.Group:
    """Have the newest known point of a group be so old."""
    models.Group.objects.filter(pk=group.pk).update(consistent_at=timezone.now() - datetime.timedelta(seconds=seconds))
    group.refresh_from_db()
    return group


def allowed(site: domain.Site, group: models.Group, **levels: float) -> None:
    services.set_levels(site.owner, group_id=group.pk, levels=levels)


def missed(group: models.Group) -> list[tuple[str, str]]:
    """Return which objectives of a group are missed, and how badly."""
    lag.judge()
    rows = models.Finding.objects.filter(subject_id=group.pk, code="objective-missed", closed_at__isnull=True)
    return sorted(rows.values_list("key", "severity"))


class TestALook:
    def test_keeps_what_each_side_said(self, site):
        group = site.enabled_group(1)
        site.control.site_down("site-c")

        seen(group)

        sides = {row.backend_id: row for row in group.side_observations.all()}
        assert {name: row.reachable for name, row in sides.items()} == {"": True, "site-b": True, "site-c": False}
        assert sides["site-b"].consistent_at is not None
        assert sides[""].claims_active
        assert not sides["site-b"].claims_active

    def test_keeps_one_row_a_side_however_often_it_looks(self, site):
        group = site.enabled_group(1)

        first = {row.backend_id: row.observed_at for row in seen(group).side_observations.all()}
        second = {row.backend_id: row.observed_at for row in seen(group).side_observations.all()}

        assert set(first) == set(second) == {"", "site-b", "site-c"}
        assert all(second[side] > first[side] for side in first)

    def test_adds_a_sample_of_the_lag(self, site):
        group = seen(site.enabled_group(1))

        (sample,) = group.lag_samples.all()

        assert 0 <= sample.lag_seconds < 60
        assert sample.blind == 0

    def test_that_failed_adds_a_sample_that_says_so(self, site):
        group = site.enabled_group(1)
        site.control.add_fault(call="observe", action="fail", times=1)

        seen(group)

        (sample,) = group.lag_samples.all()
        assert (sample.lag_seconds, sample.blind) == (None, 1)

    def test_that_failed_leaves_the_point_that_was_made_meanwhile(self, site):
        group = seen(site.enabled_group(1))
        value = base.Group(id=str(group.pk), name=group.name, volumes=(), interval_seconds=60)
        newer = timezone.now() + datetime.timedelta(seconds=30)
        models.Group.objects.filter(pk=group.pk).update(consistent_at=newer, bytes_behind=7)

        observations.record([observations.Look(group=group, value=value, problem="no answer")])

        group.refresh_from_db()
        assert (group.health, group.consistent_at, group.bytes_behind) == ("broken", newer, 7)

    def test_that_failed_beside_one_that_did_not_leaves_its_point_too(self, site):
        failing, answering = sorted((site.enabled_group(1), site.enabled_group(1)), key=lambda group: group.pk)
        observing.observe_all()
        before = models.Group.objects.get(pk=failing.pk)
        seen_at = before.observed_at
        site.control.add_fault(call="observe", action="fail", group_id=str(failing.pk))

        observing.observe_all()

        failing.refresh_from_db()
        answering.refresh_from_db()
        assert (failing.health, answering.health) == ("broken", "healthy")
        assert failing.consistent_at == before.consistent_at
        assert failing.observed_at > seen_at

    def test_of_what_has_no_copy_adds_none(self, site):
        group = seen(site.failed_over_group(1))

        assert not group.lag_samples.exists()

    def test_of_many_groups_costs_as_many_statements_as_of_one(self, site, monkeypatch):
        monkeypatch.setattr(clock, "_GOOD_SECONDS", 3600)
        site.enabled_group(1)
        observing.observe_all()
        with CaptureQueriesContext(connection) as of_one:
            observing.observe_all()
        for _ in range(4):
            site.enabled_group(1)
        observing.observe_all()
        # All of them come back before any is written.
        gather = observing.crews.gather
        together = lambda *given, **how: [list(itertools.chain.from_iterable(gather(*given, **how)))]  # noqa: E731
        monkeypatch.setattr(observing.crews, "gather", together)
        with CaptureQueriesContext(connection) as of_five:
            observing.observe_all()

        assert len(of_five) <= len(of_one) + 3, [query["sql"] for query in of_five]


class TestARound:
    def test_adds_a_sample_of_how_old_the_point_before_it_had_become(self, site):
        group = aged(site.enabled_group(1), seconds=90)

        assert domain.run_round(group)

        (sample,) = group.lag_samples.all()
        assert 90 <= sample.lag_seconds < 120


class TestASlowBackend:
    @pytest.mark.unjudged("the second backend's calls are in a log of its own")
    def test_holds_up_no_other_and_its_groups_are_said_to_be_unseen(self, site, tmp_path, monkeypatch):
        monkeypatch.setattr(observing, "_LOOK_SECONDS", 0.2)
        monkeypatch.setattr(observing, "_AT_ONCE", 2)
        monkeypatch.setattr(observing.calls, "_GRACE_SECONDS", 0.1)
        slow = [site.enabled_group(1) for _ in range(5)]
        quick = another_site(site, tmp_path).enabled_group(1)
        site.control.add_fault(call="observe", action="hang")

        observing.observe_all()

        site.control.clear_faults()
        quick.refresh_from_db()
        assert quick.health == "healthy"
        for group in slow:
            group.refresh_from_db()
            assert group.health == "broken"
            assert models.Finding.objects.filter(group=group, code="not-observed", closed_at__isnull=True).exists()
        assert len([call for call in site.control.log() if call.outcome is None]) <= 4


class TestAnObjective:
    def test_nobody_set_is_no_finding_however_old_the_point(self, site):
        group = aged(site.enabled_group(1), seconds=5000)

        assert missed(group) == []
        assert objectives.standing(group).rpo_state == "critical"

    def test_is_met_then_worth_a_warning_then_critical_then_met_again(self, site):
        group = site.enabled_group(1)
        allowed(site, group, rpo_warning_seconds=60, rpo_critical_seconds=300)

        assert missed(aged(group, seconds=10)) == []
        assert missed(aged(group, seconds=100)) == [("rpo", "warning")]
        assert missed(aged(group, seconds=400)) == [("rpo", "critical")]
        assert missed(aged(group, seconds=10)) == []

    def test_is_missed_where_no_point_is_known(self, site):
        group = site.enabled_group(1)
        allowed(site, group, rpo_warning_seconds=60)
        models.Group.objects.filter(pk=group.pk).update(consistent_at=None)

        assert missed(group) == [("rpo", "critical")]

    def test_of_the_type_holds_where_the_group_has_none(self, site):
        group = aged(site.enabled_group(1), seconds=100)
        models.GroupSpec.objects.create(group_type=site.group_type, key="replsite:rpo_critical_seconds", value="50")
        assert missed(group) == [("rpo", "critical")]

        allowed(site, group, rpo_critical_seconds=200)

        assert missed(group) == []

    def test_that_is_taken_away_is_missed_no_more(self, site):
        group = aged(site.enabled_group(1), seconds=100)
        allowed(site, group, rpo_critical_seconds=50)
        assert missed(group)

        allowed(site, group)

        assert missed(group) == []

    def test_for_time_is_missed_until_a_failover_was_quick_enough(self, site):
        group = site.enabled_group(1)
        allowed(site, group, rto_critical_seconds=600)
        assert missed(group) == [("rto", "critical")]

        replication.failover(site.owner, group_id=group.pk)
        domain.drain()

        assert missed(group) == []
        assert objectives.standing(group).recovery_seconds < 600

    def test_of_many_groups_is_judged_in_as_many_statements_as_of_one(self, site):
        group = site.enabled_group(1)
        allowed(site, group, rpo_critical_seconds=50)
        aged(group, seconds=100)
        with CaptureQueriesContext(connection) as of_one:
            lag.judge()
        for _ in range(4):
            group = site.enabled_group(1)
            allowed(site, group, rpo_critical_seconds=50)
            aged(group, seconds=100)
        lag.judge()
        with CaptureQueriesContext(connection) as of_five:
            lag.judge()

        assert len(of_five) <= len(of_one) + 3, [query["sql"] for query in of_five]


class TestSamples:
    def sample(self, group, *, ago: datetime.timedelta, lag_seconds: float | None, span: int = 0) -> None:
        models.LagSample.objects.create(
            group=group,
            at=timezone.now() - ago,
            lag_seconds=lag_seconds,
            span_seconds=span,
            blind=int(lag_seconds is None),
        )

    def test_are_put_together_as_they_grow_old_and_the_worst_is_kept(self, site):
        group = site.new_group(1)
        noon = datetime.timedelta(days=2)
        for number, seconds in enumerate([3.0, 8.0, None, 5.0]):
            self.sample(group, ago=noon + datetime.timedelta(milliseconds=number), lag_seconds=seconds)
        self.sample(group, ago=datetime.timedelta(hours=1), lag_seconds=2.0)

        lag.thin()

        kept = list(group.lag_samples.order_by("at").values_list("span_seconds", "lag_seconds", "blind"))
        assert kept == [(300, 8.0, 1), (0, 2.0, 0)]

    def test_of_months_ago_are_kept_by_the_hour_and_of_years_ago_not_at_all(self, site):
        group = site.new_group(1)
        self.sample(group, ago=datetime.timedelta(days=60), lag_seconds=4.0)
        self.sample(group, ago=datetime.timedelta(days=400), lag_seconds=4.0, span=3600)

        lag.thin()

        assert list(group.lag_samples.values_list("span_seconds", "lag_seconds")) == [(3600, 4.0)]

    def test_make_a_series_of_a_bounded_number_of_points(self, site):
        group = site.new_group(1)
        for minute in range(120):
            self.sample(group, ago=datetime.timedelta(minutes=minute, seconds=1), lag_seconds=float(minute))
        since = timezone.now() - datetime.timedelta(hours=2)

        with CaptureQueriesContext(connection) as captured:
            points = queries.series(group.pk, since=since, points=12)

        assert len(captured) == 1
        assert len(points) == 12
        assert points[0].lag_seconds == 119.0
        assert [point.at for point in points] == sorted(point.at for point in points)


class TestWhatAFailoverWouldLose:
    def test_is_told_for_each_side_the_best_first(self, site):
        group = site.enabled_group(1)
        site.control.site_down("site-b")
        seen(group)

        first, second = queries.losses(group)

        assert (first.backend_id, first.is_possible) == ("site-c", True)
        assert first.age_seconds is not None
        assert (second.backend_id, second.reachable) == ("site-b", False)

    def test_is_unknown_where_nobody_has_looked(self, site):
        group = site.new_group(1)

        assert {(loss.backend_id, loss.is_possible) for loss in queries.losses(group)} == {
            ("site-b", False),
            ("site-c", False),
        }

    def test_of_many_groups_is_told_in_two_statements(self, site):
        groups = [seen(site.enabled_group(1)) for _ in range(3)]

        with CaptureQueriesContext(connection) as captured:
            losses = queries.losses_of(groups)

        assert len(captured) == 2
        assert set(losses) == {group.pk for group in groups}


def another_site(site: domain.Site, folder) -> domain.Site:
    """Return the same site with its groups on a second backend."""
    backend = backends.add(
        site.admin, name="quick", driver="fake", options={"state": str(folder / "quick")}, targets={"site-b": {}}
    )
    for family, name, key in (
        (types.GROUP, "quick-groups", specs.CONSISTENT_GROUP_REPLICATION),
        (types.VOLUME, "quick-volumes", specs.REPLICATION),
    ):
        values = {key: specs.TRUE}
        if family is types.VOLUME:
            values["volume_backend_name"] = "quick"
        types.create(site.admin, family=family, name=name, spec_values=values)
    return dataclasses.replace(
        site,
        backend=backend,
        control=Control(folder=folder / "quick"),
        group_type=models.GroupType.objects.get(name="quick-groups"),
        volume_type=models.VolumeType.objects.get(name="quick-volumes"),
    )


@pytest.mark.parametrize(
    "levels",
    [{"rpo_critical_seconds": 0}, {"rpo_critical_seconds": -1}, {"rpo_warning_seconds": 9, "rpo_critical_seconds": 3}],
)
def test_levels_that_make_no_sense_are_refused(site, levels):
    group = site.new_group(0)

    with pytest.raises(errors.InvalidInput):
        allowed(site, group, **levels)

    group.refresh_from_db()
    assert group.rpo_critical_seconds is None

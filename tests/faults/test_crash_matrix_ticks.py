"""Rounds and ticks, killed -9 at every point: the next one finishes what was begun, and nothing stands in its way."""

from __future__ import annotations

import datetime
import pprint
import random
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.db.models.functions import Now
from django.utils import timezone

from groups import models
from groups.engine import observing, rounds, sweeper
from groups.engine.drills import following
from groups.services import drill_starting, drills, groups, replication
from tests.faults import cases, killing, matrix
from tests.support import domain

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.timeout(1800)]

SOAK = pytest.mark.soak
SOME = 4


def killed_at_each_point(
    prepare: Callable[[], Any], work: Callable[[], object], *, end: Callable[[Any], object], most: int | None
) -> int:
    """Work undisturbed, then killed at each point and once more after that; the ends must be equal.

    Returns how many points there are.
    """
    subject = prepare()
    points = killing.run(work).points
    undisturbed = end(subject)
    numbers = range(1, len(points) + 1)
    wrong = {}
    for number in numbers if most is None else random.sample(numbers, min(most, len(points))):
        subject = prepare()
        assert killing.run(work, at=number).killed
        killing.expire_leases()
        work()
        if (found := end(subject)) != undisturbed:
            wrong[f"{number}: {points[number - 1].name}"] = matrix.different(undisturbed, found)
    assert not wrong, pprint.pformat(wrong, width=200)
    return len(points)


@pytest.mark.parametrize("most", [pytest.param(None, marks=SOAK), SOME])
class TestAWorkerKilledInARound:
    @pytest.fixture
    def bench(self, site):
        return matrix.Bench(site, matrix.Case(prepare=cases.enabled, ask=lambda *_: None), matrix.Fake(site.control))

    def due(self, bench: matrix.Bench) -> matrix.Bench:
        bench.ready()
        models.Round.objects.exclude(pk=bench.group.pk).delete()
        models.Round.objects.filter(pk=bench.group.pk).update(due_at=Now())
        return bench

    def test_leaves_it_to_the_next_one_that_ends_as_if_undisturbed(self, bench, most):
        count = killed_at_each_point(
            lambda: self.due(bench),
            lambda: rounds.run(group_id=bench.group.pk, owner="tests"),
            end=lambda _: bench.state(),
            most=most,
        )

        assert count >= 10

    def test_within_the_driver_s_call_leaves_the_last_complete_point(self, bench, most):
        for volume in range(1, cases.SIZE + 1)[:most]:
            self.due(bench)
            bench.site.control.add_fault(call="replicate", action="crash", volume=volume, when="after", times=1)
            assert killing.run(lambda: rounds.run(group_id=bench.group.pk, owner="tests")).killed
            bench.site.control.clear_faults()
            held = bench.storage.holds(bench.volume_ids)["site-b"]

            assert {copy["content"].rsplit(" ", 1)[0] for copy in held} == {"round"}
            assert len({copy["point"] for copy in held}) == 1

    def test_does_not_hold_up_a_failover(self, bench, most):
        self.due(bench)
        points = killing.run(lambda: rounds.run(group_id=bench.group.pk, owner="tests")).points

        for number in random.sample(range(1, len(points) + 1), most or len(points)):
            self.due(bench)
            assert killing.run(lambda: rounds.run(group_id=bench.group.pk, owner="tests"), at=number).killed
            cases.fail_over(bench.site, bench.group)
            domain.drain()

            operation = domain.last_operation(bench.group)
            assert (operation.state, operation.attempt) == ("succeeded", 1), operation.error
            assert {copy["content"].rsplit(" ", 1)[0] for copy in bench.storage.holds(bench.volume_ids)["site-b"]} == {
                "late"
            }


@pytest.mark.parametrize("most", [pytest.param(None, marks=SOAK), SOME])
class TestABeatKilledInATick:
    def test_of_the_sweeper_loses_no_operation(self, site, most):
        def forgotten() -> list[models.Operation]:
            made = [site.new_group(1), site.new_group(1)]
            asked = [replication.enable(site.owner, group_id=group.pk) for group in made]
            killing.expire_leases()
            return asked

        def woken(asked: list[models.Operation]) -> object:
            rows = models.Operation.objects.filter(pk__in=[operation.pk for operation in asked])
            sent = rows.filter(dispatched_at__gt=Now() - on_its_way()).count()
            domain.drain()
            return sent, sorted(rows.values_list("state", "attempt"))

        count = killed_at_each_point(forgotten, sweeper.sweep, end=woken, most=most)

        assert count >= 6

    def test_of_rounds_loses_no_round(self, site, most):
        def due() -> models.Group:
            group = site.enabled_group(1)
            models.Round.objects.exclude(pk=group.pk).delete()
            models.Round.objects.filter(pk=group.pk).update(due_at=Now(), dispatched_at=None)
            return group

        def woken(group: models.Group) -> object:
            sent = models.Round.objects.filter(pk=group.pk, dispatched_at__gt=Now() - on_its_way()).exists()
            return sent, rounds.run(group_id=group.pk, owner="tests")

        count = killed_at_each_point(due, rounds.wake_due, end=woken, most=most)

        assert count >= 4

    def test_of_observing_lets_the_next_one_find_and_serve_the_same(self, site, most):
        bench = matrix.Bench(
            site, matrix.Case(prepare=with_a_stale_primary, ask=lambda *_: None), matrix.Fake(site.control)
        )

        def ready() -> matrix.Bench:
            # Groups of earlier turns are not at rest, and so not looked at.
            for older in models.Group.objects.filter(status="available"):
                groups.reset_status(site.admin, group_id=older.pk, status="error")
            bench.ready()
            return bench

        count = killed_at_each_point(ready, observing.observe_all, end=lambda _: bench.state(), most=most)

        assert count >= 10


@pytest.mark.parametrize("most", [pytest.param(None, marks=SOAK), SOME])
class TestADrillsTickKilled:
    """The drills tick begins what is due and concludes what has ended: each once, however often it dies."""

    def planned(self, site: domain.Site) -> models.DrillPlan:
        """Return a plan of two groups whose time has just come, with somebody to tell."""
        models.DrillPlan.objects.update(enabled=False)
        groups = [site.enabled_group(1), site.enabled_group(1)]
        plan = drills.create_plan(
            site.owner,
            name=f"plan {models.DrillPlan.objects.count()}",
            groups=[group.pk for group in groups],
            cron="* * * * *",
            at_once=2,
            emails=["ada@example.org"],
        )
        now = timezone.now()
        models.DrillPlan.objects.filter(pk=plan.pk).update(
            created_at=now - datetime.timedelta(seconds=61), planned_until=now - datetime.timedelta(seconds=60)
        )
        return plan

    def left(self, plan: models.DrillPlan) -> object:
        """Return what there is of a plan's drills once workers had their time, without what came a minute later."""
        models.DrillPlan.objects.filter(pk=plan.pk).update(enabled=False)
        domain.drain()
        following.follow_up()
        first = plan.runs.earliest("planned_at").planned_at
        runs = plan.runs.filter(planned_at=first).order_by("pk")
        operations = models.Operation.objects.filter(drill_run__in=runs)
        return {
            "verdicts": sorted(runs.values_list("verdict", flat=True)),
            "operations": sorted(operations.values_list("state", flat=True)),
            "entries": [run.entries.count() for run in runs],
            "notices": sorted(models.DrillNotice.objects.filter(run__in=runs).values_list("kind", flat=True)),
            "chains": [
                list(models.DrillEntry.objects.filter(subject_id=run.subject_id).values_list("number", flat=True))
                for run in runs
            ],
        }

    def test_while_it_begins_drills_begins_each_once(self, site, most):
        count = killed_at_each_point(lambda: self.planned(site), drill_starting.start_due, end=self.left, most=most)

        assert count >= 10

    def test_while_it_concludes_writes_one_verdict_and_one_report_of_each(self, site, most):
        def ended() -> models.DrillPlan:
            plan = self.planned(site)
            drill_starting.start_due()
            models.DrillPlan.objects.filter(pk=plan.pk).update(enabled=False)
            domain.drain()
            return plan

        count = killed_at_each_point(ended, following.follow_up, end=self.left, most=most)

        assert count >= 10


def with_a_stale_primary(site: domain.Site) -> models.Group:
    """Return a group that was failed over without its primary, which is back, and whose secondary forgot to serve."""
    group = cases.dark_primary(site)
    replication.failover(site.owner, group_id=group.pk, mode="unplanned")
    domain.drain()
    site.control.site_up("")
    site.control.site_restart("site-b")
    group.refresh_from_db()
    return group


def on_its_way() -> Any:
    """Return how long a message may be on its way."""
    return datetime.timedelta(seconds=settings.REPLSITE.redispatch_seconds)

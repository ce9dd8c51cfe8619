"""The drills tick begins what is due: once, within windows and limits, and nothing while it is frozen."""

from __future__ import annotations

import datetime
from collections import Counter

import pytest
from django.utils import timezone

from groups import models, statuses
from groups.services import drill_calendar, drill_starting, drills
from tests.support import domain

pytestmark = pytest.mark.django_db

HOUR = datetime.timedelta(hours=1)


@pytest.fixture
def group(site: domain.Site) -> models.Group:
    return site.enabled_group(1)


def scheduled(site: domain.Site, *groups: models.Group, **wanted: object) -> models.DrillPlan:
    """Return a plan that was made three hours ago."""
    values = {"cron": "0 * * * *", **wanted}
    plan = drills.create_plan(site.owner, name="hourly", groups=[group.pk for group in groups], **values)
    plan.created_at = (timezone.now() - 3 * HOUR).replace(minute=30)
    plan.save(update_fields=["created_at"])
    return plan


def verdicts(plan: models.DrillPlan) -> list[str]:
    return list(plan.runs.order_by("planned_at").values_list("verdict", flat=True))


def test_two_beats_make_one_run(site, group):
    plan = scheduled(site, group)
    now = timezone.now()

    first = drill_starting.start_due(now)
    models.DrillPlan.objects.update(planned_until=None)
    second = drill_starting.start_due(now)

    assert (first, second) == (1, 0)
    assert models.Operation.objects.filter(kind="drill").count() == 1
    assert plan.runs.filter(operation__isnull=False).count() == 1


def test_of_several_missed_times_the_newest_is_run_and_the_others_are_skipped(site, group):
    plan = scheduled(site, group)

    drill_starting.start_due()

    found = verdicts(plan)
    assert found[:-1] == ["skipped"] * (len(found) - 1)
    assert found[-1] == ""
    assert len(found) >= 2


def test_a_missed_time_is_skipped_where_the_plan_says_so(site, group):
    plan = scheduled(site, group, missed="skip", grace_minutes=1)
    drills.freeze(site.owner, plan_id=plan.pk, frozen=True)
    drill_starting.start_due()

    drill_starting.start_due(timezone.now() + 2 * HOUR)

    assert set(verdicts(plan)[:-1]) == {"skipped"}


def test_nothing_begins_while_frozen_and_it_begins_when_thawed(site, group):
    plan = scheduled(site, group)
    drills.freeze(site.owner, plan_id=plan.pk, frozen=True)

    assert drill_starting.start_due() == 0
    assert plan.runs.filter(waiting_for="The plan is frozen.").exists()

    drills.freeze(site.owner, plan_id=plan.pk, frozen=False)
    assert drill_starting.start_due() == 1


def test_a_surprise_begins_within_its_span_and_is_decided_once(site, group):
    plan = scheduled(site, group, surprise_minutes=30)
    drill_starting.start_due()
    starts = dict(plan.runs.values_list("pk", "start_at"))
    models.DrillPlan.objects.update(planned_until=None)

    drill_starting.start_due()

    assert dict(plan.runs.values_list("pk", "start_at")) == starts
    for run in plan.runs.all():
        assert datetime.timedelta() <= run.start_at - run.planned_at <= datetime.timedelta(minutes=30)
        assert run.trigger == "surprise"


def test_limits_hold_for_a_plan_and_for_the_site(site, settings):
    groups = [site.enabled_group(1) for _ in range(4)]
    scheduled(site, *groups, at_once=3)

    assert drill_starting.start_due() == settings.REPLSITE.drills_at_once
    assert drill_starting.start_due() == 0
    assert models.DrillRun.objects.filter(waiting_for__contains="limit").count() == 2


def test_a_group_that_was_failed_over_waits(site, group):
    plan = scheduled(site, group)
    models.Group.objects.filter(pk=group.pk).update(replication_status="failing-over")

    assert drill_starting.start_due() == 0

    assert "must be enabled" in plan.runs.exclude(waiting_for="").get().waiting_for
    models.Group.objects.filter(pk=group.pk).update(replication_status="enabled")


def simulate(site: domain.Site, plan: models.DrillPlan, *, days: int, step: datetime.timedelta) -> dict[str, list]:
    """Let the tick come for so many days, each drill over by the next one; return when each group's began."""
    begun: dict[str, list[datetime.datetime]] = {}
    now = plan.created_at
    until = now + datetime.timedelta(days=days)
    while now < until:
        now += step
        drill_starting.start_due(now)
        running = models.DrillRun.objects.filter(operation__state__in=statuses.OPEN).select_related("group")
        found = list(running)
        assert max(Counter(run.group.backend_id for run in found).values(), default=0) <= plan.at_once
        for run in found:
            assert drill_calendar.why_not_now(plan, now) == ""
            begun.setdefault(run.group_name, []).append(now)
        models.Operation.objects.filter(pk__in=[run.operation_id for run in found]).update(
            state="succeeded", ended_at=timezone.now()
        )
        models.DrillRun.objects.filter(pk__in=[run.pk for run in found]).update(verdict="passed", ended_at=now)
    return begun


def assert_all_proven(
    site: domain.Site, *, groups: int, days: int, every: int, step: datetime.timedelta, start
) -> None:
    first = site.enabled_group(1)
    template = {field.attname: getattr(first, field.attname) for field in first._meta.concrete_fields}
    rows = [models.Group(**{**template, "id": None, "name": f"group-{number}"}) for number in range(groups - 1)]
    for row in rows:
        row.pk = models.Group._meta.pk.get_default()
    models.Group.objects.bulk_create(rows)
    plan = drills.create_plan(
        site.owner,
        name="all of them",
        backend="array",
        every_days=every,
        timezone="Europe/Berlin",
        windows=[{"from": "20:00", "to": "06:00"}],
        blackouts=[
            {
                "from": f"{start + datetime.timedelta(days=2):%Y-%m-%d}",
                "to": f"{start + datetime.timedelta(days=2):%Y-%m-%d}",
            }
        ],
        at_once=2,
    )
    plan.created_at = start
    plan.save(update_fields=["created_at"])

    begun = simulate(site, plan, days=days, step=step)

    assert len(begun) == groups
    for name, moments in begun.items():
        gaps = [
            after - before
            for before, after in zip([start, *moments], [*moments, start + datetime.timedelta(days=days)], strict=True)
        ]
        assert max(gaps) <= datetime.timedelta(days=every), (name, moments)


@pytest.mark.unjudged
def test_every_group_is_proven_in_time_over_a_change_of_the_clocks(site):
    start = datetime.datetime(2026, 3, 27, 12, tzinfo=datetime.UTC)
    assert_all_proven(site, groups=6, days=8, every=4, step=2 * HOUR, start=start)


@pytest.mark.soak
@pytest.mark.unjudged
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("start", [(2026, 3, 20), (2026, 10, 16)])
def test_two_hundred_groups_are_proven_in_time_on_a_fast_clock(site, start):
    begin = datetime.datetime(*start, 12, tzinfo=datetime.UTC)
    assert_all_proven(site, groups=200, days=28, every=14, step=datetime.timedelta(minutes=30), start=begin)

"""The drills tick begins what is due: once, within windows and limits, and nothing while it is frozen."""

from __future__ import annotations

import datetime
import random
from collections.abc import Iterator

import pytest
from django.utils import timezone

from groups import models, statuses
from groups.services import drill_starting, drills
from tests.judging import calendars
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


class FastClock:
    """A clock that stands until it is moved."""

    def __init__(self, monkeypatch, now: datetime.datetime) -> None:
        self.now = now
        monkeypatch.setattr("groups.clock.now", lambda: self.now)

    def days(self, count: float, *, step: datetime.timedelta) -> Iterator[datetime.datetime]:
        """Move on in steps and yield each moment."""
        until = self.now + datetime.timedelta(days=count)
        while self.now < until:
            self.now += step
            yield self.now


def end_drills(now: datetime.datetime, ends: dict[object, datetime.datetime], chance: random.Random) -> None:
    """Let each drill that is under way last its time, and pass."""
    for run in models.DrillRun.objects.filter(operation__state__in=statuses.OPEN).select_related("operation"):
        takes = datetime.timedelta(minutes=chance.randrange(5, 90))
        end = ends.setdefault(run.pk, run.operation.created_at + takes)
        if end <= now:
            models.Operation.objects.filter(pk=run.operation_id).update(state="succeeded", ended_at=end)
            models.DrillRun.objects.filter(pk=run.pk).update(verdict="passed", ended_at=end)


def copies_of(group: models.Group, count: int) -> None:
    """Make more groups that are as one is, as far as the calendar looks at them."""
    values = {field.attname: getattr(group, field.attname) for field in group._meta.concrete_fields}
    rows = [models.Group(**{**values, "id": None, "name": f"group-{number}"}) for number in range(count)]
    for row in rows:
        row.pk = models.Group._meta.pk.get_default()
    models.Group.objects.bulk_create(rows)


def live_through(
    site: domain.Site, monkeypatch, *, groups: int, days: int, every: int, step: datetime.timedelta, start
) -> models.DrillPlan:
    """Let a plan drill many groups over some days, with a blackout, windows at night, and a freeze; return it."""
    copies_of(site.enabled_group(1), groups - 1)
    clock = FastClock(monkeypatch, start)
    blackout = f"{start + datetime.timedelta(days=2):%Y-%m-%d}"
    plan = drills.create_plan(
        site.owner,
        name="all of them",
        backend="array",
        every_days=every,
        timezone="Europe/Berlin",
        windows=[{"from": "20:00", "to": "06:00"}],
        blackouts=[{"from": blackout, "to": blackout}],
        at_once=2,
    )
    ends: dict[object, datetime.datetime] = {}
    chance = random.Random(7)
    frozen = (start + datetime.timedelta(days=days / 2), start + datetime.timedelta(days=days / 2 + every / 10))
    for now in clock.days(days, step=step):
        if frozen[0] <= now < frozen[0] + step or frozen[1] <= now < frozen[1] + step:
            drills.freeze(site.owner, plan_id=plan.pk, frozen=now < frozen[1])
        end_drills(now, ends, chance)
        drill_starting.start_due()
    plan.refresh_from_db()
    return plan


@pytest.mark.unjudged
def test_every_group_is_proven_in_time_over_a_change_of_the_clocks(site, monkeypatch):
    start = datetime.datetime(2026, 3, 27, 12, tzinfo=datetime.UTC)

    plan = live_through(site, monkeypatch, groups=6, days=8, every=4, step=2 * HOUR, start=start)

    assert calendars.complaints(plan, until=start + datetime.timedelta(days=8)) == []
    assert plan.runs.filter(verdict="passed").count() >= 12
    assert models.AuditEntry.objects.filter(action__startswith="drill:plan-").count() == 3


@pytest.mark.unjudged
def test_the_judge_of_calendars_sees_what_a_plan_forbids(site, monkeypatch):
    start = datetime.datetime(2026, 10, 24, 12, tzinfo=datetime.UTC)
    plan = live_through(site, monkeypatch, groups=3, days=8, every=4, step=2 * HOUR, start=start)
    until = start + datetime.timedelta(days=8)
    assert calendars.complaints(plan, until=until) == []
    run = plan.runs.filter(verdict="passed").earliest("ended_at")
    frozen = models.AuditEntry.objects.get(action="drill:plan-freeze").at

    def told(begun: datetime.datetime) -> str:
        models.Operation.objects.filter(pk=run.operation_id).update(created_at=begun, ended_at=begun + HOUR)
        return " ".join(calendars.complaints(plan, until=until))

    # In Berlin the 25th has 25 hours: 05:30 UTC is 06:30 there, and an hour before the window was open.
    assert "is in no window" in told(datetime.datetime(2026, 10, 25, 5, 30, tzinfo=datetime.UTC))
    assert "is in no window" not in told(datetime.datetime(2026, 10, 25, 4, 30, tzinfo=datetime.UTC))
    assert "is blacked out" in told(datetime.datetime(2026, 10, 26, 22, tzinfo=datetime.UTC))
    assert "while the plan was frozen" in told(frozen)
    assert "before its time" in told(run.start_at - HOUR)
    models.DrillRun.objects.filter(subject_id=run.subject_id).update(verdict="failed")
    assert "without a proof" in told(run.operation.created_at)
    models.Operation.objects.filter(drill_run__plan=plan).update(created_at=start, ended_at=start + HOUR)
    assert "ran at once" in told(start)


@pytest.mark.soak
@pytest.mark.unjudged
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("start", [(2026, 3, 20), (2026, 10, 16)])
def test_two_hundred_groups_are_proven_in_time_on_a_fast_clock(site, monkeypatch, start):
    begin = datetime.datetime(*start, 12, tzinfo=datetime.UTC)

    plan = live_through(
        site, monkeypatch, groups=200, days=28, every=14, step=datetime.timedelta(minutes=30), start=begin
    )

    assert calendars.complaints(plan, until=begin + datetime.timedelta(days=28)) == []
    assert plan.runs.filter(verdict="passed").values("subject_id").distinct().count() == 200

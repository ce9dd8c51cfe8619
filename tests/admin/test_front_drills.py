"""Drills on the overview: what failed and was not made good, what is overdue, what is due."""

from __future__ import annotations

import datetime

import pytest
from django.urls import reverse
from django.utils import timezone

from groups import models
from groups.engine.drills import following
from groups.services import drills
from tests.admin.conftest import Cast, page, text
from tests.support.domain import Site, drain


@pytest.mark.unjudged("rows are made by hand")
def test_the_overview_shows_drills_that_failed_are_overdue_or_due(site: Site, cast: Cast):
    group, now = site.enabled_group(1), timezone.now()
    plan = models.DrillPlan.objects.create(name="nightly", project=site.project, backend=site.backend)

    def run(days: float, **values: object) -> models.DrillRun:
        at = now + datetime.timedelta(days=days)
        about = {"plan": plan, "group": group, "subject_id": group.pk, "group_name": group.name}
        return models.DrillRun.objects.create(
            **about, project=site.project, kind="test-copy", trigger="scheduled", planned_at=at, start_at=at, **values
        )

    made_good = run(-5, verdict="failed", ended_at=now - datetime.timedelta(days=5), why="the disk was full")
    run(-4, verdict="passed", ended_at=now - datetime.timedelta(days=4), terms={"target": "site-c"})
    run(-3, verdict="failed", ended_at=now - datetime.timedelta(days=3), why="the copy did not start")
    run(-1)
    run(1)

    shown = text(cast.admin.get(reverse("admin:index")))
    ranked = text(cast.admin.get(page(group, "failover")))

    assert "the copy did not start" in shown
    assert made_good.why not in shown
    assert shown.index("overdue</span>") < shown.index("due</span>\n")
    assert "proven by a drill 4 d ago" in ranked
    assert "never proven by a failover or a drill" in ranked


def test_a_drill_that_failed_and_was_made_good_is_on_the_overview_no_more(site: Site, cast: Cast):
    group = site.enabled_group(1)
    plan = drills.create_plan(site.owner, name="weekly", groups=[group.pk], rto_seconds=0.0001)
    for objective in (0.0001, 300):
        drills.change_plan(site.owner, plan_id=plan.pk, rto_seconds=objective)
        drills.run_now(site.owner, plan_id=plan.pk)
        drain()
        following.follow_up()
        front = text(cast.admin.get(reverse("admin:index")))
        # Once, under drills, and not among the operations that wait for an answer too.
        assert front.count("The recovery time achieved is") == (1 if objective < 1 else 0)

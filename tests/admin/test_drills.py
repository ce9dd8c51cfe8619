"""Drills in the console: plans and their verbs, drills and their reports, coverage."""

from __future__ import annotations

from django.urls import reverse

from groups import models
from groups.admin import shown
from groups.engine.drills import following
from groups.services import drills
from tests.support import domain


def test_a_drill_is_run_from_its_plan_and_its_report_is_read(cast, site):
    group = site.enabled_group(1)
    plan = drills.create_plan(site.owner, name="weekly", groups=[group.pk], cron="0 3 * * 6")
    page = cast.admin.get(shown.page(plan)).content.decode()
    assert "Run now" in page
    assert "0 3 * * 6" in page

    asked = reverse("admin:groups_drillplan_run", args=[plan.pk])
    answer = cast.admin.post(asked, {"reason": "before the audit"})
    assert answer.status_code == 302, answer.content.decode()
    domain.drain()
    following.follow_up()

    run = models.DrillRun.objects.get()
    assert run.verdict == "passed"
    assert "HTML" in cast.reader.get(shown.page(run)).content.decode()
    report = cast.reader.get(reverse("admin:groups_drillrun_report", args=[run.pk, "html"]))
    assert b"<svg" in report.content
    assert "default-src 'none'" in report["Content-Security-Policy"]
    assert cast.reader.get(reverse("admin:groups_drillrun_report", args=[run.pk, "exe"])).status_code == 404
    coverage = cast.reader.get(reverse("admin:groups_drillrun_coverage")).content.decode()
    assert "100.0 %" in coverage


def test_who_may_see_nothing_sees_no_drill(cast, site):
    drills.create_plan(site.owner, name="weekly", groups=[site.enabled_group(1).pk])

    assert cast.stranger.get(reverse("admin:groups_drillplan_changelist")).status_code == 403

"""Drills in the console: plans and their verbs, drills and their reports, coverage."""

from __future__ import annotations

from django.urls import reverse

from groups import models
from groups.admin import shown
from groups.engine.drills import following
from groups.services import drills
from tests.admin.conftest import page, text
from tests.support import domain


def test_a_drill_is_run_from_its_plan_and_its_report_is_read(cast, site):
    group = site.enabled_group(1)
    plan = drills.create_plan(site.owner, name="weekly", groups=[group.pk], cron="0 3 * * 6")
    of_plan = text(cast.admin.get(shown.page(plan)))
    assert "Run now" in of_plan
    assert "0 3 * * 6" in of_plan

    asked = reverse("admin:groups_drillplan_run", args=[plan.pk])
    answer = cast.admin.post(asked, {"reason": "before the audit"})
    assert answer.status_code == 302, answer.content.decode()
    domain.drain()
    following.follow_up()

    run = models.DrillRun.objects.get()
    assert run.verdict == "passed"
    assert "Pack for an auditor" in cast.reader.get(shown.page(run)).content.decode()
    report = cast.reader.get(reverse("admin:groups_drillrun_report", args=[run.pk, "html"]))
    assert b"<svg" in report.content
    assert "default-src 'none'" in report["Content-Security-Policy"]
    assert cast.reader.get(reverse("admin:groups_drillrun_report", args=[run.pk, "exe"])).status_code == 404
    coverage = cast.reader.get(reverse("admin:groups_drillrun_coverage")).content.decode()
    assert "100.0 %" in coverage
    assert "proven</span>" in coverage


def test_who_may_see_nothing_sees_no_drill(cast, site):
    drills.create_plan(site.owner, name="weekly", groups=[site.enabled_group(1).pk])

    assert cast.stranger.get(reverse("admin:groups_drillplan_changelist")).status_code == 403


def a_failed_drill(site) -> models.DrillRun:
    """Run a drill whose application check fails, as asked for by the owner of its plan."""
    group = site.enabled_group(1)
    plan = drills.create_plan(site.owner, name=f"of {group}", groups=[group.pk], checks=[{"kind": "write-order"}])
    run = drills.run_now(site.owner, plan_id=plan.pk, injections=["hook-fails"])[0]
    domain.drain()
    following.follow_up()
    run.refresh_from_db()
    return run


def test_a_report_is_attested_once_by_somebody_else_and_then_only_added_to(cast, site):
    run = a_failed_drill(site)
    models.DrillPlan.objects.update(created_by="ada")
    said = {"passed": "no", "text": "The check was broken on purpose."}

    own = cast.admin.post(page(run, "attest"), said)
    assert own.status_code == 409
    assert "another person than who asked for it or planned it" in text(own)
    assert cast.other_admin.post(page(run, "attest"), said).status_code == 302
    assert cast.other_admin.post(page(run, "attest"), said).status_code == 409
    assert cast.member.post(page(run, "note"), {"text": "Ticket 17 follows it."}).status_code == 302
    assert cast.member.post(page(run, "note"), {"text": " "}).status_code == 400

    shown_page = text(cast.reader.get(page(run)))
    assert "Failure: The check was broken on purpose." in shown_page
    assert "Ticket 17 follows it." in shown_page
    assert [entry.kind for entry in run.entries.order_by("number")] == ["report", "attestation", "addendum"]


def test_nothing_can_be_said_of_a_drill_that_has_not_ended(cast, site):
    group = site.enabled_group(1)
    plan = drills.create_plan(site.owner, name="weekly", groups=[group.pk])
    run = drills.run_now(site.owner, plan_id=plan.pk)[0]

    codes = [
        cast.admin.post(page(run, verb), {"passed": "yes", "text": "fine"}).status_code for verb in ("attest", "note")
    ]

    assert codes == [409, 409]
    assert "has no report yet" in text(cast.admin.get(page(run)))
    assert not run.entries.exists()


def test_a_gap_gets_an_owner_a_date_and_the_drill_that_shows_it_closed(cast, site):
    run = a_failed_drill(site)
    gap = models.DrillGap.objects.create(run=run, code="data-differs", severity="critical", title="Block 7 differs.")
    later = drills.run_now(site.owner, plan_id=run.plan_id)[0]
    cast.member.post(page(gap, "follow-up"), {"status": "open", "owner": "olga", "due_on": "2020-01-31"})
    assert "2020-01-31, overdue" in text(cast.reader.get(page(run)))

    answer = cast.member.post(
        page(gap, "follow-up"),
        {"status": "resolved", "owner": "olga", "due_on": "2020-01-31", "note": "new disk", "retest": str(later.pk)},
    )

    assert answer.status_code == 302, text(answer)
    gap.refresh_from_db()
    assert (gap.status, gap.owner, gap.note, gap.retest) == ("resolved", "olga", "new disk", later)
    shown_page = text(cast.reader.get(page(run)))
    assert "overdue" not in shown_page
    assert "Gap data-differs: status resolved; note: new disk; tested again by drill" in shown_page
    listed = text(cast.reader.get(reverse("admin:groups_drillgap_changelist") + "?status__exact=resolved"))
    assert "Block 7 differs." in listed
    kept = run.entries.count()
    assert "Nothing was changed." in text(
        cast.member.post(
            page(gap, "follow-up"),
            {
                "status": "resolved",
                "owner": "olga",
                "due_on": "2020-01-31",
                "note": "new disk",
                "retest": str(later.pk),
            },
            follow=True,
        )
    )
    assert run.entries.count() == kept

"""Drill plans made and changed with the console's forms."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.urls import reverse

from groups import models
from groups.services import drills
from tests.admin.conftest import Cast, page, rows, text
from tests.support.domain import Site

ADD = "admin:groups_drillplan_add"


def posted(html: str) -> dict[str, Any]:
    """Return what a browser would send for the plan form of a page as it is."""
    form = html[html.index("c-section") : html.rindex("</form>")]
    sent: dict[str, Any] = {}
    for tag in re.findall(r"<input[^>]*>", form):
        names = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        if names.get("type") in {"checkbox", "radio"} and not re.search(r" checked[ >=]", tag):
            continue
        value = names.get("value", "on" if names.get("type") == "checkbox" else "")
        sent.setdefault(names["name"], []).append(value)
    for name, inner in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)"\s+selected', inner) or re.search(r'<option value="([^"]*)"', inner)
        sent[name] = chosen.group(1) if chosen else ""
    for name, inner in re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>(.*?)</textarea>', form, re.DOTALL):
        sent[name] = inner.strip()
    return sent


def test_a_plan_is_made_with_everything_it_may_say(site: Site, cast: Cast):
    group = site.enabled_group(1)
    wanted = posted(text(cast.member.get(reverse(ADD)))) | {
        "name": "weekly",
        "groups": [str(group.pk)],
        "timezone": "Europe/Berlin",
        "cron": "30 2 * * 6",
        "windows-0-days": ["5", "6"],
        "windows-0-begin": "22:00",
        "windows-0-end": "05:00",
        "blackouts-0-begin": "2026-12-20",
        "blackouts-0-end": "2027-01-06",
        "checks-0-kind": "http",
        "checks-0-name": "answers",
        "checks-0-run": "http://127.0.0.1:1/ready",
        "checks-0-only_warn": "on",
        "objectives-0-group": str(group.pk),
        "objectives-0-rto_seconds": "90",
        "rpo_seconds": "60",
        "emails": "oncall@example.org\nboss@example.org",
        "webhooks": "https://hooks.example/T1/secret-part",
    }

    answer = cast.member.post(reverse(ADD), wanted)

    assert answer.status_code == 302, text(answer)
    plan = models.DrillPlan.objects.get()
    assert (plan.name, plan.timezone, plan.cron, plan.created_by) == ("weekly", "Europe/Berlin", "30 2 * * 6", "member")
    assert list(plan.groups.all()) == [group]
    assert plan.windows == [{"days": [5, 6], "from": "22:00", "to": "05:00"}]
    assert plan.blackouts == [{"from": "2026-12-20", "to": "2027-01-06"}]
    assert (plan.checks[0]["name"], plan.checks[0]["on_failure"]) == ("answers", "warn")
    assert plan.objectives == {str(group.pk): {"rto_seconds": 90}}
    assert plan.emails == ["oncall@example.org", "boss@example.org"]
    shown = text(cast.member.get(page(plan)))
    assert "Sat, Sun 22:00 to 05:00" in shown
    assert "1 webhook" in shown
    assert "secret-part" not in shown + text(cast.admin.get(page(plan, "edit")))


def test_a_form_that_is_sent_back_as_it_is_changes_nothing(site: Site, cast: Cast):
    group = site.enabled_group(1)
    plan = drills.create_plan(
        site.owner,
        name="weekly",
        groups=[group.pk],
        every_days=30,
        windows=[{"from": "22:00", "to": "24:00"}],
        blackouts=[{"from": "2026-12-20", "to": "2027-01-06"}],
        checks=[{"kind": "write-order", "blocks": 7}, {"kind": "command", "run": "look", "timeout_seconds": 0.5}],
        objectives={str(group.pk): {"rpo_seconds": 5}},
        webhooks=["https://hooks.example/T1"],
        emails=["oncall@example.org"],
        regulatory_tags=["DORA Art. 11(6)"],
    )
    drills.approve_plan(site.admin, plan_id=plan.pk)
    before = rows()

    answer = cast.admin.post(page(plan, "edit"), posted(text(cast.admin.get(page(plan, "edit")))), follow=True)

    assert "Nothing was changed." in text(answer)
    assert rows() == before


def test_a_change_names_what_changed_and_takes_the_approval_away(site: Site, cast: Cast):
    plan = drills.create_plan(site.owner, name="weekly", groups=[site.enabled_group(1).pk], cron="0 3 * * 6")
    assert cast.admin.post(page(plan, "approve")).status_code == 302
    form = posted(text(cast.member.get(page(plan, "edit"))))

    cast.member.post(page(plan, "edit"), form | {"cron": "0 4 * * 6", "rto_seconds": "300"})

    plan.refresh_from_db()
    assert (plan.version, plan.approved_by, plan.cron, plan.rto_seconds) == (2, "", "0 4 * * 6", 300)
    assert models.AuditEntry.objects.latest("id").detail == "changed: cron, rto_seconds"


@pytest.mark.parametrize(
    "wrong,said",
    [
        ({"cron": "never"}, "is no cron expression"),
        ({"windows-0-begin": "22:00"}, "Give this too, or leave the whole row empty."),
        ({"windows-0-begin": "25:00", "windows-0-end": "26:00"}, "is no window such as"),
        ({"emails": "nobody"}, "is no e-mail address"),
        ({"every_days": "0"}, "greater than or equal to 1"),
        ({"groups": []}, "Name the groups to drill, or a backend"),
        ({"checks-0-kind": "command", "checks-0-run": "../bad"}, "without a path"),
    ],
)
def test_what_cannot_be_is_refused_with_its_reason_and_leaves_nothing(site: Site, cast: Cast, wrong, said):
    good = posted(text(cast.member.get(reverse(ADD)))) | {"name": "weekly", "groups": [str(site.new_group(0).pk)]}
    before = rows()

    answer = cast.member.post(reverse(ADD), good | wrong)

    assert answer.status_code in {400, 422}
    assert said in text(answer)
    assert rows() == before


def test_only_those_who_may_plan_drills_get_the_form(site: Site, cast: Cast):
    before = rows()

    codes = [each.post(reverse(ADD), {"name": "weekly"}).status_code for each in (cast.reader, cast.stranger)]

    assert codes == [403, 403]
    assert rows() == before


def test_a_plan_is_approved_by_another_person_than_its_author_and_frozen_and_thawed(site: Site, cast: Cast):
    plan = drills.create_plan(site.owner, name="weekly", groups=[site.enabled_group(1).pk])
    models.DrillPlan.objects.update(created_by="ada")
    assert cast.admin.post(page(plan, "approve")).status_code == 409
    assert "approved by another person than its author" in text(cast.admin.get(page(plan)))

    assert cast.other_admin.post(page(plan, "approve")).status_code == 302
    cast.member.post(page(plan, "freeze"))
    assert "thaw it first" in text(cast.member.get(page(plan)))
    assert cast.member.post(page(plan, "run")).status_code == 409
    cast.member.post(page(plan, "thaw"))

    plan.refresh_from_db()
    assert (plan.approved_by, plan.frozen) == ("grace", False)


def test_an_admin_freezes_and_thaws_every_plan_at_once_and_nobody_else_does(site: Site, cast: Cast):
    for name in ("weekly", "monthly"):
        drills.create_plan(site.owner, name=name, groups=[site.new_group(0).pk])
    address, listed = reverse("admin:groups_drillplan_freeze_all"), reverse("admin:groups_drillplan_changelist")

    codes = [each.post(address, {"what": "freeze"}).status_code for each in (cast.member, cast.reader, cast.stranger)]
    assert codes == [403, 403, 403]
    assert cast.admin.get(address, {"what": "freeze"}).status_code == 200
    assert not models.DrillPlan.objects.filter(frozen=True).exists()
    assert "Plans frozen: 2." in text(cast.admin.post(address, {"what": "freeze"}, follow=True))
    assert models.DrillPlan.objects.filter(frozen=True).count() == 2
    cast.admin.post(address, {"what": "thaw"})

    assert not models.DrillPlan.objects.filter(frozen=True).exists()
    assert address in text(cast.admin.get(listed))
    assert address not in text(cast.member.get(listed))

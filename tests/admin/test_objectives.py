"""Objectives set in the console: for a group, its type, the whole site."""

from __future__ import annotations

from django.urls import reverse

from groups import models
from groups.queries import objectives
from tests.admin.conftest import Cast, page, rows, text
from tests.support.domain import Site

SITE = "admin:groups_siteobjectives_changelist"


def held(group: models.Group) -> float | None:
    return objectives.of(models.Group.objects.get(pk=group.pk)).rpo.critical


def test_the_nearest_level_holds_and_the_page_of_a_group_says_what_holds_where_it_has_none(site: Site, cast: Cast):
    group = site.enabled_group(1)

    for address, seconds in (
        (reverse(SITE), "900"),
        (page(site.group_type, "objectives"), "300"),
        (page(group, "objectives"), "60"),
    ):
        assert cast.admin.post(address, {"rpo_critical_seconds": seconds}).status_code == 302
        assert held(group) == float(seconds)

    assert "Empty: 300 s, as its type says." in text(cast.admin.get(page(group, "objectives")))
    cast.admin.post(page(group, "objectives"), {})
    assert held(group) == 300
    cast.admin.post(page(site.group_type, "objectives"), {"rpo_warning_seconds": "100"})
    assert site.group_type.specs["replsite:rpo_warning_seconds"] == "100"
    assert held(group) == 900
    assert "Empty: 900 s, as the site says." in text(cast.member.get(page(group, "objectives")))


def test_a_member_sets_those_of_a_group_and_an_admin_alone_those_of_the_site(site: Site, cast: Cast):
    group = site.new_group(0)
    assert cast.member.post(page(group, "objectives"), {"rto_critical_seconds": "5"}).status_code == 302
    before = rows()

    codes = [each.post(reverse(SITE), {"rpo_critical_seconds": "9"}).status_code for each in (cast.member, cast.reader)]

    assert codes == [403, 403]
    assert cast.stranger.get(reverse(SITE)).status_code == 403
    assert rows() == before
    shown = text(cast.reader.get(reverse(SITE)))
    assert "Objectives of the site" in shown
    assert "Save" not in shown


def test_levels_the_wrong_way_round_are_refused_and_nothing_is_kept(site: Site, cast: Cast):
    group = site.new_group(0)
    before = rows()

    for address in (page(group, "objectives"), page(site.group_type, "objectives"), reverse(SITE)):
        answer = cast.admin.post(address, {"rpo_warning_seconds": "90", "rpo_critical_seconds": "30"})
        assert answer.status_code in {400, 422}
        assert "90 is more than 30" in text(answer)
        assert cast.admin.post(address, {"rto_critical_seconds": "-1"}).status_code == 400

    assert rows() == before


def test_who_set_them_is_in_the_audit_trail(site: Site, cast: Cast):
    group = site.new_group(0)

    cast.admin.post(page(group, "objectives"), {"rpo_critical_seconds": "60"})
    cast.admin.post(reverse(SITE), {"rto_critical_seconds": "600"})

    kept = models.AuditEntry.objects.order_by("-id")[:2]
    assert [(each.user_name, each.action, each.detail) for each in kept] == [
        ("ada", "site:set-objectives", "rto_critical_seconds=600"),
        ("ada", "group:set-objectives", "rpo_critical_seconds=60"),
    ]
    assert "objectives of the site" in text(cast.admin.get(page(kept[0])))

"""W2, W16, W17, W18, W20, C3, C9: no status holds a group for good, and none outlives its cause."""

from __future__ import annotations

from typing import Any

import pytest

from groups import models
from groups.statuses import ReplicationStatus
from tests.api.v3 import people
from tests.faults.cinder_weaknesses import story
from tests.support import domain

REASON = "The array was mended by hand."
PATHS = {
    "a failed enable": ("disabled", "enable_replication", {}, "enable_replication", "error"),
    "a failed disable": ("enabled", "disable_replication", {}, "disable_replication", "error"),
    "a failed failover": ("enabled", story.FAILOVER, {}, "promote", "failover-error"),
    "a failed failback": (
        "failed-over",
        story.FAILOVER,
        {"secondary_backend_id": "default"},
        "promote",
        "failover-error",
    ),
}


def ready(site: domain.Site, status: str, size: int = 2) -> models.Group:
    """Return a group of some replication status."""
    made = {"disabled": site.new_group, "enabled": site.enabled_group, "failed-over": site.failed_over_group}
    return made[status](size)


def put(group: models.Group, **columns: str) -> None:
    """Write columns of a group as no verb would."""
    models.Group.objects.filter(pk=group.pk).update(**columns)


def shown(person: people.Person, group: models.Group) -> tuple[str, str]:
    """Return a group's two statuses."""
    fields: dict[str, Any] = person.get(f"/groups/{group.pk}").body["group"]
    return fields["status"], fields["replication_status"]


@pytest.mark.parametrize("path", PATHS)
def test_w2_every_status_a_failure_leads_to_is_left_by_verbs_of_a_plain_member(cast, site, path):
    status, verb, value, method, failed = PATHS[path]
    group = ready(site, status)
    site.control.add_fault(call=method, action="fail", volume=2, times=1)

    assert cast.olga.act(group, verb, value).status == 202
    domain.drain()

    assert shown(cast.olga, group) == ("available", failed)
    # While its primary answers, a half-protected group is first protected whole, then moved.
    assert story.leads(cast.olga, site, group) == story.LEADS[failed]


@pytest.mark.unjudged("a status is written by hand")
@pytest.mark.parametrize("stuck", ReplicationStatus)
def test_w2_c3_an_admin_who_says_why_sets_any_replication_status_right_for_group_and_volumes(cast, site, stuck):
    group = site.enabled_group(2)
    put(group, replication_status=stuck)
    models.Volume.objects.filter(group=group).update(replication_status=stuck)

    refused = cast.olga.act(group, "reset_status", {"replication_status": "enabled", "reason": REASON})
    unreasoned = cast.ada.act(group, "reset_status", {"replication_status": "enabled"})
    granted = cast.ada.act(group, "reset_status", {"replication_status": "enabled", "reason": REASON})

    assert (refused.status, unreasoned.status, granted.status) == (403, 400, 202)
    assert story.seen(cast.olga, site, group) == story.whole(2, replication="enabled")
    event = models.Event.objects.filter(subject_id=group.pk).first()
    assert (event.old, event.new, event.volumes, event.reason, event.actor) == (stuck, "enabled", 2, REASON, "ada")


@pytest.mark.unjudged("a status is written by hand")
@pytest.mark.parametrize("to", ["disabled", "enabled", "failed-over", "error"])
def test_w2_c3_from_whatever_an_admin_sets_the_verbs_lead_to_what_is_true(cast, site, to):
    group = ready(site, "failed-over" if to == "failed-over" else "enabled")
    put(group, replication_status="failing-over")
    models.Volume.objects.filter(group=group).update(replication_status="failing-over")

    assert cast.ada.act(group, "reset_status", {"replication_status": to, "reason": REASON}).status == 202

    assert story.leads(cast.olga, site, group) == story.LEADS[to]


def test_w16_disabling_a_group_in_error_leaves_no_error_word(cast, site):
    group = site.enabled_group(2)
    assert cast.ada.act(group, "reset_status", {"status": "error"}).status == 202
    assert shown(cast.olga, group) == ("error", "enabled")

    assert cast.olga.act(group, "disable_replication", {}).status == 202
    domain.drain()

    assert story.ended(group).state == "succeeded"
    assert story.seen(cast.olga, site, group) == story.whole(2, replication="disabled")
    assert story.leads(cast.olga, site, group) == story.LEADS["disabled"]


def test_w2_a_failed_change_of_members_keeps_no_group_from_failing_over(cast, site):
    group = site.enabled_group(2)
    site.control.add_fault(call="update_group", action="fail", times=1)
    leaving = str(domain.members(group)[1].pk)
    assert cast.olga.put(f"/groups/{group.pk}", {"group": {"remove_volumes": leaving}}).status == 202
    domain.drain()
    assert story.ended(group).state == "failed"

    assert cast.olga.act(group, story.FAILOVER, {}).status == 202
    domain.drain()

    assert shown(cast.olga, group) == ("available", "failed-over")


@pytest.mark.parametrize("path", PATHS)
def test_w16_success_after_a_failure_leaves_no_error_word(cast, site, path):
    status, verb, value, method, _ = PATHS[path]
    group = ready(site, status)
    site.control.add_fault(call=method, action="fail", volume=2, times=1)
    cast.olga.act(group, verb, value)
    domain.drain()

    assert cast.olga.act(group, verb, value).status == 202
    domain.drain()

    done = story.ended(group)
    assert (done.state, done.error, done.error_code, done.remedy, done.incident) == ("succeeded", "", "", "", "")
    seen = story.seen(cast.olga, site, group)
    assert "error" not in str(seen)
    assert len({seen.replication, *(word for _, word in seen.volumes)}) == 1


def test_w17_adding_to_a_failed_over_group_is_refused_and_bricks_nothing(cast, site):
    group = site.failed_over_group(2)
    lone = domain.volumes.create(site.owner, size_gib=1, volume_type="replicable", name="lone")
    domain.drain()

    added = cast.olga.put(f"/groups/{group.pk}", {"group": {"add_volumes": str(lone.pk)}})
    fields = {"size": 1, "volume_type": "replicable", "group_id": str(group.pk)}
    made = cast.olga.post("/volumes", {"volume": fields})

    assert (added.status, made.status) == (400, 400)
    assert "is: failed-over" in added.message
    assert "fail back first" in made.message
    assert story.seen(cast.olga, site, group) == story.whole(2, replication="failed-over", on="site-b")
    assert story.leads(cast.olga, site, group) == story.LEADS["failed-over"]


def test_w17_a_volume_that_leaves_a_group_takes_no_replication_status_along(cast, site):
    group = site.enabled_group(3)
    leaving = domain.members(group)[1]

    assert cast.olga.put(f"/groups/{group.pk}", {"group": {"remove_volumes": str(leaving.pk)}}).status == 202
    domain.drain()

    alone = cast.olga.get(f"/volumes/{leaving.pk}").body["volume"]
    assert (alone["status"], alone["replication_status"], alone["group_id"]) == ("available", "disabled", None)
    assert story.writable_on(site, leaving.pk) == ("",)
    assert site.control.inventory("site-b").isdisjoint({f"volume {leaving.pk}"})
    assert story.seen(cast.olga, site, group) == story.whole(2, replication="enabled")
    assert story.leads(cast.olga, site, group) == story.LEADS["enabled"]


@pytest.mark.parametrize("status", ["enabled", "failed-over"])
def test_w17_deleting_a_replicated_group_leaves_nothing_on_any_site(cast, site, status):
    group = ready(site, status)

    assert cast.olga.act(group, "delete", {"delete-volumes": True}).status == 202
    domain.drain()

    assert cast.olga.get(f"/groups/{group.pk}").status == 404
    assert cast.olga.get("/volumes").body["volumes"] == []
    assert {side: list(site.control.inventory(side)) for side in story.SIDES} == {side: [] for side in story.SIDES}


def test_w18_a_new_volume_says_disabled_and_blocks_nothing(cast, site):
    group = site.new_group(0)
    fields = {"size": 1, "volume_type": "replicable", "group_id": str(group.pk)}

    made = cast.olga.post("/volumes", {"volume": fields}).body["volume"]
    alone = cast.olga.post("/volumes", {"volume": {**fields, "group_id": None}}).body["volume"]
    domain.drain()

    assert (made["replication_status"], alone["replication_status"]) == ("disabled", "disabled")
    assert cast.olga.act(group, "enable_replication", {}).status == 202
    domain.drain()
    assert story.seen(cast.olga, site, group) == story.whole(1, replication="enabled")


def test_w18_a_volume_made_in_an_enabled_group_is_protected_by_enabling_once_more(cast, site):
    group = site.enabled_group(1)
    fields = {"size": 1, "volume_type": "replicable", "group_id": str(group.pk)}
    assert cast.olga.post("/volumes", {"volume": fields}).status == 202
    domain.drain()
    assert [word for _, word in story.seen(cast.olga, site, group).volumes] == ["enabled", "disabled"]

    assert cast.olga.act(group, "enable_replication", {}).status == 202
    domain.drain()

    assert story.seen(cast.olga, site, group) == story.whole(2, replication="enabled")


@pytest.mark.unjudged("a status is written by hand")
@pytest.mark.parametrize("status", ["error", "error_deleting"])
def test_w20_renaming_a_group_in_error_does_not_make_it_available(cast, site, status):
    group = site.new_group(1)
    put(group, status=status)

    answer = cast.olga.put(f"/groups/{group.pk}", {"group": {"name": "mended", "description": "or so they say"}})

    fields = cast.olga.get(f"/groups/{group.pk}").body["group"]
    assert answer.status == 202
    assert (fields["name"], fields["status"]) == ("mended", status)
    assert cast.olga.act(group, "reset_status", {"status": "available"}).status == 403
    assert cast.ada.act(group, "reset_status", {"status": "available"}).status == 202
    assert shown(cast.olga, group) == ("available", "disabled")


@pytest.mark.parametrize("status", ["disabled", "enabled", "failed-over"])
def test_c9_an_empty_group_goes_every_way_a_full_one_does(cast, site, status):
    group = ready(site, status, 0)

    assert story.leads(cast.olga, site, group) == story.LEADS[status]


def test_c9_volumes_that_come_to_an_empty_enabled_group_are_protected_by_enabling(cast, site):
    group = site.enabled_group(0)
    fields = {"size": 1, "volume_type": "replicable", "group_id": str(group.pk)}
    assert cast.olga.post("/volumes", {"volume": fields}).status == 202
    domain.drain()

    refused = cast.olga.act(group, story.FAILOVER, {})
    granted = cast.olga.act(group, "enable_replication", {})
    domain.drain()

    assert (refused.status, granted.status) == (400, 202)
    assert story.leads(cast.olga, site, group) == story.LEADS["enabled"]

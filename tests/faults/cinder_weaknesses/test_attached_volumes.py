"""W24: hosts that have a group's volumes find their way after a failover."""

from __future__ import annotations

from tests.api.v3 import people
from tests.faults.cinder_weaknesses import story
from tests.support import domain


def test_w24_hosts_are_told_the_way_to_the_active_side_and_who_must_take_it_is_listed(
    cast: people.Cast, site: domain.Site
) -> None:
    group = site.enabled_group(3)
    used, *_ = domain.members(group)
    wanted = {"volume_uuid": str(used.pk), "connector": {"host": "web-1"}}
    made = cast.olga.post("/attachments", {"attachment": wanted}).body["attachment"]
    path = f"/attachments/{made['id']}"
    assert cast.olga.post(f"{path}/action", {"os-complete": None}).status == 204

    def told() -> str:
        return str(cast.olga.get(path).body["attachment"]["connection_info"]["backend_id"])

    ways = [told()]
    site.control.site_down("")
    assert cast.olga.act(group, story.FAILOVER, {"allow_attached_volume": True}).status == 202
    domain.drain()
    ways.append(told())
    moved = domain.last_operation(group)
    site.control.site_up("")
    back = {"allow_attached_volume": True, "secondary_backend_id": "default"}
    assert cast.olga.act(group, story.FAILOVER, back).status == 202
    domain.drain()
    ways.append(told())

    assert ways == ["default", "site-b", "default"]
    [entry] = moved.result["reconnect"]
    assert (entry["attachment_id"], entry["host"]) == (made["id"], "web-1")
    assert [entry[when]["backend_id"] for when in ("before", "after")] == ["default", "site-b"]


def test_w24_who_must_take_it_is_listed_also_where_a_failover_failed_after_the_move(
    cast: people.Cast, site: domain.Site
) -> None:
    group = site.enabled_group(1)
    [used] = domain.members(group)
    attach = {"os-attach": {"host_name": "web-1", "mountpoint": "/dev/vdb"}}
    assert cast.olga.post(f"/volumes/{used.pk}/action", attach).status == 202
    site.control.add_fault(call="promote", when="after", action="fail")

    cast.olga.act(group, story.FAILOVER, {"allow_attached_volume": True, "mode": "unplanned"})
    domain.drain()

    group.refresh_from_db()
    assert (group.replication_status, group.active_backend_id) == ("failover-error", "site-b")
    [entry] = domain.last_operation(group).result["reconnect"]
    assert (entry["host"], entry["after"]["backend_id"]) == ("web-1", "site-b")

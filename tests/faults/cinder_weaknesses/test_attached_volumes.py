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

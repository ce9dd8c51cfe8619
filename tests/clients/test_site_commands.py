"""The released commands for the site as a whole: services, pools, quotas, limits, messages, zones, filters."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from drivers.fake.control import Control
from tests.clients import livesite
from tests.support import processes

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

HOST = f"replsite@{livesite.BACKEND}"


@pytest.fixture
def cinder(live: livesite.LiveSite) -> livesite.Command:
    """The `cinder` command of the admin at the newest version."""
    return livesite.Command("cinder", live.client_settings(version="3.71"), live.folder)


def service(cinder: livesite.Command) -> dict[str, str]:
    """Return the row of the backend's service."""
    [row] = cinder.rows("service-list", "--host", HOST)
    return row


def test_services_are_listed_disabled_and_enabled(cinder: livesite.Command) -> None:
    row = service(cinder)
    assert (row["Binary"], row["Zone"], row["Status"], row["State"]) == ("cinder-volume", "nova", "enabled", "up")
    assert row["Backend State"] == "up"

    cinder("service-disable", HOST, "cinder-volume", "--reason", "new disks")
    row = service(cinder)
    assert (row["Status"], row["Disabled Reason"]) == ("disabled", "new disks")
    cinder("service-enable", HOST, "cinder-volume")
    assert service(cinder)["Status"] == "enabled"
    assert "could not be found" in cinder.refused("service-enable", "moon", "cinder-volume")


def test_a_host_is_frozen_and_thawed(cinder: livesite.Command, live: livesite.LiveSite) -> None:
    cinder("freeze-host", HOST)
    try:
        live.library.volume_types.create(name := f"vt-{secrets.token_hex(3)}")
        assert "not frozen" in cinder.refused("create", "--volume-type", name, "1")
    finally:
        cinder("thaw-host", HOST)
    assert "must be True" in cinder.refused("thaw-host", HOST)


def test_a_whole_host_is_failed_over_and_back(cinder: livesite.Command, live: livesite.LiveSite) -> None:
    def is_over() -> bool:
        [found] = live.library.services.list(host=HOST)
        return bool(found.replication_status != "failing-over")

    assert "Valid targets are: site-b, site-c" in cinder.refused("failover-host", HOST, "--backend_id", "moon")
    for words in (["--backend_id", "site-c"], ["--backend_id", "default"]):
        assert cinder("failover-host", HOST, *words) == ""
        processes.wait_until(is_over, what="the site failover's end")
    cinder("service-enable", HOST, "cinder-volume")


def test_pools_and_capabilities_are_shown(cinder: livesite.Command) -> None:
    assert f"{HOST}#{livesite.BACKEND}" in cinder("get-pools")
    assert "consistent_group_replication_enabled" in cinder("get-pools", "--detail")
    assert "site-b" in cinder("get-capabilities", HOST)


def test_quotas_are_shown_changed_held_and_given_back(cinder: livesite.Command, live: livesite.LiveSite) -> None:
    project = livesite.PROJECT_ID
    live.library.volume_types.create(name := f"vt-{secrets.token_hex(3)}")
    assert cinder.properties("quota-show", project)["volumes"] == "-1"
    assert cinder.properties("quota-defaults", project)["groups"] == "-1"

    # Other tests leave volumes in this project: the command would have them looked at first.
    limits_now = ("--volumes", "0", "--groups", "7", "--skip-validation", "True")
    assert cinder.properties("quota-update", project, *limits_now)["groups"] == "7"
    try:
        assert "Maximum number of volumes allowed (0)" in cinder.refused("create", "--volume-type", name, "1")
        assert "In_use" in cinder("quota-usage", project)
        limits = {row["Name"]: row["Value"] for row in cinder.rows("absolute-limits")}
        assert (limits["maxTotalVolumes"], limits["maxTotalSnapshots"]) == ("0", "-1")
    finally:
        cinder("quota-delete", project)
    assert cinder.properties("quota-show", project)["groups"] == "-1"
    assert cinder.properties("quota-class-show", "default")["volumes"] == "-1"
    cinder("quota-class-update", "default", "--snapshots", "-1")


def test_a_failure_leaves_a_message_that_is_listed_shown_and_deleted(
    cinder: livesite.Command, live: livesite.LiveSite, openstack: livesite.Command
) -> None:
    tag = secrets.token_hex(3)
    live.library.volume_types.create(f"vt-{tag}")
    volume = live.library.volumes.create(1, volume_type=f"vt-{tag}", name=f"v-{tag}")
    live.await_volume(volume.id, status="available")
    Control(folder=live.folder / "fake" / livesite.BACKEND).add_fault(call="delete_volume", action="fail", times=1)
    live.library.volumes.delete(volume.id)
    live.await_volume(volume.id, status="error_deleting")

    [row] = cinder.rows("message-list", "--resource_uuid", volume.id)
    assert (row["Resource Type"], row["Resource UUID"]) == ("VOLUME", volume.id)
    shown = cinder.properties("message-show", row["ID"])
    assert f"Delete volume of v-{tag} failed" in shown["user_message"]
    assert shown["request_id"].startswith("req-")
    listed: Any = openstack.document("volume", "message", "list")
    assert row["ID"] in [each["ID"] for each in listed]
    told: Any = openstack.document("volume", "message", "show", row["ID"])
    assert (told["Resource UUID"], told["Request ID"]) == (volume.id, shown["request_id"])
    cinder("message-delete", row["ID"])
    assert "No message with" in cinder.refused("message-show", row["ID"])
    live.library.volumes.delete(volume.id)
    live.await_gone("volumes", volume.id)


def test_zones_filters_and_extensions_are_listed(cinder: livesite.Command) -> None:
    assert [row["Name"] for row in cinder.rows("availability-zone-list")] == ["nova"]
    assert "resource_uuid" in cinder("list-filters", "--resource", "message")
    assert "os-quota-sets" in cinder("list-extensions")


def test_the_openstack_command_knows_all_of_it(openstack: livesite.Command) -> None:
    services: Any = openstack.document("volume", "service", "list", "--long")
    assert (HOST, "enabled", "up") in [(row["Host"], row["Status"], row["State"]) for row in services]
    openstack("volume", "service", "set", "--disable", "--disable-reason", "tea", HOST, "cinder-volume")
    openstack("volume", "service", "set", "--enable", HOST, "cinder-volume")
    pools: Any = openstack.document("volume", "backend", "pool", "list")
    assert [row["Name"] for row in pools] == [f"{HOST}#{livesite.BACKEND}"]
    assert "replication" in openstack("volume", "backend", "capability", "show", HOST)
    openstack("quota", "set", "--gigabytes", "500", livesite.PROJECT_ID)
    quota: Any = openstack.document("quota", "show", "--volume", livesite.PROJECT_ID)
    assert {"Resource": "gigabytes", "Limit": 500} in quota
    openstack("quota", "set", "--gigabytes", "-1", livesite.PROJECT_ID)
    filters: Any = openstack.document("block", "storage", "resource", "filter", "list")
    assert "volume" in [row["Resource"] for row in filters]
    zones: Any = openstack.document("availability", "zone", "list", "--volume")
    assert [row["Zone Name"] for row in zones] == ["nova"]

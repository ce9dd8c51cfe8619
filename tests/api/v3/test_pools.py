"""Pools, capabilities, zones, hosts, extensions, filters, and the lists that are empty."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from groups import models, specs
from groups.api.v3 import offers
from groups.services import types
from tests.support import domain

HOST = "replsite@array"


class TestPools:
    def test_are_named_as_volumes_are_placed(self, site, cast):
        assert cast.ada.get("/scheduler-stats/get_pools", version="3.0").body == {"pools": [{"name": f"{HOST}#array"}]}

    def test_show_in_detail_what_they_can_do_and_hold(self, site, cast):
        site.new_group(2)

        [pool] = cast.ada.get("/scheduler-stats/get_pools", detail="True").body["pools"]

        shown = pool["capabilities"]
        assert shown["replication_enabled"] is shown["consistent_group_replication_enabled"] is True
        assert (shown["replication_targets"], shown["allocated_capacity_gb"]) == (["site-b", "site-c"], 2)
        assert shown["total_capacity_gb"] == shown["free_capacity_gb"] == "unknown"
        assert domain.SECRET not in str(pool)

    def test_can_be_of_a_name_or_fit_for_a_type_from_their_versions_on(self, site, cast):
        types.create(site.admin, family=types.VOLUME, name="odd", spec_values={"vendor_name": "Nobody"})

        def names(version: str = "3.71", **query: str) -> list[str]:
            return [
                each["name"]
                for each in cast.ada.get("/scheduler-stats/get_pools", version=version, **query).body["pools"]
            ]

        assert names(name="elsewhere") == []
        assert names(name=f"{HOST}#array") == names(volume_type="replicable") == [f"{HOST}#array"]
        assert names(volume_type="odd") == []
        assert len(names(version="3.27", name="elsewhere")) == len(names(version="3.34", volume_type="odd")) == 1

    def test_cost_as_many_statements_however_many_there_are(self, site, cast):
        costs = []
        for name in ("one", "two"):
            models.Backend.objects.create(name=name, driver="fake")
            with CaptureQueriesContext(connection) as captured:
                cast.ada.get("/scheduler-stats/get_pools", detail="True")
            costs.append(len(captured))

        assert costs[0] == costs[1]

    def test_are_for_admins_alone(self, site, cast):
        for path in ("/scheduler-stats/get_pools", f"/capabilities/{HOST}", "/os-hosts", f"/os-hosts/{HOST}"):
            assert cast.olga.get(path).status == 403, path


class TestCapabilities:
    @pytest.mark.parametrize("host", [HOST, f"{HOST}%23array"])
    def test_say_what_a_backend_can_do(self, site, cast, host):
        shown = cast.ada.get(f"/capabilities/{host}", version="3.0").body

        assert shown["namespace"] == f"OS::Storage::Capabilities::{HOST}#array"
        assert (shown["volume_backend_name"], shown["replication_targets"]) == ("array", ["site-b", "site-c"])
        assert shown["properties"]["group_replication_enabled"]["type"] == "boolean"

    def test_of_an_unknown_host_are_not_there(self, site, cast):
        answer = cast.ada.get("/capabilities/moon")

        assert (answer.status, answer.message) == (404, "Can't find service: moon")


def test_a_group_no_backend_can_hold_is_refused_saying_what_each_lacks(site, cast):
    """Cinder does not look at group specs, and finds out when replication is enabled."""
    models.ReplicationTarget.objects.all().delete()

    answer = cast.olga.post("/groups", {"group": {"group_type": "replicated", "volume_types": ["replicable"]}})

    assert answer.status == 400
    assert f"{specs.CONSISTENT_GROUP_REPLICATION} must be '<is> True', it is 'False'" in answer.message


class TestHosts:
    def test_are_listed_and_show_what_they_hold_by_project(self, site, cast):
        site.new_group(2)

        listed = cast.ada.get("/os-hosts", version="3.0").body["hosts"]
        shown = cast.ada.get(f"/os-hosts/{HOST}", version="3.0").body["host"]

        assert [(each["host_name"], each["service"]) for each in listed] == [
            ("replsite", "cinder-scheduler"),
            (HOST, "cinder-volume"),
        ]
        assert [(each["resource"]["project"], each["resource"]["volume_count"]) for each in shown] == [
            ("(total)", "2"),
            (site.project.pk, "2"),
        ]
        assert cast.ada.get("/os-hosts/replsite").body == {"host": []}
        assert cast.ada.get("/os-hosts/moon").status == 404


def test_the_one_zone_is_shown_to_all(site, cast):
    assert cast.rita.get("/os-availability-zone", version="3.0").body == {
        "availabilityZoneInfo": [{"zoneName": "nova", "zoneState": {"available": True}}]
    }


class TestExtensions:
    def test_are_listed_and_shown(self, site, cast):
        listed = cast.rita.get("/extensions", version="3.0").body["extensions"]

        assert {"os-services", "os-quota-sets", "os-types-manage"} <= {each["alias"] for each in listed}
        assert cast.rita.get("/extensions/os-services").body["extension"] in listed
        unknown = cast.rita.get("/extensions/os-cooking")
        assert (unknown.status, unknown.message) == (404, "Extension with alias os-cooking does not exist")


class TestResourceFilters:
    def test_name_by_what_members_may_filter(self, site, cast):
        listed = cast.rita.get("/resource_filters", version="3.33").body["resource_filters"]

        assert {each["resource"]: tuple(each["filters"]) for each in listed} == dict(offers.FILTERS)
        assert cast.rita.get("/resource_filters", resource="group").body["resource_filters"] == [
            {"resource": "group", "filters": ["name"]}
        ]

    def test_are_there_from_their_version_on_and_know_what_there_is(self, site, cast):
        assert cast.rita.get("/resource_filters", version="3.32").status == 404
        assert cast.rita.get("/resource_filters", resource="kettle").status == 400

    @pytest.mark.parametrize("noun", ["volumes", "groups", "attachments", "messages"])
    def test_are_what_the_lists_take(self, site, cast, noun):
        values = {"bootable": "true", "metadata": "{'a': 'b'}", "size": "1", "consumes_quota": "true"}
        for name in offers.FILTERS[noun.removesuffix("s")]:
            value = values.get(name, "2026-01-01" if name.endswith("_at") else "x")

            assert cast.olga.get(f"/{noun}", **{name: value}).status == 200, name


class TestWhatThereIsNoneOf:
    @pytest.mark.parametrize("address", sorted(offers.LISTS))
    def test_is_an_empty_list(self, site, cast, address):
        options = offers.LISTS[address]

        assert cast.ada.get(f"/{address}").body == {options["key"]: []}
        assert cast.olga.get(f"/{address}").status == (403 if "rule" in options else 200)

    @pytest.mark.parametrize("address", ["backups/x", "os-volume-manage"])
    def test_has_no_addresses_of_its_own(self, site, cast, address):
        assert cast.ada.get(f"/{address}").status == 404
        assert cast.ada.post(f"/{address}", {}).status == 404

"""Volumes: create, show, change, delete, reset."""

from __future__ import annotations

from typing import Any

import pytest

from groups import models
from groups.services import types
from tests.api.v3 import people
from tests.support import domain

UNKNOWN = "3f6c2f3e-6c53-4d3e-9d0a-0d3bb3a4e7f1"
NULLS = {
    "consistencygroup_id": None,
    "snapshot_id": None,
    "name": "data",
    "description": None,
    "availability_zone": None,
    "source_volid": None,
    "metadata": {},
    "imageRef": None,
    "backup_id": None,
}
ADMIN_FIELDS = {
    "migration_status",
    "provider_id",
    "cluster_name",
    "os-vol-host-attr:host",
    "os-vol-mig-status-attr:migstat",
    "os-vol-mig-status-attr:name_id",
}


def create(person: people.Person, *, version: str | None = people.LATEST, **fields: Any) -> people.Answer:
    return person.post("/volumes", {"volume": {"size": 1, "volume_type": "replicable", **fields}}, version=version)


def test_a_volume_is_created_with_the_nulls_clients_send(cast: people.Cast, drain: Any) -> None:
    answer = create(cast.olga, **NULLS)
    drain()

    assert answer.status == 202
    made = answer.body["volume"]
    assert made["status"] == "creating"
    shown = cast.olga.get(f"/volumes/{made['id']}").body["volume"]
    assert shown.pop("os-vol-tenant-attr:tenant_id") == cast.olga.project_id
    assert shown.pop("updated_at") is not None
    assert shown == {**{name: value for name, value in made.items() if name != "updated_at"}, "status": "available"}
    assert shown["links"] == [
        {"rel": "self", "href": f"http://testserver/v3/{cast.olga.project_id}/volumes/{made['id']}"},
        {"rel": "bookmark", "href": f"http://testserver/{cast.olga.project_id}/volumes/{made['id']}"},
    ]
    assert {name: shown[name] for name in ("name", "size", "volume_type", "bootable", "replication_status")} == {
        "name": "data",
        "size": 1,
        "volume_type": "replicable",
        "bootable": "false",
        "replication_status": "disabled",
    }
    assert (shown["attachments"], shown["metadata"], shown["group_id"]) == ([], {}, None)


def test_admins_see_where_a_volume_is(cast: people.Cast, site: domain.Site) -> None:
    volume = domain.members(site.new_group(1))[0]

    shown = cast.ada.get(f"/volumes/{volume.pk}").body["volume"]
    plain = cast.rita.get(f"/volumes/{volume.pk}").body["volume"]

    assert shown["os-vol-host-attr:host"] == "replsite@array#array"
    assert shown.keys() - plain.keys() == ADMIN_FIELDS


@pytest.mark.parametrize(
    "version, absent, present",
    [
        (None, {"group_id", "provider_id"}, {"migration_status"}),
        ("3.13", {"provider_id"}, {"group_id"}),
        ("3.21", {"shared_targets"}, {"provider_id"}),
        ("3.48", {"cluster_name"}, {"shared_targets", "service_uuid"}),
        ("3.61", {"volume_type_id"}, {"cluster_name"}),
        ("3.63", {"consumes_quota"}, {"volume_type_id"}),
        ("3.65", {"encryption_key_id"}, {"consumes_quota"}),
    ],
)
def test_each_version_has_its_fields(
    cast: people.Cast, site: domain.Site, version: str | None, absent: set[str], present: set[str]
) -> None:
    site.new_group(1)

    [shown] = cast.ada.get("/volumes/detail", version=version).body["volumes"]

    assert not absent & shown.keys()
    assert present <= shown.keys()


def test_a_volume_is_created_in_a_group(cast: people.Cast, site: domain.Site) -> None:
    group = site.new_group(0)

    answer = create(cast.olga, group_id=str(group.pk), size="2", metadata={"owner": "olga"})

    assert answer.status == 202
    assert answer.body["volume"]["group_id"] == str(group.pk)
    assert (answer.body["volume"]["size"], answer.body["volume"]["metadata"]) == (2, {"owner": "olga"})


def test_older_words_for_name_and_description_are_understood(cast: people.Cast) -> None:
    answer = create(cast.olga, version="3.0", display_name="old", display_description="words")

    assert (answer.body["volume"]["name"], answer.body["volume"]["description"]) == ("old", "words")


def test_unknown_words_are_an_error_only_since_3_53(cast: people.Cast) -> None:
    assert create(cast.olga, zz=1, version="3.52").status == 202
    assert create(cast.olga, zz=1, version="3.53").message == (
        "Invalid input for field/attribute volume. Value: {'size': 1, 'volume_type': 'replicable', 'zz': 1}."
        " Additional properties are not allowed ('zz' was unexpected)"
    )


def test_scheduler_hints_are_overlooked(cast: people.Cast) -> None:
    body = {"volume": {"size": 1, "volume_type": "replicable"}, "OS-SCH-HNT:scheduler_hints": {"x": "y"}}

    assert cast.olga.post("/volumes", body).status == 202


@pytest.mark.parametrize(
    "fields, status, message",
    [
        ({"size": 0}, 400, "0 is less than the minimum of 1"),
        ({"size": "0"}, 400, "size must be from 1 to"),
        ({"size": "big"}, 400, "'big' does not match"),
        ({"size": None}, 400, "give the size of the volume"),
        ({"size": 10**9}, 400, "size must be from 1 to"),
        ({"size": 1.5}, 400, "1.5 is not of type"),
        ({"name": "x" * 256}, 400, "is too long"),
        ({"metadata": {"k": 1}}, 400, "Invalid input for field/attribute k. Value: 1."),
        ({"group_id": "shop"}, 400, "'shop' is not a 'uuid'"),
        ({"group_id": UNKNOWN}, 404, f"Group {UNKNOWN} could not be found."),
        ({"volume_type": "nope"}, 404, "Volume type with name nope could not be found."),
        ({"volume_type": None}, 400, "volume_type must be provided"),
        ({"availability_zone": "mars"}, 400, "Availability zone 'mars' is invalid."),
        ({"backup_id": UNKNOWN}, 400, "leave out 'backup_id'"),
        ({"snapshot_id": UNKNOWN}, 404, f"Snapshot {UNKNOWN} could not be found."),
        ({"source_volid": UNKNOWN}, 404, f"Volume {UNKNOWN} could not be found."),
        ({"source_volid": UNKNOWN, "snapshot_id": UNKNOWN}, 400, "not both"),
        ({"imageRef": "cirros"}, 400, "leave out 'imageRef'"),
    ],
)
def test_a_volume_that_cannot_be_is_refused(
    cast: people.Cast, fields: dict[str, Any], status: int, message: str
) -> None:
    answer = create(cast.olga, **fields)

    assert answer.status == status
    assert message in answer.message
    assert models.Volume.objects.count() == 0


def test_a_volume_in_a_group_needs_one_of_the_groups_types(cast: people.Cast, site: domain.Site) -> None:
    group = site.new_group(0)
    types.create(site.admin, family=types.VOLUME, name="plain")

    untyped = create(cast.olga, group_id=str(group.pk), volume_type=None)
    wrong = create(cast.olga, group_id=str(group.pk), volume_type="plain")

    assert untyped.message == (
        "Invalid input received: volume_type must be provided when creating a volume in a group."
    )
    assert "(requested type must be supported by this group)." in wrong.message


def test_readers_create_nothing(cast: people.Cast) -> None:
    assert create(cast.rita).message == "Policy doesn't allow volume:create to be performed."


def test_another_projects_volume_does_not_exist(cast: people.Cast, site: domain.Site) -> None:
    volume = domain.members(site.new_group(1))[0]
    path = f"/volumes/{volume.pk}"

    for answer in (
        cast.otto.get(path),
        cast.otto.put(path, {"volume": {"name": "mine"}}),
        cast.otto.delete(path),
        cast.otto.post(f"{path}/action", {"os-reset_status": {"status": "error"}}),
    ):
        assert (answer.status, answer.message) == (404, f"Volume {volume.pk} could not be found.")


@pytest.mark.parametrize(
    "fields, name, description",
    [
        ({"name": "new"}, "new", "first"),
        ({"description": "second"}, "data", "second"),
        ({"display_name": "new", "display_description": "second"}, "new", "second"),
        ({"name": None}, None, "first"),
    ],
)
def test_a_volume_is_renamed(cast: people.Cast, fields: dict[str, object], name: str | None, description: str) -> None:
    made = create(cast.olga, name="data", description="first").body["volume"]

    answer = cast.carl.put(f"/volumes/{made['id']}", {"volume": fields})

    assert answer.status == 200
    assert (answer.body["volume"]["name"], answer.body["volume"]["description"]) == (name, description)


def test_a_loose_volume_is_deleted(cast: people.Cast, drain: Any) -> None:
    made = create(cast.olga).body["volume"]
    drain()

    answer = cast.carl.delete(f"/volumes/{made['id']}", cascade="False", force="False")
    drain()

    assert (answer.status, answer.body) == (202, None)
    assert cast.olga.get(f"/volumes/{made['id']}").message == f"Volume {made['id']} could not be found."


def test_a_member_of_a_group_is_not_deleted_on_its_own(cast: people.Cast, site: domain.Site) -> None:
    volume = domain.members(site.new_group(1))[0]

    answer = cast.olga.delete(f"/volumes/{volume.pk}")

    assert answer.status == 400
    assert "Invalid volume: Volume status must be available or error" in answer.message


@pytest.mark.unjudged("a status is written by hand")
def test_only_admins_delete_by_force(cast: people.Cast, drain: Any) -> None:
    made = create(cast.olga).body["volume"]
    drain()
    models.Volume.objects.filter(pk=made["id"]).update(status="attaching")
    path = f"/volumes/{made['id']}"

    assert cast.olga.delete(path, force="True").status == 403
    assert cast.ada.delete(path, force="True", version="3.22").status == 400
    assert cast.ada.delete(path, force="True").status == 202
    drain()
    assert cast.ada.get(path).status == 404


def test_an_admin_resets_a_volumes_status(cast: people.Cast, drain: Any) -> None:
    made = create(cast.olga).body["volume"]
    drain()

    answer = cast.ada.post(f"/volumes/{made['id']}/action", {"os-reset_status": {"status": "error"}})

    assert (answer.status, answer.body) == (202, None)
    assert cast.olga.get(f"/volumes/{made['id']}").body["volume"]["status"] == "error"


@pytest.mark.parametrize(
    "value, message",
    [
        ({}, "{} should be non-empty"),
        ({"status": "bogus"}, "'bogus' is not one of"),
        ({"status": "in-use"}, "Cannot reset-state to in-use because volume does not have any attachments."),
        ({"status": "error", "replication_status": "error"}, "'replication_status' was unexpected"),
    ],
)
def test_a_reset_that_makes_no_sense_is_refused(
    cast: people.Cast, drain: Any, value: dict[str, str], message: str
) -> None:
    made = create(cast.olga).body["volume"]
    drain()

    answer = cast.ada.post(f"/volumes/{made['id']}/action", {"os-reset_status": value})

    assert answer.status == 400
    assert message in answer.message


def test_members_do_not_reset_volumes(cast: people.Cast, site: domain.Site) -> None:
    volume = domain.members(site.new_group(1))[0]

    answer = cast.olga.post(f"/volumes/{volume.pk}/action", {"os-reset_status": {"status": "error"}})

    assert answer.status == 403
    assert "volume_extension:volume_admin_actions:reset_status" in answer.message

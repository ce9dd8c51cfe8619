"""Groups: create, show, change, delete, reset."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest

from groups import models
from groups.services import types
from tests.api.v3 import people
from tests.support import domain

UNKNOWN = "3f6c2f3e-6c53-4d3e-9d0a-0d3bb3a4e7f1"
WANTED = {"name": "shop", "description": None, "group_type": "replicated", "volume_types": ["replicable"]}


def create(person: people.Person, **changes: Any) -> people.Answer:
    return person.post("/groups", {"group": {**WANTED, "availability_zone": None, **changes}})


def test_a_member_creates_a_group_by_names(cast: people.Cast, site: domain.Site, drain: Any) -> None:
    answer = create(cast.olga, name=" shop ")
    drain()

    assert (answer.status, answer.body["group"].keys()) == (202, {"id", "name"})
    shown = cast.carl.get(f"/groups/{answer.body['group']['id']}", list_volume="True").body["group"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}", shown.pop("created_at"))
    assert shown == {
        "id": answer.body["group"]["id"],
        "name": "shop",
        "description": None,
        "status": "available",
        "availability_zone": "nova",
        "group_type": str(site.group_type.pk),
        "volume_types": [str(site.volume_type.pk)],
        "group_snapshot_id": None,
        "source_group_id": None,
        "volumes": [],
        "replication_status": "disabled",
    }


def test_a_group_is_shown_by_one_statement_beside_that_for_the_token(
    cast: people.Cast, site: domain.Site, django_assert_num_queries: Any
) -> None:
    group = site.new_group(3)

    with django_assert_num_queries(2):
        assert cast.carl.get(f"/groups/{group.pk}").body["group"]["name"] == group.name


def test_a_group_can_be_created_by_ids(cast: people.Cast, site: domain.Site) -> None:
    answer = create(cast.olga, group_type=str(site.group_type.pk), volume_types=[str(site.volume_type.pk)])

    assert answer.status == 202


def test_the_request_id_is_kept_with_the_operation(cast: people.Cast) -> None:
    answer = create(cast.olga)

    operation = models.Operation.objects.get(subject_id=answer.body["group"]["id"])
    assert operation.request_id == answer.headers["X-Openstack-Request-Id"]
    assert (operation.user_name, operation.door) == ("olga", "api")


@pytest.mark.parametrize(
    "changes, status, message",
    [
        ({"group_type": "nope"}, 404, "Group type with name nope could not be found."),
        ({"group_type": UNKNOWN}, 404, f"Group type {UNKNOWN} could not be found."),
        ({"volume_types": ["nope"]}, 404, "Volume type with name nope could not be found."),
        ({"volume_types": [UNKNOWN]}, 404, f"Volume type {UNKNOWN} could not be found."),
        ({"availability_zone": "mars"}, 400, "Invalid input received: Availability zone 'mars' is invalid."),
        ({"volume_types": []}, 400, "[] should be non-empty"),
        ({"volume_types": ["a", "a"]}, 400, "has non-unique elements"),
        ({"volume_types": "a"}, 400, "'a' is not of type 'array'"),
        ({"group_type": None}, 400, "None is not of type 'string'"),
        ({"name": "x" * 256}, 400, "is too long"),
        ({"zz": 1}, 400, "Additional properties are not allowed ('zz' was unexpected)"),
        ({"source_group_id": None}, 400, "Additional properties are not allowed"),
    ],
)
def test_a_group_that_cannot_be_is_refused(
    cast: people.Cast, changes: dict[str, Any], status: int, message: str
) -> None:
    answer = create(cast.olga, **changes)

    assert answer.status == status
    assert message in answer.message
    assert models.Group.objects.count() == 0


def test_a_private_volume_type_cannot_be_used_by_members(cast: people.Cast, site: domain.Site) -> None:
    types.create(site.admin, family=types.VOLUME, name="private", is_public=False)

    assert create(cast.olga, volume_types=["private"]).status == 404


def test_a_group_no_backend_can_hold_is_refused_with_the_reason(cast: people.Cast, site: domain.Site) -> None:
    types.create(site.admin, family=types.VOLUME, name="odd", spec_values={"color": "blue"})

    answer = create(cast.olga, volume_types=["odd"])

    assert answer.status == 400
    assert "color must be 'blue', it is not reported" in answer.message


def test_readers_do_not_create_groups(cast: people.Cast) -> None:
    answer = create(cast.rita)

    assert (answer.status, answer.message) == (403, "Policy doesn't allow group:create to be performed.")


def test_readers_see_what_their_project_has(cast: people.Cast, site: domain.Site) -> None:
    group = site.new_group(0)

    assert cast.rita.get(f"/groups/{group.pk}").status == 200
    assert len(cast.rita.get("/groups/detail").body["groups"]) == 1


def test_another_projects_group_does_not_exist(cast: people.Cast, site: domain.Site) -> None:
    group = site.new_group(0)
    path = f"/groups/{group.pk}"

    for answer in (
        cast.otto.get(path),
        cast.otto.put(path, {"group": {"name": "mine"}}),
        cast.otto.act(group, "delete", {"delete-volumes": True}),
        cast.otto.act(group, "enable_replication", {}),
        cast.otto.act(group, "reset_status", {"status": "error"}),
    ):
        assert (answer.status, answer.message) == (404, f"Group {group.pk} could not be found.")


@pytest.mark.parametrize(
    "version, absent, present",
    [
        ("3.13", {"group_snapshot_id", "volumes", "replication_status", "project_id"}, {"id", "status"}),
        ("3.14", {"volumes", "replication_status"}, {"group_snapshot_id", "source_group_id"}),
        ("3.25", {"replication_status"}, {"volumes"}),
        ("3.38", {"project_id"}, {"replication_status"}),
        ("3.58", set(), {"project_id"}),
    ],
)
def test_each_version_has_its_fields(
    cast: people.Cast, site: domain.Site, version: str, absent: set[str], present: set[str]
) -> None:
    group = site.new_group(0)

    shown = cast.ada.get(f"/groups/{group.pk}", version=version, list_volume="true").body["group"]

    assert not absent & shown.keys()
    assert present <= shown.keys()


def test_an_unclear_list_volume_is_refused(cast: people.Cast, site: domain.Site) -> None:
    group = site.new_group(0)

    answer = cast.olga.get(f"/groups/{group.pk}", list_volume="zz")

    assert answer.message == "Value 'zz' for 'list_volume' is not a boolean."
    assert cast.olga.get("/groups/detail", list_volume="zz").status == 400
    assert cast.olga.get(f"/groups/{group.pk}", list_volume="zz", version="3.24").status == 200


@pytest.mark.unjudged("a status is written by hand")
def test_a_rename_happens_at_once_and_leaves_the_status(cast: people.Cast, site: domain.Site) -> None:
    group = site.new_group(0)
    models.Group.objects.filter(pk=group.pk).update(status="error")

    answer = cast.carl.put(f"/groups/{group.pk}", {"group": {"name": " new name ", "description": "why"}})

    assert (answer.status, answer.body) == (202, None)
    shown = cast.carl.get(f"/groups/{group.pk}").body["group"]
    assert (shown["name"], shown["description"], shown["status"]) == ("new name", "why", "error")


def test_volumes_join_and_leave_a_group(cast: people.Cast, site: domain.Site, drain: Any) -> None:
    group = site.new_group(2)
    leaving = domain.members(group)[0]
    new = cast.olga.post("/volumes", {"volume": {"size": 1, "volume_type": "replicable"}}).body["volume"]["id"]
    drain()

    body = {"group": {"add_volumes": f"{new}, ", "remove_volumes": str(leaving.pk)}}
    answer = cast.olga.put(f"/groups/{group.pk}", body)
    drain()

    assert answer.status == 202
    shown = cast.olga.get(f"/groups/{group.pk}", list_volume="True").body["group"]
    assert shown["volumes"] == [str(domain.members(group)[0].pk), new]
    assert cast.olga.get(f"/volumes/{leaving.pk}").body["volume"]["group_id"] is None


def test_a_list_of_a_hundred_volumes_is_taken(cast: people.Cast, site: domain.Site) -> None:
    group = site.new_group(0)
    ids = ",".join(str(uuid.uuid4()) for _ in range(100))

    answer = cast.olga.put(f"/groups/{group.pk}", {"group": {"add_volumes": ids}})

    assert "because volume cannot be found." in answer.message


def test_a_group_with_volumes_is_deleted_only_with_the_flag(cast: people.Cast, site: domain.Site, drain: Any) -> None:
    group = site.new_group(2)

    refused = cast.olga.act(group, "delete", {"delete-volumes": False})
    accepted = cast.olga.act(group, "delete", {"delete-volumes": "true"})
    drain()

    assert refused.message == (
        f"Invalid Group: Group {group.pk} still contains volumes. The delete-volumes flag is required to delete it."
    )
    assert (accepted.status, accepted.body) == (202, None)
    assert cast.olga.get(f"/groups/{group.pk}").status == 404
    assert models.Volume.objects.count() == 0


def test_an_empty_group_is_deleted_without_the_flag(cast: people.Cast, site: domain.Site, drain: Any) -> None:
    group = site.new_group(0)

    assert cast.carl.act(group, "delete", {}).status == 202
    drain()
    assert not models.Group.objects.exists()


def test_an_admin_resets_a_groups_status(cast: people.Cast, site: domain.Site) -> None:
    group = site.new_group(0)

    answer = cast.ada.act(group, "reset_status", {"status": "ERROR"})

    assert (answer.status, answer.body) == (202, None)
    assert cast.ada.get(f"/groups/{group.pk}").body["group"]["status"] == "error"


def test_an_admin_resets_both_statuses_with_a_reason(cast: people.Cast, site: domain.Site) -> None:
    group = site.enabled_group(2)

    answer = cast.ada.act(
        group, "reset_status", {"status": "available", "replication_status": "error", "reason": "mirror lost"}
    )

    assert answer.status == 202
    assert cast.ada.get(f"/groups/{group.pk}").body["group"]["replication_status"] == "error"
    assert models.Event.objects.filter(new="error", reason="mirror lost").count() == 1
    assert {volume.replication_status for volume in domain.members(group)} == {"error"}


def test_actions_below_their_version_are_not_there(cast: people.Cast, site: domain.Site) -> None:
    group = site.new_group(0)

    assert cast.ada.act(group, "reset_status", {"status": "error"}, version="3.19").status == 404
    assert cast.olga.act(group, "enable_replication", {}, version="3.37").body["itemNotFound"]["code"] == 404
    assert cast.olga.act(group, "delete", {}, version="3.12").status == 404


@pytest.mark.parametrize(
    "body, message",
    [
        ({"fly": {}}, "There is no such action: fly. Verify the request body and Content-Type header and try again."),
        ({"delete": {}, "enable_replication": {}}, "Malformed request body"),
        ({}, "Malformed request body"),
        ({"delete": {"delete-volumes": "maybe"}}, "'maybe' is not one of"),
        ({"delete": None}, "None is not of type 'object'"),
        ({"delete": {"zz": 1}}, "Additional properties are not allowed"),
        ({"reset_status": {}}, "{} "),
        ({"reset_status": {"status": 3}}, "3 is not of type 'string'"),
    ],
)
def test_a_malformed_action_is_refused(cast: people.Cast, site: domain.Site, body: object, message: str) -> None:
    group = site.new_group(0)

    answer = cast.ada.post(f"/groups/{group.pk}/action", body)

    assert answer.status == 400
    assert message in answer.message
